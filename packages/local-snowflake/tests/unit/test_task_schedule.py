"""Due times: intervals from RESUME, cron in time zones, changes of the clocks; all with given times, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_snowflake.catalog.objects import TASK, Object, Task, TaskProps
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.names import Name
from local_snowflake.tasks.schedule import Timetable, parse_schedule

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


def due(text: str, after: datetime, count: int = 1) -> list[str]:
    found, moment = [], after
    for _ in range(count):
        following = parse_schedule(text).next_after(moment, after)
        assert following
        moment = following
        found.append(moment.astimezone(UTC).strftime("%m-%d %H:%M"))
    return found


def test_an_interval_counts_from_resume() -> None:
    schedule = parse_schedule("90 MINUTES")
    assert schedule.next_after(NOON, NOON) == NOON + timedelta(minutes=90)
    assert schedule.next_after(NOON + timedelta(minutes=200), NOON) == NOON + timedelta(minutes=270)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10 SECOND", 10), ("1 minute", 60), ("2 HOURS", 7200), ("11520 MINUTE", 691_200), ("45 s", 45)],
)
def test_units_of_intervals(text: str, seconds: int) -> None:
    assert parse_schedule(text).next_after(NOON, NOON) == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    ["9 SECOND", "11521 MINUTE", "1 DAY", "soon", "", "USING CRON * * * * UTC", "USING CRON 61 * * * * UTC"],
)
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(SnowflakeError, match="parameter 'SCHEDULE'"):
        parse_schedule(text)


@pytest.mark.parametrize("text", ["USING CRON 0 0 * * * Mars/Olympus", "USING CRON 0 0 0 * * * UTC"])
def test_a_zone_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SnowflakeError, match="parameter 'SCHEDULE'"):
        parse_schedule(text)


def test_cron_fields() -> None:
    assert due("USING CRON 15/20 9 * * * UTC", NOON, 3) == ["03-04 09:15", "03-04 09:35", "03-04 09:55"]
    assert due("USING CRON 0 0 L * * UTC", NOON, 2) == ["03-31 00:00", "04-30 00:00"]
    assert due("USING CRON 0 0 * * 5L UTC", NOON, 2) == ["03-27 00:00", "04-24 00:00"]
    assert due("USING CRON 0 9-17/8 * * SUN UTC", NOON, 3) == ["03-08 09:00", "03-08 17:00", "03-15 09:00"]


def test_day_of_month_or_day_of_week() -> None:
    assert due("USING CRON 0 0 15 * MON UTC", NOON, 3) == ["03-09 00:00", "03-15 00:00", "03-16 00:00"]


def test_a_cron_that_is_resumed_in_its_minute_waits_for_the_next_time() -> None:
    assert due("USING CRON 0 12 * * * UTC", NOON + timedelta(seconds=20)) == ["03-04 12:00"]
    assert due("USING CRON 0 12 * * * UTC", NOON) == ["03-04 12:00"]


def test_a_time_zone_moves_the_times() -> None:
    assert due("USING CRON 0 9 * * * America/Los_Angeles", NOON) == ["03-03 17:00"]
    assert due("USING CRON 0 9 * * * America/Los_Angeles", datetime(2026, 3, 8, 20, tzinfo=UTC)) == ["03-09 16:00"]


def test_the_hour_that_is_left_out_is_not_due_and_the_repeated_one_is_due_twice() -> None:
    spring, autumn = datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert due("USING CRON 30 2 * * * America/Los_Angeles", spring) == ["03-09 09:30"]
    assert due("USING CRON 30 1 * * * America/Los_Angeles", autumn, 3) == ["11-01 08:30", "11-01 09:30", "11-02 09:30"]


@given(st.integers(0, 366 * 24 * 60), st.integers(0, 23), st.integers(0, 59))
def test_cron_times_go_forward_and_show_the_wall_clock(start: int, hour: int, minute: int) -> None:
    schedule = parse_schedule(f"USING CRON {minute} {hour} * * * Europe/Warsaw")
    moment = NOON + timedelta(minutes=start)
    for _ in range(3):
        following = schedule.next_after(moment, moment)
        assert following
        assert moment < following <= moment + timedelta(hours=49)
        wall = following.astimezone(schedule.zone)  # type: ignore[union-attr]
        assert (wall.hour, wall.minute) == (hour, minute)
        moment = following


# -- the timetable ----------------------------------------------------------------------------------------------------


def task(name: str = "R", resumed: datetime | None = NOON, **props: Any) -> Task:
    state = "started" if resumed else "suspended"
    return Object(TASK, Name("D", "S", name), TaskProps(name, "SELECT 1", state=state, resumed_on=resumed, **props))


def test_a_scheduled_root_is_due_once_a_time() -> None:
    table, root = Timetable(), task(schedule="1 MINUTE")
    assert table.update([root, task("OFF", None, schedule="1 MINUTE"), task("C", predecessors=("R",))], NOON) == [root]
    assert table.due([root], NOON + timedelta(seconds=59)) == []
    assert table.due([root], NOON + timedelta(seconds=60)) == [(root, NOON + timedelta(seconds=60))]
    assert table.due([root], NOON + timedelta(seconds=61)) == []
    assert table.next_time([root], set()) == NOON + timedelta(seconds=120)


def test_times_that_passed_unseen_are_made_up_for_by_one_run() -> None:
    table, root = Timetable(), task(schedule="1 MINUTE")
    table.update([root], NOON)
    later = NOON + timedelta(minutes=10, seconds=5)
    assert table.due([root], later) == [(root, NOON + timedelta(minutes=1))]
    assert table.due([root], later) == []
    assert table.next_time([root], set()) == NOON + timedelta(minutes=11)


def test_a_server_that_starts_again_goes_on_with_the_schedule() -> None:
    table, root = Timetable(), task(schedule="1 HOUR")
    table.update([root], NOON + timedelta(hours=5, minutes=20))
    assert table.next_time([root], set()) == NOON + timedelta(hours=6)


def test_resume_begins_to_count_anew() -> None:
    table = Timetable()
    table.update([task(schedule="1 HOUR")], NOON)
    again = task(schedule="1 HOUR", resumed=NOON + timedelta(minutes=30))
    table.update([again], NOON + timedelta(minutes=30))
    assert table.next_time([again], set()) == NOON + timedelta(minutes=90)


def triggered(**settings: str) -> Task:
    return task(condition="SYSTEM$STREAM_HAS_DATA('S')", settings=settings)


def test_a_triggered_root_is_looked_at_when_resumed_and_when_data_changed() -> None:
    table, root = Timetable(), triggered()
    table.update([root], NOON)
    assert table.to_check([root], NOON) == [(root, False)]
    assert table.to_check([root], NOON + timedelta(hours=1)) == []
    table.data_changed()
    assert table.to_check([root], NOON + timedelta(hours=1)) == [(root, False)]


def test_a_triggered_root_waits_for_its_minimum_interval() -> None:
    table, root = Timetable(), triggered(USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS="15")
    table.update([root], NOON)
    table.ran(root, NOON)
    assert table.next_time([root], {"R"}) is None
    table.run_over("R")
    assert table.to_check([root], NOON + timedelta(seconds=14)) == []
    assert table.next_time([root], set()) == NOON + timedelta(seconds=15)
    assert table.to_check([root], NOON + timedelta(seconds=15)) == [(root, False)]


def test_the_default_interval_is_thirty_seconds() -> None:
    table, root = Timetable(), triggered()
    table.update([root], NOON)
    table.ran(root, NOON)
    table.run_over("R")
    assert table.next_time([root], set()) == NOON + timedelta(seconds=30)


def test_a_quiet_triggered_root_has_a_health_check_every_twelve_hours() -> None:
    table, root = Timetable(), triggered()
    table.update([root], NOON)
    table.to_check([root], NOON)
    assert table.next_time([root], set()) == NOON + timedelta(hours=12)
    assert table.to_check([root], NOON + timedelta(hours=12)) == [(root, True)]
