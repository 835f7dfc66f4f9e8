"""Draws the plots of a model card."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from snowloop.lifecycle.report.card import EvaluationSummary
from snowloop.lifecycle.report.svg import BLUE, COLOURS, GREY, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_FEATURES = 15
IMPORTANCE = "Permutation importance"


def plots(evaluation: EvaluationSummary) -> dict[str, Markup]:
    """Draw the plots for which an evaluation has points.

    Args:
        evaluation: The evaluation.

    Returns:
        SVG elements by title, in the order in which they are shown.
    """
    classes, residuals = evaluation.curves.get("classes") or [], evaluation.curves.get("residuals")
    fills: dict[str, Callable[[Axes], None]] = {}
    if classes:
        fills["ROC curve"] = lambda axes: _curve(axes, classes)
        fills["Precision and recall"] = lambda axes: _precision(axes, classes)
    if residuals:
        fills["Residuals by prediction"] = lambda axes: _scatter(axes, residuals)
        fills["Residuals"] = lambda axes: _histogram(axes, residuals)
    if evaluation.bins:
        fills["Calibration"] = lambda axes: _calibration(axes, evaluation)
    if evaluation.importance:
        fills[IMPORTANCE] = lambda axes: _importance(axes, evaluation)
    heights = {IMPORTANCE: 1.1 + 0.24 * min(MOST_FEATURES, len(evaluation.importance))}
    return {title: draw(title, fill, heights.get(title, 3.2)) for title, fill in fills.items()}


def _diagonal(axes: "Axes", low: float, high: float) -> None:
    axes.plot([low, high], [low, high], color=GREY, linewidth=1, linestyle="--")


def _curve(axes: "Axes", classes: list[dict[str, Any]]) -> None:
    _diagonal(axes, 0, 1)
    for each, colour in _coloured(classes):
        axes.plot(each["roc"]["x"], each["roc"]["y"], color=colour, linewidth=1.8, label=f"class {each['name']}")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def _precision(axes: "Axes", classes: list[dict[str, Any]]) -> None:
    for each, colour in _coloured(classes):
        points = each["precision_recall"]
        axes.plot(points["x"], points["y"], color=colour, linewidth=1.8, label=f"class {each['name']}")
        axes.axhline(each["positive"] / each["rows"], color=colour, linewidth=1, linestyle="--")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="upper right", title="dashed: share of the class", title_fontsize=8)


def _coloured(classes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for place, each in enumerate(classes):
        yield each, COLOURS[place % len(COLOURS)]


def _scatter(axes: "Axes", residuals: dict[str, Any]) -> None:
    axes.axhline(0, color=GREY, linewidth=1, linestyle="--")
    axes.scatter(residuals["predicted"], residuals["residual"], s=12, color=BLUE, alpha=0.6, linewidths=0)
    axes.set(xlabel="predicted", ylabel="true minus predicted")


def _histogram(axes: "Axes", residuals: dict[str, Any]) -> None:
    axes.stairs(residuals["counts"], residuals["edges"], fill=True, color=BLUE, alpha=0.8)
    axes.axvline(0, color=GREY, linewidth=1, linestyle="--")
    axes.set(xlabel="true minus predicted", ylabel="held-out rows")


def _calibration(axes: "Axes", evaluation: EvaluationSummary) -> None:
    predicted, observed = [each[0] for each in evaluation.bins], [each[1] for each in evaluation.bins]
    _diagonal(axes, min(*predicted, *observed), max(*predicted, *observed))
    axes.plot(predicted, observed, color=BLUE, linewidth=1.2, marker="o", markersize=4)
    axes.set(xlabel="mean score of a bin", ylabel="observed rate")


def _importance(axes: "Axes", evaluation: EvaluationSummary) -> None:
    shown = evaluation.importance[:MOST_FEATURES][::-1]
    axes.barh(range(len(shown)), [value for _, value in shown], color=BLUE, height=0.7)
    axes.set_yticks(range(len(shown)), [name if len(name) <= 28 else f"{name[:27]}…" for name, _ in shown])
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set(xlabel=f"loss of {evaluation.settings.get('metric')} when shuffled")
    axes.grid(visible=False, axis="y")
