"""Alerts as a pure function of state and judged windows: by tables, and for any sequence of windows."""

import ast
import inspect
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowloop.lifecycle.monitoring import data_health, drift, model_monitor, monitor, performance, probation
from snowloop.lifecycle.monitoring.alerts import (
    JUDGED_AGAIN,
    PROBATION,
    SILENT,
    Alert,
    Event,
    JudgedWindow,
    Moment,
    Step,
    advance,
    happened,
)
from snowloop.project import Alerts, CloseRule, OpenRule
from snowloop.project.alerts import DATA_HEALTH

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Alerts(silent_after={"volume": timedelta(days=3)})


def window(place: int, value: float, *, signal: str = "volume", version: str | None = None) -> JudgedWindow:
    """The window of one day, whose bound is 1."""
    start = START + place * DAY
    return JudgedWindow(signal, version, start, start + DAY, value <= 1, value, 1.0, f"value {value:g} on day {place}")


class Record:
    """Alerts and events over time, as OPS.ALERTS and OPS.ALERT_EVENTS keep them."""

    def __init__(self, rules: Alerts = RULES) -> None:
        self.rules = rules
        self.alerts: dict[str, Alert] = {}
        self.events: list[Event] = []

    def newest(self) -> list[Alert]:
        found: dict[tuple[str, str | None], Alert] = {}
        for alert in self.alerts.values():
            found[alert.signal, alert.version] = alert
        return list(found.values())

    def look(self, windows: list[JudgedWindow], now: datetime | None = None, champion: str = "V1") -> Step:
        now = now or max(each.end for each in windows)
        last = {each.signal: each.end for each in windows}
        count = max(self.rules.open.of, self.rules.close.windows)
        step = advance(self.newest(), windows[-count:], last, Moment(self.rules, champion, now, "churn in prod"))
        self.store(step.alerts, step.events)
        return step

    def store(self, alerts: tuple[Alert, ...], events: tuple[Event, ...]) -> None:
        self.alerts.update({alert.alert_id: alert for alert in alerts})
        self.events += events

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def days(*values: float, signal: str = "volume") -> list[JudgedWindow]:
    return [window(place, value, signal=signal) for place, value in enumerate(values)]


def over(*values: float, rules: Alerts = RULES, signal: str = "volume") -> Record:
    """A look a day."""
    record = Record(rules)
    windows = days(*values, signal=signal)
    for last in range(1, len(windows) + 1):
        record.look(windows[:last])
    return record


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([2], []),
        ([2, 2], []),
        ([2, 2, 2], ["opened"]),
        ([2, 0, 2, 0, 2], ["opened"]),
        ([2, 2, 2, 0.5], ["opened", "reminded"]),
        ([2, 2, 0, 0, 2, 0], ["opened", "reminded"]),
        ([2, 2, 0, 0, 0, 2], []),
        ([2, 2, 2, 0.9, 0.9, 0.9], ["opened", *["reminded"] * 3]),  # kept the bound, and not by enough
        ([2, 2, 2, 0.8, 0.8, 0.8], ["opened", "reminded", "reminded", "closed"]),
        ([2, 2, 2, 0.5, 0.5, 2, 0.5, 0.5, 0.5], ["opened", *["reminded"] * 5, "closed"]),
        ([2, 2, 2, 0.5, 0.5, 0.5, 2, 2], ["opened", "reminded", "reminded", "closed"]),
        ([2, 2, 2, 0.5, 0.5, 0.5, 2, 2, 2], ["opened", "reminded", "reminded", "closed", "opened"]),
        ([2, 2, 2, 3, 3, 3], ["opened", "reminded", "reminded", "raised"]),
        ([3, 3, 3], ["opened"]),
    ],
)
def test_an_alert_opens_rises_and_closes_by_counts_and_values(values, kinds):
    assert over(*values).kinds == kinds


