"""The content of a model card."""

from dataclasses import dataclass, field
from typing import Any

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import (
    ClassResult,
    ConfusionCell,
    Cost,
    GroupGap,
    GroupResult,
    Interval,
    SliceResult,
)
from snowloop.project import MAX_REJECTED_SHARE


@dataclass(frozen=True)
class VerdictSummary:
    """The verdict that a card is about.

    Args:
        verdict_id: Its id in OPS.VERDICTS.
        version: The version that it is about.
        checks: Every check, without the row of an override.
        champion: The champion at that time, or None.
        training_set: Fingerprint of the training set.
        git_commit: The commit that decided.
        decided_at: When it was recorded, in UTC.
        evaluation_id: The evaluation that it is based on, or None if no candidate could be trained.
        override: Who promoted it despite failed checks, and why, or None.
        judged: The version that was judged on held-out rows, of which it is the refit on all rows; None: itself.
    """

    verdict_id: str
    version: str
    checks: tuple[Check, ...]
    champion: str | None
    training_set: str
    git_commit: str
    decided_at: str
    evaluation_id: str | None
    override: str | None = None
    judged: str | None = None

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.failed]

    @property
    def outcome(self) -> str:
        """``passed``, ``refused`` or ``overridden``."""
        if not self.failed:
            return "passed"
        return "overridden" if self.override else "refused"


@dataclass(frozen=True)
class MetricRow:
    """One metric of the candidate, the champion and the baselines on the held-out rows.

    Args:
        name: The metric.
        values: By ``candidate``, ``champion``, ``simple`` (linear model), ``dummy`` (constant baseline).
    """

    name: str
    values: dict[str, float | None]


@dataclass(frozen=True)
class EvaluationSummary:
    """An evaluation, as OPS.EVALUATION_DETAILS keeps it.

    Args:
        settings: How it was done: metric, task, threshold, seed, confidence, query id and so on.
        metrics: Metrics of the candidate, the champion and the baselines.
        interval: The deciding metric with its interval.
        differences: How much better the candidate is than another, with the paired interval.
        slices: The deciding metric in each slice.
        groups: How groups of people are treated.
        gaps: The widest gap of each column and figure between groups of people.
        classes: Figures of each class, if there are more than two.
        bins: Bins of the calibration: mean score, mean label, rows.
        confusion: The cells of the confusion matrix that are not empty.
        importance: Loss of the deciding metric when a feature is shuffled, the greatest first.
        cost: Size and times of the model.
        cross_validation: Mean and standard deviation of the deciding metric over the folds, by name.
        curves: Points of the plots.
        rows: Held-out rows.
    """

    settings: dict[str, Any]
    metrics: tuple[MetricRow, ...]
    interval: Interval | None
    differences: dict[str, Interval]
    slices: tuple[SliceResult, ...]
    bins: tuple[tuple[float, float, int], ...]
    confusion: tuple[ConfusionCell, ...]
    importance: tuple[tuple[str, float], ...]
    cost: Cost | None
    curves: dict[str, Any]
    rows: int | None
    classes: tuple[ClassResult, ...] = ()
    groups: tuple[GroupResult, ...] = ()
    gaps: tuple[GroupGap, ...] = ()
    cross_validation: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One part of the training set, or one class in it.

    Args:
        held_out: Whether these rows are held out.
        label: The class, or None.
        rows: Number of rows.
        mean: Mean label of a regression.
        deviation: Standard deviation of the labels.
        lowest: Lowest label.
        highest: Highest label.
    """

    held_out: bool
    label: str | None
    rows: int
    mean: float | None = None
    deviation: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True)
class LoadSummary:
    """The loads of a source before the training set was built.

    Args:
        source: The source.
        files: Number of files.
        rows: Rows loaded.
        rejected: Records that were not loaded.
        highest_share: Their share in the file with the highest one.
        query_id: The last query that loaded.
    """

    source: str
    files: int
    rows: int
    rejected: int
    highest_share: float
    query_id: str | None

    @property
    def too_many(self) -> bool:
        """Whether a file lost more records than may be by default, even if the project declares that more may."""
        return self.highest_share > MAX_REJECTED_SHARE


@dataclass(frozen=True)
class Data:
    """The training set.

    Args:
        table: Name of its table.
        rows: All rows.
        held_out: Rows held out.
        set_aside: Rows left out because they break the contract.
        git_commit: The commit that built it.
        built_at: When, in UTC.
        parts: Its parts by class; empty if the table is gone.
        loads: What was loaded before it was built.
    """

    table: str
    rows: int
    held_out: int
    set_aside: int
    git_commit: str
    built_at: str
    parts: tuple[Part, ...] = ()
    loads: tuple[LoadSummary, ...] = ()


@dataclass(frozen=True)
class FeatureFacts:
    """A feature of the version.

    Args:
        name: Its name.
        type: FLOAT or VARCHAR.
        alone: How well it predicts the label alone, ROC AUC or R2.
        importance: Loss of the deciding metric when it is shuffled.
    """

    name: str
    type: str
    alone: float | None = None
    importance: float | None = None


@dataclass(frozen=True)
class Card:
    """A model card.

    Args:
        project: Name of the project.
        purpose: Its description.
        owners: Who owns it.
        tags: Its tags.
        model: Qualified name of the model.
        verdict: The verdict.
        evaluation: The evaluation, or None if there was none.
        data: The training set, or None if there was none.
        features: The version's features.
        version_facts: What training recorded with the version: candidate, params, packages, seed, commits.
    """

    project: str
    purpose: str
    owners: tuple[str, ...]
    tags: tuple[str, ...]
    target: str
    model: str
    verdict: VerdictSummary
    evaluation: EvaluationSummary | None
    data: Data | None
    features: tuple[FeatureFacts, ...] = ()
    version_facts: dict[str, Any] = field(default_factory=dict)
