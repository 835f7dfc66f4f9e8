"""How long each feature takes: together where that is short, one by one where it is not."""

from datetime import timedelta

import pytest
from snowflake.snowpark import Session

from include.data.generators import diabetes_progression
from snowloop.lifecycle.features.feature import Subject
from snowloop.lifecycle.features.repeatability import check_features
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.world import World


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    data = diabetes_progression.write(tmp_path_factory.mktemp("timed") / "data").parent
    made = World(session, load_project("diabetes_progression"), "timed", data)
    made.prepare()
    return made


@pytest.fixture(scope="module")
def training_set(world: World) -> TrainingSet:
    return build_training_set(world.workspace)


def times(world: World, training_set: TrainingSet, most: timedelta) -> dict[str, tuple[float | None, str]]:
    monitoring = world.project.monitoring
    card = monitoring.score_card.model_copy(update={"max_feature_time": most})
    project = world.project.model_copy(update={"monitoring": monitoring.model_copy(update={"score_card": card})})
    subject = Subject(training_set.table, training_set.fingerprint, training_set.features)
    checks = check_features(Workspace(world.session, project, world.target), subject)
    return {each.subject: (each.value, each.reason) for each in checks if each.name == "MILLISECONDS"}


def test_features_that_are_fast_together_are_timed_at_once(world: World, training_set: TrainingSet):
    names = [feature.name for feature in training_set.features]
    found = times(world, training_set, timedelta(minutes=1))
    assert list(found) == names
    assert len({value for value, _ in found.values()}) == 1
    assert f"feature {names[0]} together with {len(names) - 1} others took" in found[names[0]][1]


def test_features_that_are_slow_are_timed_one_by_one(world: World, training_set: TrainingSet):
    found = times(world, training_set, timedelta(microseconds=1))
    assert list(found) == [feature.name for feature in training_set.features]
    assert len({value for value, _ in found.values()}) == len(found)
    assert all(f"feature {name} alone took" in reason for name, (_, reason) in found.items())
