"""Formats of dates and times: Snowflake's elements, in upper or lower case, as DuckDB's.

Source: https://docs.snowflake.com/en/sql-reference/date-time-input-output#about-the-elements-used-in-input-and-output-formats
"""

import re
from functools import lru_cache

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.functions.python_calls import call

# the elements of dates and times -> strftime's and strptime's letters
ELEMENTS = {
    "YYYY": "%Y",
    "UUUU": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    # what clients put behind a time in that zone
    "UTC": "UTC",
}
# what strftime has no letter for: the digits of a second's fraction, and the offset
_FRACTION, _OFFSET = re.compile(r"FF(\d?)\Z"), {"TZHTZM": "", "TZH:TZM": ":", "TZH": "H"}
_TOKEN = re.compile(r'"[^"]*"|' + "|".join([r"FF\d?", *_OFFSET, *ELEMENTS]) + r"|T(?=HH)|[^A-Za-z\"]|.", re.I | re.S)
# strptime reads the fraction of a second as microseconds or as nanoseconds
_MICROSECONDS, _NANOSECONDS = "%f", "%n"

MACROS = (
    """offset_of(x) AS CASE WHEN typeof(x) = 'INTERVAL' THEN offset_text(offset_minutes(x))
    WHEN typeof(x) = 'TIMESTAMP WITH TIME ZONE'
    THEN rpad(replace(strftime(CAST(x AS TIMESTAMPTZ), '%z'), ':', ''), 5, '0') ELSE '+0000' END""",
    # two digits of a year begin with 1970, where strptime's begin with 1969: TWO_DIGIT_CENTURY_START
    "in_century(x) AS CASE WHEN year(x) = 1969 THEN x + to_years(100) ELSE x END",
    r"text_without_offset(x) AS regexp_replace(x, '\s*(?:Z|[+-]\d{1,2}:?\d{0,2})$', '')",
    """parsed_time(x, f, shown, kind) AS coalesce(try_strptime(x, f), CASE WHEN x IS NOT NULL
    THEN CAST('$SNOWFLAKE|100096|22007|Can''t parse ''' || x || ''' as ' || kind || ' with format ''' || shown || '''|$'
    AS TIMESTAMP) END)""",
)


@lru_cache(maxsize=256)
def _tokens(written: str) -> tuple[str, ...]:
    """The elements of a format in upper case, and what stands between them as it is.

    Raises 000002 for letters that are no element and stand in no double quotes.
    """
    found = []
    for token in _TOKEN.findall(written):
        name = token.upper()
        if name in ELEMENTS or name in _OFFSET or _FRACTION.match(name):
            found.append(name)
        elif token.startswith('"') and len(token) > 1:
            # longer than any element, so that it is none
            found.append(f'"{token[1:-1]}')
        elif re.fullmatch(r"[A-SU-Za-su-z]", token):
            raise not_supported(f"the format '{written}' of dates and times: '{token}' is no element of it")
        else:
            found.append(token)
    return tuple(found)


def _literal(token: str) -> str:
    return token.removeprefix('"').replace("%", "%%") if len(token) > 1 else token.replace("%", "%%")


def formatted(value: exp.Expr, written: str) -> exp.Expr:
    """TO_CHAR of a date, time or timestamp: https://docs.snowflake.com/en/sql-reference/functions/to_char.

    Raises 000002 for a format that has other letters than its elements.
    """
    pieces: list[exp.Expr] = []
    plain = ""
    for token in _tokens(written):
        piece = _piece(value, token)
        if isinstance(piece, str):
            plain += piece
            continue
        pieces += [_strftime(value, plain), piece] if plain else [piece]
        plain = ""
    if plain or not pieces:
        pieces.append(_strftime(value, plain))
    if len(pieces) == 1:
        return pieces[0]
    # a NULL is a NULL, which concat would leave out
    return exp.Case(ifs=[exp.If(this=value.copy().is_(exp.null()).not_(), true=call("concat", *pieces))])


def _strftime(value: exp.Expr, form: str) -> exp.Expr:
    return call("strftime", call("moment_of", value.copy()), exp.Literal.string(form))


def _piece(value: exp.Expr, token: str) -> str | exp.Expr:
    """An element in strftime's letters, or the expression of one that it has no letter for."""
    if match := _FRACTION.match(token):
        digits = int(match[1] or 9)
        if digits in {0, 3} or digits >= 6:
            return "" if digits == 0 else "%g" if digits == 3 else "%f" + "0" * (digits - 6)
        return call("left", _strftime(value, "%f"), exp.Literal.number(digits))
    if token not in _OFFSET:
        return ELEMENTS.get(token) or _literal(token)
    offset, separator = call("offset_of", value.copy()), _OFFSET[token]
    if not separator:
        return offset
    hours = call("left", offset, exp.Literal.number(3))
    minutes = call("right", offset.copy(), exp.Literal.number(2))
    return hours if separator == "H" else call("concat", hours, exp.Literal.string(":"), minutes)


def parsed(value: exp.Expr, written: str, kind: str, *, zoned: bool = False, safe: bool = False) -> exp.Expr:
    """A text as a time by a format, as DuckDB's TIMESTAMP or TIMESTAMPTZ; ``kind`` names the type in the error.

    Raises 000002 for a format that has other letters than its elements; the statement 100096 for a text that does not
    have the format.
    """
    tokens = _tokens(written)
    is_literal = isinstance(value, exp.Literal)
    text: exp.Expr = exp.cast(value, "VARCHAR", dialect="duckdb") if is_literal else call("text_of", value)
    if tokens and tokens[-1] in _OFFSET and not zoned:
        text, tokens = call("text_without_offset", text), tokens[:-1]
    read = "".join(_read(token) for token in tokens)
    form = exp.Literal.string(read.rstrip() if tokens != _tokens(written) else read)
    if safe:
        time = call("try_strptime", text, form)
    else:
        time = call("parsed_time", text, form, exp.Literal.string(written), exp.Literal.string(kind))
    return call("in_century", time) if "YY" in tokens else time


def _read(token: str) -> str:
    if match := _FRACTION.match(token):
        return _MICROSECONDS if match[1] and int(match[1]) <= 6 else _NANOSECONDS
    return "%z" if token in _OFFSET else ELEMENTS.get(token) or _literal(token)
