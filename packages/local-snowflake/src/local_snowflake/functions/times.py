"""Dates and times: text, numbers and variants become timestamps, and a date plus days stays a date.

Source: https://docs.snowflake.com/en/sql-reference/functions/to_timestamp
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call, wrap

_FORMATS = (
    "'%a, %d %b %Y %H:%M:%S', '%a %b %d %H:%M:%S %Y', '%d-%b-%Y %H:%M:%S', '%d-%b-%Y', "
    "'%m/%d/%Y %H:%M:%S', '%m/%d/%Y', '%Y%m%d'"
)
_OFFSET = r"(\d:\d{2}(?:\.\d+)?)\s*(?:Z|[+-]\d{1,2}:?\d{0,2})$"

MACROS = (
    # a text as it comes from a column or, quoted, from a variant
    "time_text(x) AS nullif(trim(x, '\" '), 'null')",
    f"time_without_offset(x) AS regexp_replace(x, '{_OFFSET}', '\\1')",
    "time_with_offset(x) AS regexp_replace(x, '(\\d:\\d{2}(?:\\.\\d+)?)\\s+(Z|[+-]\\d)', '\\1\\2')",
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
    ELSE coalesce(TRY_CAST(time_without_offset(x) AS TIMESTAMP), try_strptime(time_without_offset(x), [{_FORMATS}]),
    CAST(x AS TIMESTAMP)) END""",
    """timestamp_ntz_of(x VARCHAR, scale) AS moment_of_text(time_text(x)),
    (x, scale) AS CASE WHEN starts_with(typeof(x), 'TIMESTAMP') OR typeof(x) = 'DATE' THEN CAST(x AS TIMESTAMP)
    ELSE moment_of_number(x, scale) END""",
    """moment_of(x) AS CASE WHEN typeof(x) = 'TIME' THEN DATE '1970-01-01' + CAST(CAST(x AS VARCHAR) AS TIME)
    ELSE timestamp_ntz_of(x, 0) END""",
    """instant_of_text(x) AS CASE WHEN regexp_full_match(x, '-?\\d+') THEN moment_of_digits(x) AT TIME ZONE 'UTC'
    ELSE coalesce(TRY_CAST(time_with_offset(x) AS TIMESTAMPTZ), try_strptime(x, ['%a, %d %b %Y %H:%M:%S %z']),
    CAST(moment_of_text(x) AS TIMESTAMPTZ)) END""",
    """timestamp_tz_of(x VARCHAR, scale) AS instant_of_text(time_text(x)),
    (x, scale) AS CASE WHEN starts_with(typeof(x), 'TIMESTAMP') OR typeof(x) = 'DATE' THEN CAST(x AS TIMESTAMPTZ)
    ELSE moment_of_number(x, scale) AT TIME ZONE 'UTC' END""",
    """date_of(x VARCHAR) AS coalesce(TRY_CAST(time_text(x) AS DATE), CAST(moment_of_text(time_text(x)) AS DATE)),
    (x) AS CAST(x AS DATE)""",
    # what is computed from a date is a date
    "as_dated(x DATE, y) AS CAST(y AS DATE), (x, y) AS y",
)

_ZONED = (exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ)
_PLAIN = (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ)
_NAMED = {f"{try_}TO_TIMESTAMP{kind}": kind for try_ in ("", "TRY_") for kind in ("", "_NTZ", "_LTZ", "_TZ")}
_DAYS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR"}


def rewrite(tree: exp.Expr) -> None:
    """Rewrite conversions to timestamps, DATEADD and DATE_TRUNC, in place."""
    for node in list(tree.find_all(exp.Anonymous)):
        name = str(node.this).upper()
        if name in _NAMED and len(node.expressions) in {1, 2}:
            replacement = timestamp(*node.expressions, zoned=_NAMED[name] in {"_LTZ", "_TZ"})
            node.replace(call("TRY", replacement) if name.startswith("TRY_") else replacement)
    for unix in list(tree.find_all(exp.UnixToTime)):
        target, scale = unix.args.get("target_type"), unix.args.get("scale")
        unix.replace(timestamp(unix.this, scale, zoned=target is not None and target.is_type(*_ZONED)))
    for cast in list(tree.find_all(exp.Cast)):
        zoned = cast.to.is_type(*_ZONED)
        if zoned or (cast.to.is_type(*_PLAIN) and isinstance(cast.this, exp.Literal)):
            replacement = timestamp(cast.this, zoned=zoned)
            cast.replace(call("TRY", replacement) if isinstance(cast, exp.TryCast) else replacement)
    for date in list(tree.find_all(exp.TsOrDsToDate)):
        if not date.args.get("format") and not isinstance(date.this, exp.Literal):
            replacement = call("date_of", date.this)
            date.replace(call("TRY", replacement) if date.args.get("safe") else replacement)
    for dated in list(tree.find_all(exp.DateAdd, exp.TimestampTrunc, exp.DateTrunc)):
        _keep_date(dated)


def timestamp(value: exp.Expr, scale: exp.Expr | None = None, *, zoned: bool = False) -> exp.Anonymous:
    """A value as TIMESTAMP_NTZ, or as TIMESTAMP_TZ if it is ``zoned``; ``scale`` is the unit of numbers."""
    if isinstance(value, exp.Literal) and value.is_string:
        # DuckDB finds a macro by the types of its arguments, and a literal has none yet
        value = exp.cast(value, "VARCHAR")
    return call("timestamp_tz_of" if zoned else "timestamp_ntz_of", value, scale or exp.Literal.number(0))


def _keep_date(node: exp.Expr) -> None:
    """DATEADD(day, 1, date) and DATE_TRUNC(…, date) are dates; both are timestamps in DuckDB."""
    unit = node.args.get("unit")
    name = unit.name.upper() if unit is not None else ""
    if name == "NANOSECOND" and isinstance(node, exp.DateAdd):
        # times are stored in microseconds
        node.set("unit", exp.var("MICROSECOND"))
        node.set("expression", exp.IntDiv(this=exp.paren(node.expression), expression=exp.Literal.number(1000)))
    elif name == "NANOSECOND":
        node.set("unit", exp.var("MICROSECOND"))
    if (name not in _DAYS and isinstance(node, exp.DateAdd)) or isinstance(node.this, (exp.Literal, exp.Cast)):
        return
    wrap("as_dated", node, node.this.copy())
