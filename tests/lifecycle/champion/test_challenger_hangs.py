"""A challenger that holds up a run does so once: after that the champion scores alone, and the error is reported."""

from typing import Any

import pytest
from snowflake.snowpark.exceptions import SnowparkSQLException

from snowloop.lifecycle.champion.challenger import withdraw
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.status import loop_status
from tests.support.duel import NEXT, arriving, call, challenges, deploy, insert, name_challenger, scores
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SECONDS = 40


@pytest.fixture
def world(duel_world: World) -> World:
    duel_world.rows("DROP TABLE IF EXISTS {db}.OPS.CHALLENGES")
    return duel_world


def out_of_time(world: World, procedure: str) -> None:
    """Call the procedure, with a bound on its time as that of a task."""
    world.rows(f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {SECONDS}")
    try:
        with pytest.raises(SnowparkSQLException, match="timeout"):
            call(world, procedure)
    finally:
        world.rows("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS")


@pytest.mark.parametrize("declared", [{"mode": "shadow"}, {"mode": "canary", "share": 0.999}], ids=["shadow", "canary"])
def test_a_challenger_that_hangs_costs_one_run(world: World, declared: dict[str, Any]):
    procedure = deploy(world, **declared)
    name_challenger(world, "fragile")
    events = [*arriving(5), (next(NEXT), 850.0, 0.0, 0)]
    insert(world, events)
    out_of_time(world, procedure)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.CHALLENGES WHERE ROWS_SCORED IS NULL") == 1
    outcome = call(world, procedure)
    assert outcome["scored"] == 6
    served = scores(world, "SCORED", outcome["run_id"])
    assert {version for version, _ in served.values()} == {world.results["modest"]}
    ((_, _, version, rows, error),) = challenges(world, outcome["run_id"])
    assert (version, rows) == (world.results["fragile"], 0)
    assert "never came to its end: it hung, or was killed" in error
    reconcile(world.workspace)
    given = world.workspace
    (finding,) = [each for each in stream_health(given).findings if "challenger" in each]
    assert "withdraw it and name it again" in finding
    assert "never came to its end" in loop_status(given).text()

    insert(world, arriving(2))  # which it could score
    assert "never came to its end" in call(world, procedure)["challenger"]["error"]
    withdraw(given, reason="repaired")
    name_challenger(world, "fragile")
    insert(world, arriving(2))
    again = call(world, procedure)
    assert again["challenger"]["error"] is None
    assert challenges(world, again["run_id"])[0][4] is None


def test_a_run_that_fails_by_itself_is_not_laid_to_the_challenger(world: World):
    procedure = deploy(world, mode="shadow")
    name_challenger(world, "good")
    insert(world, arriving(2))
    world.rows("ALTER TABLE {db}.SERVING.SCORED RENAME TO {db}.SERVING.SCORED_AWAY")
    with pytest.raises(Exception, match="SCORED"):
        call(world, procedure)
    world.rows("ALTER TABLE {db}.SERVING.SCORED_AWAY RENAME TO {db}.SERVING.SCORED")
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.CHALLENGES") == 0
    assert call(world, procedure)["challenger"]["error"] is None


def test_without_its_table_the_challenger_does_not_score_and_the_champion_does(world: World):
    procedure = deploy(world, mode="shadow")
    name_challenger(world, "good")
    world.rows("DROP TABLE {db}.OPS.CHALLENGES")
    insert(world, arriving(3))
    outcome = call(world, procedure)
    assert outcome["scored"] == 3
    assert "OPS.CHALLENGES cannot be written, run snowloop apply" in outcome["challenger"]["error"]
    findings = stream_health(world.workspace).findings
    assert any("does not score" in each and "CHALLENGES does not exist: deploy scoring" in each for each in findings)
    deploy(world, mode="shadow")
    insert(world, arriving(1))
    assert call(world, procedure)["challenger"]["rows"] == 1
