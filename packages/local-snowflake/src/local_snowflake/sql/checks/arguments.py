"""Types of arguments that a function does not take, where DuckDB would.

Only types that are known before the statement runs are looked at.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions.formats import numbers as number_formats
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import StaticTypes

# what ARRAY_CONTAINS takes as a VARIANT only; numbers and truth values it takes as they are
_CLOCKS = {"TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"}
_CAST_TO_VARIANT = {"VARCHAR", "BINARY", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"}
_KINDS = ("BINARY", "BOOLEAN", "CHAR", "DATE", "DECIMAL", "DOUBLE", "INTEGER", "OBJECT", "REAL", "TIME", "VARCHAR")
_OF_VARIANTS = {
    *(f"{verb}_{kind}" for verb in ("IS", "AS") for kind in (*_KINDS, *(k for k in _CLOCKS if k != "TIME"))),
    *("IS_DATE_VALUE", "AS_ARRAY", "AS_NUMBER"),
}

# whose errors say it in other words, and by which name
_SIZED = {
    **{name: name for name in ("AS_DECIMAL", "AS_INTEGER", "AS_TIMESTAMP_NTZ", "AS_TIMESTAMP_LTZ", "AS_TIMESTAMP_TZ")},
    "AS_NUMBER": "AS_DECIMAL",
}


def checked_arguments(ctx: Context, tree: exp.Expression) -> None:
    """Raise the error of the first argument of a type that a function does not take."""
    types = StaticTypes(ctx)
    for node in tree.find_all(*CHECKS):
        if error := CHECKS[type(node)](types, node):
            raise error


def _try_cast(types: StaticTypes, node: exp.TryCast) -> SnowflakeError | None:
    """TRY_CAST takes texts: https://docs.snowflake.com/en/sql-reference/functions/try_cast."""
    kind = types.of(node.this)
    if kind is None or kind.name == "VARCHAR" or isinstance(node.this, exp.Null):
        return None
    target = types.of(exp.Cast(this=node.this.copy(), to=node.to.copy())) or node.to.sql(dialect="snowflake")
    text = f"Function TRY_CAST cannot be used with arguments of types {kind} and {target}"
    return compilation_error(text, 1065, "22023")


def _member(types: StaticTypes, node: exp.Expr) -> SnowflakeError | None:
    """A text has no members: https://docs.snowflake.com/en/user-guide/querying-semistructured."""
    kind = types.of(node.this)
    if kind is None or kind.name != "VARCHAR":
        return None
    return _invalid("GET", kind, SfType("VARCHAR"))


def _contained(types: StaticTypes, node: exp.ArrayContains) -> SnowflakeError | None:
    """https://docs.snowflake.com/en/sql-reference/functions/array_contains."""
    kind = types.of(node.expression)
    if kind is None or kind.name not in _CAST_TO_VARIANT:
        return None
    return _invalid("ARRAY_CONTAINS", kind, SfType("ARRAY"))


def _of_variant(types: StaticTypes, node: exp.Expr) -> SnowflakeError | None:
    """IS_… and AS_…: https://docs.snowflake.com/en/sql-reference/functions/is."""
    if isinstance(node, exp.Anonymous):
        name, value = node.name.upper(), node.expressions[0] if node.expressions else exp.null()
        if name not in _OF_VARIANTS:
            return None
    else:
        name, value = "IS_ARRAY" if isinstance(node, exp.IsArray) else "IS_NULL_VALUE", node.this
    kind = types.of(value)
    if kind is None or kind.name not in _CAST_TO_VARIANT or isinstance(value, exp.Null):
        return None
    if name in _SIZED:
        text = f"invalid type [{kind}] for parameter '{_SIZED[name]}(variantValue...)'"
        return compilation_error(text, 1007, "22023")
    return _invalid(name, kind)


def _to_double(types: StaticTypes, node: exp.ToDouble) -> SnowflakeError | None:
    """TO_DOUBLE takes texts, numbers and VARIANTs: https://docs.snowflake.com/en/sql-reference/functions/to_double."""
    kind = types.of(node.this)
    if kind is None or kind.name in {"VARCHAR", "NUMBER", "FLOAT", "VARIANT"} or isinstance(node.this, exp.Null):
        return None
    name = "TRY_TO_DOUBLE" if node.args.get("safe") else "TO_DOUBLE"
    text = f"invalid type [{node.sql(dialect='snowflake')}] for parameter '{name}'"
    return compilation_error(text, 1007, "22023")


def _formatted(types: StaticTypes, node: exp.Expr) -> SnowflakeError | None:
    """A number has no format of times: https://docs.snowflake.com/en/sql-reference/sql-format-models."""
    kind, form = types.of(node.this), node.args.get("format")
    is_number = kind is not None and kind.name in {"NUMBER", "FLOAT"}
    if not is_number or not isinstance(form, exp.Literal) or form.name.upper() == "AUTO":
        return None
    return None if number_formats.is_format(form.name) else not_supported(f"the format '{form.name}' of numbers")


def _of_array(types: StaticTypes, node: exp.Expr) -> SnowflakeError | None:
    """An argument that is no array: https://docs.snowflake.com/en/sql-reference/functions-semistructured."""
    kind = types.of(node.this)
    if kind is None or kind.is_semi_structured or isinstance(node.this, exp.Null) or not isinstance(node, exp.Func):
        return None
    return _invalid(node.sql_name(), kind)


def _collated(types: StaticTypes, node: exp.Collate) -> SnowflakeError | None:
    """Texts are compared by their code points: https://docs.snowflake.com/en/sql-reference/collation."""
    return not_supported(f"COLLATE {node.expression.sql(dialect='snowflake')}")


def _difference(types: StaticTypes, node: exp.Sub) -> SnowflakeError | None:
    """Dates have a difference, times and timestamps do not: https://docs.snowflake.com/en/sql-reference/operators-arithmetic.

    DATEDIFF gives one.
    """
    sides = [types.of(node.this), types.of(node.expression)]
    kinds = [kind for kind in sides if kind is not None]
    names = {kind.name for kind in kinds}
    if len(kinds) < len(sides) or not names & _CLOCKS or names - {*_CLOCKS, "DATE"}:
        return None
    return _invalid("-", *kinds)


def _invalid(function: str, *kinds: SfType) -> SnowflakeError:
    listed = ", ".join(map(str, kinds))
    text = f"error line 1 at position 0\nInvalid argument types for function '{function}': ({listed})"
    return compilation_error(text, 1044, "42P13")


CHECKS: dict[type[exp.Expr], Callable[[StaticTypes, Any], SnowflakeError | None]] = {
    exp.TryCast: _try_cast,
    exp.JSONExtract: _member,
    exp.Bracket: _member,
    exp.ArrayContains: _contained,
    exp.Sub: _difference,
    exp.Collate: _collated,
    **dict.fromkeys((exp.ArraySize, exp.ArrayDistinct, exp.ArrayCompact, exp.ArrayMax, exp.ArrayMin), _of_array),
    exp.ToDouble: _to_double,
    **dict.fromkeys((exp.ToChar, exp.TimeToStr), _formatted),
    **dict.fromkeys((exp.Anonymous, exp.IsArray, exp.IsNullValue), _of_variant),
}
