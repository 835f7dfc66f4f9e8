"""Simulates windows of 20 features without drift and with known shifts; run it as a module for the tables of the docs.

What SQL does is done with numpy here; tests/lifecycle/monitoring/test_drift.py compares the two.
"""

import sys
from collections.abc import Callable

import numpy as np

from snowloop.lifecycle.features.baseline import MOST_BINS
from snowloop.lifecycle.monitoring.drift_bounds import bound, noise
from snowloop_procedures.statistics.deciles import LEAST_ROWS, deciles

FEATURES = 20
FALSE_ALARMS = 0.01
SIZES = (100, 1000, 10_000)
Draw = Callable[[np.random.Generator, int], np.ndarray]
Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]
TEXTS = 1.0 / np.arange(1, 201)


def draws() -> list[Draw]:
    """How the features are drawn: numbers of several shapes, with ties and NULL, and categories, also very many."""

    def with_null(rng: np.random.Generator, rows: int) -> np.ndarray:
        return np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows))

    def rare_null(rng: np.random.Generator, rows: int) -> np.ndarray:
        return np.where(rng.random(rows) < 0.002, np.nan, rng.exponential(size=rows))

    shapes: list[Draw] = [
        lambda rng, rows: rng.normal(size=rows),
        lambda rng, rows: rng.lognormal(sigma=2, size=rows),
        lambda rng, rows: rng.uniform(size=rows),
        lambda rng, rows: rng.poisson(2, size=rows).astype(float),
        lambda rng, rows: (rng.random(rows) < 0.03).astype(float),
        with_null,
        rare_null,
        lambda rng, rows: rng.standard_t(2, size=rows),
        lambda rng, rows: rng.choice(4, size=rows, p=[0.6, 0.3, 0.09, 0.01]) + 0.5,
        lambda rng, rows: rng.choice(len(TEXTS), size=rows, p=TEXTS / TEXTS.sum()) + 0.5,
    ]
    return shapes * (FEATURES // len(shapes))


class Bins:
    """The bins of one feature of a training set; values with a fraction of a half are categories."""

    def __init__(self, sample: np.ndarray) -> None:
        known = sample[~np.isnan(sample)]
        self.categories = None
        if np.all(known % 1 == 0.5):
            values, counts = np.unique(known, return_counts=True)
            self.categories = values[np.argsort(-counts, kind="stable")][: min(MOST_BINS, np.sum(counts >= LEAST_ROWS))]
        else:
            self.edges = deciles(known)
        self.expected = self.count(sample)

    def count(self, sample: np.ndarray) -> np.ndarray:
        """Rows in each bin; the last one has the NULL, and of categories the one before all others."""
        known = sample[~np.isnan(sample)]
        if self.categories is None:
            places = np.clip(np.searchsorted(self.edges, known, side="right") - 1, 0, None)
            counts = np.bincount(places, minlength=len(self.edges))
        else:
            hits = np.array([np.sum(known == each) for each in self.categories])
            counts = np.append(hits, len(known) - hits.sum())
        return np.append(counts, len(sample) - len(known)).astype(float)


def psi(counts: np.ndarray, expected: np.ndarray) -> tuple[float, int]:
    """The index with half a row added to each bin that has rows, and the number of these."""
    used = (counts > 0) | (expected > 0)
    now, before = counts[used] + 0.5, expected[used] + 0.5
    now, before = now / now.sum(), before / before.sum()
    return float(np.sum((now - before) * np.log(now / before))), int(used.sum())


def alarms(bins: list[Bins], window: list[np.ndarray], declared: tuple[float, ...]) -> np.ndarray:
    """Of each declared bound whether any feature is over its own, of shape (declared,)."""
    found = np.zeros(len(declared), dtype=bool)
    for one, sample in zip(bins, window, strict=True):
        value, count = psi(one.count(sample), one.expected)
        chance = noise(count, len(sample), int(one.expected.sum()), FEATURES + 1, FALSE_ALARMS)
        found |= [value > bound(each, chance, None).value for each in declared]
    return found


def quiet(rows: int, windows: int, trained: int, declared: tuple[float, ...], seed: int, sets: int = 10) -> list[float]:
    """The share of windows without drift in which any feature is over its bound, for each declared bound."""
    rng, shapes, found = np.random.default_rng(seed), draws(), np.zeros(len(declared))
    for _ in range(sets):
        bins = [Bins(draw(rng, trained)) for draw in shapes]
        for _ in range(windows // sets):
            found += alarms(bins, [draw(rng, rows) for draw in shapes], declared)
    return [float(each) for each in found / (windows // sets * sets)]


def missing(share: float) -> Change:
    """A share of the values is NULL."""
    return lambda values, rng: np.where(rng.random(len(values)) < share, np.nan, values)


CHANGES: dict[str, Change] = {
    "mean + 0.1 deviations": lambda values, _: values + 0.1,
    "mean + 0.25 deviations": lambda values, _: values + 0.25,
    "mean + 0.5 deviations": lambda values, _: values + 0.5,
    "mean + 1 deviation": lambda values, _: values + 1.0,
    "deviation x 1.5": lambda values, _: values * 1.5,
    "2 % NULL": missing(0.02),
    "10 % NULL": missing(0.1),
    "another unit (x 100)": lambda values, _: values * 100,
}


def delays(rows: int, trained: int, change: Change, seed: int,
           repeats: int = 40, most: int = 20) -> list[int | None]:  # fmt: skip
    """How many windows it takes until the changed feature is over its bound; None: more than ``most``."""
    rng, found = np.random.default_rng(seed), list[int | None]()
    for _ in range(repeats):
        bins = Bins(rng.normal(size=trained))
        over = (alarms([bins], [change(rng.normal(size=rows), rng)], (0.1,))[0] for _ in range(most))
        found.append(next((place for place, hit in enumerate(over, 1) if hit), None))
    return found


def report(windows: int) -> None:
    """Print the tables of docs/drift.md."""
    print("training rows | rows a window | by chance alone | with the declared bound of 0.1")
    for trained in (1000, 10_000):
        for rows in SIZES:
            shares = quiet(rows, windows, trained, (0.0, 0.1), seed=1)
            print(f"{trained} | {rows} | " + " | ".join(f"{share:.1%}" for share in shares), flush=True)
    print("change | rows a window | found within 20 windows | median windows until it is found")
    for name, change in CHANGES.items():
        for rows in SIZES:
            found = delays(rows, 10_000, change, seed=2)
            hits = [each for each in found if each]
            middle = f"{np.median(hits):g}" if hits else "-"
            print(f"{name} | {rows} | {len(hits) / len(found):.0%} | {middle}", flush=True)


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
