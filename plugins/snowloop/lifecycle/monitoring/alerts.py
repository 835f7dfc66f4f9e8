"""Alerts as state: what judged windows make of the alerts there were, as a pure function.

An alert opens when several of the newest judged windows are above the bound, and closes when several in a row are well
below it: hysteresis in count and in value, so that a value around its bound opens one alert and not one a window.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from snowloop.project import Alerts, in_words

Severity = Literal["warning", "error"]
State = Literal["open", "acknowledged", "closed"]
EventKind = Literal["opened", "raised", "closed", "reminded", "acknowledged", "muted", "retraining", "retrained"]
SILENT = "silent"
"""The kind of the signals ``silent:<kind>``: nothing of a kind was judged for longer than declared."""
PROBATION = "probation"
"""The kind of the signals ``probation:<version>``: one judgement is enough, which looked at many rows."""
JUDGED_AGAIN = "judged again"
"""The signal of a champion that the gate judged again, by other bounds: one verdict is enough."""
STAMP = "%Y-%m-%d %H:%M UTC"


@dataclass(frozen=True)
class JudgedWindow:
    """The newest judgement of one window.

    Args:
        signal: What was judged, such as ``volume`` or ``performance:REGION=north``.
        version: The model version that it is about; None if it is about none.
        start: Begin of the window, in UTC.
        end: Its end.
        passed: Whether the bound was kept.
        value: What was measured, the lower the better; None if there is no number.
        bound: What it was compared with; None if there is no number.
        reason: The judgement in words.
    """

    signal: str
    version: str | None
    start: datetime
    end: datetime
    passed: bool
    value: float | None
    bound: float | None
    reason: str

    def is_clear(self, below: float) -> bool:
        """Whether it is below the bound by enough to close an alert: at most the share ``below`` of it."""
        return self.passed and (self.value is None or self.bound is None or self.value <= below * self.bound)

    def is_severe(self, error_at: float) -> bool:
        """Whether it is above the bound by the factor ``error_at`` or more; of a bound of 0 nothing is a multiple."""
        if self.passed or self.value is None or not self.bound:
            return False
        return self.value >= error_at * self.bound


@dataclass(frozen=True)
class Alert:
    """One alert, from its opening to its closing.

    Args:
        alert_id: Its id, of hexadecimal digits.
        signal: The signal.
        version: The model version; None if the signal is about none.
        severity: The highest that it reached.
        state: ``acknowledged`` is open, and somebody takes care of it.
        opened_at: When it opened, in UTC.
        first_seen: End of the oldest window that counts for it: none that an alert before it had seen does.
        last_seen: End of the newest judged window.
        closed_at: When it closed; None while it is open.
        windows_bad: How many of the newest windows are above the bound.
        value: Value of the newest window.
        bound: Bound of the newest window.
        reason: Reason of the newest window, or why it was closed.
        muted_until: No message is sent before.
        last_message_at: When the last message was made; None if none was.
        events: Number of its events.
    """

    alert_id: str
    signal: str
    version: str | None
    severity: Severity
    state: State
    opened_at: datetime
    first_seen: datetime
    last_seen: datetime
    closed_at: datetime | None
    windows_bad: int
    value: float | None
    bound: float | None
    reason: str
    muted_until: datetime | None = None
    last_message_at: datetime | None = None
    events: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it is not closed."""
        return self.state != "closed"

    def is_muted(self, now: datetime) -> bool:
        """Whether no message is sent at a moment."""
        return self.muted_until is not None and now < self.muted_until


