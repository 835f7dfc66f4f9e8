"""A query laid in two: a subquery computes some of its expressions for each row, and the query reads what it gives."""

from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.sql import trees
from local_snowflake.sql.rewrites.naming.lateral import from_items
from local_snowflake.sql.typing.static_types import Columns, StaticTypes

_READ = ("from_", "joins", "laterals")
_HIDDEN = "$ALIAS_"


def lay_in_two(types: StaticTypes, select: exp.Select, results: dict[str, exp.Expr]) -> bool:
    """Have a subquery compute results of a query for each row, in place; whether that can be done.

    Args:
        types: those of the statement.
        select: the query.
        results: the results by their alias, which no column that the query reads has.

    Returns:
        False, and nothing is changed, for results of aggregates, for windows over rows that a result chooses, and for
        stars whose columns are not known.
    """
    where = select.args.get("where")
    is_choice = where is not None and any(column.name in results for column in _own_columns(where, select))
    if select.args.get("connect") or any(_is_of_groups(each, with_windows=is_choice) for each in results.values()):
        return False
    items = list(from_items(select))
    read = _of_one(select, items, results) if len(items) < 2 else _of_several(types, select, results, is_choice)
    if read is None:
        return False
    inner = exp.Select(expressions=[*read, *(trees.named(each.this, _HIDDEN + name) for name, each in results.items())])
    for name, each in results.items():
        each.set("this", trees.column(_HIDDEN + name))
    for column in list(_own_columns(select, select)):
        if column.name in results:
            column.replace(trees.column(_HIDDEN + column.name))
    for clause in _READ if is_choice else (*_READ, "where"):
        inner.set(clause, select.args.get(clause))
        select.set(clause, None)
    name = items[0].alias_or_name if len(items) == 1 else ""
    select.set("from_", exp.From(this=exp.Subquery(this=inner, alias=trees.alias(name) if name else None)))
    return True


def _is_of_groups(result: exp.Expr, *, with_windows: bool) -> bool:
    """Whether a result is not one of each row that the query reads."""
    query = result.find_ancestor(exp.Select)
    for node in result.find_all(exp.AggFunc, exp.Window):
        if node.find_ancestor(exp.Select) is query and (
            with_windows if isinstance(node, exp.Window) else node.find_ancestor(exp.Window, exp.Select) is query
        ):
            return True
    return False


def _own_columns(root: exp.Expr, select: exp.Select) -> Iterator[exp.Column]:
    """The columns in a clause of a query that are named without a source, without those of its subqueries."""
    yield from (column for column in root.find_all(exp.Column) if trees.is_bare(column, select))


def _of_one(select: exp.Select, items: list[exp.Expr], results: dict[str, exp.Expr]) -> list[exp.Expr]:
    """The star of the only source; those of the query do not show what is computed before."""
    for star in _stars(select):
        hidden = [trees.identifier(_HIDDEN + name) for name in results]
        star.set("except_", [*(star.args.get("except_") or ()), *hidden])
    return [exp.Star() for _ in items]


def _stars(select: exp.Select) -> list[exp.Star]:
    stars = [each.this if isinstance(each, exp.Column) else each for each in select.expressions]
    return [star for star in stars if isinstance(star, exp.Star)]


def _of_several(
    types: StaticTypes, select: exp.Select, results: dict[str, exp.Expr], is_choice: bool
) -> list[exp.Expr] | None:
    """The columns of several sources that the query uses, each by a name of its own."""
    sources = types.sources(select)
    if any(star.args.get("replace") or star.args.get("rename") or star.args.get("ilike") for star in _stars(select)):
        return None
    joins = [join for item in from_items(select) for join in item.args.get("joins") or ()]
    merges = any(j.args.get("using") or j.args.get("method") for j in [*joins, *(select.args.get("joins") or ())])
    shows_all = any(isinstance(each, exp.Star) for each in select.expressions)
    if (shows_all and merges) or (_stars(select) and None in sources.values()):
        return None
    select.set("expressions", [each for p in select.expressions for each in _without_star(p, sources)])
    inner_clauses = [select.args.get(clause) for clause in (_READ if is_choice else (*_READ, "where"))]
    inside = {id(part) for clause in inner_clauses for part in (clause if isinstance(clause, list) else [clause])}
    inside |= {id(each) for each in results.values()}
    used: dict[tuple[str, str], exp.Expr] = {}
    for column in list(select.find_all(exp.Column)):
        if _is_read(types, select, column, results) and not _stands_in(column, inside):
            hidden = f"{_HIDDEN}{column.table}.{column.name}"
            used.setdefault((column.table, column.name), trees.named(column.copy(), hidden))
            shown = trees.column(hidden)
            column.replace(trees.named(shown, column.name) if column.parent is select else shown)
    return [*used.values()]


def _without_star(projection: exp.Expr, sources: dict[str, Columns | None]) -> list[exp.Expr]:
    if not projection.is_star:
        return [projection]
    star = projection.this if isinstance(projection, exp.Column) else projection
    read = [projection.table] if isinstance(projection, exp.Column) else [*sources]
    excluded = {column.name for column in star.args.get("except_") or ()}
    return [trees.column(name, alias) for alias in read for name in sources.get(alias) or () if name not in excluded]


def _is_read(types: StaticTypes, select: exp.Select, column: exp.Column, results: dict[str, exp.Expr]) -> bool:
    """Whether a column is one of the sources of a query, from which it or a subquery of it reads it."""
    if not isinstance(column.this, exp.Identifier):
        return False
    name, table = column.name, column.table
    for scope in trees.scopes_around(column, name):
        if scope is None:
            return False
        sources = types.sources(scope) if isinstance(scope, exp.Select) else {}
        if scope is select:
            is_known = any(columns is not None and name in columns for columns in sources.values())
            return table in sources if table else is_known or trees.aliased(select, name) is None
        if table in sources or (not table and any(c is None or name in c for c in sources.values())):
            return False
    return False


def _stands_in(node: exp.Expr | None, holders: set[int]) -> bool:
    while node is not None:
        if id(node) in holders:
            return True
        node = node.parent
    return False
