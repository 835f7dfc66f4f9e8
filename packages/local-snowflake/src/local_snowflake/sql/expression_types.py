"""The Snowflake types of expressions, where the text is more precise than the type that DuckDB gives their values."""

from sqlglot import exp

from local_snowflake.sql.types import parse_type

_ARRAYS = (
    exp.Array,
    exp.ToArray,
    exp.ArrayAgg,
    exp.ArrayAppend,
    exp.ArrayConcat,
    exp.ArraySlice,
    exp.JSONKeys,
    exp.Split,
)
_OBJECTS = (exp.Struct, exp.ObjectAgg, exp.JSONObject)
_VARIANTS = (exp.ParseJSON, exp.ToVariant)
_BY_NAME = {
    **dict.fromkeys(
        ("AS_ARRAY", "ARRAY_COMPACT", "ARRAY_DISTINCT", "ARRAY_INSERT", "ARRAY_PREPEND", "ARRAY_UNIQUE_AGG"), "ARRAY"
    ),
    **dict.fromkeys(("TO_OBJECT", "AS_OBJECT", "OBJECT_DELETE", "OBJECT_INSERT", "OBJECT_PICK"), "OBJECT"),
}


def expression_type(node: exp.Expr) -> str | None:
    """The type of a cast, or of a function that makes a semi-structured value; None for another expression.

    Args:
        node: a parsed expression of Snowflake's SQL.

    Source: https://docs.snowflake.com/en/sql-reference/data-types-semistructured
    """
    while isinstance(node, (exp.Paren, exp.WithinGroup, exp.Filter)):
        node = node.this
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return _cast_type(node.to)
    if isinstance(node, exp.Anonymous):
        return _BY_NAME.get(node.name.upper())
    if isinstance(node, _ARRAYS):
        return "ARRAY"
    if isinstance(node, _OBJECTS):
        return "OBJECT"
    return "VARIANT" if isinstance(node, _VARIANTS) else None


def _cast_type(kind: exp.DataType) -> str | None:
    """A cast's type as Snowflake spells it; the element types of a structured one are left out."""
    text = kind.sql(dialect="snowflake")
    if kind.this in {exp.DataType.Type.ARRAY, exp.DataType.Type.MAP, exp.DataType.Type.OBJECT}:
        text = text.split("(", 1)[0]
    try:
        return str(parse_type(text))
    except ValueError:
        return None
