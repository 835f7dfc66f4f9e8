"""Trainings that open alerts ask for: one at a time, seldom, and none while the data itself is in doubt.

A request and its outcome are in OPS.RETRAININGS, so that they outlive Airflow's database.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.lifecycle.monitoring.alerts import SILENT, STAMP, Alert, EventKind, happened, kinds_of
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import champion
from snowloop.project import Monitoring, in_words
from snowloop.project.alerts import DATA_HEALTH
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

State = Literal["requested", "promoted", "kept", "refused", "failed", "lost"]
OUTSTANDING: tuple[State, ...] = ("requested", "lost")
"""States that an outcome can still follow: a training may end after it counts as lost."""
NOBODY_SAID = "the run gave no reason"


@dataclass(frozen=True)
class Request:
    """A training that alerts asked for.

    Args:
        request_id: Its id, of hexadecimal digits.
        state: ``requested`` until there is an outcome.
        signals: Signals of the alerts that were open, separated by commas.
        alert_ids: Ids of these alerts, separated by commas.
        model_version: The champion then.
        reason: Why, in words.
        run_id: The run that asked, so that a retry asks for the same training.
        requested_at: When, in UTC.
    """

    request_id: str
    state: State
    signals: str
    alert_ids: str
    model_version: str
    reason: str
    run_id: str
    requested_at: datetime


@dataclass(frozen=True)
class Retraining(Result):
    """Whether a training is asked for now.

    Args:
        request_id: Id of the request; None if none is made.
        reason: Why, or why not, in words.
        signals: Signals of the alerts that ask for it.
        version_name: The champion; None if there is none.
    """

    request_id: str | None
    reason: str
    signals: tuple[str, ...] = ()
    version_name: str | None = None

    def summary(self) -> dict[str, int | float | str]:
        """Whether, and why."""
        return {"retraining": self.request_id or "none", "why": self.reason}


@dataclass(frozen=True)
class Settled(Result):
    """What became of trainings that alerts had asked for.

    Args:
        requests: Their ids; empty if the run was started by something else.
        state: What became of them; empty without requests.
        outcome: The same in words.
    """

    requests: tuple[str, ...] = ()
    state: State | Literal[""] = ""
    outcome: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The state, and the words."""
        return {"retraining": self.state or "none", "outcome": self.outcome or "no alert had asked for this run"}


def due(
    alerts: Sequence[Alert], last: Request | None, rules: Monitoring, version: str, now: datetime
) -> tuple[tuple[Alert, ...], str]:
    """Which open alerts ask for a training now; a pure function.

    Args:
        alerts: The alerts that are not closed.
        last: The last request; None if there was none.
        rules: The declared rules.
        version: The champion.
        now: The time, in UTC.

    Returns:
        The alerts, none if nothing is to be asked for, and why in words.
    """
    asking = tuple(
        alert
        for alert in alerts
        if alert.state == "open"  # of an acknowledged one a person takes care
        and alert.version in (None, version)
        and not set(kinds_of(alert.signal)).isdisjoint(rules.retrain_on)
    )
    if not asking:
        return (), "no alert of monitoring.retrain_on is open"
    names = ", ".join(sorted({alert.signal for alert in asking}))
    doubtful = sorted({alert.signal for alert in alerts if _is_data_health(alert.signal)})
    if doubtful:
        return (), f"{names} asks for a training, but the data is in doubt: {', '.join(doubtful)} is open"
    if last is not None and last.state == "requested":
        since = last.requested_at.strftime(STAMP)
        return (), f"{names} asks for a training, and the one of {since} ({last.signals}) has no outcome yet"
    if last is not None and now - last.requested_at < rules.retrain_cooldown:
        again = (last.requested_at + rules.retrain_cooldown).strftime(STAMP)
        return (), f"{names} asks for a training, the last one was {last.state}: the next is possible at {again}"
    return asking, "; ".join(f"{alert.signal}: {alert.reason}" for alert in asking)


def _is_data_health(signal: str) -> bool:
    kind, _, silent = signal.partition(":")
    return (silent if kind == SILENT else kind).partition(":")[0] in DATA_HEALTH


