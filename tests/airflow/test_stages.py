"""Each stage's operator makes one call of its lifecycle function, with the right arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from snowloop.airflow.operators import evidence, stages
from snowloop.checks import Check
from snowloop.errors import GateRefused
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.rollback import Rollback
from snowloop.lifecycle.data.load import LoadedFile, LoadReport
from snowloop.lifecycle.evaluation.evaluate import Evaluation
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.report import Report
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.plan import Change, Plan
from snowloop.lifecycle.training.train import Candidate

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


CALLS = [
    ("EnvironmentOperator", {}, "data.environment.create_environment", (), {}),
    (
        "LoadOperator",
        {"data_dir": "/data", "part": "arrivals", "only": "2"},
        "data.load.load_files",
        ("/data",),
        {"part": "arrivals", "only": "2"},
    ),
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
        {"evaluations": [EVALUATION.to_dict()], "override_by": "", "override_reason": ""},
        "gate.gate.decide",
        ([EVALUATION],),
        {"override": None},
    ),
    (
        "GateOperator",
        {"evaluations": [EVALUATION.to_dict()], "override_by": " Ada ", "override_reason": "the season"},
        "gate.gate.decide",
        ([EVALUATION],),
        {"override": Override("Ada", "the season")},
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
    ("RollbackOperator", {}, "champion.rollback.rollback", (), {}),
    (
        "VerifyRollbackOperator",
        {"rollback": ROLLBACK.to_dict(), "timeout": "7"},
        "champion.rollback.verify_rollback",
        (ROLLBACK,),
        {"timeout": 7},
    ),
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
    stage = getattr(stages, operator)(task_id="stage", project="credit_approval", target="staging", **options)
    assert stage.execute(context) == {"rows": 1}
    ((given, by_name),) = calls
    assert given[0].session is session
    assert given[0].project.name == "credit_approval"
    assert given[0].target == "staging"
    assert given[1:] == arguments
    assert by_name == named


@pytest.mark.parametrize(("by", "reason"), [("Ada", ""), ("", "the season"), ("Ada", "  ")])
def test_an_override_needs_both_name_and_reason(session, context, monkeypatch, by, reason):
    monkeypatch.setattr(
        "snowloop.lifecycle.gate.gate.decide", lambda *_given, **_named: pytest.fail("the gate was asked")
    )
    given = {"evaluations": [EVALUATION.to_dict()], "override_by": by, "override_reason": reason}
    stage = stages.GateOperator(task_id="gate", project="credit_approval", target="dev", **given)
    with pytest.raises(AirflowFailException, match=r"needs a name and a reason, given: name '.*', reason"):
        stage.execute(context)


@pytest.mark.parametrize(
    ("operator", "function"),
    [("RehearseOperator", "monitoring.rehearse.rehearse"), ("MonitorOperator", "monitoring.monitor.monitor")],
)
def test_a_rehearsal_and_a_look_at_what_serves_are_one_call(session, context, monkeypatch, operator, function):
    calls = []

    def record(workspace):
        calls.append((workspace.project, workspace.target))
        return Done()

    monkeypatch.setattr(f"snowloop.lifecycle.{function}", record)
    getattr(evidence, operator)(task_id="stage", project="credit_approval", target="staging").execute(context)
    assert [(project.name, target) for project, target in calls] == [("credit_approval", "staging")]


def test_a_plan_is_logged_and_a_refused_one_fails_with_its_remedy(session, context, monkeypatch):
    change = Change("stream", "RAW.S", "refuse", "it is stale", "recover it")
    monkeypatch.setattr("snowloop.lifecycle.scoring.plan.plan_scoring", lambda *_: Plan("p", "dev", "", (change,)))
    stage = stages.PlanScoringOperator(task_id="plan", project="credit_approval", target="dev")
    with pytest.raises(AirflowFailException, match="it is stale; to do: recover it"):
        stage.execute(context)
    kept = Plan("p", "dev", "", (Change("stream", "RAW.S", "keep", "its offset is kept"),))
    monkeypatch.setattr("snowloop.lifecycle.scoring.plan.plan_scoring", lambda *_: kept)
    stage.execute(context)
    assert context["ti"].pushed["summary"] == {"keep": 1}


def test_the_gate_pushes_the_id_of_its_verdict_also_of_one_that_refuses(session, context, monkeypatch):
    given = {"project": "credit_approval", "target": "dev", "override_by": "", "override_reason": ""}
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
