"""Casts that limit a value: to a length or a fraction's digits that the type names, and to a kind of VARIANT.

Source: https://docs.snowflake.com/en/sql-reference/functions/cast
"""

import re

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import FLOAT

# DuckDB's own digits of a second
_MICROSECONDS = 6
_ONE_CHARACTER = (exp.DType.CHAR, exp.DType.NCHAR)
# whole numbers of so many digits are floats without a loss
_FLOAT_DIGITS = 15
_PLAIN = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_CUT = {"TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ"}
# what the rewrite looks for
NODES = (exp.Cast, exp.Literal, exp.ToArray, exp.ToDouble, exp.ToNumber, exp.TsOrDsToTime)


def limited_casts(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write the limits of casts out, in place."""
    types = StaticTypes(ctx)
    for array in list(tree.find_all(exp.ToArray)):
        if _is_variant(types, array.this):
            array.replace(exp.cast(call("array_of_variant", array.this), "ARRAY", dialect="snowflake"))
    _read_floats(types, tree)
    _read_others(types, tree)
    for node in list(tree.find_all(exp.Cast)):
        _limit(types, node)
    return tree


def _limit(types: StaticTypes, node: exp.Cast) -> None:
    if node.to.this in _ONE_CHARACTER and not node.to.expressions:
        node.to.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(1))])
    kind = types.of(node)
    if kind is None:
        return
    if kind.name in {"ARRAY", "OBJECT"} and _is_variant(types, node.this):
        node.set("this", call("array_of_variant" if kind.name == "ARRAY" else "to_object", node.this))
    elif _is_text(types, node.this):
        _read(node, kind)
    elif is_long(kind) and types.of(node.this) == FLOAT:
        node.set("this", digits_of_float(node.this, kind))
        types.note(node.this, kind)
    if is_cut(kind):
        node.set("this", cut(type(node)(this=node.this, to=exp.DataType.build(kind.name, dialect="snowflake")), kind))


def _read(node: exp.Cast, kind: SfType) -> None:
    """Let a cast read its text as an account does."""
    safe = isinstance(node, exp.TryCast)
    if kind.name in {"NUMBER", "FLOAT", "BOOLEAN"}:
        node.set("this", readable(node.this, kind, safe=safe))
    elif kind.name == "TIME":
        time = call("time_of_text", exp.cast(node.this, "VARCHAR", dialect="duckdb"))
        node.set("this", call("TRY", time) if safe else time)
    elif kind.name == "TIMESTAMP_NTZ" and not isinstance(node.this, exp.Literal):
        moment = moment_of(node.this)
        node.set("this", call("TRY", moment) if safe else moment)


def _read_others(types: StaticTypes, tree: exp.Expression) -> None:
    """What is converted by a function, and not by a cast."""
    for time in tree.find_all(exp.TsOrDsToTime):
        is_read = _is_text(types, time.this) or _is_variant(types, time.this)
        if time.args.get("format") is None and is_read and not isinstance(time.this, exp.Literal):
            read = call("time_of_text", call("text_of", time.this))
            time.set("this", call("TRY", read) if time.args.get("safe") else read)
    for converted in tree.find_all(exp.ToDouble, exp.ToNumber):
        precision, scale = converted.args.get("precision"), converted.args.get("scale")
        if precision is not None and scale is not None and types.of(converted.this) == FLOAT:
            target = SfType("NUMBER", precision=int(precision.name), scale=int(scale.name))
            if is_long(target):
                converted.set("this", digits_of_float(converted.this, target))
        elif _is_text(types, converted.this) and not _is_plain(converted.this) and not converted.args.get("format"):
            converted.set("this", call("plain_digits", converted.this))


def _read_floats(types: StaticTypes, tree: exp.Expression) -> None:
    for literal in tree.find_all(exp.Literal):
        if literal.is_number and literal.this.replace(".", "", 1).isdigit() and types.of(literal) == FLOAT:
            # DuckDB reads whole numbers of 39 digits, which an account has not
            literal.set("this", f"{literal.this}e0")


def readable(text: exp.Expr, kind: SfType, *, safe: bool = False) -> exp.Expr:
    """A text that becomes a number or a truth value as DuckDB reads it; what only DuckDB takes for a number is none."""
    if kind.name == "BOOLEAN":
        return call("truth_of", text)
    if isinstance(text, exp.Null) or _is_plain(text):
        return text
    if kind.name == "FLOAT":
        return call("plain_digits", text)
    return call("digits_of", text, exp.true()) if safe else call("digits_of", text)


def is_long(kind: SfType) -> bool:
    """Whether a type has fractions, and numbers of more digits than a float holds."""
    return kind.name == "NUMBER" and kind.scale > 0 and kind.precision > _FLOAT_DIGITS


def digits_of_float(value: exp.Expr, kind: SfType) -> exp.Expr:
    """A float as a NUMBER by its own digits: DuckDB multiplies it by a power of ten, which gives it false ones."""
    if isinstance(value, exp.Literal):
        return exp.Literal.string(value.this)
    target = f"DECIMAL({kind.precision}, {kind.scale})"
    each = trees.identifier("F")
    exact = exp.LT(this=exp.Abs(this=each), expression=exp.Literal.number(10.0 ** (_FLOAT_DIGITS - kind.scale)))
    text = exp.cast(each.copy(), "VARCHAR", dialect="duckdb")
    made = exp.Case(
        ifs=[exp.If(this=exact, true=exp.cast(each.copy(), target, dialect="duckdb"))],
        default=exp.cast(text, target, dialect="duckdb"),
    )
    of_each = exp.Lambda(this=made, expressions=[each.copy()], colon=True)
    floats = call("list_value", exp.cast(value.copy(), "DOUBLE", dialect="duckdb"))
    return call("list_extract", call("list_transform", floats, of_each), exp.Literal.number(1))


def moment_of(text: exp.Expr) -> exp.Expr:
    """A text as a TIMESTAMP_NTZ, of one of the forms that are recognized without a format."""
    return call("moment_of_text", call("time_text", text))


def is_cut(kind: SfType) -> bool:
    """Whether a type of times has fewer digits of a second than DuckDB's."""
    return kind.name in _CUT and kind.scale < _MICROSECONDS


def cut(time: exp.Expr, kind: SfType) -> exp.Expr:
    """A time without the digits of its second that a type has not."""
    return call("cut_time", time, exp.Literal.number(10 ** (_MICROSECONDS - kind.scale)))


def _is_plain(text: exp.Expr) -> bool:
    return isinstance(text, exp.Literal) and bool(_PLAIN.fullmatch(text.this))


def _is_text(types: StaticTypes, node: exp.Expr) -> bool:
    kind = types.of(node)
    return kind is not None and kind.name == "VARCHAR" and not isinstance(node, exp.Null)


def _is_variant(types: StaticTypes, node: exp.Expr) -> bool:
    kind = types.of(node)
    return kind is not None and kind.name == "VARIANT"
