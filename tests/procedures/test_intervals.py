"""Intervals of metrics: influences, paired differences, dependent rows, and how often they hold."""

import numpy as np
import pytest

from snowloop_procedures.statistics import metrics
from snowloop_procedures.statistics.influences import influence
from snowloop_procedures.statistics.intervals import (
    Dependence,
    difference,
    interval,
    standard_error,
    unpaired_difference,
)
from tests.procedures.interval_coverage import CASES, coverage


def two_classes(rows: int, share: float = 0.3, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label = (random.random(rows) < share).astype(int)
    return label, 1 / (1 + np.exp(-(random.normal(size=rows) + 1.5 * label - 1)))


def three_classes(rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    label = random.integers(0, 3, rows)
    score = random.gamma(1, size=(rows, 3)) + 1.5 * np.eye(3)[label]
    return label, score / score.sum(axis=1, keepdims=True)


def values(rows: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    label = random.normal(size=rows)
    return label, label + random.normal(size=rows)


SAMPLES = {"classification": two_classes, "multiclass": three_classes, "regression": values}


@pytest.mark.parametrize(("task", "name"), [(task, name) for task in metrics.METRICS for name in metrics.METRICS[task]])
def test_a_row_moves_the_metric_as_leaving_it_out_does(task: str, name: str) -> None:
    label, score = SAMPLES[task](300)
    found = influence(name, label, score)
    assert found is not None
    whole, places = metrics.value(name, label, score), np.arange(len(label))
    assert found.value == whole
    assert found.rows.mean() == pytest.approx(0, abs=1e-9)
    without = [metrics.value(name, label[places != row], score[places != row]) for row in places]
    left_out = (len(label) - 1) * (whole - np.asarray(without, dtype=float))
    assert np.corrcoef(found.rows, left_out)[0, 1] > 0.995
    assert found.rows.std() == pytest.approx(left_out.std(), rel=0.05)


def test_ties_count_half_and_are_one_step_of_the_precision() -> None:
    label, score = two_classes(400)
    coarse = np.round(score, 1)
    for name in ("roc_auc", "average_precision"):
        found = influence(name, label, coarse)
        assert found is not None
        assert found.value == metrics.value(name, label, coarse)
        for tied in np.unique(coarse):
            for true in (0, 1):
                rows = found.rows[(coarse == tied) & (label == true)]
                assert np.ptp(rows) < 1e-9 if len(rows) else True


def test_the_standard_error_of_a_difference_is_delongs() -> None:
    """By the covariance of the placements, as in section 3 of DeLong, DeLong and Clarke-Pearson (1988)."""
    label, score = two_classes(500)
    other = score + np.random.default_rng(3).normal(scale=0.1, size=500)

    def placements(each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        above = (each[label == 1][:, None] > each[label == 0][None, :]).astype(float)
        return above.mean(axis=1), above.mean(axis=0)

    (own_ones, own_zeros), (other_ones, other_zeros) = placements(score), placements(other)
    ones, zeros = own_ones - other_ones, own_zeros - other_zeros
    expected = np.sqrt(ones.var(ddof=1) / len(ones) + zeros.var(ddof=1) / len(zeros))
    own, others = influence("roc_auc", label, score), influence("roc_auc", label, other)
    assert own is not None
    assert others is not None
    error = standard_error(own.rows - others.rows)
    assert error is not None
    assert error.value == pytest.approx(expected, rel=2e-3)


def test_the_interval_is_as_narrow_as_many_rows_allow() -> None:
    """Of 400,000 rows with few positives: resamples of some of the rows made it 4.4 times too wide."""
    label, score = two_classes(400_000, share=0.0005)
    better = score + 0.02 * label
    found = difference("roc_auc", label, better, score, (0.5, 0.95), higher_is_better=True)
    assert found is not None
    samples = [two_classes(20_000, 0.01, seed) for seed in range(40)]
    gains = [
        float(metrics.metric("roc_auc")(true, each + 0.02 * true, 0.5) - metrics.metric("roc_auc")(true, each, 0.5))
        for true, each in samples
    ]
    assert (found["high"] - found["low"]) / (2 * 1.96 * np.std(gains)) == pytest.approx(1, abs=0.35)


def test_nothing_is_drawn() -> None:
    label, score = two_classes(500)
    assert interval("roc_auc", label, score, 0.5, 0.95) == interval("roc_auc", label, score, 0.5, 0.95)
    turned = np.random.default_rng(2).permutation(500)
    again = interval("roc_auc", label[turned], score[turned], 0.5, 0.95)
    assert again == pytest.approx(interval("roc_auc", label, score, 0.5, 0.95))


def test_an_error_counts_the_other_way() -> None:
    label, score = values(300)
    worse = score + np.random.default_rng(5).normal(size=300)
    found = difference("rmse", label, score, worse, (0.5, 0.95), higher_is_better=False)
    assert found is not None
    assert found["low"] > 0
    again = difference("rmse", label, worse, score, (0.5, 0.95), higher_is_better=False)
    assert again == pytest.approx({"value": -found["value"], "low": -found["high"], "high": -found["low"]})


def test_the_same_scores_do_not_differ() -> None:
    label, score = two_classes(200)
    found = difference("roc_auc", label, score, score, (0.5, 0.95), higher_is_better=True)
    assert found == {"value": 0, "low": 0, "high": 0}


def test_a_perfect_ranking_of_few_positives_is_not_certain() -> None:
    label = np.array([1] * 10 + [0] * 200)
    found = interval("roc_auc", label, label * 0.5 + np.linspace(0, 0.1, 210), 0.5, 0.95)
    assert found is not None
    assert found["low"] < 0.95
    assert found["value"] == found["high"] == 1


def test_a_perfect_ranking_of_few_rows_of_several_classes_is_not_certain() -> None:
    label = np.arange(60) % 3
    found = interval("roc_auc_ovr", label, np.eye(3)[label] * 0.4 + 0.2, 0.5, 0.95)
    assert found is not None
    assert found["low"] < 0.98
    assert found["value"] == found["high"] == 1


@pytest.mark.parametrize("name", ["accuracy", "f1", "average_precision", "roc_auc", "balanced_accuracy", "f1_macro"])
@pytest.mark.parametrize("wrong", [0, 1])
def test_few_errors_of_few_rows_do_not_prove_that_there_are_none(name: str, wrong: int) -> None:
    label = np.arange(60) % 2
    score = np.where(np.arange(60) < wrong, 1 - label, label) * 0.8 + 0.1
    if name in metrics.METRICS["multiclass"] and name != "accuracy":
        score = np.column_stack([1 - score, score])
    found = interval(name, label, score, 0.5, 0.95)
    assert found is not None
    assert found["low"] < 0.98
    assert found["low"] > 0.88 or (wrong and name not in {"accuracy", "f1", "balanced_accuracy"})
    assert found["high"] > 0.99


@pytest.mark.parametrize("alike_by", ["groups", "order"])
def test_without_an_error_a_group_counts_for_one_row(alike_by: str) -> None:
    label = np.arange(600) % 2
    dependent = Dependence(**{alike_by: np.arange(600) // 30})
    alone = interval("accuracy", label, label * 0.8 + 0.1, 0.5, 0.95)
    alike = interval("accuracy", label, label * 0.8 + 0.1, 0.5, 0.95, dependent)
    assert alone is not None
    assert alike is not None
    assert alone["low"] > 0.99
    assert alike["low"] == pytest.approx(0.82, abs=0.03)


@pytest.mark.parametrize("name", ["accuracy", "f1"])
def test_two_models_that_err_nowhere_on_few_rows_may_differ(name: str) -> None:
    label = np.arange(60) % 2
    found = difference(name, label, label * 0.8 + 0.1, label * 0.7 + 0.2, (0.5, 0.95), higher_is_better=True)
    assert found is not None
    assert found["value"] == 0
    assert found["low"] == pytest.approx(-3.93 / 60, rel=0.02)


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "f1"])
def test_one_class_allows_no_interval(name: str) -> None:
    assert interval(name, np.zeros(50, dtype=int), np.linspace(0, 1, 50), 0.5, 0.95) is None
    assert interval(name, np.array([], dtype=int), np.array([]), 0.5, 0.95) is None


def test_rows_of_a_group_are_not_independent() -> None:
    label, score = two_classes(300)
    groups = np.repeat(np.arange(300), 10)
    tenfold = (np.repeat(label, 10), np.repeat(score, 10))
    single, alike = interval("roc_auc", label, score, 0.5, 0.95), interval("roc_auc", *tenfold, 0.5, 0.95)
    grouped = interval("roc_auc", *tenfold, 0.5, 0.95, Dependence(groups=groups))
    assert single is not None
    assert alike is not None
    assert grouped is not None
    assert grouped["low"] == pytest.approx(single["low"], abs=0.003)
    assert single["high"] - single["low"] > 2.5 * (alike["high"] - alike["low"])


@pytest.mark.parametrize("few", [1, 3, 9])
def test_few_groups_or_times_cannot_tell(few: int) -> None:
    label, score = two_classes(300)
    groups = np.arange(300) % few
    assert interval("roc_auc", label, score, 0.5, 0.95, Dependence(groups=groups)) is None
    assert interval("roc_auc", label, score, 0.5, 0.95, Dependence(order=groups)) is None


def test_rows_in_time_are_as_alike_as_their_errors_are() -> None:
    label, score = values(600)
    shuffled = np.random.default_rng(4).permutation(600)
    drifting = score + np.sin(np.arange(600) / 60) * 2
    own = influence("mae", label, drifting)
    assert own is not None
    in_time = standard_error(own.rows, Dependence(order=np.arange(600)))
    mixed = standard_error(own.rows, Dependence(order=shuffled))
    assert in_time is not None
    assert mixed is not None
    assert in_time.value > 2 * mixed.value


def test_other_rows_are_compared_as_welch_does_where_errors_are_many() -> None:
    from scipy.stats import ttest_ind

    label, score = values(400)
    errors = np.abs(label - score)
    own, other = (interval("mae", label[rows], score[rows], 0.5, 0.95) for rows in (slice(0, 100), slice(100, None)))
    found = unpaired_difference(own, other, higher_is_better=False)
    expected = ttest_ind(errors[100:], errors[:100], equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert found["value"] == pytest.approx(errors[100:].mean() - errors[:100].mean())
    assert found["low"] == pytest.approx(expected.low, abs=0.02)
    assert found["high"] == pytest.approx(expected.high, abs=0.02)
    assert unpaired_difference(None, other, higher_is_better=True) is None


@pytest.mark.parametrize("name", ["accuracy", "f1", "average_precision"])
def test_other_rows_without_an_error_do_not_show_that_two_models_are_equal(name: str) -> None:
    label = np.repeat([0, 1], 15)
    flawless = interval(name, label, label * 0.8 + 0.1, 0.5, 0.95)
    found = unpaired_difference(flawless, flawless, higher_is_better=True)
    assert found is not None
    assert found["value"] == 0
    assert found["low"] < -0.05
    assert found["high"] > 0.05


@pytest.mark.parametrize("case", ["auc 0.80, 20 of 500", "mae, normal errors"])
def test_intervals_hold_as_often_as_they_say(case: str) -> None:
    assert 0.91 <= coverage(CASES[case], rounds=400, seed=1) <= 0.985


@pytest.mark.parametrize("case", ["accuracy 0.98, 50", "f1 0.99, 20 of 200"])
def test_intervals_hold_where_there_are_few_errors(case: str) -> None:
    assert coverage(CASES[case], rounds=100, seed=1) >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(CASES))
def test_coverage_of_each_case(case: str) -> None:
    """Between 92 and 97 % of nominal 95, give or take three standard errors of the simulation."""
    rounds = 400
    found, error = coverage(CASES[case], rounds=rounds, seed=2), 3 * np.sqrt(0.95 * 0.05 / rounds)
    assert CASES[case].lowest - error <= found <= 0.97 + error
