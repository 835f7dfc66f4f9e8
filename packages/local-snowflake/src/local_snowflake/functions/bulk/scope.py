"""What a SELECT block sees around it, and how it is compiled on its own."""

from collections.abc import Iterator

import pyarrow as pa
from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.sql.dialect import to_duckdb, translate
from local_snowflake.sql.resolve import resolve


def visible_ctes(select: exp.Select) -> exp.With | None:
    """The common table expressions around a block that it needs, directly or through others; copies."""
    visible: list[exp.CTE] = []
    for with_, stop in _around(select):
        of_with = []
        for cte in with_.expressions:
            if cte is stop:
                break
            of_with.append(cte)
        # an inner name hides an outer one
        names = {cte.alias for cte in visible}
        visible = [cte for cte in of_with if cte.alias not in names] + visible
    needed = _mentioned(select, without_with=True)
    for cte in reversed(visible):
        if cte.alias in needed:
            needed |= _mentioned(cte)
    ctes = [cte.copy() for cte in visible if cte.alias in needed]
    return exp.With(expressions=ctes) if ctes else None


def top_of(node: exp.Expr, select: exp.Select) -> exp.Expr:
    """The direct child of a block that a node is or stands in."""
    while node.parent is not None and node.parent is not select:
        node = node.parent
    return node


def _around(select: exp.Select) -> Iterator[tuple[exp.With, exp.Expr | None]]:
    """Every WITH in scope, innermost first, and the CTE of it that the block stands in, if it does."""
    if isinstance(own := select.args.get("with_"), exp.With):
        yield own, None
    child: exp.Expr = select
    while parent := child.parent:
        if isinstance(parent, exp.With):
            yield parent, child
        elif isinstance(with_ := parent.args.get("with_"), exp.With) and child is not with_:
            yield with_, None
        child = parent


def _mentioned(node: exp.Expr, *, without_with: bool = False) -> set[str]:
    tables = (t for t in node.find_all(exp.Table) if not t.args.get("db"))
    if without_with:
        own = node.args.get("with_")
        tables = (t for t in tables if own is None or not any(n is own for n in _ancestors(t)))
    return {t.name for t in tables}


def _ancestors(node: exp.Expr) -> Iterator[exp.Expr]:
    while (parent := node.parent) is not None:
        yield parent
        node = parent


def compile_select(ctx: Context, select: exp.Select, ctes: exp.With | None) -> str:
    """DuckDB's SQL of a block that was taken out of its statement; ``select`` itself is left as it is."""
    alone = select.copy()
    alone.set("with_", ctes.copy() if ctes else None)
    return to_duckdb(translate(resolve(ctx, alone), ctx.session.duck))


def describe(ctx: Context, sql: str) -> tuple[list[str], pa.Schema]:
    """A query's column names and arrow types, without running it."""

    def work() -> tuple[list[str], pa.Schema]:
        with ctx.session.lazy_tables.only_described():
            relation = ctx.session.duck.sql(sql)
            described = list(relation.columns)
            schema = ctx.session.duck.sql(f"SELECT * FROM ({sql}) LIMIT 0").to_arrow_table().schema
        return described, schema

    description: tuple[list[str], pa.Schema] = ctx.session.read(work)
    return description


def describe_columns(ctx: Context, select: exp.Select, ctes: exp.With | None) -> tuple[list[int], list[str]]:
    """How many columns each projection of a block gives, and all columns' names."""
    stars = [p for p in select.expressions if p.is_star]
    if not stars:
        return [1] * len(select.expressions), [output_name(p) for p in select.expressions]
    names, _ = describe(ctx, compile_select(ctx, select, ctes))
    if len(stars) == 1:
        rest = len(names) - (len(select.expressions) - 1)
        return [rest if p.is_star else 1 for p in select.expressions], names
    widths = []
    for projection in select.expressions:
        if projection.is_star:
            single = select.copy()
            single.set("expressions", [projection.copy()])
            widths.append(len(describe(ctx, compile_select(ctx, single, ctes))[0]))
        else:
            widths.append(1)
    return widths, names


def output_name(projection: exp.Expr) -> str:
    """The name of a projection's column."""
    return projection.alias_or_name or projection.sql(dialect="snowflake").upper()


def drop_unused_ctes(select: exp.Select) -> None:
    """Take away the common table expressions of a block that nothing reads any more."""
    own = select.args.get("with_")
    if not isinstance(own, exp.With):
        return
    needed = _mentioned(select, without_with=True)
    for cte in reversed(own.expressions):
        if cte.alias in needed:
            needed |= _mentioned(cte)
    ctes = [cte for cte in own.expressions if cte.alias in needed]
    own.set("expressions", ctes)
    if not ctes:
        select.set("with_", None)
