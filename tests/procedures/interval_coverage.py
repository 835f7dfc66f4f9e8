"""``python -m tests.procedures.interval_coverage``: how often intervals of 95 % hold, as in docs/statistics.md."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.signal import lfilter
from scipy.stats import norm

from snowloop_procedures.statistics import metrics
from snowloop_procedures.statistics.intervals import INDEPENDENT, Dependence, difference, interval, unpaired_difference

CONFIDENCE, THRESHOLD = 0.95, 0.5
Sample = tuple[np.ndarray, np.ndarray, np.ndarray | None, Dependence]
Draw = Callable[[np.random.Generator], Sample]


@dataclass(frozen=True)
class Case:
    """A kind of held-out rows: ``draw`` gives label, score, the other model's score (None: one model) and dependence.

    ``truth`` is the metric of the population, or how much better the first model is in it, or what draws very many of
    its rows; ``lowest`` is the coverage that is expected at least. With ``rows_apart`` each model has half of the rows.
    """

    metric: str
    draw: Draw
    truth: float | Draw
    lowest: float = 0.92
    words: str = ""
    rows_apart: bool = False

    @cached_property
    def expected(self) -> float:
        """The truth, measured on very many rows where it is not known."""
        if not callable(self.truth):
            return self.truth
        label, score, *_ = self.truth(np.random.default_rng(0))
        found = metrics.value(self.metric, label, score, THRESHOLD)
        assert found is not None
        return found


def coverage(case: Case, rounds: int, seed: int) -> float:
    """The share of samples whose interval holds the truth."""
    random, higher = np.random.default_rng(seed), case.metric not in {"rmse", "mae", "log_loss", "brier"}
    hits = 0
    for _ in range(rounds):
        label, score, other, dependence = case.draw(random)
        if other is None:
            found = interval(case.metric, label, score, THRESHOLD, CONFIDENCE, dependence)
        elif case.rows_apart:
            sides = [(score, slice(0, None, 2)), (other, slice(1, None, 2))]
            own, others = (
                interval(case.metric, label[rows], each[rows], THRESHOLD, CONFIDENCE) for each, rows in sides
            )
            found = unpaired_difference(own, others, higher_is_better=higher)
        else:
            plan = (THRESHOLD, CONFIDENCE)
            found = difference(case.metric, label, score, other, plan, higher_is_better=higher, dependence=dependence)
        assert found is not None
        hits += found["low"] <= case.expected <= found["high"]
    return hits / rounds


def _binormal(area: float, ones: int, zeros: int, other: float | None = None) -> Draw:
    """Normal scores of both classes, apart as the ROC AUC wants it; the other model's share half of their noise."""
    label = np.array([1] * ones + [0] * zeros)

    def draw(random: np.random.Generator) -> Sample:
        noise = random.normal(size=(3, len(label)))
        score = (noise[0] + noise[1]) / np.sqrt(2) + np.sqrt(2) * norm.ppf(area) * label
        second = None if other is None else (noise[0] + noise[2]) / np.sqrt(2) + np.sqrt(2) * norm.ppf(other) * label
        return label, score, second, INDEPENDENT

    return draw


def _classes(share: float, rows: int) -> Draw:
    """Calibrated probabilities of a rare or common class."""

    def draw(random: np.random.Generator) -> Sample:
        score = random.beta(2 * share, 2 * (1 - share), size=rows)
        return (random.random(rows) < score).astype(int), score, None, INDEPENDENT

    return draw


def _decisions(
    right: dict[int, tuple[int, float]], other: dict[int, float] | None = None, *, several: bool = False
) -> Draw:
    """Predicted classes: of each class its number of rows, and how probably one is predicted right.

    The other model errs on rows of its own.
    """
    label = np.repeat(list(right), [rows for rows, _ in right.values()])

    def scores(wrong: np.ndarray) -> np.ndarray:
        predicted = np.where(wrong, (label + 1) % len(right), label)
        return np.eye(len(right))[predicted] * 0.8 + 0.1 if several else predicted * 0.8 + 0.1

    def draw(random: np.random.Generator) -> Sample:
        place, shares = random.random(len(label)), np.array([right[each][1] for each in label])
        if other is None:
            return label, scores(place >= shares), None, INDEPENDENT
        others = np.array([other[each] for each in label])
        return label, scores(place >= shares), scores(place < 1 - others), INDEPENDENT

    return draw


