"""When tasks are due: SCHEDULE, an interval that counts from RESUME or a cron expression in a time zone; and triggers.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-task, https://docs.snowflake.com/en/user-guide/tasks-triggered
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from local_snowflake.catalog.objects import Task
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.tasks.graph import STARTED, TaskGraphs

_UNITS = {**dict.fromkeys(("S", "SECOND", "SECONDS"), 1), **dict.fromkeys(("M", "MINUTE", "MINUTES"), 60)}
_UNITS |= dict.fromkeys(("H", "HOUR", "HOURS"), 3600)
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(days=8)
_FIELDS = 5
# further than any change of the clocks
_SHIFT = timedelta(hours=2)
_HORIZON = timedelta(days=366 * 8)
DEFAULT_TRIGGER_SECONDS = 30
HEALTH_CHECK = timedelta(hours=12)
# many commits in a row are checked together
_SETTLE = timedelta(seconds=1)


@dataclass(frozen=True)
class Interval:
    """Every so often, counted from the moment the task was resumed."""

    every: timedelta

    def next_after(self, moment: datetime, resumed: datetime) -> datetime | None:
        """The first due time later than ``moment`` of a task that was resumed at ``resumed``."""
        passed = (moment - resumed) // self.every
        return resumed + self.every * (max(passed, 0) + 1)


@dataclass(frozen=True)
class Cron:
    """A cron expression of five fields, read in a time zone."""

    expression: str
    zone: ZoneInfo

    def next_after(self, moment: datetime, resumed: datetime) -> datetime | None:
        """The first due time later than ``moment``; None if there is none in the next eight years.

        A wall-clock time that a change of the clocks repeats is due twice, and one that it leaves out is not due.
        """
        after = max(moment, resumed)
        wall = after.astimezone(self.zone).replace(tzinfo=None)
        times = croniter(self.expression, wall - _SHIFT)
        best: datetime | None = None
        while True:
            try:
                due: datetime = times.get_next(datetime)
            except CroniterError:
                return best
            if due > wall + _HORIZON or (best and due > best.astimezone(self.zone).replace(tzinfo=None) + _SHIFT):
                return best
            later = [m for m in self._moments(due) if m > after]
            best = min([*later, best] if best else later, default=None)

    def _moments(self, wall: datetime) -> list[datetime]:
        """The moments at which the clocks of the zone show ``wall``: none, one or two."""
        moments = []
        for fold in (0, 1):
            moment = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if moment.astimezone(self.zone).replace(tzinfo=None) == wall and moment not in moments:
                moments.append(moment)
        return moments


Schedule = Interval | Cron


def parse_schedule(text: str) -> Schedule:
    """Read the text of SCHEDULE: ``n SECOND | MINUTE | HOUR`` or ``USING CRON m h dom mon dow zone``.

    Raises:
        SnowflakeError: 001003, if it is neither, out of range, or names no time zone.
    """
    words = text.split()
    if [w.upper() for w in words[:2]] == ["USING", "CRON"]:
        return _parse_cron(text, words[2:])
    match = re.fullmatch(r"(\d+)\s*([A-Za-z]+)", text.strip())
    if match is None or match[2].upper() not in _UNITS:
        raise _invalid(
            text, "write '<n> SECOND | MINUTE | HOUR' or 'USING CRON <minute hour day month weekday> <zone>'"
        )
    every = timedelta(seconds=int(match[1]) * _UNITS[match[2].upper()])
    if not _SHORTEST <= every <= _LONGEST:
        raise _invalid(text, "an interval is 10 seconds at least and 8 days at most")
    return Interval(every)


def _parse_cron(text: str, words: list[str]) -> Cron:
    if len(words) != _FIELDS + 1:
        raise _invalid(text, "a cron schedule has five fields and a time zone")
    fields, zone = words[:_FIELDS], words[_FIELDS]
    # the last Friday of a month is 5L in Snowflake and L5 in croniter
    fields[4] = re.sub(r"\b([0-7]|[A-Za-z]{3})L\b", r"L\1", fields[4])
    expression = " ".join(fields)
    if not croniter.is_valid(expression):
        raise _invalid(text, "the five fields are no cron expression")
    try:
        return Cron(expression, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _invalid(text, f"'{zone}' is no time zone of the IANA data base, eg: UTC or Europe/Warsaw") from None


def _invalid(text: str, why: str) -> SnowflakeError:
    return compilation_error(f"invalid value [{text}] for parameter 'SCHEDULE': {why}.", 1008, "22023")


def schedule_of(task: Task) -> Schedule | None:
    """A task's schedule."""
    text = task.props.schedule
    return parse_schedule(text) if text else None


