"""DAG integrity: every DAG of every project exists, drawn as meant, with a form that explains itself."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronTriggerTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.serialization.serialized_objects import DagSerialization

from snowloop.project import declared_projects, load_project

DAGS = Path(__file__).resolve().parents[2] / "dags"
PROJECTS = {project.name: project for project in declared_projects()}
REPAIRS = ("health", "backfill", "requeue")
NAMES = ("environment", "train", "score", "rollback", "life_cycle", *REPAIRS, "challenge", "rehearse")
DAG_IDS = [f"{name}__{kind}" for name in PROJECTS for kind in NAMES]

TRAIN = ["load", "contract", "training_set", "candidate", "evaluate", "gate", "promote"]
# What a task reads from an earlier one than the one before it.
TRAIN_RESULTS = {("training_set", "candidate"), ("candidate", "evaluate"), ("evaluate", "gate"), ("gate", "promote")}
REPORTED = {("train.gate", "report")}
SCORE = ["plan", "deploy", "arrive", "await_scores", "reconcile"]


def edges(dag):
    return {(task.task_id, after) for task in dag.tasks for after in task.downstream_task_ids}


def chain(*tasks):
    return set(itertools.pairwise(tasks))


def grouped(group, tasks):
    return [f"{group}.{task}" for task in tasks]


def replayed(project):
    tasks = ["plan", "deploy"]
    for number in range(1, project.replay.batches + 1):
        tasks += [f"arrive_{number}", f"await_scores_{number}"]
    return [*tasks, "reconcile", "monitor"]


def test_no_import_errors(dag_bag):
    assert dag_bag.import_errors == {}


def test_every_project_has_every_dag(dag_bag):
    assert sorted(dag_bag.dags) == sorted(DAG_IDS)


def test_a_wrong_declaration_is_one_import_error_and_stops_no_other_project(tmp_path, monkeypatch):
    shutil.copytree(PROJECTS["credit_approval"].directory, tmp_path / "churn")
    (tmp_path / "churn" / "project.yaml").write_text("name: churn\nownerz: [me]\n")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path))
    found = DagBag(dag_folder=str(DAGS))
    assert sorted(found.dags) == sorted(DAG_IDS)
    ((file, error),) = found.import_errors.items()
    assert file.endswith("declarations.py")
    assert "churn/project.yaml:2: unknown key 'ownerz'" in error


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_no_cycles_and_it_survives_serialization(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    dag.check_cycle()
    assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_ids == dag.task_ids


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_environment(dag_bag, name):
    dag = dag_bag.dags[f"{name}__environment"]
    assert dag.task_ids == ["environment.create"]
    assert edges(dag) == set()


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_train(dag_bag, name):
    assert edges(dag_bag.dags[f"{name}__train"]) == chain(*grouped("train", TRAIN)) | REPORTED


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_score(dag_bag, name):
    assert edges(dag_bag.dags[f"{name}__score"]) == chain(*grouped("score", SCORE))


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_rollback(dag_bag, name):
    dag = dag_bag.dags[f"{name}__rollback"]
    assert edges(dag) == chain("rollback", "verify")
    assert dag.params["timeout"] == 300


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_challenge(dag_bag, name):
    dag = dag_bag.dags[f"{name}__challenge"]
    assert edges(dag) == chain("judge", "promote")
    assert set(dag.task_ids) == {"challenge", "judge", "promote"}
    assert dag.params["action"] == "compare"


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_what_monitors_and_repairs(dag_bag, name):
    assert edges(dag_bag.dags[f"{name}__health"]) == chain("recover", "health") | chain("recover", "monitor")
    assert edges(dag_bag.dags[f"{name}__backfill"]) == chain("backfill", "reconcile")
    assert edges(dag_bag.dags[f"{name}__requeue"]) == chain("requeue", "reconcile")


@pytest.mark.parametrize("name", PROJECTS)
def test_a_corrected_row_is_requeued_without_a_backfill_and_by_the_version_of_its_own_form(dag_bag, name):
    backfill, requeue = (dag_bag.dags[f"{name}__{kind}"] for kind in ("backfill", "requeue"))
    assert {type(task).__name__ for task in backfill.tasks} == {"BackfillOperator", "ReconcileOperator"}
    assert {type(task).__name__ for task in requeue.tasks} == {"RequeueOperator", "ReconcileOperator"}
    assert set(requeue.params) == {"target", "version"}
    assert "ALL rows" in backfill.params.get_param("start").description


@pytest.mark.parametrize("name", PROJECTS)
def test_rehearsals_are_one_task(dag_bag, name):
    assert dag_bag.dags[f"{name}__rehearse"].task_ids == ["rehearse"]


@pytest.mark.parametrize("name", PROJECTS)
def test_edges_of_life_cycle(dag_bag, name):
    score = replayed(PROJECTS[name])
    tasks = ["environment.create", *grouped("train", TRAIN), *grouped("score", score)]
    assert edges(dag_bag.dags[f"{name}__life_cycle"]) == chain(*tasks) | REPORTED


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("kind", ["train", "life_cycle"])
def test_nothing_is_promoted_past_the_gate(dag_bag, name, kind):
    dag = dag_bag.dags[f"{name}__{kind}"]
    promote = dag.get_task("train.promote")
    assert promote.upstream_task_ids == {"train.gate"}
    assert promote.trigger_rule == "all_success"


@pytest.mark.parametrize("name", PROJECTS)
def test_scoring_is_deployed_only_after_promotion_and_watched_last(dag_bag, name):
    dag = dag_bag.dags[f"{name}__life_cycle"]
    assert dag.get_task("score.plan").upstream_task_ids == {"train.promote"}
    assert dag.get_task("score.deploy").upstream_task_ids == {"score.plan"}
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids] == ["report", "score.monitor"]


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_task_runs_only_when_all_before_it_succeeded(dag_bag, dag_id):
    """But the report: it follows a gate that refuses too."""
    rules = {task.task_id: task.trigger_rule for task in dag_bag.dags[dag_id].tasks}
    assert rules.pop("report", "one_done") == "one_done"
    assert set(rules.values()) == {"all_success"}


@pytest.mark.parametrize("name", PROJECTS)
@pytest.mark.parametrize("kind", ["train", "life_cycle"])
def test_a_report_that_succeeds_cannot_turn_a_refused_run_green(dag_bag, name, kind):
    """A run is as its last tasks are: one of them must fail with the gate."""
    dag = dag_bag.dags[f"{name}__{kind}"]
    after = dag.get_task("train.gate").get_flat_relative_ids(upstream=False) - {"report"}
    last = [task.task_id for task in dag.tasks if not task.downstream_task_ids]
    assert set(last) & after
    assert dag.get_task("report").downstream_task_ids == set()


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_lost_connections_are_retried(dag_bag, dag_id):
    assert {task.retries for task in dag_bag.dags[dag_id].tasks} == {2}


@pytest.mark.parametrize("name", PROJECTS)
def test_candidates_are_mapped(dag_bag, name):
    dag = dag_bag.dags[f"{name}__train"]
    train, evaluate = dag.get_task("train.candidate"), dag.get_task("train.evaluate")
    assert isinstance(train, MappedOperator)
    assert isinstance(evaluate, MappedOperator)
    assert train.expand_input.value == {
        "candidate": [candidate.name for candidate in PROJECTS[name].expanded_candidates]
    }


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_parameter_has_title_help_type_and_default(dag_bag, dag_id):
    params = dag_bag.dags[dag_id].params
    assert "target" in params
    for name in params:
        param = params.get_param(name)
        assert param.schema.get("title"), name
        assert param.schema.get("type"), name
        assert len(param.description or "") > 20, name
        param.resolve()


@pytest.mark.parametrize(("value", "good"), [("dev", True), ("staging_2", True), ("Dev; DROP", False), ("", False)])
def test_the_form_refuses_a_target_that_is_no_name(dag_bag, value, good):
    from airflow.sdk.exceptions import ParamValidationError

    param = dag_bag.dags["credit_approval__train"].params.get_param("target")
    if good:
        assert param.resolve(value) == value
    else:
        with pytest.raises(ParamValidationError):
            param.resolve(value)


@pytest.mark.parametrize("kind", ["train", "life_cycle"])
def test_the_form_takes_an_override_and_no_blank_one(dag_bag, kind):
    from airflow.sdk.exceptions import ParamValidationError

    for name in ("override_by", "override_reason"):
        param = dag_bag.dags[f"credit_approval__{kind}"].params.get_param(name)
        assert param.resolve() is None
        assert param.resolve("Ada Lovelace") == "Ada Lovelace"
        with pytest.raises(ParamValidationError):
            param.resolve("  ")


@pytest.mark.parametrize("name", PROJECTS)
def test_training_has_the_declared_schedule_and_health_is_looked_at_hourly(dag_bag, name):
    for kind in NAMES:
        dag = dag_bag.dags[f"{name}__{kind}"]
        declared = {"train": load_project(name).schedule.train, "health": "@hourly", "rehearse": "@weekly"}.get(kind)
        expected = CronTriggerTimetable(declared, timezone="UTC").expression if declared else None
        assert getattr(dag.timetable, "expression", None) == expected
        assert dag.catchup is False


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_documentation_owner_and_tags(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    project = PROJECTS[dag_id.rpartition("__")[0]]
    assert project.description in dag.doc_md
    assert {"snowloop", project.name, *project.tags} <= set(dag.tags)
    assert {task.owner for task in dag.tasks} == {", ".join(project.owners)}
    assert dag.max_active_runs == 1


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_what_runs_by_itself_is_switched_on_by_a_person(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    assert dag.is_paused_upon_creation is (True if dag_id.endswith(("__train", "__health", "__rehearse")) else None)
