"""What Snowflake's model monitor has computed, read as signals; the answers are made, because no account is here."""

from datetime import datetime
from typing import Any

import pytest
from snowflake.snowpark import Row, Session

from snowloop.lifecycle.monitoring.model_monitor import model_monitor
from snowloop.lifecycle.monitoring.windows import record_windows
from snowloop.lifecycle.versions import Version
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.loops import FACTS, monitored

NOW = Version("V1", facts=FACTS)
MOMENT = datetime.fromisoformat("2026-03-10 12:00:00")
DAYS = [MOMENT.replace(day=day, hour=0) for day in (8, 9, 10)]
VALUES: dict[str, tuple[float, int | None]] = {
    "COUNT": (200, None), "JENSEN_SHANNON:AMT": (0.3, 190), "JENSEN_SHANNON:(score)": (0.05, 200),
    "COUNT_NULL:AMT": (10, None), "ROC_AUC": (0.8, 150),
}  # fmt: skip
"""Values and counts of rows, as the table functions return them, by signal."""


class Account:
    """A session of an account that has a model monitor: it keeps the statements, and answers each by what it is."""

    def __init__(self, **shown: Any):
        self.sent: list[str] = []
        self.shown = {
            "name": "CREDIT_APPROVAL_MONITOR",
            "comment": "snowloop x",
            "monitor_state": "ACTIVE",
            "model": '{"model_name": "CREDIT_APPROVAL", "version_name": "V1"}',
            **shown,
        }

    def sql(self, text: str, params: Any = None) -> "Account":
        self.sent.append(text)
        return self

    def collect(self) -> list[Row]:
        text = self.sent[-1]
        if text.startswith("SHOW"):
            return [Row(**self.shown)]
        if "SYSDATE" in text:
            return [Row(NOW=MOMENT)]
        if "NEWEST" in text:
            return [Row(NEWEST=None)]
        asked = [name for name in VALUES if f"'model_monitor:{name}'" in text]
        return [
            Row(NAME=f"model_monitor:{name}", WINDOW_START=day, VALUE=VALUES[name][0], N=VALUES[name][1])
            for name in asked
            for day in DAYS
        ]


def account(**shown: Any) -> tuple[Account, Workspace]:
    made = Account(**shown)
    project = monitored(load_project("credit_approval"), max_drift=0.1)
    return made, Workspace(made, project, "dev")  # type: ignore[arg-type]


def test_windows_that_are_over_are_read_and_drift_is_judged_by_the_declared_bound():
    made, workspace = account()
    (state,), windows = model_monitor(workspace, NOW)
    assert state.passed
    judged = {each.check.name: each.check.outcome for each in windows}
    assert judged == {
        "model_monitor:COUNT": "not_asked", "model_monitor:JENSEN_SHANNON:AMT": "failed",
        "model_monitor:JENSEN_SHANNON:(score)": "passed", "model_monitor:ROC_AUC": "not_asked",
        "model_monitor:COUNT_NULL:AMT": "not_asked",
    }  # fmt: skip
    assert {f"{each.start:%m-%d}" for each in windows} == {"03-08", "03-09"}, "today's window is not over"
    rows = {each.check.name: each.rows for each in windows}
    assert [*rows.values()] == [200, 190, 200, 200, 150], "a count has no rows of its own: those of its window"
    text = next(each for each in made.sent if "MODEL_MONITOR_DRIFT_METRIC" in each)
    assert '"CREDIT_APPROVAL_DEV"."MODELS"."CREDIT_APPROVAL_MONITOR"' in text
    assert "'JENSEN_SHANNON', 'AMT', '1 DAY'" in text
    assert "'COUNT_NULL', 'KIND', '1 DAY'" in text
    assert "'F1_SCORE', '1 DAY'" in text


@pytest.mark.parametrize(
    ("shown", "outcome", "reason"),
    [
        ({"monitor_state": "SUSPENDED"}, "failed", "is SUSPENDED: see aggregation_last_error"),
        ({"model": '{"version_name": "V0"}'}, "not_asked", "is of V0, the champion is V1: run snowloop apply"),
        ({"name": "ANOTHER"}, "not_asked", "does not exist yet: run snowloop apply"),
    ],
)
def test_a_monitor_that_does_not_work_is_named(shown: dict[str, Any], outcome: str, reason: str):
    (state,), windows = model_monitor(account(**shown)[1], NOW)
    assert (state.outcome, bool(windows)) == (outcome, outcome == "failed")
    assert reason in state.reason


def test_without_the_option_nothing_is_asked():
    made, workspace = account()
    plain = Workspace(workspace.session, load_project("credit_approval"), "dev")
    assert model_monitor(plain, NOW) == ([], [])
    assert made.sent == []


def test_the_local_snowflake_has_none_and_its_answer_is_the_reason(session: Session, workspace: Workspace):
    (state,), windows = model_monitor(Workspace(session, monitored(workspace.project), workspace.target), NOW)
    assert (state.outcome, windows) == ("not_asked", [])
    assert "refuses SHOW MODEL MONITORS" in state.reason


def test_what_was_read_is_written_once(workspace: Workspace):
    _, windows = model_monitor(account()[1], NOW)
    for _ in range(2):
        record_windows(workspace, windows)
    count = f"SELECT COUNT(*), COUNT(PASSED) FROM {workspace.database}.OPS.MONITORING_CHECKS"
    assert [*workspace.session.sql(count).collect()[0]] == [10, 4]
