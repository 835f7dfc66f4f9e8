"""SAMPLE BLOCK: Snowflake's micro-partitions are DuckDB's row groups.

Source: https://docs.snowflake.com/en/sql-reference/constructs/sample
"""

from sqlglot import exp

from local_snowflake.execution.context import Context


def samples_of_blocks(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``SAMPLE BLOCK (p)`` -> ``SAMPLE SYSTEM (p)``, which is another word for it."""
    for sample in tree.find_all(exp.TableSample):
        method = sample.args.get("method")
        if method is not None and method.name.upper() == "BLOCK":
            sample.set("method", exp.var("SYSTEM"))
    return tree
