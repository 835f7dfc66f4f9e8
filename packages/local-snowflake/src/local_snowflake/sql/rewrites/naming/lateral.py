"""Names of columns in LATERAL, in TABLE(…) and in subqueries: those of the sources before them or around them.

DuckDB takes a name first for what it is inside: for a column that FLATTEN's macro gives or makes on the way, or for
what a subquery calls a result of its own, also if that comes later. So the source of such a name is written out.

Source: https://docs.snowflake.com/en/sql-reference/constructs/join-lateral
"""

from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.typing.static_types import StaticTypes


def lateral_names(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write out the sources of the columns that DuckDB would take for others."""
    types = StaticTypes(ctx)
    for node in list(tree.find_all(exp.Lateral, exp.TableFromRows)):
        if not isinstance(node.this, exp.Subquery):
            select = node.find_ancestor(exp.Select)
            columns = [c for c in node.this.find_all(exp.Column) if trees.is_bare(c, select)]
            _name_sources(types, node, columns)
    for select in list(tree.find_all(exp.Select)):
        if columns := _named_later(select):
            _name_sources(types, select, columns)
    return tree


def _named_later(select: exp.Select) -> list[exp.Column]:
    """The columns in a query's list whose name a result at the same place or later has."""
    places = {each.alias: place for place, each in enumerate(select.expressions) if isinstance(each, exp.Alias)}
    return [
        column
        for place, each in enumerate(select.expressions if places else ())
        for column in each.find_all(exp.Column)
        if places.get(column.name, -1) >= place and trees.is_bare(column, select)
    ]


def _name_sources(types: StaticTypes, node: exp.Expr, columns: list[exp.Column]) -> None:
    around = list(_around(node)) if columns else []
    if not around:
        return
    own = [types.columns_of(item) for item in from_items(node)] if isinstance(node, exp.Select) else []
    for column in columns:
        if any(names is None or column.name in names for names in own):
            continue
        if (source := _source(types, around, column.name)) is not None:
            if not source.alias_or_name:
                source.set("alias", trees.alias(f"$SOURCE_OF_{column.name}"))
            column.set("table", trees.identifier(source.alias_or_name))


def _source(types: StaticTypes, around: list[list[exp.Expr]], name: str) -> exp.Expr | None:
    """What a name is a column of; None if that is not clear."""
    for level, items in enumerate(around):
        known = [(item, types.columns_of(item)) for item in items]
        found = [item for item, columns in known if columns is not None and name in columns]
        if found:
            return found[0] if len(found) == 1 else None
        if any(columns is None for _, columns in known):
            return items[0] if len(items) == 1 and level == len(around) - 1 else None
    return None


def _around(node: exp.Expr) -> Iterator[list[exp.Expr]]:
    """What stands in FROM before a node and around it, of the innermost query first."""
    child = node
    while (parent := child.parent) is not None and not isinstance(parent, (exp.With, exp.DML)):
        if isinstance(parent, exp.Select) and (items := _before(parent, node)):
            yield items
        child = parent


def _before(select: exp.Select, node: exp.Expr) -> list[exp.Expr]:
    """The items of FROM that a node inside of a query sees."""
    items = list(from_items(select))
    around = {id(node)}
    above = node
    while above is not select and above.parent is not None:
        above = above.parent
        around.add(id(above))
    holder = next((place for place, item in enumerate(items) if id(item) in around), None)
    if holder is None:
        return items
    return items[:holder] if isinstance(items[holder], (exp.Lateral, exp.TableFromRows)) else []


def from_items(select: exp.Select) -> Iterator[exp.Expr]:
    """The items of a query's FROM in their order, without the brackets around joins."""
    if (from_ := select.args.get("from_")) is not None:
        yield from _joined(from_.this)
    for join in select.args.get("joins") or []:
        yield from _joined(join.this)
    yield from select.args.get("laterals") or []


def _joined(source: exp.Expr) -> Iterator[exp.Expr]:
    is_bracket = isinstance(source, exp.Subquery) and isinstance(source.this, (exp.Subquery, exp.Table))
    if is_bracket and not source.alias:
        yield from _joined(source.this)
    else:
        yield source
    for join in source.args.get("joins") or []:
        yield from _joined(join.this)
    yield from source.args.get("laterals") or []
