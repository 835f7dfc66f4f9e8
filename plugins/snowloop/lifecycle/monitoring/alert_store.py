"""Alerts in OPS.ALERTS, ALERT_EVENTS and ALERT_DELIVERIES: each change in one transaction, one after another."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from snowloop.errors import AlertError
from snowloop.lifecycle.monitoring.alerts import Alert, Event, JudgedWindow, Moment, Step, advance, happened
from snowloop.lifecycle.results import Result
from snowloop.project import Monitoring
from snowloop.sql import Parameter, clock, identifier, prepare
from snowloop.workspace import Workspace
from snowloop_procedures import lock
from snowloop_procedures.scoring_request import LockStatements, Statement

if TYPE_CHECKING:
    from snowflake.snowpark import Row

PARAMETERS = {name: Parameter(name) for name in ("owner", "previous_owner")}
"""What the lock's statements are executed with."""
KEPT = timedelta(days=365)
"""Judgements of windows that ended earlier open no alert; longer histories count wholly."""
AT_ONCE = 200
"""Rows that one statement writes: each value is bound."""


@dataclass(frozen=True)
class AlertList(Result):
    """Some alerts, the newest first.

    Args:
        alerts: The alerts.
    """

    alerts: tuple[Alert, ...]

    def summary(self) -> dict[str, int | float | str]:
        """How many are open, and how many of them somebody takes care of."""
        states = [alert.state for alert in self.alerts]
        return {"open": states.count("open"), "acknowledged": states.count("acknowledged")}

    def text(self) -> str:
        """The alerts for people, one or two lines each."""
        return "\n".join(line for alert in self.alerts for line in _lines(alert)) or "no alerts are open"


def _lines(alert: Alert) -> Iterator[str]:
    until = f", muted until {alert.muted_until:%Y-%m-%d %H:%M} UTC" if alert.muted_until else ""
    closed = f", closed {alert.closed_at:%Y-%m-%d %H:%M} UTC" if alert.closed_at else ""
    version = f" of {alert.version}" if alert.version else ""
    yield (
        f"{alert.alert_id}  {alert.severity:<7}  {alert.state:<12}  {alert.signal}{version}, since "
        f"{alert.opened_at:%Y-%m-%d %H:%M} UTC{closed}{until}"
    )
    yield f"              {alert.reason}"


@dataclass(frozen=True)
class Message:
    """A message that a notifier has not sent yet.

    Args:
        event_id: The event.
        alert_id: Its alert.
        event: What happened: ``opened``, ``raised``, ``reminded`` or ``closed``.
        at: When, in UTC.
        severity: ``warning`` or ``error``.
        signal: The signal.
        text: The message.
    """

    event_id: str
    alert_id: str
    event: str
    at: datetime
    severity: str
    signal: str
    text: str


def update_alerts(workspace: Workspace, champion: str) -> Step:
    """Look at the judged windows of OPS.MONITORING_CHECKS, and store what they change, in one transaction.

    Args:
        champion: The version that serves.

    Returns:
        What changed; the same call again changes nothing.

    Raises:
        AlertError: if other looks at the windows never end.
    """
    rules = workspace.project.monitoring.alerts
    with monitoring_lock(workspace) as now:
        alerts = newest_alerts(workspace)
        since = _since(workspace.project.monitoring, alerts, now)
        windows = [_window(row) for row in workspace.run(
            "monitoring/alerts.sql#judged_windows",
            since=since,
            champion=champion,
            windows=max(rules.open.of, rules.close.windows),
        )]  # fmt: skip
        last = {
            row["NAME"]: _utc(row["JUDGED_AT"])
            for row in workspace.run("monitoring/alerts.sql#last_judged", since=since)
        }
        place = f"{workspace.project.name} in {workspace.target}"
        step = advance(alerts, windows, last, Moment(rules, champion, now, place))
        save(workspace, step.alerts, step.events)
    return step


def _since(declared: Monitoring, alerts: Sequence[Alert], now: datetime) -> str:
    """From when on judgements count: so that a look costs the same however long the loop has run.

    That is longer than any window waits for its labels, or a signal may be silent; of an open alert all of its windows
    count.
    """
    silence = max(declared.alerts.silent_after.values(), default=timedelta())
    longest = max(declared.performance.history + declared.performance.window, 2 * silence, KEPT)
    oldest = min((now - longest, *(alert.first_seen for alert in alerts if alert.is_open)))
    return oldest.astimezone(UTC).replace(tzinfo=None).isoformat(" ")


def list_alerts(workspace: Workspace, *, closed: bool = False) -> AlertList:
    """The alerts that are open, or all of them. Nothing is changed.

    Args:
        closed: Whether to list the closed ones too.

    Returns:
        The alerts, the newest first.
    """
    return AlertList(tuple(_read(workspace, "alerts", closed=True) if closed else open_alerts(workspace)))


def acknowledge(workspace: Workspace, name: str, *, by: str, reason: str) -> AlertList:
    """Record that somebody takes care of an open alert: it is not sent again until it rises or closes.

    Args:
        name: Id of the alert, or its signal, which may be open for one version only.
        by: Who does.
        reason: What is done about it.

    Returns:
        The alert, as it is now.

    Raises:
        AlertError: if no alert of that name is open, or there is no reason.
    """
    return _change(workspace, name, "acknowledged", (by, reason), lambda alert, _: replace(alert, state="acknowledged"))


