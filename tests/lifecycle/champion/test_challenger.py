"""Shadow and canary on a running local Snowflake: who scores what, in one transaction, and what happens to failures."""

import json
from math import sqrt
from typing import Any

import pytest
from snowflake.snowpark.exceptions import SnowparkSQLException

from snowloop.errors import ChallengeRefused
from snowloop.lifecycle.champion.challenger import Challenge
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.status import loop_status
from tests.support.duel import (
    NEXT,
    arriving,
    call,
    challenges,
    declare,
    deploy,
    event,
    fresh,
    insert,
    name_challenger,
    scores,
)
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def world(duel_world: World) -> World:
    return duel_world


def test_a_shadow_scores_the_same_rows_and_the_champion_serves(world: World):
    procedure = deploy(world, mode="shadow")
    modest, good = world.results["modest"], world.results["good"]
    assert name_challenger(world, "good") == Challenge(good, None, "shadow")
    events = arriving(30)
    insert(world, [*events, (next(NEXT), 5000.0, 0.0, 0)])
    outcome = call(world, procedure)
    assert (outcome["read"], outcome["scored"], outcome["quarantined"]) == (31, 30, 1)
    assert outcome["challenger"] == {"version": good, "rows": 30, "error": None, "serves": False}
    served, shadow = (scores(world, table, outcome["run_id"]) for table in ("SCORED", "SHADOW"))
    assert served == {key: (modest, pytest.approx(score)) for key, score in fresh(world, modest, events).items()}
    assert shadow == {key: (good, pytest.approx(score)) for key, score in fresh(world, good, events).items()}
    assert challenges(world, outcome["run_id"]) == [("shadow", modest, good, 30, None)]
    reconcile(world.workspace)


def test_without_a_challenger_the_champion_scores_alone(world: World):
    for declared in ({"mode": "shadow"}, {"mode": "canary", "share": 0.5}, {}):
        procedure = deploy(world, **declared)
        insert(world, arriving(3))
        outcome = call(world, procedure)
        assert outcome["scored"] == 3
        assert "challenger" not in outcome
        assert challenges(world, outcome["run_id"]) == []


def test_a_version_that_is_both_is_no_challenger_of_itself(world: World):
    procedure = deploy(world, mode="shadow")
    for change in ("UNSET ALIAS", "SET ALIAS = CHALLENGER"):  # the ledger's champion
        world.rows(f"ALTER MODEL {{db}}.MODELS.DUEL VERSION {world.results['modest']} {change}")
    insert(world, arriving(2))
    assert "challenger" not in call(world, procedure)


def test_a_canary_serves_its_share_and_each_key_stays_on_its_side(world: World):
    share = 0.3
    procedure = deploy(world, mode="canary", share=share)
    name_challenger(world, "good")
    events = arriving(600)
    insert(world, events)
    outcome = call(world, procedure)
    assert outcome["scored"] == 600
    served = scores(world, "SCORED", outcome["run_id"])
    sides = {key: version for key, (version, _) in served.items()}
    count = sum(version == world.results["good"] for version in sides.values())
    assert outcome["challenger"]["rows"] == count
    assert abs(count - 600 * share) < 4 * sqrt(600 * share * (1 - share))
    for name in ("good", "modest"):
        own = [each for each in events if sides[each[0]] == world.results[name]]
        assert fresh(world, world.results[name], own) == {key: pytest.approx(served[key][1]) for key, *_ in own}
    # the rule as it is documented, computed by someone else
    import hashlib

    digests = {key: hashlib.md5(f"challenger|{key}".encode(), usedforsecurity=False).hexdigest() for key in sides}
    expected = {key for key, digest in digests.items() if int(digest[:8], 16) < int(share * 2**32)}
    assert {key for key, version in sides.items() if version == world.results["good"]} == expected

    # a greater share takes keys over, and gives none back
    procedure = deploy(world, mode="canary", share=0.6)
    keys = sorted(sides)[:200]
    for table in ("SERVING.SCORED", "RAW.EVENTS"):
        world.rows(f"DELETE FROM {{db}}.{table} WHERE ID IN ({', '.join(map(str, keys))})")
    insert(world, [event(key) for key in keys])
    again = {key: version for key, (version, _) in scores(world, "SCORED", call(world, procedure)["run_id"]).items()}
    assert {key for key in keys if sides[key] == world.results["good"]} < {
        key for key, version in again.items() if version == world.results["good"]
    }


