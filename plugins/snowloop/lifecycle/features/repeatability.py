"""Tests the code of the features: does it give the same twice, and what does each feature cost."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.sql import identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowloop.lifecycle.features.leakage import Subject


@dataclass(frozen=True)
class FeatureCheck:
    """One check of one feature.

    Args:
        feature: The feature.
        name: REPEATABLE: rows in which a second run of features.sql gave another value; MILLISECONDS: the time that the
            feature takes for all rows of the source, when nothing else is asked for.
        value: What was found.
        bound: What is allowed at most, or None.
        passed: Whether it passed.
        reason: The outcome in words.
    """

    feature: str
    name: str
    value: float
    bound: float | None
    passed: bool
    reason: str


def check_features(workspace: Workspace, subject: "Subject") -> tuple[FeatureCheck, ...]:
    """Run features.sql a second time and time each feature; both are recorded in OPS.FEATURE_CHECKS.

    Args:
        workspace: Session, project and environment.
        subject: The training set.

    Returns:
        The checks, which all passed.

    Raises:
        TrainingError: if a feature is another one the second time: what depends on the clock or on chance can neither
            be reproduced nor served as it was trained.
    """
    checks = [*_repeatable(workspace, subject), *_times(workspace, subject)]
    names = {"database": workspace.database, "fingerprint": subject.fingerprint}
    run(workspace.session, "features/record_checks.sql", checks=checks, **names)
    failed = [check.reason for check in checks if not check.passed]
    if failed:
        message = f"{workspace.project.directory / 'features.sql'}: {'; '.join(failed)}"
        raise TrainingError(message)
    return tuple(checks)


def _repeatable(workspace: Workspace, subject: "Subject") -> Sequence[FeatureCheck]:
    project = workspace.project
    row = run(
        workspace.session,
        "features/repeatable.sql",
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
        feature_rows=render_features(project, workspace.target, "CLEAN"),
        features=subject.features,
        key=project.key,
        table=subject.table,
    )[0]
    checks = []
    for place, feature in enumerate(subject.features, start=1):
        changed = int(row[f"F_{place}"])
        words = f"feature {feature.name} has another value in {changed} of {row['N']} rows when it is computed again"
        words += ": take the clock, chance and unordered windows out of it" if changed else ""
        checks.append(FeatureCheck(feature.name, "REPEATABLE", changed, 0, changed == 0, words))
    return checks


def _times(workspace: Workspace, subject: "Subject") -> Sequence[FeatureCheck]:
    source = identifier(workspace.database, "RAW", workspace.project.table)
    feature_rows = render_features(workspace.project, workspace.target, source)
    checks = []
    for feature in subject.features:
        began = time.perf_counter()
        row = run(workspace.session, "features/one_feature.sql", feature=feature.name, feature_rows=feature_rows)[0]
        taken = 1000 * (time.perf_counter() - began)
        words = f"feature {feature.name} alone took {taken:.1f} ms for all rows, {row['N']} have it"
        checks.append(FeatureCheck(feature.name, "MILLISECONDS", taken, None, passed=True, reason=words))
    return checks
