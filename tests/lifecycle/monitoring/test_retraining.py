"""Which alerts ask for a training, and what becomes of it: by a table, and in the tables of an environment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.lifecycle.monitoring import retraining
from snowloop.lifecycle.monitoring.alerts import Alert
from snowloop.lifecycle.monitoring.retraining import Request, due, request_retraining, settle_retraining
from snowloop.lifecycle.versions import Version
from snowloop.project import Monitoring
from snowloop.workspace import Workspace

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST = datetime.now(UTC).date() - timedelta(days=60)
"""The day of the first window in OPS."""
RULES = Monitoring(retrain_on=("drift", "performance"))
LAST = Request("r1", "requested", "drift:X", "a1", "V1", "it drifted", "run_1", NOW - timedelta(hours=1))


def alert(signal: str, version: str | None = "V1", **changes: Any) -> Alert:
    """An open alert."""
    opened = Alert(signal, signal, version, "warning", "open", NOW, NOW, NOW, None, 3, 2.0, 1.0, f"{signal} is high")
    return replace(opened, **changes)


DRIFT = alert("drift:X")


@pytest.mark.parametrize(
    ("alerts", "last", "why"),
    [
        ([], None, "no alert of monitoring.retrain_on is open"),
        ([alert("calibration")], None, "no alert of monitoring.retrain_on is open"),
        ([replace(DRIFT, state="acknowledged")], None, "no alert of monitoring.retrain_on is open"),
        ([replace(DRIFT, version="V0")], None, "no alert of monitoring.retrain_on is open"),
        ([DRIFT, alert("volume", None)], None, "drift:X asks for a training, but the data is in doubt: volume is open"),
        (
            [DRIFT, alert("schema:LOANS", None, state="acknowledged")],
            None,
            "drift:X asks for a training, but the data is in doubt: schema:LOANS is open",
        ),
        ([DRIFT, alert("silent:volume", None)], None, "the data is in doubt: silent:volume is open"),
        ([DRIFT], LAST, "the one of 2026-03-01 11:00 UTC (drift:X) has no outcome yet"),
        ([DRIFT], replace(LAST, state="refused"), "the last one was refused: the next is possible at 2026-03-08 11:00"),
        ([DRIFT], replace(LAST, state="promoted"), "the last one was promoted: the next is possible at 2026-03-08"),
    ],
)
def test_what_keeps_an_alert_from_asking_is_said(alerts: list[Alert], last: Request | None, why: str):
    asking, reason = due(alerts, last, RULES, "V1", NOW)
    assert asking == ()
    assert why in reason


def test_all_open_alerts_that_may_ask_do_after_the_cooldown():
    storm = [
        DRIFT,
        alert("drift:Y"),
        alert("performance"),
        alert("performance:REGION=north"),
        alert("silent:drift", None),
    ]
    before = replace(LAST, state="refused", requested_at=NOW - timedelta(days=7))
    asking, reason = due(storm, before, RULES, "V1", NOW)
    assert [each.signal for each in asking] == ["drift:X", "drift:Y", "performance", "performance:REGION=north"]
    assert "drift:X: drift:X is high; drift:Y: drift:Y is high" in reason


def test_one_feature_can_be_declared_alone():
    rules = Monitoring(retrain_on=("drift:Y",))
    asking, _ = due([DRIFT, alert("drift:Y")], None, rules, "V1", NOW)
    assert [each.signal for each in asking] == ["drift:Y"]


@pytest.mark.parametrize("signal", ["volume", "schema:LOANS", "SCORES_FINITE", "probation", "drfit"])
def test_a_signal_that_no_new_model_cures_cannot_be_declared(signal: str):
    with pytest.raises(ValidationError, match=f"signal '{signal}' is none that a new model cures"):
        Monitoring(retrain_on=(signal,))


@pytest.fixture
def loop(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An environment in which V1 serves, and whose alerts ask for a training."""
    monkeypatch.setattr(retraining, "champion", lambda _: Version("V1"))
    return declaring(workspace, retrain_on=("drift", "performance"))


def declaring(workspace: Workspace, **rules: Any) -> Workspace:
    monitoring = workspace.project.monitoring.model_copy(update=rules)
    project = workspace.project.model_copy(update={"monitoring": monitoring})
    return Workspace(workspace.session, project, workspace.target)


def rows(workspace: Workspace, query: str) -> list[Any]:
    return workspace.session.sql(query.replace("{db}", workspace.database)).collect()


def judge(workspace: Workspace, signal: str, version: str = "'V1'") -> None:
    """Three windows above the bound, and a look at them."""
    for day in range(3):
        rows(
            workspace,
            "INSERT INTO {db}.OPS.MONITORING_CHECKS (NAME, MODEL_VERSION, WINDOW_START, WINDOW_END, VALUE, BOUND,"
            f" PASSED, REASON, CHECKED_AT) SELECT '{signal}', {version}, DATEADD('day', {day}, '{FIRST}'),"
            f" DATEADD('day', {day + 1}, '{FIRST}'), 2, 1, FALSE, '{signal} is high', SYSDATE()",
        )
    store.update_alerts(workspace, "V1")


def decide(workspace: Workspace, version: str, **checks: bool) -> None:
    """A verdict, whose id is that of the version."""
    for name, passed in checks.items():
        rows(
            workspace,
            "INSERT INTO {db}.OPS.VERDICTS (VERDICT_ID, MODEL_VERSION, CHECK_NAME, PASSED, REASON)"
            f" VALUES ('{version}', '{version}', '{name}', {passed}, '{name.lower()} is as it is')",
        )


