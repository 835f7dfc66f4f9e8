"""The ML Test Score: nothing scores without evidence, and a life cycle leaves the evidence that it should."""

import json
import re
import shutil
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from include.data.generators import diabetes_progression
from snowloop.errors import RehearsalError, ReportError, TrainingError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.monitoring.ml_test_score import record_by_hand, score_card
from snowloop.lifecycle.monitoring.ml_test_score.rubric import RUBRIC, SECTIONS
from snowloop.lifecycle.monitoring.monitor import monitor
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.project import Project, include_dir, load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def scores(world: World) -> dict[str, float]:
    card = score_card(world.workspace)
    return {each.key: each.score for each in card.tests}


@pytest.fixture(scope="module")
def world(session: Session) -> World:
    """The life cycle once: trained, promoted, deployed; rows arrived and were scored; watched and rehearsed."""
    made = World(session, load_project("credit_approval"), "card")
    made.promote_first()
    made.deploy()
    for batch in ("1", "2", "3"):
        made.arrive(batch)
    made.results["monitored"] = monitor(made.workspace)
    made.results["rehearsal"] = rehearse(made.workspace)
    return made


def test_the_rubric_is_that_of_the_paper():
    assert [sum(test.section == section for test in RUBRIC) for section in SECTIONS] == [7, 7, 7, 7]
    text = (include_dir() / "sql" / "monitoring" / "ml_test_score" / "queries.sql").read_text()
    queries = set(re.findall(r"^-- name: (\w+)$", text, re.MULTILINE)) - {"done_by_hand", "record_by_hand"}
    assert queries == {test.query for test in RUBRIC if test.query}, "every query is that of a test"
    assert sum(test.query is None for test in RUBRIC) == 1


def test_an_empty_target_scores_nothing_and_says_what_is_missing(session: Session):
    project = load_project("credit_approval")
    create_environment(Workspace(session, project, "empty"))
    card = score_card(Workspace(session, project, "empty"))
    assert {each.score for each in card.tests} == {0}
    assert card.total == 0
    assert all(each.missing and not each.evidence for each in card.tests)


def test_a_life_cycle_leaves_evidence_in_every_section(world: World):
    card = score_card(world.workspace)
    assert card.total == min(card.sections.values())
    assert card.sections["data"] >= 5
    assert card.sections["infrastructure"] >= 5
    found = {each.key: each for each in card.tests}
    assert "1595 of 1595 scores of the champion kept" in found["infrastructure-5"].evidence
    for test, name in {
        "monitoring-1": "DEPENDENCIES", "monitoring-4": "CHAMPION_AGE", "monitoring-5": "SCORES_FINITE",
        "monitoring-6": "SCORING_TIME",
    }.items():  # fmt: skip
        (check,) = (each for each in world.results["monitored"].checks if each.name == name)
        assert (found[test].score, found[test].state) == (1, "earned")
        assert check.reason == found[test].evidence
    assert found["model-4"].score == 0, "nothing was trained later"
    assert found["infrastructure-7"].score == 0, "there is nothing to return to"
    assert found["data-2"].state in ("earned", "failed")
    text = card.text()
    assert all(each.name in text for each in card.tests)
    assert json.loads(json.dumps(card.to_dict()))["tests"][0]["key"] == "data-1"


def test_what_was_rehearsed_is_what_happened(world: World):
    tried = {each.name: each for each in world.results["rehearsal"].checks}
    assert tried["TRAINING_REPRODUCED"].value == 0
    assert 0.65 < (tried["SERVED_SCORES_MEASURED"].value or 0) < 1
    assert tried["ROLLBACK_REHEARSED"].outcome == "not_asked", "there is nothing to return to"
    assert world.results["rehearsal"].summary()["checks"] == "4 passed, 1 not asked"
    rows = world.rows("SELECT NAME, PASSED FROM {db}.OPS.REHEARSALS")
    assert sorted((row["NAME"], row["PASSED"]) for row in rows if row["PASSED"]) == [
        ("SERVED_SCORES_MEASURED", True), ("SPECIFICATION_TESTED", True), ("SPECIFICATION_TESTED", True),
        ("TRAINING_REPRODUCED", True),
    ]  # fmt: skip
    assert [row["NAME"] for row in rows if row["PASSED"] is None] == ["ROLLBACK_REHEARSED"]


