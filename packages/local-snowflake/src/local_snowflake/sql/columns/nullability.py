"""Which expressions of a query are never NULL, as a result's columns declare it."""

from collections.abc import Callable

from sqlglot import exp

from local_snowflake.sql.types import parse_type

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)
# what gives NULL for NULL only, or an error
_CONVERSIONS = (exp.TsOrDsToDate, exp.TsOrDsToTime)
_CONVERSIONS_BY_NAME = {"TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_LTZ", "TO_TIMESTAMP_TZ", "TO_DATE", "TO_TIME"}


def is_never_null(node: exp.Expr, is_column_never_null: Callable[[exp.Column], bool]) -> bool:
    """Whether an expression's column is declared NOT NULL; what is not known to be is not.

    Literals, and what is computed of them and of NOT NULL columns, never are NULL; a cast to BOOLEAN is declared
    nullable whatever it is of, as comparisons are.

    Args:
        node: the expression, before it is resolved.
        is_column_never_null: the same for a column of what the query reads.

    Source: https://docs.snowflake.com/en/sql-reference/sql/desc-table
    """
    while isinstance(node, (exp.Paren, exp.Neg, exp.Alias)):
        node = node.this
    # a chain of operators is as deep as it is long
    while isinstance(node, _ARITHMETIC):
        if not is_never_null(node.expression, is_column_never_null):
            return False
        node = node.this
        while isinstance(node, (exp.Paren, exp.Neg)):
            node = node.this
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Count)):
        return True
    if isinstance(node, exp.Column):
        return is_column_never_null(node)
    if isinstance(node, exp.Window):
        return isinstance(node.this, exp.RowNumber)
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        return _keeps(node.to) and is_never_null(node.this, is_column_never_null)
    if isinstance(node, exp.Anonymous) and node.name.upper() in _CONVERSIONS_BY_NAME:
        return bool(node.expressions) and all(is_never_null(part, is_column_never_null) for part in node.expressions)
    return isinstance(node, _CONVERSIONS) and is_never_null(node.this, is_column_never_null)


def _keeps(kind: exp.DataType) -> bool:
    """Whether a cast to this type is declared NOT NULL where its value is."""
    try:
        found = parse_type(kind.sql(dialect="snowflake"))
    except ValueError:
        return False
    return found.name != "BOOLEAN" and not found.is_semi_structured