def request_retraining(workspace: Workspace, run_id: str) -> Retraining:
    """Ask for a training if an open alert does, and record that; the same run asks for the same one again.

    Args:
        run_id: The run that asks.

    Returns:
        The request, or why there is none.

    Raises:
        AlertError: if other looks at the alerts never end.
    """
    serving = champion(workspace)
    if serving is None:
        return Retraining(None, "no version serves")
    rules = workspace.project.monitoring
    with store.monitoring_lock(workspace) as now:
        last = _request(workspace.run("monitoring/retraining.sql#newest"))
        if last is not None and last.state == "requested" and now - last.requested_at > rules.retrain_timeout:
            last = _lose(workspace, last, now)
        if last is not None and last.state == "requested" and last.run_id == run_id:
            return Retraining(last.request_id, last.reason, tuple(last.signals.split(", ")), last.model_version)
        alerts = store.open_alerts(workspace)
        asking, reason = due(alerts, last, rules, serving.name, now)
        if not asking:
            return Retraining(None, reason, version_name=serving.name)
        ids = ",".join(alert.alert_id for alert in asking)
        signals = tuple(sorted({alert.signal for alert in asking}))
        request = Request(
            hashlib.sha256(f"{ids}|{now.isoformat()}".encode()).hexdigest()[:12],
            "requested",
            ", ".join(signals),
            ids,
            serving.name,
            reason,
            run_id,
            now,
        )
        at = now.replace(tzinfo=None).isoformat(" ")
        workspace.run("monitoring/retraining.sql#request", request=request, requested_at=at)
        _note(workspace, request, "retraining", "a training is asked for", now)
    return Retraining(request.request_id, reason, signals, serving.name)


def settle_retraining(
    workspace: Workspace, requests: Sequence[str], *, verdict_id: str | None, failure: str = ""
) -> Settled:
    """Record what became of the trainings that alerts had asked for, and say it in their alerts.

    Args:
        requests: Ids of the requests that started the run; one that has its outcome already keeps it.
        verdict_id: The gate's verdict; None if the run did not reach it.
        failure: Why the run failed, in words; empty if it did not.

    Returns:
        The outcome.

    Raises:
        AlertError: if other looks at the alerts never end.
    """
    if not requests:
        return Settled()
    serving, settled = champion(workspace), Settled(tuple(requests))
    with store.monitoring_lock(workspace) as now:
        for request_id in requests:
            request = _request(workspace.run("monitoring/retraining.sql#named", request_id=request_id))
            if request is None or request.state not in OUTSTANDING:
                continue
            state, outcome = _outcome(workspace, request, serving.name if serving else None, (verdict_id, failure))
            _settle(workspace, request, state, outcome, now, verdict_id)
            settled = Settled(tuple(requests), state, outcome)
    return settled


def _outcome(
    workspace: Workspace, request: Request, serving: str | None, run: tuple[str | None, str]
) -> tuple[State, str]:
    """What became of a request, by the verdict of the run and the champion after it."""
    verdict_id, failure = run
    if not verdict_id:
        return "failed", f"the training failed before the gate: {failure or NOBODY_SAID}"
    row = workspace.run("monitoring/retraining.sql#judged", verdict_id=verdict_id)[0]
    version = str(row["MODEL_VERSION"])
    if row["REFUSED"] and not row["OVERRIDES"]:
        return "refused", f"trained, and the gate refuses {version}: {row['REFUSED']}"
    if version == serving == request.model_version:
        return "kept", f"training gives {version} again, which serves already: there are no new labelled rows"
    if version == serving:
        return "promoted", f"{version} serves now, in place of {request.model_version}"
    return "failed", f"the gate accepted {version}, which was not promoted: {failure or NOBODY_SAID}"


def _lose(workspace: Workspace, request: Request, now: datetime) -> Request:
    longest = in_words(workspace.project.monitoring.retrain_timeout)
    outcome = (
        f"the training of {request.requested_at.strftime(STAMP)} has no outcome after {longest}: look at the runs of "
        f"{workspace.project.name}__train, which must not be paused"
    )
    return _settle(workspace, request, "lost", outcome, now, None)


def _settle(
    workspace: Workspace, request: Request, state: State, outcome: str, now: datetime, verdict_id: str | None
) -> Request:
    values = {"request_id": request.request_id, "state": state, "outcome": outcome, "verdict_id": verdict_id}
    workspace.write("monitoring/retraining.sql#settle", rows=1, **values)
    _note(workspace, request, "retrained", outcome, now)
    return replace(request, state=state)


def _note(workspace: Workspace, request: Request, kind: EventKind, words: str, now: datetime) -> None:
    """Say in the alerts of a request, as far as they are open, what happened to it."""
    place, changes = f"{workspace.project.name} in {workspace.target}", []
    for alert in store.open_alerts(workspace):
        if alert.alert_id in request.alert_ids.split(","):
            who = f" of {alert.version}" if alert.version else ""
            message = f"{place}: {alert.severity} {alert.signal}{who}: {words}"
            changes.append(happened(alert, kind, words, now, message=None if alert.is_muted(now) else message))
    store.save(workspace, [alert for alert, _ in changes], [event for _, event in changes])


def _request(rows: "Sequence[Row]") -> Request | None:
    if not rows:
        return None
    values: list[Any] = [each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in rows[0]]
    return Request(*values)
