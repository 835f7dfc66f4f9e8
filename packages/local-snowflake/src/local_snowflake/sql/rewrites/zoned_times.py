"""TIMESTAMP_TZ among other types: a clock at its offset for parts of dates and times, its moment for comparisons.

DuckDB has such a value as an INTERVAL (``functions.zoned_times``), which it compares by the moment alone. Its own
functions of intervals would answer something else, so that no function of dates and times gets one: a value whose type
is not known before the statement runs is refused then, if it is one.

Source: https://docs.snowflake.com/en/sql-reference/data-types-datetime#timestamp-ltz-timestamp-ntz-timestamp-tz
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.functions import zoned_times
from local_snowflake.functions.python_calls import call
from local_snowflake.functions.zoned_times import REFUSING, UNTYPED
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import LTZ, NTZ, TEXT, TZ, of_cast

_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.EqualNull)
# the result is a time of its argument's type
_MOVED = (exp.DateAdd, exp.TimeAdd, exp.TimestampAdd, exp.AddMonths, exp.TimestampTrunc, exp.DateTrunc, exp.TimeSlice)
# the result is something else
_READ = (
    *(exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.Week, exp.DayOfWeek),
    *(exp.DayOfYear, exp.DayOfMonth, exp.DayOfWeekIso, exp.WeekOfYear, exp.YearOfWeek, exp.YearOfWeekIso),
    *(exp.LastDay, exp.NextDay, exp.PreviousDay, exp.Monthname, exp.Dayname, exp.TsOrDsToDate, exp.TsOrDsToTime),
    *(exp.Time, exp.DateDiff, exp.TimestampDiff, exp.MonthsBetween),
)
_RETURNED = (exp.Coalesce, exp.Greatest, exp.Least, exp.Case, exp.If, exp.Nvl2, exp.DecodeCase)
_MADE = (
    *(exp.Array, exp.ArrayAgg, exp.ArrayAppend, exp.ArrayUniqueAgg, exp.ToVariant, exp.JSONFormat, exp.DPipe),
    *(exp.Struct, exp.JSONObject, exp.ObjectAgg, exp.Concat, exp.ConcatWs, exp.ToArray),
    *(exp.GroupConcat, exp.ArrayConstructCompact, exp.ObjectInsert),
)
_TO_TIMES = {"TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_LTZ", "TO_DATE", "DATE"}
_MAKE_VARIANTS = {"TO_OBJECT", "ARRAY_PREPEND", "ARRAY_INSERT", "OBJECT_INSERT", "ARRAY_CONTAINS", "ARRAY_POSITION"}
NODES = (
    *(*_COMPARED, *_MOVED, *_READ, *_RETURNED, *_MADE, exp.Between, exp.In, exp.Nullif, exp.Extract, exp.Anonymous),
    *(exp.Add, exp.Sub, exp.Mul, exp.Cast, exp.UnixToTime, exp.ConvertTimezone, exp.Avg, exp.Sum, exp.Median),
    *(exp.SetOperation, exp.StarMap),
)


def rewrite(types: StaticTypes, node: exp.Expr) -> None:
    """Rewrite an operator or a function that has a TIMESTAMP_TZ among its operands, in place."""
    if isinstance(node.parent, exp.Update) and node.arg_key == "expressions":
        # an assignment is no comparison
        return
    next((apply for kinds, apply in _BY_KIND if isinstance(node, kinds)), _computed)(types, node)


def _is_zoned(types: StaticTypes, node: object) -> bool:
    kind = types.of(node) if isinstance(node, exp.Expr) else None
    return kind is not None and kind.name == "TIMESTAMP_TZ"


def _is_unknown(types: StaticTypes, node: object) -> bool:
    """Whether nothing is known of a value that may be of any type."""
    if not isinstance(node, exp.Expr) or isinstance(node, (exp.Null, exp.Literal, exp.Interval, exp.Var)):
        return False
    if node.is_star:
        return False
    return types.of(node) is None


def _put(types: StaticTypes, node: exp.Expr, function: str, kind: object) -> None:
    """Put a call into a node's place that takes the node."""
    holder = exp.Placeholder()
    node.replace(holder)
    made = call(function, node)
    types.note(made, kind)  # type: ignore[arg-type]
    holder.replace(made)


