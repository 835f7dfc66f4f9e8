"""Plan and apply on a running local Snowflake: interrupted anywhere and completed, and no DDL when nothing changed."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from snowflake.snowpark import Session
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.errors import PlanRefused
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.apply import apply_plan
from snowloop.lifecycle.scoring.names import GRAPH
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.project import Project, load_project
from snowloop.sql import render_project
from snowloop.workspace import Workspace
from tests.lifecycle.scoring.test_incidents import data, later, rows_of
from tests.support.dying import Dying, KilledError
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

COMMENTS = re.compile(r"\A(\s*--[^\n]*\n)+")
READS = ("SHOW", "DESCRIBE", "SELECT", "LIST", "LS")


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion, and no scoring loop yet."""
    project = load_project("credit_approval")
    metric = project.metric.model_copy(update={"at_least": 0.5, "tolerance": 0.5, "min_support": 5})
    made = World(
        session, project.model_copy(update={"metric": metric}), "plans", data(tmp_path_factory.mktemp("credit"))
    )
    promote(Workspace(session, made.project, made.target), made.judge(made.prepare(), "logistic"))
    return made


@pytest.fixture(scope="module")
def deployed(world: World) -> World:
    world.deploy()
    world.arrive("1")
    return world


def state(world: World) -> dict[str, Any]:
    """All that a deployment makes."""
    tasks = world.rows("SHOW TASKS IN SCHEMA {db}.SERVING")
    columns = ["name", "state", "comment", "definition", "condition", "schedule", "warehouse", "predecessors"]
    columns.append("task_relations")
    return {
        "tasks": [tuple(task[column] for column in columns) for task in tasks],
        "streams": [(row["name"], row["mode"]) for row in world.rows("SHOW STREAMS IN SCHEMA {db}.RAW")],
        "files": [(row["name"], row["md5"]) for row in world.rows("LIST @{db}.MODELS.CODE/score_")],
        "procedures": [row["name"] for row in world.rows("SHOW PROCEDURES LIKE 'SCORE_%' IN SCHEMA {db}.SERVING")],
        "baseline": world.value("SELECT COUNT(*) FROM {db}.SERVING.BASELINE"),
        "pending": world.value("SELECT COUNT(*) FROM {db}.RAW.APPLICATION_RECORD_STREAM"),
    }


def undeploy(world: World) -> None:
    if world.rows("SHOW TASKS LIKE 'SCORE_NEW_ROWS' IN SCHEMA {db}.SERVING"):
        world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    for task in GRAPH[::-1]:
        world.rows(f"DROP TASK IF EXISTS {{db}}.SERVING.{task}")
    for row in world.rows("SHOW PROCEDURES LIKE 'SCORE_%' IN SCHEMA {db}.SERVING"):
        world.rows(f"DROP PROCEDURE {{db}}.SERVING.{row['name']}()")
    world.rows("REMOVE @{db}.MODELS.CODE/score_")
    world.rows("DROP STREAM IF EXISTS {db}.RAW.APPLICATION_RECORD_STREAM")
    world.rows("DROP TABLE IF EXISTS {db}.SERVING.BASELINE")


def interrupted(world: World, project: Project, *, sent: bool) -> Iterator[int]:
    """Apply, killed at each statement in turn, each time from what the caller has prepared since the last."""
    at = 1
    while True:
        plan = plan_scoring(Workspace(world.session, project, world.target))
        try:
            apply_plan(Dying(world.session, at, sent=sent), plan)  # type: ignore[arg-type]
        except KilledError:
            yield at
            at += 1
            continue
        return


@pytest.mark.parametrize("sent", [False, True])
def test_a_first_deployment_interrupted_at_any_statement_is_completed(world: World, sent: bool):
    world.deploy()
    whole = state(world)
    undeploy(world)
    tried = 0
    for at in interrupted(world, world.project, sent=sent):
        tried = at
        world.deploy()
        assert state(world) == whole
        assert plan_scoring(world.workspace).nothing_to_do
        undeploy(world)
    assert tried == 10  # the package is staged before: training imports it too


@pytest.mark.parametrize("sent", [False, True])
def test_a_change_interrupted_at_any_statement_is_completed(world: World, sent: bool):
    serving = world.project.serving.model_copy(update={"timeout_seconds": 1800, "keep_features": False})
    other = World(world.session, world.project.model_copy(update={"serving": serving}), world.target, world.data)
    world.deploy()
    other.deploy()
    whole = state(other)
    world.deploy()
    tried = 0
    for at in interrupted(world, other.project, sent=sent):
        tried = at
        other.deploy()
        assert state(other) == whole
        world.deploy()
    assert tried >= 8
    world.deploy()


def sent_by(world: World, act: Callable[[], Any]) -> list[str]:
    """The statements that the server got from this session meanwhile, oldest first."""
    marks = [f"SELECT '{uuid4()}'" for _ in range(2)]
    world.rows(marks[0])
    act()
    world.rows(marks[1])
    history = world.rows(
        "SELECT QUERY_TEXT FROM TABLE({db}.INFORMATION_SCHEMA.QUERY_HISTORY_BY_SESSION(RESULT_LIMIT => 10000)) "
        "ORDER BY START_TIME"
    )
    sent = [row["QUERY_TEXT"] for row in history]
    return [COMMENTS.sub("", text) for text in sent[sent.index(marks[0]) + 1 : sent.index(marks[1])]]


