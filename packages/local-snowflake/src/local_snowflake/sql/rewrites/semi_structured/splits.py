"""SPLIT_TO_TABLE and STRTOK_SPLIT_TO_TABLE in FROM.

Source: https://docs.snowflake.com/en/sql-reference/functions/split_to_table
"""

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.rewrites.semi_structured.flatten import input_number


def split_tables(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Let macros give the rows of the parts of a text."""
    for node in list(tree.find_all(exp.Lateral, exp.TableFromRows)):
        if isinstance(node.this, exp.SplitToTable):
            rows = call("split_rows", node.this.this, node.this.expression, input_number(node.this.this))
        elif isinstance(node.this, exp.Anonymous) and str(node.this.this).upper() == "STRTOK_SPLIT_TO_TABLE":
            text, *delimiters = node.this.expressions
            rows = call("token_rows", text, *(delimiters or [exp.Literal.string(" ")]), input_number(text))
        else:
            continue
        table = exp.Table(this=rows, alias=node.args.get("alias"))
        trees.move_clauses(node, table)
        node.replace(table)
    return tree