def test_monitoring_sums_a_canary_up_by_version(world: World):
    procedure = deploy(world, mode="canary", share=0.5)
    name_challenger(world, "good")
    events = arriving(40)
    insert(world, [*events, (next(NEXT), 5000.0, 0.0, 0)])
    run_id = call(world, procedure)["run_id"]
    (task,) = world.rows("SHOW TASKS LIKE 'REFRESH_MONITORING' IN SCHEMA {db}.SERVING")
    world.rows(task["definition"])
    served = scores(world, "SCORED", run_id)
    found = {
        row["MODEL_VERSION"]: row for row in world.rows(f"SELECT * FROM {{db}}.OPS.METRICS WHERE RUN_ID = '{run_id}'")
    }
    assert set(found) == {world.results["good"], world.results["modest"]}
    for version, row in found.items():
        own = [score for name, score in served.values() if name == version]
        assert (row["ROWS_SCORED"], row["MEAN_SCORE"]) == (len(own), pytest.approx(sum(own) / len(own)))
    assert sum(row["ROWS_READ"] for row in found.values()) == 41
    assert sum(row["ROWS_QUARANTINED"] for row in found.values()) == 1
    counted = world.rows(
        "SELECT MODEL_VERSION, COLUMN_NAME, SUM(N) AS N FROM {db}.OPS.DRIFT_COUNTS "
        f"WHERE RUN_ID = '{run_id}' GROUP BY MODEL_VERSION, COLUMN_NAME"
    )
    assert {(row["MODEL_VERSION"], row["N"]) for row in counted} == {
        (version, row["ROWS_SCORED"]) for version, row in found.items()
    }


@pytest.mark.parametrize("declared", [{"mode": "shadow"}, {"mode": "canary", "share": 0.999}], ids=["shadow", "canary"])
def test_a_challenger_that_fails_does_not_sink_the_champion(world: World, declared: dict[str, Any]):
    procedure = deploy(world, **declared)
    name_challenger(world, "fragile")
    events = [*arriving(5), (next(NEXT), 950.0, 0.0, 0)]
    insert(world, events)
    outcome = call(world, procedure)
    assert outcome["scored"] == 6
    served = scores(world, "SCORED", outcome["run_id"])
    assert {version for version, _ in served.values()} == {world.results["modest"]}
    ((_, _, version, rows, error),) = challenges(world, outcome["run_id"])
    assert (version, rows) == (world.results["fragile"], 0)
    assert "X above 900 was never seen: it's too much" in error
    if declared["mode"] == "shadow":
        assert scores(world, "SHADOW", outcome["run_id"]) == {}

    status = loop_status(world.workspace)
    assert f"{version}, {declared['mode']}: could not score" in status.text()
    assert "X above 900" in status.text()
    (finding,) = [each for each in stream_health(world.workspace).findings if "challenger" in each]
    assert "X above 900" in finding
    assert "snowloop withdraw" in finding

    insert(world, arriving(4))
    assert call(world, procedure)["challenger"]["error"] is None
    health = stream_health(world.workspace)
    assert not [each for each in health.findings if "challenger" in each]
    assert f"{version}, {declared['mode']}: scored" in loop_status(world.workspace).text()


@pytest.mark.parametrize("declared", [{"mode": "shadow"}, {"mode": "canary", "share": 0.5}], ids=["shadow", "canary"])
def test_a_run_that_fails_leaves_neither_scores_nor_shadow(world: World, declared: dict[str, Any]):
    procedure = deploy(world, **declared)
    name_challenger(world, "good")
    events = arriving(20)
    insert(world, events)
    world.rows("ALTER TABLE {db}.OPS.RUNS RENAME TO {db}.OPS.RUNS_AWAY")
    with pytest.raises(SnowparkSQLException, match="RUNS"):
        call(world, procedure)
    world.rows("ALTER TABLE {db}.OPS.RUNS_AWAY RENAME TO {db}.OPS.RUNS")
    keys = ", ".join(str(key) for key, *_ in events)
    shadow = ["SHADOW"] if declared["mode"] == "shadow" else []
    for table in ("SCORED", *shadow):
        assert world.value(f"SELECT COUNT(*) FROM {{db}}.SERVING.{table} WHERE ID IN ({keys})") == 0
    before = world.value("SELECT COUNT(*) FROM {db}.OPS.CHALLENGES")
    outcome = call(world, procedure)
    assert outcome["scored"] == 20
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.CHALLENGES") == before + 1
    reconcile(world.workspace)


