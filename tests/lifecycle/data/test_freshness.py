"""How old the newest row of a source may be: by its own moment, or by its load; value and bound are recorded."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ContractViolation
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.project import Project, ProjectError
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import World

DAY = 86_400
PLACE = "    event_time: SEEN_AT\n"
STATE = "SELECT VALUE, BOUND, PASSED, REASON FROM {db}.OPS.CONTRACT_CHECKS WHERE CHECK_NAME = 'FRESHNESS'"


def fresh(folder: Path, rule: str) -> Project:
    return visits(folder, (PLACE, f"{PLACE}    freshness: {rule}\n"))


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Visits of which the newest is three days and an hour old."""
    folder = tmp_path_factory.mktemp("fresh")
    newest = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=3)
    made = World(session, visits(folder / "projects"), "fresh", write_visits(folder / "data", newest=newest))
    create_environment(Workspace(session, made.project, made.target))
    made.load()
    return made


def test_a_source_that_is_fresh_passes_with_value_and_bound(world: World, tmp_path: Path):
    report = check_contract(
        Workspace(world.session, fresh(tmp_path, "{column: SEEN_AT, max_age: 4 days}"), world.target)
    )
    (check,) = (each for each in report.checks if each.name == "FRESHNESS")
    assert check.value is not None
    assert 3 * DAY < check.value < 4 * DAY == check.bound
    assert "at most 4 days are allowed" in check.reason


def test_a_source_that_is_too_old_stops_the_run_and_says_so(world: World, tmp_path: Path):
    with pytest.raises(ContractViolation, match=r"visit: the newest SEEN_AT is 26\d,\d+ seconds old, at most 3 days"):
        check_contract(Workspace(world.session, fresh(tmp_path, "{column: SEEN_AT, max_age: 3 days}"), world.target))
    value, bound, passed, reason = world.rows(f"{STATE} AND NOT PASSED")[0]
    assert (value > bound, bound, passed) == (True, 3 * DAY, False)
    assert "SEEN_AT" in reason


def test_without_a_column_the_last_load_counts(world: World, tmp_path: Path):
    project = fresh(tmp_path, "{max_age: 1h}")
    check_contract(Workspace(world.session, project, world.target))
    world.rows("UPDATE {db}.OPS.LOADS SET LOADED_AT = DATEADD('hour', -2, LOADED_AT)")
    with pytest.raises(ContractViolation, match=r"the newest load is 7,\d+ seconds old, at most 1 hour are allowed"):
        check_contract(Workspace(world.session, project, world.target))
    world.rows("DELETE FROM {db}.OPS.LOADS")
    with pytest.raises(ContractViolation, match="the newest load is missing"):
        check_contract(Workspace(world.session, project, world.target))


def test_a_moment_with_a_zone_has_no_age(tmp_path: Path):
    rule = (PLACE, "    freshness: {column: SEEN_AT, max_age: 1h}\n")
    with pytest.raises(ProjectError, match="TIMESTAMP_NTZ or DATE; or leave it out to count from the last load"):
        visits(tmp_path, rule, ("SEEN_AT: {type: TIMESTAMP_NTZ", "SEEN_AT: {type: TIMESTAMP_TZ"))


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{column: SEEN, max_age: 4 days}", "freshness.column SEEN is not one of the source's columns of type DATE"),
        ("{column: DOSE, max_age: 4 days}", "freshness.column DOSE is not one of the source's columns of type DATE"),
        ("{column: SEEN_AT}", "'sources.visit.freshness.max_age' is missing: add it"),
        ("{max_age: 4}", "write it like 30 minutes, 24h or 7 days"),
        ("7 days", "'sources.visit.freshness'"),
    ],
)
def test_what_cannot_be_meant_is_one_error_with_its_place(tmp_path: Path, rule: str, says: str):
    with pytest.raises(ProjectError) as caught:
        fresh(tmp_path, rule)
    assert says in str(caught.value)
    assert f"{tmp_path / 'visits' / 'project.yaml'}:" in str(caught.value)
