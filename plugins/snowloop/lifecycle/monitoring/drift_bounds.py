"""By how much the bins of a window may differ from the baseline before that is drift."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """A bound on the population stability index of one column in one window.

    Args:
        value: The greatest index that is no drift.
        source: Why it is so great: ``declared``, ``few rows``, or ``changes within the training set``.
    """

    value: float
    source: str


def noise(bins: int, rows: int, baseline_rows: int, columns: int, false_alarms: float) -> float:
    """The index that rows without drift exceed with the declared chance, divided among the columns (Bonferroni).

    Without drift PSI / (1/n + 1/m) of n and m rows in B bins has nearly a chi-square distribution with B - 1 degrees of
    freedom: B. Yurdakul, Statistical Properties of Population Stability Index, Western Michigan University 2018.

    Args:
        bins: B, the number of bins that have rows.
        rows: n, rows of the window.
        baseline_rows: m, rows of the baseline.
        columns: How many columns are judged in the window.
        false_alarms: Chance of at least one false alarm in a window.

    Returns:
        The quantile; 0 of a single bin, whose index is always 0.
    """
    from scipy.stats import chi2

    if bins < 2:
        return 0.0
    return float(chi2.isf(false_alarms / columns, bins - 1) * (1 / rows + 1 / baseline_rows))


def bound(declared: float, by_chance: float, by_chunks: float | None) -> Bound:
    """The greatest of the three: what is declared, what chance does, and what the training rows do by themselves.

    Args:
        declared: The declared bound.
        by_chance: See ``noise``.
        by_chunks: Mean and three standard deviations of the index over the training set's chunks in time order, as in
            NannyML; None if their order is not known.
    """
    candidates = {"declared": declared, "few rows": by_chance, "changes within the training set": by_chunks or 0.0}
    source = max(candidates, key=lambda name: candidates[name])
    return Bound(candidates[source], source)


def unseen_beyond(rate: float, rows: int, single: int, baseline_rows: int, error: float) -> float:
    """By how much more rows have an unseen category than the baseline leads to expect.

    Of new rows like m old ones as large a share is of unseen categories as the rows whose category no other of the m
    rows has: I. J. Good, The Population Frequencies of Species and the Estimation of Population Parameters, Biometrika
    40, 1953. A share u of n rows varies by u (1 - u) / n, and this estimate of it by 2 u / m at most, nearly.

    Args:
        rate: Share of the window's rows whose category is unseen.
        rows: n, rows of the window.
        single: Rows of the baseline whose category no other row has.
        baseline_rows: m, rows of the baseline.
        error: Chance that the result is above 0 without a change.

    Returns:
        The share of the rows beyond what is expected and what chance adds to it; 0 or more.
    """
    from scipy.stats import norm

    expected = single / baseline_rows
    deviation = math.sqrt(expected * (1 - expected) / rows + 2 * expected / baseline_rows)
    return max(rate - expected - float(norm.isf(error)) * deviation, 0.0)