def test_a_version_of_other_features_is_refused_and_does_not_score(world: World):
    procedure = deploy(world, mode="shadow")
    model, version = "{db}.MODELS.DUEL", world.results["good"]
    rows = world.rows(f"SHOW VERSIONS IN MODEL {model}")
    comment = next(row["comment"] for row in rows if row["name"] == version)
    name_challenger(world, "good")
    other = json.dumps({**json.loads(comment), "features": [{"name": "X", "type": "FLOAT"}]})
    world.rows(f"ALTER MODEL {model} MODIFY VERSION {version} SET COMMENT = '{other}'")
    try:
        insert(world, arriving(2))
        outcome = call(world, procedure)
        assert outcome["scored"] == 2
        assert "takes other features than the deployed features.sql" in outcome["challenger"]["error"]
        with pytest.raises(ChallengeRefused, match=r"other features than its features\.sql gives over the source"):
            name_challenger(world, "good")
    finally:
        world.rows(f"ALTER MODEL {model} MODIFY VERSION {version} SET COMMENT = '{comment}'")


def test_an_ungated_version_serves_no_key_even_with_the_alias(world: World):
    """Somebody changes the declaration to a canary while a version that nobody judged is challenger."""
    deploy(world, mode="shadow")
    world.rows(f"ALTER MODEL {{db}}.MODELS.DUEL VERSION {world.results['noise']} SET ALIAS = CHALLENGER")
    procedure = deploy(world, mode="canary", share=0.999)
    insert(world, arriving(5))
    outcome = call(world, procedure)
    assert outcome["scored"] == 5
    assert "must not serve: the gate" in outcome["challenger"]["error"]
    assert {version for version, _ in scores(world, "SCORED", outcome["run_id"]).values()} == {world.results["modest"]}


def test_a_changed_challenger_is_planned_and_an_unchanged_one_sends_nothing(world: World):
    deploy(world)
    given = world.workspace
    world.rows("DROP TABLE IF EXISTS {db}.SERVING.SHADOW")
    world.project = declare(world.project, mode="shadow")
    given = world.workspace
    made = {(each.kind, each.name): each.action for each in plan_scoring(given).changes}
    assert made["table", "SERVING.SHADOW"] == "create"
    assert made["stream", "RAW.EVENTS_STREAM"] == "keep"
    assert made["task", "SERVING.SCORE_NEW_ROWS"] == "recreate"
    world.deploy()
    assert plan_scoring(given).nothing_to_do
    world.project = declare(world.project, mode="canary", share=0.25)
    changed = plan_scoring(world.workspace)
    assert {"procedure", "task"} <= {each.kind for each in changed.changes if each.action in ("create", "recreate")}


@pytest.mark.parametrize("declared", [{"mode": "shadow"}, {"mode": "canary", "share": 0.5}], ids=["shadow", "canary"])
def test_the_native_tasks_run_it(world: World, declared: dict[str, Any]):
    deploy(world, **declared)
    name_challenger(world, "good")
    world.deploy()  # resumes
    events = arriving(20)
    insert(world, events)
    world.arrive()
    keys = ", ".join(str(key) for key, *_ in events)
    table = "SHADOW" if declared["mode"] == "shadow" else "SCORED"
    count = f"SELECT COUNT(*) FROM {{db}}.SERVING.{table} WHERE ID IN ({keys}) AND MODEL_VERSION = "
    expected = 20 if declared["mode"] == "shadow" else sum_of_side(world, keys)
    assert world.value(f"{count}'{world.results['good']}'") == expected
    reconcile(world.workspace)


def sum_of_side(world: World, keys: str) -> int:
    return int(
        world.value(
            "SELECT COUNT(*) FROM {db}.RAW.EVENTS "
            f"WHERE ID IN ({keys}) AND SUBSTR(MD5('challenger|' || ID::VARCHAR), 1, 8) < '80000000'"
        )
    )
