"""The templates of reports, and how they write figures."""

import math
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader

from snowloop.markdown import escaped
from snowloop.project import include_dir
from snowloop.templates import sandbox


@cache
def templates(kind: str) -> Environment:
    """The templates of include/report, whose content is escaped.

    Args:
        kind: ``html``, or ``md`` for GitHub's Markdown.

    Returns:
        The environment; filters ``number``, ``share``, ``short``, ``size`` and ``words`` write figures for people.
    """
    jinja = sandbox(
        loader=FileSystemLoader(include_dir() / "report"),
        autoescape=True,
        finalize=escaped if kind == "md" else None,
    )
    jinja.filters.update(number=number, share=_share, short=_short, size=_size, words=_words)
    return jinja


def number(value: Any) -> str:
    """A readable number: four significant digits, thousands separators, a dash if it is missing."""
    if value is None:
        return "-"
    if isinstance(value, bool | str):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if isinstance(value, int) or (abs(value) >= 1000 and float(value).is_integer()):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _short(text: Any, most: int) -> str:
    """A text of at most so many characters."""
    return str(text) if len(str(text)) <= most else f"{str(text)[: most - 1]}…"


def _size(value: float | None) -> str:
    if value is None:
        return "-"
    size = float(value)
    for unit in ("B", "KB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} GB"


def _words(name: str) -> str:
    return name.replace("_", " ")
