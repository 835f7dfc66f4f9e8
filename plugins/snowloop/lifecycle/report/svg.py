"""Draws a plot as an inline SVG element, for light and dark pages."""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#0a0b0c"
"""Placeholder that becomes the page's text colour."""
BLUE, ORANGE, GREY = "#3b82c4", "#d9822b", "#8a8f98"
COLOURS = (BLUE, ORANGE, "#3f9d5a", "#a05cc4", "#c44b5a", GREY)
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


def draw(title: str, fill: "Callable[[Axes], None]", height: float, width: float = 4.4) -> Markup:
    """Draw one plot.

    Args:
        title: Its title, of which each on a page has its own; screen readers read it.
        fill: Draws into the axes.
        height: Height in inches.
        width: Width in inches; a page scales it.

    Returns:
        The element; the same content gives the same text.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(width, height), layout="constrained")
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
    return Markup(element.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1).strip())  # noqa: S704
