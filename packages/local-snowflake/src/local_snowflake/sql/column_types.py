"""The types that a query declares for its columns: of a table's columns, with length and NOT NULL, and of casts."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Column
from local_snowflake.sql.types import parse_type

# clauses after which a column is not simply the table's
_OPAQUE = ("joins", "laterals", "group", "distinct", "pivots", "match")
Declared = dict[str, dict[str, Any]]
_NO_CTES: Mapping[str, Declared] = {}


def declared_columns(ctx: Context, tree: exp.Expr, ctes: Mapping[str, Declared] = _NO_CTES) -> Declared:
    """The columns of a query whose types follow from its text, by the names that they have in its result.

    Args:
        ctx: the statement's context.
        tree: the parsed query, not resolved yet.
        ctes: the columns of the common table expressions around it.

    Returns:
        Catalogued columns, of queries over one table; what is cast, or made by a function of semi-structured values.
        Nothing for other computed columns, and for set operations.
    """
    if isinstance(tree, exp.Subquery):
        return declared_columns(ctx, tree.this, ctes)
    if not isinstance(tree, exp.Select):
        return {}
    if with_ := tree.args.get("with_"):
        ctes = dict(ctes)
        for cte in with_.expressions:
            ctes[_name(cte.args["alias"].this)] = declared_columns(ctx, cte.this, ctes)
    from_ = tree.args.get("from_")
    is_opaque = from_ is None or any(tree.args.get(clause) for clause in _OPAQUE)
    below = {} if is_opaque or from_ is None else _source(ctx, from_.this, ctes)
    columns: Declared = {}
    for projection in tree.expressions:
        if isinstance(projection, exp.Star) and not projection.args.get("except_"):
            columns |= below
        column = projection.this if isinstance(projection, exp.Alias) else projection
        plain = column.this if isinstance(column, exp.Column) and isinstance(column.this, exp.Identifier) else None
        source = below.get(_name(plain)) if plain else _computed(column)
        label = projection.args["alias"] if isinstance(projection, exp.Alias) else plain
        if source and label is not None:
            columns[_name(label)] = source
    return columns


def _computed(expression: exp.Expr) -> dict[str, Any] | None:
    kind = expression_type(expression)
    return {"type": kind, "nullable": True} if kind else None


def _source(ctx: Context, source: exp.Expr, ctes: Mapping[str, Declared]) -> Declared:
    alias = source.args.get("alias")
    if any(source.args.get(clause) for clause in _OPAQUE) or (alias is not None and alias.args.get("columns")):
        return {}
    if isinstance(source, exp.Subquery):
        return declared_columns(ctx, source.this, ctes)
    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        return {}
    identifiers = [p for p in (source.args.get("catalog"), source.args.get("db"), source.this) if p is not None]
    parts = [_name(p) if isinstance(p, exp.Identifier) else str(p) for p in identifiers]
    if len(parts) == 1 and parts[0] in ctes:
        return ctes[parts[0]]
    if ctx.session.database is None and len(parts) < 3:
        return {}
    table = ctx.relation(ctx.resolve(parts))
    columns = table.props.columns if TABLE.describes(table) else ()
    return {c.name: {"type": c.type, "nullable": c.nullable} for c in columns}


def _name(identifier: exp.Identifier) -> str:
    return str(identifier.this) if identifier.quoted else str(identifier.this).upper()


def as_declared(columns: list[Column], declared: Declared) -> list[Column]:
    """A result's columns with their declared types, where these are of the same kind."""
    return [_as_declared(c, declared[c.name]) if c.name in declared else c for c in columns]


def _as_declared(column: Column, declared: dict[str, Any]) -> Column:
    kind = parse_type(declared["type"])
    same = kind.name == column.type.name or (kind.is_semi_structured and column.type.is_semi_structured)
    return dataclasses.replace(column, type=kind if same else column.type, nullable=bool(declared["nullable"]))


# -- the types of expressions ------------------------------------------------------------------------------------------

_ARRAYS = (
    *(exp.Array, exp.ToArray, exp.ArrayAgg, exp.ArrayAppend, exp.ArrayConcat, exp.ArraySlice),
    *(exp.JSONKeys, exp.Split),
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
