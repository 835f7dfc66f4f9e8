"""Stage 3c: checks whether a training set leaks the label, in features.sql and in the data, before training."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from snowloop.checks import LEAKAGE_CHECKS, Check, record
from snowloop.errors import LeakageError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.feature import Subject
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.provenance import content_hash
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace
from snowloop_procedures.requests import LeakageRequest

MOMENTS = 4
"""Event times, evenly spaced by rows, at which features are computed without the rows of later events."""
PARTS = (("training", "training"), ("held_out", "held-out"))
"""The parts of a training set, and their names in messages."""
MEASURES = {"classification": "ROC AUC", "multiclass": "a mean ROC AUC of the classes of", "regression": "R2"}
MOST_OF_A_CELL = 50
"""Most rows of nearly equal features that are read: more are a category."""
ENTITY = re.compile(
    r"(^|.*_)(ID|IDS|UUID|GUID|NO|NR|NUM|NUMBER|KEY|REF|IBAN|EMAIL|ACCOUNT|CLIENT|CUSTOMER|USER|MEMBER|PATIENT|DEVICE)"
)
"""Names of columns that look like those of a customer, a device or another thing that has several rows."""
ENTITIES, ENTITY_ROWS, ENTITY_SHARE = 20, 1.5, 0.05
"""Of such a column: fewest values, fewest rows of a value, and of a text of another name the least share of values."""


def check_leakage(workspace: Workspace, subject: Subject, purged: int = 0) -> tuple[Check, ...]:
    """Check a training set for leakage, and write every check into OPS.LEAKAGE_CHECKS.

    Args:
        subject: The training set.
        purged: How many training rows were left out because their label became known after the first held-out event.

    Returns:
        The checks. One that the rows do not allow has failed and has no value: the gate refuses it. A warning, which
        refuses nothing, was not asked and has a value.

    Raises:
        LeakageError: if a feature uses a column that is known only after the label, or rows of later events, or
            predicts the label alone, or training rows that repeat tell the labels of held-out rows; the message names
            the feature, its value and the bound.
    """
    answer = _measured(workspace, subject)
    checks = [
        *_known_after_label(workspace, subject),
        *_looks_ahead(workspace, subject),
        *_gap(workspace.project, answer, purged),
        *_entities(workspace),
        *_shared(workspace, subject, answer["repeats"]),
        *_single_features(workspace.project, answer),
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
    columns, checks = project.known_after_label, []
    found: set[str] = set()
    together = [tuple(columns)] if len(columns) > 1 else []
    for emptied in [*((column,) for column in columns), *together]:
        row = workspace.run(
            "features/known_after_label.sql",
            checked=checked_rows(project, workspace.target),
            columns=project.streamed.table_columns,
            emptied=emptied,
            features=subject.features,
            features_before=render_features(project, workspace.target, "CLEAN"),
            features_after=render_features(project, workspace.target, "EMPTIED"),
            key=project.row_key,
        )[0]
        changed = {each.name: int(row[f"F_{place}"]) for place, each in enumerate(subject.features, start=1)}
        using = {name: count for name, count in changed.items() if count and name not in found}
        found |= set(using)
        subjects = ", ".join(emptied)
        which = f"columns {subjects}" if len(emptied) > 1 else f"column {subjects}"
        if using:
            names = ", ".join(f"{name} ({count} of {row['N']} rows change)" for name, count in using.items())
            are, it = ("together are", "them") if len(emptied) > 1 else ("is", "it")
            reason = (
                f"{which} {are} declared known_after_label, but features.sql uses {it} for {names}: remove {it} from "
                "features.sql"
            )
        else:
            other, are = ("other ", "are") if len(emptied) > 1 else ("", "is")
            reason = f"no {other}feature changes when {which}, known only after the label, {are} empty"
        value = max(using.values(), default=0)
        checks.append(
            Check.of("KNOWN_AFTER_LABEL", passed=not using, reason=reason, value=value, bound=0, subject=subjects)
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
        key=project.row_key,
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
                f", such as {', '.join(project.row_key)} {key}: it looks into the future; remove windows and joins "
                "over {{ source }} from features.sql, and join other rows by as_of"
            )
        checks.append(
            Check.of("LOOKS_AHEAD", passed=not changed, reason=reason, value=changed, bound=0, subject=feature.name)
        )
    return checks


def _gap(project: Project, answer: dict[str, Any], purged: int) -> list[Check]:
    """Labels of training rows must be known before the held-out period begins, if it is a period."""
    if project.split.by != "time":
        return []
    if not project.purged_by:
        reason = (
            "warning: it is not declared when a label is known, so labels of training rows may reach into the held-out "
            "period: declare label.known_after or label.known_at"
        )
        return [Check("GAP", "not_asked", reason)]
    left = answer["training"]["rows"]
    reason = f"{purged} training rows are left out, because their label became known after the first held-out event"
    reason += "" if left else "; no training row is left: hold out less (split.holdout), or load earlier rows"
    return [Check.of("GAP", passed=left > 0, reason=reason, value=purged)]


def _entities(workspace: Workspace) -> list[Check]:
    """A warning of each column that looks like a customer or the like, if rows are held out one by one."""
    project = workspace.project
    columns = [
        name
        for name, column in project.streamed.table_columns.items()
        if name not in project.row_key and (column.type.startswith("VARCHAR") or ENTITY.fullmatch(name))
    ]
    if project.split.by != "hash" or not columns:
        return []
    table = identifier(workspace.database, "RAW", project.table)
    row = workspace.run("features/queries.sql#different_values", table=table, columns=columns)[0]
    checks = []
    for place, column in enumerate(columns, start=1):
        rows, values = int(row[f"N_{place}"]), int(row[f"D_{place}"])
        named = ENTITY.fullmatch(column) is not None
        if values >= ENTITIES and rows >= ENTITY_ROWS * values and (named or values >= ENTITY_SHARE * rows):
            reason = (
                f"warning: column {column} has {values} values in {rows} rows; if it names what several rows are "
                f"about, such as a customer, these are both in the training part and held out: declare split: "
                f"{{by: group, column: {column}}}"
            )
            checks.append(Check("ENTITY", "not_asked", reason, rows / values, ENTITY_ROWS, column))
    return checks


def _shared(workspace: Workspace, subject: Subject, explained: dict[str, float]) -> list[Check]:
    project = workspace.project
    column, leakage = project.split.column, project.leakage
    row = workspace.run(
        "features/queries.sql#shared_by_both_parts",
        table=subject.table,
        features=subject.features,
        groups=column is not None,
    )[0]
    identical, held_out = (int(row[name] or 0) for name in ("IDENTICAL", "HELD_OUT"))
    checks = []
    if column:
        groups = int(row["SHARED_GROUPS"])
        reason = f"{groups} groups ({column}) have rows in the training part and held out, none may"
        reason += "; their names differ in case or blanks: make them equal in the source" if groups else ""
        checks.append(
            Check.of("SHARED_GROUPS", passed=groups == 0, reason=reason, value=groups, bound=0, subject=column)
        )
    share = identical / held_out if held_out else 0.0
    rows = f"{identical} of {held_out} held-out rows ({share:.1%}) have the features of a training row"
    most = leakage.max_identical_rows
    if most is not None:
        reason = f"{rows}, at most {most:.1%} may"
        if share > most:
            reason += ": remove repeated rows in features.sql, or raise leakage.max_identical_rows"
        checks.append(Check.of("IDENTICAL_ROWS", passed=share <= most, reason=reason, value=share, bound=most))
    which = (
        ("REPEATED_ROWS", f"{rows}, and", explained["identical"]),
        ("NEAR_REPEATED_ROWS", "training rows with nearly the same features", explained["near"]),
    )
    return [*checks, *(_repeated(name, rows, value, leakage.max_explained_by_repeats) for name, rows, value in which)]


def _repeated(name: str, rows: str, explained: float, bound: float) -> Check:
    share = f"{explained:.1%} of held-out rows beyond what other rows tell"
    reason = f"{rows} tell the label of {share}, at most {bound:.1%} may"
    if explained > bound:
        reason += (
            ": the same cases are in both parts; remove those that repeat under other keys from features.sql, keep the "
            "rows of one customer or device together (split: {by: group}), or raise leakage.max_explained_by_repeats"
        )
    return Check.of(name, passed=explained <= bound, reason=reason, value=explained, bound=bound)


def _measured(workspace: Workspace, subject: Subject) -> dict[str, Any]:
    """What the procedure measures of single features and of repeated rows."""
    project = workspace.project
    names: dict[str, Any] = {
        "table": subject.table,
        "features": subject.features,
        "label": project.label.column,
        "key": project.row_key,
    }
    classes, most = max(1, len(project.label.values)), project.leakage.single_feature_rows
    request = LeakageRequest(
        query=render(
            "evaluation/some_rows.sql",
            **names,
            training_alone=False,
            by_class=project.label.task != "regression",
            most=max(1, most // classes),
        ),
        repeats=render("features/repeated_rows.sql", **names, most=most, most_of_a_cell=MOST_OF_A_CELL),
        features=subject.features,
        label=project.label.column,
        task=project.label.task,
        classes=project.label.classes,
        seed=project.seed,
    )
    answer: dict[str, Any] = call(workspace, EVALUATION, request)
    return answer


def _single_features(project: Project, answer: dict[str, Any]) -> list[Check]:
    values, bound = answer["values"], project.leakage.max_single_feature
    allowed = {each.feature: each.reason for each in project.leakage.allowed}
    checks = [_single_feature(project, name, each, bound, allowed.get(name)) for name, each in values.items() if each]
    unmeasured = [name for name, each in values.items() if not each and name not in allowed]
    if unmeasured:
        counts = (
            f"{answer[part]['rows']} {name} rows with {answer[part]['labels']} different labels"
            + (f" (of the rarest {answer[part]['rarest']})" if project.label.values else "")
            for part, name in PARTS
        )
        reason = (
            f"how well {', '.join(unmeasured)} alone predict the label cannot be measured: there are "
            f"{' and '.join(counts)}; load more rows, or hold out another share (split.holdout)"
        )
        checks.append(Check.of("SINGLE_FEATURE", passed=False, reason=reason, bound=bound))
    return checks


def _single_feature(project: Project, feature: str, found: dict[str, Any], bound: float, allowed: str | None) -> Check:
    value, measure = float(found["value"]), MEASURES[project.label.task]
    reason = (
        f"feature {feature} alone predicts the label with {measure} {value:.3f} (by {found['by']}), at most {bound:g} "
        "is expected"
    )
    if value > bound and allowed:
        reason += f"; allowed: {allowed}"
    elif value > bound:
        reason += (
            ": if it is known only after the label, remove it from features.sql and declare its column "
            "known_after_label; if it is legitimate, declare it with the reason in leakage.allowed, or raise "
            "leakage.max_single_feature"
        )
    passed = value <= bound or allowed is not None
    return Check.of("SINGLE_FEATURE", passed=passed, reason=reason, value=value, bound=bound, subject=feature)


def remarks(checks: Sequence[Check]) -> list[str]:
    """What a person should know of checks for leakage that refuse nothing: warnings, and what is allowed."""
    return [
        check.reason
        for check in checks
        if check.outcome == "not_asked"
        or (check.passed and check.value is not None and check.bound is not None and check.value > check.bound)
    ]
