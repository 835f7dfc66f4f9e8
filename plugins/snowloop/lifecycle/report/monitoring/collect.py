"""Reads what monitoring found over time from OPS."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from snowloop.errors import ReportError
from snowloop.lifecycle.monitoring.alert_store import list_alerts
from snowloop.lifecycle.monitoring.data_health import latencies
from snowloop.lifecycle.monitoring.drift import Period
from snowloop.lifecycle.report.monitoring.history import (
    DayOfRuns,
    DriftOfWindow,
    MeanScore,
    MonitoringHistory,
    PerformanceOfWindow,
    ScoreBin,
    Signal,
)
from snowloop.lifecycle.versions import Version, champion, model
from snowloop.sql import clock
from snowloop.workspace import Workspace
from snowloop_procedures.requests import SCORE_COLUMN

if TYPE_CHECKING:
    from snowflake.snowpark import Row

SQL = "report/monitoring.sql"
DAYS = 60
"""So many days of volume, latency and scores are read."""
WINDOWS = 60
"""And so many windows of drift, from as far back as labels are waited for."""


def collect_history(workspace: Workspace) -> MonitoringHistory:
    """Read what the last calls of ``monitor`` found. Nothing is measured or changed.

    Raises:
        ReportError: if there is no champion.
    """
    project, now = workspace.project, champion(workspace)
    if now is None:
        raise ReportError(
            f"there is nothing to show: {model(project, workspace.target)} has no champion; train and promote one"
        )
    declared, moment = project.monitoring.performance, clock(workspace.session)
    history = declared.history + declared.window
    drift = _drift(workspace, history.days + 1)
    window = _newest(drift, now.name)
    signals = tuple(_signal(row) for row in workspace.run(f"{SQL}#signals", version=now.name, days=history.days + 1))
    reference = _float(now.held_out_metrics.get(project.metric.name))
    allowed = next((each.bound for each in signals if each.name == "performance"), None)
    sign = 1.0 if project.metric.higher_is_better else -1.0
    return MonitoringHistory(
        project=project.name,
        target=workspace.target,
        champion=now.name,
        at=moment,
        alerts=list_alerts(workspace).alerts,
        drift=drift,
        scores=_scores(workspace, now, window, moment),
        score_window=window,
        mean_scores=tuple(
            MeanScore(row["DAY"], row["MODEL_VERSION"], float(row["MEAN_SCORE"]))
            for row in workspace.run(f"{SQL}#mean_scores", days=DAYS)
        ),
        metric=project.metric.name,
        reference=reference,
        worst=None if reference is None or allowed is None else reference - sign * allowed,
        performance=tuple(
            _performance(row) for row in workspace.run(f"{SQL}#performance", history=int(history.total_seconds()))
        ),
        days=_days(workspace),
        latencies=tuple(latencies(workspace, DAYS)),
        max_latency=project.monitoring.data.max_latency.total_seconds(),
        signals=signals,
    )


def _drift(workspace: Workspace, days: int) -> tuple[DriftOfWindow, ...]:
    rows = workspace.run(f"{SQL}#drift_windows", days=days, windows=WINDOWS)
    return tuple(
        DriftOfWindow(
            str(row["NAME"]).removeprefix("drift:"),
            str(row["MODEL_VERSION"]),
            _utc(row["WINDOW_START"]),
            _utc(row["WINDOW_END"]),
            int(row["N"] or 0),
            float(row["VALUE"]),
            float(row["BOUND"]),
            row["PASSED"],
        )
        for row in rows
    )


def _newest(drift: Sequence[DriftOfWindow], version: str) -> Period | None:
    """The newest window of a version."""
    own = [each for each in drift if each.version == version]
    return Period(own[-1].start, own[-1].end, own[-1].rows) if own else None


def _scores(workspace: Workspace, now: Version, window: Period | None, moment: datetime) -> tuple[ScoreBin, ...]:
    """The scores of a window; without one, of all that the version scored."""
    start, end = (window.start, window.end) if window else (datetime(1970, 1, 1, tzinfo=UTC), moment)
    rows = workspace.run(
        f"{SQL}#score_bins",
        version=now.name,
        training_set=str(now.facts.get("training_set") or ""),
        column=SCORE_COLUMN.name,
        start=_text(start),
        end=_text(end),
    )
    return tuple(
        ScoreBin(row["BIN"], _float(row["LOWER"]), _float(row["UPPER"]), int(row["TRAINED"]), int(row["N"]))
        for row in rows
    )


def _days(workspace: Workspace) -> tuple[DayOfRuns, ...]:
    runs = workspace.run("monitoring/data_health.sql#daily_runs", days=DAYS)
    judged: dict[date, bool | None] = {
        _utc(row["WINDOW_START"]).date(): row["PASSED"] for row in workspace.run(f"{SQL}#volumes", days=DAYS)
    }
    read = {row["DAY"]: row for row in runs}
    return tuple(
        DayOfRuns(
            day,
            int(read[day]["ROWS_READ"]) if day in read else 0,
            int(read[day]["ROWS_QUARANTINED"]) if day in read else 0,
            judged.get(day),
        )
        for day in sorted(read.keys() | judged.keys())
    )


def _performance(row: "Row") -> PerformanceOfWindow:
    return PerformanceOfWindow(
        str(row["MODEL_VERSION"]),
        _utc(row["WINDOW_START"]),
        _utc(row["WINDOW_END"]),
        _float(row["VALUE"]),
        _float(row["LOW"]),
        _float(row["HIGH"]),
        int(row["SCORED"] or 0),
        int(row["LABELLED"] or 0),
        bool(row["MATURE"]),
        _float(row["ESTIMATE"]),
    )


def _signal(row: "Row") -> Signal:
    start, end = (_utc(row[name] or row["CHECKED_AT"]) for name in ("WINDOW_START", "WINDOW_END"))
    return Signal(row["NAME"], start, end, _float(row["VALUE"]), _float(row["BOUND"]), row["PASSED"], row["REASON"])


def _utc(moment: Any) -> datetime:
    return moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")


def _float(value: Any) -> float | None:
    return None if value is None else float(value)