def mute(workspace: Workspace, name: str, *, until: timedelta | datetime, by: str, reason: str) -> AlertList:
    """Send no messages of an open alert, nor of later ones of its signal, until a moment.

    Args:
        name: Id of the alert, or its signal.
        until: The moment in UTC, or how long from now.
        by: Who does.
        reason: Why.

    Returns:
        The alert, as it is now.

    Raises:
        AlertError: if no alert of that name is open, there is no reason, or the moment is in the past.
    """

    def muted(alert: Alert, now: datetime) -> Alert:
        end = now + until if isinstance(until, timedelta) else until
        if end <= now:
            over = f"{alert.signal} cannot be muted until {end:%Y-%m-%d %H:%M} UTC, which is over: name a later time"
            raise AlertError(over)
        return replace(alert, muted_until=end)

    return _change(workspace, name, "muted", (by, reason), muted)


def close(workspace: Workspace, name: str, *, by: str, reason: str) -> AlertList:
    """Close an alert by hand, such as one of a signal that is no longer measured.

    Args:
        name: Id of the alert, or its signal.
        by: Who does.
        reason: Why.

    Returns:
        The alert, as it is now; windows that are judged later may open another one.

    Raises:
        AlertError: if no alert of that name is open, or there is no reason.
    """
    return _change(
        workspace, name, "closed", (by, reason), lambda alert, now: replace(alert, state="closed", closed_at=now)
    )


def unsent(workspace: Workspace, notifier: str) -> list[Message]:
    """The messages of the last day that a notifier has not sent yet, in order.

    Args:
        notifier: Its name in OPS.ALERT_DELIVERIES.
    """
    rows = workspace.run("monitoring/alerts.sql#unsent", notifier=notifier)
    return [Message(*map(_utc, row)) for row in rows]


def record_delivery(workspace: Workspace, notifier: str, messages: Sequence[Message]) -> None:
    """Record that a notifier has sent messages, so that it does not send them again.

    Args:
        notifier: Its name in OPS.ALERT_DELIVERIES.
        messages: The messages.
    """
    for first in range(0, len(messages), AT_ONCE):
        some = [each.event_id for each in messages[first : first + AT_ONCE]]
        workspace.run("monitoring/alerts.sql#record_delivery", notifier=notifier, event_ids=some)


@contextmanager
def monitoring_lock(workspace: Workspace) -> Iterator[datetime]:
    """A transaction in which nobody else changes alerts or the performance of windows, and Snowflake's time.

    Raises:
        AlertError: if others own the lock each time.
    """
    session, database = workspace.session, workspace.database
    statements = LockStatements(
        *(
            Statement(*prepare(f"monitoring/alerts.sql#{name}", database=database, **PARAMETERS))
            for name in ("lock_owner", "acquire_lock")
        )
    )
    now = clock(session)
    try:
        lock.acquire(session, statements, uuid.uuid4().hex, f"lock of {identifier(database, 'OPS', 'ALERT_LOCK')}")
    except RuntimeError as error:
        raise AlertError(str(error)) from error
    try:
        yield now
        session.sql("COMMIT").collect()
    except BaseException:
        session.sql("ROLLBACK").collect()
        raise


def _change(workspace: Workspace, name: str, kind: Any, why: tuple[str, str], change: Any) -> AlertList:
    by, reason = why
    if not reason.strip():
        raise AlertError(f"alert {name} of {workspace.database} was left as it is: give a reason, which is recorded")
    with monitoring_lock(workspace) as now:
        alert = _named(workspace, name)
        after, event = happened(change(alert, now), kind, reason, now, by=by)
        save(workspace, [after], [event])
    return AlertList((after,))


def _named(workspace: Workspace, name: str) -> Alert:
    alerts = open_alerts(workspace)
    found = [alert for alert in alerts if name in (alert.alert_id, alert.signal)]
    if len(found) == 1:
        return found[0]
    ids = ", ".join(f"{alert.alert_id} ({alert.signal})" for alert in found or alerts) or "none"
    problem = f"several alerts of {name} are open" if found else f"no alert {name} is open"
    raise AlertError(f"{problem} in {workspace.database}: name one of the open alerts by its id: {ids}")


def _read(workspace: Workspace, query: str, **values: Any) -> list[Alert]:
    return [Alert(*map(_utc, row)) for row in workspace.run(f"monitoring/alerts.sql#{query}", **values)]


def _window(row: "Row") -> JudgedWindow:
    return JudgedWindow(*map(_utc, row))


def newest_alerts(workspace: Workspace) -> list[Alert]:
    """Of each signal and version the newest alert, open or closed."""
    return _read(workspace, "newest_alerts")


def open_alerts(workspace: Workspace) -> list[Alert]:
    """The alerts that are not closed, the newest first."""
    return _read(workspace, "alerts", closed=False)


def save(workspace: Workspace, alerts: Sequence[Alert], events: Sequence[Event]) -> None:
    """Write alerts as they are now, and what happened to them; the caller owns ``monitoring_lock``.

    Args:
        alerts: The alerts, new or changed.
        events: The events, which are added.
    """
    for first in range(0, len(alerts), AT_ONCE):
        rows = [_row(alert) for alert in alerts[first : first + AT_ONCE]]
        workspace.run("monitoring/alerts.sql#save_alerts", alerts=rows)
    for first in range(0, len(events), AT_ONCE):
        rows = [_row(event) for event in events[first : first + AT_ONCE]]
        workspace.run("monitoring/alerts.sql#save_events", events=rows)


def _row(record: Alert | Event) -> dict[str, Any]:
    """The fields as values that are bound; times as text, which SQL casts."""
    values = {
        name: value.astimezone(UTC).replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value
        for name, value in asdict(record).items()
    }
    return {**values, "model_version": values.get("version")}


def _utc(value: Any) -> Any:
    """A value of Snowflake; a TIMESTAMP_NTZ of OPS is in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
