"""Frames of window functions that Snowflake has not, where DuckDB would answer.

Source: https://docs.snowflake.com/en/sql-reference/functions-window-syntax
"""

import re
from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, compilation_error, not_supported, syntax_error
from local_snowflake.execution.context import Context
from local_snowflake.functions import time_parts
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import StaticTypes

# those that are of a whole partition, never of the rows up to one: the table of window functions on
# https://docs.snowflake.com/en/sql-reference/functions-window
_OF_PARTITIONS = {
    *("MEDIAN", "MODE", "PERCENTILE_CONT", "PERCENTILE_DISC", "KURTOSIS", "SKEW", "LISTAGG", "OBJECT_AGG", "HASH_AGG"),
    *("APPROX_COUNT_DISTINCT", "HLL", "APPROX_PERCENTILE", "APPROX_TOP_K", "ARRAY_UNIQUE_AGG", "ANY_VALUE"),
    *("CORR", "COVAR_POP", "COVAR_SAMP", "MIN_BY", "MAX_BY", "BOOLAND_AGG", "BOOLOR_AGG", "BOOLXOR_AGG"),
    *(f"REGR_{name}" for name in ("SLOPE", "INTERCEPT", "R2", "COUNT", "AVGX", "AVGY", "SXX", "SXY", "SYY")),
    *(f"BIT{name}{end}" for name in ("AND", "OR", "XOR") for end in ("_AGG", "AGG")),
}
_OF_CONSTANTS = (exp.Interval, exp.Parameter, exp.Placeholder)
# no number of them is a fixed time
_MONTHS = {"MONTH", "QUARTER", "YEAR"}


def checked_frames(ctx: Context, tree: exp.Expression) -> None:
    """Raise the error of a frame that its function or the type of its order does not have.

    Raises 002303 for a frame of a function of whole partitions or of DISTINCT values, for offsets of a RANGE that are
    numbers and intervals together or do not fit the order's type; 001003 for an offset that is no constant.
    """
    types = StaticTypes(ctx)
    for window in tree.find_all(exp.Window):
        if window.args.get("alias") is None and (error := _error(types, window)):
            raise error


def _error(types: StaticTypes, window: exp.Window) -> SnowflakeError | None:
    function = window.this.this if isinstance(window.this, (exp.IgnoreNulls, exp.RespectNulls)) else window.this
    within = function.args.get("expression") if isinstance(function, exp.WithinGroup) else None
    function = function.this if isinstance(function, exp.WithinGroup) else function
    name = _name(function)
    frame = window.args.get("spec")
    if window.args.get("order") is not None and not _is_whole_by_rows(frame):
        if name in _OF_PARTITIONS:
            return _unsupported(frame, name)
        if isinstance(function, (exp.Sum, exp.Avg, exp.ArrayAgg)) and isinstance(function.this, exp.Distinct):
            return compilation_error("distinct cannot be used with a window frame or an order.")
        if within is not None:
            return compilation_error(
                "WITHIN GROUP clause is not supported when the OVER clause contains an ORDER BY clause."
            )
    if frame is None:
        return None
    offsets = [*_offsets(frame)]
    return next(filter(None, map(_no_constant, offsets)), None) or (
        _of_range(types, window, name, offsets) if frame.text("kind").upper() == "RANGE" else _of_rows(offsets)
    )


def _name(function: exp.Expr) -> str:
    """A function's name in Snowflake."""
    return function.name.upper() if isinstance(function, exp.Anonymous) else function.sql("snowflake").partition("(")[0]


def _unbounded(frame: exp.WindowSpec | None) -> int:
    """How many ends of a frame are those of the partition; ORDER BY alone is a frame from the first row on."""
    return 1 if frame is None else sum(frame.args.get(key) == "UNBOUNDED" for key in ("start", "end"))


def _is_whole_by_rows(frame: exp.WindowSpec | None) -> bool:
    return frame is not None and _unbounded(frame) == 2 and frame.text("kind").upper() == "ROWS"


def _unsupported(frame: exp.WindowSpec | None, name: str) -> SnowflakeError:
    kind = "Cumulative" if _unbounded(frame) else "Sliding"
    return compilation_error(f"{kind} window frame unsupported for function {name}", 2303, "0A000")


def _offsets(frame: exp.WindowSpec) -> Iterator[exp.Expr]:
    """The ends of a frame that are neither the partition's nor the current row."""
    return (bound for key in ("start", "end") if isinstance(bound := frame.args.get(key), exp.Expr))


def _no_constant(offset: exp.Expr) -> SnowflakeError | None:
    value = offset.this if isinstance(offset, exp.Cast) else offset
    if isinstance(value, _OF_CONSTANTS) or (isinstance(value, exp.Literal) and not value.is_string):
        return None
    return syntax_error(f"syntax error unexpected '{value.sql('snowflake')}': a frame begins and ends at constants.")


def _of_rows(offsets: list[exp.Expr]) -> SnowflakeError | None:
    """A number of rows is a whole one."""
    for offset in offsets:
        if isinstance(offset, exp.Interval) or (isinstance(offset, exp.Literal) and not offset.is_int):
            return syntax_error(f"syntax error unexpected '{offset.sql('snowflake')}': ROWS are counted.")
    return None


def _of_range(types: StaticTypes, window: exp.Window, name: str, offsets: list[exp.Expr]) -> SnowflakeError | None:
    """A RANGE with offsets is of one order, of numbers, dates or timestamps."""
    if not offsets:
        return None
    keys = window.args["order"].expressions if window.args.get("order") else []
    if len(keys) != 1:
        return _unsupported(window.args["spec"], name)
    intervals = [offset for offset in offsets if isinstance(offset, exp.Interval)]
    if intervals and len(intervals) < len(offsets):
        return compilation_error("Mixing numeric and interval frames is not supported", 2303, "0A000")
    kind = types.of(keys[0].this)
    if kind is None:
        return None
    return _of_order(kind, intervals) or (
        None if kind.name == "DATE" or _is_moving(kind) else _unsupported(window.args["spec"], name)
    )


def _is_moving(kind: SfType) -> bool:
    return kind.name in {"NUMBER", "FLOAT"} or kind.name.startswith("TIMESTAMP")


def _of_order(kind: SfType, intervals: list[exp.Interval]) -> SnowflakeError | None:
    """Offsets from numbers are numbers, from timestamps intervals; dates have both, their numbers are days."""
    if intervals and kind.name in {"NUMBER", "FLOAT"}:
        text = "numeric ORDER BY clause only allows numeric window frame boundaries"
        return compilation_error(text, 2303, "0A000")
    if not intervals and kind.name.startswith("TIMESTAMP"):
        text = "timestamp ORDER BY clause only allows interval window frame boundaries"
        return compilation_error(text, 2303, "0A000")
    if kind.name == "TIMESTAMP_TZ" and any(map(_has_months, intervals)):
        return not_supported("RANGE with months or years over TIMESTAMP_TZ")
    return None


def _has_months(interval: exp.Interval) -> bool:
    words = re.findall("[a-z]+", f"{interval.this.name} {interval.text('unit')}".lower())
    return any(time_parts.WORDS.get(word) in _MONTHS for word in words)
