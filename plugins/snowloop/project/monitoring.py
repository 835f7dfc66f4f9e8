"""The typed form of what is watched of the version that serves."""

from datetime import timedelta

from pydantic import Field

from snowloop.project.durations import Duration
from snowloop.project.sources import Declaration


class Monitoring(Declaration):
    """Bounds of what `<project>__health` watches."""

    max_model_age: Duration = Field(
        timedelta(days=90), description="How old the training set of the version that serves may be."
    )
    max_slowdown: float = Field(
        5.0, gt=1, description="How many times the usual seconds per row a scoring run of a minute or more may take."
    )
    max_backlog_age: Duration = Field(
        timedelta(days=1), description="How long a load may wait to be scored; longer than the loop's schedule."
    )
