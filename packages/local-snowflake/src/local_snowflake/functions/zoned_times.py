"""TIMESTAMP_TZ: macros for a moment with the offset from UTC with which it was written (``sql.types`` has its form).

Source: https://docs.snowflake.com/en/sql-reference/data-types-datetime#timestamp-ltz-timestamp-ntz-timestamp-tz
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call
from local_snowflake.sql.types import FAR, START, SfType, minutes_sql, offset_sql, zoned_sql

# lets any value pass but a TIMESTAMP_TZ; what may be one though its type does not follow from the statement
REFUSING = "without_offset"
UNTYPED = (exp.Anonymous, exp.Column, exp.Dot, exp.Parameter, exp.SessionParameter)


def _once(head: str, argument: str, body: str) -> str:
    """A macro that computes an argument once, as ``v``: DuckDB repeats arguments, and nested macros grow by powers."""
    return f"{head} AS list_extract(list_transform([{argument}], lambda v: {body}), 1)"


MACROS = (
    # TRY_CAST, because constants are cast while planning, also where a macro does not use them
    "as_zoned(z) AS TRY_CAST(z AS INTERVAL)",
    f"offset_minutes(z) AS {minutes_sql('as_zoned(z)')}",
    f"time_in_utc(z) AS {START} + to_microseconds(epoch_us(as_zoned(z)))",
    # the moment as TIMESTAMP_LTZ, and what a clock at the value's offset shows as TIMESTAMP_NTZ
    "instant_of_zoned(z) AS timezone('UTC', time_in_utc(z))",
    # no lambda: the defaults that earlier versions wrote into the file come to it
    "clock_of_zoned(z) AS time_in_utc(z) + to_minutes(offset_minutes(z))",
    f"far_zoned(z) AS as_zoned(z) + {FAR}",
    f"zoned_time(t, o) AS {zoned_sql('t', 'o')}",
    "zoned_at_offset(t, o) AS zoned_time(t - to_minutes(o), o)",
    # a clock that shows t at the moment i
    "zoned_by_clock(t, i) AS zoned_time(timezone('UTC', i), (epoch_us(t) - epoch_us(i)) // 60000000)",
    _once("zoned_of_instant(i)", "i", "zoned_by_clock(CAST(v AS TIMESTAMP), v)"),
    _once("zoned_of_clock(t)", "t", "zoned_by_clock(v, CAST(v AS TIMESTAMPTZ))"),
    _once("zoned_of_clock_in(t, z)", "t", "zoned_by_clock(v, timezone(z, v))"),
    _once("zoned_in(z, i)", "i", "zoned_by_clock(timezone(z, v), v)"),
    f"offset_text(o) AS {offset_sql('o')}",
    # a VARIANT keeps what the text has no digits for
    """kept_text_of_zoned(z) AS regexp_replace(strftime(clock_of_zoned(z), '%Y-%m-%d %H:%M:%S.%f'), '000$', '')
    || ' ' || offset_text(offset_minutes(z))""",
    "text_of_zoned(z) AS strftime(clock_of_zoned(z), '%Y-%m-%d %H:%M:%S.%g ') || offset_text(offset_minutes(z))",
)
# those that read texts and numbers by the macros of `times`
CONVERSIONS = (
    # seconds since 1970 in a text have no offset of their own, nor has a time without one: the session's
    # a lambda, because an argument of a macro is repeated where it is used
    """zoned_of_text(x) AS list_extract(list_transform(list_transform([time_text(x)], lambda v: {i: instant_of_text(v),
    t: CASE WHEN NOT regexp_full_match(v, '-?\\d+') THEN moment_of_text(v) END}),
    lambda v: zoned_by_clock(coalesce(v.t, CAST(v.i AS TIMESTAMP)), v.i)), 1)""",
    """zoned_of_number(x, scale) AS list_extract(list_transform([moment_of_number(x, scale)],
    lambda v: zoned_of_instant(timezone('UTC', v))), 1)""",
    # what typeof decides is decided when a statement is planned
    """timestamp_tz_of(x, scale) AS list_extract(list_transform([x], lambda v: CASE
    WHEN typeof(v) = 'INTERVAL' THEN as_zoned(v)
    WHEN typeof(v) IN ('VARCHAR', 'JSON') THEN zoned_of_text(CAST(v AS VARCHAR))
    WHEN typeof(v) = 'TIMESTAMP WITH TIME ZONE' THEN zoned_of_instant(CAST(v AS TIMESTAMPTZ))
    WHEN starts_with(typeof(v), 'TIMESTAMP') OR typeof(v) = 'DATE' THEN zoned_of_clock(CAST(v AS TIMESTAMP))
    ELSE zoned_of_number(v, scale) END), 1)""",
    # refuses a value whose type does not follow from the statement: DuckDB's functions of intervals answer otherwise
    """without_offset(x) AS list_extract([x], CASE WHEN typeof(x) = 'INTERVAL' THEN CAST('$SNOWFLAKE|2|0A000|'
    || 'Unsupported feature \'\'function of a TIMESTAMP_TZ whose type does not follow from the statement\'\': '
    || 'cast the value, eg: value::TIMESTAMP_TZ|$' AS BIGINT) ELSE 1 END)""",
)


def zoned(value: exp.Expr, kind: SfType | None) -> exp.Expr:
    """A value as TIMESTAMP_TZ: with the offset of the session if it has none.

    Args:
        value: an expression that stands in no tree.
        kind: its type; None if that is not known before the statement runs.
    """
    if isinstance(value, exp.Literal) and value.is_string:
        return call("zoned_of_text", exp.cast(value, "VARCHAR", dialect="duckdb"))
    name = kind.name if kind is not None else ""
    if name in {"DATE", "TIMESTAMP_NTZ"}:
        return call("zoned_of_clock", exp.cast(value, "TIMESTAMP", dialect="duckdb"))
    if name == "TIMESTAMP_TZ":
        return value
    macro = {"TIMESTAMP_LTZ": "zoned_of_instant", "VARCHAR": "zoned_of_text"}.get(name)
    return call(macro, value) if macro else call("timestamp_tz_of", value, exp.Literal.number(0))
