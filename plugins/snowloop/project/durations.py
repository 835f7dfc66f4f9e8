"""Durations in a declaration: a number and a unit."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from snowloop.errors import ProjectError

SECONDS = {"s": 1, "second": 1, "m": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
WRITTEN = re.compile(r"(\d{1,6}) ?(s|seconds?|m|minutes?|h|hours?|d|days?)")


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = WRITTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("a duration is a whole number above 0 and a unit: write it like 30 minutes, 24h or 7 days")
    unit = match[2] if len(match[2]) == 1 else match[2].removesuffix("s")
    return timedelta(seconds=int(match[1]) * SECONDS[unit])


def parse_duration(text: str) -> timedelta:
    """A duration that was written as in a declaration.

    Args:
        text: Such as ``2 hours``.

    Raises:
        ProjectError: if it is not written so.
    """
    try:
        length: timedelta = _duration(text)
    except ValueError as error:
        raise ProjectError(f"'{text}': {error}") from error
    return length


def in_words(length: timedelta) -> str:
    """A duration in its largest whole unit, such as ``7 days`` or ``90 minutes``; fractions of a second are dropped."""
    seconds = int(length.total_seconds())
    unit = next(name for name in ("day", "hour", "minute", "second") if seconds % SECONDS[name] == 0)
    count = seconds // SECONDS[unit]
    return f"{count} {unit}{'' if count == 1 else 's'}"


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(in_words),
    WithJsonSchema({"type": "string", "pattern": f"^{WRITTEN.pattern}$"}),
]
