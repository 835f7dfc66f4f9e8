"""RESULT_SCAN: an earlier result of the session as a table, with the types of its columns.

Source: https://docs.snowflake.com/en/sql-reference/functions/result_scan
"""

from collections.abc import Mapping

import pyarrow as pa
from sqlglot import exp

from local_snowflake.errors import compilation_error, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.resolve import constant_value, function_name, put_rows
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import COLUMNS


def result_scans(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``TABLE(RESULT_SCAN('id' | LAST_QUERY_ID([n]) | $variable))`` -> the rows.

    Raises 002003 if the session keeps no such result; 001003 for another number of arguments than one.
    """
    for node in list(tree.find_all(exp.TableFromRows)):
        if isinstance(node.this, exp.Expr) and function_name(node.this) == "RESULT_SCAN":
            if len(node.this.expressions) != 1:
                raise compilation_error("RESULT_SCAN takes the id of a statement.")
            _read(ctx, node, str(constant_value(ctx, node.this.expressions[0])))
    return tree


def _read(ctx: Context, node: exp.TableFromRows, query_id: str) -> None:
    if (result := ctx.session.results.get(query_id)) is None:
        raise does_not_exist("Statement", query_id)
    put_result(ctx, node, *result)


def put_result(ctx: Context, node: exp.Expression, rows: pa.Table, kinds: Mapping[str, SfType]) -> None:
    """Replace an item of FROM by the rows of a result, whose columns have types."""
    alias = node.args.get("alias") or trees.alias("RESULT_SCAN")
    table: exp.Expr = put_rows(ctx, node, rows, "RESULT_SCAN")
    # rows that are registered have no JSON
    if json := [name for name, kind in kinds.items() if kind.is_semi_structured]:
        columns = [exp.alias_(trees.as_json(trees.column(name)), name, quoted=True) for name in json]
        subquery = exp.Subquery(alias=alias.copy())
        trees.move_clauses(table, subquery)
        table.replace(subquery)
        bare = exp.Table(this=table.this)
        bare.meta["physical"] = True
        subquery.set("this", exp.select(exp.Star(replace=columns)).from_(bare, copy=False))
        table = subquery
    table.meta[COLUMNS] = kinds
