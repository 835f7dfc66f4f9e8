"""Every statement of a deployment, kept word for word: SNOWLOOP_WRITE_SNAPSHOTS=1 rewrites them."""

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring.apply import wait_for_runs
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.scoring.observed import ObservedState
from snowloop.lifecycle.scoring.plan import RequireEmptyStream, RunSql, Upload, WaitForRuns, make_plan, plan_scoring
from snowloop.project import Challenger, Label, Project, load_project
from snowloop.workspace import Workspace
from snowloop_procedures.scoring_request import Statement
from tests.support.duel import deploy
from tests.support.loops import deployed, desired, environment, monitored, stream
from tests.support.world import World

SNAPSHOTS = Path(__file__).parents[2] / "snapshots"
SERVERLESS = {"serverless": True, "overlap": True, "minimum_interval_seconds": 60}
CORRECTIONS = {"corrections": True}
SCHEDULED = {"schedule": "5 MINUTE", "warehouse": "SCORING_WH", "retry_attempts": 0, "keep_features": False}


def settled(text: str) -> str:
    """Without what follows from the content of code: hashes."""
    text = re.sub(r"(score_|snowloop_procedures_)[0-9a-f]{12}", r"\1<hash>", text, flags=re.IGNORECASE)
    return re.sub(r"snowloop [0-9a-f]{12}", "snowloop <fingerprint>", text)


def compare(name: str, parts: list[str]) -> None:
    """Compare with a snapshot, or write it."""
    text = settled("\n;\n\n".join(part.strip() for part in parts) + "\n;\n")
    file = SNAPSHOTS / f"{name}.sql"
    if os.environ.get("SNOWLOOP_WRITE_SNAPSHOTS"):
        file.write_text(text)
    assert text == file.read_text(), f"{file} differs: look at the change, then run with SNOWLOOP_WRITE_SNAPSHOTS=1"


def steps(project: Project, observed: ObservedState) -> list[str]:
    plan = make_plan(project, "dev", desired(project), observed)
    assert plan.steps
    return [words(step) for step in plan.steps]


def words(step: Any) -> str:
    match step:
        case RunSql():
            return step.statement
        case Upload():
            return f"-- upload to {step.path}"
        case WaitForRuns():
            return f"-- wait until no run is under way of {step.root}"
        case RequireEmptyStream():
            return f"-- refuse unless nothing is in {step.stream}"
    raise AssertionError(step)


def statements(request: Any) -> list[str]:
    """The statements of a request, or of a part of it, by name and with the names of what is bound."""
    fields = [(field.name, getattr(request, field.name)) for field in dataclasses.fields(request)]
    texts = []
    for name, value in fields:
        if isinstance(value, Statement):
            bound = f" ({', '.join(value.parameters)})" if value.parameters else ""
            texts.append(f"-- {name}{bound}\n{value.text}")
        elif dataclasses.is_dataclass(value):
            texts += statements(value)
    return texts


def serving(project: Project, **values: Any) -> Project:
    return project.model_copy(update={"serving": project.serving.model_copy(update=values)})


@pytest.mark.parametrize("name", ["bank_marketing", "credit_approval", "diabetes_progression"])
def test_apply_of_a_first_deployment(name: str):
    project = load_project(name)
    compare(f"apply_{name}", steps(project, environment(project)))


@pytest.mark.parametrize(
    ("kind", "values"), [("serverless", SERVERLESS), ("scheduled", SCHEDULED), ("corrections", CORRECTIONS)]
)
def test_apply_of_another_graph(kind: str, values: dict[str, Any]):
    project = load_project("credit_approval")
    compare(f"apply_change_to_{kind}", steps(serving(project, **values), deployed(project)))


def test_apply_that_gives_corrections_up():
    project = load_project("credit_approval")
    observed = deployed(
        serving(project, **CORRECTIONS), streams={"APPLICATION_RECORD_STREAM": stream(project, mode="DEFAULT")}
    )
    compare("apply_change_from_corrections", steps(project, observed))


def test_apply_that_resumes_alone():
    project = load_project("credit_approval")
    tasks = deployed(project).tasks
    root = {"SCORE_NEW_ROWS": {**tasks["SCORE_NEW_ROWS"], "state": "suspended"}}
    child = {"LOG_SCORE_RUN": {**tasks["LOG_SCORE_RUN"], "state": "suspended"}}
    compare("apply_resume_root", steps(project, deployed(project, tasks={**tasks, **root})))
    compare("apply_resume_child", steps(project, deployed(project, tasks={**tasks, **child})))


