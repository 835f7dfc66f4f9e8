"""How groups of people are treated: rates and calibration of each group, and the gaps between groups.

Figures of a group: the selection rate (demographic parity: T. Calders, F. Kamiran, M. Pechenizkiy, ICDM Workshops
2009), the true and the false positive rate (equalized odds: M. Hardt, E. Price, N. Srebro, NIPS 2016), and calibration
in the large, mean score minus mean label (B. Van Calster and others, BMC Medicine 17, 2019). Groups whose rates of the
label differ cannot agree in all of them (J. Kleinberg, S. Mullainathan, M. Raghavan, ITCS 2017).

Each is a mean over some rows, as fairlearn's ``MetricFrame`` has it; a gap needs an interval that knows groups and
time, and the champion's gap on the same rows, which fairlearn has not.
"""

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from snowloop_procedures.requests import EvaluationRequest, Slice
from snowloop_procedures.statistics import metrics as measures
from snowloop_procedures.statistics.details import slice_parts
from snowloop_procedures.statistics.intervals import INDEPENDENT, Dependence, StandardError, standard_error


@dataclass(frozen=True)
class Figure:
    """A figure of rows: the mean of values over those that count.

    Args:
        values: The value of each row, of shape (n,).
        rows: Which rows count, of shape (n,).
        share: Whether each value is 0 or 1.
    """

    values: np.ndarray
    rows: np.ndarray
    share: bool


def figures(task: str, label: np.ndarray, score: np.ndarray, threshold: float) -> dict[str, Figure]:
    """The figures of a task: all four of two classes, calibration of a regression, none of several classes.

    Args:
        task: ``classification``, ``multiclass`` or ``regression``.
        label: Labels, of shape (n,).
        score: Scores, of shape (n,) or (n, classes).
        threshold: Score from which a row is selected.

    Returns:
        ``selection_rate``, ``true_positive_rate``, ``false_positive_rate`` and ``calibration``, in units of the label.
    """
    if task == "multiclass" or not np.isfinite(score).all():
        return {}
    every = np.ones(len(label), dtype=bool)
    calibration = {"calibration": Figure(score - label, every, share=False)}
    if task == "regression":
        return calibration
    selected = measures.predicted_class(score, threshold).astype(float)
    return {
        "selection_rate": Figure(selected, every, share=True),
        "true_positive_rate": Figure(selected, label == 1, share=True),
        "false_positive_rate": Figure(selected, label == 0, share=True),
        **calibration,
    }


def fairness(
    request: EvaluationRequest,
    frame: pd.DataFrame,
    label: np.ndarray,
    scores: dict[str, np.ndarray],
    trained: np.ndarray,
    dependence: Dependence = INDEPENDENT,
) -> dict[str, list[dict[str, Any]]]:
    """Groups of the slices about people, and the gaps between each two groups with enough rows.

    Args:
        request: The slices, and what to measure.
        frame: The n held-out rows, with a column SLICE_<place> for each declared slice.
        label: Labels, of shape (n,).
        scores: Of the ``candidate``, and of the ``champion`` if it could score the rows; others are not looked at.
        trained: Which rows the champion was trained on, of shape (n,): they do not compare the two.
        dependence: Which rows are not independent.

    Returns:
        ``groups``: column, part, rows and figures, None where no row counts. ``gaps``: column, figure, the parts
        ``one`` and ``other``, the absolute difference ``value`` with ``low`` and ``high`` (None if the rows do not
        tell), and ``wider``, by how much it is wider than the champion's, with an interval; None without a champion.
    """
    threshold = request.plan.threshold
    own = figures(request.task, label, scores["candidate"], threshold)
    champion = figures(request.task, label, scores["champion"], threshold) if "champion" in scores else {}
    groups: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    for place, declared in enumerate(request.slices):
        if not declared.people or not own:
            continue
        parts = slice_parts(frame[f"SLICE_{place}"], declared.edges)
        masks = {str(part): (parts == part).to_numpy() for part in sorted(parts.unique())}
        groups += [_group(declared, part, mask, own) for part, mask in masks.items()]
        for name, figure in own.items():
            enough = [part for part, mask in masks.items() if _enough(declared, name, mask, figure)]
            for one, other in combinations(enough, 2):
                gap = _gap(figure, masks[one], masks[other])
                ends = _ends(gap, request.plan.confidence, dependence)
                wider = None
                if name in champion:
                    wider = _wider(figure, champion[name], (masks[one], masks[other]), ~trained, dependence, request)
                named = {"column": declared.column, "figure": name, "one": one, "other": other}
                gaps.append({**named, "value": abs(gap.value), "low": ends[0], "high": ends[1], "wider": wider})
    return {"groups": groups, "gaps": gaps}


