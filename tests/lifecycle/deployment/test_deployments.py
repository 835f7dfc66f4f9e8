"""What is recorded of a deployment, and the version of an environment: migrated forward, refused if it is newer."""

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import PlanRefused
from snowloop.lifecycle.champion.challenger import challenge, withdraw
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.delivery.roll_back import roll_back
from snowloop.lifecycle.deployment import schema_version
from snowloop.lifecycle.deployment.deployments import last_deployment
from snowloop.lifecycle.deployment.environment import plan_environment
from snowloop.lifecycle.deployment.plan import ENVIRONMENT
from snowloop.lifecycle.deployment.schema_version import SchemaVersion, current_version, migration
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.monitoring.judged_again import judge_again
from snowloop.lifecycle.provenance import tool_version
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.sql import statements
from tests.support.tiny import tiny
from tests.support.world import World

OLD = Path(__file__).parents[2] / "support" / "environment_without_version.sql"


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    return World(session, tiny(tmp_path / "projects"), f"deployments_{uuid.uuid4().hex}")


def test_a_deployment_is_recorded_once_for_a_commit(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "first")
    create_environment(world.workspace)
    made = last_deployment(world.workspace, ENVIRONMENT)
    assert made
    assert (made.git_commit, made.tool_version, made.done_by) == (
        "first",
        tool_version(),
        world.value("SELECT CURRENT_USER()"),
    )
    assert made.objects["table RAW.EVENTS"]["ID"] == "NUMBER(38,0)"
    create_environment(world.workspace)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.DEPLOYMENTS") == 1
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "second")
    create_environment(world.workspace)
    rows = world.rows("SELECT GIT_COMMIT, STEPS > 0 FROM {db}.OPS.DEPLOYMENTS ORDER BY DONE_AT")
    assert rows == [("first", True), ("second", False)]
    assert world.rows("SELECT VERSION FROM {db}.OPS.SCHEMA_VERSION") == [(current_version(),)]


def test_an_environment_of_a_later_release_is_refused_and_left_alone(world: World):
    create_environment(world.workspace)
    later = current_version() + 1
    world.rows(f"INSERT INTO {{db}}.OPS.SCHEMA_VERSION SELECT {later}, '9.9.9', SYSDATE()")
    world.rows("DROP TABLE {db}.SERVING.QUARANTINE")
    with pytest.raises(PlanRefused, match=rf"it is of version {later} \(by Snowloop 9\.9\.9\).*; to do: install the"):
        create_environment(world.workspace)
    assert plan_environment(world.workspace).steps == ()
    (refusal,) = plan_scoring(world.workspace).refused
    assert (refusal.kind, refusal.name) == ("schema version", "OPS.SCHEMA_VERSION")
    assert not world.rows("SHOW TABLES LIKE 'QUARANTINE' IN SCHEMA {db}.SERVING")


def test_an_environment_of_a_later_release_is_neither_loaded_nor_trained_nor_given_a_champion(world: World):
    given = world.workspace
    create_environment(given)
    world.rows(f"INSERT INTO {{db}}.OPS.SCHEMA_VERSION SELECT {current_version() + 1}, '9.9.9', SYSDATE()")
    verdict = Verdict("id", "V1", None, "abc", (), kept=False)
    changes: list[Callable[[], object]] = [
        lambda: load_files(given, None),
        lambda: build_training_set(given),
        lambda: decide(given, []),
        lambda: judge_again(given),
        lambda: promote(given, verdict),
        lambda: roll_back(given),
        lambda: challenge(given, version="V1", reason="to see"),
        lambda: withdraw(given, reason="seen"),
        lambda: requeue(given),
        lambda: backfill(given),
        lambda: recover_loop(given),
    ]
    for change in changes:
        with pytest.raises(PlanRefused, match=r"is left as it is: it is of version \d+ \(by Snowloop 9\.9\.9\)"):
            change()


def test_an_environment_without_a_version_is_migrated_and_its_history_begins_with_the_ledger(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SNOWLOOP_GIT_COMMIT", "now")
    for statement in statements(OLD.read_text().replace("OLD_DB", world.database)):
        world.session.sql(statement).collect()
    world.rows(
        "INSERT INTO {db}.OPS.LEDGER (ENTRY, GIT_COMMIT, DONE_BY, DONE_AT) "
        "SELECT 1, 'c1', 'Ada', '2026-01-01'::TIMESTAMP_NTZ UNION ALL "
        "SELECT 2, 'c2', 'Bo', '2026-01-02'::TIMESTAMP_NTZ"
    )
    blocked = [each.reason for each in plan_scoring(world.workspace).refused if each.kind == "schema version"]
    assert blocked == [f"it is of version 1, this release makes version {current_version()}"]
    create_environment(world.workspace)
    assert world.rows("SELECT PART, GIT_COMMIT, DONE_BY FROM {db}.OPS.DEPLOYMENTS ORDER BY DONE_AT") == [
        ("before deployments were recorded", "c2", "Bo"),
        (ENVIRONMENT, "now", world.value("SELECT CURRENT_USER()")),
    ]
    assert plan_environment(world.workspace).nothing_to_do


def test_an_environment_goes_through_each_version_between(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schema_version, "MIGRATIONS", {**schema_version.MIGRATIONS, 3: schema_version.MIGRATIONS[2]})
    change, texts = migration(SchemaVersion(1), "DB")
    assert (change.action, change.fields[0].old, change.fields[0].new) == ("alter", "1", "3")
    assert next(text for text in texts if "SCHEMA_VERSION" in text).count("SELECT 2,") == 1
    assert ["SCHEMA_VERSION" in text for text in texts] == [False, True, False, True]
    assert len(migration(SchemaVersion(2), "DB")[1]) == 2
    created, recorded = migration(None, "DB")
    assert created.action == "create"
    assert ["SELECT 3," in text for text in recorded] == [True]
