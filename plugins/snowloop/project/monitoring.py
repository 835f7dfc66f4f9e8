"""The declaration of the bounds for monitoring the champion."""

from datetime import timedelta

from pydantic import Field

from snowloop.project.durations import Duration
from snowloop.project.sources import Declaration


class Monitoring(Declaration):
    """Bounds that the DAG `<project>__health` checks."""

    max_model_age: Duration = Field(timedelta(days=90), description="Maximum age of the champion's training set.")
    max_slowdown: float = Field(
        5.0,
        gt=1,
        description="Maximum seconds per row of a scoring run of a minute or more, as a multiple of the median.",
    )
    max_backlog_age: Duration = Field(
        timedelta(days=1),
        description="How long loaded rows may wait to be scored; it must be longer than the schedule of the loop.",
    )
