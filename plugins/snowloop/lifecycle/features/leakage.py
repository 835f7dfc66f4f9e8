"""Stage 3c: checks whether a training set leaks the label, in features.sql and in the data, before training."""

from dataclasses import asdict

from snowloop.checks import LEAKAGE_CHECKS, Check, record
from snowloop.errors import LeakageError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.feature import Subject
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.provenance import content_hash
from snowloop.project import Project
from snowloop.sql import render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import LeakageRequest

MOMENTS = 4
"""Event times, evenly spaced by rows, at which features are computed without the rows of later events."""
PARTS = (("training", "training"), ("held_out", "held-out"))
"""The parts of a training set, and their names in messages."""
MEASURES = {"classification": "ROC AUC", "multiclass": "a mean ROC AUC of the classes of", "regression": "R2"}


def check_leakage(workspace: Workspace, subject: Subject) -> tuple[Check, ...]:
    """Check a training set for leakage, and write every check into OPS.LEAKAGE_CHECKS.

    Args:
        subject: The training set.

    Returns:
        The checks. One that the rows do not allow has failed and has no value: the gate refuses it.

    Raises:
        LeakageError: if a feature uses a column that is known only after the label, or rows of later events, or
            predicts the label alone, or the two parts of the training set share rows; the message names the feature,
            its value and the bound.
    """
    checks = [
        *_known_after_label(workspace, subject),
        *_looks_ahead(workspace, subject),
        *_shared(workspace, subject),
        *_single_features(workspace, subject),
    ]
    check_id = content_hash(subject.fingerprint, [asdict(check) for check in checks])
    record(workspace, LEAKAGE_CHECKS, checks, check_id=check_id, training_set=subject.fingerprint)
    reasons = [check.reason for check in checks if check.failed and check.value is not None]
    if reasons:
        message = f"the training set of project {workspace.project.name} leaks the label: {'; '.join(reasons)}"
        raise LeakageError(message)
    return tuple(checks)


def _known_after_label(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    checks = []
    for column in project.known_after_label:
        row = workspace.run(
            "features/known_after_label.sql",
            checked=checked_rows(project, workspace.target),
            columns=project.streamed.table_columns,
            column=column,
            features=subject.features,
            features_before=render_features(project, workspace.target, "CLEAN"),
            features_after=render_features(project, workspace.target, "EMPTIED"),
            key=project.key,
        )[0]
        changed = {each.name: int(row[f"F_{place}"]) for place, each in enumerate(subject.features, start=1)}
        using = {name: count for name, count in changed.items() if count}
        if using:
            names = ", ".join(f"{name} ({count} of {row['N']} rows change)" for name, count in using.items())
            reason = (
                f"column {column} is declared known_after_label, but features.sql uses it for {names}: remove it from "
                "features.sql"
            )
        else:
            reason = f"no feature changes when column {column}, known only after the label, is empty"
        value = max(changed.values(), default=0)
        checks.append(
            Check.of("KNOWN_AFTER_LABEL", passed=not using, reason=reason, value=value, bound=0, subject=column)
        )
    return checks


def _looks_ahead(workspace: Workspace, subject: Subject) -> list[Check]:
    """Rows of events up to a moment have the same features without the rows after it, at some moments."""
    project = workspace.project
    event_time = project.streamed.event_time
    if event_time is None:
        return []
    cuts = [f"CUT_{place}" for place in range(1, MOMENTS + 1)]
    rows = workspace.run(
        "features/looks_ahead.sql",
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
        event_time=event_time,
        cuts=[{"source": name, "features": render_features(project, workspace.target, name)} for name in cuts],
        features=subject.features,
        key=project.key,
        table=subject.table,
    )
    checks = []
    for place, feature in enumerate(subject.features, start=1):
        worst = max(rows, key=lambda row: int(row[f"F_{place}"]))
        changed, key = int(worst[f"F_{place}"]), worst[f"K_{place}"]
        reason = (
            f"feature {feature.name} differs in {changed} of {worst['N']} rows when the rows of later events "
            f"({event_time}) are left out"
        )
        if changed:
            reason += (
                f", such as {', '.join(project.key)} {key}: it looks into the future; remove windows and joins over "
                "{{ source }} from features.sql, and join other rows by as_of"
            )
        checks.append(
            Check.of("LOOKS_AHEAD", passed=not changed, reason=reason, value=changed, bound=0, subject=feature.name)
        )
    return checks


def _shared(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    column = project.split.column
    row = workspace.run(
        "features/queries.sql#shared_by_both_parts",
        table=subject.table,
        key=project.key,
        features=subject.features,
        groups=column is not None,
    )[0]
    keys, identical, held_out = (int(row[name] or 0) for name in ("SHARED_KEYS", "IDENTICAL", "HELD_OUT"))
    reason = f"{keys} keys ({', '.join(project.key)}) are both in the training part and held out, none may be"
    checks = [Check.of("SHARED_KEYS", passed=keys == 0, reason=reason, value=keys, bound=0)]
    if column:
        groups = int(row["SHARED_GROUPS"])
        reason = f"{groups} groups ({column}) have rows in the training part and held out, none may"
        checks.append(
            Check.of("SHARED_GROUPS", passed=groups == 0, reason=reason, value=groups, bound=0, subject=column)
        )
    share, bound = identical / held_out if held_out else 0.0, project.leakage.max_identical_rows
    reason = (
        f"{identical} of {held_out} held-out rows ({share:.1%}) have the features of a training row, at most "
        f"{bound:.1%} may"
    )
    if share > bound:
        reason += ": remove repeated rows in features.sql, or raise leakage.max_identical_rows"
    return [*checks, Check.of("IDENTICAL_ROWS", passed=share <= bound, reason=reason, value=share, bound=bound)]


def _single_features(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    query = render(
        "evaluation/some_rows.sql",
        table=subject.table,
        features=subject.features,
        label=project.label.column,
        key=project.key,
        training_alone=False,
        most=project.leakage.single_feature_rows,
    )
    request = LeakageRequest(
        query=query,
        features=subject.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
    )
    answer = call(workspace, EVALUATION, request)
    values, bound = answer["values"], project.leakage.max_single_feature
    checks = [_single_feature(project, name, value, bound) for name, value in values.items() if value is not None]
    unmeasured = [name for name, value in values.items() if value is None]
    if unmeasured:
        counts = (
            f"{answer[part]['rows']} {name} rows with {answer[part]['labels']} different labels" for part, name in PARTS
        )
        reason = (
            f"how well {', '.join(unmeasured)} alone predict the label cannot be measured: there are "
            f"{' and '.join(counts)}; load more rows, or hold out another share (split.holdout)"
        )
        checks.append(Check.of("SINGLE_FEATURE", passed=False, reason=reason, bound=bound))
    return checks


def _single_feature(project: Project, feature: str, value: float, bound: float) -> Check:
    measure = MEASURES[project.label.task]
    reason = f"feature {feature} alone predicts the label with {measure} {value:.3f}, at most {bound:g} is expected"
    if value > bound:
        reason += (
            ": if it is known only after the label, remove it from features.sql and declare its column "
            "known_after_label; if it is legitimate, raise leakage.max_single_feature"
        )
    return Check.of("SINGLE_FEATURE", passed=value <= bound, reason=reason, value=value, bound=bound, subject=feature)
