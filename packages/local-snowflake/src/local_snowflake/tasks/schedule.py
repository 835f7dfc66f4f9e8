"""SCHEDULE of a task: an interval that counts from RESUME, or a cron expression in a time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from local_snowflake.errors import SnowflakeError, compilation_error

_UNITS = {
    "S": 1,
    "SECOND": 1,
    "SECONDS": 1,
    "M": 60,
    "MINUTE": 60,
    "MINUTES": 60,
    "H": 3600,
    "HOUR": 3600,
    "HOURS": 3600,
}
_SHORTEST, _LONGEST = timedelta(seconds=10), timedelta(days=8)
_FIELDS = 5
# further than any change of the clocks
_SHIFT = timedelta(hours=2)
_HORIZON = timedelta(days=366 * 8)


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
        found = []
        for fold in (0, 1):
            moment = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
            if moment.astimezone(self.zone).replace(tzinfo=None) == wall and moment not in found:
                found.append(moment)
        return found


Schedule = Interval | Cron


def parse_schedule(text: str) -> Schedule:
    """Read the text of SCHEDULE.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-task

    Args:
        text: ``n SECOND | MINUTE | HOUR`` or ``USING CRON m h dom mon dow zone``.

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