def _to_clock(types: StaticTypes, node: exp.Expr) -> None:
    if _is_zoned(types, node):
        _put(types, node, "clock_of_zoned", NTZ)


def _to_instant(types: StaticTypes, node: exp.Expr) -> None:
    if _is_zoned(types, node):
        _put(types, node, "instant_of_zoned", LTZ)


def _to_text(types: StaticTypes, node: exp.Expr) -> None:
    if _is_zoned(types, node):
        is_variant = isinstance(node.parent, exp.ToVariant) or (
            isinstance(node.parent, exp.Cast) and node.parent.to.is_type(exp.DType.VARIANT)
        )
        _put(types, node, "kept_text_of_zoned" if is_variant else "text_of_zoned", TEXT)


def _to_zoned(types: StaticTypes, node: exp.Expr) -> None:
    """A time, a text or a VARIANT as a TIMESTAMP_TZ."""
    if isinstance(node, exp.Null) or _is_zoned(types, node):
        return
    holder = exp.Placeholder()
    node.replace(holder)
    made = zoned_times.zoned(node, types.of(node))
    types.note(made, TZ)
    holder.replace(made)


def _converted(types: StaticTypes, node: exp.Expr) -> None:
    """Casts and conversions from a TIMESTAMP_TZ; those to one are made where all casts are."""
    value = node.args["timestamp"] if isinstance(node, exp.ConvertTimezone) else node.this
    if isinstance(node, exp.Cast) and isinstance(value, UNTYPED) and _is_unknown(types, value):
        if (target := of_cast(node.to)) is not None and target.is_semi_structured:
            _put(types, value, REFUSING, None)
        return
    if isinstance(node, exp.ConvertTimezone):
        if node.args.get("source_tz") is None:
            _to_instant(types, value)
        elif (kind := types.of(value)) is not None and kind.name in {"TIMESTAMP_LTZ", "TIMESTAMP_TZ"}:
            text = f"Invalid argument types for function 'CONVERT_TIMEZONE': (VARCHAR, VARCHAR, {kind.name}(9))"
            raise compilation_error(f"error line 1 at position 0\n{text}", 1044, "42P13")
        return
    if _is_zoned(types, value):
        _convert(types, node, value)


def _convert(types: StaticTypes, node: exp.Expr, value: exp.Expr) -> None:
    target = of_cast(node.to) if isinstance(node, exp.Cast) else types.of(node)
    name = target.name if target is not None else ""
    if name in {"DATE", "TIME", "TIMESTAMP_NTZ"}:
        _to_clock(types, value)
        if name == "TIMESTAMP_NTZ" and isinstance(node, exp.Cast):
            # it is one already, and a cast of it would repeat it
            node.replace(node.this)
    elif name == "TIMESTAMP_LTZ":
        _to_instant(types, value)
    elif target is not None and (name == "VARCHAR" or target.is_semi_structured):
        _to_text(types, value)


def _operands(node: exp.Expr) -> list[object]:
    operands: list[object] = [node.args.get(key) for key in ("this", "expression", "low", "high")]
    return operands + (node.expressions if isinstance(node, exp.In) else [])


def _compared(types: StaticTypes, node: exp.Expr) -> None:
    """With a value of another type it is the moment that is compared."""
    values = [value for value in _operands(node) if isinstance(value, exp.Expr)]
    query = node.args.get("query")
    if isinstance(node.args.get("expression"), (exp.All, exp.Any)):
        query = node.expression.this
    if query is not None:
        _compared_with_rows(types, node.this, query)
        return
    if any(_is_zoned(types, v) for v in values):
        for unknown in [v for v in values if _is_unknown(types, v)]:
            _to_zoned(types, unknown)
        values = [value for value in _operands(node) if isinstance(value, exp.Expr)]
    zoned_ones = [v for v in values if _is_zoned(types, v)]
    if all(_is_zoned(types, v) or isinstance(v, exp.Null) for v in values):
        return
    if isinstance(node, exp.Nullif) and zoned_ones and zoned_ones[0] is node.this:
        _to_zoned(types, node.expression)
        return
    for value in zoned_ones:
        _to_instant(types, value)