def _group(declared: Slice, part: str, mask: np.ndarray, own: dict[str, Figure]) -> dict[str, Any]:
    values = {
        name: float(figure.values[mask & figure.rows].mean()) if (mask & figure.rows).any() else None
        for name, figure in own.items()
    }
    return {"column": declared.column, "part": part, "rows": int(mask.sum()), "figures": values}


def _enough(declared: Slice, name: str, mask: np.ndarray, figure: Figure) -> bool:
    """Whether a group has enough rows; of a rate among one class, enough of that class."""
    if mask.sum() < declared.min_rows:
        return False
    return name in ("selection_rate", "calibration") or int((mask & figure.rows).sum()) >= declared.min_events


@dataclass(frozen=True)
class Gap:
    """A difference of two groups.

    Args:
        value: One's figure minus the other's.
        rows: By how much each row moves it, of shape (n,); the mean is 0.
        least: The standard error that it has at least, if its rows are independent.
    """

    value: float
    rows: np.ndarray
    least: float


def _gap(figure: Figure, one: np.ndarray, other: np.ndarray) -> Gap:
    means, rows, variance = [], np.zeros(len(figure.values)), 0.0
    for mask, sign in ((one & figure.rows, 1.0), (other & figure.rows, -1.0)):
        count, mean = int(mask.sum()), float(figure.values[mask].mean())
        means.append(mean)
        rows[mask] += sign * (figure.values[mask] - mean) * len(rows) / count * np.sqrt(count / max(count - 1, 1))
        if figure.share:
            # A group in which nobody is selected does not show that nobody ever is: one success and one failure are
            # added to each (A. Agresti, B. Caffo, American Statistician 54, 2000).
            share = (mean * count + 1) / (count + 2)
            variance += share * (1 - share) / (count + 2)
    return Gap(means[0] - means[1], rows, float(np.sqrt(variance)))


def _ends(gap: Gap, confidence: float, dependence: Dependence) -> tuple[float | None, float | None]:
    """The interval of an absolute difference: where that of the difference holds 0, it begins at 0."""
    error = standard_error(gap.rows, dependence)
    if error is None:
        return None, None
    reach = StandardError(max(error.value, gap.least), error.freedom).reach(confidence)
    return max(0.0, abs(gap.value) - reach), abs(gap.value) + reach


def _wider(
    own: Figure,
    champion: Figure,
    masks: tuple[np.ndarray, np.ndarray],
    rows: np.ndarray,
    dependence: Dependence,
    request: EvaluationRequest,
) -> dict[str, float] | None:
    """By how much the gap is wider than the champion's on the same rows, with the paired interval."""
    one, other = (mask & rows for mask in masks)
    if not ((one & own.rows).any() and (other & own.rows).any()):
        return None
    mine, its = (_gap(figure, one, other) for figure in (own, champion))
    moved = np.sign(mine.value) * mine.rows - np.sign(its.value) * its.rows
    error = standard_error(moved[rows] * rows.mean(), dependence.of(rows))
    if error is None:
        return None
    value, reach = abs(mine.value) - abs(its.value), error.reach(request.plan.confidence)
    return {"value": value, "low": value - reach, "high": value + reach}
