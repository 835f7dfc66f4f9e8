"""Turns the details of an evaluation in OPS.EVALUATION_DETAILS into the content of a model card."""

from collections.abc import Mapping
from typing import Any

from snowloop.lifecycle.evaluation.parts import (
    ClassResult,
    ConfusionCell,
    Cost,
    GroupGap,
    GroupResult,
    Interval,
    SliceResult,
    widest,
)
from snowloop.lifecycle.report.card import EvaluationSummary, MetricRow
from snowloop.project import METRICS


def summarize_evaluation(details: Mapping[str, Any]) -> EvaluationSummary | None:
    """Arrange the figures of one evaluation: its settings, ``curves``, and ``results`` (``Evaluation.results``).

    None of an evaluation that was recorded before OPS.EVALUATION_DETAILS had ``results``.
    """
    results = details.get("results")
    if results is None:
        return None
    metric, metrics = details["metric"], results["metrics"]
    declared = {name for names in METRICS.values() for name in names}
    names = declared & metrics.get("candidate", {}).keys() | {metric}  # one that is missing is shown as missing
    return EvaluationSummary(
        settings={name: value for name, value in details.items() if name not in ("curves", "results")},
        metrics=tuple(_row(name, metrics) for name in sorted(names, key=lambda name: (name != metric, name))),
        interval=Interval(**results["interval"]) if results["interval"] else None,
        differences={other: Interval(**each) for other, each in results["differences"].items()},
        slices=tuple(SliceResult(**each) for each in results["slices"]),
        groups=tuple(GroupResult(**each) for each in results.get("groups", ())),
        gaps=widest(GroupGap.of(each) for each in results.get("gaps", ())),
        classes=tuple(ClassResult(**each) for each in results["classes"]),
        bins=tuple(sorted((each["score"], each["label"], each["rows"]) for each in results["calibration"]["bins"])),
        confusion=tuple(ConfusionCell(**each) for each in results["confusion_matrix"]),
        importance=tuple(sorted(results["importance"].items(), key=lambda pair: (-pair[1], pair[0]))),
        cost=Cost(**results["cost"]) if results["cost"] else None,
        cross_validation=results["cross_validation"],
        curves=dict(details["curves"]),
        rows=results["rows"],
    )


def _row(name: str, metrics: Mapping[str, Mapping[str, float]]) -> MetricRow:
    values = {whose: each[name] for whose, each in metrics.items() if name in each}
    return MetricRow(name, {"candidate": None, **values})