def _errors(errors: Callable[[np.random.Generator], np.ndarray], dependence: Dependence = INDEPENDENT) -> Draw:
    def draw(random: np.random.Generator) -> Sample:
        label = errors(random)
        return label, np.zeros(len(label)), None, dependence

    return draw


def _two_models(errors: Callable[[np.random.Generator, int], np.ndarray], rows: int) -> Draw:
    """Two models of equal quality whose errors are mostly the same."""

    def draw(random: np.random.Generator) -> Sample:
        label = errors(random, rows)
        own, other = 0.3 * random.normal(size=(2, rows))
        return label, own, other, INDEPENDENT

    return draw


def _skewed(random: np.random.Generator, rows: int) -> np.ndarray:
    return np.exp(random.normal(size=rows)) - np.exp(0.5)


def _along_time(rows: int, correlation: float) -> Callable[[np.random.Generator], np.ndarray]:
    """Two errors of equal size, the sign of which hangs together over time."""

    def errors(random: np.random.Generator) -> np.ndarray:
        return 10 + lfilter([1], [1, -correlation], random.normal(size=rows + 1000))[1000:]

    return errors


def _grouped(groups: int, rows: int, within: float) -> Callable[[np.random.Generator], np.ndarray]:
    def errors(random: np.random.Generator) -> np.ndarray:
        shared = np.repeat(random.normal(size=groups), rows) * np.sqrt(within)
        return 10 + shared + random.normal(size=groups * rows) * np.sqrt(1 - within)

    return errors


def _days(count: int, rows: int) -> Dependence:
    return Dependence(order=np.repeat(np.arange(count), rows))


