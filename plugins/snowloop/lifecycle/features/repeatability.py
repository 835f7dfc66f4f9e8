"""Checks the code of the features: whether it gives the same values twice, and how long each feature takes."""

import time
import uuid

from snowloop.checks import FEATURE_CHECKS, Check, record
from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.feature import Subject
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.sql import identifier
from snowloop.workspace import Workspace


def check_features(workspace: Workspace, subject: Subject) -> tuple[Check, ...]:
    """Run features.sql a second time and time each feature; both are recorded in OPS.FEATURE_CHECKS.

    REPEATABLE: rows in which a second run of features.sql gave another value. MILLISECONDS: the time that a feature
    takes for all rows that keep the contract when nothing else is asked for.

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
    project, checks = workspace.project, []
    copy = identifier(workspace.database, "FEATURES", f"CLEAN_{uuid.uuid4().hex.upper()}")
    workspace.run(
        "features/queries.sql#copy_clean_rows",
        copy=copy,
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
    )
    try:
        feature_rows = render_features(project, workspace.target, copy)
        for feature in subject.features:
            started = time.perf_counter()
            row = workspace.run("features/queries.sql#one_feature", feature=feature.name, feature_rows=feature_rows)[0]
            elapsed = 1000 * (time.perf_counter() - started)
            reason = f"feature {feature.name} alone took {elapsed:.1f} ms for all rows, {row['N']} have a value"
            checks.append(Check.of("MILLISECONDS", passed=True, reason=reason, value=elapsed, subject=feature.name))
    finally:
        workspace.run("features/queries.sql#drop_copy", copy=copy)
    return checks
