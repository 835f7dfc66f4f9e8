"""Results that other expressions of the same query refer to by their alias: ``SELECT a / b AS x, x + 1 AS y``.

DuckDB has such references, but refuses those to what is random or holds a subquery, and macros do not see the types of
the others. So an expression is written out wherever its alias is used. What has another value each time, and what would
grow out of bounds, is computed in a subquery that the query then reads.

A name is that of a column first, and only then an alias.

Source: https://docs.snowflake.com/en/sql-reference/sql/select (usage notes)
"""

from collections.abc import Iterator, Mapping

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sessions.replay import RANDOM
from local_snowflake.sql import trees
from local_snowflake.sql.rewrites.naming.layers import lay_in_two
from local_snowflake.sql.transforms import nodes
from local_snowflake.sql.typing.static_types import StaticTypes

# what is written out in a query has no more nodes than these, and four times its own; the rest is computed before
_MOST = 10_000
# what may refer to all results of the list; an expression of the list refers to those before it
_CLAUSES = ("where", "having", "qualify")
_ATOMS = (exp.Column, exp.Func, exp.Literal, exp.Paren, exp.Null, exp.Boolean, exp.Subquery)


def written_out_aliases(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write out the results that are referred to by their alias, in place.

    Raises 000002 for what can neither be written out nor be computed before, eg: a random choice among aggregates.
    """
    # what is inside first
    for select in reversed(list(tree.find_all(exp.Select))):
        if any(isinstance(each, exp.Alias) for each in select.expressions):
            _write_out(ctx, select)
    return tree


def _write_out(ctx: Context, select: exp.Select) -> None:
    types = StaticTypes(ctx)
    while apart := _written_out(types, select):
        ready = {name: each for name, each in apart.items() if not any(_references(types, select, each, apart))}
        types = StaticTypes(ctx)
        if not ready or not lay_in_two(types, select, ready):
            value = next(iter(apart))
            raise not_supported(f"{value} in the same SELECT as what refers to it: compute one of them in a subquery")


def _written_out(types: StaticTypes, select: exp.Select) -> dict[str, exp.Expr]:
    """Write out what can be, in place; returns the expressions that have to be computed before, by their alias."""
    aliases: dict[str, exp.Expr] = {}
    apart: dict[str, exp.Expr] = {}
    left = _MOST + 4 * sum(1 for _ in nodes(select))
    users = list(select.expressions)
    for user in [*users, *(select.args[c] for c in _CLAUSES if select.args.get(c))]:
        for column in list(_references(types, select, user, aliases)):
            meant = aliases[column.name].this
            size = _size(meant)
            left -= size
            if size == 0 or left < 0 or column.name in apart:
                apart[column.name] = aliases[column.name]
            else:
                column.replace(meant.copy() if isinstance(meant, _ATOMS) else exp.paren(meant))
        if isinstance(user, exp.Alias):
            aliases.setdefault(user.alias, user)
    return apart


def _size(expression: exp.Expr) -> int:
    """The number of an expression's nodes; 0 for one that has another value each time."""
    found = list(nodes(expression))
    # the next value of a sequence is such a variable
    changes = any(isinstance(n, RANDOM) or (isinstance(n, exp.Var) and n.name.startswith("nextval(")) for n in found)
    return 0 if changes else len(found)


def _references(
    types: StaticTypes, select: exp.Select, user: exp.Expr, aliases: Mapping[str, exp.Expr]
) -> Iterator[exp.Column]:
    """The columns of an expression that are results of its query."""
    for column in nodes(user) if aliases else ():
        if (
            isinstance(column, exp.Column)
            and column.name in aliases
            and trees.is_bare(column, select)
            and not any(columns is None or column.name in columns for columns in types.sources(select).values())
        ):
            yield column
