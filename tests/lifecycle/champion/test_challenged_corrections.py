"""Corrections with a challenger: both score a corrected row again, and only the newest score of a key counts."""

from collections.abc import Iterator
from hashlib import md5
from typing import Any

import pytest

from snowloop.lifecycle.champion.compare import Comparison, compare_versions
from snowloop.lifecycle.scoring import reconcile
from tests.support.duel import answer, arriving, call, deploy, fresh, insert, name_challenger, scores
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def world(duel_world: World) -> Iterator[World]:
    """The loop with corrections; without them again at the end, for the tests that share it."""
    plain = duel_world.project
    serving = plain.serving.model_copy(update={"corrections": True})
    duel_world.project = plain.model_copy(update={"serving": serving})
    yield duel_world
    duel_world.project = plain
    deploy(duel_world)


def deployed_with(world: World, name: str, **declared: Any) -> str:
    """Deploy, name a challenger whose history is empty, and give the procedure."""
    procedure = deploy(world, **declared)
    name_challenger(world, name)
    world.rows("TRUNCATE TABLE {db}.SERVING.SHADOW")
    world.rows("TRUNCATE TABLE {db}.OPS.CHALLENGES")
    return procedure


def change(world: World, keys: list[int], values: str) -> None:
    world.rows(f"UPDATE {{db}}.RAW.EVENTS SET {values} WHERE ID IN ({', '.join(map(str, keys))})")


def latest(world: World, events: list[tuple[int, float, float, int]]) -> dict[int, tuple[str, Any]]:
    """Version and score by key, as users see them."""
    keys = ", ".join(str(key) for key, *_ in events)
    found = world.rows(f"SELECT ID, MODEL_VERSION, SCORE FROM {{db}}.SERVING.LATEST_SCORES WHERE ID IN ({keys})")
    assert len({row["ID"] for row in found}) == len(found)
    return {row["ID"]: (row["MODEL_VERSION"], row["SCORE"]) for row in found}


def compared(world: World) -> Comparison:
    reconcile(world.workspace)
    return compare_versions(world.workspace)


def of_challenger(key: int, share: float) -> bool:
    """The rule as it is documented."""
    return int(md5(f"challenger|{key}".encode(), usedforsecurity=False).hexdigest()[:8], 16) < int(share * 2**32)


def test_both_score_a_corrected_row_again_in_the_shadow_and_each_key_is_compared_once(world: World):
    procedure = deployed_with(world, "good", mode="shadow")
    modest, good = world.results["modest"], world.results["good"]
    events = arriving(40)
    keys = [key for key, *_ in events]
    insert(world, events)
    answer(world, events)
    call(world, procedure)
    change(world, keys[:10], "X = X + 0.5, Y = -Y")
    change(world, keys[10:11], "X = 5000")  # breaks the contract
    world.rows(f"DELETE FROM {{db}}.RAW.EVENTS WHERE ID IN ({keys[11]}, {keys[12]}, {keys[13]})")
    outcome = call(world, procedure)
    assert [outcome[name] for name in ("read", "scored", "quarantined")] == [11, 10, 1]
    assert outcome["challenger"] == {"version": good, "rows": 10, "error": None, "serves": False}
    for table, version in (("SCORED", modest), ("SHADOW", good)):
        now = fresh(world, version, events[:10])
        assert scores(world, table, outcome["run_id"]) == {key: (version, pytest.approx(now[key])) for key in keys[:10]}
    left = [*events[:10], *events[14:]]
    now = fresh(world, modest, left)
    assert latest(world, events) == {key: (modest, pytest.approx(score)) for key, score in now.items()}
    found = compared(world)
    assert found.runs == 2
    assert found.rows == found.labelled == {"champion": 36, "challenger": 36}
    assert found.scores["champion"].mean == pytest.approx(sum(now.values()) / 36)
    assert found.scores["challenger"].mean == pytest.approx(sum(fresh(world, good, left).values()) / 36)


def test_a_canary_takes_keys_over_and_gives_them_back_by_their_newest_score(world: World):
    procedure = deployed_with(world, "fragile", mode="canary", share=0.3)
    modest, fragile = world.results["modest"], world.results["fragile"]
    events = arriving(60)
    keys = [key for key, *_ in events]
    insert(world, events)
    call(world, procedure)
    first = latest(world, events)
    assert {key for key in keys if first[key][0] == fragile} == {key for key in keys if of_challenger(key, 0.3)}

    procedure = deploy(world, mode="canary", share=0.7)
    moved = [key for key in keys if of_challenger(key, 0.7) and not of_challenger(key, 0.3)]
    stays = next(key for key in keys if not of_challenger(key, 0.7))
    assert len(moved) >= 5
    changed = [*moved[:5], stays]
    change(world, changed, "X = X + 0.5")
    outcome = call(world, procedure)
    assert (outcome["scored"], outcome["challenger"]["rows"]) == (6, 5)
    second = latest(world, events)
    for version, own in ((fragile, moved[:5]), (modest, [stays])):
        rows = [each for each in events if each[0] in own]
        assert {key: second[key] for key in own} == {
            key: (version, pytest.approx(score)) for key, score in fresh(world, version, rows).items()
        }
    assert {key: second[key] for key in keys if key not in changed} == {
        key: first[key] for key in keys if key not in changed
    }
    found = compared(world)
    taken = [score for version, score in second.values() if version == fragile]
    assert found.rows == {"champion": 60 - len(taken), "challenger": len(taken)}
    assert found.scores["challenger"].mean == pytest.approx(sum(taken) / len(taken))

    change(world, moved[:2], "X = 950")  # which it cannot score: the champion takes the keys back
    assert call(world, procedure)["challenger"]["error"]
    third = latest(world, events)
    assert [third[key][0] for key in moved[:5]] == [modest, modest, fragile, fragile, fragile]
    assert compared(world).failed == 1
