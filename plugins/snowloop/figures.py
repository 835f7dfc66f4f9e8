"""Writes the figures of a stage for people: in task logs, run notes and progress lines alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def format_value(value: Any) -> str:
    """Write one figure.

    Args:
        value: A number or a text.

    Returns:
        Thousands separated by commas, fractions with four digits, texts as they are.
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4g}"
    return str(value)


def format_figures(figures: Mapping[str, Any]) -> str:
    """Write a stage's figures in a row.

    Args:
        figures: Figures by name; ``kept`` is shown only when something was.

    Returns:
        For example ``read 4,000 · rejected 4``.
    """
    words = []
    for name, value in figures.items():
        if name == "kept" and value in (0, 1):
            words += ["kept"] * int(value)
        else:
            words.append(f"{name.replace('_', ' ')} {format_value(value)}")
    return " · ".join(words)
