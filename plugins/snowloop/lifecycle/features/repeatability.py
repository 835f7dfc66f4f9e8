"""Checks the code of the features: whether it gives the same values twice, and how long each feature takes."""

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta

from snowloop.checks import FEATURE_CHECKS, Check, record
from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.feature import Feature, Subject
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.sql import identifier
from snowloop.workspace import Workspace

SLOW = timedelta(seconds=1)
"""Features that take no longer together are not timed one by one."""


def check_features(workspace: Workspace, subject: Subject) -> tuple[Check, ...]:
    """Run features.sql a second time and time each feature; both are recorded in OPS.FEATURE_CHECKS.

    REPEATABLE: rows in which a second run of features.sql gave another value. MILLISECONDS: the time that a feature
    takes for all rows that keep the contract when nothing else is asked for, or that of several features together,
    which no one of them exceeds: only what is slow is timed one by one.

    Args:
        subject: The training set.

    Returns:
        The checks, which all passed.

    Raises:
        TrainingError: if a feature has another value the second time: what depends on the clock or on chance can
            neither be reproduced nor served as it was trained.
    """
    checks = [*_repeatable(workspace, subject), *_times(workspace, subject)]
    record(workspace, FEATURE_CHECKS, checks, training_set=subject.fingerprint)
    failed = [check.reason for check in checks if check.failed]
    if failed:
        message = f"{workspace.project.directory / 'features.sql'}: {'; '.join(failed)}"
        raise TrainingError(message)
    return tuple(checks)


def _repeatable(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    row = workspace.run(
        "features/repeatable.sql",
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
        feature_rows=render_features(project, workspace.target, "CLEAN"),
        features=subject.features,
        key=project.row_key,
        table=subject.table,
    )[0]
    checks = []
    for place, feature in enumerate(subject.features, start=1):
        changed = int(row[f"F_{place}"])
        reason = f"feature {feature.name} has another value in {changed} of {row['N']} rows when it is computed again"
        reason += ": remove the clock, randomness and unordered windows from it" if changed else ""
        checks.append(
            Check.of("REPEATABLE", passed=not changed, reason=reason, value=changed, bound=0, subject=feature.name)
        )
    return checks


def _times(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    copy = identifier(workspace.database, "FEATURES", f"CLEAN_{uuid.uuid4().hex.upper()}")
    workspace.run(
        "features/queries.sql#copy_clean_rows",
        copy=copy,
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
    )
    try:
        feature_rows = render_features(project, workspace.target, copy)
        slow = min(SLOW, project.monitoring.score_card.max_feature_time)
        return list(_timed(workspace, subject.features, feature_rows, slow))
    finally:
        workspace.run("features/queries.sql#drop_copy", copy=copy)


def _timed(workspace: Workspace, features: Sequence[Feature], feature_rows: str, slow: timedelta) -> Iterator[Check]:
    """The time of each feature: that of all together if it is short, or else of each half of them."""
    started = time.perf_counter()
    row = workspace.run("features/queries.sql#some_features", features=features, feature_rows=feature_rows)[0]
    seconds = time.perf_counter() - started
    if len(features) > 1 and seconds > slow.total_seconds():
        half = len(features) // 2
        for some in (features[:half], features[half:]):
            yield from _timed(workspace, some, feature_rows, slow)
        return
    elapsed = 1000 * seconds
    others = f" together with {len(features) - 1} others" if len(features) > 1 else " alone"
    for place, feature in enumerate(features):
        reason = f"feature {feature.name}{others} took {elapsed:.1f} ms for all rows, {row[f'N_{place}']} have a value"
        yield Check.of("MILLISECONDS", passed=True, reason=reason, value=elapsed, subject=feature.name)
