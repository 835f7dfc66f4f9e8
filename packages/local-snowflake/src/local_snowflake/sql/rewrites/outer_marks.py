"""Outer joins with ``(+)``: a comma-separated table whose columns have the mark becomes the right side of a LEFT JOIN.

Source: https://docs.snowflake.com/en/sql-reference/constructs/join#label-join-outer-plus
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context


def outer_marks(ctx: Context, tree: exp.Expression) -> exp.Expression | None:
    """Rewrite the marked conditions of each WHERE.

    Raises 001003 for marks that make no outer join, 000002 for those that are not understood.
    """
    marked = [column for column in tree.find_all(exp.Column) if column.args.get("join_mark")]
    selects: dict[int, exp.Select] = {}
    for column in marked:
        select = column.find_ancestor(exp.Select)
        where = column.find_ancestor(exp.Where, exp.Select)
        if select is None or not isinstance(where, exp.Where):
            raise not_supported("(+) outside of WHERE")
        if not column.table:
            raise not_supported(f"(+) of the column {column.name} without its table")
        selects[id(select)] = select
    for select in selects.values():
        _as_left_joins(select)
    return tree if marked else None


def _is_marked(condition: exp.Expr) -> set[str]:
    """The tables of which a condition has marked columns."""
    return {c.table for c in condition.find_all(exp.Column) if c.args.get("join_mark")}


def _as_left_joins(select: exp.Select) -> None:
    kept, on = _conditions(select)
    joins = select.args.get("joins") or []
    sources = [select.args["from_"].this, *(join.this for join in joins)]
    explicit = any(join.args.get(key) for join in joins for key in ("on", "using", "side", "kind", "method"))
    if explicit:
        raise not_supported("(+) in a query with JOIN")
    names = [source.alias_or_name for source in sources]
    if unknown := set(on) - set(names):
        raise compilation_error(f"error line 1 at position 0\ninvalid identifier '{min(unknown)}'", 904)
    inner = [source for source, name in zip(sources, names, strict=True) if name not in on]
    outer = {name: source for source, name in zip(sources, names, strict=True) if name in on}
    if not inner:
        raise compilation_error("Outer join predicates with (+) need a table without a mark.")
    done = {source.alias_or_name for source in inner}
    new = [exp.Join(this=source, kind="CROSS") for source in inner[1:]]
    while outer:
        ready = [n for n in outer if all(c.table in done | {n, ""} for p in on[n] for c in p.find_all(exp.Column))]
        if not ready:
            raise compilation_error("Outer join predicates with (+) form a cycle.")
        for name in ready:
            new.append(exp.Join(this=outer.pop(name), side="LEFT", on=exp.and_(*on[name], copy=False)))
            done.add(name)
    select.args["from_"].set("this", inner[0])
    select.set("joins", new)
    select.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)


def _conditions(select: exp.Select) -> tuple[list[exp.Expr], dict[str, list[exp.Expr]]]:
    """The conditions of WHERE without marks, and those with marks by their table; the marks are taken away."""
    kept: list[exp.Expr] = []
    on: dict[str, list[exp.Expr]] = {}
    waiting = [select.args["where"].this]
    while waiting:
        condition = waiting.pop()
        while isinstance(condition, exp.Paren):
            condition = condition.this
        if isinstance(condition, exp.And):
            waiting += [condition.expression, condition.this]
            continue
        tables = _is_marked(condition)
        if not tables:
            kept.append(exp.paren(condition, copy=False) if isinstance(condition, exp.Or) else condition)
            continue
        if len(tables) > 1:
            raise compilation_error(
                f"Outer join predicate with (+) on several tables: {condition.sql(dialect='snowflake')}"
            )
        if condition.find(exp.Or, exp.Query):
            raise not_supported("(+) in a condition with OR or a subquery")
        for column in condition.find_all(exp.Column):
            column.set("join_mark", None)
        on.setdefault(tables.pop(), []).append(condition)
    return kept, on
