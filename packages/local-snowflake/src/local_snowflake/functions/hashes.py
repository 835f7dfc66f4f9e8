"""HASH and HASH_AGG: equal numbers have equal hashes, whatever their types; the values are not Snowflake's.

Source: https://docs.snowflake.com/en/sql-reference/functions/hash
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call

MACROS = (
    # a number's digits without the zeros of its scale
    """hashable(x) AS CASE WHEN typeof(x) IN ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT', 'HUGEINT', 'UBIGINT')
    THEN '#' || CAST(x AS VARCHAR)
    WHEN typeof(x) IN ('DOUBLE', 'FLOAT') OR starts_with(typeof(x), 'DECIMAL')
    THEN '#' || regexp_replace(CAST(x AS VARCHAR), '\\.0+$|(\\.\\d*[1-9])0+$', '\\1')
    WHEN typeof(x) = 'INTERVAL' THEN CAST(instant_of_zoned(x) AS VARCHAR) ELSE CAST(x AS VARCHAR) END""",
    "signed_hash(h) AS CAST(CAST(h AS HUGEINT) - 9223372036854775808 AS BIGINT)",
    "hash_of_rows(h) AS CAST(coalesce(sum(CAST(h AS HUGEINT)) % 9223372036854775807, 0) AS BIGINT)",
)


NODES = (exp.Anonymous, exp.HashAgg)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite HASH and HASH_AGG, in place."""
    for node in list(tree.find_all(exp.Anonymous)):
        if str(node.this).upper() == "HASH":
            node.replace(call("signed_hash", _hash(node.expressions)))
    for aggregate in list(tree.find_all(exp.HashAgg)):
        aggregate.replace(call("hash_of_rows", _hash([aggregate.this, *aggregate.expressions])))


def _hash(values: list[exp.Expr]) -> exp.Expr:
    """DuckDB's hash of values; ``*`` is all columns of what is read."""
    return call("hash", *(_all(value) if value.is_star else call("hashable", value) for value in values))


def _all(star: exp.Expr) -> exp.Expr:
    """``*`` or ``t.*`` as arguments: DuckDB's unpacked columns, which are hashed by their types."""
    return exp.Var(this=f"*COLUMNS({star.sql(dialect='duckdb')})")
