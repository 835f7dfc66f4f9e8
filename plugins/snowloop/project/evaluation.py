"""The declaration of what a model must pass before it serves: metric, leakage, evaluation, gate and approval."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from snowloop.project.base import Declaration, Identifier, Name, Text
from snowloop.project.durations import Duration
from snowloop.project.label import ERROR_METRICS

ProtectedCheck = Literal["LEAKAGE", "SKEW"]
PROTECTED = get_args(ProtectedCheck)
"""Checks that nobody can override unless it is declared: a version that fails them is wrong, not only too weak."""


class Metric(Declaration):
    """The deciding metric, its bound, and by how much it may be worse than the champion's."""

    name: Literal[
        "roc_auc", "average_precision", "accuracy", "f1", "log_loss", "brier", "balanced_accuracy", "f1_macro",
        "roc_auc_ovr", "rmse", "mae", "r2",
    ] = Field(description="The deciding metric; it must fit the task.")  # fmt: skip
    at_least: float | None = Field(None, description="The bound of a metric where higher is better.")
    at_most: float | None = Field(None, description="The bound of an error, where lower is better.")
    tolerance: float | None = Field(
        None,
        ge=0,
        description="By how much it may be worse than that of the champion or the baseline; null: 0.02, of an error "
        "(log loss, RMSE) 2 % of the other's.",
    )
    judge: Literal["value", "lower_end"] | None = Field(
        None,
        description="What must keep the bound: the value, or the worse end of its interval; null: the worse end where "
        "`approval` is declared, else the value.",
    )
    min_support: int = Field(
        20, ge=1, description="Minimum number of held-out rows; of a classification, of its rarest class."
    )
    min_groups: int = Field(
        20, ge=2, description="With a split by group: minimum number of held-out groups, such as customers."
    )

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is better."""
        return self.name not in ERROR_METRICS

    @property
    def bound(self) -> float:
        """The absolute bound."""
        return self.at_least if self.at_least is not None else float(self.at_most or 0.0)

    def problem(self, bound: float) -> str | None:
        """Why a bound of the metric cannot be meant: each model keeps it, or none can; None if it can.

        Args:
            bound: The bound, in units of the metric.
        """
        if self.name in {"rmse", "mae", "log_loss"}:
            return None if bound > 0 else f"no {self.name} is below 0: bound it by a number above 0"
        low = -math.inf if self.name == "r2" else 0.0
        if low <= bound <= 1:
            return None
        return f"{self.name} is {'at most 1' if self.name == 'r2' else 'from 0 to 1'}: {bound:g} bounds nothing"

    def tolerated(self, other: float) -> float:
        """By how much the metric may be worse than ``other``, the champion's or a baseline's, in its units."""
        if self.tolerance is not None:
            return self.tolerance
        return 0.02 if self.higher_is_better else 0.02 * abs(other)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        required, other = ("at_least", "at_most") if self.higher_is_better else ("at_most", "at_least")
        if getattr(self, required) is None or getattr(self, other) is not None:
            raise ValueError(f"the bound of {self.name} is declared by `{required}: <number>` and by nothing else")
        if problem := self.problem(self.bound):
            raise ValueError(problem)
        return self


class AllowedFeature(Declaration):
    """A feature that may predict the label alone, such as last month's sales."""

    feature: Identifier = Field(description="The feature.")
    reason: Text = Field(description="Why it is known when a row is scored, for the checks and the report.")


class Leakage(Declaration):
    """Bounds of the leakage checks; a column that is known only after the label declares that itself."""

    max_single_feature: float = Field(
        0.9, gt=0, le=1, description="Highest ROC AUC (or R2 of ranks) of a single feature."
    )
    allowed: tuple[AllowedFeature, ...] = Field(
        (), description="Features that may predict the label better than that, with the reason."
    )
    max_explained_by_repeats: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Highest share of held-out rows whose label training rows with the same features, or nearly the "
        "same, tell beyond what other rows tell.",
    )
    max_identical_rows: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Highest share of held-out rows whose features equal those of a training row, whatever they tell; "
        "null: reported only.",
    )
    single_feature_rows: int = Field(
        25_000,
        ge=10,
        description="Maximum number of training rows, and of held-out rows, on which single features are tested.",
    )

    @field_validator("allowed")
    @classmethod
    def _once(cls, allowed: tuple[AllowedFeature, ...]) -> tuple[AllowedFeature, ...]:
        names = [each.feature for each in allowed]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"feature {twice} is allowed twice: keep one reason")
        return allowed