def _compared_with_rows(types: StaticTypes, node: exp.Expr, query: exp.Expr) -> None:
    """A value that is compared with those of a subquery: of TIMESTAMP_TZ both or none."""
    columns = types.output(query)
    target = next(iter(columns.values()), None) if columns else None
    if target is not None and target.name == "TIMESTAMP_TZ" and types.of(node) is not None:
        _to_zoned(types, node)
    elif target is not None:
        _to_instant(types, node)


def _returned(types: StaticTypes, node: exp.Expr) -> None:
    """Of several values that are returned all are TIMESTAMP_TZ if one is."""
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and node.arg_key == "ifs":
        return
    if isinstance(node, exp.DecodeCase):
        subject, *rest = node.expressions
        pairs = len(rest) // 2 * 2
        results, compared = [*rest[1:pairs:2], *rest[pairs:]], [subject, *rest[:pairs:2]]
    elif isinstance(node, exp.Case):
        ifs = node.args["ifs"]
        results = [i.args["true"] for i in ifs] + [node.args.get("default")]
        compared = [node.this, *(i.this for i in ifs)] if node.this is not None else []
    elif isinstance(node, (exp.If, exp.Nvl2)):
        results, compared = [node.args.get("true"), node.args.get("false")], []
    else:
        results, compared = [node.this, *node.expressions], []
    if any(_is_zoned(types, value) for value in results):
        for value in results:
            if value is not None:
                _to_zoned(types, value)
    given = [value for value in compared if value is not None and not isinstance(value, exp.Null)]
    if not all(_is_zoned(types, value) for value in given):
        for value in given:
            _to_instant(types, value)


def _extracted(types: StaticTypes, node: exp.Extract) -> None:
    part, value = node.name.upper(), node.expression
    if _is_unknown(types, value):
        _put(types, value, REFUSING, None)
    elif not _is_zoned(types, value):
        return
    elif part.startswith("EPOCH"):
        _to_instant(types, value)
    elif part in {"TIMEZONE_HOUR", "TIMEZONE_MINUTE", "TZH", "TZM"}:
        divide = exp.IntDiv if part in {"TIMEZONE_HOUR", "TZH"} else exp.Mod
        minutes = exp.paren(call("offset_minutes", value.copy()))
        node.replace(exp.paren(divide(this=minutes, expression=exp.Literal.number(60))))
    else:
        _to_clock(types, value)


def _values(node: exp.Expr) -> list[exp.Expr]:
    """What an array, an object or a text is made of."""
    found = []
    for value in [node.this, node.args.get("expression"), node.args.get("value"), *node.expressions]:
        if isinstance(value, (exp.Distinct, exp.Order)):
            value = value.expressions[0] if isinstance(value, exp.Distinct) else value.this  # noqa: PLW2901
        if isinstance(value, (exp.JSONKeyValue, exp.PropertyEQ)):
            value = value.expression  # noqa: PLW2901
        if isinstance(value, exp.Expr):
            found.append(value)
    return found


def _called(types: StaticTypes, node: exp.Anonymous) -> None:
    name = node.name.upper()
    if name in _MAKE_VARIANTS:
        for value in list(node.expressions):
            _to_text(types, value)
    elif name in _TO_TIMES and node.expressions:
        (_to_instant if name.endswith("_LTZ") else _to_clock)(types, node.expressions[0])


