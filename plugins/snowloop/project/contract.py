"""The declaration of what happens to rows that break the contract: the run stops, or they are quarantined."""

from typing import Literal, Self

from pydantic import Field, model_validator

from snowloop.project.base import Declaration


class _OnFailure(Declaration):
    """What happens to rows that break the contract, and to the run."""

    on_failure: Literal["stop", "quarantine"]
    max_failing_share: float | None

    @property
    def share(self) -> float:
        """Share of the rows that may break the contract before the run stops."""
        if self.on_failure == "stop":
            return 0.0
        return 1.0 if self.max_failing_share is None else self.max_failing_share

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        extra = sorted(self.model_fields_set - {"on_failure"})
        if self.on_failure == "stop" and extra:
            message = f"{extra[0]} is for `on_failure: quarantine`: with `stop` the first failing row stops the run"
            raise ValueError(message)
        return self


class OnTraining(_OnFailure):
    """What happens when training rows break the contract."""

    on_failure: Literal["stop", "quarantine"] = Field(
        "stop",
        description="stop: stop before training; quarantine: leave such rows out and keep them in FEATURES.SET_ASIDE.",
    )
    max_failing_share: float | None = Field(
        None, gt=0, lt=1, description="With quarantine: share of the rows that may be left out; more stop the run."
    )

    @model_validator(mode="after")
    def _requires_a_share(self) -> Self:
        if self.on_failure == "quarantine" and self.max_failing_share is None:
            message = "`on_failure: quarantine` needs a limit on the rows that training may lose: add max_failing_share"
            raise ValueError(message)
        return self


class OnArrival(_OnFailure):
    """What happens when arriving rows break the contract."""

    on_failure: Literal["stop", "quarantine"] = Field(
        "quarantine",
        description="quarantine: score the good rows and keep the others in SERVING.QUARANTINE; stop: stop the run.",
    )
    max_failing_share: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="With quarantine: share of a run's rows that may fail; more stop the run; null: no limit.",
    )
    min_rows: int = Field(100, ge=1, description="With max_failing_share: runs of fewer rows never stop.")

    @property
    def least(self) -> int:
        """Number of rows from which the share of a run is checked."""
        return 1 if self.on_failure == "stop" else self.min_rows


class Contract(Declaration):
    """What happens when rows break the contract; the rules themselves are declared with the columns of the sources."""

    training: OnTraining = Field(OnTraining(), description="For training rows; by default the run stops.")
    arriving: OnArrival = Field(OnArrival(), description="For arriving rows; by default failing rows are quarantined.")
