"""Environment and loop in one plan: applied in order, written as SQL; and whether they are what a commit says."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session
from typer.testing import CliRunner

import snowloop.cli.options
from snowloop.cli.main import app
from snowloop.lifecycle.deployment.observed import ObservedEnvironment
from snowloop.lifecycle.deployment.plan import Change, FieldChange
from snowloop.lifecycle.scoring.commit_status import changed_objects, changed_tasks
from snowloop.lifecycle.scoring.deployment import plan_deployment
from snowloop.project import Column
from tests.support.copies import Copies
from tests.support.tiny import tiny
from tests.support.world import World

Command = Callable[..., Any]


@pytest.fixture
def command(snowflake_connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[World], Command]:
    """The command line on a world: its declaration as it is when a command is called."""
    for name in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(snowflake_connection[name]))

    def on(world: World) -> Command:
        monkeypatch.setattr(snowloop.cli.options, "load_project", lambda _name: world.project)
        return lambda *words: CliRunner().invoke(app, [*words, "--project", "tiny", "--target", world.target])

    return on


def with_column(world: World, name: str) -> None:
    """Declare a column more."""
    source = world.project.streamed
    more = source.model_copy(update={"columns": {**source.columns, name: Column(type="VARCHAR")}})
    world.project = world.project.model_copy(update={"sources": {world.project.source: more}})


def without_column(world: World, name: str) -> None:
    """Declare a column less."""
    source = world.project.streamed
    fewer = {column: each for column, each in source.columns.items() if column != name}
    less = source.model_copy(update={"columns": fewer})
    world.project = world.project.model_copy(update={"sources": {world.project.source: less}})


def test_apply_of_a_new_target_makes_the_environment_and_says_what_the_loop_waits_for(
    session: Session, tmp_path: Path, command: Callable[[World], Command]
):
    world = World(session, tiny(tmp_path / "projects"), f"new_{uuid.uuid4().hex}")
    run, file, sql = command(world), tmp_path / "plan.json", tmp_path / "plan.sql"
    planned = run("plan", "--out", str(file), "--sql", str(sql), "--exit-code")
    assert planned.exit_code == 3, planned.output
    assert "planned when the environment exists" in planned.output
    assert "kind of change: retrain" in planned.output
    assert "+ create   table       RAW.EVENTS" in planned.output
    text = sql.read_text()
    assert text.index("CREATE DATABASE") < text.index("CREATE SCHEMA") < text.index("CREATE OR REPLACE VIEW")
    applied = run("apply", "--plan", str(file))
    assert applied.exit_code == 2
    assert "the saved plan has no scoring loop" in applied.output
    again = run("apply")
    assert again.exit_code == 2
    assert "has no champion to score with" in again.output
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.DEPLOYMENTS") == 1


@pytest.mark.slow
def test_environment_and_loop_are_deployed_changed_and_compared_with_the_commit(
    session: Session, tmp_path: Path, command: Callable[[World], Command], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "first")
    world = Copies(session, tmp_path, f"whole_{uuid.uuid4().hex}", ["GOOD"])
    world.promote("GOOD")
    run = command(world)
    assert run("apply").exit_code == 0
    assert run("plan").output.endswith("nothing to do\n")
    assert "commit first by" in run("status").output

    with_column(world, "NEW")
    printed = json.loads(run("plan", "--json").output)
    altered = {each["name"]: each for each in printed["environment"]["changes"] if each["action"] == "alter"}
    assert altered["RAW.EVENTS"]["fields"] == [{"field": "column NEW", "old": None, "new": "VARCHAR"}]
    assert not printed["loop"]["changes"][0]["destructive"]
    procedures = [each["action"] for each in printed["loop"]["changes"] if each["kind"] == "procedure"]
    assert procedures == ["create"], printed["loop"]
    file = tmp_path / "plan.json"
    assert run("plan", "--out", str(file)).exit_code == 0
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "second")
    assert run("apply", "--plan", str(file)).exit_code == 0
    assert plan_deployment(world.workspace).nothing_to_do
    commits = world.rows("SELECT DISTINCT GIT_COMMIT FROM {db}.OPS.DEPLOYMENTS WHERE STEPS > 0 ORDER BY 1")
    assert [row[0] for row in commits] == ["first", "second"]

    without_column(world, "Y")  # the champion's features.sql reads it
    refused = run("apply", "--allow-drop", "RAW.EVENTS.Y")
    assert refused.exit_code == 2
    assert "drops Y, which the features.sql that is deployed reads" in refused.output
    assert world.rows("SELECT Y, NEW FROM {db}.RAW.EVENTS") == []
    world.project = tiny(tmp_path / "again")
    with_column(world, "NEW")

    world.rows("ALTER TABLE {db}.OPS.LEDGER ADD COLUMN NOTE VARCHAR")
    world.rows("CREATE OR REPLACE VIEW {db}.OPS.DAILY_METRICS AS SELECT 1 AS ONE")
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    shown = run("status", "--json", "--exit-code")
    assert shown.exit_code == 3
    commit = json.loads(shown.output)["commit"]
    assert commit["by_hand"][:2] == [
        "table OPS.LEDGER: column NOTE was added",
        "view OPS.DAILY_METRICS was replaced: its comment is ''",
    ]
    assert commit["by_hand"][2].startswith("task SERVING.SCORE_NEW_ROWS: it is suspended")
    assert any(each.startswith("recreate view OPS.DAILY_METRICS") for each in commit["pending"])


RECORDED = {
    "database DB": {},
    "table RAW.T": {"A": "DATE", "B": "FLOAT"},
    "view OPS.V": {"comment": "snowloop 1"},
    "stage RAW.LANDING": {},
    "grant SELECT ON TABLE X": {},
}


@pytest.mark.parametrize(
    ("names", "columns", "says"),
    [
        ({}, {"A": "DATE", "B": "FLOAT"}, []),
        ({"table": ()}, {}, ["table RAW.T was dropped"]),
        ({"stage": (), "grant": ()}, {"A": "DATE", "B": "FLOAT"}, [
            "stage RAW.LANDING was dropped", "grant SELECT ON TABLE X was revoked",
        ]),
        ({"grant": ("SELECT ON TABLE X", "USAGE ON WAREHOUSE WH", "SELECT ON TABLE DB.RAW.T", "USAGE ON SCHEMA DBX.R")},
         {"A": "DATE", "B": "FLOAT"}, ["grant SELECT ON TABLE DB.RAW.T was given"]),
        ({}, {"A": "DATE"}, ["table RAW.T: column B was dropped"]),
        ({}, {"A": "DATE", "B": "VARCHAR"}, ["table RAW.T: column B was FLOAT, it is VARCHAR"]),
    ],
)  # fmt: skip
def test_what_was_changed_by_hand_is_named(names: dict[str, Any], columns: dict[str, str], says: list[str]):
    have = {
        "database": {"DB"},
        "table": {"RAW.T"},
        "view": {"OPS.V"},
        "stage": {"RAW.LANDING"},
        "grant": {"SELECT ON TABLE X"},
    }
    observed = ObservedEnvironment(
        {kind: frozenset(each) for kind, each in {**have, **names}.items()},
        {"RAW.T": columns},
        {"OPS.V": "snowloop 1"},
    )
    assert list(changed_objects(RECORDED, observed)) == says


def test_a_task_that_the_declaration_changes_was_not_changed_by_hand():
    recorded = {"task SERVING.ROOT": {"comment": "snowloop 1"}}

    def changed(action: Any, *fields: FieldChange) -> list[str]:
        return list(changed_tasks(recorded, [Change("task", "SERVING.ROOT", action, "why", fields=fields)]))

    assert changed("keep") == []
    assert changed("recreate", FieldChange("comment", "snowloop 1", "snowloop 2")) == []
    assert changed("recreate", FieldChange("comment", "mine", "snowloop 2")) == [
        "task SERVING.ROOT was altered: comment is 'mine'"
    ]
    assert changed("recreate", FieldChange("schedule", "1 MINUTE", "")) == [
        "task SERVING.ROOT was altered: schedule is '1 MINUTE'"
    ]
    assert changed("create") == ["task SERVING.ROOT was dropped"]
