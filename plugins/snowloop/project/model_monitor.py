"""The declaration of Snowflake's own model monitor."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from snowloop.project.base import Declaration, Name
from snowloop.project.durations import Duration

SHORTEST = timedelta(seconds=60)
"""The shortest refresh interval: https://docs.snowflake.com/en/sql-reference/sql/create-model-monitor."""


class ModelMonitor(Declaration):
    """A model monitor of Snowflake over the rows that the champion scores, next to what Snowloop measures itself."""

    targets: tuple[Annotated[Name, AfterValidator(str.lower)], ...] = Field(
        (), description="Environments that have one, such as prod; empty: all. The local Snowflake has none."
    )
    refresh: Duration = Field(timedelta(hours=1), description="How often it aggregates new rows; at least a minute.")
    window_days: int = Field(1, ge=1, le=365, description="Days of scoring that it aggregates to one value.")
    labels: bool = Field(
        True, description="Whether labels that become known are joined, for its performance metrics; NULL until then."
    )
    drift: Literal["JENSEN_SHANNON", "POPULATION_STABILITY_INDEX"] = Field(
        "JENSEN_SHANNON", description="Which drift metric is read of each feature and of the scores."
    )
    max_drift: float | None = Field(
        None, gt=0, description="Bound of that metric, by which windows are judged; null: read and not judged."
    )

    def is_in(self, target: str) -> bool:
        """Whether an environment has one."""
        return not self.targets or target.lower() in self.targets

    def problems(self, task: str, keep_features: bool) -> Iterator[str]:
        """What does not fit the label or the serving, in words.

        Args:
            task: The task of the label.
            keep_features: Whether features are kept with the scores.
        """
        if self.refresh < SHORTEST:
            yield "monitoring.model_monitor.refresh is shorter than a minute, the shortest that Snowflake has: raise it"
        if task == "multiclass":
            yield (
                "monitoring.model_monitor is for two classes and for a regression; of several classes Snowloop itself "
                "measures drift and performance: remove it"
            )
        if not keep_features:
            yield (
                "monitoring.model_monitor reads the features that are kept with the scores: remove "
                "`serving: {keep_features: false}`, or the monitor"
            )
