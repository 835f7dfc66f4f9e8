"""What follows from the types that a statement's text gives: TYPEOF, COUNT (t.*), and casts to structured types.

Source: https://docs.snowflake.com/en/sql-reference/data-types-structured
"""

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import of_cast

# a VARIANT is JSON here, which has none of these
_NAMED = {"DATE": "DATE", "TIME": "TIME", "FLOAT": "DOUBLE", "BINARY": "BINARY"}
_STRUCTURED = (exp.DType.ARRAY, exp.DType.MAP, exp.DType.OBJECT)


def known_kinds(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write out what depends on types, in place. Raises 000002 for a structured type other than an ARRAY of scalars."""
    types = StaticTypes(ctx)
    for node in list(tree.find_all(exp.Typeof)):
        _name_type(types, node)
    for count in list(tree.find_all(exp.Count)):
        _count_rows(types, count)
    for cast in list(tree.find_all(exp.Cast)):
        if is_structured(cast.to):
            _cast_elements(cast)
    return tree


def is_structured(kind: exp.Expr | None) -> bool:
    """Whether a type says what an ARRAY, OBJECT or MAP holds."""
    return isinstance(kind, exp.DataType) and kind.this in _STRUCTURED and bool(kind.expressions)


def _name_type(types: StaticTypes, node: exp.Typeof) -> None:
    """TYPEOF: https://docs.snowflake.com/en/sql-reference/functions/typeof."""
    value = node.this.unnest()
    while isinstance(value, exp.ToVariant) or (isinstance(value, exp.Cast) and value.to.is_type(exp.DType.VARIANT)):
        value = value.this.unnest()
    kind = types.of(value)
    kind = kind.held or kind if kind is not None else None
    name = None if kind is None else kind.name if kind.name.startswith("TIMESTAMP") else _NAMED.get(kind.name)
    if name is not None:
        there = exp.Not(this=exp.Is(this=value.copy(), expression=exp.null()))
        node.replace(exp.Case(ifs=[exp.If(this=there, true=exp.Literal.string(name))]))


def _count_rows(types: StaticTypes, count: exp.Count) -> None:
    """COUNT (t.*) is that of the rows without a NULL: https://docs.snowflake.com/en/sql-reference/functions/count."""
    star = count.this.expressions[0] if isinstance(count.this, exp.Distinct) else count.this
    if not isinstance(star, exp.Column) or not isinstance(star.this, exp.Star):
        return
    select = count.find_ancestor(exp.Select)
    names = (types.sources(select).get(star.table) if select is not None else None) or {}
    if not names or isinstance(count.this, exp.Distinct):
        raise not_supported(f"{count.sql(dialect='snowflake')}, of columns that are not known")
    first, *rest = (trees.column(name, star.table) for name in names)
    count.set("this", first)
    count.set("expressions", rest)


def _cast_elements(cast: exp.Cast) -> None:
    element = cast.to.expressions[0]
    kind = of_cast(element) if cast.to.this == exp.DType.ARRAY and isinstance(element, exp.DataType) else None
    if kind is None or kind.is_semi_structured or kind.name.startswith("TIMESTAMP_") or isinstance(cast, exp.TryCast):
        raise not_supported(f"a cast to the structured type {cast.to.sql(dialect='snowflake')}")
    text = call("json_extract_string", trees.identifier("E"), exp.Literal.string("$"))
    made: exp.Expr = exp.cast(text, kind.duckdb, dialect="duckdb")
    if kind.name == "VARCHAR":
        made = call("fitting_text", text, exp.Literal.number(kind.length))
    each = exp.Lambda(this=made, expressions=[trees.identifier("E")], colon=True)
    cast.set("this", call("to_json", call("list_transform", call("json_list", cast.this), each)))
    cast.set("to", exp.DataType.build("ARRAY", dialect="snowflake"))
