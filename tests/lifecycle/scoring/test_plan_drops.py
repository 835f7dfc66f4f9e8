"""Procedures of earlier deployments: dropped when nothing calls them, but for the one before the present."""

import json
from typing import Any

import pytest

from snowloop.lifecycle.procedure.code import package_file, package_folder
from snowloop.lifecycle.scoring.commit_status import changed_tasks
from snowloop.lifecycle.scoring.observed import observe
from snowloop.lifecycle.scoring.plan import Plan, RunSql, make_plan, plan_scoring
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.support.duel import arriving, call, declare, deploy, insert
from tests.support.loops import deployed, desired
from tests.support.world import World

A, B, C = (f"SCORE_{letter * 12}" for letter in "ABC")


@pytest.fixture
def project() -> Project:
    return load_project("credit_approval")


def planned(project: Project, *procedures: str, **changes: Any) -> Plan:
    """The plan where these procedures are there, the oldest first; the present one is called PRESENT."""
    present = desired(project).procedure.name
    names = tuple(present if name == "PRESENT" else name for name in procedures)
    files = frozenset(f"{name.lower()}/scoring_request.json" for name in names)
    values = {"procedures": names, "files": files | {package_file()}, **changes}
    return make_plan(project, "dev", desired(project), deployed(project, **values))


def statements(plan: Plan) -> list[str]:
    return [step.statement if isinstance(step, RunSql) else "" for step in plan.steps]


def dropped(plan: Plan) -> list[str]:
    return [change.name for change in plan.changes if change.action == "drop" and change.kind == "procedure"]


def test_the_present_one_and_the_one_before_it_are_kept(project: Project):
    assert planned(project, A, "PRESENT").nothing_to_do
    assert dropped(planned(project, A, B, C, "PRESENT")) == [f"SERVING.{A}", f"SERVING.{B}"]
    # a return to code that was deployed before: the newest other one is what served before
    assert dropped(planned(project, A, "PRESENT", B, C)) == [f"SERVING.{A}", f"SERVING.{B}"]


def test_a_present_one_that_others_replaced_is_replaced_and_named(project: Project):
    plan = planned(project, "PRESENT", packages={})
    (change,) = [each for each in plan.changes if each.kind == "procedure"]
    assert (change.action, change.fields[0].new) == ("recreate", package_folder())
    (statement,) = statements(plan)
    assert statement.startswith("CREATE OR REPLACE PROCEDURE")
    (by_hand,) = changed_tasks(plan.objects, plan.changes)
    assert by_hand == f"procedure {change.name} was altered: imports is 'nothing of Snowloop's'"
    assert planned(project, "PRESENT").nothing_to_do


def calling(project: Project, name: str) -> dict[str, Any]:
    """The graph as it is when it calls another procedure."""
    tasks = deployed(project).tasks
    root = {**tasks["SCORE_NEW_ROWS"], "comment": "snowloop old", "definition": f'CALL "D"."SERVING"."{name}"()'}
    return {**tasks, "SCORE_NEW_ROWS": root}


def test_what_the_graph_still_calls_is_the_one_before(project: Project):
    plan = planned(project, A, B, C, "PRESENT", tasks=calling(project, B))
    assert dropped(plan) == [f"SERVING.{A}", f"SERVING.{C}"]
    texts = statements(plan)
    resumed = next(at for at, text in enumerate(texts) if text.endswith('"SCORE_NEW_ROWS" RESUME'))
    assert all(text.startswith(("DROP PROCEDURE", "REMOVE")) for text in texts[resumed + 1 :])
    assert len(texts) - resumed == 5


def test_what_another_task_or_a_run_under_way_calls_is_kept(project: Project):
    other = {"database_name": "D", "schema_name": "X", "name": "T", "definition": f"call serving.{A.lower()}()"}
    assert dropped(planned(project, A, B, C, "PRESENT", other_tasks=(other,))) == [f"SERVING.{B}"]
    assert dropped(planned(project, A, B, C, "PRESENT", busy=frozenset({B}))) == [f"SERVING.{A}"]


def test_what_others_have_made_is_left_alone(project: Project):
    plan = planned(project, "SCORE_BY_HAND", "SCORE_ABC", A, "PRESENT")
    assert plan.nothing_to_do


def test_files_without_a_procedure_are_removed(project: Project):
    present = deployed(project)
    plan = planned(project, "PRESENT", files=present.files | {f"{A.lower()}/x.py", "score_card/own.txt"})
    assert statements(plan) == [f'REMOVE @"CREDIT_APPROVAL_DEV"."MODELS"."CODE"/{A.lower()}/']
    (change,) = [change for change in plan.changes if change.action == "drop"]
    assert (change.kind, change.name) == ("stage files", f"MODELS.CODE/{A.lower()}")


def test_a_package_goes_with_the_last_procedure_that_imports_it(project: Project):
    one, two, three = (f"snowloop_procedures_{letter * 12}" for letter in "abc")
    files = deployed(project).files | {f"{package}/snowloop_procedures.zip" for package in (one, two, three)}
    packages = {**deployed(project).packages, A: one, B: two, "TRAIN_0123456789AB": three}
    plan = planned(project, A, B, "PRESENT", packages=packages, files=files)
    assert dropped(plan) == [f"SERVING.{A}"]
    assert [text for text in statements(plan) if text.startswith("REMOVE")] == [
        f'REMOVE @"CREDIT_APPROVAL_DEV"."MODELS"."CODE"/{one}/'
    ]


def test_a_plan_tells_what_it_drops_as_text_and_as_json(project: Project):
    plan = planned(project, A, B, "PRESENT")
    assert f"  - drop     procedure   SERVING.{A}  (nothing calls it; the present one and" in plan.text()
    assert plan.summary() == {"keep": 8, "drop": 2}
    fields = json.loads(json.dumps(plan.to_dict()))
    assert {"kind": "procedure", "name": f"SERVING.{A}", "action": "drop"}.items() <= fields["changes"][-2].items()
    assert Plan.from_dict(fields).steps == plan.steps


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_deployments_leave_two_procedures_and_the_one_before_needs_no_upload(duel_world: World):
    world = duel_world
    old = deploy(world, mode="canary", share=0.11)
    before = deploy(world, mode="canary", share=0.12)
    world.project = declare(world.project, mode="canary", share=0.13)
    done = world.deploy()
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    assert done.actions[old.split('"')[-2]] == "dropped"
    observed = observe(world.workspace)
    kept = [name.split('"')[-2] for name in (before, done.procedure)]
    assert [*observed.procedures] == kept
    folders = {package_folder(), *(name.lower() for name in kept)}
    assert {file.partition("/")[0] for file in observed.files} == folders
    insert(world, arriving(2))
    assert call(world, done.procedure)["scored"] == 2
    again = plan_scoring(Workspace(world.session, declare(world.project, mode="canary", share=0.12), world.target))
    assert {change.action for change in again.changes if change.kind in ("stage files", "procedure")} == {"keep"}
