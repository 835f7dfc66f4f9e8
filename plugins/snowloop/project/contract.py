"""The typed form of what happens when rows break the contract: the run stops, or they are quarantined."""

from typing import Literal, Self

from pydantic import Field, model_validator

from snowloop.project.sources import Declaration


class _OnFailure(Declaration):
    """What happens to rows that break the contract, and to the run that meets them."""

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
        given = sorted(self.model_fields_set - {"on_failure"})
        if self.on_failure == "stop" and given:
            message = f"{given[0]} goes with `on_failure: quarantine`: with `stop` the first failing row stops the run"
            raise ValueError(message)
        return self


class OnTraining(_OnFailure):
    """What happens when rows that would train break the contract."""

    on_failure: Literal["stop", "quarantine"] = Field(
        "stop", description="Stop before training, or leave such rows out and keep them in FEATURES.SET_ASIDE."
    )
    max_failing_share: float | None = Field(
        None, gt=0, lt=1, description="With quarantine: share of the rows that may be set aside; more stop the run."
    )

    @model_validator(mode="after")
    def _told(self) -> Self:
        if self.on_failure == "quarantine" and self.max_failing_share is None:
            message = "with `on_failure: quarantine` say how many rows a training set may lose: add max_failing_share"
            raise ValueError(message)
        return self


class OnArrival(_OnFailure):
    """What happens when rows of a scoring run break the contract."""

    on_failure: Literal["stop", "quarantine"] = Field(
        "quarantine", description="Score the good rows and keep the others in SERVING.QUARANTINE, or stop the run."
    )
    max_failing_share: float | None = Field(
        None, gt=0, lt=1, description="With quarantine: share of a run's rows; more stop the run; null: never."
    )
    min_rows: int = Field(100, ge=1, description="With max_failing_share: a run of fewer rows never stops.")

    @property
    def least(self) -> int:
        """From how many rows on a run is judged as a whole."""
        return 1 if self.on_failure == "stop" else self.min_rows


class Contract(Declaration):
    """What happens when rows break the contract; what it asks of them stands at the columns of the sources."""

    training: OnTraining = Field(OnTraining(), description="Before training; by default the run stops.")
    arriving: OnArrival = Field(OnArrival(), description="In a scoring run; by default such rows are quarantined.")
