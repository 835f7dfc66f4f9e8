"""A training set is built of rows that keep the contract now: what has come since the last check is checked."""

from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.features.training_set import build_training_set
from tests.support.visits import visits, write_visits
from tests.support.world import World

RUNS = "SELECT COUNT(DISTINCT CHECK_RUN) FROM {db}.OPS.CONTRACT_CHECKS"
BROKEN = "INSERT INTO {db}.RAW.VISIT VALUES (7777, 'P1', '2026-01-01', NULL, 1, '2026-01-02')"


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    made = World(session, visits(tmp_path / "projects"), "present", write_visits(tmp_path / "data"))
    made.rows("DROP DATABASE IF EXISTS {db}")
    made.prepare()
    return made


def test_rows_that_were_checked_are_not_checked_again_and_others_are(world: World):
    given = world.workspace
    assert world.value(RUNS) == 1
    assert build_training_set(given).contract == world.results["training_set"].contract
    assert world.value(RUNS) == 1
    text = (world.folder / "visits.csv").read_text().splitlines()
    (world.folder / "visits_2.csv").write_text(f"{text[0]}\n8001,P1,2026-01-01,1.5,3,2026-01-02\n")
    world.load()
    assert build_training_set(given).contract == world.results["training_set"].contract
    assert world.value(RUNS) == 2


def test_rows_that_came_by_other_ways_and_break_it_stop_the_training_set(world: World):
    given = world.workspace
    world.rows(BROKEN)
    with pytest.raises(ContractViolation, match=r"DOSE must not be null: 1 of 121 rows do not"):
        build_training_set(given)
    with pytest.raises(ContractViolation):
        check_contract(given)
    checks, failed = build_training_set(given).contract or (0, 0)
    assert (checks > failed, failed) == (True, 2)  # the rule, and any rule: the gate refuses it