def test_an_immediate_signal_opens_an_error_with_one_window_and_its_kind_may_be_named():
    for signal in ("schema", "schema:CUSTOMERS"):
        record = over(2, signal=signal)
        assert record.kinds == ["opened"]
        assert record.events[0].severity == "error"
    assert over(2, signal="schemata").kinds == []
    assert over(2, 0.5, signal="schema:CUSTOMERS").kinds == ["opened", "closed"]


def test_the_severity_of_an_opening_follows_the_values_and_never_falls_while_it_is_open():
    assert [event.severity for event in over(2, 2, 2, 3, 3, 3, 2, 2).events] == ["warning"] * 3 + ["error"] * 3
    assert over(3, 3, 3).events[0].severity == "error"
    assert over(3, 3, 2).events[0].severity == "warning", "the newest is none"


def test_a_message_says_where_what_and_why_and_is_one_an_event():
    (event,) = over(2, 2, 2).events
    assert event.message == "churn in prod: warning volume opened: value 2 on day 2"


def test_an_acknowledged_alert_is_not_repeated_but_a_rise_and_the_closing_are():
    record = over(2, 2, 2)
    (alert,) = record.alerts.values()
    after, event = happened(replace(alert, state="acknowledged"), "acknowledged", "I look", START + 3 * DAY, by="ada")
    record.store((after,), (event,))
    windows = days(2, 2, 2, 2, 2, 2, 3, 3, 3)
    for last in range(4, 7):
        record.look(windows[:last])
    assert record.kinds == ["opened", "acknowledged"]
    for last in range(7, 10):
        record.look(windows[:last])
    assert record.kinds == ["opened", "acknowledged", "raised"]
    assert record.alerts[alert.alert_id].state == "open"


def test_a_muted_signal_sends_nothing_until_then_also_when_it_opens_again():
    record = over(2, 2, 2)
    (alert,) = record.alerts.values()
    record.store((replace(alert, muted_until=START + 12 * DAY),), ())
    windows = days(2, 2, 2, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2)
    for last in range(4, 12):
        record.look(windows[:last])
    assert record.kinds == ["opened", "closed", "opened"]
    assert [event.message is None for event in record.events] == [False, True, True]
    record.look(windows[:12])
    assert record.kinds[3:] == ["reminded"], "what was never sent is sent as soon as the time is over"
    assert record.events[-1].message


def test_a_reminder_comes_once_a_day_however_often_one_looks():
    record, windows = over(2, 2, 2), days(2, 2, 2)
    for hours in range(1, 60):
        record.look(windows, now=START + 3 * DAY + timedelta(hours=hours))
    assert record.kinds == ["opened", "reminded", "reminded"]


def test_no_window_for_longer_than_declared_is_an_alert_which_closes_with_the_next_window():
    record, windows = Record(), days(0, 0)
    record.look(windows, now=START + 4 * DAY)
    assert record.kinds == []
    for _ in range(2):
        record.look(windows, now=START + 6 * DAY)
    (alert,) = record.alerts.values()
    assert (alert.signal, alert.severity, record.kinds) == ("silent:volume", "warning", ["opened"])
    assert "no window of volume was judged since 2026-01-03 00:00 UTC" in alert.reason
    assert "allows 3 days" in alert.reason
    record.look([*windows, window(6, 0)])
    assert record.kinds == ["opened", "closed"]
    record.look([*windows, window(6, 0)], now=START + 11 * DAY)
    assert record.kinds == ["opened", "closed", "opened"], "the silence after that one is another"


def test_a_kind_that_was_never_judged_is_not_silent():
    assert advance([], [], {}, Moment(RULES, "V1", START, "churn in prod")) == Step((), ())


def test_an_alert_of_a_version_closes_when_another_one_serves_and_its_windows_no_longer_count():
    record = Record()
    windows = [window(place, 2, version="V1") for place in range(3)]
    record.look(windows)
    assert record.kinds == ["opened"]
    for _ in range(2):
        record.look(windows, champion="V2")
    assert record.kinds == ["opened", "closed"]
    assert record.events[-1].reason == "V1 no longer serves"
    record.look([*windows, *(window(place, 2, version="V2") for place in range(3, 6))], champion="V2")
    assert record.kinds == ["opened", "closed", "opened"]


