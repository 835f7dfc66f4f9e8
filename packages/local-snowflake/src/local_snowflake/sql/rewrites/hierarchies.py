"""SYS_CONNECT_BY_PATH: the values from the root of a CONNECT BY to each of its rows.

Source: https://docs.snowflake.com/en/sql-reference/functions/sys_connect_by_path
"""

from typing import cast

from sqlglot import exp
from sqlglot.generators.duckdb import connect_by_to_recursive_cte

from local_snowflake.errors import compilation_error, not_supported, too_few_arguments
from local_snowflake.execution.context import Context

_NAME = "SYS_CONNECT_BY_PATH"
_PART = "part_of_path"
# what sqlglot names the rows of a hierarchy
_PARENT, _CHILD = "_parent_row", "_child_row"


def paths_of_hierarchies(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``SYS_CONNECT_BY_PATH(value, separator)`` -> a column of the recursive query that CONNECT BY becomes.

    sqlglot makes that query, and hands the value of a root down to its rows; to a path each of them adds its part.

    Raises:
        SnowflakeError: 001003 without a CONNECT BY; 000938 for a missing argument; 000002 where sqlglot makes no
            recursive query, eg: of a join.
    """
    for call in [node for node in tree.find_all(exp.Anonymous) if node.name.upper() == _NAME]:
        select = call.find_ancestor(exp.Select)
        if select is None or not select.args.get("connect"):
            raise compilation_error(f"{_NAME} is a result of a query with CONNECT BY.")
        if isinstance(
            call.find_ancestor(exp.Select, exp.Where, exp.Order, exp.Group), (exp.Where, exp.Order, exp.Group)
        ):
            raise not_supported(f"{_NAME} outside of the results of a query")
        if len(call.expressions) != 2:
            raise too_few_arguments(_NAME)
        value, separator = call.expressions
        part = exp.DPipe(this=separator, expression=exp.cast(exp.paren(value), "VARCHAR", dialect="snowflake"))
        part.meta[_PART] = True
        call.replace(exp.ConnectByRoot(this=part))
        select.meta[_NAME] = True
    for select in [node for node in tree.find_all(exp.Select) if node.meta.get(_NAME)]:
        made = connect_by_to_recursive_cte(select.copy())
        if made.args.get("connect"):
            raise not_supported(f"{_NAME} in this form of CONNECT BY")
        for union in made.find_all(exp.Union):
            _add_parts(union)
        if select is tree:
            return cast(exp.Expression, made)
        select.replace(made)
    return tree


def _add_parts(union: exp.Union) -> None:
    parts = {e.alias: e.this for e in union.this.expressions if isinstance(e, exp.Alias) and e.this.meta.get(_PART)}
    for below in union.expression.expressions:
        if isinstance(below, exp.Alias) and (part := parts.get(below.alias)) is not None:
            own = part.copy()
            for column in own.find_all(exp.Column):
                column.set("table", exp.to_identifier(_CHILD))
            below.set("this", exp.DPipe(this=exp.column(below.alias, _PARENT), expression=exp.paren(own)))
