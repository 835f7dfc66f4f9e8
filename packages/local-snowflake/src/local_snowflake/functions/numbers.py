"""Arithmetic as Snowflake does it: aggregates keep exact numbers exact, and division by zero is an error."""

from sqlglot import exp

from local_snowflake.functions.python_calls import call
from local_snowflake.sql.trees import is_float

# DuckDB's names: aggregates of numbers; Snowflake casts text for them
_AGGREGATES: dict[type[exp.Expr], str] = {
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Median: "median",
    exp.Stddev: "stddev_samp",
    exp.StddevSamp: "stddev_samp",
    exp.StddevPop: "stddev_pop",
    exp.Variance: "var_samp",
    exp.VariancePop: "var_pop",
}
_OF_PAIRS = (exp.Corr, exp.CovarSamp, exp.CovarPop)
_CALLS: dict[type[exp.Expr], str] = {exp.Factorial: "factorial_of", exp.Getbit: "bit_of"}
# what the rewrite looks for
NODES = (*_AGGREGATES, *_OF_PAIRS, *_CALLS, exp.ApproxQuantile, exp.Anonymous, exp.Div)

MACROS = (
    # DuckDB takes 0x1F, 0b11 and 1_000 for numbers, and whole numbers of 39 digits
    "is_foreign_number(x) AS contains(x, '_') OR regexp_matches(x, '^\\s*[+-]?0[xXbBoO]')",
    "is_too_large(x) AS length(x) > 38 AND abs(TRY_CAST(x AS DOUBLE)) >= 1e38",
    """digits_of_text(x) AS CASE WHEN is_foreign_number(x) THEN CAST(CAST(
    '$SNOWFLAKE|100038|22018|Numeric value ''' || x || ''' is not recognized|$' AS BIGINT) AS VARCHAR)
    WHEN is_too_large(x) THEN CAST(CAST(
    '$SNOWFLAKE|100039|22003|Numeric value ''' || x || ''' is out of range|$' AS BIGINT) AS VARCHAR) ELSE x END,
    (x, safe) AS CASE WHEN NOT is_foreign_number(x) AND NOT coalesce(is_too_large(x), FALSE) THEN x END""",
    "digits_of(x) AS digits_of_text(CAST(x AS VARCHAR)), (x, safe) AS digits_of_text(CAST(x AS VARCHAR), safe)",
    # what becomes a float; the argument is named once, and what is foreign becomes the text of an error
    r"""plain_digits(x) AS regexp_replace(CAST(x AS VARCHAR), '^(.*_.*|\s*[+-]?0[xXbBoO].*)$',
    '$SNOWFLAKE|100038|22018|Numeric value ''\1'' is not recognized|$')""",
    """float_of_number(x) AS CASE WHEN abs(x) <= 9007199254740992 OR x IS NULL THEN CAST(x AS DOUBLE)
    ELSE CAST('$SNOWFLAKE|2|0A000|Unsupported feature ''the number ' || CAST(x AS VARCHAR)
    || ' with a text: cast the text'' in the local Snowflake: see COVERAGE.md.|$' AS DOUBLE) END""",
    # a column of DECIMAL(38, 0) has 38 digits, what DuckDB computes in 128 bits may have one more
    "fitting_number(x) AS CAST(x AS DECIMAL(38, 0))",
    """truth_of(x) AS CASE lower(CAST(x AS VARCHAR)) WHEN 'on' THEN 'true' WHEN 'off' THEN 'false'
    ELSE CAST(x AS VARCHAR) END""",
    # of more than 33 it has more digits than a NUMBER
    """factorial_of(x) AS list_transform([CAST(x AS INTEGER)], lambda n: CASE WHEN n BETWEEN 0 AND 33 THEN factorial(n)
    ELSE CAST('$SNOWFLAKE|100132|P0000|Invalid argument for FACTORIAL: ' || n || ', and not 0 to 33|$' AS HUGEINT)
    END)[1]""",
    # above the highest bit of a number the sign repeats
    "bit_of(x, n) AS CAST((CAST(x AS HUGEINT) >> least(CAST(n AS INTEGER), 127)) & 1 AS INTEGER)",
    "truncated(x, n) AS trunc(x, CAST(n AS INTEGER))",
    # the state of an approximation holds the values themselves
    "percentile_state(xs) AS json_object('state', xs, 'type', 'tdigest', 'version', 1)",
    "percentile_values(state) AS CAST(state -> '$.state' AS DOUBLE[])",
    "approx_percentile_accumulate(x) AS percentile_state(list(CAST(x AS DOUBLE)) FILTER (x IS NOT NULL))",
    "approx_percentile_combine(state) AS percentile_state(flatten(list(percentile_values(state))))",
    "approx_percentile_estimate(state, p) AS list_aggregate(percentile_values(state), 'quantile_cont', p)",
    # the error has the type of x
    """number_of(x VARCHAR) AS CAST(plain_digits(trim(x, '"')) AS DOUBLE),
    (x) AS CASE WHEN typeof(x) IN ('BOOLEAN', 'DATE', 'TIME') OR starts_with(typeof(x), 'TIMESTAMP')
    THEN [x][CAST('$SNOWFLAKE|1044|42P13|SQL compilation error:
error line 1 at position 0
Invalid argument types for an aggregate of numbers: (' || typeof(x) || ')|$' AS BIGINT)] ELSE x END""",
    "exact_number_of(x) AS CAST(plain_digits(x) AS DECIMAL(38, 12))",
    # half away from zero; all but floats have it from DuckDB. A macro repeats its argument wherever it names it, and
    # macros of macros grow by powers: what is known to be a float is named once.
    "rounded_float(x) AS CAST(round(CAST(x AS DOUBLE)) AS BIGINT)",
    """rounded_half_up(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT') THEN CAST(round(CAST(x AS DOUBLE)) AS BIGINT)
    WHEN typeof(x) <> 'JSON' THEN CAST(x AS BIGINT) WHEN json_type(to_json(x)) = 'BOOLEAN'
    THEN CAST(CAST(x AS VARCHAR) = 'true' AS BIGINT)
    ELSE CAST(CAST(to_json(x) AS DECIMAL(38, 6)) AS BIGINT) END""",
    # its type is that of NULL, which goes with all others
    "no_quotient() AS [NULL][CAST('$SNOWFLAKE|100051|22012|Division by zero|$' AS BIGINT)]",
    """quotient(x, y, unit) AS CASE WHEN y = 0 THEN no_quotient()
    ELSE CAST((2 * x + CASE WHEN (x < 0) = (y < 0) THEN y ELSE -y END) // (2 * y) AS DECIMAL(38, 0)) * unit END""",
    # where the values may be asked for once only: they are functions with effects, or subqueries, or large
    """quotient_once(x, y, unit) AS list_transform([{n: x, d: y}], lambda pair: quotient(pair.n, pair.d, unit))[1]""",
    # of numbers of many digits: by the whole quotient and the rest, whose products with powers of ten are smaller
    "unscaled(x, unit) AS CAST(trunc(x) AS HUGEINT) * unit + CAST((x - trunc(x)) * unit AS HUGEINT)",
    """quotient_long(x, y, of_x, of_y, power, unit) AS list_transform(list_transform([{x: x, y: y}], lambda p:
    {n: unscaled(p.x, of_x), d: unscaled(p.y, of_y)}), lambda q: CASE WHEN q.d = 0 THEN no_quotient()
    ELSE CAST(q.n // q.d * power + (2 * (q.n % q.d) * power + CASE WHEN (q.n < 0) = (q.d < 0) THEN q.d ELSE -q.d END)
    // (2 * q.d) AS DECIMAL(38, 0)) * unit END)[1]""",
    """divisor(x VARCHAR) AS CASE WHEN number_of(x) = 0 THEN no_quotient() ELSE number_of(x) END,
    (x) AS CASE WHEN x = 0 THEN no_quotient() ELSE x END""",
)


