"""Recognizes how the numbers and dates of a column are written, by the evidence of all of its values."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import pandas as pd

Kind = Literal["integer", "float", "boolean", "date", "timestamp", "timestamp with zone", "text", "empty"]

# A leading zero makes 00123 a code, not a number: pandas and Arrow would drop the zeros.
INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,37})")
FLOAT = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
COMPACT_DATE = re.compile(r"(?:19|20)\d{6}")
TIME_OF_DAY = re.compile(r"(?:[01]?\d|2[0-3])([:.])[0-5]\d(?:\1[0-5]\d)?")
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?")
ZONE = re.compile(r"(?:Z| ?[+-]\d{2}:?\d{2})$")

MOST_ODD = 5
"""Different texts of a column of numbers or dates that may be none, such as unknown or inf; more make it text."""
LEAST_COMPACT = 3
"""Different numbers that make dates without separators."""
LEAST_READABLE = 0.9
"""Share of the different texts that are numbers or dates, if some are odd."""

CURRENCIES = (
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN", "BRL", "CZK", "HUF",
    "MXN", "NZD", "SGD", "HKD", "KRW", "TRY", "ZAR", "RS", "KR",
)  # fmt: skip
AROUND = r"(?:[^\d.,]|(?<=[^\W\d_])\.)*"
"""What may stand before or after a number; a point only after a letter, as in Rs."""
WRITTEN = re.compile(rf"(?P<before>{AROUND})(?P<digits>[\d.,](?:[\d.,'\u2019\s]*[\d.,])?)(?P<after>{AROUND})")
MINUS = "\u2212"
"""The minus sign of typesetting, which is no hyphen."""
SPACES = (" ", "\u00a0", "\u202f")
STYLES = ((".", ","), (",", "."), *((",", space) for space in SPACES), (".", " "), (".", "'"), (".", "\u2019"))
"""Decimal point and separator of thousands, as of English, German, French and Swiss numbers."""

DATE_FORMATS = {
    f"{sql}{time_sql}": f"{python}{time_python}"
    for time_sql, time_python in (
        ("", ""),
        (" HH24:MI", " %H:%M"),
        (" HH24:MI:SS", " %H:%M:%S"),
        (" HH12:MI AM", " %I:%M %p"),
        (" HH12:MI:SS AM", " %I:%M:%S %p"),
    )
    for sql, python in (
        ("MM/DD/YYYY", "%m/%d/%Y"), ("DD/MM/YYYY", "%d/%m/%Y"), ("DD.MM.YYYY", "%d.%m.%Y"), ("MM.DD.YYYY", "%m.%d.%Y"),
        ("DD-MM-YYYY", "%d-%m-%Y"), ("MM-DD-YYYY", "%m-%d-%Y"), ("YYYY/MM/DD", "%Y/%m/%d"), ("YYYY.MM.DD", "%Y.%m.%d"),
        ("YYYY-MM-DD", "%Y-%m-%d"),
        ("MM/DD/YY", "%m/%d/%y"), ("DD/MM/YY", "%d/%m/%y"), ("DD.MM.YY", "%d.%m.%y"),
        ("DD-MON-YYYY", "%d-%b-%Y"), ("DD-MON-YY", "%d-%b-%y"), ("DD MON YYYY", "%d %b %Y"),
        ("MON DD, YYYY", "%b %d, %Y"), ("DD MMMM YYYY", "%d %B %Y"), ("MMMM DD, YYYY", "%B %d, %Y"),
    )
}  # fmt: skip
"""Formats of dates in Snowflake's words and in Python's; of two that fit, the first is taken, and it is reported.

