"""DAG integrity: every DAG of every project exists, drawn as meant, with a form that explains itself."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronTriggerTimetable
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.serialization.serialized_objects import DagSerialization

from snowloop.project import declared_projects, load_project
from snowloop.timeouts import Timeouts

DAGS = Path(__file__).resolve().parents[2] / "dags"
PROJECTS = {project.name: project for project in declared_projects()}
REPAIRS = ("health", "backfill", "requeue")
NAMES = ("environment", "train", "score", "rollback", "life_cycle", *REPAIRS, "challenge", "rehearse")
DAG_IDS = [f"{name}__{kind}" for name in PROJECTS for kind in NAMES]

TRAIN = ["load", "contract", "training_set", "candidate", "evaluate", "gate", "promote"]
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


SLIPS = {
    "unknown_key": ("project.yaml", "seed: 7", "sed: 7", "unknown key 'sed'"),
    "long_tag": ("project.yaml", "tags: [", f"tags: [{'t' * 101}, ", "'tags.0': a tag of a DAG has at most 100 char"),
    "no_cron": ("project.yaml", "@weekly", "61 * * * *", "'schedule.train': '61 * * * *'"),
    "no_date": ("project.yaml", "seed: 7", "seed: 2026-02-31", "day is out of range for month"),
    "a_date": (
        "project.yaml",
        "params: {kind: log",
        "params: {a: 2026-02-01, kind: log",
        "params.a': write it as text, in quotes",
    ),
    "many_digits": ("project.yaml", "seed: 7", f"seed: {'9' * 5000}", "this is not YAML: Exceeds the limit"),
    "no_number": ("project.yaml", "tolerance: 0.02", "tolerance: .nan", "'metric.tolerance': Input should be a finite"),
    "deep": ("project.yaml", "seed: 7", f"seed: {'[' * 200_000}", "nested more than 50 levels deep"),
    "deep_blocks": ("project.yaml", "seed: 7", "seed:\n" + "- " * 2000 + "a", "nested more than 50 levels deep"),
    "recursive": ("project.yaml", "seed: 7", "seed: &a [*a]", "anchor 'a' contains itself"),
    "laughs": (
        "project.yaml",
        "seed: 7",
        "seed: [&a0 [x, x], " + ", ".join(f"&a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)) + "]",
        "more than 100,000 values",
    ),
    "no_filter": ("features.sql", "SELECT", "SELECT {{ source | upper_case }},", "No filter named 'upper_case'"),
    "no_test": ("label.sql", "SELECT", "SELECT {{ raw is nice }},", "No test named 'nice'"),
    "no_template": ("features.sql", "SELECT", "SELECT {% if %}", "this is not a valid Jinja template"),
    "deep_template": ("features.sql", "SELECT", "{{ " + "-" * 20_000 + "1 }} SELECT", "nested too deeply"),
    "deep_model": (
        "model.py",
        "from sklearn.compose",
        "x = " + "-" * 100_000 + "1\nfrom sklearn.compose",
        "nested too deeply",
    ),
    "latin_1": ("project.yaml", "seed: 7", "seed: \udce9", "this is not UTF-8"),
    "nul": ("project.yaml", "seed: 7", "seed: \0", "this is not YAML"),
    "no_yaml": ("project.yaml", None, None, "the file is missing; a project needs project.yaml"),
    "credit_approval": ("project.yaml", "seed: 7", "seed: 8", "project credit_approval is also declared in"),
}
"""Broken projects by name: a file, a text in it, what stands in its place (None: no such file), and the message."""


def parsed(folder: Path) -> DagBag:
    """The DAGs of a folder, drawn anew: Airflow parses each file in a process of its own."""
    sys.modules.pop("snowloop.airflow.dags", None)
    return DagBag(dag_folder=str(folder))


def copy(folder: Path, name: str) -> Path:
    """A project like credit_approval under another name."""
    shutil.copytree(PROJECTS["credit_approval"].directory, folder / name)
    file = folder / name / "project.yaml"
    file.write_text(file.read_text().replace("name: credit_approval", f"name: {name}"))
    return folder / name


def test_a_slip_in_one_declaration_is_its_own_error_and_stops_no_other_project(tmp_path, monkeypatch):
    copy(tmp_path, "churn")
    for name, (file, old, new, _) in SLIPS.items():
        path = copy(tmp_path, name) / file
        if old is None or new is None:
            path.unlink()
            continue
        text = path.read_text()
        assert old in text, name
        path.write_bytes(text.replace(old, new, 1).encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("SNOWLOOP_PROJECTS", os.pathsep.join([str(tmp_path), str(tmp_path / "none")]))
    found = parsed(DAGS)
    usable = {*PROJECTS, "churn"} - set(SLIPS)
    assert sorted(found.dags) == sorted(f"{name}__{kind}" for name in usable for kind in NAMES)
    ((file, error),) = found.import_errors.items()
    assert file.endswith("dags/snowloop_dags.py")
    for name, (_, _, _, says) in SLIPS.items():
        lines = [line for line in error.splitlines() if f"{tmp_path / name}/" in line]
        assert any(says in line for line in lines), (name, lines)
    assert f"{tmp_path / 'none'}: no such folder, but SNOWLOOP_PROJECTS lists it" in error
    assert "churn" not in error


def test_a_dag_that_cannot_be_drawn_names_its_project_and_stops_no_other(tmp_path):
    (tmp_path / "probe.py").write_text(
        """
