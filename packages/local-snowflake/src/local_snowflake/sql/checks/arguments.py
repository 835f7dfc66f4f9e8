"""Types of arguments that a function does not take, where DuckDB would.

Only types that are known before the statement runs are looked at.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import StaticTypes

# what ARRAY_CONTAINS takes as a VARIANT only; numbers and truth values it takes as they are
_CLOCKS = {"TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"}
_CAST_TO_VARIANT = {"VARCHAR", "DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"}


def checked_arguments(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Raise the error of the first argument of a type that a function does not take."""
    types = StaticTypes(ctx)
    for node in tree.find_all(*_CHECKS):
        if error := _CHECKS[type(node)](types, node):
            raise error
    return tree


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


_CHECKS: dict[type[exp.Expr], Callable[[StaticTypes, Any], SnowflakeError | None]] = {
    exp.TryCast: _try_cast,
    exp.JSONExtract: _member,
    exp.Bracket: _member,
    exp.ArrayContains: _contained,
    exp.Sub: _difference,
}
