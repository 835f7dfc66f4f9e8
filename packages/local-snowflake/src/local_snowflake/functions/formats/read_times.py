"""Dates and times by formats that are values of rows: ``TO_DATE(text, format_column)``.

DuckDB's strptime takes constants only, for which ``formats.times`` has it.

Source: https://docs.snowflake.com/en/sql-reference/date-time-input-output#about-the-elements-used-in-input-and-output-formats
"""

import re
from collections.abc import Callable
from datetime import date, time
from functools import lru_cache

from local_snowflake.errors import SnowflakeError
from local_snowflake.functions.formats.elements import FRACTION, OFFSETS, tokens_of

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = r"(?P<name>[A-Za-z]+)"
_PATTERNS = {
    **dict.fromkeys(("YYYY", "UUUU"), r"(?P<year>\d{4})"),
    "YY": r"(?P<short>\d{2})",
    **dict.fromkeys(("MMMM", "MON"), _NAME),
    "MM": r"(?P<month>\d{1,2})",
    "DD": r"(?P<day>\d{1,2})",
    "DY": r"[A-Za-z]{3}",
    "HH24": r"(?P<hour>\d{1,2})",
    "HH12": r"(?P<hour>\d{1,2})",
    **dict.fromkeys(("AM", "PM"), r"(?P<half>[AaPp])[Mm]"),
    "MI": r"(?P<minute>\d{1,2})",
    "SS": r"(?P<second>\d{1,2})",
    "UTC": "UTC",
}
_FRACTION_DIGITS, _OFFSET = r"(?P<fraction>\d{0,9})", r"(?P<offset>Z|[+-]\d{1,2}:?(?:\d{2})?)"
# two digits of a year begin with 1970: TWO_DIGIT_CENTURY_START
_CENTURY_START = 70


@lru_cache(maxsize=256)
def _pattern(written: str) -> re.Pattern[str]:
    """What reads a text of a format. Raises 000002 for letters that are no element and stand in no double quotes."""
    tokens = tokens_of(written)
    found, seen = "", set()
    for place, token in enumerate(tokens):
        if FRACTION.match(token):
            # a text may lack the fraction of its second
            has_point = place > 0 and tokens[place - 1] == "."
            piece = rf"(?:\.{_FRACTION_DIGITS})?" if has_point else _FRACTION_DIGITS
            found = found.removesuffix(r"\.") if has_point else found
        elif token in OFFSETS:
            piece = rf"\s*{_OFFSET}"
        else:
            piece = _PATTERNS.get(token) or re.escape(token.removeprefix('"') if len(token) > 1 else token)
        name = re.search(r"\?P<(\w+)>", piece)
        if name and name[1] in seen:
            piece = piece.replace(name[0], "?:")
        seen |= {name[1]} if name else set()
        found += piece
    return re.compile(found)


def _read(text: str, written: str | None, kind: str) -> str | None:
    """A text in ISO's form; with its offset, if the ``kind`` has one; as it is, if the format is AUTO.

    Raises 100096 for one of another format.
    """
    if written is None or written.upper() == "AUTO":
        return None if written is None else text
    match = _pattern(written).fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError(text)
        return _written(match, kind)
    except ValueError:
        shown = kind if kind in {"date", "time"} else "timestamp"
        raise SnowflakeError(100096, "22007", f"Can't parse '{text}' as {shown} with format '{written}'") from None


def _written(match: re.Match[str], kind: str) -> str:
    parts = {key: value for key, value in match.groupdict().items() if value}
    year = int(parts.get("year", "1900"))
    if "short" in parts:
        year = int(parts["short"]) + (1900 if int(parts["short"]) >= _CENTURY_START else 2000)
    month = _MONTHS.index(parts["name"][:3].lower()) + 1 if "name" in parts else int(parts.get("month", "1"))
    hour = int(parts.get("hour", "0"))
    if "half" in parts:
        hour = hour % 12 + (12 if parts["half"].lower() == "p" else 0)
    minute, second = (int(parts.get(key, "0")) for key in ("minute", "second"))
    clock = time(hour, minute, second, int(parts.get("fraction", "").ljust(6, "0")[:6]))
    day = date(year, month, int(parts.get("day", "1")))
    offset = parts.get("offset", "") if kind in {"ltz", "tz"} else ""
    if kind in {"date", "time"}:
        return str(day if kind == "date" else clock)
    return f"{day} {clock}{'+00:00' if offset == 'Z' else offset}"


def _try_read(text: str, written: str | None, kind: str) -> str | None:
    try:
        return _read(text, written, kind)
    except SnowflakeError as error:
        if error.code == 100096:
            return None
        raise


FUNCTIONS: dict[str, Callable[..., str | None]] = {"read_time": _read, "try_read_time": _try_read}
