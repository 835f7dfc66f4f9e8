"""Draws the plots of a model card as inline SVG, for light and dark pages."""

import io
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from snowloop.lifecycle.report.card import EvaluationSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#0a0b0c"
"""Placeholder that becomes the page's text colour."""
BLUE, ORANGE, GREY = "#3b82c4", "#d9822b", "#8a8f98"
COLOURS = (BLUE, ORANGE, "#3f9d5a", "#a05cc4", "#c44b5a", GREY)
MOST_FEATURES = 15
IMPORTANCE = "Permutation importance"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


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
    return {title: _draw(title, fill, heights.get(title, 3.2)) for title, fill in fills.items()}


def _draw(title: str, fill: "Callable[[Axes], None]", height: float) -> Markup:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(4.4, height), layout="constrained")
        figure.patch.set_alpha(0)
        axes = figure.add_subplot()
        axes.patch.set_alpha(0)
        axes.grid(visible=True, color=GREY, alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)
        fill(axes)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _inline(text.getvalue(), title)


def _inline(svg: str, title: str) -> Markup:
    """The bare element, with unique ids, the page's text colour, and a label for screen readers."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r' xmlns(:xlink)?="[^"]*"', "", element).replace("xlink:href=", "href=")
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', element))
    prefix = re.sub(r"\W", "", title).lower()
    element = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", element)
    for name in used:
        element = re.sub(rf'(id="|href="#|url\(#){re.escape(name)}(?=[")])', rf"\g<1>{prefix}-{name}", element)
    element = element.replace(INK, "currentColor")
    return Markup(element.replace("<svg", f'<svg role="img" aria-label="{title}"', 1).strip())  # noqa: S704


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
