"""Drift of the rows that a version scored: by window, against its baseline and against the window before."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from snowloop.checks import Check, Outcome
from snowloop.errors import MonitoringError
from snowloop.lifecycle.monitoring.drift_bounds import Bound, bound, noise, unseen_beyond
from snowloop.lifecycle.monitoring.windows import Window, record_windows
from snowloop.lifecycle.scoring.reprocess.shared import scoring_lock
from snowloop.lifecycle.versions import Version
from snowloop.project import in_words
from snowloop.workspace import Workspace
from snowloop_procedures.requests import SCORE_COLUMN

TEMPLATE = "monitoring/drift.sql"
TOTAL = "(total)"
BEGINNING = "1970-01-01 00:00:00"


@dataclass(frozen=True)
class Period:
    """A period of scoring.

    Args:
        start: Its beginning, in UTC.
        end: Its end, exclusive.
        rows: Rows that were scored in it.
    """

    start: datetime
    end: datetime
    rows: int

    def __str__(self) -> str:
        """Its ends, for people."""
        return f"{self.start:%Y-%m-%d %H:%M:%S} to {self.end:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Drift:
    """What was found.

    Args:
        checks: The judgements on the newest window: named ``drift:`` and the column, ``(score)`` or ``(total)``; not
            asked of a feature that is to be ignored.
        windows: How many windows were measured now.
        waiting: What is not judged yet, and why, in words; empty if there is nothing.
    """

    checks: tuple[Check, ...] = ()
    windows: int = 0
    waiting: str = ""


def drift(workspace: Workspace, version: Version) -> Drift:
    """Measure the windows of a version that ended since the last time, and write them into OPS.DRIFT.

    The scoring lock is held meanwhile: no run that began in a window can still add to it, and two calls at once measure
    each window once. Each window's checks are written into OPS.MONITORING_CHECKS.

    Args:
        version: The version, as a rule the champion.

    Returns:
        The checks of the newest window, whether it was measured now or before.

    Raises:
        MonitoringError: if the environment is of an earlier version, or a feature to ignore does not exist.
        ScoringError: if the scoring lock cannot be acquired.
    """
    project, training_set = workspace.project, str(version.facts.get("training_set") or "")
    if not workspace.exists("TABLES", "OPS", "DRIFT"):
        raise MonitoringError(
            f"{workspace.database} is of an earlier version, OPS.DRIFT does not exist: run the DAG "
            f"{project.name}__environment for target {workspace.target}, then monitor again"
        )
    names = {"version": version.name, "training_set": training_set}
    columns = workspace.run(f"{TEMPLATE}#baseline_columns", **names)
    baseline = {str(row["COLUMN_NAME"]): int(row["SINGLE"]) for row in columns}
    if not baseline:
        waiting = (
            f"drift is not measured: version {version.name} has no baseline in OPS.BASELINES, because an earlier "
            "release trained it; run the train DAG"
        )
        return Drift(waiting=waiting)
    unknown = sorted(set(project.monitoring.drift.ignore) - baseline.keys())
    if unknown:
        raise MonitoringError(
            f"monitoring.drift.ignore names {', '.join(unknown)}, which version {version.name} does not take: its "
            f"features are {', '.join(sorted(baseline.keys() - {SCORE_COLUMN.name}))}"
        )
    with scoring_lock(workspace):
        windows, waiting = _measure(workspace, version, names, baseline)
    return Drift(_newest(workspace, version.name), windows, waiting)


def _newest(workspace: Workspace, version: str) -> tuple[Check, ...]:
    """The checks of the newest window, as OPS.MONITORING_CHECKS has them."""
    rows = workspace.run(f"{TEMPLATE}#newest_checks", version=version)
    outcomes: dict[bool | None, Outcome] = {True: "passed", False: "failed", None: "not_asked"}
    return tuple(
        Check(
            row["NAME"],
            outcomes[row["PASSED"]],
            row["REASON"],
            float(row["VALUE"]),
            float(row["BOUND"]),
            subject=str(row["NAME"]).removeprefix("drift:"),
        )
        for row in rows
    )


def _measure(workspace: Workspace, version: Version, names: dict[str, str], single: dict[str, int]) -> tuple[int, str]:
    """Measure and judge the windows that are over; how many they are, and what waits.

    Args:
        single: The columns of the baseline, and how many of its rows have a category of their own.
    """
    declared = workspace.project.monitoring.drift
    last = workspace.run(f"{TEMPLATE}#last_window", version=version.name)
    since = str(last[0]["END_AT"]) if last else BEGINNING
    seconds = int(declared.window.total_seconds())
    rows = workspace.run(f"{TEMPLATE}#slices", version=version.name, seconds=seconds, since=since)
    slices = [(_moment(row["START_AT"]), int(row["N"]), bool(row["IS_OVER"])) for row in rows]
    windows, waiting = merge_windows(slices, declared.window, declared.min_rows)
    if not windows:
        return 0, _waiting(workspace, waiting)
    bounds = [{"start": str(each.start), "end": str(each.end)} for each in windows]
    before = [{"place": 0, "start": str(last[0]["START_AT"]), "end": since}] if last else []
    places = [*before, *({"place": place, **each} for place, each in enumerate(bounds, 1))]
    workspace.run(f"{TEMPLATE}#measure", **names, windows=places)
    calibrated = {
        row["COLUMN_NAME"]: float(row["MEAN"]) + 3 * float(row["DEVIATION"] or 0)
        for row in workspace.run(f"{TEMPLATE}#chunks", **names)
        if row["N"] >= declared.min_rows  # smaller ones differ from the whole by chance more than any window does
    }
    importance = _importance(workspace, version.name)
    measured = [row.as_dict() for row in workspace.run(f"{TEMPLATE}#measured", version=version.name, since=since)]
    judged = list[Window]()
    for window in windows:
        own = [row for row in measured if _moment(row["END_AT"]) == window.end]
        ends = (window.start.replace(tzinfo=UTC), window.end.replace(tzinfo=UTC), window.rows, version.name)
        judged += [Window(check, *ends) for check in _judge(workspace, window, own, single, calibrated, importance)]
    record_windows(workspace, judged)
    return len(windows), _waiting(workspace, waiting)


def merge_windows(
    slices: Sequence[tuple[datetime, int, bool]], length: timedelta, min_rows: int
) -> tuple[list[Period], Period | None]:
    """Join slices of time until they have rows enough to be judged.

    Args:
        slices: Beginning, number of rows, and whether it is over, of each slice that has rows, in order.
        length: Length of a slice.
        min_rows: Fewest rows of a window.

    Returns:
        The windows that are over and have rows enough, and what remains, if there is anything.
    """
    windows, open_ = list[Period](), None
    for start, rows, is_over in slices:
        open_ = Period(open_.start if open_ else start, start + length, rows + (open_.rows if open_ else 0))
        if is_over and open_.rows >= min_rows:
            windows.append(open_)
            open_ = None
    return windows, open_


def _judge(
    workspace: Workspace,
    window: Period,
    rows: Sequence[dict[str, Any]],
    single: dict[str, int],
    calibrated: dict[str, float],
    importance: dict[str, float],
) -> Iterator[Check]:
    """The checks of a window: of each column, and of the total of the features."""
    declared = workspace.project.monitoring.drift
    previous = {row["COLUMN_NAME"]: float(row["PSI"]) for row in rows if row["REFERENCE"] == "previous"}
    own = {row["COLUMN_NAME"]: row for row in rows if row["REFERENCE"] == "baseline"}
    chance = {
        name: noise(int(row["BINS"]), int(row["N"]), int(row["REFERENCE_N"]), len(single), declared.false_alarms)
        for name, row in own.items()
    }
    for name, row in own.items():
        limit = bound(declared.bound, chance[name], calibrated.get(name))
        beyond = _beyond(row, single[name], declared.false_alarms / len(single))
        yield _check(name, row, limit, beyond, previous.get(name), window, ignored=name in declared.ignore)
    weights = {name: max(importance.get(name, 0.0), 0.0) for name in own if name not in declared.ignore}
    whole = sum(weights.values())
    if whole > 0:
        value, by_chance, by_chunks = (
            sum(weights[name] * values.get(name, 0.0) for name in weights) / whole
            for values in ({name: float(row["PSI"]) for name, row in own.items()}, chance, calibrated)
        )
        yield _total(value, bound(declared.bound, by_chance, by_chunks), window)


def _beyond(row: dict[str, Any], single: int, error: float) -> tuple[float, str]:
    """The share of rows outside of what was trained on, beyond what is to be expected, and what to say of it.

    The outer bins are open, and what is unseen is one of the other categories: flags of 0 and 100 in place of 0 and 1
    have the same shares, as have other cities in place of many rare ones, and a PSI of 0.
    """
    if row["UNSEEN_RATE"] is None:
        outside = float(row["OUT_OF_RANGE_RATE"] or 0)
        return outside, f"{outside:.1%} of the rows are outside of all that it was trained on, has the unit changed?"
    rate, rows = float(row["UNSEEN_RATE"]), int(row["REFERENCE_N"])
    words = (
        f"{rate:.1%} of the rows have a text that it was not trained on, {single / rows:.1%} were to be expected, have "
        "the codes changed?"
    )
    return unseen_beyond(rate, int(row["N"]), single, rows, error), words


def _check(
    name: str,
    row: dict[str, Any],
    limit: Bound,
    beyond: tuple[float, str],
    previous: float | None,
    window: Period,
    *,
    ignored: bool,
) -> Check:
    psi, (outside, words) = float(row["PSI"]), beyond
    value = max(psi, outside)
    reason = (
        f"{name} of {window.rows} rows, {window}: PSI {psi:.3f}, at most {limit.value:.3f} ({limit.source}) is "
        f"allowed; {_figures(row)}"
    )
    if outside > max(psi, limit.value):
        reason += f": {words}"
    reason += f"; PSI against the window before {previous:.3f}" if previous is not None else ""
    if ignored:
        reason += "; not judged, because monitoring.drift.ignore names it"
        return Check(f"drift:{name}", "not_asked", reason, value, limit.value, subject=name)
    if value > limit.value:
        reason += ": look at the source first; if the change is real, train again"
    return Check.of(
        f"drift:{name}", passed=value <= limit.value, reason=reason, value=value, bound=limit.value, subject=name
    )


def _figures(row: dict[str, Any]) -> str:
    shown = {
        "JS distance": ("JS_DISTANCE", "{:.3f}"),
        "KS": ("KS", "{:.3f}"),
        "greatest change of a share": ("L_INFINITY", "{:.1%}"),
        "NULL": ("NULL_RATE", "{:.1%}"),
        "unseen": ("UNSEEN_RATE", "{:.1%}"),
        "out of range": ("OUT_OF_RANGE_RATE", "{:.1%}"),
        "mean shifted by": ("MEAN_SHIFT", "{:+.2f} training deviations"),
    }
    figures = {label: (row[column], form) for label, (column, form) in shown.items() if row[column] is not None}
    return ", ".join(f"{label} {form.format(float(value))}" for label, (value, form) in figures.items())


def _total(value: float, limit: Bound, window: Period) -> Check:
    reason = (
        f"all features of {window.rows} rows, {window}: PSI weighted by permutation importance {value:.3f}, at most "
        f"{limit.value:.3f} ({limit.source}) is allowed"
    )
    if value > limit.value:
        reason += ": what the model relies on has drifted; if the change is real, train again"
    return Check.of(
        f"drift:{TOTAL}", passed=value <= limit.value, reason=reason, value=value, bound=limit.value, subject=TOTAL
    )


def _importance(workspace: Workspace, version: str) -> dict[str, float]:
    rows = workspace.run(f"{TEMPLATE}#importance", model=workspace.project.model_name, version=version)
    values = json.loads(rows[0]["IMPORTANCE"] or "{}") if rows else {}
    return {str(name): float(value) for name, value in values.items()}


def _waiting(workspace: Workspace, window: Period | None) -> str:
    if window is None:
        return ""
    declared = workspace.project.monitoring.drift
    return (
        f"drift: {window.rows} rows since {window.start:%Y-%m-%d %H:%M:%S} UTC are not judged yet: a window takes "
        f"{in_words(declared.window)} and {declared.min_rows} rows"
    )


def _moment(text: Any) -> datetime:
    return datetime.fromisoformat(str(text))
