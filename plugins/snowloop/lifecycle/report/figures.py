"""Sorts the rows of OPS.EVALUATIONS into what a model card shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from snowloop.lifecycle.evaluation.results import Interval, SliceResult
from snowloop.lifecycle.report.card import ClassRow, Measured, MetricRow
from snowloop.project.label import METRICS

CONTESTANTS = ("champion", "simple", "dummy")
CONFUSED = {
    "true_negative": ("0", "0"),
    "false_positive": ("0", "1"),
    "false_negative": ("1", "0"),
    "true_positive": ("1", "1"),
}
"""True class and said class of a classification of two classes."""
BETTER, CLASS, TOLD = "better than ", "class ", ", told "

Fact = Mapping[str, Any]


def measured_of(facts: Sequence[Fact], details: Mapping[str, Any]) -> Measured:
    """Sort the figures of one evaluation.

    Args:
        facts: Rows of OPS.EVALUATIONS: NAME, SLICE, VALUE, LOW, HIGH, ROWS_MEASURED.
        details: What OPS.EVALUATION_DETAILS holds of it; empty for an evaluation that is older than that table.

    Returns:
        The figures; one that is of no known kind is among ``others``.
    """
    settings = {name: value for name, value in details.items() if name != "curves"}
    metric = settings.get("metric") or _metric(facts)
    whole = {fact["NAME"]: fact for fact in facts if fact["SLICE"] is None}
    names = _metrics(whole) | ({metric} if metric else set())  # one that the rows did not allow is told as missing
    told = {f"{who} {name}" for who in CONTESTANTS for name in (*names, "support")} | {*names, *CONFUSED, "interval"}
    return Measured(
        settings={**settings, "metric": metric},
        metrics=tuple(_row(name, whole) for name in sorted(names, key=lambda name: (name != metric, name))),
        interval=_interval(whole.get("interval")),
        differences={
            name.removeprefix(BETTER): found
            for name, fact in whole.items()
            if name.startswith(BETTER) and (found := _interval(fact))
        },
        slices=tuple(_slice(fact) for fact in facts if fact["NAME"] == metric and _is_slice(fact["SLICE"])),
        classes=_classes(facts),
        bins=_bins(facts),
        confusion=_confusion(whole) or _told(facts),
        importance=_importance(facts),
        others={
            name: fact["VALUE"] for name, fact in whole.items() if name not in told and not name.startswith(BETTER)
        },
        curves=dict(details.get("curves") or {}),
        rows=(whole.get(str(metric)) or whole.get("support") or {}).get("ROWS_MEASURED"),
    )


def _metric(facts: Sequence[Fact]) -> str | None:
    """The deciding metric of an evaluation without details: the one whose value has the interval."""
    point = next((fact["VALUE"] for fact in facts if fact["NAME"] == "interval"), None)
    same = (fact["NAME"] for fact in facts if fact["VALUE"] == point and fact["NAME"] != "interval")
    return next(same, None) if point is not None else None


def _metrics(whole: Mapping[str, Fact]) -> set[str]:
    known = {name for names in METRICS.values() for name in names}
    return known & whole.keys()


def _row(name: str, whole: Mapping[str, Fact]) -> MetricRow:
    values = {"candidate": whole[name]["VALUE"] if name in whole else None}
    values |= {who: whole[f"{who} {name}"]["VALUE"] for who in CONTESTANTS if f"{who} {name}" in whole}
    return MetricRow(name, values)


def _interval(fact: Fact | None) -> Interval | None:
    if fact is None or fact["LOW"] is None:
        return None
    return Interval(fact["VALUE"], fact["LOW"], fact["HIGH"])


def _slice(fact: Fact) -> SliceResult:
    column, _, part = fact["SLICE"].partition(": ")
    return SliceResult(column, part, fact["ROWS_MEASURED"], fact["VALUE"])


def _is_slice(part: str | None) -> bool:
    """Whether a part of the rows is that of a declared slice, and not a class: a column's name has no blank."""
    return bool(part) and not str(part).startswith(CLASS)


def _classes(facts: Sequence[Fact]) -> tuple[ClassRow, ...]:
    """Figures of each class of several, told from the others."""
    found: dict[str, dict[str, float | None]] = {}
    rows: dict[str, int] = {}
    for fact in facts:
        part = str(fact["SLICE"])
        if part.startswith(CLASS) and fact["NAME"] != "confusion":
            name = part.removeprefix(CLASS)
            found.setdefault(name, {})[fact["NAME"]] = fact["VALUE"]
            rows[name] = int(fact["ROWS_MEASURED"] or 0)
    return tuple(ClassRow(name, rows[name], values) for name, values in found.items())


def _told(facts: Sequence[Fact]) -> tuple[tuple[str, str, int], ...]:
    """The confusion of several classes."""
    pairs = [(fact["SLICE"].removeprefix(CLASS), fact) for fact in facts if fact["NAME"] == "confusion"]
    return tuple((*part.rsplit(TOLD, 1), int(fact["VALUE"])) for part, fact in pairs)


def _bins(facts: Sequence[Fact]) -> tuple[tuple[float, float, int], ...]:
    scores = {fact["SLICE"]: fact for fact in facts if fact["NAME"] == "calibration score"}
    labels = {fact["SLICE"]: fact for fact in facts if fact["NAME"] == "calibration label"}
    pairs = [(scores[name], labels[name]) for name in scores if name in labels]
    found = [(score["VALUE"], label["VALUE"], int(score["ROWS_MEASURED"])) for score, label in pairs]
    return tuple(sorted(found))


def _confusion(whole: Mapping[str, Fact]) -> tuple[tuple[str, str, int], ...]:
    return tuple((*CONFUSED[name], int(whole[name]["VALUE"])) for name in CONFUSED if name in whole)


def _importance(facts: Sequence[Fact]) -> tuple[tuple[str, float], ...]:
    found = [(fact["SLICE"], fact["VALUE"]) for fact in facts if fact["NAME"] == "importance"]
    return tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))
