"""Folds of a cross-validation: how they are split, and what is measured on them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, TimeSeriesSplit, cross_val_score

from snowloop_procedures import folds, training
from snowloop_procedures.requests import Feature, Folds, ModelVersion, TrainingRequest

SEED = 7

# How the folds are split


def split(by: str, label: Any, along: Any = None, **chosen: Any) -> list[Any]:
    given = {"task": "regression", "seed": SEED, "folds": 5, **chosen}
    plan = Folds(given["folds"], by, None, "rmse")
    return list(folds.split(plan, pd.Series(label), along, given["task"], given["seed"]))


def test_every_row_judges_once_and_never_trains_in_that_fold():
    parts = split("hash", np.arange(53.0))
    assert sorted(np.concatenate([after for _, after in parts])) == list(range(53))
    for before, after in parts:
        assert sorted([*before, *after]) == list(range(53))


def test_random_folds_are_those_of_their_seed():
    first, again, other = (split("hash", np.arange(50.0), seed=seed) for seed in (3, 3, 4))
    assert all(np.array_equal(one[1], two[1]) for one, two in zip(first, again, strict=True))
    assert not all(np.array_equal(one[1], two[1]) for one, two in zip(first, other, strict=True))
    assert len(split("hash", np.arange(50.0), seed=2**40)) == 5  # a seed beyond 32 bits is one too


@pytest.mark.parametrize("task", ["classification", "multiclass"])
def test_each_fold_has_its_share_of_each_class(task: str):
    label = np.repeat(["a", "b", "c"], [80, 15, 5]) if task == "multiclass" else np.repeat([0, 1], [90, 10])
    for before, after in split("hash", label, task=task):
        for part, share in ((before, 0.8), (after, 0.2)):
            found, whole = pd.Series(label[part]).value_counts(), pd.Series(label).value_counts()
            assert found.to_dict() == (whole * share).astype(int).to_dict()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_group_is_never_in_both_parts_of_a_fold(task: str):
    groups = np.array([f"P{(row * 7) % 11}" for row in range(90)])
    parts = split("group", np.arange(90) % 2, groups, task=task)
    assert len(parts) == 5
    for before, after in parts:
        assert not set(groups[before]) & set(groups[after])
    assert set(np.concatenate([after for _, after in parts])) == set(range(90))


@pytest.mark.parametrize("by", ["time", "order"])
def test_a_fold_judges_rows_that_come_after_those_it_trains_on(by: str):
    places = np.random.default_rng(1).permutation(60)
    parts = split(by, np.arange(60.0), places)
    for before, after in parts:
        assert len(before)
        assert places[before].max() < places[after].min()
    assert sorted(places[parts[-1][1]]) == list(range(50, 60))


def test_rows_of_one_moment_are_on_one_side_of_a_fold():
    places = np.repeat([1, 8, 15, 22, 29, 36, 43, 50, 57], 7)  # ranks: seven rows of each moment
    torn = TimeSeriesSplit(5).split(places)
    assert any(places[before].max() == places[after].min() for before, after in torn)
    for before, after in split("time", np.arange(63.0), places):
        assert places[before].max() < places[after].min()


def test_a_fold_does_not_train_on_labels_that_became_known_after_its_first_other_event():
    days = np.arange(60.0)
    moments = np.column_stack([days, days + 7])
    parts = folds.split(Folds(5, "time", None, "rmse"), pd.Series(days), days, "regression", SEED, moments)
    for (before, after), (wanted, _) in zip(parts, TimeSeriesSplit(5, gap=6).split(days), strict=True):
        assert (moments[before, 1] <= days[after].min()).all()
        assert list(before) == list(wanted)


# What is measured


def request(metric: str = "roc_auc", by: str = "hash", along: str | None = None, **changes: Any) -> TrainingRequest:
    """A request of five folds."""
    settings: dict[str, Any] = {
        "features": (Feature("X", "FLOAT"),),
        "label": "LABEL",
        "task": "classification",
        "seed": SEED,
        "query": "",
        "params": {},
        "threshold": 0.5,
        "version": ModelVersion("DB", "MODELS", "M", "V1"),
        "cross_validation": Folds(5, by, along, metric),
        "comment": "",
        "requirements": (),
        "artifact_repository": None,
        "modules": (),
    }
    return TrainingRequest(**{**settings, **changes})


def learn(rows: pd.DataFrame, label: pd.Series) -> Any:
    return LogisticRegression().fit(rows, label)


def some(rows: int = 100) -> tuple[pd.DataFrame, pd.Series]:
    chance = np.random.default_rng(2)
    x = chance.normal(size=rows)
    return pd.DataFrame({"X": x}), pd.Series((x + chance.normal(size=rows) > 1).astype(int))


@pytest.mark.parametrize(
    ("metric", "scoring"), [("roc_auc", "roc_auc"), ("accuracy", "accuracy"), ("log_loss", "neg_log_loss")]
)
def test_the_figures_are_those_of_scikit_learn(metric: str, scoring: str):
    rows, label = some()
    splitter = StratifiedKFold(5, shuffle=True, random_state=SEED)
    wanted = cross_val_score(LogisticRegression(), rows, label, cv=splitter, scoring=scoring)
    found = folds.cross_validate(request(metric), rows, label, learn)
    assert found == pytest.approx({f"cv_{metric}_mean": abs(wanted.mean()), f"cv_{metric}_std": wanted.std()})


def test_several_classes_are_judged_by_the_likeliest():
    rows, _ = some()
    label = pd.Series(np.select([rows["X"] < -0.5, rows["X"] < 0.5], ["few", "more"], "many"))
    asked = request("accuracy", task="multiclass", classes=tuple(sorted(label.unique())))
    splitter = StratifiedKFold(5, shuffle=True, random_state=SEED)
    wanted = cross_val_score(LogisticRegression(), rows, label, cv=splitter, scoring="accuracy")
    found = folds.cross_validate(asked, rows, label, learn)
    assert found == pytest.approx({"cv_accuracy_mean": wanted.mean(), "cv_accuracy_std": wanted.std()})


def test_without_folds_nothing_is_fitted():
    rows, label = some()
    assert folds.cross_validate(request(cross_validation=None), rows, label, None) == {}  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_fold_of_one_class_and_rows_too_few_are_explained():
    fitted = training._check_label
    rows, label = some()

    def checked(some_rows: pd.DataFrame, its: pd.Series) -> Any:
        fitted(its, request())
        return learn(some_rows, its)

    late = rows.assign(SNOWLOOP_ORDER=label.rank(method="first"))  # all of class 0 come first
    with pytest.raises(ValueError, match=r"^fold 1 of 5 of the cross-validation: all \d+ training rows have label 0"):
        folds.cross_validate(request(by="time", along="SNOWLOOP_ORDER"), late, label, checked)
    few = label.where(label.cumsum() <= 3, 0)  # three rows of class 1 for five folds
    with pytest.raises(
        ValueError, match=r"fold 1 .*roc_auc cannot be computed on the \d+ rows of the fold \(different labels: 1\)"
    ):
        folds.cross_validate(request(), rows, few, checked)
    with pytest.raises(ValueError, match=r"^4 training rows cannot be split into the 5 folds of cross_validation: "):
        folds.cross_validate(request(), rows.head(4), label.head(4), checked)
    pair = rows.assign(SNOWLOOP_GROUP=["a", "b"] * 50)
    with pytest.raises(ValueError, match=r"^100 training rows cannot be split into the 5 folds .*number of groups: 2"):
        folds.cross_validate(request(by="group", along="SNOWLOOP_GROUP"), pair, label, checked)
    moment = rows.assign(SNOWLOOP_ORDER=1)
    with pytest.raises(ValueError, match=r"^fold 1 of 5 .*: no training row comes before its rows"):
        folds.cross_validate(request(by="time", along="SNOWLOOP_ORDER"), moment, label, checked)
