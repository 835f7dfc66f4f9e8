"""The outcome of an evaluation, as data: intervals, slices, confusion, calibration, skew and cost."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from snowloop.lifecycle.results import Result
from snowloop.lifecycle.training.train import Candidate


@dataclass(frozen=True)
class Interval:
    """A value and its bootstrap interval.

    Args:
        value: The value on all rows.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class SliceResult:
    """The deciding metric in one part of the held-out rows.

    Args:
        column: The column that makes the parts.
        part: The part.
        rows: Its rows.
        value: The metric, or None if the rows do not allow it.
    """

    column: str
    part: str
    rows: int
    value: float | None


@dataclass(frozen=True)
class Bin:
    """One bin of the calibration.

    Args:
        rows: Its rows.
        score: Their mean score.
        label: Their mean label.
    """

    rows: int
    score: float
    label: float


@dataclass(frozen=True)
class ClassResult:
    """How well one of several classes is predicted on the held-out rows.

    Args:
        name: The class.
        rows: Its rows.
        predicted: How many of them were predicted as which class: a row of the confusion matrix, without zeros.
        precision: Share of the rows predicted as this class that are of it; None if none were.
        recall: Share of its rows that were predicted as it; None if there are none.
        f1: Harmonic mean of both.
        roc_auc: Of its probability against all other classes; None if the rows do not allow it.
    """

    name: str
    rows: int
    predicted: dict[str, int]
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None


@dataclass(frozen=True)
class ConfusionCell:
    """One cell of the confusion matrix.

    Args:
        true_class: The class that the rows are of.
        predicted_class: The class that was predicted.
        rows: How many rows.
    """

    true_class: str
    predicted_class: str
    rows: int


BINARY_CONFUSION = {
    "true_negative": ("0", "0"),
    "false_positive": ("0", "1"),
    "false_negative": ("1", "0"),
    "true_positive": ("1", "1"),
}
"""True and predicted class of the counts of a classification of two classes."""


@dataclass(frozen=True)
class Calibration:
    """Scores against observed rates; of several classes the probability of the likeliest, and how often it was right.

    Args:
        bins: Bins of about equally many rows, by score.
        error: Mean distance of score and label over the bins; of a regression, in standard deviations of the label.
        by_chance: What the error of an exactly calibrated model would be on average, on as many rows.
    """

    bins: tuple[Bin, ...] = ()
    error: float | None = None
    by_chance: float | None = None


@dataclass(frozen=True)
class Skew:
    """The same rows by the serving path and by Python.

    Args:
        rows: How many rows.
        unserved: Rows that the serving path gave no score.
        max_difference: The greatest difference of two scores; None if a row has none.
    """

    rows: int
    unserved: int
    max_difference: float | None


@dataclass(frozen=True)
class Cost:
    """What the model costs to keep and to ask; times differ from run to run.

    Args:
        model_bytes: Size of the pickled model.
        milliseconds_per_row: Time in Python for a row of a thousand.
        milliseconds_per_row_by_sql: Time of the serving query for a row of the held-out ones.
    """

    model_bytes: int
    milliseconds_per_row: float | None = None
    milliseconds_per_row_by_sql: float | None = None


@dataclass(frozen=True)
class HeldOut:
    """Of held-out rows those alone may judge a version that it was not trained on.

    Args:
        left_out: Held-out rows that are left out, because the version was trained on them.
        unknown: Why it is not known which they are; None if it is.
    """

    left_out: int = 0
    unknown: str | None = None


@dataclass(frozen=True)
class Selection:
    """How a candidate was chosen to be judged.

    Args:
        candidates: Among how many that could be trained.
        by_folds: Whether by cross-validation, which leaves the held-out rows out of the choice.
    """

    candidates: int = 1
    by_folds: bool = False

    @property
    def compared(self) -> int:
        """How many candidates were compared on the held-out rows: the best of many looks better than it is."""
        return 1 if self.by_folds else self.candidates

    @property
    def words(self) -> str:
        """The choice, to be put behind a figure; empty if there was none."""
        if self.candidates == 1:
            return ""
        return f"; the best of {self.candidates} candidates {'by folds' if self.by_folds else 'on these rows'}"


