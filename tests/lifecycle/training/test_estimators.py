"""What a model.py may build: estimators of other libraries and custom models; and one seed gives one model."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.training.train import Candidate, train_candidate
from snowloop.project import Project
from snowloop.workspace import Workspace
from tests.support.wine import wine_project, wines, write_wines
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
BOOSTED = '''"""Boosted trees of another library."""

from {library} import {estimator}


def build_model(kind="linear", seed=0):
    """The unfitted estimator."""
    return {estimator}(n_estimators=20, max_depth=3, random_state=seed, n_jobs=1{more})
'''
FOREST = '''"""A forest."""

from sklearn.ensemble import {forest}


def build_model(kind="linear", seed=0):
    """The unfitted forest."""
    return {forest}(n_estimators=8, max_depth=4, random_state=seed)
'''
CUSTOM = '''"""A model of one's own: the mean of two models, which its context holds."""

import pandas as pd
from snowflake.ml.model.custom_model import CustomModel, ModelContext, inference_api
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB


class Mean(CustomModel):
    """Fits the models of its context; the Registry keeps them, and nothing else of the object."""

    def fit(self, rows, label):
        for reference in self.context.model_refs.values():
            reference.model.fit(rows, label)
        return self

    @inference_api
    def predict_proba(self, rows: pd.DataFrame) -> pd.DataFrame:
        models = [reference.model for reference in self.context.model_refs.values()]
        mean = sum(model.predict_proba(rows) for model in models) / len(models)
        return pd.DataFrame(mean, columns=[f"output_feature_{place}" for place in range(mean.shape[1])])

    @inference_api
    def predict(self, rows: pd.DataFrame) -> pd.DataFrame:
        classes = next(iter(self.context.model_refs.values())).model.classes_
        return pd.DataFrame({"output_feature_0": classes[self.predict_proba(rows).to_numpy().argmax(axis=1)]})


def build_model(kind="linear", seed=0):
    """The unfitted model."""
    return Mean(ModelContext(models={"linear": LogisticRegression(max_iter=5000), "bayes": GaussianNB()}))
'''


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Wines that are loaded; each test declares what it learns of them, and how."""
    folder = tmp_path_factory.mktemp("estimators")
    files = write_wines(folder / "files", wines(texts=True), first=178)
    made = World(session, wine_project(folder, texts=True), "estimators", files)
    given = Workspace(session, made.project, made.target)
    create_environment(given)
    made.load()
    check_contract(given)
    return made


def trained(world: World, project: Project, *names: str) -> list[Candidate]:
    """One candidate under several names: each is trained for itself."""
    given = Workspace(world.session, project, world.target)
    training_set = build_training_set(given)
    (first, *_) = project.candidates
    named = [first.model_copy(update={"name": name}) for name in names]
    return [train_candidate(given, training_set, candidate) for candidate in named]


def model(world: World, candidate: Candidate) -> Any:
    registry = Registry(world.session, database_name=world.database, schema_name="MODELS")
    return registry.get_model("WINE").version(candidate.version_name).load(force=True)


@pytest.mark.parametrize("task", ["classification", "multiclass", "regression"])
def test_one_seed_gives_one_model(world: World, tmp_path: Path, task: str):
    """A forest draws rows and features at random; the evaluation draws resamples and shuffles."""
    kind = "RandomForestRegressor" if task == "regression" else "RandomForestClassifier"
    project = wine_project(tmp_path, texts=True, task=task, model=FOREST.format(forest=kind))
    first, second = trained(world, project, f"{task}_1", f"{task}_2")
    assert first.error is None
    assert first.metrics == second.metrics
    assert first.version_name != second.version_name
    rows = world.session.table(first.training_set.table).to_pandas()
    inputs = rows[[feature.name for feature in first.training_set.features]].astype(float)
    method = "predict" if task == "regression" else "predict_proba"
    scores = [getattr(model(world, each), method)(inputs) for each in (first, second)]
    assert np.array_equal(*scores)
    given = Workspace(world.session, project, world.target)
    found = [evaluate(given, each).to_dict() for each in (first, second)]
    for measured in found:
        for new in ("candidate", "evaluation_id", "cost"):
            del measured[new]
        del measured["skew"]["salt"]  # each version is asked with rows of its own
    assert found[0] == found[1]


def judged(world: World, project: Project, name: str) -> Any:
    """The gate's verdict of a candidate: its check SKEW says that SQL gives what Python gives."""
    (candidate,) = trained(world, project, name)
    assert candidate.error is None, candidate.error
    found = evaluate(Workspace(world.session, project, world.target), candidate)
    verdict = decide(Workspace(world.session, project, world.target), [found])
    assert found.skew is not None
    assert found.skew.rows > 20
    return verdict, found


@pytest.mark.parametrize(
    ("library", "estimator", "package", "texts"),
    [("lightgbm", "LGBMClassifier", "lightgbm", True), ("xgboost", "XGBClassifier", "xgboost-cpu", False)],
)
def test_boosted_trees_of_other_libraries_pass_the_gate(
    world: World, tmp_path: Path, library: str, estimator: str, package: str, texts: bool
):
    try:
        installed = version(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed here: install it to prove that its estimators train and serve")
    more = ", verbose=-1" if library == "lightgbm" else ""
    text = BOOSTED.format(library=library, estimator=estimator, more=more)
    project = wine_project(tmp_path, texts=True, model=text, packages=f"{package}=={installed}, ")
    if not texts:
        project = numbered(project)
    _, found = judged(world, project, library)
    assert found.metrics["roc_auc_ovr"] > 0.9


def numbered(project: Project) -> Project:
    """XGBoost takes classes 0, 1, 2 alone."""
    number = "CASE CULTIVAR WHEN 'barolo' THEN 0 WHEN 'barbera' THEN 1 ELSE 2 END"
    (project.directory / "label.sql").write_text(f"SELECT WINE_ID, {number} AS CULTIVAR FROM {{{{ raw }}}}.WINE\n")
    label = project.label.model_copy(update={"classes": (0, 1, 2)})
    return project.model_copy(update={"label": label})


def test_a_custom_model_is_fitted_kept_and_served(world: World, tmp_path: Path):
    _, found = judged(world, wine_project(tmp_path, texts=True, model=CUSTOM), "custom")
    assert found.metrics["roc_auc_ovr"] > 0.9
    assert found.cost.model_bytes > 1500  # with the two models of its context
    assert set(found.importance)


def test_a_custom_model_whose_answers_have_other_names_is_refused_in_words(world: World, tmp_path: Path):
    text = CUSTOM.replace("output_feature_{place}", "chance_{place}")
    (candidate,) = trained(world, wine_project(tmp_path, texts=True, model=text), "misnamed")
    assert candidate.error is not None
    assert "the model's answer has the columns ['chance_0', 'chance_1', 'chance_2'], scoring needs" in candidate.error