def test_a_late_judgement_of_a_window_counts_in_place_of_the_first():
    record, windows = Record(), days(2, 2, 2)
    record.look(windows)
    record.look([replace(each, value=0.5, passed=True) for each in windows], now=START + 3 * DAY)
    assert record.kinds == ["opened", "closed"]


SHAPES = st.builds(
    Alerts,
    open=st.integers(1, 5).flatmap(lambda k: st.builds(OpenRule, windows=st.just(k), of=st.integers(k, 7))),
    close=st.builds(CloseRule, windows=st.integers(1, 5), below=st.sampled_from([0.5, 0.8, 1.0])),
    silent_after=st.just({"volume": timedelta(days=2)}),
)


@settings(max_examples=60, deadline=None)
@given(
    rules=SHAPES, values=st.lists(st.sampled_from([0, 0.7, 0.9, 1, 1.1, 2, 4]), min_size=1, max_size=15), seed=st.data()
)
def test_whatever_the_windows_are_twice_is_once_and_states_follow_each_other(rules, values, seed):
    record = Record(rules)
    windows: list[JudgedWindow] = []
    now = START
    for place, value in enumerate(values):
        windows.append(window(place, value))
        now = max(windows[-1].end, now) + timedelta(hours=seed.draw(st.sampled_from([0, 5, 90])))
        record.look(windows, now=now)
        assert record.look(windows, now=now) == Step((), ()), "the same look again changes nothing"
        shuffled = seed.draw(st.permutations(windows[-7:]))
        last = {"volume": windows[-1].end}
        again = advance(record.newest(), shuffled, last, Moment(rules, "V1", now, "churn in prod"))
        assert again == Step((), ()), "nor does the order of the rows"
    for alert in record.alerts.values():
        own = [event for event in record.events if event.alert_id == alert.alert_id]
        kinds = [event.kind for event in own]
        assert kinds[0] == "opened"
        assert kinds.count("opened") == 1
        assert kinds.count("raised") <= 1
        assert kinds.count("closed") == (not alert.is_open)
        assert "closed" not in kinds[:-1], "nothing happens to a closed alert"
        assert alert.events == len(own) == len({event.event_id for event in own})
        assert [event.event_id for event in own] == [f"{alert.alert_id}.{n + 1}" for n in range(len(own))]
        sent = [event for event in own if event.message]
        for earlier, later in pairwise(sent):
            assert later.at - earlier.at >= rules.remind_after or later.kind != "reminded"
    open_ones = [alert for alert in record.alerts.values() if alert.is_open]
    assert len({alert.signal for alert in open_ones}) == len(open_ones), "one alert a signal"


def test_a_rule_that_no_windows_can_fulfil_is_refused():
    with pytest.raises(ValueError, match=r"3 windows of the newest 2 can never be above the bound: raise `of`"):
        OpenRule(windows=3, of=2)


def judged_kinds() -> set[str]:
    """The kinds of the signals that monitoring's code judges: the names of its checks up to the colon."""
    kinds = {PROBATION, SILENT, JUDGED_AGAIN, *DATA_HEALTH, model_monitor.STATE, model_monitor.SIGNAL}
    for module in (data_health, drift, monitor, performance, probation):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) in ("Check", "Check.of"):
                name = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
                if isinstance(name, ast.Constant):
                    kinds.add(str(name.value).partition(":")[0])
    return kinds


def test_each_alert_has_a_row_on_call_and_each_row_is_of_an_alert():
    text = (Path(__file__).parents[3] / "docs" / "on-call.md").read_text()
    section = text.partition("## An alert is open")[2].partition("\n## ")[0].partition("OPS.RETRAININGS")[0]
    rows = {re.split("[`:]", line[3:])[0] for line in section.splitlines() if line.startswith("| `")}
    assert rows == judged_kinds()
