"""Simulates shifts of each kind until an alert opens; run it as a module for the table of docs/drift.md.

A project of five features whose model is right before the shift. Each window is judged by the product's own bounds,
intervals and robust deviations, and the judgements are followed by the product's own alerts, with their defaults. What
SQL does is done with numpy, as in ``drift_simulation``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from snowloop.lifecycle.monitoring.alerts import Alert, JudgedWindow, Moment, advance
from snowloop.lifecycle.monitoring.data_health import FEWEST, WEEKS, robust_deviation
from snowloop.lifecycle.monitoring.drift_bounds import bound, noise
from snowloop.project import Alerts
from snowloop.project.monitoring import DataHealth, Drift
from snowloop_procedures.statistics.intervals import interval
from tests.lifecycle.monitoring.drift_simulation import SIZES, Bins, psi

TRAINED, HELD_OUT = 10_000, 5000
DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 2, tzinfo=UTC)
FEATURES = ("AMOUNT", "AGE", "RATE", "COUNT", "KIND")
WEIGHTS = np.array([0.9, -0.6, 0.4, 0.3])
KINDS = np.array([0.6, 0.3, 0.1])
TOLERANCE = 0.02
MOST = 20
FRESH = 86_400.0
"""Age in seconds that ``freshness`` of the source allows."""
Rows = dict[str, np.ndarray]


@dataclass(frozen=True)
class Shift:
    """What changes from one window on.

    Args:
        signals: The signals of which one must have an alert.
        real: Whether what the rows are about changes, so that labels follow; else only what is recorded of it does.
        rows: Changes the features of a window before they are scored.
        prior: Multiplies the odds of the label, whose rows are like those of the same label before.
        weights: Multiplies the true weights: concept shift.
        volume: Multiplies the number of rows.
        late: Seconds by which the newest row is older than usual.
    """

    signals: tuple[str, ...]
    real: bool = False
    rows: Callable[[Rows, np.random.Generator], Rows] = lambda rows, _: rows
    prior: float = 1.0
    weights: float = 1.0
    volume: float = 1.0
    late: float = 0.0


def _amount(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Callable[..., Rows]:
    return lambda rows, rng: {**rows, "AMOUNT": change(rows["AMOUNT"], rng)}


SHIFTS = {
    "none": Shift(()),
    "covariate: mean + 0.5 deviations": Shift(
        ("drift:AMOUNT",), real=True, rows=_amount(lambda values, _: values + 0.5)
    ),
    "prior: odds of the label x 4": Shift(("drift:(score)", "drift:AMOUNT"), prior=4.0),
    "concept: the weights change their sign": Shift(("performance",), weights=-1.0),
    "concept: the weights are halved": Shift(("performance",), weights=0.5),
    "missing: 10 % NULL": Shift(
        ("drift:AMOUNT",), rows=_amount(lambda values, rng: np.where(rng.random(len(values)) < 0.1, np.nan, values))
    ),
    "new category: 10 % of the rows": Shift(
        ("drift:KIND",),
        rows=lambda rows, rng: {**rows, "KIND": np.where(rng.random(len(rows["KIND"])) < 0.1, 9.5, rows["KIND"])},
    ),
    "unit: x 100": Shift(("drift:AMOUNT",), rows=_amount(lambda values, _: values * 100)),
    "delayed feed: 2 days": Shift(("freshness:CALLS",), late=2 * FRESH),
    "volume: half the rows": Shift(("volume",), volume=0.5),
    "volume: twice the rows": Shift(("volume",), volume=2.0),
}


def drawn(rng: np.random.Generator, count: int) -> Rows:
    """Rows before any shift: four numbers, and a text whose categories are numbers with a fraction of a half."""
    return {
        "AMOUNT": rng.normal(size=count), "AGE": rng.normal(size=count), "RATE": rng.normal(size=count),
        "COUNT": rng.poisson(2, count) - 2.0, "KIND": rng.choice(3, count, p=KINDS) + 0.5,
    }  # fmt: skip


def odds(rows: Rows) -> np.ndarray:
    """Log odds by the model; a missing number counts as its mean."""
    return np.nan_to_num(np.stack([rows[name] for name in FEATURES[:4]], axis=1)) @ WEIGHTS - 1.0


def labels(rng: np.random.Generator, rows: Rows, shift: Shift) -> np.ndarray:
    """True labels, which follow the model before the shift."""
    true = shift.weights * (odds(rows) + 1.0) - 1.0
    return (rng.random(len(true)) < 1 / (1 + np.exp(-true))).astype(int)


def score(rows: Rows) -> np.ndarray:
    """What the model predicts."""
    return 1 / (1 + np.exp(-odds(rows)))


class Service:
    """A model in service, its baseline, and the volume of the weeks before the shift."""

    def __init__(self, rng: np.random.Generator, rows: int) -> None:
        trained, held_out = drawn(rng, TRAINED), drawn(rng, HELD_OUT)
        self.bins = {name: Bins(trained[name]) for name in FEATURES}
        self.bins["(score)"] = Bins(score(held_out))
        found = interval("roc_auc", labels(rng, held_out, SHIFTS["none"]), score(held_out), 0.5, 0.95)
        assert found
        self.reference, self.rows, self.rng = found["value"], rows, rng
        self.volumes = [int(each) for each in rng.poisson(rows, WEEKS)]
        assert len(self.volumes) >= FEWEST

    def _served(self, shift: Shift, count: int) -> tuple[Rows, np.ndarray]:
        """The rows of a window as they are recorded, and their labels."""
        if shift.prior == 1:
            before = drawn(self.rng, count)
            rows = shift.rows(before, self.rng)
            return rows, labels(self.rng, rows if shift.real else before, shift)
        rows = drawn(self.rng, 6 * count + 100)
        label = labels(self.rng, rows, shift)
        kept = np.flatnonzero((label == 1) | (self.rng.random(len(label)) < 1 / shift.prior))[:count]
        return {name: values[kept] for name, values in rows.items()}, label[kept]

    def judged(self, shift: Shift, number: int) -> list[JudgedWindow]:
        """The judgements on one window."""
        count = max(int(self.rng.poisson(self.rows * shift.volume)), 1)
        rows, label = self._served(shift, count)
        start = FIRST + number * DAY

        def window(signal: str, value: float, top: float, *, over: bool | None = None) -> JudgedWindow:
            passed = value <= top if over is None else not over
            return JudgedWindow(signal, "V1", start, start + DAY, passed, value, top, "")

        found = []
        for name, sample in {**rows, "(score)": score(rows)}.items():
            value, used = psi(self.bins[name].count(sample), self.bins[name].expected)
            chance = noise(used, count, int(self.bins[name].expected.sum()), len(self.bins) + 1, Drift().false_alarms)
            found.append(window(f"drift:{name}", value, bound(Drift().bound, chance, None).value))
        measured = interval("roc_auc", label, score(rows), 0.5, 0.95)
        if measured and min(label.sum(), len(label) - label.sum()) >= 20:
            drop, surely = self.reference - measured["value"], self.reference - measured["high"]
            found.append(window("performance", drop, TOLERANCE, over=surely > TOLERANCE))
        found.append(window("volume", robust_deviation(count, self.volumes), DataHealth().max_volume_deviation))
        found.append(window("freshness:CALLS", 3600.0 + shift.late, FRESH))
        return found


def until_alert(name: str, rows: int, seed: int, repeats: int, most: int = MOST) -> list[tuple[int | None, set[str]]]:
    """How many windows of a shift pass until an alert of the right signal opens, and what had opened by then.

    Args:
        name: Which of SHIFTS.
        rows: Rows of a window.
        seed: Of what is drawn.
        repeats: How many services.
        most: Windows after which it counts as not found.

    Returns:
        For each service the number of windows, None if there is no alert, and the signals whose alert is open.
    """
    rng, found, shift = np.random.default_rng(seed), list[tuple[int | None, set[str]]](), SHIFTS[name]
    for _ in range(repeats):
        service, alerts, windows = Service(rng, rows), dict[tuple[str, str | None], Alert](), list[JudgedWindow]()
        delay: int | None = None
        for number in range(most):
            windows += service.judged(shift, number)
            now = FIRST + (number + 1) * DAY
            step = advance(list(alerts.values()), windows, {}, Moment(Alerts(), "V1", now, "simulated"))
            alerts |= {(each.signal, each.version): each for each in step.alerts}
            if {each.signal for each in alerts.values() if each.is_open} & set(shift.signals):
                delay = number + 1
                break
        found.append((delay, {each.signal for each in alerts.values() if each.is_open}))
    return found


def report(repeats: int = 20) -> None:
    """Print the table of docs/drift.md."""
    print("| shift | rows a window | found within 20 windows | median windows until the alert | other alerts by then |")
    print("| --- | --- | --- | --- | --- |")
    for name, shift in SHIFTS.items():
        for rows in SIZES:
            found = until_alert(name, rows, 5, repeats)
            hits = [delay for delay, _ in found if delay]
            others = sorted({signal for _, signals in found for signal in signals - set(shift.signals)})
            share = f"{len(hits) / len(found):.0%}" if shift.signals else "-"
            middle = f"{np.median(hits):g}" if hits else "-"
            print(f"| {name} | {rows:,} | {share} | {middle} | {', '.join(others) or 'none'} |", flush=True)


if __name__ == "__main__":
    report()
