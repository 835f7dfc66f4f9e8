"""Formats of dates and times: Snowflake's elements, in upper or lower case, as DuckDB's.

Source: https://docs.snowflake.com/en/sql-reference/date-time-input-output#about-the-elements-used-in-input-and-output-formats
"""

from sqlglot import exp

from local_snowflake.functions.formats.elements import ELEMENTS, FRACTION, OFFSETS, tokens_of
from local_snowflake.functions.python_calls import call, python_call

# strptime reads the fraction of a second as microseconds or as nanoseconds
_MICROSECONDS, _NANOSECONDS = "%f", "%n"

# how a text becomes a value that has no constant format, by the macros of ``functions.times``
_CONVERSIONS = {
    "date": "date_of_text(time_text(v))",
    "time": "CAST(v AS TIME)",
    "ntz": "moment_of_text(time_text(v))",
    "ltz": "instant_of_text(time_text(v))",
    "tz": "zoned_of_text(v)",
}


def _macro(kind: str, *, safe: bool) -> str:
    """A macro that computes its argument once."""
    read = f"TRY({_CONVERSIONS[kind]})" if safe else _CONVERSIONS[kind]
    return f"{_name(kind, safe=safe)}(x) AS list_extract(list_transform([x], lambda v: {read}), 1)"


def _name(kind: str, *, safe: bool) -> str:
    return f"{'try_' if safe else ''}{kind}_of_read"


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
BY_FORMAT = tuple(_macro(kind, safe=safe) for kind in _CONVERSIONS for safe in (False, True))


def _literal(token: str) -> str:
    return token.removeprefix('"').replace("%", "%%") if len(token) > 1 else token.replace("%", "%%")


def formatted(value: exp.Expr, written: str) -> exp.Expr:
    """TO_CHAR of a date, time or timestamp: https://docs.snowflake.com/en/sql-reference/functions/to_char.

    Raises 000002 for a format that has other letters than its elements.
    """
    pieces: list[exp.Expr] = []
    plain = ""
    for token in tokens_of(written):
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
    if match := FRACTION.match(token):
        digits = int(match[1] or 9)
        if digits in {0, 3} or digits >= 6:
            return "" if digits == 0 else "%g" if digits == 3 else "%f" + "0" * (digits - 6)
        return call("left", _strftime(value, "%f"), exp.Literal.number(digits))
    if token not in OFFSETS:
        return ELEMENTS.get(token) or _literal(token)
    offset, separator = call("offset_of", value.copy()), OFFSETS[token]
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
    tokens = tokens_of(written)
    is_literal = isinstance(value, exp.Literal)
    text: exp.Expr = exp.cast(value, "VARCHAR", dialect="duckdb") if is_literal else call("text_of", value)
    if tokens and tokens[-1] in OFFSETS and not zoned:
        text, tokens = call("text_without_offset", text), tokens[:-1]
    read = "".join(_read(token) for token in tokens)
    form: exp.Expr = exp.Literal.string(read.rstrip() if tokens != tokens_of(written) else read)
    if len(tokens) > 1 and FRACTION.match(tokens[-1]) and tokens[-2] == ".":
        # a text may lack the fraction of its second
        whole = "".join(_read(token) for token in tokens[:-2])
        form = exp.Array(expressions=[form, exp.Literal.string(whole)])
    if safe:
        time = call("try_strptime", text, form)
    else:
        time = call("parsed_time", text, form, exp.Literal.string(written), exp.Literal.string(kind))
    return call("in_century", time) if "YY" in tokens else time


def _read(token: str) -> str:
    if match := FRACTION.match(token):
        return _MICROSECONDS if match[1] and int(match[1]) <= 6 else _NANOSECONDS
    return "%z" if token in OFFSETS else ELEMENTS.get(token) or _literal(token)


def by_format(value: exp.Expr, form: exp.Expr, kind: str, *, safe: bool) -> exp.Expr:
    """A text as a date or time by a format that is no constant, eg: a column.

    Args:
        value: the text.
        form: the format.
        kind: date, time, ntz, ltz or tz.
        safe: whether what has not the format is NULL, and no error.
    """
    name = "try_read_time" if safe else "read_time"
    text = exp.cast(form, "VARCHAR", dialect="duckdb")
    read = python_call(name, "VARCHAR", call("text_of", value), text, exp.Literal.string(kind))
    return call(_name(kind, safe=safe), read)