def test_a_deployment_without_a_change_sends_no_ddl(deployed: World):
    statements = sent_by(deployed, deployed.deploy)
    assert len(statements) >= 10
    written = [each for each in statements if not each.lstrip().upper().startswith(READS)]
    assert len(written) == 2, "the lock is acquired and released"
    assert all(each.lstrip().startswith("UPDATE ") and "DEPLOYMENT_LOCK" in each for each in written)


def test_a_plan_changes_nothing(world: World):
    serving = world.project.serving.model_copy(update={"timeout_seconds": 77})
    other = world.project.model_copy(update={"serving": serving})
    before = state(world)
    statements = sent_by(world, lambda: plan_scoring(Workspace(world.session, other, world.target)))
    assert [each for each in statements if not each.lstrip().upper().startswith(READS)] == []
    assert state(world) == before


ALTERATIONS = {
    "definition": ("REFRESH_MONITORING", "MODIFY AS SELECT 1"),
    "condition": ("SCORE_NEW_ROWS", "MODIFY WHEN TRUE"),
    "schedule": ("SCORE_NEW_ROWS", "SET SCHEDULE = '500 MINUTE'"),
    "warehouse": ("LOG_SCORE_RUN", "UNSET WAREHOUSE"),
    "predecessors": ("REFRESH_MONITORING", "REMOVE AFTER {db}.SERVING.SCORE_NEW_ROWS"),
    "task_relations": ("LOG_SCORE_RUN", "UNSET FINALIZE"),
}


@pytest.mark.parametrize("column", ALTERATIONS)
def test_an_altered_task_is_restored_once(deployed: World, column: str):
    name, change = ALTERATIONS[column]
    before = state(deployed)
    deployed.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    deployed.rows(f"ALTER TASK {{db}}.SERVING.{name} {change.replace('{db}', deployed.database)}")
    (reason,) = [each.reason for each in plan_scoring(deployed.workspace).changes if each.name == f"SERVING.{name}"]
    assert reason == f"it was altered: {column}"
    deployed.deploy()
    assert state(deployed) == before
    assert plan_scoring(deployed.workspace).nothing_to_do


@pytest.mark.parametrize(
    "changes", [{"serverless": True, "overlap": True}, {"schedule": "5 MINUTE", "serverless": True}], ids=str
)
def test_no_declaration_is_deployed_over_and_over(deployed: World, changes: dict[str, Any]):
    serving = deployed.project.serving.model_copy(update=changes)
    project = deployed.project.model_copy(update={"serving": serving})
    other = World(deployed.session, project, deployed.target, deployed.data)
    for world in (other, deployed):
        world.deploy()
        assert plan_scoring(world.workspace).nothing_to_do


def test_scores_carry_the_features_as_served(deployed: World):
    computed = render_project(deployed.project, "features.sql", source=f"{deployed.database}.RAW.APPLICATION_RECORD")
    expected = {row["ID"]: row.as_dict() for row in deployed.rows(computed)}
    scored = deployed.rows("SELECT ID, FEATURES, EVENT_TIME FROM {db}.SERVING.SCORED")
    assert len(scored) == 20
    for row in scored:
        kept, computed = json.loads(row["FEATURES"]), expected[row["ID"]]
        assert set(kept) == set(computed)
        for name, value in kept.items():
            assert value == (computed[name] if isinstance(value, str | None) else pytest.approx(float(computed[name])))
        assert row["EVENT_TIME"] is None


def test_monitoring_sums_up_each_run_once(deployed: World):
    runs = deployed.rows("SELECT * FROM {db}.OPS.RUNS WHERE STATE = 'SUCCEEDED'")
    metrics = deployed.rows("SELECT * FROM {db}.OPS.METRICS")
    assert {row["RUN_ID"] for row in metrics} == {row["RUN_ID"] for row in runs}
    assert sum(row["ROWS_SCORED"] for row in metrics) == 20
    mean = deployed.value("SELECT AVG(SCORE) FROM {db}.SERVING.SCORED")
    (day,) = deployed.rows("SELECT * FROM {db}.OPS.DAILY_METRICS")
    assert (day["MEAN_SCORE"], day["SHARE_OF_DAY"]) == (pytest.approx(mean), 1)
    (task,) = deployed.rows("SHOW TASKS LIKE 'REFRESH_MONITORING' IN SCHEMA {db}.SERVING")
    deployed.rows(task["definition"])
    assert deployed.value("SELECT COUNT(*) FROM {db}.OPS.METRICS") == len(metrics)


