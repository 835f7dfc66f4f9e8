"""What Snowflake's model monitor has computed, read into OPS.MONITORING_CHECKS next to Snowloop's own measures."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from snowloop.checks import Check
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.model_monitor.desired import SCORE, declared_monitor, quoted_monitor
from snowloop.lifecycle.model_monitor.observed import ObservedMonitor, observe_monitor
from snowloop.lifecycle.monitoring.windows import Window
from snowloop.lifecycle.versions import Version
from snowloop.project import Project
from snowloop.project.model_monitor import ModelMonitor
from snowloop.sql import clock
from snowloop.workspace import Workspace

SQL = "model_monitor/metrics.sql"
SIGNAL = "model_monitor"
COUNT = f"{SIGNAL}:COUNT"
STATE = "MODEL_MONITOR"
"""The check whether the monitor works."""
FIRST_LOOK = timedelta(days=30)
"""How far the first look at drift and counts goes back; later ones begin at the last window but one."""
AT_ONCE = 50
"""Metrics that one statement reads."""
PERFORMANCE = {
    "classification": ("ROC_AUC", "CLASSIFICATION_ACCURACY", "PRECISION", "RECALL", "F1_SCORE"),
    "regression": ("RMSE", "MAE"),
}
"""Performance metrics by task: https://docs.snowflake.com/en/sql-reference/functions/model-monitor-performance-metric."""


@dataclass(frozen=True)
class Asked:
    """One metric of a monitor.

    Args:
        name: The signal, such as ``model_monitor:JENSEN_SHANNON:AGE``.
        function: The table function.
        metric: Its metric.
        column: Its column; None of a performance metric, which is of the whole model.
        rows: The column of its answer that counts the rows it used; None: it is of all rows of the window.
        since: From when on windows are read, in UTC.
    """

    name: str
    function: str
    metric: str
    column: str | None
    rows: str | None
    since: str


def model_monitor(workspace: Workspace, now: Version) -> tuple[list[Check], list[Window]]:
    """Read what the declared monitor has computed of the windows that are over.

    Args:
        now: The champion.

    Returns:
        Whether the monitor works, and a judgement for each metric and window; both empty if none is declared.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if a metric cannot be read.
    """
    declared = declared_monitor(workspace.project, workspace.target)
    if declared is None:
        return [], []
    observed = observe_monitor(workspace, ())
    state = _state(observed, now)
    if observed.row is None or state.outcome == "not_asked":
        return [state], []
    features = tuple(Feature(**each) for each in now.facts.get("features", ()))
    return [state], list(_windows(workspace, declared, now, features))


def _state(observed: ObservedMonitor, now: Version) -> Check:
    """Whether the monitor is there, of the champion, and active."""
    if observed.problem:
        return Check(STATE, "not_asked", f"the account refuses SHOW MODEL MONITORS: {observed.problem}")
    if observed.row is None:
        return Check(STATE, "not_asked", "the declared model monitor does not exist yet: run snowloop apply")
    version = _version(observed)
    if version != now.name:
        reason = f"the model monitor is of {version}, the champion is {now.name}: run snowloop apply"
        return Check(STATE, "not_asked", reason)
    passed = observed.state == "ACTIVE"
    reason = f"the model monitor is {observed.state}"
    if not passed:
        reason += ": see aggregation_last_error of DESCRIBE MODEL MONITOR; snowloop apply resumes it"
    return Check.of(STATE, passed=passed, reason=reason, value=0 if passed else 1, bound=0)


def _version(observed: ObservedMonitor) -> str:
    """The version that a monitor is of; SHOW has a JSON object with model, version and function."""
    try:
        return str(json.loads(str((observed.row or {}).get("model") or "{}")).get("version_name"))
    except (json.JSONDecodeError, AttributeError):
        return "an unknown version"


def _windows(
    workspace: Workspace, declared: ModelMonitor, now: Version, features: Sequence[Feature]
) -> Iterator[Window]:
    length, moment = timedelta(days=declared.window_days), clock(workspace.session)
    newest = workspace.run(f"{SQL}#newest", name=COUNT, version=now.name)[0]["NEWEST"]
    since = newest.replace(tzinfo=UTC) - length if newest else moment - FIRST_LOOK
    asked = list(_asked(workspace.project, declared, features, since, moment))
    names = {"monitor": quoted_monitor(workspace.project, workspace.target)}
    names |= {"granularity": f"{declared.window_days} DAY", "until": _text(moment)}
    rows = [
        row
        for first in range(0, len(asked), AT_ONCE)
        for row in workspace.run(f"{SQL}#metrics", asked=asked[first : first + AT_ONCE], **names)
    ]
    scored = {row["WINDOW_START"]: int(row["VALUE"]) for row in rows if row["NAME"] == COUNT}
    for row in rows:
        start = row["WINDOW_START"].replace(tzinfo=UTC)
        if start + length <= moment and math.isfinite(row["VALUE"]):
            check = _judge(declared, str(row["NAME"]), float(row["VALUE"]), start)
            used = scored.get(row["WINDOW_START"], 0) if row["N"] is None else int(row["N"])
            yield Window(check, start, start + length, used, now.name)


def _asked(
    project: Project, declared: ModelMonitor, features: Sequence[Feature], since: datetime, moment: datetime
) -> Iterator[Asked]:
    """All metrics that are read: counts and drift of new windows; performance of all that late labels may change."""
    recent, late = _text(since), _text(moment - project.monitoring.performance.history)
    yield Asked(COUNT, "MODEL_MONITOR_STAT_METRIC", "COUNT", SCORE, None, recent)
    for column in (SCORE, *(each.name for each in features)):
        spoken = "(score)" if column == SCORE else column
        drift = f"{SIGNAL}:{declared.drift}:{spoken}"
        yield Asked(drift, "MODEL_MONITOR_DRIFT_METRIC", declared.drift, column, "COL_COUNT_USED", recent)
        if column != SCORE:
            nulls = f"{SIGNAL}:COUNT_NULL:{column}"
            yield Asked(nulls, "MODEL_MONITOR_STAT_METRIC", "COUNT_NULL", column, None, recent)
    for metric in PERFORMANCE[project.label.task] if declared.labels else ():
        yield Asked(f"{SIGNAL}:{metric}", "MODEL_MONITOR_PERFORMANCE_METRIC", metric, None, "COUNT_USED", late)


def _judge(declared: ModelMonitor, name: str, value: float, start: datetime) -> Check:
    """Drift is judged by the declared bound, and nothing else is: Snowloop judges the rest by its own measures."""
    reason = f"Snowflake's model monitor, window from {start:%Y-%m-%d}: {name.partition(':')[2]} is {value:.4g}"
    if declared.max_drift is None or name.split(":")[1] != declared.drift:
        return Check(name, "not_asked", f"{reason}; read and not judged", value)
    passed, bound = value <= declared.max_drift, declared.max_drift
    return Check.of(name, passed=passed, reason=f"{reason}, {bound:g} is allowed", value=value, bound=bound)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