def next_due(task: Task, moment: datetime, resumed: datetime) -> datetime | None:
    """The first due time later than ``moment`` of a task that was resumed at ``resumed``; None without a schedule."""
    schedule = schedule_of(task)
    return schedule.next_after(moment, resumed) if schedule else None


def is_triggered(task: Task) -> bool:
    """Whether a root runs when a stream has data instead of by a schedule.

    Source: https://docs.snowflake.com/en/user-guide/tasks-triggered
    """
    props = task.props
    condition = (props.condition or "").upper()
    apart = not props.schedule and not props.predecessors and not props.finalize
    return apart and "SYSTEM$STREAM_HAS_DATA" in condition


@dataclass
class Entry:
    """The state of a started root between two checks."""

    resumed: datetime
    due: datetime | None = None
    # of a triggered task: whether its streams may have data that was not checked, and from when on it may run again
    changed: bool = True
    not_before: datetime | None = None
    # when it last ran or had nothing to do
    checked: datetime | None = None


class Timetable:
    """The due times of all started roots; asked with a time, it reads no clock."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    def update(self, tasks: Iterable[Task], now: datetime) -> list[Task]:
        """Learn from all tasks of the account which roots are started; returns these."""
        schemas: dict[tuple[str, str], list[Task]] = {}
        for task in tasks:
            schemas.setdefault((task.name.database, task.name.schema), []).append(task)
        roots = []
        for members in schemas.values():
            graphs = TaskGraphs(members)
            roots += [t for n, t in graphs.tasks.items() if t.props.state == STARTED and graphs.is_root(n)]
        before, self._entries = self._entries, {}
        for root in roots:
            resumed = root.props.resumed_on or now
            entry = before.get(root.props.id)
            if entry is None or entry.resumed != resumed:
                entry = Entry(resumed, due=next_due(root, now, resumed))
            self._entries[root.props.id] = entry
        return roots

    def due(self, roots: Iterable[Task], now: datetime) -> list[tuple[Task, datetime]]:
        """The roots whose schedule is due, with the time they were due; each is then due at its next time.

        Times that passed unseen, eg: while the machine slept, are made up for by one run.
        """
        due = []
        for root in roots:
            entry = self._entries[root.props.id]
            if entry.due and entry.due <= now:
                due.append((root, entry.due))
                entry.due = next_due(root, now, entry.resumed)
        return due

    def to_check(self, roots: Iterable[Task], now: datetime) -> list[tuple[Task, bool]]:
        """The triggered ones of started roots that do not run, whose condition is to be checked now.

        Each comes with whether it is a health check: nothing was written for twelve hours.
        """
        checks = []
        for root in roots:
            entry = self._entries[root.props.id]
            at = self._check_time(root, entry)
            if at is not None and at <= now:
                checks.append((root, not entry.changed))
                entry.changed, entry.checked = False, now
                entry.not_before = max(entry.not_before or now, now + _SETTLE)
        return checks

    @staticmethod
    def _check_time(root: Task, entry: Entry) -> datetime | None:
        if not is_triggered(root):
            return None
        if entry.changed:
            return entry.not_before or entry.resumed
        return (entry.checked or entry.resumed) + HEALTH_CHECK

    def data_changed(self) -> None:
        """Rows were written somewhere: every triggered root is checked again."""
        for entry in self._entries.values():
            entry.changed = True

    def ran(self, root: Task, now: datetime) -> None:
        """A triggered root starts: it does not start again before its minimum interval is over."""
        if entry := self._entries.get(root.props.id):
            seconds = int(
                root.props.settings.get("USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS", DEFAULT_TRIGGER_SECONDS)
            )
            entry.not_before, entry.checked, entry.changed = now + timedelta(seconds=seconds), now, False

    def run_over(self, root_id: str) -> None:
        """A run of a root ended: what was written meanwhile, or was not consumed, triggers it again."""
        if entry := self._entries.get(root_id):
            entry.changed = True

    def next_time(self, roots: Iterable[Task], busy: Container[str]) -> datetime | None:
        """When there is something to do next for the started roots, if nothing happens before.

        The ``busy`` ones, by their ids, are not triggered before they have ended.
        """
        times = []
        for root in roots:
            entry = self._entries[root.props.id]
            check = None if root.props.id in busy else self._check_time(root, entry)
            times += [t for t in (entry.due, check) if t]
        return min(times, default=None)
