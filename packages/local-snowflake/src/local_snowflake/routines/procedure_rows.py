"""``TABLE(procedure(…))``: the rows that a procedure returns, in FROM."""

from sqlglot import exp

from local_snowflake.catalog.objects import FUNCTION, PROCEDURE
from local_snowflake.errors import not_supported
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all
from local_snowflake.routines.calls import named_call
from local_snowflake.routines.lookup import overloads
from local_snowflake.routines.procedures import call, describe_call
from local_snowflake.sql.resolve import function_name
from local_snowflake.sql.rewrites.result_scans import put_result
from local_snowflake.sql.statement import Statement


def procedure_rows(ctx: Context, tree: exp.Expression) -> exp.Expression | None:
    """Call the procedures in TABLE(…), and put their rows into the tree, in place; a function comes first.

    Raises:
        SnowflakeError: 000002 for an argument that reads a column; else as CALL does.

    Source: https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-selecting-from
    """
    nodes = list(tree.find_all(exp.TableFromRows))
    if not nodes or not find_all(ctx, PROCEDURE, None):
        return None
    for node in nodes:
        calls = [node.this] if isinstance(node.this, exp.Anonymous) else list(node.this.find_all(exp.Anonymous))[:1]
        if not calls or function_name(calls[0]) in registry.TABLE_FUNCTIONS:
            continue
        name = named_call(ctx, calls[0])
        if name is None or overloads(ctx, FUNCTION, name) or not overloads(ctx, PROCEDURE, name):
            continue
        if any(argument.find(exp.Column) for argument in calls[0].expressions):
            raise not_supported(f"{name.name} in TABLE (…) with arguments of columns")
        text = f"CALL {node.this.sql(dialect='snowflake')}"
        result = describe_call(ctx, text) if ctx.only_describes else call(ctx, Statement(text, "CALL"))
        put_result(ctx, node, result.named_table, result.types)
    return tree
