"""Follows the real calls of bank_marketing in the order of their dates: as a module, for the table of docs/drift.md.

The champion is trained once, by the shipped model.py, on three of four calls of May to November 2008; the fourth ones
are served as the first windows. The bins are those of ``drift_simulation``, which test_drift.py compares with SQL;
bounds, windows, alerts and intervals are the product's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from runpy import run_path
from typing import Any

import numpy as np
import pandas as pd

from snowloop.lifecycle.monitoring.alerts import Alert, JudgedWindow, Moment, advance
from snowloop.lifecycle.monitoring.drift import merge_windows
from snowloop.lifecycle.monitoring.drift_bounds import Bound, bound, noise
from snowloop.project import Alerts, load_project
from snowloop.project.monitoring import Drift
from snowloop_procedures.statistics.intervals import interval
from tests.lifecycle.monitoring.drift_simulation import Bins, psi
from tests.support.world import SHARED

FILE = SHARED / "data" / "bank_marketing" / "bank-full.csv"
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
TRAINED_UNTIL = datetime(2008, 12, 1, tzinfo=UTC)
IGNORED = ("MONTH_NAME", "DAY_OF_MONTH")
"""They say which time of the year it is; the shipped declaration has them as features."""
CHUNKS = 10
MIN_ROWS = Drift().min_rows


@dataclass(frozen=True)
class Months:
    """A window of calls.

    Args:
        start: Its first month.
        rows: Its calls.
        over: Features over their bound, the one farthest above it first.
        value: Greatest PSI as a share of its bound.
        stale: ROC AUC of the champion, with its interval.
        retrained: ROC AUC of the same estimator, trained on all calls before the window; None until training ends.
        alerts: Signals whose alert is open after the window.
    """

    start: datetime
    rows: int
    over: tuple[str, ...]
    value: float
    stale: tuple[float, float, float]
    retrained: float | None
    alerts: tuple[str, ...]


def calls() -> pd.DataFrame:
    """The calls with the features of the shipped features.sql, the month in which each was made, and the label Y."""
    raw = pd.read_csv(FILE, sep=";")
    number = raw["month"].map(MONTHS.index)
    year = 2008 + (number.diff() < 0).cumsum()
    features = pd.DataFrame(
        {
            "AGE": raw["age"].astype(float), "JOB": raw["job"], "MARITAL": raw["marital"],
            "EDUCATION": raw["education"], "IN_DEFAULT": raw["default"],
            "LOG_BALANCE": np.sign(raw["balance"]) * np.log1p(raw["balance"].abs()),
            "HOUSING": raw["housing"], "LOAN": raw["loan"], "CONTACT": raw["contact"],
            "DAY_OF_MONTH": raw["day"].astype(float), "MONTH_NAME": raw["month"],
            "CAMPAIGN": raw["campaign"].astype(float), "CONTACTED_BEFORE": (raw["pdays"] >= 0).astype(float),
            "DAYS_SINCE_CONTACT": raw["pdays"].where(raw["pdays"] >= 0, 999).astype(float),
            "PREVIOUS": raw["previous"].astype(float), "POUTCOME": raw["poutcome"],
        }
    )  # fmt: skip
    months = [datetime(y, m + 1, 1, tzinfo=UTC) for y, m in zip(year, number, strict=True)]
    return features.assign(MONTH=months, Y=(raw["y"] == "yes").astype(int))


def coded(training: pd.Series, column: pd.Series) -> np.ndarray:
    """A column as ``Bins`` takes it: categories as numbers with a fraction of a half, unseen ones beyond the others."""
    if column.dtype.kind == "f":
        return column.to_numpy()
    known = {name: place + 0.5 for place, name in enumerate(sorted(training.unique()))}
    return column.map(lambda name: known.get(name, len(known) + 0.5)).to_numpy()


def limit(bins: Bins, training: np.ndarray, rows: int, used: int, columns: int) -> Bound:
    """The bound of a column in a window: declared, by chance, or by what the training rows do themselves."""
    own = [psi(bins.count(chunk), bins.expected)[0] for chunk in np.array_split(training, CHUNKS)]
    chance = noise(used, rows, len(training), columns, Drift().false_alarms)
    return bound(Drift().bound, chance, float(np.mean(own) + 3 * np.std(own, ddof=1)))


def auc(label: np.ndarray, score: np.ndarray) -> tuple[float, float, float]:
    """ROC AUC with the gate's interval of 95 %."""
    found = interval("roc_auc", label, score, 0.5, 0.95)
    assert found
    return found["value"], found["low"], found["high"]


def follow() -> list[Months]:
    """Each window after the training, in order."""
    rows = calls()
    columns = [name for name in rows if name not in ("MONTH", "Y")]
    project = load_project("bank_marketing")
    build = run_path(str(project.directory / "model.py"))["build_model"]

    def fitted(some: pd.DataFrame) -> Any:
        return build(kind="logistic").fit(some[columns].convert_dtypes(), some["Y"])

    served = (rows["MONTH"] >= TRAINED_UNTIL) | (np.arange(len(rows)) % 4 == 0)
    training = rows[~served]
    champion = fitted(training)
    judged = [name for name in columns if name not in IGNORED]
    codes = {name: coded(training[name], training[name]) for name in judged}
    bins = {name: Bins(values) for name, values in codes.items()}
    slices = [(month, int(count), True) for month, count in rows[served].groupby("MONTH").size().items()]
    windows, _ = merge_windows(slices, timedelta(days=28), MIN_ROWS)
    judged_windows: list[JudgedWindow] = []
    alerts: dict[tuple[str, str | None], Alert] = {}
    found = []
    for window in windows:
        now = rows[served & (rows["MONTH"] >= window.start) & (rows["MONTH"] < window.end)]
        shares = {}
        for name in judged:
            value, used = psi(bins[name].count(coded(training[name], now[name])), bins[name].expected)
            top = limit(bins[name], codes[name], len(now), used, len(columns) + 1).value
            shares[name] = value / top
            ends = (window.start, window.end)
            judged_windows.append(JudgedWindow(f"drift:{name}", "V1", *ends, value <= top, value, top, ""))
        step = advance(list(alerts.values()), judged_windows, {}, Moment(Alerts(), "V1", window.end, "bank"))
        alerts |= {(each.signal, each.version): each for each in step.alerts}
        features, label = now[columns].convert_dtypes(), now["Y"].to_numpy()
        fresh = fitted(rows[rows["MONTH"] < window.start]) if window.start >= TRAINED_UNTIL else None
        order = sorted(shares, key=lambda name: -shares[name])
        found.append(
            Months(
                window.start, len(now), tuple(name for name in order if shares[name] > 1), shares[order[0]],
                auc(label, champion.predict_proba(features)[:, 1]),
                auc(label, fresh.predict_proba(features)[:, 1])[0] if fresh else None,
                tuple(sorted(each.signal for each in alerts.values() if each.is_open)),
            )
        )  # fmt: skip
    return found


def report() -> None:
    """Print the table of docs/drift.md."""
    print("| window from | calls | features over their bound | PSI / bound | stale AUC | retrained AUC | open alerts |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in follow():
        value, low, high = each.stale
        over = f"{len(each.over)}: {', '.join(each.over[:3])}" if each.over else "none"
        stale = f"{value:.3f} ({low:.3f} to {high:.3f})"
        retrained = "-" if each.retrained is None else f"{each.retrained:.3f}"
        print(
            f"| {each.start:%B %Y} | {each.rows:,} | {over} | {each.value:.1f} | {stale} | {retrained} | "
            f"{len(each.alerts) or 'none'} |"
        )


if __name__ == "__main__":
    report()
