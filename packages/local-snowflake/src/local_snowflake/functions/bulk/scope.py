"""What a SELECT block sees around it, and how it is compiled on its own."""

import pyarrow as pa
from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import to_duckdb, translate
from local_snowflake.sql.resolve import resolve


def visible_ctes(select: exp.Select) -> exp.With | None:
    """The common table expressions around a block that it needs, directly or through others; copies."""
    visible: list[exp.CTE] = []
    for ctes in trees.ctes_around(select):
        # an inner name hides an outer one
        names = {cte.alias for cte in visible}
        visible = [cte for cte in ctes if cte.alias not in names] + visible
    needed = [cte.copy() for cte in _needed(visible, select)]
    return exp.With(expressions=needed) if needed else None


def _needed(ctes: list[exp.CTE], select: exp.Select) -> list[exp.CTE]:
    """Those that a block reads, directly or through others."""
    needed = _mentioned(select, select.args.get("with_"))
    for cte in reversed(ctes):
        if cte.alias in needed:
            needed |= _mentioned(cte)
    return [cte for cte in ctes if cte.alias in needed]


def _mentioned(node: exp.Expr, ignored: exp.Expr | None = None) -> set[str]:
    nodes = node.walk(prune=lambda n: n is ignored)
    return {n.name for n in nodes if isinstance(n, exp.Table) and not n.args.get("db")}


def top_of(node: exp.Expr, select: exp.Select) -> exp.Expr:
    """The direct child of a block that a node is or stands in."""
    while node.parent is not None and node.parent is not select:
        node = node.parent
    return node


def compile_select(ctx: Context, select: exp.Select, ctes: exp.With | None, *, is_block: bool = False) -> str:
    """DuckDB's SQL of a block that was taken out of its statement; ``select`` itself is left as it is.

    ``is_block``: the statement's rewrites up to those of blocks have been applied to it.
    """
    alone = select.copy()
    alone.set("with_", ctes.copy() if ctes else None)
    return to_duckdb(translate(resolve(ctx, alone, is_block=is_block), ctx.session.duck))


def describe(ctx: Context, sql: str) -> tuple[list[str], pa.Schema]:
    """A query's column names and arrow types, without running it."""

    def work() -> tuple[list[str], pa.Schema]:
        with ctx.session.lazy_tables.only_described():
            relation = ctx.session.duck.sql(sql)
            # the types alone: DuckDB would plan the whole query again for none of its rows
            nulls = ", ".join(f"NULL::{kind} AS C{i}" for i, kind in enumerate(relation.types))
            kinds = ctx.session.duck.sql(f"SELECT {nulls}").to_arrow_table().schema
            columns = list(relation.columns)
            return columns, pa.schema([field.with_name(name) for name, field in zip(columns, kinds, strict=True)])

    description: tuple[list[str], pa.Schema] = ctx.session.read(work)
    return description


def describe_columns(ctx: Context, select: exp.Select, ctes: exp.With | None) -> tuple[list[int], list[str]]:
    """How many columns each projection of a block gives, and all columns' names."""
    stars = [p for p in select.expressions if p.is_star]
    if not stars:
        return [1] * len(select.expressions), [output_name(p) for p in select.expressions]
    names, _ = describe(ctx, compile_select(ctx, select, ctes, is_block=True))
    if len(stars) == 1:
        rest = len(names) - (len(select.expressions) - 1)
        return [rest if p.is_star else 1 for p in select.expressions], names
    alone = {id(star): select.copy() for star in stars}
    for star in stars:
        alone[id(star)].set("expressions", [star.copy()])
    widths = {
        key: len(describe(ctx, compile_select(ctx, single, ctes, is_block=True))[0]) for key, single in alone.items()
    }
    return [widths.get(id(p), 1) for p in select.expressions], names


def output_name(projection: exp.Expr) -> str:
    """The name of a projection's column."""
    return projection.alias_or_name or projection.sql(dialect="snowflake").upper()


def drop_unused_ctes(select: exp.Select) -> None:
    """Take away the common table expressions of a block that nothing reads any more."""
    own = select.args.get("with_")
    if not isinstance(own, exp.With):
        return
    own.set("expressions", _needed(own.expressions, select))
    if not own.expressions:
        select.set("with_", None)