@dataclass(frozen=True)
class Event:
    """Something that happened to an alert.

    Args:
        event_id: Its id: that of the alert, and a number from 1.
        alert_id: The alert.
        kind: What happened.
        at: When, in UTC.
        severity: Severity of the alert then.
        reason: Why: of the window, or a person's.
        by: Who did it; None if it was the monitoring.
        message: What notifiers send; None if nothing is sent.
    """

    event_id: str
    alert_id: str
    kind: EventKind
    at: datetime
    severity: Severity
    reason: str
    by: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Step:
    """What a look at the windows changes.

    Args:
        alerts: Alerts that are new or differ from before.
        events: What happened, in order.
    """

    alerts: tuple[Alert, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Moment:
    """Where and when the windows are looked at.

    Args:
        rules: The declared rules.
        champion: The version that serves.
        now: The time, in UTC.
        place: Project and environment, for messages.
    """

    rules: Alerts
    champion: str
    now: datetime
    place: str


def advance(
    alerts: Sequence[Alert],
    windows: Sequence[JudgedWindow],
    last_judged: Mapping[str, datetime],
    moment: Moment,
) -> Step:
    """Open, raise, close and remind. The same call on its own result changes nothing.

    Args:
        alerts: Of each signal and version the newest alert.
        windows: The newest judged windows of each signal and version, in any order.
        last_judged: When each signal was judged last, in UTC.
        moment: Rules, champion and time.

    Returns:
        What changed.
    """
    newest = {(alert.signal, alert.version): alert for alert in alerts}
    muted: dict[str, datetime] = {}
    for alert in alerts:
        if alert.muted_until and alert.muted_until > muted.get(alert.signal, moment.now):
            muted[alert.signal] = alert.muted_until
    series: dict[tuple[str, str | None], list[JudgedWindow]] = defaultdict(list)
    for window in (*windows, *_silence(last_judged, moment)):
        if window.version in (None, moment.champion):
            series[window.signal, window.version].append(window)
    changes = [
        _follow(newest.get(key), sorted(series[key], key=lambda each: (each.end, each.start)), muted, moment)
        for key in sorted(series, key=lambda key: (key[0], key[1] or ""))
    ]
    changes += [
        _close(alert, f"{alert.version} no longer serves", moment)
        for alert in alerts
        if alert.is_open and alert.version not in (None, moment.champion)
    ]
    changed = tuple(after for after, _ in changes if after and after != newest.get((after.signal, after.version)))
    return Step(changed, tuple(event for _, event in changes if event))


def happened(
    alert: Alert, kind: EventKind, reason: str, moment: datetime, *, by: str | None = None, message: str | None = None
) -> tuple[Alert, Event]:
    """Number an event of an alert.

    Args:
        alert: The alert after it.
        kind: What happened.
        reason: Why.
        moment: When, in UTC.
        by: Who did it.
        message: What is sent.

    Returns:
        The alert, which counts the event and remembers the time of its last message, and the event.
    """
    number = alert.events + 1
    event = Event(f"{alert.alert_id}.{number}", alert.alert_id, kind, moment, alert.severity, reason, by, message)
    return replace(alert, events=number, last_message_at=moment if message else alert.last_message_at), event


def kinds_of(signal: str) -> tuple[str, str]:
    """The names by which a declaration may mean a signal: its own, and its part before the colon."""
    return signal, signal.partition(":")[0]


def _follow(
    before: Alert | None, windows: Sequence[JudgedWindow], muted: Mapping[str, datetime], moment: Moment
) -> tuple[Alert | None, Event | None]:
    """One signal of one version: its alert after a look at its windows, oldest first."""
    newest, rules = windows[-1], moment.rules
    if before is None or not before.is_open:
        if before and not newest.signal.startswith(f"{SILENT}:"):  # what closed an alert does not open the next one
            windows = [each for each in windows if each.end > before.last_seen]
        level = _level(windows, rules)
        return _open(windows, level, muted.get(newest.signal), moment) if level else (before, None)
    windows = [each for each in windows if each.end >= before.first_seen]
    level = _level(windows, rules)
    seen = replace(
        before,
        last_seen=newest.end,
        windows_bad=_bad(windows, rules),
        value=newest.value,
        bound=newest.bound,
        reason=newest.reason,
    )
    if level == "error" and before.severity == "warning":
        return _announce(replace(seen, severity="error", state="open"), "raised", moment)
    if _is_over(windows, rules):
        return _close(seen, newest.reason, moment)
    return _remind(seen, moment)


def _bad(windows: Sequence[JudgedWindow], rules: Alerts) -> int:
    return sum(not each.passed for each in windows[-rules.open.of :])


def _level(windows: Sequence[JudgedWindow], rules: Alerts) -> Severity | None:
    """Which severity the windows, oldest first, give reason for; None for no alert."""
    if not windows or windows[-1].passed:
        return None
    if windows[-1].signal.startswith(f"{SILENT}:"):
        return "warning"
    if _is_immediate(windows[-1].signal, rules):
        return "error"
    if _bad(windows, rules) < rules.open.windows:
        return None
    severe = [each.is_severe(rules.error_at) for each in windows[-rules.open.of :]]
    return "error" if severe[-1] and sum(severe) >= rules.open.windows else "warning"


def _is_immediate(signal: str, rules: Alerts) -> bool:
    """Whether one window of a signal is enough."""
    return not set(kinds_of(signal)).isdisjoint((PROBATION, JUDGED_AGAIN, *rules.immediate))


def _is_over(windows: Sequence[JudgedWindow], rules: Alerts) -> bool:
    signal = windows[-1].signal
    alone = signal.startswith(f"{SILENT}:") or _is_immediate(signal, rules)
    needed = 1 if alone else rules.close.windows
    last = windows[-needed:]
    return len(last) == needed and all(each.is_clear(rules.close.below) for each in last)


def _open(
    windows: Sequence[JudgedWindow], level: Severity, muted_until: datetime | None, moment: Moment
) -> tuple[Alert, Event]:
    newest = windows[-1]
    named = "|".join((newest.signal, newest.version or "", newest.start.isoformat(), newest.end.isoformat()))
    alert = Alert(
        # the time is part of it: a window that is judged again after its alert closed may open another one
        alert_id=hashlib.sha256(f"{named}|{moment.now.isoformat()}".encode()).hexdigest()[:12],
        signal=newest.signal,
        version=newest.version,
        severity=level,
        state="open",
        opened_at=moment.now,
        first_seen=windows[0].end,
        last_seen=newest.end,
        closed_at=None,
        windows_bad=_bad(windows, moment.rules),
        value=newest.value,
        bound=newest.bound,
        reason=newest.reason,
        muted_until=muted_until,
    )
    return _announce(alert, "opened", moment)


def _close(alert: Alert, reason: str, moment: Moment) -> tuple[Alert, Event]:
    return _announce(replace(alert, state="closed", closed_at=moment.now, reason=reason), "closed", moment)


def _remind(alert: Alert, moment: Moment) -> tuple[Alert, Event | None]:
    """Send an open alert again; one whose messages were muted so far is sent as soon as it no longer is."""
    due = alert.last_message_at is None or moment.now - alert.last_message_at >= moment.rules.remind_after
    if alert.state == "acknowledged" or alert.is_muted(moment.now) or not due:
        return alert, None
    return _announce(alert, "reminded", moment)


def _announce(alert: Alert, kind: EventKind, moment: Moment) -> tuple[Alert, Event]:
    """An event with its message, or without one if the alert is muted."""
    who = f" of {alert.version}" if alert.version else ""
    since = f", open since {alert.opened_at.strftime(STAMP)}" if kind == "reminded" else ""
    message = f"{moment.place}: {alert.severity} {alert.signal}{who} {WORDS[kind]}{since}: {alert.reason}"
    return happened(alert, kind, alert.reason, moment.now, message=None if alert.is_muted(moment.now) else message)


WORDS: Mapping[EventKind, str] = {
    "opened": "opened", "raised": "rose to error", "closed": "closed", "reminded": "is still open",
}  # fmt: skip


def _silence(last_judged: Mapping[str, datetime], moment: Moment) -> Iterator[JudgedWindow]:
    """One window for each kind whose silence is declared to be an alert and of which something was ever judged."""
    for kind, longest in sorted(moment.rules.silent_after.items()):
        judged = [at for signal, at in last_judged.items() if kind in kinds_of(signal)]
        if not judged:
            continue
        last = max(judged)
        silent = moment.now - last > longest
        reason = (
            f"no window of {kind} was judged since {last.strftime(STAMP)}, monitoring.alerts.silent_after allows "
            f"{in_words(longest)}: look whether rows arrive and scoring runs"
            if silent
            else f"a window of {kind} was judged at {last.strftime(STAMP)}"
        )
        yield JudgedWindow(f"{SILENT}:{kind}", None, last, last, not silent, None, None, reason)
