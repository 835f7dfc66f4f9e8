"""Names that two columns of a subquery have: DuckDB takes the first of them, an account neither.

Source: https://docs.snowflake.com/en/sql-reference/sql/select
"""

from collections import Counter

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.rewrites.naming.lateral import from_items
from local_snowflake.sql.typing.static_types import StaticTypes

# an alias of the query itself comes before the column in these
_ALIASED_FIRST = (exp.Order,)


def checked_names(ctx: Context, tree: exp.Expression) -> None:
    """Raise 002028 for a column whose name two columns of its subquery have."""
    types = StaticTypes(ctx)
    repeated: dict[int, set[str]] = {}
    for node in tree.find_all(exp.Subquery, exp.CTE):
        alias = node.args.get("alias")
        if not (alias and alias.args.get("columns")) and (names := _repeated(types, node.this)):
            repeated[id(node)] = names
    if repeated:
        for column in tree.find_all(exp.Column):
            if isinstance(column.this, exp.Identifier) and _is_ambiguous(types, repeated, column):
                raise compilation_error(f"ambiguous column name '{column.name}'", 2028, "42601")


def _repeated(types: StaticTypes, query: exp.Expr) -> set[str]:
    """The names that more than one column of a query's result has."""
    while isinstance(query, (exp.SetOperation, exp.Subquery)):
        query = query.this
    if not isinstance(query, exp.Select):
        return set()
    names: list[str] = []
    for projection in query.expressions:
        if projection.is_star:
            names += _of_star(types, query, projection)
        else:
            names.append(projection.alias_or_name)
    return {name for name, times in Counter(names).items() if times > 1 and name}


def _of_star(types: StaticTypes, query: exp.Select, projection: exp.Expr) -> list[str]:
    """The columns that ``*`` or ``T.*`` gives, with its EXCLUDE and RENAME; none where they are not known."""
    star, columns = projection, []
    if isinstance(projection, exp.Column):
        star, columns = projection.this, list(types.sources(query).get(projection.table) or ())
    else:
        columns = _all_columns(types, query)
    if star.args.get("ilike"):
        return []
    excluded = {column.name for column in star.args.get("except_") or ()}
    renamed = {alias.this.name: alias.alias for alias in star.args.get("rename") or ()}
    return [renamed.get(name, name) for name in columns if name not in excluded]


def _all_columns(types: StaticTypes, query: exp.Select) -> list[str]:
    """The columns of all sources: those that USING names are there once."""
    joins = [join for item in from_items(query) for join in item.args.get("joins") or ()] + (
        query.args.get("joins") or []
    )
    if any(join.args.get("method") == "NATURAL" for join in joins):
        return []
    merged = {name.name for join in joins for name in join.args.get("using") or ()}
    columns = [name for source in types.sources(query).values() for name in source or ()]
    return [name for name in columns if name not in merged]


def _is_ambiguous(types: StaticTypes, repeated: dict[int, set[str]], column: exp.Column) -> bool:
    name = column.name
    for scope in trees.scopes_around(column, name):
        if not isinstance(scope, exp.Select):
            return False
        if trees.aliased(scope, name) is not None and column.find_ancestor(exp.Select, *_ALIASED_FIRST) is not scope:
            return False
        sources = [s for s in from_items(scope) if not column.table or s.alias_or_name == column.table]
        if any(name in repeated.get(id(_query_of(source)), ()) for source in sources):
            return True
        if any(columns is None or name in columns for columns in types.sources(scope).values()):
            return False
    return False


def _query_of(source: exp.Expr) -> exp.Expr | None:
    """The subquery or the common table expression that stands in FROM."""
    if not isinstance(source, exp.Table) or source.args.get("db"):
        return source
    return next((cte for ctes in trees.ctes_around(source) for cte in ctes if cte.alias == source.name), None)
