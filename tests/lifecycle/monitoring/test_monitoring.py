"""Monitoring of the champion: scores that are not finite, slow runs, an old champion, other packages."""

from datetime import timedelta
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import MonitoringError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring.alert_store import list_alerts
from snowloop.lifecycle.monitoring.monitor import MonitoringReport, monitor
from snowloop.lifecycle.scoring import await_scores
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import Monitoring, load_project
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import TIMEOUT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MODEL = '''"""A root, which is no number where the line below it is negative."""

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge


def build_model(alpha=1.0):
    """The root of a line."""
    return TransformedTargetRegressor(Ridge(alpha=alpha), func=np.square, inverse_func=np.sqrt, check_inverse=False)
'''


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("watched")
    project = visits(folder / "projects")
    (project.directory / "model.py").write_text(MODEL)
    made = World(session, load_project("visits", folder / "projects"), "watched", write_visits(folder / "data"))
    given = Workspace(session, made.project, made.target)
    candidate = train_candidate(given, made.prepare(), "line")
    assert candidate.error is None
    made.promote_any(candidate)
    made.results["champion"] = candidate.version_name
    return made


def watched(world: World) -> MonitoringReport:
    return monitor(world.workspace)


def arrive(world: World, first: int, *doses: float) -> None:
    rows = [f"{first + place},P1,2026-01-01,{dose},," for place, dose in enumerate(doses)]
    header = "VISIT_ID,PATIENT,SEEN_AT,DOSE,ANSWER,ANSWERED_AT"
    (world.folder / f"visits_{first}.csv").write_text("\n".join([header, *rows]) + "\n")
    since = world.load().started_at
    await_scores(world.workspace, timeout=TIMEOUT, since=since)


def test_nothing_is_monitored_without_a_champion(session: Session, world: World):
    create_environment(Workspace(session, world.project, "unwatched"))
    with pytest.raises(MonitoringError, match=r"no champion; train and promote one"):
        monitor(Workspace(session, world.project, "unwatched"))


def test_what_has_no_evidence_yet_is_not_asked_and_all_is_recorded(world: World):
    found = watched(world)
    assert {check.name: check.outcome for check in found.checks} == {
        "SCORES_FINITE": "not_asked", "SCORING_TIME": "not_asked", "CHAMPION_AGE": "passed", "DEPENDENCIES": "passed",
    }  # fmt: skip
    assert found.summary()["checks"] == "2 passed, 2 not asked"
    world.deploy()
    for first in (1000, 2000, 3000):
        arrive(world, first, 1.5, 2.5)
    found = watched(world)
    assert {check.name: check.passed for check in found.checks} == dict.fromkeys(
        ("SCORES_FINITE", "SCORING_TIME", "CHAMPION_AGE", "DEPENDENCIES"), True
    )
    assert found.checks[0].reason == "0 of 6 scores in 3 runs are null, NaN or infinite"
    recorded = world.rows("SELECT NAME, MODEL_VERSION, PASSED FROM {db}.OPS.MONITORING_CHECKS WHERE WINDOW_END IS NULL")
    assert len(recorded) == 7
    assert {row["NAME"] for row in recorded if row["PASSED"] is None} == {"SCORES_FINITE", "SCORING_TIME"}
    assert {row["MODEL_VERSION"] for row in recorded} == {found.version_name}
    windows = world.rows("SELECT NAME, PASSED FROM {db}.OPS.MONITORING_CHECKS WHERE WINDOW_END IS NOT NULL")
    assert {(row["NAME"], row["PASSED"]) for row in windows} >= {
        ("schema:VISIT", True), ("backlog", True), ("SCORING_TIME", True),
    }  # fmt: skip
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.ALERTS") == 0


def test_a_run_that_is_much_slower_than_those_before_is_reported_if_it_is_long(world: World):
    insert = (
        "INSERT INTO {db}.OPS.RUNS (RUN_ID, STATE, ROWS_READ, ROWS_SCORED, STARTED_AT, FINISHED_AT) "
        "SELECT '%s', 'SUCCEEDED', %s, 100, DATEADD('second', %s, SYSDATE()), DATEADD('second', %s, SYSDATE())"
    )
    world.rows("DELETE FROM {db}.OPS.RUNS")
    for place in (100, 200, 300):
        world.rows(insert % (f"usual {place}", 100, place, place + 2))
    world.rows(insert % ("short", 10, 400, 459))
    (check,) = (each for each in watched(world).checks if each.name == "SCORING_TIME")
    assert (check.bound, check.passed) == (5, True)
    assert check.value == pytest.approx(295, abs=0.5)
    world.rows("DELETE FROM {db}.OPS.RUNS WHERE RUN_ID = 'short'")
    world.rows(insert % ("long", 1000, 500, 600))
    assert [each.name for each in watched(world).checks if not each.passed] == [], "100 s for ten times the rows"
    world.rows(insert % ("slow", 1000, 700, 820))
    with pytest.raises(MonitoringError, match=r"took 120\.0 s, 120 ms a row, 6\.00 times the median of the 4 runs"):
        watched(world)
    for _ in range(3):
        (check,) = (each for each in watched(world).checks if each.name == "SCORING_TIME")
        assert check.outcome == "not_asked", "a run is judged once"
    judged = "SELECT COUNT(*) FROM {db}.OPS.MONITORING_CHECKS WHERE NAME = 'SCORING_TIME' AND NOT PASSED"
    assert world.value(judged) == 1
    assert list_alerts(world.workspace).alerts == (), "one slow run opens no alert"
    world.rows(insert % ("usual 800", 100, 900, 902))
    world.rows(insert % ("slow again", 1000, 1000, 1140))
    world.rows(insert % ("usual 1200", 100, 1200, 1202))
    with pytest.raises(MonitoringError, match=r"took 140\.0 s"):
        watched(world)
    assert world.value(judged) == 2, "runs between two looks are judged too"
    world.rows("DELETE FROM {db}.OPS.RUNS")


