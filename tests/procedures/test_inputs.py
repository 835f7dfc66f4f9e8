"""What a model gets is the same in training and in serving; every model.py that is shipped or written scores it."""

import importlib.util
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from snowloop.new.files import new_project
from snowloop.project import include_dir
from snowloop_procedures import folds
from snowloop_procedures.checks import leakage
from snowloop_procedures.requests import Feature, LeakageRequest
from snowloop_procedures.statistics import details, metrics
from snowloop_procedures.statistics.baselines import baselines
from tests.lifecycle.evaluation.test_evaluation import REQUEST
from tests.procedures.test_folds import request

FEATURES = (
    Feature("AMOUNT", "FLOAT"),
    Feature("EMPTY", "FLOAT"),
    Feature("JOB", "VARCHAR"),
    Feature("NAME", "VARCHAR"),
)
SHIPPED = {
    "bank_marketing": ("logistic", "boosting"),
    "credit_approval": ("logistic", "boosting"),
    "diabetes_progression": ("ridge", "forest"),
}


def frame(rows: int = 200) -> pd.DataFrame:
    """Rows as Snowflake gives them, with NULL in numbers and texts; one column of each has nothing else."""
    random = np.random.default_rng(4)
    some = pd.DataFrame({"AMOUNT": random.normal(size=rows), "EMPTY": np.nan, "NAME": None})
    some["JOB"] = np.where(some["AMOUNT"] > 0, "clerk", "pilot")
    some["LABEL"] = (some["AMOUNT"] + random.normal(size=rows) > 0).astype(int)
    some.loc[::7, "AMOUNT"] = None
    some.loc[::5, "JOB"] = None
    return some


def served(row: dict[str, Any]) -> pd.DataFrame:
    """One row as the function that the Registry generates casts it."""
    from snowflake.ml.model.model_signature import DataType, FeatureSpec

    kinds = {"FLOAT": DataType.DOUBLE, "VARCHAR": DataType.STRING}
    types = {each.name: FeatureSpec(each.name, kinds[each.type]).as_dtype() for each in FEATURES}
    return pd.DataFrame([{name: row.get(name) for name in types}]).astype(types)


def test_rows_are_of_the_types_of_serving():
    rows = metrics.inputs(frame(), FEATURES)
    assert rows.dtypes.to_dict() == served({}).dtypes.to_dict()
    assert rows["JOB"][0] is pd.NA
    assert rows["AMOUNT"][0] is pd.NA
    decimals = pd.DataFrame({"AMOUNT": [Decimal("1.5"), None]})
    assert metrics.inputs(decimals, FEATURES[:1])["AMOUNT"].tolist() == [1.5, pd.NA]


def test_folds_baselines_importance_and_leakage_checks_see_the_same_types():
    some, seen = frame(), list[dict[str, Any]]()

    class Seeing:
        def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
            seen.append(rows.dtypes.to_dict())
            return np.full((len(rows), 2), 0.5)

    def learn(rows: pd.DataFrame, _: pd.Series) -> Any:
        seen.append(rows.dtypes.to_dict())
        return Seeing()

    folds.cross_validate(request("brier", features=FEATURES), some, some["LABEL"], learn)
    assert seen == [served({}).dtypes.to_dict()] * 10
    for features in (FEATURES, FEATURES[2:]):
        found = baselines(some, some, replace(REQUEST, features=features))
        assert np.isfinite(found["simple"]).all()
    some["IS_HOLDOUT"] = np.arange(len(some)) % 4 == 0
    model = module(include_dir() / "projects" / "credit_approval" / "model.py").build_model()
    rows = metrics.inputs(some, FEATURES)
    model.fit(rows, some["LABEL"])
    losses = details.importance(replace(REQUEST, features=FEATURES), model, rows, some["LABEL"].to_numpy(float))
    assert set(losses) == set(rows.columns)
    assert np.isfinite(list(losses.values())).all()
    asked = LeakageRequest(query="", repeats="", features=FEATURES, label="LABEL", task="classification", seed=1)
    values = leakage.alone(some, asked)
    assert all(strength is not None and strength.value > 0.6 for strength in (values["AMOUNT"], values["JOB"]))


def module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"model_of_{file.parent.name}", file)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(("project", "kind"), [(name, kind) for name, kinds in SHIPPED.items() for kind in kinds])
def test_the_shipped_models_score_null_and_unseen_texts(project: str, kind: str):
    given = FEATURES[:2] if project == "diabetes_progression" else FEATURES
    check_scores(module(include_dir() / "projects" / project / "model.py").build_model(kind=kind), given)


@pytest.mark.parametrize("kind", ["linear", "boosting"])
def test_the_model_that_is_written_for_a_new_project_does_so_too(kind: str, tmp_path: Path):
    lines = [f"{number},{'a' if number % 3 else 'b'},{number % 7},{number % 2}" for number in range(60)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["id,job,amount,label", *lines]) + "\n")
    new_project("rows", file, folder=tmp_path / "projects")
    check_scores(module(tmp_path / "projects" / "rows" / "model.py").build_model(kind=kind), FEATURES)


def check_scores(model: Any, features: tuple[Feature, ...]) -> None:
    """NULL in each feature, a text that training did not have, and nothing at all are scored."""
    some, names = frame(), [feature.name for feature in features]
    task = "classification" if hasattr(model, "predict_proba") else "regression"
    with threadpool_limits(1):
        model.fit(metrics.inputs(some, features), some["LABEL"])
    whole = {"AMOUNT": 1.0, "EMPTY": 2.0, "JOB": "clerk", "NAME": "Ada"}
    for row in (whole, *({**whole, name: None} for name in names), {**whole, "JOB": "never seen"}, {}):
        by_python = metrics.inputs(pd.DataFrame([{name: row.get(name) for name in names}]), features)
        scores = [metrics.scores(model, rows, task)[0] for rows in (by_python, served(row)[names])]
        assert np.isfinite(scores[0])
        assert scores[0] == scores[1]
