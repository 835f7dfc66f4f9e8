"""A made history of monitoring: two versions, drift of some features, immature labels, a slow and an empty day."""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from snowloop.lifecycle.monitoring.alerts import Alert
from snowloop.lifecycle.monitoring.data_health import DayOfLatency
from snowloop.lifecycle.monitoring.drift import Period
from snowloop.lifecycle.report.monitoring.history import (
    DayOfRuns,
    DriftOfWindow,
    MeanScore,
    MonitoringHistory,
    PerformanceOfWindow,
    ScoreBin,
    Signal,
)

DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 40
OLD, NEW = "LOGISTIC_20260101", "BOOSTING_20260322"
FEATURES = ("(total)", "(score)", "AGE", "JOB", "BALANCE", "HOUSING", "CONTACT", "CAMPAIGN", "POUTCOME", "PDAYS")


def made_history() -> MonitoringHistory:
    """The history."""
    rng = np.random.default_rng(1)
    drift, means, days, latencies = [], [], [], []
    for number in range(DAYS):
        start, version = FIRST + number * DAY, OLD if number < 20 else NEW
        for name in FEATURES:
            value = float(abs(rng.normal(0.03, 0.015)))
            value += {"CONTACT": 0.02 * max(number - 25, 0), "BALANCE": 0.09 * (number % 7 == 3)}.get(name, 0.0)
            ignored = name == "PDAYS"
            drift.append(
                DriftOfWindow(name, version, start, start + DAY, 900, value, 0.1, None if ignored else value <= 0.1)
            )
        day = start.date()
        means.append(MeanScore(day, version, 0.2 + 0.02 * float(rng.normal()) + (0.05 if version == NEW else 0)))
        rows = 0 if number == 33 else int(900 * (0.5 if day.weekday() > 4 else 1) + 40 * rng.normal())
        days.append(DayOfRuns(day, rows, 70 if number == 12 else 0, None if number < 28 else number != 33))
        half = 40.0 * float(rng.lognormal(0, 0.3)) * (400 if number == 30 else 1)
        latencies.append(DayOfLatency(day, rows, half, 3 * half))
    latencies.append(DayOfLatency((FIRST + DAYS * DAY).date(), 20, None, None))
    performance = [
        PerformanceOfWindow(
            OLD if week < 3 else NEW, FIRST + 7 * week * DAY, FIRST + 7 * (week + 1) * DAY,
            value, value - 0.03, value + 0.03, 6000, 5500 if week < 5 else 900, week < 5,
        )
        for week, value in enumerate((0.74, 0.72, 0.69, 0.78, 0.77, 0.79))
    ]  # fmt: skip
    edges = [0.02, 0.05, 0.08, 0.11, 0.14, 0.18, 0.23, 0.3, 0.4]
    bins = [ScoreBin("BELOW", None, 0.004, 0, 3)]
    bins += [
        ScoreBin(f"B{place + 1:02}", ([None, *edges])[place], ([*edges, None])[place], 100, 60 + 14 * place)
        for place in range(10)
    ]
    last = FIRST + (DAYS - 1) * DAY
    opened = Alert(
        "a1b2", "drift:CONTACT", NEW, "error", "open", last - 5 * DAY, last - 7 * DAY, last, None, 3, 0.32, 0.1,
        "CONTACT of 900 rows: PSI 0.320, at most 0.100 (declared) is allowed",
    )  # fmt: skip
    signals = (
        Signal("volume", last, last + DAY, 0.4, 5.0, True, "880 rows on Friday"),
        Signal("freshness:CALLS", last, last, 90_000.0, 86_400.0, False, "the newest row of CALLS is 25 hours old"),
        Signal("calibration", last, last + 7 * DAY, 0.01, None, None, "not judged: no bound is declared"),
    )
    return MonitoringHistory(
        "bank", "prod", NEW, last + DAY, (opened,), tuple(drift), tuple(bins), Period(last, last + DAY, 900),
        tuple(means), "roc_auc", 0.79, 0.76, tuple(performance), tuple(days), tuple(latencies), 86_400.0, signals,
    )  # fmt: skip


def empty_history() -> MonitoringHistory:
    """The history of a champion that has not scored yet."""
    now = datetime.combine(date(2026, 3, 2), datetime.min.time(), UTC)
    return MonitoringHistory(
        "bank", "dev", NEW, now, (), (), (), None, (), "rmse", None, None, (), (), (), 86_400.0, ()
    )
