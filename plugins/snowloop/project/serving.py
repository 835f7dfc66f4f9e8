"""The declaration of serving: how the native task scores new rows, and what comes again."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from croniter import croniter
from pydantic import AfterValidator, Field, model_validator

from snowloop.project.base import Declaration, Identifier, Text
from snowloop.project.challenger import Challenger
from snowloop.project.sources import Source
from snowloop.project.training import Split

INTERVAL = re.compile(r"([1-9]\d{0,6}) (?:SECOND|MINUTE|HOUR)S?", re.IGNORECASE)
CRON = re.compile(r"USING CRON (\S+(?: \S+){4}) (\S+)", re.IGNORECASE)


def _interval(value: str) -> str:
    if not INTERVAL.fullmatch(value):
        message = f"'{value}' is no interval: write a number and a unit, such as 30 SECONDS, 5 MINUTES or 1 HOUR"
        raise ValueError(message)
    return value


def _task_schedule(value: str) -> str:
    """As a task is scheduled (https://docs.snowflake.com/en/sql-reference/sql/create-task)."""
    cron = CRON.fullmatch(value)
    if cron is None:
        if INTERVAL.fullmatch(value):
            return value
        message = (
            f"'{value}' is no schedule of a task: write '5 MINUTE', or 'USING CRON 0 * * * * UTC' with a time zone"
        )
        raise ValueError(message)
    if not croniter.is_valid(cron[1]):
        message = f"'{cron[1]}' is not a cron expression such as 0 * * * *"
        raise ValueError(message)
    try:
        ZoneInfo(cron[2])
    except (KeyError, ValueError, OSError) as error:
        message = f"'{cron[2]}' is not a time zone such as UTC or Europe/Berlin"
        raise ValueError(message) from error
    return value


class Serving(Declaration):
    """How the native scoring task runs."""

    schedule: Annotated[Text, AfterValidator(_task_schedule)] | None = Field(
        None, description="Such as '5 MINUTE', or 'USING CRON 0 * * * * UTC'; null: when rows arrive."
    )
    minimum_interval_seconds: int = Field(10, ge=10, le=604_800, description="Minimum time between triggered runs.")
    timeout_seconds: int = Field(3600, ge=1, le=604_800, description="Maximum time of a run of the task graph.")
    suspend_after_failures: int = Field(
        3, ge=0, description="Number of consecutive failed runs that suspend the task; 0: never."
    )
    retry_attempts: int = Field(1, ge=0, le=30, description="How often a failed run is retried.")
    overlap: bool = Field(False, description="Whether a run may start while the previous one is still being monitored.")
    warehouse: Identifier | None = Field(None, description="The warehouse of the tasks; null: that of the environment.")
    serverless: bool = Field(False, description="Run on compute that Snowflake manages, without a warehouse.")
    initial_size: Literal["XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE"] = Field(
        "XSMALL", description="Initial size of a serverless task."
    )
    target_completion: Annotated[Text, AfterValidator(_interval)] = Field(
        "5 MINUTES", description="How fast a serverless, triggered run should finish."
    )
    corrections: bool = Field(False, description="Whether rows that are updated in the source are scored again.")
    rescore: Literal["every_row"] | None = Field(
        None, description="every_row: a key comes again, and its rows differ by event time; null: a key comes once."
    )
    keep_features: bool = Field(True, description="Whether SERVING.SCORED keeps the features of each row.")
    challenger: Challenger | None = Field(
        None, description="How the version with the alias CHALLENGER scores; null: it does not."
    )

    @model_validator(mode="after")
    def _one_compute(self) -> Self:
        if self.serverless and self.warehouse:
            raise ValueError("tasks run on a warehouse or serverless, not both: remove `warehouse` or `serverless`")
        return self

    def problems(self, source: Source, key: tuple[str, ...], split: Split) -> Iterator[str]:
        """What the rows of a key that comes again lack: a time that tells them apart, and to be held out together."""
        if self.rescore is None:
            return
        if source.event_time is None:
            yield (
                "serving.rescore: every_row needs a time that tells the rows of a key apart, or the same file loaded "
                "twice would be scored twice: declare the `event_time` of the scored source"
            )
        if source.event_time in key:
            yield (
                f"the key names the event time {source.event_time} already, so each of its values is a row of its own: "
                "remove serving.rescore, or remove the column from the key, which then is what comes again"
            )
        if split.by == "hash":
            column = key[0] if len(key) == 1 else "a column"
            yield (
                "serving.rescore: every_row has several rows of a key, and split `by: hash` would train on some and "
                f"hold out others: declare split: {{by: group, column: {column}}}, or {{by: time}}"
            )