CASES = {
    "auc 0.80, 20 of 500": Case("roc_auc", _binormal(0.8, 20, 480), 0.8),
    "auc 0.80, 180 of 20,180": Case("roc_auc", _binormal(0.8, 180, 20_000), 0.8),
    "auc 0.95, 10 of 110": Case("roc_auc", _binormal(0.95, 10, 100), 0.95),
    "auc 0.95, 10 of 1,000": Case("roc_auc", _binormal(0.95, 10, 990), 0.95),
    "auc 0.99, 20 of 1,000": Case("roc_auc", _binormal(0.99, 20, 980), 0.99),
    "auc, two models of 0.80 and 0.80, 20 of 500": Case("roc_auc", _binormal(0.8, 20, 480, 0.8), 0.0),
    "auc, two models of 0.85 and 0.80, 180 of 20,180": Case("roc_auc", _binormal(0.85, 180, 20_000, 0.8), 0.05),
    "average precision, 20 of 1,000": Case(
        "average_precision", _binormal(0.8, 20, 980), _binormal(0.8, 40_000, 1_960_000)
    ),
    "average precision, 100 of 1,000": Case(
        "average_precision", _binormal(0.8, 100, 900), _binormal(0.8, 200_000, 1_800_000)
    ),
    "f1, 0.3 of 500": Case("f1", _classes(0.3, 500), _classes(0.3, 4_000_000)),
    "accuracy 0.9, 500": Case("accuracy", _classes(0.1, 500), _classes(0.1, 4_000_000)),
    "accuracy 0.98, 50": Case("accuracy", _decisions({0: (25, 0.98), 1: (25, 0.98)}), 0.98),
    "accuracy 0.99, 100": Case("accuracy", _decisions({0: (50, 0.99), 1: (50, 0.99)}), 0.99),
    "accuracy, two models of 0.96 and 0.98, 100": Case(
        "accuracy", _decisions({0: (50, 0.96), 1: (50, 0.96)}, {0: 0.98, 1: 0.98}), -0.02
    ),
    "accuracy, two models of 0.95 and 1, 40": Case(
        "accuracy", _decisions({0: (20, 0.95), 1: (20, 0.95)}, {0: 1, 1: 1}), -0.05
    ),
    "accuracy, 0.98 of 50 and 0.9 of 50 others": Case(
        "accuracy", _decisions({0: (50, 0.98), 1: (50, 0.98)}, {0: 0.9, 1: 0.9}), 0.08, rows_apart=True
    ),
    "auc, 0.85 of 10 of 110 and 0.8 of as many others": Case(
        "roc_auc", _binormal(0.85, 20, 200, 0.8), 0.05, rows_apart=True
    ),
    "rmse, log-normal errors of 100 and of 100 others": Case("rmse", _two_models(_skewed, 200), 0.0, rows_apart=True),
    "f1 0.99, 20 of 200": Case("f1", _decisions({0: (180, 1), 1: (20, 0.98)}), 2 * 0.98 / 1.98),
    "balanced accuracy 0.98, 500 and 20": Case(
        "balanced_accuracy", _decisions({0: (500, 0.99), 1: (20, 0.97)}, several=True), 0.98
    ),
    "balanced accuracy 0.94, 500 and 20": Case(
        "balanced_accuracy", _decisions({0: (500, 0.9), 1: (20, 0.97)}, several=True), 0.935
    ),
    "average precision near 1, 20 of 520": Case(
        "average_precision", _binormal(0.9998, 20, 500), _binormal(0.9998, 40_000, 1_000_000)
    ),
    "log loss, 0.3 of 500": Case("log_loss", _classes(0.3, 500), _classes(0.3, 4_000_000)),
    "brier, 0.1 of 500": Case("brier", _classes(0.1, 500), _classes(0.1, 4_000_000)),
    "mae, normal errors": Case("mae", _errors(lambda r: r.normal(size=200)), np.sqrt(2 / np.pi)),
    "mae, log-normal errors": Case("mae", _errors(lambda r: _skewed(r, 200)), _errors(lambda r: _skewed(r, 4_000_000))),
    "rmse, normal errors": Case("rmse", _errors(lambda r: r.normal(size=200)), 1.0),
    "rmse, log-normal errors": Case(
        "rmse", _errors(lambda r: _skewed(r, 200)), np.sqrt((np.e - 1) * np.e), words="heavy tail"
    ),
    "rmse, errors of t with 5 degrees": Case("rmse", _errors(lambda r: r.standard_t(5, size=200)), np.sqrt(5 / 3)),
    "rmse, errors of t with 2.5 degrees": Case(
        "rmse", _errors(lambda r: r.standard_t(2.5, size=200)), np.sqrt(5), 0.75, "their fourth moment is infinite"
    ),
    "rmse, two models, log-normal errors": Case("rmse", _two_models(_skewed, 200), 0.0),
    "rmse, two models, errors of t with 2.5 degrees": Case(
        "rmse", _two_models(lambda r, n: r.standard_t(2.5, size=n), 200), 0.0
    ),
    "40 groups of 50, a tenth between them": Case(
        "mae", _errors(_grouped(40, 50, 0.1), Dependence(groups=np.repeat(np.arange(40), 50))), 10
    ),
    "20 groups of 50": Case("mae", _errors(_grouped(20, 50, 0.3), Dependence(groups=np.repeat(np.arange(20), 50))), 10),
    "10 groups of 50": Case("mae", _errors(_grouped(10, 50, 0.3), Dependence(groups=np.repeat(np.arange(10), 50))), 10),
    "500 rows in time, independent": Case("mae", _errors(_along_time(500, 0.0), _days(500, 1)), 10),
    "500 rows in time, correlation 0.5": Case("mae", _errors(_along_time(500, 0.5), _days(500, 1)), 10),
    "500 rows in time, correlation 0.9": Case("mae", _errors(_along_time(500, 0.9), _days(500, 1)), 10),
    "500 rows in time, correlation 0.97": Case("mae", _errors(_along_time(500, 0.97), _days(500, 1)), 10),
    "30 days of 20 rows": Case("mae", _errors(_grouped(30, 20, 0.3), _days(30, 20)), 10),
}


def main() -> int:
    """Print the table; returns 0."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| rows | metric | holds |\n| --- | --- | --- |")
    for name, case in CASES.items():
        note = f" ({case.words})" if case.words else ""
        print(f"| {name}{note} | {case.metric} | {coverage(case, rounds, seed=1):.1%} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
