"""The points of a report's plots: few enough to keep, true to the rows."""

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from snowloop_procedures.statistics.curves import MOST_POINTS, MOST_ROWS, curves


def scored(count: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    score = random.random(count)
    return (random.random(count) < score).astype(float), score


def test_the_thinned_curve_has_the_area_of_the_whole_one():
    label, score = scored()
    (one,) = curves("classification", label, score, 7)["classes"]
    assert (one["rows"], one["positive"]) == (5000, int(label.sum()))
    roc, recalled = one["roc"], one["precision_recall"]
    assert len(roc["x"]) == len(roc["y"]) <= MOST_POINTS
    assert auc(roc["x"], roc["y"]) == pytest.approx(roc_auc_score(label, score), abs=0.002)
    assert (roc["x"][0], roc["y"][0], roc["x"][-1], roc["y"][-1]) == (0, 0, 1, 1)
    assert recalled["x"] == sorted(recalled["x"])
    assert recalled["y"][-1] == pytest.approx(label.mean(), abs=1e-4)


def test_residuals_are_all_counted_and_some_are_shown_the_same_each_time():
    label, score = scored(1000)
    found = curves("regression", 10 * label, score, 7)["residuals"]
    assert sum(found["counts"]) == 1000
    assert len(found["edges"]) == len(found["counts"]) + 1
    assert len(found["predicted"]) == len(found["residual"]) == MOST_ROWS
    assert found == curves("regression", 10 * label, score, 7)["residuals"]
    assert found != curves("regression", 10 * label, score, 8)["residuals"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_rows_that_allow_no_curve_have_none(task: str):
    assert curves(task, np.array([]), np.array([]), 7) == {}
    assert curves(task, np.array([0.0, 1.0]), np.array([0.2, np.nan]), 7) == {}
    if task == "classification":
        assert curves(task, np.zeros(5), np.linspace(0, 1, 5), 7) == {}


def test_each_of_several_classes_has_its_own_curve():
    label = np.array([0, 1, 2, 0, 1, 0])
    score = np.eye(3)[label] * 0.4 + 0.2
    found = curves("multiclass", label, score, 7, ["a", "b", "c"])["classes"]
    assert [(each["name"], each["positive"]) for each in found] == [("a", 3), ("b", 2), ("c", 1)]
    assert all(auc(each["roc"]["x"], each["roc"]["y"]) == 1 for each in found)
    some = label < 2
    fewer = curves("multiclass", label[some], score[some], 7, ["a", "b", "c"])["classes"]
    assert [each["name"] for each in fewer] == ["a", "b"]
