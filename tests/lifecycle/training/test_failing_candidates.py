"""Candidates that cannot be logged, or take the procedure down: each fails in words, and the others go on."""

import sys
from typing import Any

import pytest
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException

from snowloop.errors import TrainingError
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.lifecycle.training import train
from snowloop.lifecycle.training.train import Candidate, train_candidate
from snowloop.lifecycle.versions import champion
from snowloop.project import load_project
from snowloop.workspace import Workspace
from snowloop_procedures import training
from snowloop_procedures.requests import TrainingRequest
from tests.support.visits import visits, write_visits
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODEL = '''"""A line, and what is none."""

import os
import sys

from shapes import Line


class Plain:
    """Has the methods of an estimator, and is of no kind that the Registry knows."""

    def fit(self, rows, label):
        self.mean = float(label.mean())
        return self

    def predict(self, rows):
        return [self.mean] * len(rows)


class Crash(Line):
    """Ends the process."""

    def fit(self, rows, label):
        os._exit(7)


class Leave(Line):
    """Leaves the program."""

    def fit(self, rows, label):
        sys.exit("that is all")


def build_model(kind):
    """The estimator of a kind, which must be declared."""
    return {"line": Line, "plain": Plain, "crash": Crash, "leave": Leave}[kind]()
'''
SHAPES = '''"""What model.py imports; the version takes it along."""

from sklearn.linear_model import Ridge


class Line(Ridge):
    """A line through the points."""
'''
KINDS = ("plain", "crash", "leave")
CANDIDATES = "\n".join(
    [
        "  - {name: line, search: {space: {kind: [line]}}}",
        *(f"  - {{name: {kind}, params: {{kind: {kind}}}}}" for kind in KINDS),
    ]
)


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Some visits, of which a model is trained in four ways; one of them is promoted."""
    folder = tmp_path_factory.mktemp("failing")
    place = folder / "projects" / "visits"
    place.mkdir(parents=True)
    (place / "shapes.py").write_text(SHAPES)
    plain = visits(folder / "plain")
    for file in ("features.sql", "label.sql"):
        (place / file).write_text(plain.text(file))
    (place / "model.py").write_text(MODEL)
    declared = (plain.directory / "project.yaml").read_text().replace("  - {name: line}", CANDIDATES)
    (place / "project.yaml").write_text(declared.replace("at_most: 100", "at_most: 100, tolerance: 5, min_support: 5"))
    made = World(session, load_project("visits", folder / "projects"), "failing", write_visits(folder / "data"))
    made.results["verdict"] = made.judge(made.prepare())
    promote(Workspace(session, made.project, made.target), made.results["verdict"])
    return made


def failed(world: World, name: str) -> str:
    found: dict[str, Candidate] = {each.name: each for each in world.results["candidates"]}
    error = found[name].error
    assert error is not None
    return error


def test_the_one_that_can_be_used_is_promoted(world: World):
    """It is of another module of the project, so that the version serves with that module's code."""
    now = champion(world.workspace)
    assert now is not None
    assert now.name.startswith("LINE_")
    assert [each.error for each in world.results["candidates"]].count(None) == 1


def test_an_estimator_that_the_registry_does_not_take_fails_in_its_words(world: World):
    assert "is not supported" in failed(world, "plain")
    assert "Plain" in failed(world, "plain")


def test_a_candidate_that_ends_the_process_fails_by_itself(world: World):
    assert "could not train, project visits" in failed(world, "crash")
    assert "exit code 7" in failed(world, "crash")
    assert failed(world, "leave") == "SystemExit: that is all"


def test_the_candidates_of_a_search_are_rehearsed_as_they_are_trained(world: World):
    """The search says a parameter that build_model needs."""
    tried = rehearse(Workspace(world.session, without_failing(world), world.target)).checks
    specified = [each for each in tried if each.name == "SPECIFICATION_TESTED"]
    assert [each.passed for each in specified] == [True]
    assert "candidate line_" in specified[0].reason
    assert [each.passed for each in tried if each.name == "TRAINING_REPRODUCED"] == [True]


def test_a_champion_whose_candidate_is_no_longer_declared_is_rehearsed_without_a_second_training(world: World):
    project = without_failing(world)
    (other,) = project.expanded_candidates
    changed = project.model_copy(update={"candidates": (other.model_copy(update={"name": "renamed"}),)})
    tried = rehearse(Workspace(world.session, changed, world.target)).checks
    assert [each.name for each in tried if each.passed or each.failed] == ["SPECIFICATION_TESTED"]
    assert "TRAINING_REPRODUCED" in {each.name for each in tried if each.outcome == "not_asked"}


def without_failing(world: World) -> Any:
    return world.project.model_copy(update={"candidates": world.project.candidates[:1]})


def test_what_snowflake_refuses_is_no_fault_of_the_candidate(world: World, monkeypatch: pytest.MonkeyPatch):
    """The next candidate would meet it too."""

    def refused(*_given: Any, **_named: Any) -> None:
        world.rows("SELECT * FROM {db}.MODELS.NOT_THERE")

    def in_this_process(workspace: Workspace, _handlers: Any, request: TrainingRequest, _seconds: Any) -> Any:
        return training.train(workspace.session, request)

    monkeypatch.setattr(Registry, "log_model", refused)
    monkeypatch.setattr(train, "call", in_this_process)
    monkeypatch.syspath_prepend(str(world.project.directory))
    monkeypatch.setitem(sys._xoptions, "snowflake_import_directory", str(world.project.directory))
    name = world.project.expanded_candidates[0].name
    again = world.project.model_copy(update={"seed": 3})
    with pytest.raises(SnowparkSQLException, match="NOT_THERE"):
        train_candidate(Workspace(world.session, again, world.target), world.results["training_set"], name)
    for module in ("model", "shapes"):
        del sys.modules[module]


def test_a_call_that_snowflake_refuses_fails_the_stage(world: World):
    """Its packages are the same for every candidate."""
    without = world.project.model_copy(update={"packages": (*world.project.packages, "no-such-package==1.0")})
    training_set = world.results["training_set"]
    with pytest.raises((TrainingError, SnowparkSQLException), match="no-such-package"):
        train_candidate(
            Workspace(world.session, without, world.target), training_set, world.project.expanded_candidates[0]
        )


def test_a_repository_of_packages_makes_another_version(world: World):
    """Otherwise a version that was made with the old packages would stay, and no training would repair it."""
    project, candidate = world.project, world.project.expanded_candidates[0]
    channel = project.environment.model_copy(update={"artifact_repository": None})
    other = project.model_copy(update={"environment": channel})
    training_set = world.results["training_set"]
    assert train.version_name(project, training_set, candidate) != train.version_name(other, training_set, candidate)
