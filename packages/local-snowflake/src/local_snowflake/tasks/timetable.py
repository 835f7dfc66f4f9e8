"""When roots are due: by their schedules, or because a stream that triggers them may have data."""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from local_snowflake.catalog.objects import Task
from local_snowflake.tasks.graphs_of_schema import STARTED, Family, is_triggered, schedule_of

DEFAULT_TRIGGER_SECONDS = 30
HEALTH_CHECK = timedelta(hours=12)
# many commits in a row are looked at together
_SETTLE = timedelta(seconds=1)


@dataclass
class Entry:
    """What is known of a started root between two looks."""

    resumed: datetime
    due: datetime | None = None
    # of a triggered task: whether its streams may have data that was not looked at, and since when it may run again
    changed: bool = True
    not_before: datetime | None = None
    # when it last ran or was found to have nothing to do
    visited: datetime | None = None


class Timetable:
    """The due times of all started roots; asked with a time, it reads no clock."""

    def __init__(self) -> None:
        """No root is known."""
        self._entries: dict[str, Entry] = {}

    def update(self, tasks: Iterable[Task], now: datetime) -> list[Task]:
        """Learn which roots are started.

        Args:
            tasks: every task of the account.
            now: the time.

        Returns:
            The started roots.
        """
        schemas: dict[tuple[str, str], list[Task]] = {}
        for task in tasks:
            schemas.setdefault((task.name.database, task.name.schema), []).append(task)
        roots = []
        for members in schemas.values():
            family = Family(members)
            roots += [t for n, t in family.tasks.items() if t.props.state == STARTED and family.is_root(n)]
        known, self._entries = self._entries, {}
        for root in roots:
            resumed = root.props.resumed_on or now
            entry = known.get(root.props.id)
            if entry is None or entry.resumed != resumed:
                entry = Entry(resumed, due=self._next(root, now, resumed))
            self._entries[root.props.id] = entry
        return roots

    @staticmethod
    def _next(root: Task, now: datetime, resumed: datetime) -> datetime | None:
        schedule = schedule_of(root)
        return schedule.next_after(now, resumed) if schedule else None

    def due(self, roots: Iterable[Task], now: datetime) -> list[tuple[Task, datetime]]:
        """The roots whose schedule is due, with the time they were due; each is then due at its next time.

        Times that passed unseen, eg: while the machine slept, are made up for by one run.
        """
        found = []
        for root in roots:
            entry = self._entries[root.props.id]
            if entry.due and entry.due <= now:
                found.append((root, entry.due))
                entry.due = self._next(root, now, entry.resumed)
        return found

    def to_check(self, roots: Iterable[Task], now: datetime) -> list[tuple[Task, bool]]:
        """The triggered roots whose condition is to be looked at now.

        Args:
            roots: started roots that do not run at the moment.
            now: the time.

        Returns:
            Each with whether it is a health check: nothing was written for twelve hours.
        """
        found = []
        for root in roots:
            entry = self._entries[root.props.id]
            at = self._check_time(root, entry)
            if at is not None and at <= now:
                found.append((root, not entry.changed))
                entry.changed, entry.visited = False, now
                entry.not_before = max(entry.not_before or now, now + _SETTLE)
        return found

    @staticmethod
    def _check_time(root: Task, entry: Entry) -> datetime | None:
        if not is_triggered(root):
            return None
        if entry.changed:
            return entry.not_before or entry.resumed
        return (entry.visited or entry.resumed) + HEALTH_CHECK

    def data_changed(self) -> None:
        """Rows were written somewhere: every triggered root is looked at again."""
        for entry in self._entries.values():
            entry.changed = True

    def ran(self, root: Task, now: datetime) -> None:
        """A triggered root starts: it does not start again before its minimum interval is over."""
        if entry := self._entries.get(root.props.id):
            seconds = int(
                root.props.settings.get("USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS", DEFAULT_TRIGGER_SECONDS)
            )
            entry.not_before, entry.visited, entry.changed = now + timedelta(seconds=seconds), now, False

    @staticmethod
    def has_triggers(roots: Iterable[Task]) -> bool:
        """Whether a stream triggers one of the roots."""
        return any(is_triggered(root) for root in roots)

    def run_over(self, root_id: str) -> None:
        """A run of a root ended: what was written meanwhile, or was not consumed, triggers it again."""
        if entry := self._entries.get(root_id):
            entry.changed = True

    def next_time(self, roots: Iterable[Task], busy: Container[str]) -> datetime | None:
        """When there is something to do next, if nothing happens before.

        Args:
            roots: the started roots.
            busy: ids of those that run: they are not triggered before they have ended.
        """
        times = []
        for root in roots:
            entry = self._entries[root.props.id]
            check = None if root.props.id in busy else self._check_time(root, entry)
            times += [t for t in (entry.due, check) if t]
        return min(times, default=None)
