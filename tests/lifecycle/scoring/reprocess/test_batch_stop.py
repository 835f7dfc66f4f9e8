"""Rows that break the contract stop the run or are kept aside, as declared: those that train, and those that arrive."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ContractViolation, ScoringError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.scoring import Scores, await_scores
from snowloop.lifecycle.scoring.health import StreamHealth, stream_health
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import Contract, Monitoring, OnArrival, Project, ProjectError
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import TIMEOUT, World

RULE = "contract: {arriving: {max_failing_share: 0.2, min_rows: 10}}\nserving: {retry_attempts: 0}\npackages:"
COUNTS = "SELECT (SELECT COUNT(*) FROM {db}.SERVING.SCORED), (SELECT COUNT(*) FROM {db}.SERVING.QUARANTINE)"


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("stopped")
    project = visits(folder / "projects", ("packages:", RULE))
    made = World(session, project, "stopped", write_visits(folder / "data"))
    workspace = Workspace(session, project, made.target)
    candidate = train_candidate(workspace, made.prepare(), "line")
    assert candidate.error is None
    made.promote_any(candidate)
    made.deploy()
    return made


def arrive(world: World, number: int, first: int, good: int, bad: int) -> Scores:
    """Load a file with rows that have no dose, and wait until the native task is done with it."""
    rows = [f"{first + place},P1,2026-01-01,{1.5 if place < good else ''},," for place in range(good + bad)]
    header = "VISIT_ID,PATIENT,SEEN_AT,DOSE,ANSWER,ANSWERED_AT"
    (world.folder / f"visits_{number}.csv").write_text("\n".join([header, *rows]) + "\n")
    return wait(world, world.load().started_at)


def wait(world: World, since: datetime | None = None) -> Scores:
    return await_scores(world.workspace, timeout=TIMEOUT, since=since)


def over(workspace: Workspace) -> StreamHealth:
    """The health once the run of the graph is over whose first task has failed: its last one takes a moment longer."""
    deadline = time.monotonic() + 60
    while not (health := stream_health(workspace)).findings and time.monotonic() < deadline:
        time.sleep(0.2)
    return health


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_bad_batch_is_not_consumed_and_a_looser_bound_lets_it_pass(world: World):
    workspace = world.workspace
    few = arrive(world, 1, 1000, good=1, bad=3)  # fewer rows than are judged as a whole
    assert (few.scored, few.quarantined) == (1, 3)

    says = r"10 of 20 new rows \(50\.0%\) break the contract, contract\.arriving allows 20\.0% \(10 rows: DOSE must not"
    with pytest.raises(ScoringError, match=says):
        arrive(world, 2, 2000, good=10, bad=10)
    assert tuple(world.rows(COUNTS)[0]) == (1, 3)
    health = over(workspace)
    assert health.backlog == 20
    (finding,) = health.findings
    assert "contract.arriving allows 20.0%" in finding
    hasty = world.project.model_copy(update={"monitoring": Monitoring(max_backlog_age=timedelta(milliseconds=1))})
    assert any(
        "monitoring.max_backlog_age allows" in each
        for each in stream_health(replace(workspace, project=hasty)).findings
    )

    looser = Contract(arriving=OnArrival(max_failing_share=0.5, min_rows=10))
    world.project = world.project.model_copy(update={"contract": looser})
    world.deploy()
    wait(world)
    assert tuple(world.rows(COUNTS)[0]) == (11, 13)
    assert stream_health(workspace).findings == ()

    world.project = world.project.model_copy(update={"contract": Contract(arriving=OnArrival(on_failure="stop"))})
    world.deploy()
    with pytest.raises(
        ScoringError, match=r"1 of 3 new rows \(33\.3%\) break the contract, contract\.arriving allows 0"
    ):
        arrive(world, 3, 3000, good=2, bad=1)
    assert tuple(world.rows(COUNTS)[0]) == (11, 13)


def test_rows_that_would_train_stop_the_run_or_are_set_aside_as_declared(session: Session, tmp_path: Path):
    world = World(session, visits(tmp_path / "projects"), "aside", write_visits(tmp_path / "data", rows=40))
    workspace = Workspace(session, world.project, world.target)
    create_environment(workspace)
    world.load(part="initial")
    world.rows("UPDATE {db}.RAW.VISIT SET DOSE = NULL WHERE VISIT_ID < 4")
    with pytest.raises(ContractViolation, match=r"DOSE must not be null: 4 of 40 rows do not, 0\.00% are tolerated"):
        check_contract(workspace)

    def quarantining(share: float) -> Project:
        declared = f"contract: {{training: {{on_failure: quarantine, max_failing_share: {share}}}}}\npackages:"
        return visits(tmp_path / "projects", ("packages:", declared))

    with pytest.raises(ContractViolation, match=r"4 of 40 rows do not, 9\.00% are tolerated"):
        check_contract(Workspace(session, quarantining(0.09), world.target))
    project = quarantining(0.1)
    assert check_contract(Workspace(session, project, world.target)).failing == 4
    made = build_training_set(Workspace(session, project, world.target))
    assert (made.rows, made.set_aside) == (36, 4)
    aside = world.rows("SELECT VISIT_ID, REASON FROM {db}.FEATURES.SET_ASIDE ORDER BY VISIT_ID")
    assert [tuple(row) for row in aside] == [(key, "DOSE must not be null") for key in range(4)]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{arriving: {max_failing_share: 1}}", "less than 1"),
        ("{arriving: {on_failure: halt}}", "'contract.arriving.on_failure'.*'stop' or 'quarantine'"),
        ("{arriving: {on_failure: stop, min_rows: 10}}", "min_rows is for `on_failure: quarantine`"),
        ("{arriving: 0.2}", "'contract.arriving'"),
        ("{training: {max_failing_share: 0.1}}", "max_failing_share is for `on_failure: quarantine`"),
        ("{training: {on_failure: quarantine}}", "add max_failing_share"),
        ("{training: {on_failure: quarantine, max_failing_share: 0}}", "greater than 0"),
        ("{max_failing_share: 0.1}", "unknown key 'contract.max_failing_share'"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, rule: str, says: str):
    with pytest.raises(ProjectError, match=says):
        visits(tmp_path, ("packages:", f"contract: {rule}\npackages:"))
