"""Conversions that differ from DuckDB's: text to BINARY, TIME(…), comparisons of text with parts of a VARIANT."""

from sqlglot import exp

from local_snowflake.functions.python_calls import call

MACROS = ("hex_to_binary(x) AS CASE WHEN typeof(x) = 'BLOB' THEN CAST(x AS BLOB) ELSE unhex(CAST(x AS VARCHAR)) END",)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite casts to BINARY, calls of TIME, and comparisons of a VARIANT's part with a text."""
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(exp.DType.BINARY, exp.DType.VARBINARY):
            _binary(cast)
    for time in list(tree.find_all(exp.Time)):
        # TIME('16:10:02') is TO_TIME: https://docs.snowflake.com/en/sql-reference/functions/to_time
        if time.args.get("zone") is None:
            time.replace(exp.cast(time.this, "TIME", dialect="snowflake"))
    for comparison in list(tree.find_all(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)):
        _comparison_with_part(comparison)


def _binary(cast: exp.Cast) -> None:
    """``x::BINARY`` -> the bytes that a text spells by BINARY_INPUT_FORMAT's default, HEX; bytes stay what they are.

    Source: https://docs.snowflake.com/en/sql-reference/binary-input-output
    """
    converted = call("hex_to_binary", cast.this)
    cast.replace(call("try", converted) if isinstance(cast, exp.TryCast) else converted)


def _comparison_with_part(comparison: exp.Expr) -> None:
    """``v:name = 'x'``: the text is compared as a VARIANT, it is not JSON.

    Source: https://docs.snowflake.com/en/sql-reference/data-type-conversion#semi-structured-data-types
    """
    for side, other in (("this", "expression"), ("expression", "this")):
        text = comparison.args[side].unnest()
        if isinstance(text, exp.Literal) and text.is_string and _is_part(comparison.args[other].unnest()):
            comparison.set(side, call("to_json", text))


def _is_part(node: exp.Expr) -> bool:
    """Whether it takes a part of a VARIANT: ``v:name`` or ``v['name']``."""
    if isinstance(node, exp.Bracket):
        key = node.expressions[0] if node.expressions else None
        return isinstance(key, exp.Literal) and key.is_string
    return isinstance(node, exp.JSONExtract)
