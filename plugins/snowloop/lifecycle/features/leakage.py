"""Stage 3c: does the training set give the label away? Asked of features.sql and of the data, before training."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from snowloop.checks import LEAKAGE_CHECKS, Check, record
from snowloop.errors import LeakageError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.provenance import content_hash
from snowloop.project import Project
from snowloop.sql import render, run
from snowloop.workspace import Workspace
from snowloop_procedures.requests import Feature, LeakageRequest

if TYPE_CHECKING:
    from snowflake.snowpark import Session

    from snowloop.lifecycle.features.training_set import Feature as TrainingFeature

MOMENTS = 4
"""Of the event times, evenly by rows, at which it is asked whether a feature needs what came later."""
PARTS = (("training", "training"), ("held_out", "held-out"))
"""The parts of a training set, and how they are called."""
MEASURES = {"classification": "ROC AUC", "multiclass": "a mean ROC AUC of the classes of", "regression": "R2"}


@dataclass(frozen=True)
class Subject:
    """What is checked.

    Args:
        table: Quoted name of the table with the rows of the training set.
        fingerprint: The training set's fingerprint.
        features: Its features.
    """

    table: str
    fingerprint: str
    features: "Sequence[TrainingFeature]"


def check_leakage(workspace: Workspace, subject: Subject) -> tuple[Check, ...]:
    """Check a training set for leakage, and write every check into OPS.LEAKAGE_CHECKS.

    Args:
        workspace: Session, project and environment.
        subject: The training set.

    Returns:
        The checks. One that the rows do not allow to make has not passed, and has no value: the gate refuses it.

    Raises:
        LeakageError: if a feature uses a column that is known only after the label, or rows of later events, or
            predicts the label alone, or the two parts of the training set share rows; the message names the feature,
            its value and the bound.
    """
    checks = [
        *_known_after_label(workspace, subject),
        *_looks_ahead(workspace, subject),
        *_shared(workspace.session, workspace.project, subject),
        *_single_features(workspace, subject),
    ]
    check_id = content_hash(subject.fingerprint, [asdict(check) for check in checks])
    record(workspace, LEAKAGE_CHECKS, checks, check_id=check_id, training_set=subject.fingerprint)
    found = [check.reason for check in checks if check.failed and check.value is not None]
    if found:
        message = f"the training set of project {workspace.project.name} gives the label away: {'; '.join(found)}"
        raise LeakageError(message)
    return tuple(checks)


def _known_after_label(workspace: Workspace, subject: Subject) -> list[Check]:
    project = workspace.project
    checks = []
    for column in project.known_after_label:
        row = run(
            workspace.session,
            "leakage/known_after_label.sql",
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
            names = ", ".join(f"{name} ({count} of {row['N']} rows)" for name, count in using.items())
            reason = (
                f"column {column} is declared known_after_label, but without it features.sql gives other values of "
                f"{names}: take it out of features.sql"
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
    moment = project.streamed.event_time
    if moment is None:
        return []
    cuts = [f"CUT_{place}" for place in range(1, MOMENTS + 1)]
    found = run(
        workspace.session,
        "leakage/looks_ahead.sql",
        checked=checked_rows(project, workspace.target),
        columns=list(project.streamed.table_columns),
        event_time=moment,
        cuts=[{"source": name, "features": render_features(project, workspace.target, name)} for name in cuts],
        features=subject.features,
        key=project.key,
        table=subject.table,
    )
    checks = []
    for place, feature in enumerate(subject.features, start=1):
        worst = max(found, key=lambda row: int(row[f"F_{place}"]))
        changed, key = int(worst[f"F_{place}"]), worst[f"K_{place}"]
        told = f"feature {feature.name} is another one in {changed} of {worst['N']} rows when the rows of later events "
        told += f"({moment}) are not there"
        if changed:
            told += f", such as {', '.join(project.key)} {key}: it looks into the future; take windows and joins over "
            told += "{{ source }} out of features.sql, other rows are joined by as_of"
        checks.append(
            Check.of("LOOKS_AHEAD", passed=not changed, reason=told, value=changed, bound=0, subject=feature.name)
        )
    return checks


def _shared(session: "Session", project: Project, subject: Subject) -> list[Check]:
    names: dict[str, Any] = {"table": subject.table, "key": project.key, "features": subject.features}
    column = project.split.column
    names["groups"] = column is not None
    row = run(session, "leakage/shared.sql", **names)[0]
    keys, identical, held_out = (int(row[name] or 0) for name in ("SHARED_KEYS", "IDENTICAL", "HELD_OUT"))
    reason = f"{keys} keys ({', '.join(project.key)}) are both in the training part and held out, none may be"
    share, bound = identical / held_out if held_out else 0.0, project.leakage.max_identical_rows
    words = f"{identical} of {held_out} held-out rows ({share:.1%}) have the features of a training row, at most "
    words += f"{bound:.1%} may"
    if share > bound:
        words += ": remove repeated rows in features.sql, or raise leakage.max_identical_rows"
    checks = []
    if column:
        groups = int(row["SHARED_GROUPS"])
        told = f"{groups} groups ({column}) have rows in the training part and held out, none may"
        checks = [Check.of("SHARED_GROUPS", passed=groups == 0, reason=told, value=groups, bound=0, subject=column)]
    return [
        Check.of("SHARED_KEYS", passed=keys == 0, reason=reason, value=keys, bound=0),
        *checks,
        Check.of("IDENTICAL_ROWS", passed=share <= bound, reason=words, value=share, bound=bound),
    ]


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
        features=tuple(Feature(each.name, each.type) for each in subject.features),
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
    )
    found = call(workspace, EVALUATION, request)
    values, bound = found["values"], project.leakage.max_single_feature
    checks = [_single(project, name, value, bound) for name, value in values.items() if value is not None]
    unknown = [name for name, value in values.items() if value is None]
    if unknown:
        counts = (
            f"{found[part]['rows']} {words} rows with {found[part]['labels']} different labels" for part, words in PARTS
        )
        reason = (
            f"it cannot be told how well {', '.join(unknown)} alone predict the label: there are "
            f"{' and '.join(counts)}; load more rows, or hold out another share (split.holdout)"
        )
        checks.append(Check.of("SINGLE_FEATURE", passed=False, reason=reason, bound=bound))
    return checks


def _single(project: Project, feature: str, value: float, bound: float) -> Check:
    measure = MEASURES[project.label.task]
    reason = f"feature {feature} alone predicts the label with {measure} {value:.3f}, at most {bound:g} is expected"
    if value > bound:
        reason += (
            ": is it known only after the label? Then take it out of features.sql, and declare its column "
            "known_after_label; if it is honest, raise leakage.max_single_feature"
        )
    return Check.of("SINGLE_FEATURE", passed=value <= bound, reason=reason, value=value, bound=bound, subject=feature)
