"""Dates and times: text, numbers and variants become timestamps, and a date plus days stays a date.

Source: https://docs.snowflake.com/en/sql-reference/functions/to_timestamp
"""

import re

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.functions import time_parts
from local_snowflake.functions.formats import times as time_formats
from local_snowflake.functions.python_calls import call

_FORMATS = (
    "'%a, %d %b %Y %H:%M:%S', '%a %b %d %H:%M:%S %Y', '%d-%b-%Y %H:%M:%S', '%d-%b-%Y', "
    "'%m/%d/%Y %H:%M:%S', '%m/%d/%Y', '%Y%m%d', '%Y-%m-%d %H', '%Y-%m-%dT%H'"
)
_WITH_OFFSET = "'%a, %d %b %Y %H:%M:%S %z', '%a %b %d %H:%M:%S %z %Y'"
# behind a time; a year may follow
_OFFSET = r"(\d:\d{2}(?:\.\d+)?)\s*(?:Z|[+-]\d{1,2}:?\d{0,2})( \d{4})?$"

MACROS = (
    # a text as it comes from a column or, quoted, from a variant
    "time_text(x) AS nullif(trim(x, '\" '), 'null')",
    f"time_without_offset(x) AS regexp_replace(x, '{_OFFSET}', '\\1\\2')",
    # without the words that DuckDB alone takes for a time
    r"own_time(x) AS regexp_replace(x, '^.*(epoch|infinity|\(bc\)).*$', '-', 'i')",
    # without the space before an offset, whose hour has two digits to DuckDB
    """time_with_offset(x) AS regexp_replace(regexp_replace(x, '(\\d:\\d{2}(?:\\.\\d+)?)\\s+(Z|[+-]\\d)', '\\1\\2'),
    '(\\d:\\d{2}(?:\\.\\d+)?[+-])(\\d)(:\\d{2})?$', '\\10\\2\\3')""",
    # whole numbers are exact, fractions are exact to the microsecond
    """moment_of_number(x, scale) AS make_timestamp(CASE WHEN contains(CAST(x AS VARCHAR), '.')
    THEN CAST(floor(CAST(CAST(x AS VARCHAR) AS DOUBLE) * 1000000 / 10 ** scale) AS BIGINT)
    ELSE CAST(CAST(CAST(x AS VARCHAR) AS HUGEINT) * 1000000 // CAST(10 ** scale AS HUGEINT) AS BIGINT) END)""",
    # the unit of a whole number in a text follows from its size; TRY_CAST, because constants are cast while planning
    "digits(x) AS TRY_CAST(x AS HUGEINT)",
    """moment_of_digits(x) AS make_timestamp(TRY_CAST(CASE WHEN abs(digits(x)) < 31536000000 THEN digits(x) * 1000000
    WHEN abs(digits(x)) < 31536000000000 THEN digits(x) * 1000
    WHEN abs(digits(x)) < 31536000000000000 THEN digits(x) ELSE digits(x) // 1000 END AS BIGINT))""",
    f"""moment_of_text(x) AS CASE WHEN regexp_full_match(x, '-?\\d+') THEN moment_of_digits(x)
    ELSE coalesce(TRY_CAST(time_without_offset(own_time(x)) AS TIMESTAMP),
    try_strptime(time_without_offset(own_time(x)), [{_FORMATS}]), CASE WHEN x IS NOT NULL
    THEN CAST('$SNOWFLAKE|100035|22007|Timestamp \'\'' || x || '\'\' is not recognized|$' AS TIMESTAMP) END) END""",
    """timestamp_ntz_of(x VARCHAR, scale) AS moment_of_text(time_text(x)),
    (x, scale) AS CASE WHEN starts_with(typeof(x), 'TIMESTAMP') OR typeof(x) = 'DATE' THEN CAST(x AS TIMESTAMP)
    WHEN typeof(x) = 'INTERVAL' THEN clock_of_zoned(x) ELSE moment_of_number(x, scale) END""",
    """moment_of(x) AS CASE WHEN typeof(x) = 'TIME' THEN DATE '1970-01-01' + CAST(CAST(x AS VARCHAR) AS TIME)
    WHEN typeof(x) = 'INTERVAL' THEN clock_of_zoned(x)
    ELSE timestamp_ntz_of(x, 0) END""",
    f"""instant_of_text(x) AS CASE WHEN regexp_full_match(x, '-?\\d+') THEN moment_of_digits(x) AT TIME ZONE 'UTC'
    ELSE coalesce(TRY_CAST(time_with_offset(own_time(x)) AS TIMESTAMPTZ), try_strptime(own_time(x), [{_WITH_OFFSET}]),
    CAST(moment_of_text(x) AS TIMESTAMPTZ)) END""",
    """timestamp_ltz_of(x VARCHAR, scale) AS instant_of_text(time_text(x)),
    (x, scale) AS CASE WHEN starts_with(typeof(x), 'TIMESTAMP') OR typeof(x) = 'DATE' THEN CAST(x AS TIMESTAMPTZ)
    WHEN typeof(x) = 'INTERVAL' THEN instant_of_zoned(x)
    ELSE moment_of_number(x, scale) AT TIME ZONE 'UTC' END""",
    f"""date_of_text(x) AS coalesce(TRY_CAST(own_time(x) AS DATE), CAST(CASE WHEN regexp_full_match(x, '-?\\d+')
    THEN moment_of_digits(x) ELSE coalesce(TRY_CAST(time_without_offset(own_time(x)) AS TIMESTAMP),
    try_strptime(time_without_offset(own_time(x)), [{_FORMATS}])) END AS DATE),
    CASE WHEN x IS NOT NULL THEN CAST('$SNOWFLAKE|100040|22007|Date \'\'' || x || '\'\' is not recognized|$'
    AS DATE) END)""",
    "date_of(x VARCHAR) AS date_of_text(time_text(x)), (x) AS CAST(x AS DATE)",
    # a whole number in a text counts from 1970
    """time_of_text(x) AS CASE WHEN regexp_full_match(x, '-?\\d+') THEN CAST(moment_of_digits(x) AS TIME)
    ELSE CAST(x AS TIME) END""",
    # what is computed from a date by whole days is a date; x is a text, a time or a date
    """plus_days(x DATE, i) AS CAST(x + i AS DATE), (x VARCHAR, i) AS moment_of_text(time_text(x)) + i,
    (x, i) AS x + i""",
    "plus_time(x VARCHAR, i) AS moment_of_text(time_text(x)) + i, (x, i) AS x + i",
    """truncated_time(u, x DATE) AS CAST(date_trunc(u, x) AS DATE),
    (u, x VARCHAR) AS date_trunc(u, moment_of_text(time_text(x))),
    (u, x TIME) AS CAST(date_trunc(u, DATE '1970-01-01' + x) AS TIME), (u, x) AS date_trunc(u, x)""",
    # the last day of a month stays the last one
    """months_later(x, n) AS CASE WHEN CAST(x AS DATE) = last_day(CAST(x AS DATE))
    THEN last_day(CAST(x AS DATE) + to_months(n)) + (CAST(x AS TIMESTAMP) - date_trunc('day', CAST(x AS TIMESTAMP)))
    ELSE CAST(x AS TIMESTAMP) + to_months(n) END""",
    """add_months(x DATE, n) AS CAST(months_later(x, CAST(n AS INTEGER)) AS DATE),
    (x VARCHAR, n) AS months_later(moment_of_text(time_text(x)), CAST(n AS INTEGER)),
    (x, n) AS months_later(x, CAST(n AS INTEGER))""",
    # hours, seconds and the like beyond their range go over into the next unit: DuckDB's make_timestamp refuses them
    """time_span(h, mi, s, ns) AS to_hours(CAST(h AS BIGINT)) + to_minutes(CAST(mi AS BIGINT))
    + to_seconds(CAST(s AS BIGINT)) + to_microseconds(CAST(ns AS BIGINT) // 1000)""",
    """timestamp_of_parts(y, mo, d, h, mi, s, ns) AS CAST(make_date(CAST(y AS BIGINT), 1, 1) AS TIMESTAMP)
    + to_months(CAST(mo - 1 AS INTEGER)) + to_days(CAST(d - 1 AS INTEGER)) + time_span(h, mi, s, ns)""",
    # refuses what has a zone of its own where its type does not follow from the statement
    """time_in_zone(s, t, x) AS CASE WHEN typeof(x) IN ('INTERVAL', 'TIMESTAMP WITH TIME ZONE')
    THEN CAST('$SNOWFLAKE|1044|42P13|SQL compilation error:' || chr(10) || 'error line 1 at position 0' || chr(10)
    || 'Invalid argument types for function \'\'CONVERT_TIMEZONE\'\': (VARCHAR, VARCHAR, '
    || CASE typeof(x) WHEN 'INTERVAL' THEN 'TIMESTAMP_TZ(9)' ELSE 'TIMESTAMP_LTZ(9)' END || ')|$' AS TIMESTAMP)
    ELSE timezone(t, timezone(s, CAST(x AS TIMESTAMP))) END""",
    # the count of whole units of so many microseconds; DuckDB's epoch and epoch_ms round, and // cuts towards zero
    "whole_units(us, n) AS us // n - CAST(us % n < 0 AS BIGINT)",
    # to as many microseconds as the digits of a type's fraction leave
    """cut_time(x TIME, n) AS x - to_microseconds(epoch_us(x) % n),
    (x TIMESTAMP, n) AS make_timestamp(whole_units(epoch_us(x), n) * n),
    (x TIMESTAMPTZ, n) AS make_timestamp(whole_units(epoch_us(x), n) * n) AT TIME ZONE 'UTC'""",
    """epoch_in(x VARCHAR, n) AS whole_units(epoch_us(moment_of_text(time_text(x))), n),
    (x, n) AS whole_units(epoch_us(x), n)""",
    """months_between_of(a, b) AS CAST(round(12 * (year(a) - year(b)) + month(a) - month(b) + CASE
    WHEN day(a) = day(b) OR (day(a) = day(last_day(a)) AND day(b) = day(last_day(b))) THEN 0
    ELSE (epoch(a) - epoch(date_trunc('month', a)) - epoch(b) + epoch(date_trunc('month', b))) / 86400 / 31.0 END, 6)
    AS DECIMAL(38, 6))""",
)