def test_a_champion_that_is_too_old_is_reported(world: World):
    world.rows("UPDATE {db}.OPS.TRAINING_SETS SET CREATED_AT = DATEADD('day', -91, SYSDATE())")
    with pytest.raises(MonitoringError, match=r"is 91\.0 days old, 90 days are allowed: train again"):
        watched(world)
    patient = world.project.model_copy(update={"monitoring": Monitoring(max_model_age=timedelta(days=100))})
    (check,) = (c for c in monitor(Workspace(world.session, patient, world.target)).checks if c.name == "CHAMPION_AGE")
    assert check.bound == 100
    assert check.value == pytest.approx(91, abs=0.5)
    world.rows("UPDATE {db}.OPS.TRAINING_SETS SET CREATED_AT = SYSDATE()")


def test_other_packages_than_the_champion_has_are_reported_by_name(world: World):
    packages = tuple(each.replace("pandas==2.3.3", "pandas==2.3.2") for each in world.project.packages)
    changed = world.project.model_copy(update={"packages": packages})
    message = r"declared packages are not those .*: pandas==2\.3\.3 was removed, pandas==2\.3\.2 was added; train again"
    with pytest.raises(MonitoringError, match=message):
        monitor(Workspace(world.session, changed, world.target))
    place = world.project.environment.model_copy(update={"artifact_repository": "own.pypi.repository"})
    with pytest.raises(MonitoringError, match="they come from another artifact repository; train again"):
        monitor(Workspace(world.session, world.project.model_copy(update={"environment": place}), world.target))
    world.rows(
        "INSERT INTO {db}.OPS.LEDGER (ENTRY, ACTION, TO_VERSION, LOCK_HASH, DONE_AT, GIT_COMMIT, DONE_BY) "
        "SELECT 0, 'promote', 'V0', 'abc', SYSDATE(), 'c', 'me'"
    )
    (check,) = (each for each in watched(world).checks if each.name == "DEPENDENCIES")
    assert check.reason.endswith("; they changed with entry 1 of the ledger, the hash before was abc")


def test_scores_that_are_no_numbers_are_counted_by_the_native_task_and_reported(world: World, tmp_path: Path):
    world.deploy()
    arrive(world, 4000, 1.5, -100.0, 2.5, -200.0)
    assert world.value("SELECT MAX(NOT_FINITE) FROM {db}.OPS.METRICS") == 2
    with pytest.raises(
        MonitoringError, match=r"2 of \d+ scores in \d+ runs are null, NaN or infinite: look at FEATURES"
    ):
        watched(world)
    assert (
        world.value("SELECT COUNT(*) FROM {db}.OPS.MONITORING_CHECKS WHERE NOT PASSED AND NAME = 'SCORES_FINITE'") == 1
    )
    (alert,) = list_alerts(world.workspace).alerts
    assert (alert.signal, alert.severity, alert.version) == ("SCORES_FINITE", "error", world.results["champion"])


def test_a_part_that_cannot_be_measured_hides_no_alert_of_the_others(world: World):
    """Where the column of the label is gone, performance fails, and the schema that changed is the reason."""
    world.rows("ALTER TABLE {db}.RAW.VISIT RENAME COLUMN ANSWER TO ANSWERS")
    try:
        with pytest.raises(MonitoringError, match=r"(?s)performance cannot be measured: .*ANSWER"):
            watched(world)
    finally:
        world.rows("ALTER TABLE {db}.RAW.VISIT RENAME COLUMN ANSWERS TO ANSWER")
    opened = {alert.signal: alert for alert in list_alerts(world.workspace).alerts}
    assert "ANSWER is missing" in opened["schema:VISIT"].reason
    assert opened["schema:VISIT"].state == "open"
