"""Conversions that differ from DuckDB's: text to BINARY, TIME(…), text that fits a column."""

from sqlglot import exp

from local_snowflake.errors import SnowflakeError, carried
from local_snowflake.functions.python_calls import call

# what stands before and behind the text
_TOO_LONG = (
    carried(SnowflakeError(100078, "22000", "String '\n' is too long and would be truncated"))
    .replace("'", "''")
    .split("\n")
)

MACROS = (
    "hex_to_binary(x) AS CASE WHEN typeof(x) = 'BLOB' THEN CAST(x AS BLOB) ELSE unhex(CAST(x AS VARCHAR)) END",
    f"""fitting_text(x, n) AS CASE WHEN length(CAST(x AS VARCHAR)) <= n OR x IS NULL THEN CAST(x AS VARCHAR)
    ELSE error('{_TOO_LONG[0]}' || CAST(x AS VARCHAR) || '{_TOO_LONG[1]}') END""",
)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite casts to BINARY and calls of TIME."""
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(exp.DType.BINARY, exp.DType.VARBINARY):
            _binary(cast)
    for time in list(tree.find_all(exp.Time)):
        # TIME('16:10:02') is TO_TIME: https://docs.snowflake.com/en/sql-reference/functions/to_time
        if time.args.get("zone") is None:
            time.replace(exp.cast(time.this, "TIME", dialect="snowflake"))


def _binary(cast: exp.Cast) -> None:
    """``x::BINARY`` -> the bytes that a text spells by BINARY_INPUT_FORMAT's default, HEX; bytes stay what they are.

    Source: https://docs.snowflake.com/en/sql-reference/binary-input-output
    """
    converted = call("hex_to_binary", cast.this)
    cast.replace(call("try", converted) if isinstance(cast, exp.TryCast) else converted)
