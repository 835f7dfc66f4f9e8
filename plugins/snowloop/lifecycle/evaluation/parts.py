"""The parts of an evaluation, as data: intervals, slices, classes, confusion, calibration and cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self


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
class NewerRows:
    """Candidate and champion on labelled rows that arrived since the candidate was trained.

    Args:
        rows: How many rows.
        support: How many count: of classes those of the rarest one.
        value: The candidate's metric; None if the rows do not allow it.
        interval: The same with its interval.
        champion: The champion's metric on those of them that it was not trained on.
        difference: How much better the candidate is there, with the paired interval.
    """

    rows: int
    support: int
    value: float | None = None
    interval: Interval | None = None
    champion: float | None = None
    difference: Interval | None = None


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
class GroupResult:
    """How a group of people is treated: a part of a slice about people.

    Args:
        column: The column that makes the groups.
        part: The group.
        rows: Its rows.
        figures: Of two classes ``selection_rate``, ``true_positive_rate`` and ``false_positive_rate``, and
            ``calibration``, the mean score minus the mean label; None where no row counts.
    """

    column: str
    part: str
    rows: int
    figures: dict[str, float | None]


@dataclass(frozen=True)
class GroupGap:
    """How differently two groups of people are treated.

    Args:
        column: The column that makes the groups.
        figure: The figure that is compared.
        one: One group.
        other: The other.
        value: The absolute difference.
        low: Lower end of its interval; None if the rows do not tell.
        high: Upper end.
        wider: By how much it is wider than the champion's on the same rows; None if there is none to compare with.
    """

    column: str
    figure: str
    one: str
    other: str
    value: float
    low: float | None = None
    high: float | None = None
    wider: Interval | None = None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """The gap of the fields that the evaluation procedure, or OPS.EVALUATION_DETAILS, has."""
        wider = fields.get("wider")
        return cls(**{**fields, "wider": Interval(**wider) if wider else None})

    @property
    def interval(self) -> Interval | None:
        """The difference with its interval, if there is one."""
        return None if self.low is None or self.high is None else Interval(self.value, self.low, self.high)


def widest(gaps: Iterable[GroupGap]) -> tuple[GroupGap, ...]:
    """The widest gap of each column and figure."""
    found: dict[tuple[str, str], GroupGap] = {}
    for gap in sorted(gaps, key=lambda each: -each.value):
        found.setdefault((gap.column, gap.figure), gap)
    return tuple(found.values())


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