def test_apply_that_drops_what_earlier_deployments_left():
    project = load_project("credit_approval")
    old, before = "SCORE_0123456789AB", "SCORE_BA9876543210"
    present = deployed(project)
    observed = deployed(
        project,
        procedures=(old, before, *present.procedures),
        files=present.files | {f"{name.lower()}/scoring_request.json" for name in (old, before)},
    )
    compare("apply_drops", [make_plan(project, "dev", desired(project), observed).text(), *steps(project, observed)])


@pytest.mark.parametrize("name", ["credit_approval", "diabetes_progression"])
def test_apply_that_makes_a_model_monitor(name: str):
    project = monitored(load_project(name))
    compare(f"apply_model_monitor_{name}", steps(project, deployed(project)))


@pytest.mark.parametrize("name", ["bank_marketing", "credit_approval", "diabetes_progression"])
def test_statements_of_the_scoring_procedure(name: str):
    whole = desired(load_project(name)).request
    unscorable = statements(whole.unscorable)
    compare(f"procedure_{name}", [text for text in statements(whole) if text not in unscorable])


def test_statements_that_find_rows_that_the_model_cannot_score():
    compare("unscorable", statements(desired(load_project("diabetes_progression")).request.unscorable))


@pytest.mark.parametrize("plan", [Challenger(mode="shadow"), Challenger(mode="canary", share=0.1)], ids=str)
def test_statements_of_a_challenger(plan: Challenger):
    project = serving(load_project("diabetes_progression"), challenger=plan)
    compare(f"apply_change_to_{plan.mode}", steps(project, deployed(load_project("diabetes_progression"))))
    compare(f"procedure_{plan.mode}", statements(desired(project).request.challenger))


def test_apply_and_procedure_where_corrections_are_scored():
    project = serving(load_project("credit_approval"), **CORRECTIONS)
    names = ("record_corrections", "count_rows", "quarantine_rows", "score_rows")
    texts = statements(desired(project).request)
    parts = [text for text in texts if re.match(r"-- (\w+)", text)[1] in names]  # type: ignore[index]
    made = next(text for text in steps(project, environment(project)) if "CREATE STREAM" in text)
    compare("corrections", [made, *parts])


@pytest.mark.parametrize("columns", [("ID",), ("ID", "PART")])
def test_scores_with_an_event_time(columns: tuple[str, ...]):
    project = load_project("credit_approval")
    source = project.streamed.model_copy(update={"event_time": "APPLIED_AT"})
    sources = {**project.sources, project.source: source}
    dated = serving(project.model_copy(update={"sources": sources, "key": columns}), keep_features=len(columns) > 1)
    compare(f"score_event_time_{len(columns)}", [desired(dated).request.score_rows.text])


def test_scores_of_several_classes():
    project = load_project("credit_approval")
    source = project.streamed.model_copy(update={"event_time": "APPLIED_AT"})
    label = Label(column="GRADE", task="multiclass", classes=("good", "it's bad", "fair"))
    changes = {"sources": {**project.sources, project.source: source}, "label": label}
    graded = project.model_copy(update=changes)
    compare("score_several_classes", [desired(graded).request.score_rows.text])


def test_plan_of_an_environment_without_a_loop(session: Session):
    from snowloop.lifecycle.data.environment import create_environment

    project = load_project("credit_approval")
    create_environment(Workspace(session, project, "snapshots"))
    with session.query_history() as sent:
        plan_scoring(Workspace(session, project, "snapshots"))
    compare("plan", [query.sql_text for query in sent.queries])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_plan_of_a_deployed_loop(duel_world: World):
    for share in (0.31, 0.32):  # two procedures: a run under way may call either
        deploy(duel_world, mode="canary", share=share)
        wait_for_runs(duel_world.session, names(duel_world.project, duel_world.target).root)
    with duel_world.session.query_history() as sent:
        plan = plan_scoring(duel_world.workspace)
    changes = [f"{change.action} {change.kind} {change.name}" for change in plan.changes]
    compare("plan_deployed", [*(query.sql_text for query in sent.queries), "\n".join(f"-- {each}" for each in changes)])