def events(workspace: Workspace) -> list[tuple[str, str]]:
    found = rows(
        workspace, "SELECT EVENT, REASON FROM {db}.OPS.ALERT_EVENTS WHERE EVENT LIKE 'retrain%' ORDER BY DONE_AT"
    )
    return [(row["EVENT"], row["REASON"]) for row in found]


def test_a_storm_of_alerts_asks_for_one_training_which_a_retry_repeats(loop: Workspace):
    assert request_retraining(loop, "run_1").request_id is None
    for signal in ("drift:X", "drift:Y", "performance"):
        judge(loop, signal)
    first = request_retraining(loop, "run_1")
    assert first.request_id is not None
    assert first.signals == ("drift:X", "drift:Y", "performance")
    assert request_retraining(loop, "run_1") == first
    second = request_retraining(loop, "run_2")
    assert second.request_id is None
    assert "has no outcome yet" in second.reason
    assert len(rows(loop, "SELECT * FROM {db}.OPS.RETRAININGS")) == 1
    assert events(loop) == [("retraining", "a training is asked for")] * 3


def test_a_broken_feed_raises_its_alert_and_asks_for_no_training(loop: Workspace):
    judge(loop, "drift:X")
    judge(loop, "schema:PATIENTS", version="NULL")
    assert {each.signal for each in store.open_alerts(loop)} == {"drift:X", "schema:PATIENTS"}
    asked = request_retraining(loop, "run_1")
    assert asked.request_id is None
    assert "the data is in doubt: schema:PATIENTS is open" in asked.reason
    store.close(loop, "schema:PATIENTS", by="ada", reason="the column is back")
    assert request_retraining(loop, "run_2").request_id is not None


def test_a_refused_training_leaves_the_alert_open_and_says_why(loop: Workspace):
    judge(loop, "drift:X")
    asked = request_retraining(loop, "run_1")
    decide(loop, "V2", BOUND=False, SUPPORT=True)
    settled = settle_retraining(loop, [str(asked.request_id)], verdict_id="V2", failure="the gate refuses")
    assert (settled.state, settled.outcome) == ("refused", "trained, and the gate refuses V2: bound is as it is")
    assert [each.state for each in store.open_alerts(loop)] == ["open"]
    assert events(loop)[-1] == ("retrained", "trained, and the gate refuses V2: bound is as it is")
    (message,) = rows(loop, "SELECT MESSAGE FROM {db}.OPS.ALERT_EVENTS WHERE EVENT = 'retrained'")[0]
    assert message == (
        "diabetes_progression in alerts: warning drift:X of V1: trained, and the gate refuses V2: bound is as it is"
    )
    again = settle_retraining(loop, [str(asked.request_id)], verdict_id=None, failure="a retry")
    assert again.state == "", "what has an outcome keeps it"
    assert "the last one was refused" in request_retraining(loop, "run_2").reason


@pytest.mark.parametrize(
    ("serving", "checks", "verdict", "state", "words"),
    [
        ("V1", {"BOUND": True}, "V1", "kept", "training gives V1 again, which serves already"),
        ("V2", {"BOUND": True}, "V2", "promoted", "V2 serves now, in place of V1"),
        ("V2", {"BOUND": False, "OVERRIDE": True}, "V2", "promoted", "V2 serves now, in place of V1"),
        ("V1", {"BOUND": True}, "V2", "failed", "the gate accepted V2, which was not promoted: ada said no"),
        ("V1", {}, None, "failed", "the training failed before the gate: ada said no"),
    ],
)
def test_the_outcome_is_that_of_the_gate_and_of_who_serves_then(
    loop: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    serving: str,
    checks: dict[str, bool],
    verdict: str | None,
    state: str,
    words: str,
):
    judge(loop, "drift:X")
    asked = request_retraining(loop, "run_1")
    decide(loop, str(verdict), **checks)
    monkeypatch.setattr(retraining, "champion", lambda _: Version(serving))
    settled = settle_retraining(loop, [str(asked.request_id)], verdict_id=verdict, failure="ada said no")
    assert settled.state == state
    assert settled.outcome.startswith(words)
    (kept,) = rows(loop, "SELECT STATE, OUTCOME, VERDICT_ID FROM {db}.OPS.RETRAININGS")
    assert tuple(kept) == (state, settled.outcome, verdict)


def test_after_the_cooldown_an_alert_that_is_still_open_asks_again(loop: Workspace):
    judge(loop, "drift:X")
    first = request_retraining(loop, "run_1")
    settle_retraining(loop, [str(first.request_id)], verdict_id=None)
    rows(loop, "UPDATE {db}.OPS.RETRAININGS SET REQUESTED_AT = DATEADD('day', -7, SYSDATE())")
    second = request_retraining(loop, "run_2")
    assert second.request_id not in (None, first.request_id)


def test_a_training_without_an_outcome_is_lost_after_its_time_and_a_late_outcome_still_counts(loop: Workspace):
    judge(loop, "drift:X")
    first = request_retraining(loop, "run_1")
    rows(loop, "UPDATE {db}.OPS.RETRAININGS SET REQUESTED_AT = DATEADD('hour', -49, SYSDATE())")
    assert "the last one was lost" in request_retraining(loop, "run_2").reason
    event, words = events(loop)[-1]
    assert event == "retrained"
    assert "has no outcome after 2 days: look at the runs of diabetes_progression__train" in words
    assert settle_retraining(loop, [str(first.request_id)], verdict_id=None, failure="no").state == "failed"


def test_a_run_that_no_alert_asked_for_settles_nothing(loop: Workspace):
    assert settle_retraining(loop, [], verdict_id="any").summary()["retraining"] == "none"
