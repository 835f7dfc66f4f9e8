"""Each stage's operator makes one call of its lifecycle function, with the right arguments."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from snowloop.airflow.operators import evidence, stages
from snowloop.checks import Check
from snowloop.errors import GateRefused, MonitoringCheckError, MonitoringError, NotificationError
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.rollback import Rollback
from snowloop.lifecycle.data.data_folder import declared_roots
from snowloop.lifecycle.data.load import LoadedFile, LoadReport
from snowloop.lifecycle.deployment.plan import ENVIRONMENT
from snowloop.lifecycle.evaluation.evaluate import Evaluation
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.fingerprints import ChangeKind
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.monitoring.monitor import MonitoringReport
from snowloop.lifecycle.report import Report
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.deployment import DeploymentPlan
from snowloop.lifecycle.scoring.plan import Change, Plan
from snowloop.lifecycle.training.train import Candidate
from snowloop.project import load_project

TRAINING_SET = TrainingSet(
    table='"D"."FEATURES"."T"',
    fingerprint="abc",
    rows=100,
    holdout_rows=25,
    set_aside=1,
    features=(Feature("AGE", "FLOAT"),),
    kept=False,
)
CANDIDATE = Candidate("logistic", "V1", TRAINING_SET, {"roc_auc": 0.8})
EVALUATION = Evaluation(CANDIDATE, {"roc_auc": 0.8})
VERDICT = Verdict("id", "V1", None, "abc", (Check.of("ROC_AUC", passed=True, reason="good", value=0.8),), kept=False)
APPROVAL = Approval("V1", "ada", "fine")
ROLLBACK = Rollback("V2", "V1", "2026-01-01 00:00:00.000")
ARRIVED = LoadReport((LoadedFile("s", "f", 3, 2, 1, kept=False),), 3, 2, 1, datetime(2026, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Done(Result):
    verdict_id = "another field of the gate's result"
    rows: int = 1


NO_OVERRIDE = {"override_checks": "", "override_reason": "", "override_until": ""}
CALLS = [
    ("EnvironmentOperator", {}, "data.environment.create_environment", (), {}),
    (
        "LoadOperator",
        {"data_dir": "/data", "part": "arrivals", "only": "2"},
        "data.load.load_files",
        ("/data",),
        {"part": "arrivals", "only": "2", "roots": declared_roots(load_project("credit_approval"))},
    ),
    ("ContractOperator", {}, "data.validate.check_contract", (), {}),
    ("TrainingSetOperator", {}, "features.training_set.build_training_set", (), {}),
    (
        "TrainOperator",
        {"training_set": TRAINING_SET.to_dict(), "candidate": "logistic"},
        "training.train.train_candidate",
        (TRAINING_SET, "logistic"),
        {},
    ),
    ("EvaluateOperator", {"candidate": CANDIDATE.to_dict()}, "evaluation.evaluate.evaluate", (CANDIDATE,), {}),
    (
        "GateOperator",
        {"evaluations": [EVALUATION.to_dict()], **NO_OVERRIDE},
        "gate.gate.decide",
        ([EVALUATION],),
        {"override": None},
    ),
    (
        "GateOperator",
        {"evaluations": [EVALUATION.to_dict()], **NO_OVERRIDE, "override_checks": "BOUND", "override_reason": "why"},
        "gate.gate.decide",
        ([EVALUATION],),
        {"override": Override("ada", "why", ("BOUND",))},
    ),
    ("PromoteOperator", {"verdict": VERDICT.to_dict()}, "champion.promote.promote", (VERDICT, None), {}),
    (
        "PromoteOperator",
        {"verdict": VERDICT.to_dict(), "approval": APPROVAL.to_dict()},
        "champion.promote.promote",
        (VERDICT, APPROVAL),
        {},
    ),
    ("DeployScoringOperator", {}, "scoring.deploy_scoring", (), {}),
    ("ReconcileOperator", {}, "scoring.reconcile", (), {}),
    ("RollbackOperator", {}, "delivery.roll_back.roll_back", (), {}),
    (
        "VerifyRollbackOperator",
        {"rollback": ROLLBACK.to_dict(), "timeout": "7"},
        "champion.rollback.verify_rollback",
        (ROLLBACK,),
        {"timeout": 7},
    ),
    ("RehearseOperator", {}, "monitoring.rehearse.rehearse", (), {}),
    ("VerifyOperator", {}, "monitoring.verify.check_verified", (), {}),
]


@pytest.mark.parametrize(
    ("operator", "options", "function", "arguments", "named"), CALLS, ids=[row[0] for row in CALLS]
)
def test_one_call_with_the_right_arguments(
    session, context, monkeypatch, operator, options, function, arguments, named
):
    calls = []

    def record(*given, **by_name):
        calls.append((given, by_name))
        return Done()

    monkeypatch.setattr(f"snowloop.lifecycle.{function}", record)
    made = vars(stages).get(operator) or vars(evidence)[operator]
    monkeypatch.setattr(made, "event", lambda *_: None)  # test_assets has the events
    stage = made(task_id="stage", project="credit_approval", target="staging", **options)
    assert stage.execute(context) == {"rows": 1}
    ((given, by_name),) = calls
    assert given[0].session is session
    assert given[0].project.name == "credit_approval"
    assert given[0].target == "staging"
    assert given[1:] == arguments
    assert by_name == named


@pytest.mark.parametrize(
    ("user", "checks", "reason"),
    [("ada", "BOUND", ""), ("ada", "", "why"), (None, "BOUND", "why"), ("dag_test", "BOUND", "why")],
)
def test_an_override_needs_checks_a_reason_and_a_user(session, context, monkeypatch, user, checks, reason):
    context["dag_run"].triggering_user_name = user
    monkeypatch.setattr(
        "snowloop.lifecycle.gate.gate.decide", lambda *_given, **_named: pytest.fail("the gate was asked")
    )
    override = {**NO_OVERRIDE, "override_checks": checks, "override_reason": reason}
    given = {"evaluations": [EVALUATION.to_dict()], **override}
    stage = stages.GateOperator(task_id="gate", project="credit_approval", target="dev", **given)
    with pytest.raises(AirflowFailException, match=r"needs a user who is logged in, a reason, and the checks"):
        stage.execute(context)


def test_a_plan_is_logged_and_a_refused_one_fails_with_its_remedy(session, context, monkeypatch):
    environment = Plan("p", "dev", "", (Change("database", "P_DEV", "keep", "it exists"),), part=ENVIRONMENT)

    def planned(change: Change) -> None:
        loop = Plan("p", "dev", "", (change,))
        plan = DeploymentPlan("p", "dev", "A", "P_DEV", "R", ChangeKind((), "none"), environment, loop)
        monkeypatch.setattr("snowloop.lifecycle.scoring.deployment.plan_deployment", lambda *_: plan)

    planned(Change("stream", "RAW.S", "refuse", "it is stale", "recover it"))
    stage = stages.PlanScoringOperator(task_id="plan", project="credit_approval", target="dev")
    with pytest.raises(AirflowFailException, match="it is stale; to do: recover it"):
        stage.execute(context)
    planned(Change("stream", "RAW.S", "keep", "its offset is kept"))
    stage.execute(context)
    assert context["ti"].pushed["summary"] == {"keep": 2}


def test_the_gate_pushes_the_id_of_its_verdict_also_of_one_that_refuses(session, context, monkeypatch):
    given: dict[str, Any] = {"project": "credit_approval", "target": "dev", **NO_OVERRIDE}
    stage = stages.GateOperator(task_id="gate", evaluations=[], **given)
    monkeypatch.setattr("snowloop.lifecycle.gate.gate.decide", lambda *_given, **_named: VERDICT)
    stage.execute(context)
    assert context["ti"].pushed["verdict_id"] == "id"

    def refuse(*_given, **_named):
        raise GateRefused("no candidate is good enough", "refused-id")

    monkeypatch.setattr("snowloop.lifecycle.gate.gate.decide", refuse)
    with pytest.raises(AirflowFailException, match="good enough"):
        stage.execute(context)
    assert context["ti"].pushed["verdict_id"] == "refused-id"


def test_where_a_refit_is_declared_the_gate_answers_with_the_verdict_on_the_refitted_version(
    session, context, monkeypatch
):
    declared = load_project("credit_approval").model_copy(update={"refit": "all"})
    monkeypatch.setattr("snowloop.airflow.operators.base.load_project", lambda _name: declared)
    monkeypatch.setattr("snowloop.lifecycle.gate.gate.decide", lambda *_given, **_named: VERDICT)
    refitted = replace(VERDICT, verdict_id="refitted", version_name="V1_REFIT", judged="V1")

    def refit(_workspace, verdict, training_set):
        assert (verdict, training_set) == (VERDICT, EVALUATION.candidate.training_set)
        return refitted

    monkeypatch.setattr("snowloop.lifecycle.gate.refit.refit", refit)
    given: dict[str, Any] = {"evaluations": [EVALUATION.to_dict()], **NO_OVERRIDE}
    stage = stages.GateOperator(task_id="gate", project="credit_approval", target="dev", **given)
    assert Verdict.from_dict(stage.execute(context)) == refitted
    assert context["ti"].pushed["verdict_id"] == "refitted"


def test_the_report_is_that_of_the_verdict_and_is_skipped_without_one(session, context, monkeypatch):
    made = Report("v1", "V1", "refused", "@DB.OPS.REPORTS/v1/report.html", "@DB.OPS.REPORTS/v1/report.md")
    calls = []

    def publish(workspace, **named):
        calls.append((workspace.target, named))
        return made

    monkeypatch.setattr("snowloop.lifecycle.report.publish_report", publish)
    report = evidence.ReportOperator(task_id="report", project="credit_approval", target="dev", verdict_id="v1")
    assert report.execute(context) == made.to_dict()
    assert calls == [("dev", {"verdict_id": "v1"})]
    assert context["ti"].pushed["summary"]["report"] == "@DB.OPS.REPORTS/v1/report.html"
    without = evidence.ReportOperator(task_id="report", project="credit_approval", target="dev", verdict_id="")
    with pytest.raises(AirflowSkipException, match="no verdict"):
        without.execute(context)
    assert len(calls) == 1


def test_a_report_with_dates_becomes_json(session, context, monkeypatch):
    monkeypatch.setattr("snowloop.lifecycle.data.load.load_files", lambda *_given, **_named: ARRIVED)
    given = stages.LoadOperator(task_id="load", project="credit_approval", target="dev").execute(context)
    assert LoadReport.from_dict(given) == ARRIVED
    assert context["ti"].pushed["summary"]["rejected"] == 1


@pytest.mark.parametrize("error", [None, MonitoringCheckError("it is old"), MonitoringError("nothing serves")], ids=str)
def test_monitoring_sends_messages_and_shows_a_page_also_if_a_check_fails(session, context, monkeypatch, error):
    done = []

    def monitored(workspace):
        assert (workspace.session, workspace.target) == (session, "dev")
        if error:
            raise error
        return MonitoringReport("V1", ())

    def publish(_workspace):
        done.append("page")
        return "@DB.OPS.REPORTS/monitoring/2026-03-01.html"

    monkeypatch.setattr("snowloop.lifecycle.monitoring.monitor.monitor", monitored)
    monkeypatch.setattr("snowloop.lifecycle.report.monitoring.publish_page", publish)
    monkeypatch.setattr("snowloop.airflow.notify.send_alerts", lambda *given: done.append(given[1]))
    stage = evidence.MonitorOperator(task_id="monitor", project="credit_approval", target="dev")
    with pytest.raises(AirflowFailException, match=str(error)) if error else nullcontext():
        stage.execute(context)
    assert done == [context] if str(error) == "nothing serves" else [context, "page"]
    if error is None:
        assert context["ti"].pushed["summary"]["page"] == "@DB.OPS.REPORTS/monitoring/2026-03-01.html"


def test_a_message_that_could_not_be_sent_does_not_hide_the_check_that_failed(session, context, monkeypatch):
    def failing(error):
        def raising(*_given):
            raise error

        return raising

    monkeypatch.setattr(
        "snowloop.lifecycle.monitoring.monitor.monitor", failing(MonitoringError("the champion is old"))
    )
    monkeypatch.setattr("snowloop.airflow.notify.send_alerts", failing(NotificationError("no mail server")))
    stage = evidence.MonitorOperator(task_id="monitor", project="credit_approval", target="dev")
    with pytest.raises(AirflowFailException, match="the champion is old; and no mail server"):
        stage.execute(context)
