"""Texts and arrays whose size is an argument: an error where Snowflake's types end, before the memory is used.

Source: https://docs.snowflake.com/en/sql-reference/data-types-text; unverified on an account: the errors' codes.
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call
from local_snowflake.sql.types import MAX_TEXT

_TOO_LONG = f"'$SNOWFLAKE|100078|22000|String is too long: at most {MAX_TEXT} characters fit, not ' || n || '|$'"
_TOO_MANY = f"'$SNOWFLAKE|100082|22000|Array is too large: at most {MAX_TEXT} elements fit, not ' || n || '|$'"
MACROS = (
    f"""fitting_length(n) AS CASE WHEN n > {MAX_TEXT} THEN CAST({_TOO_LONG} AS BIGINT) ELSE CAST(n AS BIGINT) END""",
    f"""fitting_count(n) AS CASE WHEN n > {MAX_TEXT} THEN CAST({_TOO_MANY} AS BIGINT) ELSE CAST(n AS BIGINT) END""",
    """repeated_text(x, n) AS repeat(x, CAST(CASE WHEN n IS NULL THEN NULL WHEN x = '' THEN 0
    ELSE fitting_length(CAST(length(x) AS HUGEINT) * greatest(CAST(n AS BIGINT), 0)) // length(x) END AS BIGINT))""",
    "repeated(x, n) AS repeated_text(CAST(x AS VARCHAR), n)",
    # DuckDB's own copies the text for each character that it adds
    """filling(n, fill) AS left(repeat(fill,
    CASE WHEN fill = '' OR n <= 0 THEN 0 ELSE n // length(fill) + 1 END), n)""",
    """padded_text_right(x, n, fill) AS CASE WHEN n <= length(x) THEN left(x, greatest(n, 0))
    ELSE x || filling(fitting_length(n) - length(x), fill) END""",
    """padded_text_left(x, n, fill) AS CASE WHEN n <= length(x) THEN left(x, greatest(n, 0))
    ELSE filling(fitting_length(n) - length(x), fill) || x END""",
    "padded_right(x, n, fill) AS padded_text_right(CAST(x AS VARCHAR), n, CAST(fill AS VARCHAR))",
    "padded_left(x, n, fill) AS padded_text_left(CAST(x AS VARCHAR), n, CAST(fill AS VARCHAR))",
    """series_of(a, b, step) AS range(a,
    CASE WHEN fitting_count((CAST(b AS HUGEINT) - a) // nullif(step, 0)) IS NULL THEN b ELSE b END, step)""",
)

NODES = (exp.Repeat, exp.Space, exp.Pad, exp.GenerateSeries)


def rewrite(tree: exp.Expr) -> None:
    """Let functions whose result's size is an argument check it, in place."""
    for repeat in list(tree.find_all(exp.Repeat)):
        repeat.replace(call("repeated", repeat.this, repeat.args["times"]))
    for space in list(tree.find_all(exp.Space)):
        space.replace(call("repeated", exp.Literal.string(" "), space.this))
    for pad in list(tree.find_all(exp.Pad)):
        fill = pad.args.get("fill_pattern") or exp.Literal.string(" ")
        size = exp.cast(pad.expression, "BIGINT", dialect="duckdb")
        name = "padded_left" if pad.args.get("is_left") else "padded_right"
        pad.replace(call(name, pad.this, size, fill))
    for series in list(tree.find_all(exp.GenerateSeries)):
        bounds = [exp.cast(series.args[key], "BIGINT", dialect="duckdb") for key in ("start", "end")]
        step = exp.cast(series.args.get("step") or exp.Literal.number(1), "BIGINT", dialect="duckdb")
        series.replace(call("series_of", *bounds, step))
