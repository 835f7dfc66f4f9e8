"""The declaration of what a model must pass before it serves: metric, leakage, evaluation, gate and approval."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from snowloop.project.durations import Duration
from snowloop.project.label import ERROR_METRICS
from snowloop.project.sources import Declaration, Identifier, Name, Text


class Metric(Declaration):
    """The deciding metric, its bound, and by how much it may be worse than the champion's."""

    name: Literal[
        "roc_auc", "average_precision", "accuracy", "f1", "log_loss", "brier", "balanced_accuracy", "f1_macro",
        "roc_auc_ovr", "rmse", "mae", "r2",
    ] = Field(description="The deciding metric; it must fit the task.")  # fmt: skip
    at_least: float | None = Field(None, description="The bound of a metric where higher is better.")
    at_most: float | None = Field(None, description="The bound of an error, where lower is better.")
    tolerance: float = Field(
        0.0, ge=0, description="By how much it may be worse than that of the champion or the baseline."
    )
    min_support: int = Field(
        20, ge=1, description="Minimum number of held-out rows; of a classification, of its rarest class."
    )

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher value is better."""
        return self.name not in ERROR_METRICS

    @property
    def bound(self) -> float:
        """The absolute bound."""
        return self.at_least if self.at_least is not None else float(self.at_most or 0.0)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        required, other = ("at_least", "at_most") if self.higher_is_better else ("at_most", "at_least")
        if getattr(self, required) is None or getattr(self, other) is not None:
            message = f"the bound of {self.name} is declared by `{required}: <number>` and by nothing else"
            raise ValueError(message)
        return self


class Leakage(Declaration):
    """Bounds of the leakage checks; a column that is known only after the label declares that itself."""

    max_single_feature: float = Field(0.9, gt=0, le=1, description="Highest ROC AUC (or R2) of a single feature.")
    max_identical_rows: float = Field(
        1.0, ge=0, le=1, description="Highest share of held-out rows whose features equal those of a training row."
    )
    single_feature_rows: int = Field(
        25_000,
        ge=10,
        description="Maximum number of training rows, and of held-out rows, on which single features are tested.",
    )


class Slice(Declaration):
    """Held-out rows that are evaluated separately: for each value of a column, or for each range of numbers."""

    column: Identifier = Field(description="A feature, or a column of the source.")
    edges: tuple[float, ...] = Field((), description="For numbers: the boundaries between the ranges.")
    bound: float | None = Field(None, description="Bound of the deciding metric in each part; null: reported only.")
    min_rows: int = Field(100, ge=1, description="A part with fewer rows is reported, but not checked.")
    inclusion: bool = Field(
        False, description="Whether the slice is about groups of people who must not be treated worse."
    )

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            message = f"edges {list(self.edges)} do not ascend: write each once, the lowest first"
            raise ValueError(message)
        return self


class EvaluationPlan(Declaration):
    """How a candidate is evaluated on the held-out rows."""

    slices: tuple[Slice, ...] = Field((), description="Parts of the rows that are evaluated separately.")
    threshold: float = Field(0.5, ge=0, le=1, description="Score from which a row is predicted as class 1.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Confidence level of the bootstrap intervals.")
    resamples: int = Field(200, ge=50, le=10_000, description="Number of bootstrap resamples.")
    bootstrap_rows: int = Field(
        20_000, ge=100, description="Maximum number of rows of a resample; fewer rows make wider intervals."
    )
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
            message = (
                f"column {twice} has two slices: keep one, with all edges in it; for another view of the column, add a "
                "feature to features.sql"
            )
            raise ValueError(message)
        return slices


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
    max_calibration_error: float | None = Field(
        None, gt=0, description="Largest calibration error; null: reported only."
    )
    max_model_bytes: int = Field(100_000_000, ge=1, description="Maximum size of the pickled model, in bytes.")
    max_milliseconds_per_row: float = Field(
        10.0, gt=0, description="Maximum time of a prediction per row, in milliseconds."
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
            message = "no environment is named: add `targets: [prod]`, or remove `approval`"
            raise ValueError(message)
        return self