def _united(types: StaticTypes, node: exp.SetOperation) -> None:
    """Raises 000002 for a set operation of a TIMESTAMP_TZ and another type, which DuckDB may make texts of."""
    left, right = types.output(node.this), types.output(node.expression)
    if left is None or right is None:
        return
    for pair in zip(left.values(), right.values(), strict=False):
        names = sorted({kind.name for kind in pair if kind is not None})
        if len(names) > 1 and "TIMESTAMP_TZ" in names:
            text = f"a set operation of {names[0]} and {names[1]}: cast one of the columns to the other's type"
            raise not_supported(text)


def _all_columns(types: StaticTypes, node: exp.Expr) -> None:
    """Raises 000002 for OBJECT_CONSTRUCT(*), or …_KEEP_NULL(*), of columns of which one is a TIMESTAMP_TZ."""
    select = node.find_ancestor(exp.Select)
    for columns in types.sources(select).values() if select is not None else ():
        if any(kind is not None and kind.name == "TIMESTAMP_TZ" for kind in (columns or {}).values()):
            raise not_supported("OBJECT_CONSTRUCT(*) of a TIMESTAMP_TZ: name the columns, as keys and values")


def _computed(types: StaticTypes, node: exp.Expr) -> None:
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul)):
        _arithmetic(types, node)
    elif isinstance(node, (exp.Sum, exp.Avg, exp.Median)):
        if _is_zoned(types, node.this):
            raise compilation_error(
                f"Invalid argument types for function '{node.key.upper()}': (TIMESTAMP_TZ(9))", 1044
            )
    elif isinstance(node, _READ):
        keys = ("this", "expression") if isinstance(node, (exp.DateDiff, exp.MonthsBetween)) else ("this",)
        for value in [node.args[key] for key in keys]:
            if _is_unknown(types, value):
                _put(types, value, REFUSING, None)
            _to_clock(types, value)
    elif _is_unknown(types, node.this):
        _put(types, node.this, REFUSING, None)
    elif _is_zoned(types, node.this):
        _moved(types, node, node.this)


def _invalid(node: exp.Expr) -> SnowflakeError:
    return compilation_error(f"Invalid argument types for function '{node.key.upper()}': (TIMESTAMP_TZ(9))", 1044)


def _arithmetic(types: StaticTypes, node: exp.Expr) -> None:
    sides = (node.this, node.expression)
    intervals = [side for side in sides if isinstance(side, exp.Interval)]
    for value in [side for side in sides if not isinstance(side, exp.Interval)]:
        if intervals and _is_unknown(types, value):
            _put(types, value, REFUSING, None)
        elif _is_zoned(types, value):
            if not intervals or isinstance(node, exp.Mul):
                raise compilation_error(
                    f"Invalid argument types for function '{node.key.upper()}': (TIMESTAMP_TZ(9))", 1044
                )
            _moved(types, node, value)


def _moved(types: StaticTypes, node: exp.Expr, value: exp.Expr) -> None:
    """The clock is moved; the offset stays."""
    offset = call("offset_minutes", value.copy())
    _to_clock(types, value)
    holder = exp.Placeholder()
    node.replace(holder)
    types.note(node, NTZ)
    made = call("zoned_at_offset", node, offset)
    types.note(made, TZ)
    holder.replace(made)


def _made(types: StaticTypes, node: exp.Expr) -> None:
    if isinstance(node, exp.JSONObject) and any(each.is_star for each in node.expressions):
        _all_columns(types, node)
        return
    for value in _values(node):
        _to_text(types, value)
        if isinstance(value, UNTYPED) and _is_unknown(types, value):
            _put(types, value, REFUSING, None)


_BY_KIND: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[StaticTypes, Any], None]], ...] = (
    ((exp.Cast, exp.UnixToTime, exp.ConvertTimezone), _converted),
    ((*_COMPARED, exp.Between, exp.In, exp.Nullif), _compared),
    (_RETURNED, _returned),
    ((exp.Extract,), _extracted),
    (_MADE, _made),
    ((exp.Anonymous,), _called),
    ((exp.SetOperation,), _united),
    ((exp.StarMap,), _all_columns),
)
