"""How groups of people are treated: rates, calibration, gaps between groups, and how often their intervals hold."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

from snowloop_procedures.requests import EvaluationRequest, ModelVersion, Plan, Slice, Task, Tolerance
from snowloop_procedures.statistics.fairness import fairness
from snowloop_procedures.statistics.intervals import INDEPENDENT, Dependence
from tests.procedures.gap_coverage import CASES, coverage


def request(*slices: Slice, task: Task = "classification") -> EvaluationRequest:
    return EvaluationRequest(
        features=(), label="Y", task=task, classes=(), seed=1, metric="roc_auc", higher_is_better=True, plan=Plan(),
        slices=slices or (Slice("SEX", people=True),), held_out="", training="", candidate_scores="", skew="",
        tolerance=Tolerance(0, 0), probing=None, version=ModelVersion("D", "S", "M", "V"),
    )  # fmt: skip


def measured(
    group: Any, label: Any, score: Any, champion: Any = None, trained: Any = None,
    asked: EvaluationRequest | None = None, dependence: Dependence = INDEPENDENT,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    frame, label = pd.DataFrame({"SLICE_0": group}), np.asarray(label)
    scores = {"candidate": np.asarray(score, dtype=float)}
    if champion is not None:
        scores["champion"] = np.asarray(champion, dtype=float)
    rows = np.zeros(len(label), dtype=bool) if trained is None else np.asarray(trained)
    answer = fairness(asked or request(), frame, label, scores, rows, dependence)
    return json.loads(json.dumps(answer))  # as the procedure answers


def sample(rows: int = 600) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    group, score = random.choice(["F", "M", "X"], rows), random.random(rows)
    return group, (random.random(rows) < score).astype(int), score


def gaps(found: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The gaps of two groups, by figure."""
    return {gap["figure"]: gap for gap in found["gaps"]}


def test_the_rates_of_a_group_are_those_of_its_confusion_matrix():
    group, label, score = sample()
    found = {each["part"]: each for each in measured(group, label, score)["groups"]}
    assert sorted(found) == ["F", "M", "X"]
    for part, each in found.items():
        inside = group == part
        tn, fp, fn, tp = confusion_matrix(label[inside], score[inside] >= 0.5).ravel()
        assert each["rows"] == inside.sum()
        assert each["figures"] == pytest.approx(
            {
                "selection_rate": (tp + fp) / inside.sum(),
                "true_positive_rate": tp / (tp + fn),
                "false_positive_rate": fp / (fp + tn),
                "calibration": score[inside].mean() - label[inside].mean(),
            }
        )


def test_a_gap_is_the_difference_of_two_groups_and_its_interval_holds_it():
    group, label, score = sample()
    found = measured(group, label, score)
    rates = {each["part"]: each["figures"] for each in found["groups"]}
    assert len(found["gaps"]) == 3 * 4
    for gap in found["gaps"]:
        one, other = (rates[gap[part]][gap["figure"]] for part in ("one", "other"))
        assert gap["value"] == pytest.approx(abs(one - other))
        assert 0 <= gap["low"] <= gap["value"] <= gap["high"]
        assert gap["wider"] is None, "there is no champion"


def test_a_group_with_few_rows_or_few_of_a_class_is_reported_but_not_compared():
    group = ["F"] * 50 + ["M"] * 50 + ["X"] * 5
    label = [1] * 2 + [0] * 48 + [1] * 25 + [0] * 30
    asked = request(Slice("SEX", people=True, min_rows=20, min_events=5))
    found = measured(group, label, np.linspace(0, 1, 105), asked=asked)
    assert [each["part"] for each in found["groups"]] == ["F", "M", "X"]
    assert set(gaps(found)) == {"selection_rate", "false_positive_rate", "calibration"}, "two positives are too few"


def test_a_group_in_which_nobody_is_selected_does_not_show_that_nobody_ever_is():
    found = measured(["F"] * 30 + ["M"] * 30, [0, 1] * 30, [0.1] * 60)
    gap = gaps(found)["selection_rate"]
    assert (gap["value"], gap["low"]) == (0, 0)
    assert 0.05 < gap["high"] < 0.2


def test_rows_that_hang_together_make_a_gap_less_sure():
    group, label, score = sample(400)
    people = np.repeat(np.arange(40), 10)
    score = np.repeat(score[:40], 10)
    alone, together = (
        gaps(measured(np.where(group == "X", "F", group), label, score, dependence=each))["selection_rate"]
        for each in (INDEPENDENT, Dependence(groups=people))
    )
    assert alone["value"] == together["value"]
    few = measured(group, label, score, dependence=Dependence(groups=people // 10))
    assert {gap["low"] for gap in few["gaps"]} == {None}, "four groups do not tell"


def test_the_gap_is_compared_with_the_champions_on_rows_that_did_not_train_it():
    group, label, score = sample()
    group = np.where(group == "X", "F", group)
    worse = np.where(group == "F", np.minimum(score, 0.4), score)
    same = gaps(measured(group, label, score, champion=score))["selection_rate"]["wider"]
    assert same == {"value": 0, "low": 0, "high": 0}
    wider = gaps(measured(group, label, worse, champion=score))["selection_rate"]["wider"]
    assert wider["low"] > 0.2
    assert gaps(measured(group, label, score, champion=worse))["selection_rate"]["wider"]["high"] < -0.2
    half = np.arange(len(label)) % 2 == 0
    left = gaps(measured(group, label, worse, champion=np.where(half, worse, score), trained=half))
    alone = gaps(measured(group[~half], label[~half], worse[~half], champion=score[~half]))
    assert left["selection_rate"]["wider"] == pytest.approx(alone["selection_rate"]["wider"])
    assert gaps(measured(group, label, worse, champion=score, trained=group == "M"))["calibration"]["wider"] is None


@pytest.mark.parametrize(
    ("asked", "score"),
    [
        (request(Slice("SEX")), [0.5] * 20),
        (request(task="multiclass"), [[0.5, 0.5]] * 20),
        (request(), [np.nan] * 20),
    ],
)
def test_other_slices_tasks_and_missing_scores_have_no_groups(asked: EvaluationRequest, score: list[Any]):
    assert measured(["F", "M"] * 10, [0, 1] * 10, score, asked=asked) == {"groups": [], "gaps": []}


def test_a_regression_has_only_calibration_in_units_of_the_label():
    found = measured(["F"] * 20 + ["M"] * 20, [10.0] * 40, [12.0] * 20 + [9.0] * 20, asked=request(task="regression"))
    assert [each["figures"] for each in found["groups"]] == [{"calibration": 2.0}, {"calibration": -1.0}]
    assert gaps(found)["calibration"]["value"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_intervals_of_gaps_hold_as_often_as_they_say(name: str):
    assert CASES[name].lowest <= coverage(CASES[name], rounds=500, seed=1) <= CASES[name].highest
