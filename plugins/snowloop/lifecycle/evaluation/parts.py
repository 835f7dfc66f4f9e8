"""The parts of an evaluation, as data: intervals, slices, classes, confusion, calibration and cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A value and its confidence interval.

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
        events: The rows that it rests on: of classes those of the rarest one; None if an earlier release evaluated it.
        low: Lower end of its interval; None if the rows do not tell.
        high: Upper end.
    """

    column: str
    part: str
    rows: int
    value: float | None
    events: int | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval | None:
        """The metric with its interval, if there is one."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return Interval(self.value, self.low, self.high)


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