@dataclass(frozen=True)
class Evaluation(Result):
    """How good a candidate is, and how good the champion and two baselines are on the same rows.

    Args:
        candidate: The candidate.
        metrics: The candidate's metrics on the held-out rows; one that they do not allow is missing.
        champion: Name of the champion, or None before the first promotion.
        champion_metrics: The champion's metrics.
        same_rows: Whether the champion was measured on the same rows; if it takes features that the training set no
            longer has, its metrics are those of its own training.
        interval: The deciding metric with its interval.
        differences: How much better the candidate is than ``champion`` and ``simple``: above 0 is better, whatever the
            metric; the intervals are paired.
        baselines: Metrics of ``dummy`` (the mean label, or the classes' shares) and ``simple`` (a linear model).
        slices: The deciding metric in the declared parts of the rows.
        calibration: Scores against observed rates.
        confusion: Rows predicted right and wrong at the threshold, of two classes, by ``BINARY_CONFUSION``.
        classes: Of several classes how well each is predicted.
        importance: Loss of the deciding metric when a feature's values are shuffled.
        skew: The serving path against Python.
        cost: Size and time.
        evaluation_id: Its id in OPS.EVALUATIONS.
        selection: How it was chosen to be judged.
        rows: Held-out rows that it was measured on; None: all.
        held_out: Which held-out rows the candidate itself was trained on, if it is older than the training set.
        champion_held_out: Which of the others the champion was trained on: it is measured without them.
        metrics_on_champion_rows: The candidate's metrics on the rows on which the champion was measured, if
            those are fewer.
    """

    candidate: Candidate
    metrics: dict[str, float] = field(default_factory=dict)
    champion: str | None = None
    champion_metrics: dict[str, float] = field(default_factory=dict)
    same_rows: bool = True
    interval: Interval | None = None
    differences: dict[str, Interval] = field(default_factory=dict)
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    slices: tuple[SliceResult, ...] = ()
    calibration: Calibration = Calibration()
    confusion: dict[str, int] = field(default_factory=dict)
    classes: tuple[ClassResult, ...] = ()
    importance: dict[str, float] = field(default_factory=dict)
    skew: Skew | None = None
    cost: Cost | None = None
    evaluation_id: str = ""
    selection: Selection = Selection()
    rows: int | None = None
    held_out: HeldOut = HeldOut()
    champion_held_out: HeldOut = HeldOut()
    metrics_on_champion_rows: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, int | float | str]:
        """The metric that decides with its interval, that of the champion, and of the simple baseline."""
        if self.candidate.error:
            return {"failed": self.candidate.error}
        figures = self.candidate.figure(self.metrics)
        if self.interval:
            figures["interval"] = f"{self.interval.low:.3f} to {self.interval.high:.3f}"
        if "simple" in self.baselines:
            figures["baseline"] = next(iter(self.candidate.figure(self.baselines["simple"]).values()))
        if self.champion is None:
            return {**figures, "champion": "none yet"}
        (baseline,) = self.candidate.figure(self.champion_metrics).values()
        return {**figures, "champion": baseline}

    @property
    def measured_rows(self) -> int:
        """The held-out rows that the candidate was measured on."""
        return self.candidate.training_set.holdout_rows if self.rows is None else self.rows

    @property
    def confusion_matrix(self) -> list[ConfusionCell]:
        """The confusion matrix of two or of several classes; empty of a regression."""
        two = [ConfusionCell(*BINARY_CONFUSION[name], count) for name, count in self.confusion.items()]
        return two or [
            ConfusionCell(each.name, predicted, count)
            for each in self.classes
            for predicted, count in each.predicted.items()
        ]

    def results(self) -> dict[str, Any]:
        """All that was measured, as OPS.EVALUATION_DETAILS keeps it for the report, under the names of the fields."""
        measured = {"candidate": self.metrics, "champion": self.champion_metrics, **self.baselines}
        return {
            "rows": self.measured_rows,
            "metrics": {whose: metrics for whose, metrics in measured.items() if metrics},
            "interval": asdict(self.interval) if self.interval else None,
            "differences": {other: asdict(interval) for other, interval in self.differences.items()},
            "slices": [asdict(each) for each in self.slices],
            "calibration": asdict(self.calibration),
            "confusion_matrix": [asdict(each) for each in self.confusion_matrix],
            "classes": [asdict(each) for each in self.classes],
            "importance": self.importance,
            "cross_validation": self.candidate.cross_validation,
            "cost": asdict(self.cost) if self.cost else None,
        }

    def facts(self) -> "Iterator[dict[str, Any]]":
        """All that was measured, as rows of OPS.EVALUATIONS for who reads it by SQL."""
        held_out, rows = self.candidate.training_set.holdout_rows, self.measured_rows
        both = rows - self.champion_held_out.left_out
        for whose, metrics in {"": self.metrics, **self._baselines()}.items():
            for name, value in metrics.items():
                yield _fact(f"{whose}{name}", value, rows=rows)
        for whose, metrics in {
            "champion ": self.champion_metrics,
            "on champion rows ": self.metrics_on_champion_rows,
        }.items():
            for name, value in metrics.items():
                yield _fact(f"{whose}{name}", value, rows=both)
        for name, value in self.candidate.cross_validation.items():
            yield _fact(name, value, rows=self.candidate.training_set.rows - held_out)
        if self.interval:
            yield _fact("interval", self.interval.value, self.interval, rows)
        for other, interval in self.differences.items():
            yield _fact(f"better than {other}", interval.value, interval, both if other == "champion" else rows)
        yield from self._details(rows)
        if self.skew:
            yield _fact("skew", self.skew.max_difference, rows=self.skew.rows)
        if self.cost:
            yield _fact("model bytes", self.cost.model_bytes)
            yield _fact("milliseconds per row", self.cost.milliseconds_per_row)
            yield _fact("milliseconds per row by sql", self.cost.milliseconds_per_row_by_sql, rows=rows)

    def _details(self, rows: int) -> "Iterator[dict[str, Any]]":
        for part in self.slices:
            yield _fact(self.candidate.metric, part.value, rows=part.rows, part=f"{part.column}: {part.part}")
        for number, each in enumerate(self.calibration.bins, start=1):
            yield _fact("calibration score", each.score, rows=each.rows, part=f"bin {number}")
            yield _fact("calibration label", each.label, rows=each.rows, part=f"bin {number}")
        yield _fact("calibration error", self.calibration.error, rows=rows)
        yield _fact("calibration error by chance", self.calibration.by_chance, rows=rows)
        for name, count in self.confusion.items():
            yield _fact(name, count, rows=rows)
        yield from self._of_classes()
        for feature, value in self.importance.items():
            yield _fact("importance", value, part=feature)

    def _of_classes(self) -> "Iterator[dict[str, Any]]":
        for each in self.classes:
            part = f"class {each.name}"
            for name in ("precision", "recall", "f1", "roc_auc"):
                yield _fact(name, getattr(each, name), rows=each.rows, part=part)
            for predicted, count in each.predicted.items():
                yield _fact("confusion", count, rows=each.rows, part=f"{part}, predicted {predicted}")

    def _baselines(self) -> dict[str, dict[str, float]]:
        return {f"{name} ": metrics for name, metrics in self.baselines.items()}


def _fact(
    name: str, value: float | None, ends: Interval | None = None, rows: int | None = None, part: str | None = None
) -> dict[str, Any]:
    low, high = (ends.low, ends.high) if ends else (None, None)
    return {"name": name, "slice": part, "value": value, "low": low, "high": high, "rows": rows}