class Slice(Declaration):
    """Held-out rows that are evaluated separately: for each value of a column, or for each range of numbers."""

    column: Identifier = Field(description="A feature, or a column of the source.")
    edges: tuple[float, ...] = Field((), description="For numbers: the boundaries between the ranges.")
    bound: float | None = Field(None, description="Bound of the deciding metric in each part; null: reported only.")
    min_rows: int = Field(100, ge=1, description="A part with fewer rows is reported, but not judged.")
    min_events: int = Field(
        5, ge=1, description="A part with fewer rows of its rarest class is reported, but not judged."
    )
    inclusion: bool = Field(
        False, description="Whether the slice is about groups of people who must not be treated worse."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError(f"edges {list(self.edges)} do not ascend: write each once, the lowest first")
        return self


class EvaluationPlan(Declaration):
    """How a candidate is evaluated on the held-out rows."""

    slices: tuple[Slice, ...] = Field((), description="Parts of the rows that are evaluated separately.")
    threshold: float = Field(0.5, ge=0, le=1, description="Score from which a row is predicted as class 1.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence level of the intervals.")
    importance_rows: int = Field(
        500, ge=0, description="Number of rows for the permutation importance; 0: it is not computed."
    )
    skew_rows: int = Field(1000, ge=1, description="Number of rows that are scored both by SQL and by Python.")
    baseline_rows: int = Field(
        20_000, ge=10, description="Maximum number of rows on which the simple baseline is fitted."
    )

    @field_validator("slices")
    @classmethod
    def _once(cls, slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
        columns = [each.column for each in slices]
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice:
            raise ValueError(
                f"column {twice} has two slices: keep one, with all edges in it; for another view of the column, add a "
                "feature to features.sql"
            )
        return slices


class FairnessBounds(Declaration):
    """Bounds of the gaps between groups of people."""

    selection_rate: float | None = Field(
        None, gt=0, le=1, description="Largest difference of the share of rows with a score from the threshold on."
    )
    true_positive_rate: float | None = Field(
        None, gt=0, le=1, description="Largest difference of that share among rows of class 1."
    )
    false_positive_rate: float | None = Field(
        None, gt=0, le=1, description="Largest difference of that share among rows of class 0."
    )
    calibration: float | None = Field(
        None, gt=0, description="Largest difference of mean score minus mean label, in units of the label."
    )
    max_widening: float | None = Field(
        None, ge=0, description="By how much a bounded gap may be wider than the champion's; null: it is not compared."
    )

    @property
    def bounds(self) -> dict[str, float]:
        """The figures that have a bound."""
        figures = ("selection_rate", "true_positive_rate", "false_positive_rate", "calibration")
        return {name: value for name in figures if (value := getattr(self, name)) is not None}


class Fairness(FairnessBounds):
    """Bounds of the gaps between groups of people, those of the slices with `inclusion: true`; none by default."""

    def problems(self, task: str, slices: tuple[Slice, ...]) -> Iterator[str]:
        """What does not fit the label and the slices."""
        if self.max_widening is not None and not self.bounds:
            yield "gate.fairness.max_widening is for gaps that have a bound: bound one, such as `selection_rate: 0.2`"
        if self.bounds and not any(each.inclusion for each in slices):
            yield "gate.fairness bounds gaps between groups of people: set `inclusion: true` at the slices of them"
        if task == "multiclass" and self.bounds:
            yield "gate.fairness is for labels of two classes and for regressions: remove it"
        rates = [name for name in self.bounds if name != "calibration"]
        if task == "regression" and rates:
            yield f"gate.fairness.{rates[0]} is for a classification: of a regression only calibration has a gap"


class Gate(Declaration):
    """What the gate checks in addition to the bound of the metric; it cannot be switched off."""

    champion: Literal["interval", "point"] = Field(
        "interval",
        description="What must not be worse than the champion by more than the tolerance; interval: the lower end of "
        "the paired interval of the difference; point: the difference itself.",
    )
    max_skew: float = Field(
        1e-6, ge=0, description="Largest difference between the scores of a row by SQL and by Python."
    )
    max_relative_skew: float = Field(
        1e-5, ge=0, description="What is allowed in addition, as a share of the score: for float32 and large targets."
    )
    max_calibration_error: float | None = Field(
        None, gt=0, description="Largest calibration error; null: reported only."
    )
    max_model_bytes: int = Field(100_000_000, ge=1, description="Maximum size of the pickled model, in bytes.")
    max_milliseconds_per_row: float = Field(
        10.0, gt=0, description="Maximum time of a prediction per row, in milliseconds."
    )
    fairness: Fairness = Field(Fairness(), description="Bounds of the gaps between groups of people.")
    overridable: tuple[ProtectedCheck, ...] = Field(
        (), description="Which of the checks LEAKAGE and SKEW an override may name, as it may all others."
    )


class Ci(Declaration):
    """How many rows `snowloop ci` uses to try a change; the training after the merge uses all."""

    training_rows: int = Field(
        50_000,
        ge=10,
        description="Maximum number of rows of the source on which it trains and judges: by hash of key or group.",
    )
    compared_rows: int = Field(
        10_000, ge=1, description="Maximum number of rows that both the new and the serving version score."
    )


class Approval(Declaration):
    """The environments in which a person must approve a promotion; by default none."""

    targets: tuple[Annotated[Name, AfterValidator(str.lower)], ...] = Field(
        (), description="Environments, such as prod, in which a promotion waits for approval."
    )
    timeout: Duration = Field(
        timedelta(days=1), description="Without an answer after this time, the promotion is refused."
    )
    approvers: tuple[Text, ...] = Field(
        (), description="Airflow users who may approve; empty: whoever may edit the run."
    )

    @model_validator(mode="after")
    def _asked(self) -> Self:
        if self.model_fields_set and not self.targets:
            raise ValueError("no environment is named: add `targets: [prod]`, or remove `approval`")
        return self
