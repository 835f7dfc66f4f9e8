"""The declaration of the bounds for monitoring the champion."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from snowloop.project.alerts import RETRAINING, Alerts
from snowloop.project.base import Declaration, Text
from snowloop.project.durations import Duration
from snowloop.project.model_monitor import ModelMonitor


def _retrains(signal: str) -> str:
    if signal.partition(":")[0] not in RETRAINING:
        message = (
            f"signal '{signal}' is none that a new model cures: name {', '.join(RETRAINING)}, or one of their signals, "
            "such as drift:AGE"
        )
        raise ValueError(message)
    return signal


class DataHealth(Declaration):
    """Bounds of what arrives and of how it is scored; each is judged by whole days in UTC."""

    max_volume_deviation: float = Field(
        5.0,
        gt=0,
        description="By how many robust deviations the rows of a day may differ from the same weekdays before it.",
    )
    max_quarantine_share: float = Field(0.05, ge=0, le=1, description="Share of a day's rows that may be quarantined.")
    max_reject_share: float = Field(
        0.05, ge=0, le=1, description="Share of a day's records that may be rejected while files are loaded."
    )
    max_latency: Duration = Field(
        timedelta(days=1), description="Time from load to score that 95 % of a day's rows must keep."
    )


class Performance(Declaration):
    """How labels that become known later are measured and judged."""

    window: Duration = Field(timedelta(days=7), description="Length of a window of event time.")
    min_coverage: float = Field(
        0.8, gt=0, le=1, description="Share of a window's scored rows whose label must be known before it is judged."
    )
    label_delay: Duration | None = Field(
        None,
        description="How long after its end a window is judged whatever the share; null: label.known_after, if any.",
    )
    max_drop: float | None = Field(
        None,
        gt=0,
        description="By how much the metric may be worse than on the held-out rows of the training; null: as far as "
        "the bound of `metric`, at least its tolerance.",
    )
    max_calibration_error: float | None = Field(
        None, gt=0, description="Largest calibration error beyond chance; null: reported only."
    )
    estimate: bool = Field(
        False,
        description="Whether to estimate the metric of classes without labels too (CBPE); it is shown, never judged.",
    )
    history: Duration = Field(timedelta(days=180), description="How old a row may be to be measured.")

    def problems(self, task: str) -> Iterator[str]:
        """What does not fit the task of the label, in words."""
        if self.estimate and task == "regression":
            yield (
                "monitoring.performance.estimate takes scores for probabilities, and those of a regression are none: "
                "remove it"
            )


class Drift(Declaration):
    """When a window of scored rows has drifted from the training rows; docs/drift.md has the measures."""

    window: Duration = Field(timedelta(days=1), description="Length of a window, by the time of scoring.")
    min_rows: int = Field(
        500, ge=50, description="A window of fewer rows is joined with the next; until then it is not judged."
    )
    bound: float = Field(
        0.1, gt=0, description="Maximum population stability index (PSI) of a feature, the scores, and their total."
    )
    false_alarms: float = Field(
        0.01,
        gt=0,
        le=0.5,
        description="Chance that a window without drift is reported: it raises the bound where a window has few rows.",
    )
    ignore: tuple[str, ...] = Field((), description="Features that are measured but not judged, such as a date.")


class ScoreCard(Declaration):
    """What counts as evidence on the score card."""

    window: Duration = Field(timedelta(days=90), description="How old evidence may be.")
    max_feature_time: Duration = Field(
        timedelta(minutes=1), description="Maximum time to compute one feature alone for all rows."
    )


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
    data: DataHealth = Field(DataHealth(), description="Bounds of what arrives and of how it is scored.")
    performance: Performance = Field(Performance(), description="How labels that become known later are judged.")
    alerts: Alerts = Field(Alerts(), description="When an alert opens and closes, and who is notified.")
    retrain_on: tuple[Annotated[Text, AfterValidator(_retrains)], ...] = Field(
        (),
        description="Signals, or their part before the colon, such as drift:AGE or performance, whose open alert runs "
        "the DAG `<project>__train`, unless an alert of data health is open.",
    )
    retrain_cooldown: Duration = Field(
        timedelta(days=7), description="Time from one retraining by an alert until the next."
    )
    retrain_timeout: Duration = Field(
        timedelta(days=2), description="Time after which a retraining without an outcome counts as lost."
    )
    drift: Drift = Field(Drift(), description="When scored rows have drifted from the training rows.")
    model_monitor: ModelMonitor | None = Field(
        None, description="Snowflake's own model monitor of the champion, where the account has it; null: none."
    )
    score_card: ScoreCard = Field(ScoreCard(), description="What counts as evidence on the score card.")
