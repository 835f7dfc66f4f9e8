"""Column defaults: the catalog keeps their text, and the statement that inserts rows fills them in.

DuckDB's file has none of them: an expression that needs the server's own functions would be in the way when it opens.
"""

from collections.abc import Iterable

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, Column
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sessions.replay import random_calls
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import at_time, parse, to_duckdb, translate
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.resolve import resolve
from local_snowflake.sql.types import parse_type

_ROWS = "$ROWS"


def default_sql(ctx: Context, column: Column) -> str:
    """DuckDB's SQL of a column's default, of the column's type.

    Raises:
        SnowflakeError: 000002, if it is a query or has one in it, eg: a function in Python.
    """
    tree = parse(f"SELECT {column.default}")
    holder = exp.Paren(this=tree.expressions[0].pop())
    tree = resolve(ctx, holder)
    if tree.find(exp.Query, exp.AggFunc, exp.Window):
        raise not_supported(f"the default of column {column.name}: {column.default}")
    ctx.random_calls |= random_calls(tree)
    sql = to_duckdb(at_time(translate(tree, ctx.session.duck), ctx.started))
    kind = parse_type(column.type)
    return f"timestamp_tz_of({sql}, 0)" if kind.name == "TIMESTAMP_TZ" else f"CAST({sql} AS {kind.duckdb})"


def with_default(columns: Iterable[Column]) -> dict[str, Column]:
    """Those of a table's columns that have a default, by their names."""
    return {column.name: column for column in columns if column.default is not None}


def fill_rows(ctx: Context, name: Name, columns: str, source: str) -> tuple[str, str]:
    """As ``fill_insert``, of DuckDB's SQL: the columns, quoted and with commas, and the query of their values."""
    # a quoted name has no other one in it
    missing = [c for c in with_default(_columns(ctx, name)).values() if f", {quote(c.name)}, " not in f", {columns}, "]
    if not missing:
        return columns, source
    filled = ", ".join(default_sql(ctx, column) for column in missing)
    return ", ".join([columns, *(quote(c.name) for c in missing)]), f"SELECT *, {filled} FROM ({source})"


def fill_insert(ctx: Context, tree: exp.Insert, name: Name) -> None:
    """Let an INSERT into a table, or that of a MERGE, give every column that has a default a value, in place."""
    columns = _columns(ctx, name)
    defaults = with_default(columns)
    if defaults and tree.args.get("by_name"):
        raise not_supported("INSERT … BY NAME into a table whose columns have defaults")
    # INSERT has a schema with its columns, that of a MERGE only the columns
    listed = tree.this.expressions if isinstance(tree.this, (exp.Schema, exp.Tuple)) else []
    names = [column.name for column in listed or columns]
    source = tree.expression
    rows = source.expressions if isinstance(source, exp.Values) else [source] if isinstance(source, exp.Tuple) else []
    for row in rows:
        for column, value in zip(names, row.expressions, strict=False):
            if column in defaults and _is_default(value):
                value.replace(_filled(ctx, defaults[column]))
    if missing := [column for column in defaults if column not in names]:
        new_column = trees.column if isinstance(tree.this, exp.Tuple) else trees.identifier
        tree.this.set("expressions", [*listed, *map(new_column, missing)])
        _append(tree, rows, [_filled(ctx, defaults[column]) for column in missing])


def _append(tree: exp.Insert, rows: list[exp.Expr], values: list[exp.Expr]) -> None:
    """Append values to the rows of an INSERT, or to those of its query."""
    for row in rows:
        row.set("expressions", [*row.expressions, *(value.copy() for value in values)])
    if not rows:
        source = tree.expression
        inner = source.this if isinstance(source, exp.Subquery) and not source.alias else source
        query = exp.Subquery(this=inner, alias=trees.alias(_ROWS))
        tree.set("expression", exp.select(exp.Star(), *values).from_(query))


def fill_assignments(ctx: Context, update: exp.Update, name: Name) -> None:
    """``SET c = DEFAULT`` of an UPDATE, or that of a MERGE -> the default of the column, in place."""
    defaults = with_default(_columns(ctx, name))
    for assignment in update.expressions:
        if isinstance(assignment, exp.EQ) and assignment.this.name in defaults and _is_default(assignment.expression):
            assignment.set("expression", _filled(ctx, defaults[assignment.this.name]))


def _columns(ctx: Context, name: Name) -> tuple[Column, ...]:
    table = ctx.relation(name)
    return table.props.columns if TABLE.describes(table) else ()


def _is_default(value: exp.Expr) -> bool:
    if isinstance(value, exp.Column):
        return not value.table and not value.this.quoted and value.name.upper() == "DEFAULT"
    return isinstance(value, exp.Var) and value.name.upper() == "DEFAULT"


def _filled(ctx: Context, column: Column) -> exp.Expr:
    # DuckDB's SQL already: nothing of it is translated once more
    return exp.var(default_sql(ctx, column))