def test_event_time_is_kept_when_it_is_declared(deployed: World):
    source = deployed.project.streamed.model_copy(update={"event_time": "DAYS_BIRTH"})  # seconds, as a time
    sources = {**deployed.project.sources, "application_record": source}
    dated = World(
        deployed.session, deployed.project.model_copy(update={"sources": sources}), deployed.target, deployed.data
    )
    dated.deploy()
    later(deployed.folder, 3, [[str(9_500_001), *rows_of(deployed.folder, 2)[0][1:]]])
    assert dated.arrive("2").scored == 1
    kept = dated.value("SELECT DATE_PART('EPOCH_SECOND', EVENT_TIME) FROM {db}.SERVING.SCORED WHERE ID = 9500001")
    assert kept == dated.value("SELECT DAYS_BIRTH FROM {db}.RAW.APPLICATION_RECORD WHERE ID = 9500001")
    deployed.deploy()
    reconcile(deployed.workspace)


def test_a_second_consumer_and_a_renamed_column_are_refused_and_leave_the_loop_alone(deployed: World):
    before = state(deployed)
    deployed.rows(
        "CREATE TASK {db}.OPS.THIEF WAREHOUSE = SNOWLOOP_WH SCHEDULE = '60 MINUTE' AS "
        "INSERT INTO {db}.OPS.TASK_RUNS (TASK_NAME) SELECT ID::VARCHAR FROM {db}.RAW.APPLICATION_RECORD_STREAM"
    )
    with pytest.raises(PlanRefused, match=r"OPS\.THIEF reads it too"):
        deployed.deploy()
    deployed.rows("DROP TASK {db}.OPS.THIEF")
    deployed.rows("ALTER TABLE {db}.RAW.APPLICATION_RECORD RENAME COLUMN CNT_CHILDREN TO CHILDREN")
    with pytest.raises(PlanRefused, match="are missing: CNT_CHILDREN"):
        deployed.deploy()
    deployed.rows("ALTER TABLE {db}.RAW.APPLICATION_RECORD RENAME COLUMN CHILDREN TO CNT_CHILDREN")
    assert state(deployed) == before


@pytest.fixture
def command(snowflake_connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(snowflake_connection[name]))
    return lambda *words: CliRunner().invoke(app, [*words, "--project", "credit_approval", "--target", "plans"])


def test_the_command_plans_applies_and_tells(deployed: World, command: Callable[..., Any]):
    planned = command("plan")
    assert planned.exit_code == 0, planned.output
    assert planned.output.endswith("nothing to do\n")
    printed = json.loads(command("plan", "--json").output)
    actions = {change["action"] for part in ("environment", "loop") for change in printed[part]["changes"]}
    assert actions == {"keep"}
    assert set(printed["summary"]) == {"keep"}
    deployed.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    assert json.loads(command("status", "--json").output)["healthy"] is False
    applied = command("apply")
    assert applied.exit_code == 0
    assert "1 resumed" in applied.output
    status = command("status").output
    assert "healthy" in status
    assert "SUCCEEDED" in status


def test_the_command_says_what_is_refused_and_what_to_do(
    world: World, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    nowhere = CliRunner().invoke(app, ["plan", "-p", "credit_approval", "-t", "nowhere"])
    refused = command("plan")
    assert refused.exit_code == 0
    assert "planned when the environment exists" in nowhere.output
    monkeypatch.delenv("SNOWFLAKE_ACCOUNT")
    lost = command("plan")
    assert lost.exit_code == 1
    assert "--connection NAME" in lost.output


def test_a_stale_stream_is_refused_and_recovered_without_loss_or_double_scoring(
    deployed: World, command: Callable[..., Any]
):
    before = deployed.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED")
    deployed.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    row = rows_of(deployed.folder, 2)[0][1:]
    later(deployed.folder, 4, [[str(9_600_000 + number), *row] for number in range(5)])
    deployed.load(part="arrivals")
    deployed.rows("CREATE TABLE {db}.OPS.COPY AS SELECT * FROM {db}.RAW.APPLICATION_RECORD")
    deployed.rows("CREATE OR REPLACE TABLE {db}.RAW.APPLICATION_RECORD AS SELECT * FROM {db}.OPS.COPY")
    with pytest.raises(PlanRefused, match=r"it is stale.*snowloop recover"):
        deployed.deploy()
    assert command("plan").exit_code == command("apply").exit_code == 2
    assert "NOT SERVING" in command("status").output
    assert "stream replaced, 5 lost rows" in command("recover").output
    assert command("apply").exit_code == 0
    deployed.arrive()
    assert deployed.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == before + 5
    reconcile(deployed.workspace)
    assert "stream kept, 0 lost rows" in command("recover").output
    later(deployed.folder, 5, [[str(9_700_000 + number), *row] for number in range(3)])
    deployed.load(part="arrivals")
    deployed.rows("DROP STREAM {db}.RAW.APPLICATION_RECORD_STREAM")
    assert "lose the rows in between" in command("apply").output
    assert "stream replaced, 3 lost rows" in command("recover").output
    assert command("apply").exit_code == 0
    deployed.arrive()
    assert deployed.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == before + 8
    reconcile(deployed.workspace)


def test_help_helps(tmp_path: Path):
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert all(word in shown.output for word in ("plan", "apply", "status", "SNOWFLAKE_ACCOUNT", "refused"))
