"""Formats of numbers, where they are constant: TO_CHAR and TO_NUMBER.

Source: https://docs.snowflake.com/en/sql-reference/sql-format-models#numeric-format-models
"""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from local_snowflake.errors import SnowflakeError, not_supported

_FORMAT = re.compile(r"(S|MI|FM|\$|[09,.]|B|X)+", re.I)
# fixed positions, with a leading $, a sign in front or behind, FM, which leaves the blanks out, and B, which leaves out
# a zero before the point
_KNOWN = re.compile(r"(FM)?(S)?(\$)?(B)?([09,]*)(?:(\.)([09]*))?(S|MI)?", re.I)
# texts around a format, in double quotes, and the formats of as few characters as a number needs
_QUOTED = r'(?:"(?:[^"]|"")*")*'
_AROUND = re.compile(rf"({_QUOTED})([^\"]*)({_QUOTED})")
_MINIMAL = re.compile(r"TM[9E]?", re.I)


def is_format(written: str) -> bool:
    """Whether a format is one of numbers, and not one of times."""
    inner = _around(written)[1]
    fixed = bool(_FORMAT.fullmatch(inner)) and bool(re.search(r"[09X]", inner, re.I))
    return fixed or bool(_MINIMAL.fullmatch(inner))


def check(written: str) -> None:
    """Raise 000002 for a format that is not known."""
    if not _MINIMAL.fullmatch(inner := _around(written)[1]):
        _parts(inner)


@lru_cache(maxsize=256)
def _around(written: str) -> tuple[str, str, str]:
    """The texts in front of a format and behind it, without their quotes, and the format between them."""
    match = _AROUND.fullmatch(written)
    if match is None:
        return "", written, ""
    before, after = (re.sub(r'"((?:[^"]|"")*)"', lambda m: m[1].replace('""', '"'), match[n]) for n in (1, 3))
    return before, match[2], after


@lru_cache(maxsize=256)
def _parts(written: str) -> re.Match[str]:
    match = _KNOWN.fullmatch(written)
    if match is None or (match[2] and match[8]):
        raise not_supported(f"the format '{written}' of numbers")
    return match


def _format(text: str, written: str) -> str:
    """A number as a format writes it, with the texts around it."""
    before, inner, after = _around(written)
    if _MINIMAL.fullmatch(inner):
        shown = _scientific(text) if inner.upper() == "TME" else f"{Decimal(text):f}"
    else:
        shown = _in_positions(text, inner)
    return before + shown + after


def _scientific(text: str) -> str:
    number = Decimal(text).normalize()
    if not number:
        return "0E0"
    mantissa = number.scaleb(-number.adjusted())
    return f"{mantissa:f}E{number.adjusted()}"


def _in_positions(text: str, written: str) -> str:
    """A number in the positions of a format; # in all of them, if it has more digits before the point."""
    compact, sign_before, dollar, no_zero, whole, point, fraction, sign_behind = _parts(written).groups("")
    number = Decimal(text).quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_UP)
    negative = number < 0
    digits, _, decimals = f"{abs(number):f}".partition(".")
    positions = whole.replace(",", "")
    body = _whole(digits, whole, positions)
    if no_zero and digits == "0":
        body = " " * len(whole)
    if body is None:
        width = len(whole) + len(dollar) + len(point) + len(fraction) + 1
        return "#" * width
    if decimals and "0" not in fraction:
        decimals = decimals.rstrip("0").ljust(len(decimals)) if not compact else decimals.rstrip("0")
    number_text = body.lstrip()
    blanks = " " * (len(body) - len(number_text))
    sign = "-" if negative else ("+" if sign_before or sign_behind.upper() == "S" else " ")
    shown = f"{dollar}{number_text}{point}{decimals}"
    if not sign_behind:
        shown = f"{sign}{shown}"
    elif sign_behind.upper() == "S":
        shown += sign
    else:
        shown += "-" if negative else " "
    return shown.strip() if compact else blanks + shown


def _whole(digits: str, whole: str, positions: str) -> str | None:
    """The digits before the point, right-aligned in their positions; None if there are too few of them."""
    digits = digits if digits != "0" or positions.strip("9") != "" or "." not in whole else ""
    if len(digits.lstrip("0")) > len(positions):
        return None
    first_zero = positions.find("0")
    least = len(positions) - first_zero if first_zero >= 0 else 1
    shown = digits.lstrip("0").rjust(least, "0") if positions else ""
    filled = iter(shown.rjust(len(positions)))
    text = ""
    for position in whole:
        if position == ",":
            text += "," if text.strip() else " "
        else:
            text += next(filled)
    return text


def _unformat(text: str, written: str) -> str:
    """The number that a text spells by a format. Raises 100140 for a text that is not of the format."""
    before, inner, after = _around(written)
    body = text.strip().removeprefix(before.strip()).removesuffix(after.strip()).strip()
    if not (text.strip().startswith(before.strip()) and text.strip().endswith(after.strip())):
        raise _no_match(text, written)
    if _MINIMAL.fullmatch(inner):
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(E[+-]?\d+)?", body, re.I):
            raise _no_match(text, written)
        return f"{Decimal(body):f}"
    _, _, dollar, _, whole, _, fraction, _ = _parts(inner).groups("")
    negative = body.startswith("-") or body.endswith("-")
    body = body.removesuffix("-").lstrip("+-").strip()
    if dollar:
        body = body.removeprefix("$")
    match = re.fullmatch(r"([\d,]*)(?:\.(\d*))?", body)
    digits = match[1].replace(",", "") if match else ""
    decimals = (match[2] or "") if match else ""
    grouped = match is not None and ("," not in match[1] or _is_grouped(match[1], whole))
    fits = len(digits) <= len(whole.replace(",", "")) and len(decimals) <= len(fraction)
    if not (grouped and fits and (digits or decimals)):
        raise _no_match(text, written)
    return f"{'-' if negative else ''}{digits or '0'}.{decimals or '0'}"


def _no_match(text: str, written: str) -> SnowflakeError:
    return SnowflakeError(100140, "22018", f"Can't parse '{text}' as number with format '{written}'")


def _is_grouped(digits: str, whole: str) -> bool:
    """Whether the commas of a text stand where the format has them, seen from the point."""
    places = {i for i, c in enumerate(reversed(whole)) if c == ","}
    return all(i in places for i, c in enumerate(reversed(digits)) if c == ",")


def _tried(function: Callable[[str, str], str]) -> Callable[[str, str], str | None]:
    def work(text: str, written: str) -> str | None:
        try:
            return function(text, written)
        except (SnowflakeError, InvalidOperation):
            return None

    return work


FUNCTIONS: dict[str, Callable[..., str | None]] = {
    "format_number": _format,
    "unformat_number": _unformat,
    "try_unformat_number": _tried(_unformat),
}