def rewrite(tree: exp.Expr) -> None:
    """Prepare a tree's aggregates and divisions, in place, before it is translated.

    A sum of whole numbers stays whole: a cast of every argument to DOUBLE, as fakesnow does it, would turn it into a
    float. Sources: https://docs.snowflake.com/en/sql-reference/functions/sum and
    https://docs.snowflake.com/en/sql-reference/operators-arithmetic
    """
    aggregates = list(tree.find_all(*_AGGREGATES))
    around = {id(node) for node in aggregates if node.this.find(exp.AggFunc)}
    # what is inside first: an aggregate may be a window's argument
    for node in reversed(aggregates):
        _exact_aggregate(node, has_number=id(node) in around)
    for pair in list(tree.find_all(*_OF_PAIRS)):
        for argument in ("this", "expression"):
            pair.set(argument, _number(pair.args[argument]))
    for quantile in list(tree.find_all(exp.ApproxQuantile)):
        quantile.set("this", exp.cast(quantile.this, "DOUBLE", dialect="duckdb"))
    for node in list(tree.find_all(*_CALLS)):
        node.replace(call(_CALLS[type(node)], *node.iter_expressions()))
    for node in list(tree.find_all(exp.Anonymous)):
        name, arguments = str(node.this).upper(), node.expressions
        if name in {"TRUNC", "TRUNCATE"} and len(arguments) == 2 and not arguments[1].is_string:
            node.replace(call("truncated", *arguments))
    for division in list(tree.find_all(exp.Div)):
        if not _is_never_zero(division.expression):
            division.set("expression", call("divisor", division.expression))


def _exact_aggregate(node: exp.Expr, *, has_number: bool) -> None:
    argument = node.this
    name = f"{node.sql_name() if isinstance(node, exp.Func) else ''}({argument.sql(dialect='snowflake')})".upper()
    if isinstance(argument, exp.Distinct):
        argument.set("expressions", [_number(value) for value in argument.expressions])
    elif not has_number:
        # where a macro's argument is an aggregate DuckDB does not choose it by its type
        argument = _number(argument)
    called: exp.Expr = call(_AGGREGATES[type(node)], argument)
    if isinstance(node.parent, exp.Select) and node.arg_key == "expressions":
        called = exp.alias_(called, name, quoted=True)
    node.replace(called)


def _number(value: exp.Expr) -> exp.Expr:
    """What an aggregate of numbers takes; an error for what is no number."""
    return value if is_float(value) else call("number_of", value)


def _is_never_zero(divisor: exp.Expr) -> bool:
    """Whether a divisor needs no check: a literal, or a NULLIF(…, 0) that excludes zeros."""
    divisor = divisor.unnest()
    if isinstance(divisor, exp.Neg):
        return _is_never_zero(divisor.this)
    if isinstance(divisor, exp.Nullif):
        excluded = divisor.expression
        return isinstance(excluded, exp.Literal) and excluded.is_number and float(excluded.this) == 0
    return isinstance(divisor, exp.Literal) and divisor.is_number and float(divisor.this) != 0
