"""The typed form of what is asked of a model before it serves: metric, leakage, evaluation, gate and approval."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from snowloop.project.durations import Duration
from snowloop.project.label import ERROR_METRICS
from snowloop.project.sources import Declaration, Identifier, Name, Text


class Metric(Declaration):
    """The figure that decides, the bound it must keep, and by how much it may be worse than the champion's."""

    name: Literal[
        "roc_auc", "average_precision", "accuracy", "f1", "log_loss", "brier", "balanced_accuracy", "f1_macro",
        "roc_auc_ovr", "rmse", "mae", "r2",
    ] = Field(description="The metric that decides; it has to fit the task.")  # fmt: skip
    at_least: float | None = Field(None, description="The bound of a metric of which more is better.")
    at_most: float | None = Field(None, description="The bound of an error, of which less is better.")
    tolerance: float = Field(
        0.0, ge=0, description="By how much it may be worse than the champion's or the baseline's."
    )
    min_support: int = Field(20, ge=1, description="Held-out rows needed (of classes: of the rarest).")

    @property
    def higher_is_better(self) -> bool:
        """Whether a greater value is the better one."""
        return self.name not in ERROR_METRICS

    @property
    def bound(self) -> float:
        """The absolute bound."""
        return self.at_least if self.at_least is not None else float(self.at_most or 0.0)

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        wanted, other = ("at_least", "at_most") if self.higher_is_better else ("at_most", "at_least")
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            message = f"the bound of {self.name} is declared by `{wanted}: <number>` and by nothing else"
            raise ValueError(message)
        return self


class Leakage(Declaration):
    """What a training set must not give away; a column that is known only after the label says so itself."""

    max_single_feature: float = Field(0.9, gt=0, le=1, description="Highest ROC AUC (or R2) of one feature alone.")
    max_identical_rows: float = Field(1.0, ge=0, le=1, description="Share of held-out rows also seen in training.")
    single_feature_rows: int = Field(
        25_000, ge=10, description="Most training rows, and most held-out rows, on which one feature alone is tried."
    )


class Slice(Declaration):
    """A part of the held-out rows that is measured by itself: each value of a column, or each range of numbers."""

    column: Identifier = Field(description="A feature, or a column of the source.")
    edges: tuple[float, ...] = Field((), description="For numbers: where one range ends and the next begins.")
    bound: float | None = Field(None, description="What the deciding metric must keep in each part; null: told only.")
    min_rows: int = Field(100, ge=1, description="A part with fewer rows is told, not judged.")
    inclusion: bool = Field(False, description="Whether it is about people who must not be treated worse.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            message = f"edges {list(self.edges)} do not ascend: write each once, the lowest first"
            raise ValueError(message)
        return self


class EvaluationPlan(Declaration):
    """How a candidate is measured on the held-out rows."""

    slices: tuple[Slice, ...] = Field((), description="Parts of the rows that are measured by themselves.")
    threshold: float = Field(0.5, ge=0, le=1, description="Score from which a row counts as class 1.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Of the bootstrap intervals.")
    resamples: int = Field(200, ge=50, le=10_000, description="Of the bootstrap.")
    bootstrap_rows: int = Field(20_000, ge=100, description="Most rows of a resample; fewer make intervals wider.")
    importance_rows: int = Field(500, ge=0, description="Rows of the permutation importance; 0: none is computed.")
    skew_rows: int = Field(1000, ge=1, description="Rows that are scored both by SQL and by Python.")
    baseline_rows: int = Field(20_000, ge=10, description="Most rows that the simple baseline is fitted on.")

    @field_validator("slices")
    @classmethod
    def _once(cls, slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
        columns = [each.column for each in slices]
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice:
            message = (
                f"column {twice} has two slices, and its parts could not be told apart: keep one, with all edges in "
                "it; for another view of it, add a feature to features.sql"
            )
            raise ValueError(message)
        return slices


class Gate(Declaration):
    """What the gate asks beside the metric's bound; it cannot be switched off."""

    champion: Literal["interval", "point"] = Field(
        "interval",
        description="What must not be worse than the champion by more than the tolerance: the lower end of the paired "
        "interval of the difference, or the difference itself.",
    )
    max_skew: float = Field(1e-6, ge=0, description="Greatest difference of a row's scores by SQL and by Python.")
    max_calibration_error: float | None = Field(None, gt=0, description="null: told only.")
    max_model_bytes: int = Field(100_000_000, ge=1, description="Largest size of the pickled model.")
    max_milliseconds_per_row: float = Field(10.0, gt=0, description="Longest time that a prediction may take.")


class Approval(Declaration):
    """In which environments a person must say yes before a promotion; by default in none."""

    targets: tuple[Annotated[Name, AfterValidator(str.lower)], ...] = Field(
        (), description="Environments, such as prod, in which a promotion waits for a person's yes."
    )
    timeout: Duration = Field(timedelta(days=1), description="After this nobody has answered, and it is refused.")
    approvers: tuple[Text, ...] = Field((), description="Airflow users who may answer; empty: who may edit the run.")

    @model_validator(mode="after")
    def _asked(self) -> Self:
        if self.model_fields_set and not self.targets:
            message = "no environment is named: add `targets: [prod]`, or remove `approval`"
            raise ValueError(message)
        return self
