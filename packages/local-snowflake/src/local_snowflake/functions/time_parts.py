"""The parts of dates and times that functions take: the words for them, and which function takes which.

Source: https://docs.snowflake.com/en/sql-reference/functions-date-time#supported-date-and-time-parts
"""

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake

from local_snowflake.errors import compilation_error

# parts of Snowflake -> the units of DuckDB's functions
UNITS = {
    **{unit.upper(): unit for unit in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")},
    "MILLISECOND": "millisecond",
    "MICROSECOND": "microsecond",
    "NANOSECOND": "microsecond",
}
# the words of intervals: https://docs.snowflake.com/en/sql-reference/data-types-datetime#interval-constants
WORDS = {
    word: unit
    for unit, words in {
        "YEAR": "year years y yy yyy yyyy yr yrs",
        "QUARTER": "quarter quarters q qtr qtrs",
        "MONTH": "month months mm mon mons",
        "WEEK": "week weeks w wk weekofyear woy wy",
        "DAY": "day days d dd dayofmonth",
        "HOUR": "hour hours h hh hr hrs",
        "MINUTE": "minute minutes m mi min mins",
        "SECOND": "second seconds s sec secs",
        "MILLISECOND": "millisecond milliseconds ms msec",
        "MICROSECOND": "microsecond microseconds us usec",
        "NANOSECOND": "nanosecond nanoseconds ns nsec nanosec nsecond nseconds nanosecs",
    }.items()
    for word in words.split()
}
_DATES = {"YEAR", "QUARTER", "MONTH", "WEEK"}
_SLICES = {*_DATES, "DAY", "HOUR", "MINUTE", "SECOND"}
_TAKEN: dict[type[exp.Expr], tuple[str, set[str]]] = {
    **dict.fromkeys((exp.DateAdd, exp.TimeAdd, exp.TimestampAdd), ("DATEADD", {*UNITS})),
    exp.DateDiff: ("DATEDIFF", {*UNITS}),
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), ("DATE_TRUNC", {*UNITS})),
    exp.LastDay: ("LAST_DAY", _DATES),
    exp.TimeSlice: ("TIME_SLICE", _SLICES),
}
_EXTRACTED = {
    *UNITS,
    *(f"EPOCH_{unit}" for unit in ("SECOND", "MILLISECOND", "MICROSECOND", "NANOSECOND")),
    *("EPOCH", "DAYOFWEEK", "DAYOFWEEKISO", "DAYOFYEAR", "WEEKISO", "YEAROFWEEK", "YEAROFWEEKISO"),
    *("TIMEZONE_HOUR", "TIMEZONE_MINUTE"),
}
_EXTRACTED_WORDS = {**Snowflake.DATE_PART_MAPPING, "YEARDAY": "DAYOFYEAR"}
NODES: tuple[type[exp.Expr], ...] = (*_TAKEN, exp.Extract)


def check(tree: exp.Expr) -> None:
    """Give each part its one name, in place.

    Raises 002151 for a part that its function does not take; 001008 if that is DATE_PART or EXTRACT.
    """
    for node in tree.find_all(*NODES):
        if isinstance(node, exp.Extract):
            _check_extracted(node)
            continue
        part, (function, taken) = node.args.get("unit"), _TAKEN[type(node)]
        if not isinstance(part, (exp.Var, exp.Literal)):
            continue
        name = WORDS.get(part.name.lower(), part.name.upper())
        if name not in taken:
            # the parser knows both words of this part by the shorter one
            written = "EPOCH_SECOND" if name == "EPOCH" else name
            raise compilation_error(
                f"['{written}'] is not a valid date/time component for function {function}.", 2151, "22023"
            )
        node.set("unit", exp.var(name))


def _check_extracted(node: exp.Extract) -> None:
    word = node.name.upper()
    name = _EXTRACTED_WORDS.get(word, word)
    if name not in _EXTRACTED:
        raise compilation_error(f"invalid value [{word}] for parameter 'DATE_PART date/time part'", 1008, "22023")
    node.set("this", exp.var(name))