Source: https://docs.snowflake.com/en/sql-reference/date-time-input-output.
"""


@dataclass(frozen=True)
class Reading:
    """What the texts of a column stand for.

    Args:
        kind: The kind of the values.
        expression: SQL that reads a text, with ``{0}`` for the column; None: COPY INTO reads it.
        values: Each text that COPY does not read, and its value as text: ``21500`` for ``21,500``, ISO for a date.
        odd: Texts that have no such value.
        doubt: What else the texts may stand for, for people; empty if nothing.
    """

    kind: Kind
    expression: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    doubt: str = ""


def recognize(texts: Collection[str], delimiter: str) -> Reading | None:
    """Recognize what the different texts of a column stand for.

    Args:
        texts: The different texts, none of which is a null or blank.
        delimiter: That of the file: where it is a comma, a comma in a number is hardly a decimal comma.

    Returns:
        The reading of almost all of them, or None if they are text.
    """
    stripped = {text: text.strip() for text in texts}
    kind = _plain_kind(stripped.values())
    if kind:
        return (_compact_date(stripped) if kind == "integer" else None) or Reading(kind)
    numbers = [text for text, value in stripped.items() if FLOAT.fullmatch(value) and math.isfinite(float(value))]
    styled = _styled_number(stripped, delimiter)
    if _almost_all(len(numbers), len(texts)) and (styled is None or len(numbers) + len(styled.odd) >= len(texts)):
        plain: Kind = "integer" if all(INTEGER.fullmatch(stripped[text]) for text in numbers) else "float"
        return Reading(plain, odd=tuple(sorted(set(texts) - set(numbers))))
    return styled or _date(stripped, delimiter)


def _compact_date(texts: dict[str, str]) -> Reading | None:
    """Dates without separators; of a few numbers it would be chance that all are days of the calendar."""
    if len(texts) < LEAST_COMPACT or not all(map(COMPACT_DATE.fullmatch, texts.values())):
        return None
    try:
        read = {text: date.fromisoformat(value).isoformat() for text, value in texts.items()}
    except ValueError:
        return None
    return Reading("date", "TRY_TO_DATE({0}, 'YYYYMMDD')", read)


def _almost_all(readable: int, count: int) -> bool:
    return readable == count or (count - readable <= MOST_ODD and readable >= LEAST_READABLE * count)


def _plain_kind(values: Collection[str]) -> Kind | None:
    if all(map(INTEGER.fullmatch, values)):
        return "integer"
    if all(map(FLOAT.fullmatch, values)) and all(map(math.isfinite, map(float, values))):
        return "float"
    if all(value.lower() in ("true", "false") for value in values):
        return "boolean"
    return _time_kind(set(values))


def _time_kind(values: set[str]) -> Kind | None:
    if not all(value[:1].isdigit() for value in values):
        return None
    zones = {bool(ZONE.search(value)) and not DATE.fullmatch(value) for value in values}
    bare = {value if DATE.fullmatch(value) else ZONE.sub("", value) for value in values}
    try:
        if all(map(DATE.fullmatch, values)):
            _ = [date.fromisoformat(value) for value in values]
            return "date"
        if all(TIMESTAMP.fullmatch(value) or DATE.fullmatch(value) for value in bare) and len(zones) == 1:
            _ = [datetime.fromisoformat(value[:26]) for value in bare]
            return "timestamp with zone" if zones == {True} else "timestamp"
    except ValueError:
        return None
    return None


def _styled_number(texts: dict[str, str], delimiter: str) -> Reading | None:
    """Numbers with separators of thousands, a decimal comma, a currency or a percent sign."""
    parts = {
        text: match
        for text, value in texts.items()
        if (match := WRITTEN.fullmatch(value)) and _affixes(match) is not None
    }
    if not parts or not _almost_all(len(parts), len(texts)):
        return None
    percent = ["%" in match["after"] for match in parts.values()]
    if any(percent) and not all(percent):
        return None  # 5 and 5 % are not the same number
    read = {style: _read(parts, *style) for style in STYLES}
    most = max(len(values) for values in read.values())
    best = [style for style in STYLES if len(read[style]) == most]
    if not most or not _almost_all(most, len(texts)):
        return None
    style, doubt = _choose(best, read, delimiter)
    values = read[style]
    kind: Kind = "integer" if all(INTEGER.fullmatch(value) for value in values.values()) else "float"
    expression = _number_expression(*style, [parts[text] for text in values])
    return Reading(kind, expression, values, tuple(sorted(set(texts) - set(values))), doubt)


def _affixes(match: re.Match[str]) -> tuple[str, ...] | None:
    """The currency and percent signs around a number, none of them if it has none; None if it is no number."""
    found = []
    for part in (re.sub(rf"[-+({MINUS}]", "", match["before"]), match["after"].removesuffix(")")):
        text = part.strip()
        if text and text != "%" and text.upper().rstrip(".") not in CURRENCIES and not _is_currency(text):
            return None
        found += [text] if text else []
    opened, closed = "(" in match["before"], match["after"].endswith(")")
    return tuple(found) if opened == closed else None


def _is_currency(text: str) -> bool:
    return len(text) <= 3 and unicodedata.category(text[-1]) == "Sc"  # $, €, US$


def _read(parts: dict[str, re.Match[str]], decimal: str, thousands: str) -> dict[str, str]:
    """The values of the texts that are numbers in a style."""
    pattern = re.compile(f"(?:{_digits(decimal, thousands)})")
    values = {}
    for text, match in parts.items():
        digits = match["digits"]
        if pattern.fullmatch(digits) and not re.match(r"0\d", digits):
            number = digits.replace(thousands, "").replace(decimal, ".")
            negative = any(sign in match["before"] for sign in ("-", MINUS, "("))
            values[text] = f"{'-' if negative else ''}{number}"
    return values


def _digits(decimal: str, thousands: str) -> str:
    """Pattern of a number without sign, for Python and for Snowflake; groups of thousands have exactly three digits."""
    return f"([1-9][0-9]{{0,2}}([{thousands}][0-9]{{3}})+|[0-9]+)([{decimal}][0-9]*)?|[{decimal}][0-9]+"


def _choose(
    best: Sequence[tuple[str, str]], read: dict[tuple[str, str], dict[str, str]], delimiter: str
) -> tuple[tuple[str, str], str]:
    """One of the styles that fit equally, and the doubt if they give different numbers.

    Where 21,500 may be 21500 or 21.5, it is the former in a file separated by commas or tabs; in one separated by
    semicolons, as those are written where the comma is the decimal point, the latter.
    """
    english, german = STYLES[:2]
    if english not in best or german not in best or read[english] == read[german]:
        return best[0], ""
    chosen, other = (german, english) if delimiter == ";" else (english, german)
    text = next(text for text in read[english] if read[english][text] != read[german][text])
    return chosen, f"{text} is read as {read[chosen][text]}; it may also be {read[other][text]}"


def _number_expression(decimal: str, thousands: str, written: Sequence[re.Match[str]]) -> str:
    """SQL that reads such numbers, and gives NULL for a text that is written otherwise: 1,5 is not 15.

    RLIKE has to match the whole text (https://docs.snowflake.com/en/sql-reference/functions/rlike).
    """
    affixes = sorted({affix for match in written for affix in _affixes(match) or ()}, key=lambda each: -len(each))
    digits = [match["digits"] for match in written]
    accounting = any("(" in match["before"] for match in written)
    grouped = any(thousands in each for each in digits)
    whole = f"([1-9][0-9]{{0,2}}([{thousands}][0-9]{{3}})+|[0-9]*)" if grouped else "[0-9]*"
    minus = MINUS if any(MINUS in match["before"] for match in written) else ""
    around = "".join(dict.fromkeys(" ".join(("", *affixes, "(" if accounting else "")))) + minus
    pattern = f"[-+{around}]*{whole}([{decimal}][0-9]*)?[{around.replace('(', ')')}]*"
    replaced = {**dict.fromkeys(affixes, ""), " ": "", **({thousands: ""} if grouped else {})}
    replaced |= {"(": "-", ")": ""} if accounting else {}
    replaced |= {minus: "-"} if minus else {}
    replaced |= {",": "."} if decimal == "," else {}
    result = "{0}"
    for old, new in replaced.items():
        result = f"REPLACE({result}, {_quoted(old)}, {_quoted(new)})"
    return f"IFF(RLIKE({{0}}, {_quoted(pattern)}), TRY_TO_DOUBLE({result}), NULL)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"


def _date(texts: dict[str, str], delimiter: str) -> Reading | None:
    """Dates in another order than that of ISO."""
    values = pd.Series(texts)
    if all(map(TIME_OF_DAY.fullmatch, texts.values())) and any(
        "00" in re.split("[:.]", text) for text in texts.values()
    ):
        return None  # 18.00.00 is no date; 18.01.02 may be one
    fitting: list[tuple[str, pd.Series]] = []
    for sql, python in _formats_of(texts):
        moments = pd.to_datetime(values, format=python, errors="coerce").dropna()
        if len(moments) and _almost_all(len(moments), len(texts)):
            fitting.append((sql, moments))
    most = max((len(moments) for _, moments in fitting), default=0)
    best = [(sql, moments) for sql, moments in fitting if len(moments) == most]
    if not best:
        return None
    if delimiter == ";":  # of a country in which the day is first
        best.sort(key=lambda each: each[0].startswith("MM"))
    sql, moments = best[0]
    kind: Kind = "timestamp" if "HH" in sql else "date"
    function = "TRY_TO_DATE" if kind == "date" else "TRY_TO_TIMESTAMP"
    form = "%Y-%m-%d" if kind == "date" else "%Y-%m-%d %H:%M:%S"
    doubt = f"the order may also be {best[1][0]}: no day is after the 12th" if len(best) > 1 else ""
    read = dict(zip(moments.index, moments.dt.strftime(form), strict=True))
    return Reading(kind, f"{function}({{0}}, '{sql}')", read, tuple(sorted(set(texts) - set(read))), doubt)


def _formats_of(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The formats in which one of the first texts is a date; most texts are in none, and are not parsed further."""
    first = [value for value in list(texts.values())[: 2 * MOST_ODD] if any(map(str.isdigit, value)) and len(value) > 5]
    for sql, python in DATE_FORMATS.items():
        if any(_parses(value, python) for value in first):
            yield sql, python


def _parses(value: str, python: str) -> bool:
    try:
        datetime.strptime(value, python)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True
