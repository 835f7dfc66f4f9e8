"""What monitoring found over time: the content of its page, and of any other place that shows it."""

from dataclasses import dataclass
from datetime import date, datetime

from snowloop.lifecycle.monitoring.alerts import Alert
from snowloop.lifecycle.monitoring.data_health import DayOfLatency
from snowloop.lifecycle.monitoring.drift import Period
from snowloop.lifecycle.results import Result


@dataclass(frozen=True)
class DriftOfWindow:
    """The drift of one feature, of the scores or of the total in one window.

    Args:
        subject: The feature, ``(score)`` or ``(total)``.
        version: The version that scored the rows.
        start: Begin of the window, in UTC.
        end: Its end.
        rows: Rows in it.
        value: Population stability index against the version's baseline.
        bound: What it was compared with.
        passed: Whether the bound was kept; None of a feature that is to be ignored.
    """

    subject: str
    version: str
    start: datetime
    end: datetime
    rows: int
    value: float
    bound: float
    passed: bool | None


@dataclass(frozen=True)
class ScoreBin:
    """A bin of the scores.

    Args:
        name: ``B01`` and so on, ``BELOW``, ``ABOVE`` or ``NULL``.
        lower: Its lower edge; None if it has none.
        upper: Its upper edge; None if it has none.
        trained: Held-out rows of the training in it.
        rows: Rows of the window in it.
    """

    name: str
    lower: float | None
    upper: float | None
    trained: int
    rows: int


@dataclass(frozen=True)
class MeanScore:
    """The mean score of a version on one day, in UTC."""

    day: date
    version: str
    mean: float


@dataclass(frozen=True)
class PerformanceOfWindow:
    """The deciding metric of a version in one window of event time.

    Args:
        version: The version that scored the rows.
        start: Begin of the window, in UTC.
        end: Its end.
        value: The metric; None if the labels do not allow it.
        low: Lower end of its interval; None if there is none.
        high: Upper end.
        scored: Scored rows.
        labelled: Those whose label is known.
        mature: Whether the window is judged.
        estimate: What the metric is expected to be without labels; None if that is not declared.
    """

    version: str
    start: datetime
    end: datetime
    value: float | None
    low: float | None
    high: float | None
    scored: int
    labelled: int
    mature: bool
    estimate: float | None = None


@dataclass(frozen=True)
class DayOfRuns:
    """The rows of the loop's own runs on one day.

    Args:
        day: The day, in UTC; the newest one may not be over.
        rows: Rows that were read.
        quarantined: Those that were quarantined.
        usual: Whether the volume kept its bound; None if it was not judged.
    """

    day: date
    rows: int
    quarantined: int
    usual: bool | None


@dataclass(frozen=True)
class Signal:
    """The newest judgement of a signal.

    Args:
        name: The signal, such as ``volume``.
        start: Begin of the window, in UTC, or the moment of the judgement.
        end: Its end.
        value: What was measured; None if nothing was.
        bound: What it was compared with.
        passed: Whether the bound was kept; None if it was not judged.
        reason: The judgement in words.
    """

    name: str
    start: datetime
    end: datetime
    value: float | None
    bound: float | None
    passed: bool | None
    reason: str


@dataclass(frozen=True)
class MonitoringHistory(Result):
    """All of it.

    Args:
        champion: The version that serves.
        at: Snowflake's time when it was read, in UTC.
        alerts: Open alerts, the newest first.
        drift: Drift by window, the oldest first, of all versions that served.
        scores: Bins of the champion's scores; empty if its version has no baseline.
        score_window: Of which window they are; None if none was measured yet.
        mean_scores: Mean score by day and version.
        metric: The deciding metric.
        reference: Its value on the held-out rows of the champion's training; None if that is not recorded.
        worst: The metric that is still allowed; None if no window was judged.
        performance: Performance by window of event time, the oldest first.
        days: Volume by day, the oldest first.
        latencies: Latency by day of the load, the oldest first.
        max_latency: Seconds that are allowed for 95 % of the rows.
        signals: The newest judgement of each signal, by name.
    """

    project: str
    target: str
    champion: str
    at: datetime
    alerts: tuple[Alert, ...]
    drift: tuple[DriftOfWindow, ...]
    scores: tuple[ScoreBin, ...]
    score_window: Period | None
    mean_scores: tuple[MeanScore, ...]
    metric: str
    reference: float | None
    worst: float | None
    performance: tuple[PerformanceOfWindow, ...]
    days: tuple[DayOfRuns, ...]
    latencies: tuple[DayOfLatency, ...]
    max_latency: float
    signals: tuple[Signal, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The champion, and how many alerts are open."""
        return {"version": self.champion, "alerts": len(self.alerts)}
