"""Functions of floats outside of their domain: an error, and no NaN or infinity as in DuckDB.

Source: https://docs.snowflake.com/en/sql-reference/functions-numeric
"""

from sqlglot import exp

from local_snowflake.functions.python_calls import call

MACROS = (
    # NaN and infinities that come in go out again
    """in_domain(y, x, named) AS CASE WHEN isfinite(y) OR y IS NULL OR NOT isfinite(x) THEN y
    WHEN isinf(y) AND y > 0
    THEN CAST('$SNOWFLAKE|100183|22003|Floating point overflow: ' || named || '|$' AS DOUBLE)
    ELSE CAST('$SNOWFLAKE|100183|22003|Invalid floating point operation: ' || named || '|$' AS DOUBLE) END""",
    "in_domain_of(y, x, name) AS in_domain(y, CAST(x AS DOUBLE), name || '(' || CAST(x AS VARCHAR) || ')')",
    # what is not positive is caught here whether DuckDB gives an infinity or an error
    "ln_of(x) AS CASE WHEN x <= 0 THEN CAST('nan' AS DOUBLE) ELSE ln(x) END",
    "checked_ln(x) AS in_domain_of(ln_of(CAST(x AS DOUBLE)), x, 'log')",
    "checked_log(b, x) AS in_domain_of(ln_of(CAST(x AS DOUBLE)) / ln_of(CAST(b AS DOUBLE)), x, 'log')",
    "checked_exp(x) AS in_domain_of(exp(CAST(x AS DOUBLE)), x, 'exp')",
    """checked_power(x, y) AS in_domain(pow(CAST(x AS DOUBLE), CAST(y AS DOUBLE)),
    CAST(x AS DOUBLE) + CAST(y AS DOUBLE),
    'pow(' || CAST(x AS VARCHAR) || ', ' || CAST(y AS VARCHAR) || ')')""",
    *(
        f"""checked_{name}(x) AS in_domain_of(CASE WHEN {outside} THEN CAST('nan' AS DOUBLE)
        ELSE {name}(CAST(x AS DOUBLE)) END, x, '{name}')"""
        for name, outside in {
            "sqrt": "CAST(x AS DOUBLE) < 0",
            "acos": "abs(CAST(x AS DOUBLE)) > 1",
            "asin": "abs(CAST(x AS DOUBLE)) > 1",
            "acosh": "CAST(x AS DOUBLE) < 1",
            "atanh": "abs(CAST(x AS DOUBLE)) >= 1",
        }.items()
    ),
)
_CHECKED: dict[type[exp.Expr], str] = {
    exp.Sqrt: "checked_sqrt",
    exp.Ln: "checked_ln",
    exp.Exp: "checked_exp",
    exp.Acos: "checked_acos",
    exp.Asin: "checked_asin",
    exp.Acosh: "checked_acosh",
    exp.Atanh: "checked_atanh",
    exp.Pow: "checked_power",
    exp.Log: "checked_log",
}


NODES = tuple(_CHECKED)


def rewrite(tree: exp.Expr) -> None:
    """Let functions of floats check their arguments, in place."""
    for node in list(tree.find_all(*_CHECKED)):
        arguments = [node.args[key] for key in ("this", "expression") if node.args.get(key) is not None]
        if not (isinstance(node, exp.Log) and len(arguments) == 1):
            node.replace(call(_CHECKED[type(node)], *arguments))
