"""Performance on labels that became known after scoring: by window of event time and version, in OPS.PERFORMANCE.

A window is measured again when a label of it is added or changes, and only then: found within the hour in windows that
still fill, and within a day in those that are mature. It is judged once it is mature: before
that its labels are not like those to come (who does not pay back is known earlier than who does).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

from snowloop.checks import Check
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.evaluation.evaluate import plan_of
from snowloop.lifecycle.features.known_labels import is_known
from snowloop.lifecycle.monitoring.alert_store import monitoring_lock
from snowloop.lifecycle.monitoring.due_windows import DueWindow, due_windows, plan_look, record_look
from snowloop.lifecycle.monitoring.windows import Window
from snowloop.lifecycle.procedure.calls import EVALUATION, call
from snowloop.lifecycle.versions import Version, show, versions
from snowloop.project import Project, Slice
from snowloop.sql import clock, identifier, render, render_project
from snowloop.workspace import Workspace
from snowloop_procedures.requests import PerformanceRequest
from snowloop_procedures.requests import Slice as MeasuredSlice

SQL = "monitoring/performance.sql"
AT_ONCE = 50
"""Windows that one call of the procedure measures."""


def performance(workspace: Workspace, now: Version, history: Sequence[ledger.Entry]) -> list[Window]:
    """Measure the windows of which more is known, write them into OPS.PERFORMANCE, and judge those of the champion.

    Args:
        now: The champion.
        history: The ledger: the versions in it may have scored rows.

    Returns:
        The judgements ``performance``, ``performance:<slice>`` of slices with a bound, and ``calibration``. A window
        that is not mature, or whose rows do not allow the metric, is not judged.

    Raises:
        TrainingError: if the procedure that measures breaks down.
        AlertError: if others change OPS.PERFORMANCE all the time.
    """
    known = _known_versions(workspace, {now.name, *(entry.to_version for entry in history)})
    if known:
        values = _values(workspace.project, known, workspace.database)
        look, measured = plan_look(workspace, values, clock(workspace.session))
        due = due_windows(workspace, look, measured, values)
        for first in range(0, len(due), AT_ONCE):
            _measure(workspace, values, due[first : first + AT_ONCE])
        record_look(workspace, look)
    rows = workspace.run(f"{SQL}#of_version", version=now.name, history=_history(workspace.project))
    return [window for row in rows for window in _judge(workspace.project, now, row)]


def _known_versions(workspace: Workspace, served: set[str | None]) -> list[dict[str, str]]:
    """The versions that may have scored rows and whose training rows are known, which are left out."""
    shown = f"SHOW TABLES LIKE 'TRAINING_SET_%' IN SCHEMA {identifier(workspace.database, 'FEATURES')}"
    tables = {str(row["name"]) for row in show(workspace.session, shown)}
    known = []
    for version in versions(workspace):
        table = f"TRAINING_SET_{version.facts.get('training_set')}".upper()
        if version.name in served and table in tables:
            known.append({"name": version.name, "table": identifier(workspace.database, "FEATURES", table)})
    return known


def _history(project: Project) -> int:
    """Seconds that are looked back, from the end of a window."""
    return int((project.monitoring.performance.history + project.monitoring.performance.window).total_seconds())


def _values(project: Project, known: Sequence[dict[str, str]], database: str) -> dict[str, Any]:
    """What the queries of the rows use."""
    columns = project.streamed.table_columns
    slices = [each for each in project.evaluation.slices if each.column in columns or project.serving.keep_features]
    group = project.split.column if project.split.by == "group" else None
    raw = {each.column for each in slices if each.column in columns} | ({group} if group else set())
    return {
        "label_rows": render_project(project, "label.sql", raw=identifier(database, "RAW")),
        "label": project.label.column,
        "known": is_known(project, "S.EVENT_TIME"),
        "key": project.row_key,
        "classes": project.label.classes,
        "versions": known,
        "table": identifier(database, "RAW", project.table),
        "raw_columns": sorted(raw),
        "slices": [{"column": each.column, "raw": each.column in raw, "edges": each.edges} for each in slices],
        "group": group,
        "in_time": project.split.by in ("time", "order"),
        "seconds": int(project.monitoring.performance.window.total_seconds()),
    }


def _measure(workspace: Workspace, values: dict[str, Any], due: Sequence[DueWindow]) -> None:
    """Measure some windows inside Snowflake, and replace what was written of them."""
    project = workspace.project
    estimated = project.monitoring.performance.estimate
    read = [each for each in due if each.labelled or estimated]
    measured: dict[tuple[str, str], dict[str, Any]] = {}
    estimates: dict[tuple[str, str], float | None] = {}
    if read:
        names = {"database": workspace.database, "windows": read, "since": min(each.start for each in read), **values}
        request = PerformanceRequest(
            query=render(f"{SQL}#labelled_rows", **names),
            scored=render(f"{SQL}#scored_rows", **names) if estimated else "",
            task=project.label.task,
            classes=project.label.classes,
            metric=project.metric.name,
            plan=plan_of(project),
            slices=tuple(MeasuredSlice(each["column"], tuple(each["edges"])) for each in values["slices"]),
        )
        answer = call(workspace, EVALUATION, request)
        measured = {(each["start"], each["version"]): each for each in answer["windows"]}
        estimates = {(each["start"], each["version"]): each["value"] for each in answer["estimates"]}
    rows = [
        row
        for each in due
        for row in _rows(each, measured.get((each.start, each.version)), estimates.get((each.start, each.version)))
    ]
    with monitoring_lock(workspace):
        workspace.run(f"{SQL}#forget", windows=due)
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            workspace.run(f"{SQL}#record", rows=some, metric=project.metric.name, seconds=values["seconds"])


def _rows(window: DueWindow, measured: dict[str, Any] | None, estimate: float | None) -> Iterator[dict[str, Any]]:
    """The rows of a window: all of it, which says how many were scored, and its slices."""
    calibration = (measured or {}).get("calibration") or {}
    yield {
        **_row(window, measured or {"rows": 0, "support": 0, "value": None, "interval": None}),
        "scored": window.scored,
        "calibration_error": calibration.get("error"),
        "calibration_by_chance": calibration.get("by_chance"),
        "content": window.content,
        "estimate": estimate,
    }
    for part in (measured or {}).get("slices", ()):
        yield {**_row(window, part), "slice": part["column"], "part": part["part"]}


def _row(window: DueWindow, measured: dict[str, Any]) -> dict[str, Any]:
    interval = measured["interval"] or {}
    of_the_whole = ("scored", "calibration_error", "calibration_by_chance", "content", "estimate")
    empty = dict.fromkeys(("slice", "part", *of_the_whole))
    return {
        **empty,
        "start": window.start,
        "version": window.version,
        "value": measured["value"],
        "low": interval.get("low"),
        "high": interval.get("high"),
        "labelled": measured["rows"],
        "support": measured["support"],
        "mature": window.mature,
    }


def _judge(project: Project, now: Version, row: Any) -> Iterator[Window]:
    """The judgements on one row of OPS.PERFORMANCE."""
    slices = {each.column: each for each in project.evaluation.slices}
    start, end = (row[name].replace(tzinfo=UTC) for name in ("WINDOW_START", "WINDOW_END"))
    rows = int(row["LABELLED"] or 0)
    if row["SLICE"] is None:
        yield Window(_performance(project, now, row), start, end, rows, now.name)
        yield Window(_calibration(project, row), start, end, rows, now.name)
    elif row["SLICE"] in slices and slices[row["SLICE"]].bound is not None:
        yield Window(_slice(project, slices[row["SLICE"]], row), start, end, rows, now.name)


def _performance(project: Project, now: Version, row: Any) -> Check:
    """By how much the metric is worse than on the held-out rows; above the bound if its interval is."""
    metric, declared = project.metric, project.monitoring.performance
    scored, labelled = int(row["SCORED"]), int(row["LABELLED"])
    what = f"{_span(row)}: labels of {labelled:,} of {scored:,} scored rows are known"
    why_not = _not_judged(row, metric.min_support)
    if why_not:
        return Check("performance", "not_asked", f"{what}{_figures(row)}; {why_not}", None)
    reference = float(now.held_out_metrics.get(metric.name, metric.bound))
    sign = 1.0 if metric.higher_is_better else -1.0
    allowed = declared.max_drop or max(sign * (reference - metric.bound), metric.tolerated(reference))
    drop = sign * (reference - float(row["VALUE"]))
    surely = sign * (reference - float(row["HIGH"] if metric.higher_is_better else row["LOW"]))
    reason = (
        f"{what}{_figures(row)}, on held-out rows of its training {now.judged_as} had {reference:.4f}: worse by "
        f"{drop:.4f}, surely by {surely:.4f}, {allowed:.4f} is allowed"
    )
    return Check.of("performance", passed=surely <= allowed, reason=reason, value=drop, bound=allowed)


def _slice(project: Project, declared: Slice, row: Any) -> Check:
    """By how much the metric of a slice is below its own bound; above 0 if its interval is."""
    metric, bound = project.metric, float(declared.bound or 0.0)
    name = f"performance:{declared.column}={row['PART']}"
    what = f"{_span(row)}, {declared.column} {row['PART']}: {int(row['LABELLED']):,} labels{_figures(row)}"
    why_not = _not_judged(row, 1)
    if int(row["LABELLED"]) < declared.min_rows:
        why_not = f"not judged: {declared.min_rows:,} are needed"
    if why_not:
        return Check(name, "not_asked", f"{what}; {why_not}")
    sign = 1.0 if metric.higher_is_better else -1.0
    short = sign * (bound - float(row["VALUE"]))
    surely = sign * (bound - float(row["HIGH"] if metric.higher_is_better else row["LOW"]))
    reason = f"{what}, the bound of the slice is {bound:g}: short of it by {short:.4f}, surely by {surely:.4f}"
    return Check.of(name, passed=surely <= 0, reason=reason, value=max(short, 0.0), bound=0)


def _calibration(project: Project, row: Any) -> Check:
    """The calibration error beyond what exact scores would have by chance."""
    error, chance = row["CALIBRATION_ERROR"], row["CALIBRATION_BY_CHANCE"]
    bound = project.monitoring.performance.max_calibration_error
    what = f"{_span(row)}: {int(row['LABELLED']):,} labels"
    why_not = _not_judged(row, project.metric.min_support)
    if error is None or chance is None:
        return Check("calibration", "not_asked", f"{what} do not allow a calibration error")
    value = max(float(error) - float(chance), 0.0)
    what += f", calibration error {float(error):.4f}, by chance {float(chance):.4f}"
    if bound is None or why_not:
        why_not = why_not or "not judged: monitoring.performance.max_calibration_error is not declared"
        return Check("calibration", "not_asked", f"{what}; {why_not}", value)
    reason = f"{what}, {bound:g} beyond it is allowed"
    return Check.of("calibration", passed=value <= bound, reason=reason, value=value, bound=bound)


def _span(row: Any) -> str:
    return f"rows of {row['WINDOW_START']:%Y-%m-%d %H:%M} to {row['WINDOW_END']:%Y-%m-%d %H:%M}"


def _figures(row: Any) -> str:
    estimate = "" if row["ESTIMATE"] is None else f", estimated without labels {row['ESTIMATE']:.4f}"
    if row["VALUE"] is None:
        return estimate
    ends = "" if row["LOW"] is None else f" ({row['LOW']:.4f} to {row['HIGH']:.4f})"
    return f", {row['METRIC']} is {row['VALUE']:.4f}{ends}{estimate}"


def _not_judged(row: Any, min_support: int) -> str | None:
    """Why a window is shown and not judged; None if it is judged."""
    if not row["MATURE"]:
        return "not judged: the window is not mature"
    if row["LOW"] is None:
        return "not judged: the labels do not allow the metric or its interval"
    if int(row["SUPPORT"]) < min_support:
        return f"not judged: its support is {int(row['SUPPORT']):,}, {min_support:,} is needed (metric.min_support)"
    return None
