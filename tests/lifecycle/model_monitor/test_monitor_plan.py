"""The plan of Snowflake's model monitor: made, kept, replaced with the champion, resumed, dropped, refused."""

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError
from snowflake.snowpark import Session

from snowloop.errors import PlanRefused
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.model_monitor.desired import desired_monitor
from snowloop.lifecycle.model_monitor.observed import ObservedMonitor, observe_monitor
from snowloop.lifecycle.scoring.observed import ObservedState
from snowloop.lifecycle.scoring.plan import Plan, RunSql, make_plan
from snowloop.lifecycle.versions import Version
from snowloop.project import Project, load_project
from snowloop.project.model_monitor import ModelMonitor
from snowloop.workspace import Workspace
from tests.support.loops import FEATURES, deployed, desired, monitored

NAME = "MODELS.CREDIT_APPROVAL_MONITOR"
READ = frozenset({"SERVING.MODEL_MONITOR_SOURCE", "FEATURES.MODEL_MONITOR_BASELINE"})


@pytest.fixture
def project() -> Project:
    return load_project("credit_approval")


def planned(project: Project, observed: ObservedState) -> Plan:
    return make_plan(project, "dev", desired(project), observed)


def running(project: Project, **shown: Any) -> ObservedState:
    """What exists when the monitor is as declared, but for what SHOW MODEL MONITORS has otherwise."""
    observed = deployed(project)
    made = desired_monitor(project, "dev", champion(observed), FEATURES)
    row = {"name": "CREDIT_APPROVAL_MONITOR", "comment": made and made.comment, "monitor_state": "ACTIVE", **shown}
    return replace(observed, tables=observed.tables | READ, monitor=ObservedMonitor(row))


def champion(observed: ObservedState) -> Version:
    assert observed.champion is not None
    return observed.champion


def changes(plan: Plan) -> dict[str, str]:
    return {change.name: change.action for change in plan.changes if change.action != "keep"}


def statements(plan: Plan) -> list[str]:
    return [" ".join(step.statement.split()) for step in plan.steps if isinstance(step, RunSql)]


def test_without_the_option_there_is_none(project: Project):
    plan = planned(project, deployed(project))
    assert plan.nothing_to_do
    assert "model monitor" not in {change.kind for change in plan.changes}


def test_a_declared_one_is_made_last_and_then_kept(project: Project):
    project = monitored(project)
    plan = planned(project, deployed(project))
    assert changes(plan) == {NAME: "create"}
    assert ["VIEW" in text or "TABLE" in text for text in statements(plan)] == [True, True, False]
    assert "CREATE OR REPLACE MODEL MONITOR" in statements(plan)[2]
    again = planned(project, running(project))
    assert again.nothing_to_do
    assert {change.name: change.action for change in again.changes}[NAME] == "keep"


def test_another_champion_another_declaration_or_a_missing_view_replaces_it(project: Project):
    project = monitored(project)
    observed = running(project)
    promoted = replace(observed, champion=replace(champion(observed), name="V2"))
    plan = planned(project, promoted)
    assert changes(plan) == {NAME: "recreate"}
    assert all("'V2'" in statements(plan)[place] for place in (0, 2))
    assert changes(planned(monitored(project, window_days=7), observed)) == {NAME: "recreate"}
    assert changes(planned(project, replace(observed, tables=observed.tables - READ))) == {NAME: "recreate"}


def test_a_suspended_one_is_resumed(project: Project):
    project = monitored(project)
    plan = planned(project, running(project, monitor_state="PARTIALLY_SUSPENDED"))
    assert changes(plan) == {NAME: "resume"}
    assert statements(plan) == ['ALTER MODEL MONITOR "CREDIT_APPROVAL_DEV"."MODELS"."CREDIT_APPROVAL_MONITOR" RESUME']


@pytest.mark.parametrize("option", [None, ModelMonitor(targets=("prod",))], ids=["removed", "elsewhere"])
def test_one_that_is_no_longer_declared_is_dropped_with_what_it_reads(project: Project, option: ModelMonitor | None):
    observed = running(monitored(project))
    without = project.model_copy(update={"monitoring": project.monitoring.model_copy(update={"model_monitor": option})})
    plan = planned(without, observed)
    assert changes(plan) == {NAME: "drop", **dict.fromkeys(READ, "drop")}
    assert [text.split(" IF ")[0] for text in statements(plan)] == ["DROP MODEL MONITOR", "DROP VIEW", "DROP TABLE"]
    assert not any(change.destructive for change in plan.changes)
    of_others = replace(observed, monitor=ObservedMonitor({"comment": "by hand"}), tables=deployed(project).tables)
    assert planned(without, of_others).nothing_to_do


@pytest.mark.parametrize(
    ("found", "reason", "remedy"),
    [
        (ObservedMonitor(problem="Unsupported feature"), "refuses SHOW MODEL MONITORS: Unsupported", "`targets`"),
        (ObservedMonitor({"comment": "by hand"}), "by its comment ('by hand') Snowloop did not make it", "drop it"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_sent(
    project: Project, found: ObservedMonitor, reason: str, remedy: str
):
    project = monitored(project)
    plan = planned(project, replace(running(project), monitor=found))
    (refused,) = plan.refused
    assert (refused.kind, refused.name) == ("model monitor", NAME)
    assert reason in refused.reason
    assert remedy in refused.remedy
    assert not plan.steps


def test_a_champion_without_a_training_set_has_no_baseline(project: Project):
    project = monitored(project)
    observed = deployed(project)
    facts = {name: value for name, value in champion(observed).facts.items() if name != "training_set"}
    plan = planned(project, replace(observed, champion=replace(champion(observed), facts=facts)))
    assert "names no training set" in plan.refused[0].reason


def test_an_account_without_monitors_is_asked_and_refused_in_words(session: Session, project: Project):
    """The local Snowflake has none: what it answers is in the refusal."""
    project = monitored(project)
    workspace = Workspace(session, project, "monitorless")
    create_environment(workspace)
    found = observe_monitor(workspace, ())
    assert "MODEL MONITORS" in found.problem
    plan = planned(project, replace(deployed(project), monitor=found))
    with pytest.raises(PlanRefused, match="refuses SHOW MODEL MONITORS"):
        plan.check()
    with session.query_history() as sent:
        assert observe_monitor(Workspace(session, load_project("credit_approval"), "monitorless"), ()).row is None
    assert not sent.queries, "without the option nothing is asked"


@pytest.mark.parametrize(
    ("values", "task", "kept", "problem"),
    [
        ({"refresh": "30 seconds"}, "regression", True, "shorter than a minute"),
        ({}, "multiclass", True, "two classes"),
        ({}, "classification", False, "keep_features"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(values: dict[str, Any], task: str, kept: bool, problem: str):
    (found,) = ModelMonitor(**values).problems(task, kept)
    assert problem in found
    with pytest.raises(ValidationError):
        ModelMonitor(drift="WASSERSTEIN")