def test_a_second_training_a_rollback_and_a_rehearsal_of_one_are_evidence_too(world: World):
    given = world.workspace
    verdict = world.judge(build_training_set(given))  # with the rows that arrived
    assert scores(world)["model-4"] == 1
    before = scores(world)
    promote(given, verdict)
    now = scores(world)
    assert (before["monitoring-4"], now["monitoring-4"]) == (1, 0), "the new champion was not monitored yet"
    assert (now["infrastructure-4"], now["model-5"]) == (1, 1), "it was judged"
    assert len(ledger.champion_history(ledger.entries(given))) == 2
    tried = {each.name: each for each in rehearse(given).checks}
    assert tried["ROLLBACK_REHEARSED"].passed
    assert tried["ROLLBACK_REHEARSED"].subject == world.results["verdict"].version_name
    found = scores(world)
    assert found["infrastructure-7"] == 1
    world.session.sql(f"DELETE FROM {world.database}.OPS.REHEARSALS WHERE NAME = 'ROLLBACK_REHEARSED'").collect()
    assert scores(world)["infrastructure-7"] == 0
    rollback(given)
    assert scores(world)["infrastructure-7"] == 0.5, "a person did it, and the ledger has it"
    assert scores(world)["monitoring-4"] == 1, "what was found of the former champion holds again"


def test_a_test_that_a_person_did_counts_half_and_never_more(world: World):
    given = world.workspace
    found, document = "only READER may read SERVING", "wiki/privacy"
    for test in ("data-5", "data-1"):
        record_by_hand(given, test=test, result=found, document=document)
    card = {each.key: each for each in score_card(given).tests}
    assert (card["data-5"].score, card["data-5"].state) == (0.5, "by_hand")
    assert "wiki/privacy" in card["data-5"].evidence
    assert card["data-1"].score == 1
    with pytest.raises(ReportError, match=r"no test 'data-8'.*data-7"):
        record_by_hand(given, test="data-8", result=found, document=document)
    with pytest.raises(ReportError, match="needs a result and a document"):
        record_by_hand(given, test="data-5", result=" ", document="x")


def changed(folder: Path, file: str, old: str, new: str) -> Project:
    """The project of the tests with a line of one file changed."""
    shutil.copytree(include_dir() / "projects" / "diabetes_progression", folder / "diabetes_progression")
    path = folder / "diabetes_progression" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return load_project("diabetes_progression", folder)


def test_feature_code_that_gives_another_value_each_time_is_refused(session: Session, tmp_path: Path):
    project = changed(tmp_path, "features.sql", "    BMI,", "    BMI + ASCII(UUID_STRING()) / 1000 AS BMI,")
    declared = project.directory / "project.yaml"  # chance looks like leakage too, where a column is known only later
    declared.write_text(declared.read_text().replace(", known_after_label: true", ""))
    project = load_project("diabetes_progression", tmp_path)
    world = World(session, project, "chance", diabetes_progression.write(tmp_path / "data").parent)
    with pytest.raises(TrainingError, match=r"features.sql: feature BMI has another value in \d+ of \d+ rows"):
        world.prepare()
    assert {row[0] for row in world.rows("SELECT FEATURE FROM {db}.OPS.FEATURE_CHECKS WHERE NOT PASSED")} == {"BMI"}


def test_a_training_that_cannot_be_repeated_fails_the_rehearsal(session: Session, tmp_path: Path):
    project = changed(
        tmp_path, "model.py", "random_state=seed", 'random_state=int.from_bytes(__import__("os").urandom(3))'
    )
    create_environment(Workspace(session, project, "unsteady"))
    with pytest.raises(RehearsalError, match="no champion"):
        rehearse(Workspace(session, project, "unsteady"))
    world = World(session, project, "unsteady", diabetes_progression.write(tmp_path / "data").parent)
    promote(Workspace(session, project, "unsteady"), world.judge(world.prepare(), "forest"))
    with pytest.raises(RehearsalError) as caught:
        rehearse(Workspace(session, project, "unsteady"))
    assert "two models of one seed differ" in str(caught.value)
    assert "trained again gives scores that differ by at most" in str(caught.value)
    failed = {row[0] for row in world.rows("SELECT NAME FROM {db}.OPS.REHEARSALS WHERE NOT PASSED")}
    assert failed == {"TRAINING_REPRODUCED", "SPECIFICATION_TESTED"}
    assert scores(world)["infrastructure-1"] == 0
