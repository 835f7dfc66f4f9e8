"""The declaration of the label, and the metrics that fit its task."""

from typing import Any, Literal, Self

from pydantic import Field, StrictInt, StrictStr, field_validator, model_validator

from snowloop.project.base import Declaration, Identifier
from snowloop.project.durations import Duration

METRICS = {
    "classification": ("roc_auc", "average_precision", "accuracy", "f1", "log_loss", "brier"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics of each task; snowloop_procedures.statistics.metrics computes them."""

ERROR_METRICS = ("log_loss", "brier", "rmse", "mae")
"""Metrics where lower is better."""


class Label(Declaration):
    """What is predicted; ``label.sql`` returns it.

    The label of a classification is 0 or 1, and SCORE is the probability of 1. The label of several classes
    (``multiclass``) is one of the declared classes, which are all texts or all whole numbers.
    """

    column: Identifier = Field(description="Its column in label.sql.")
    task: Literal["classification", "multiclass", "regression"] = Field(
        description="classification: the label is 0 or 1; multiclass: several classes; regression: a number."
    )
    classes: tuple[StrictInt | StrictStr, ...] = Field((), description="With multiclass: all classes.")
    known_after: Duration | None = Field(None, description="How long after the event time the label is known.")
    known_at: Identifier | None = Field(
        None, description="Column of label.sql with the time at which the label became known."
    )

    @field_validator("classes", mode="before")
    @classmethod
    def _alike(cls, values: Any) -> Any:
        """One message instead of one for each class: YAML reads yes and no as booleans, and 1.5 as a number."""
        if not isinstance(values, list | tuple):
            message = "expected a list of classes, such as [basic, plus, pro] or [1, 2, 3]"
            raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError with its place
        kinds = {type(value) for value in values}
        if values and kinds not in ({str}, {int}):
            raise ValueError("classes are all texts or all whole numbers: put texts such as 'yes' or '1.5' in quotes")
        if len(set(values)) < len(values):
            raise ValueError("a class is declared twice: write each once")
        return values

    @field_validator("classes")
    @classmethod
    def _in_order(cls, values: tuple[int | str, ...]) -> tuple[int | str, ...]:
        """In the order in which estimators have them, whatever the order of the declaration (``numpy.unique``)."""
        return tuple(sorted(values))

    @model_validator(mode="after")
    def _declared(self) -> Self:
        if self.task == "multiclass" and len(self.classes) < 2:
            raise ValueError(
                "a multiclass label needs two classes or more: declare all that label.sql gives in `classes: [...]`"
            )
        if self.task != "multiclass" and self.classes:
            raise ValueError(
                f"classes are for `task: multiclass`, not for {self.task}: remove them, or change the task "
                "(the label of a classification is 0 or 1)"
            )
        if self.known_after and self.known_at:
            raise ValueError("known_after and known_at both define when the label is known: keep one of them")
        return self

    @property
    def values(self) -> tuple[int | str, ...]:
        """All values that the label may have; empty for a regression."""
        return (0, 1) if self.task == "classification" else self.classes

    @property
    def type(self) -> str:
        """The column type of the label."""
        if self.task == "regression":
            return "FLOAT"
        return "VARCHAR" if self.classes and isinstance(self.classes[0], str) else "NUMBER(38,0)"