from snowloop.airflow.drawing import draw_dags, project_dag

def draw(project):
    with project_dag(project, "probe", about="A probe of airflow", params={}) as dag:
        if project.name == "bank_marketing":
            raise LookupError("odd")
    return dag

globals().update(draw_dags(draw))
"""
    )
    found = DagBag(dag_folder=str(tmp_path))
    assert sorted(found.dags) == [f"{name}__probe" for name in sorted(set(PROJECTS) - {"bank_marketing"})]
    ((file, error),) = found.import_errors.items()
    assert file.endswith("probe.py")
    assert str(PROJECTS["bank_marketing"].directory / "project.yaml") in error
    assert "LookupError: odd" in error


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_no_cycles_and_it_survives_serialization(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    dag.check_cycle()
    assert DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)).task_ids == dag.task_ids


def drawn(project):
    """The edges of each DAG, by its name; a DAG of one task has none."""
    train = chain(*grouped("train", TRAIN)) | REPORTED
    life_cycle = ["environment.create", *grouped("train", TRAIN), *grouped("score", replayed(project))]
    return {
        "environment": set(),
        "train": train,
        "score": chain(*grouped("score", SCORE)),
        "rollback": chain("rollback", "verify"),
        "life_cycle": chain(*life_cycle) | REPORTED,
        "health": chain("recover", "health") | chain("recover", "monitor"),
        "backfill": chain("backfill", "reconcile"),
        "requeue": chain("requeue", "reconcile"),
        "challenge": chain("judge", "promote"),
        "rehearse": chain("verify", "rehearse"),
    }


SINGLE = {"environment": {"environment.create"}, "challenge": {"challenge"}}
"""Tasks without a neighbour."""


@pytest.mark.parametrize("name", PROJECTS)
def test_every_dag_is_drawn_as_meant(dag_bag, name):
    for kind, expected in drawn(PROJECTS[name]).items():
        dag = dag_bag.dags[f"{name}__{kind}"]
        assert edges(dag) == expected, kind
        assert set(dag.task_ids) == {task for edge in expected for task in edge} | SINGLE.get(kind, set()), kind
    assert dag_bag.dags[f"{name}__rollback"].params["timeout"] == 300
    assert dag_bag.dags[f"{name}__challenge"].params["action"] == "compare"


@pytest.mark.parametrize("name", PROJECTS)
def test_a_corrected_row_is_requeued_without_a_backfill_and_by_the_version_of_its_own_form(dag_bag, name):
    backfill, requeue = (dag_bag.dags[f"{name}__{kind}"] for kind in ("backfill", "requeue"))
    assert {type(task).__name__ for task in backfill.tasks} == {"BackfillOperator", "ReconcileOperator"}
    assert {type(task).__name__ for task in requeue.tasks} == {"RequeueOperator", "ReconcileOperator"}
    assert set(requeue.params) == {"target", "version"}
    assert "ALL rows" in backfill.params.get_param("start").description


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

    for name in ("override_checks", "override_reason", "override_until"):
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
    assert dag.dagrun_timeout >= timedelta(seconds=Timeouts().run)
    limits = {task.execution_timeout for task in dag.tasks if not isinstance(task, MappedOperator)}
    assert limits <= {timedelta(seconds=Timeouts().task)}


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_what_runs_by_itself_is_switched_on_by_a_person(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    assert dag.is_paused_upon_creation is (True if dag_id.endswith(("__train", "__health", "__rehearse")) else None)
