"""Rows that are generated, in the order of SEQ1, SEQ2, SEQ4 or SEQ8, or sampled: micro-partitions are row groups.

Source: https://docs.snowflake.com/en/sql-reference/functions/seq1 and
https://docs.snowflake.com/en/sql-reference/constructs/sample
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context

_MOST_ROWS = 1_000_000
_SEQUENCES = (exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8)


def order_of_generation(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``OVER (ORDER BY SEQ8())`` -> ``OVER ()``: a sequence is a window function here, and they do not nest."""
    for window in tree.find_all(exp.Window):
        order = window.args.get("order")
        if order is not None and all(isinstance(term.this, _SEQUENCES) for term in order.expressions):
            window.set("order", None)
    return tree


def checked_samples(ctx: Context, tree: exp.Expression) -> None:
    """Raise 001003 for a number of rows that is none from 0 to 1,000,000, or that stands with BLOCK or SEED."""
    for sample in tree.find_all(exp.TableSample):
        if (size := sample.args.get("size")) is None:
            continue
        named = isinstance(size, exp.Parameter)
        value = str(ctx.session.variables.get(size.name.upper(), 0)) if named else size.name
        if not value.isdecimal() or int(value) > _MOST_ROWS:
            raise compilation_error(f"Sample size {value} out of range, must be from 0 to {_MOST_ROWS} rows.")
        method = sample.args.get("method")
        if sample.args.get("seed") is not None or (method is not None and method.name.upper() in {"BLOCK", "SYSTEM"}):
            raise compilation_error("Sampling of a fixed number of rows takes neither SYSTEM or BLOCK nor a seed.")


def samples_of_blocks(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``SAMPLE BLOCK (p)`` -> ``SAMPLE SYSTEM (p)``, and ROW -> BERNOULLI, which are other words for it."""
    for sample in tree.find_all(exp.TableSample):
        method = sample.args.get("method")
        if method is not None and (other := {"BLOCK": "SYSTEM", "ROW": "BERNOULLI"}.get(method.name.upper())):
            sample.set("method", exp.var(other))
    return tree


def samples_of_generated_rows(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``TABLE(GENERATOR(…)) SAMPLE (…)``: what is generated becomes a subquery, which DuckDB samples."""
    for rows in list(tree.find_all(exp.TableFromRows)):
        if (sample := rows.args.get("sample")) is not None:
            rows.set("sample", None)
            holder = exp.Placeholder()
            rows.replace(holder)
            alias = rows.args.get("alias")
            query = exp.Select(expressions=[exp.Star()], from_=exp.From(this=rows))
            holder.replace(exp.Subquery(this=query, alias=alias.copy() if alias else None, sample=sample))
    for sample in tree.find_all(exp.TableSample):
        if sample.args.get("size") is not None:
            sample.set("method", exp.var("RESERVOIR"))
    return tree
