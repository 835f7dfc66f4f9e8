"""By how much the bins of a window may differ from the baseline before that is drift."""

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