_ZONED = (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ)
_PLAIN = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
_NAMED = {f"{try_}TO_TIMESTAMP{kind}": kind for try_ in ("", "TRY_") for kind in ("", "_NTZ", "_LTZ", "_TZ")}
# parts of DATE_PART -> microseconds; those of EPOCH_NANOSECOND are stored in whole
_EPOCHS = {"EPOCH": 1_000_000, "EPOCH_SECOND": 1_000_000, "EPOCH_MILLISECOND": 1_000, "EPOCH_MICROSECOND": 1}
_DAYS = {"day", "week", "month", "quarter", "year"}
_COUNTS = dict.fromkeys(_DAYS, "INTEGER")


# nodes of the rewrites below
NODES = (exp.Anonymous, exp.UnixToTime, exp.Cast)
FORMATTED = (exp.TsOrDsToDate, exp.TsOrDsToTime, exp.StrToTime)
ARITHMETIC = (
    *(exp.DateAdd, exp.TimeAdd, exp.TimestampAdd, exp.Interval),
    *(exp.TimestampTrunc, exp.DateTrunc, exp.AddMonths),
)
PARTS = (
    *(exp.TimestampFromParts, exp.TimestampLtzFromParts, exp.TimestampTzFromParts, exp.TimeFromParts),
    *(exp.ConvertTimezone, exp.MonthsBetween, exp.Extract),
)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite conversions to dates and timestamps, in place."""
    for node in list(tree.find_all(exp.Anonymous)):
        name = str(node.this).upper()
        if name in _NAMED and len(node.expressions) in {1, 2}:
            replacement = timestamp(*node.expressions, kind=_NAMED[name])
            node.replace(call("TRY", replacement) if name.startswith("TRY_") else replacement)
        elif name in {"TO_TIME", "TRY_TO_TIME"} and len(node.expressions) == 1:
            # so the parser has it for a text of digits
            read = call("time_of_text", exp.cast(node.expressions[0], "VARCHAR", dialect="duckdb"))
            node.replace(_tried(read, safe=name.startswith("TRY_")))
        elif name in {"TO_DATE", "TRY_TO_DATE", "DATE"} and len(node.expressions) == 1:
            node.replace(_tried(_date(node.expressions[0]), safe=name.startswith("TRY_")))
    for unix in list(tree.find_all(exp.UnixToTime)):
        target, scale = unix.args.get("target_type"), unix.args.get("scale")
        unix.replace(timestamp(unix.this, scale, kind=_kind(target)))
    for cast in list(tree.find_all(exp.Cast)):
        if (kind := _kind(cast.to)) or (cast.to.is_type(*_PLAIN) and isinstance(cast.this, exp.Literal)):
            cast.replace(_tried(timestamp(cast.this, kind=kind), safe=isinstance(cast, exp.TryCast)))
        elif cast.to.is_type(exp.DType.DATE) and not _is_iso_date(cast.this):
            cast.replace(_tried(_date(cast.this), safe=isinstance(cast, exp.TryCast)))


def rewrite_formats(tree: exp.Expr) -> None:
    """TO_DATE, TO_TIME and TO_TIMESTAMP with a format."""
    for date in list(tree.find_all(exp.TsOrDsToDate)):
        safe, form = bool(date.args.get("safe")), _format(date)
        if form is None:
            date.replace(_tried(_date(date.this), safe=safe))
        elif isinstance(form, exp.Expr):
            date.replace(time_formats.by_format(date.this, form, "date", safe=safe))
        else:
            read = time_formats.parsed(date.this, form, "date", safe=safe)
            date.replace(exp.cast(read, "DATE", dialect="duckdb"))
    for time in list(tree.find_all(exp.TsOrDsToTime)):
        safe, form = bool(time.args.get("safe")), _format(time)
        if isinstance(form, exp.Expr):
            time.replace(time_formats.by_format(time.this, form, "time", safe=safe))
        elif form is not None:
            read = time_formats.parsed(time.this, form, "time", safe=safe)
            time.replace(exp.cast(read, "TIME", dialect="duckdb"))
    for read in list(tree.find_all(exp.StrToTime)):
        _read_by_format(read)


def _tried(conversion: exp.Expr, *, safe: bool) -> exp.Expr:
    return call("TRY", conversion) if safe else conversion


def _is_iso_date(value: exp.Expr) -> bool:
    """Whether DuckDB reads a value as a date as Snowflake does; a part of a VARIANT is read later on."""
    if isinstance(value, exp.Literal):
        return value.is_string and bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])", value.name))
    return isinstance(value, (exp.JSONExtract, exp.Bracket, exp.Null))


def _date(value: exp.Expr) -> exp.Expr:
    """A value as DATE, a text as Snowflake recognizes it without a format."""
    return call("date_of", exp.cast(value, "VARCHAR") if isinstance(value, exp.Literal) and value.is_string else value)


def _format(node: exp.Expr) -> str | exp.Expr | None:
    """The format of a conversion: a text if it is constant, else an expression; None if it has none, or AUTO."""
    form: exp.Expr | None = node.args.get("format")
    if form is None or (isinstance(form, exp.Literal) and form.name.upper() == "AUTO"):
        return None
    return str(form.name) if isinstance(form, exp.Literal) else form


def _read_by_format(node: exp.StrToTime) -> None:
    target, safe = node.args.get("target_type"), bool(node.args.get("safe"))
    kind, form = _kind(target), _format(node)
    if form is None:
        node.replace(_tried(timestamp(node.this, kind=kind), safe=safe))
        return
    if isinstance(form, exp.Expr):
        node.replace(time_formats.by_format(node.this, form, kind.lower().removeprefix("_") or "ntz", safe=safe))
        return
    read = time_formats.parsed(node.this, form, "timestamp", zoned=bool(kind), safe=safe)
    made: exp.Expr = exp.cast(read, "TIMESTAMPTZ" if kind else "DATETIME", dialect="duckdb")
    if kind == "_TZ":
        # the clock's time is that of the text without its offset
        clock = time_formats.parsed(node.this.copy(), form, "timestamp", safe=safe)
        made = call("zoned_by_clock", exp.cast(clock, "DATETIME", dialect="duckdb"), made)
    node.replace(made)


def rewrite_arithmetic(tree: exp.Expr) -> None:
    """DATEADD, intervals, DATE_TRUNC and ADD_MONTHS: they are timestamps in DuckDB, also those of dates."""
    for added in list(tree.find_all(exp.DateAdd, exp.TimeAdd, exp.TimestampAdd)):
        if part := _span(added.expression, _unit(added)):
            added.replace(_plus(added.this, [part]))
    for sum_ in list(tree.find_all(exp.Add, exp.Sub)):
        if isinstance(sum_, exp.Add) and isinstance(sum_.this, exp.Interval):
            _interval_last(sum_)
        if isinstance(sum_.expression, exp.Interval) and (parts := _spans(sum_.expression, isinstance(sum_, exp.Sub))):
            sum_.replace(_plus(sum_.this, parts))
    _rewrite_frames(tree)
    for truncated in list(tree.find_all(exp.TimestampTrunc, exp.DateTrunc)):
        unit = time_parts.UNITS.get(_unit(truncated))
        if unit and not truncated.args.get("zone"):
            truncated.replace(call("truncated_time", exp.Literal.string(unit), _typed(truncated.this)))
    for later in list(tree.find_all(exp.AddMonths)):
        later.replace(call("add_months", _typed(later.this), later.expression))


def _rewrite_frames(tree: exp.Expr) -> None:
    """Intervals of several parts at the ends of a RANGE."""
    for frame in tree.find_all(exp.WindowSpec):
        for key in ("start", "end"):
            if isinstance(bound := frame.args.get(key), exp.Interval) and (parts := _spans(bound, negative=False)):
                frame.set(key, _summed(parts))


def _interval_last(sum_: exp.Add) -> None:
    """``INTERVAL '1 day' + x`` -> ``x + INTERVAL '1 day'``.

    The parser takes a text behind an interval for one too, and a cast for one of the sum.
    """
    interval, value = sum_.this, sum_.expression
    if isinstance(value, exp.Interval) and value.args.get("unit") is None and isinstance(value.this, exp.Literal):
        value, cast = value.this, sum_.parent
        if isinstance(cast, exp.Cast):
            value = exp.cast(value.copy(), cast.to.copy())
            cast.replace(sum_)
    sum_.set("expression", interval.copy())
    sum_.set("this", value.copy())


def rewrite_parts(tree: exp.Expr) -> None:
    """What is made of parts, CONVERT_TIMEZONE, epochs, and MONTHS_BETWEEN."""
    zero = exp.Literal.number(0)
    for made in list(tree.find_all(exp.TimestampFromParts, exp.TimestampLtzFromParts, exp.TimestampTzFromParts)):
        parts = [made.args.get(key) for key in ("year", "month", "day", "hour", "min", "sec")]
        zone = made.args.get("zone")
        if all(part is not None for part in parts) and (zone is None or isinstance(made, exp.TimestampTzFromParts)):
            moment = call(
                "timestamp_of_parts", *(p for p in parts if p is not None), made.args.get("nano") or zero.copy()
            )
            made.replace(_of_clock(moment, made, zone))
    for made in list(tree.find_all(exp.TimeFromParts)):
        parts = [made.args.get(key) for key in ("hour", "min", "sec")]
        span = call("time_span", *(p for p in parts if p is not None), made.args.get("nano") or zero.copy())
        start = exp.cast(exp.Literal.string("00:00:00"), "TIME", dialect="duckdb")
        made.replace(exp.paren(exp.Add(this=start, expression=span)))
    for converted in list(tree.find_all(exp.ConvertTimezone)):
        source, target, value = (
            converted.args.get("source_tz"),
            converted.args["target_tz"],
            converted.args["timestamp"],
        )
        if source is None:
            converted.replace(call("zoned_in", target, timestamp(value, kind="_LTZ")))
        else:
            converted.replace(call("time_in_zone", source, target, _typed(value)))
    for part in list(tree.find_all(exp.Extract)):
        if (unit := _EPOCHS.get(part.name.upper())) is not None:
            part.replace(call("epoch_in", _typed(part.expression), exp.Literal.number(unit)))
    for months in list(tree.find_all(exp.MonthsBetween)):
        months.replace(call("months_between_of", call("moment_of", months.this), call("moment_of", months.expression)))


def _of_clock(moment: exp.Expr, made: exp.Expr, zone: exp.Expr | None) -> exp.Expr:
    """What is made of parts, of the time that they show on a clock."""
    if isinstance(made, exp.TimestampTzFromParts):
        return call("zoned_of_clock_in", moment, zone) if zone is not None else call("zoned_of_clock", moment)
    is_instant = isinstance(made, exp.TimestampLtzFromParts)
    return exp.cast(moment, "TIMESTAMPTZ", dialect="duckdb") if is_instant else moment


def _typed(value: exp.Expr) -> exp.Expr:
    """A value of which DuckDB knows the type, when it chooses a macro."""
    if isinstance(value, exp.Null):
        return exp.cast(value, "DATE", dialect="duckdb")
    return exp.cast(value, "VARCHAR") if isinstance(value, exp.Literal) and value.is_string else value


def _unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return unit.name.upper() if unit is not None else ""


_Span = tuple[str, exp.Expr]


def _plus(value: exp.Expr, spans: list[_Span]) -> exp.Expr:
    """A time plus spans of time, one after the other: ``1 month, 1 day`` is not ``1 day, 1 month``."""
    for unit, number in spans:
        function = "plus_days" if unit in _DAYS else "plus_time"
        value = call(function, _typed(value), _interval(unit, number))
    return value


def _interval(unit: str, number: exp.Expr) -> exp.Expr:
    return call(f"to_{unit}s", exp.cast(number, _COUNTS.get(unit, "BIGINT"), dialect="duckdb"))


def _summed(spans: list[_Span]) -> exp.Expr:
    """Spans of time as one interval, for the end of a frame."""
    first, *others = (_interval(*span) for span in spans)
    for other in others:
        first = exp.Add(this=first, expression=other)
    return first


def _span(number: exp.Expr, name: str) -> _Span | None:
    unit = time_parts.UNITS.get(name)
    if name == "NANOSECOND":
        # times are stored in microseconds
        number = exp.IntDiv(this=exp.paren(number), expression=exp.Literal.number(1000))
    return (unit, number) if unit else None


def _spans(interval: exp.Interval, negative: bool) -> list[_Span]:
    """The parts of ``INTERVAL '1 day, 2 hours'``: https://docs.snowflake.com/en/sql-reference/data-types-datetime.

    Raises 001003 for what is no interval; empty for one that is no constant.
    """
    if not isinstance(interval.this, exp.Literal):
        return []
    text = f"{interval.this.name} {_unit(interval)}".strip()
    parts = [part for part in re.split(r"\s*,\s*|(?<=[A-Za-z])\s+(?=[-+\d])", text) if part]
    found = []
    for part in parts:
        match = re.fullmatch(r"([-+]?)\s*(\d+)\s*([A-Za-z]*)", part)
        name = time_parts.WORDS.get(match[3].lower() or "second") if match else None
        if match is None or name is None:
            raise compilation_error(f"syntax error: '{text}' is not a valid interval.")
        number: exp.Expr = exp.Literal.number(match[2])
        if (match[1] == "-") != negative:
            number = exp.Neg(this=number)
        if span := _span(number, name):
            found.append(span)
    return found


def _kind(target: exp.Expr | None) -> str:
    """``_LTZ`` or ``_TZ``; empty for another type."""
    if not isinstance(target, exp.DataType) or not target.is_type(*_ZONED):
        return ""
    return "_TZ" if target.is_type(exp.DType.TIMESTAMPTZ) else "_LTZ"


def timestamp(value: exp.Expr, scale: exp.Expr | None = None, *, kind: str = "_NTZ") -> exp.Anonymous:
    """A value as a timestamp of a ``kind``, ``_NTZ`` if it is empty; ``scale`` is the unit of numbers."""
    if isinstance(value, exp.Literal) and value.is_string:
        # DuckDB finds a macro by the types of its arguments, and a literal has none yet
        value = exp.cast(value, "VARCHAR")
    return call(f"timestamp{kind.lower() or '_ntz'}_of", value, scale or exp.Literal.number(0))
