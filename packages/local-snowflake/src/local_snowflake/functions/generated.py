"""Random numbers: RANDOM, UNIFORM, NORMAL and RANDSTR, wherever an expression may stand.

Source: https://docs.snowflake.com/en/sql-reference/functions-data-generation
"""

import secrets

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.functions.python_calls import call

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MACROS = (
    "signed_bits(h) AS CAST(CAST(h AS HUGEINT) - 9223372036854775808 AS BIGINT)",
    "random_number() AS signed_bits(hash(random()))",
    "seeded_number(seed, r) AS signed_bits(hash(CAST(seed AS VARCHAR), r))",
    "unit_float(g, i) AS CAST(hash(g, i) AS DOUBLE) / 18446744073709551616.0",
    """uniform_of(lo BIGINT, hi BIGINT, g)
    AS lo + CAST(CAST(hash(g) AS HUGEINT) % (CAST(hi AS HUGEINT) - lo + 1) AS BIGINT),
    (lo, hi, g) AS CAST(lo AS DOUBLE) + (CAST(hi AS DOUBLE) - CAST(lo AS DOUBLE)) * unit_float(g, 0)""",
    """normal_of(mean, deviation, g) AS CAST(mean AS DOUBLE) + CAST(deviation AS DOUBLE)
    * sqrt(-2 * ln(1 - unit_float(g, 1))) * cos(2 * pi() * unit_float(g, 2))""",
    f"""random_text(n, g) AS array_to_string(list_transform(range(fitting_length(CAST(n AS BIGINT))),
    lambda i: '{_LETTERS}'[CAST(1 + hash(g, i) % 62 AS BIGINT)]), '')""",
)


NODES = (exp.Rand, exp.Uniform, exp.Normal, exp.Randstr)


def rewrite(tree: exp.Expr) -> None:
    """Rewrite random functions, in place; numbers with a seed are the same in each row and each time.

    Raises 000002 for a seed where rows cannot be counted.
    """
    for random in list(tree.find_all(exp.Rand)):
        random.replace(_number(random))
    for uniform in list(tree.find_all(exp.Uniform)):
        bounds = (uniform.this, uniform.expression)
        uniform.replace(call("uniform_of", *bounds, uniform.args.get("gen") or call("random_number")))
    for normal in list(tree.find_all(exp.Normal)):
        normal.replace(call("normal_of", normal.this, normal.args["stddev"], normal.args["gen"]))
    for text in list(tree.find_all(exp.Randstr)):
        text.replace(call("random_text", text.this, text.args.get("generator") or call("random_number")))


def _number(random: exp.Rand) -> exp.Expr:
    seed = random.this
    select, in_window, in_aggregate, clause = _place(random)
    if not in_window and seed is None:
        return call("random_number")
    if seed is None:
        # DuckDB takes nothing volatile to order a window: a seed of this statement's own
        seed = exp.Literal.string(secrets.token_hex(8))
    elif isinstance(seed, exp.Literal) and seed.is_string:
        seed = call("rounded_float", exp.cast(call("plain_digits", seed), "DOUBLE", dialect="duckdb"))
    if isinstance(select, exp.Update):
        return call("seeded_number", seed, exp.column("rowid"))
    if not isinstance(select, exp.Select):
        raise not_supported("RANDOM with a seed outside of a query")
    if select.args.get("from_") is None:
        return call("seeded_number", seed, exp.Literal.number(0))
    if not in_window and not in_aggregate and clause in {"expressions", "order"}:
        return call("seeded_number", seed, exp.Window(this=exp.RowNumber()))
    return call("seeded_number", seed, call("hash", *_rows(select)))


def _place(node: exp.Expr) -> tuple[exp.Expr | None, bool, bool, str]:
    """The query around an expression, whether it stands in a window or an aggregate of it, and the query's clause."""
    in_window = in_aggregate = False
    while (parent := node.parent) is not None:
        if isinstance(parent, (exp.Select, exp.Update)):
            return parent, in_window, in_aggregate, str(node.arg_key)
        in_window |= isinstance(parent, exp.Window)
        in_aggregate |= isinstance(parent, exp.AggFunc)
        node = parent
    return None, in_window, in_aggregate, ""


_ROW = "$ROW"


def _rows(select: exp.Select) -> list[exp.Expr]:
    """Columns that number the rows of all that a query reads; they are added to its sources, and hidden of its stars.

    Raises 000002 for a source whose rows cannot be counted.
    """
    sources = [select.args["from_"], *(select.args.get("joins") or [])]
    columns: list[exp.Expr] = []
    for position, holder in enumerate(sources):
        source, name = holder.this, f"{_ROW}{position}"
        column = exp.column(exp.to_identifier(name, quoted=True))
        if not source.meta.get(_ROW):
            if not isinstance(source, (exp.Table, exp.Subquery, exp.TableFromRows, exp.Values)):
                raise not_supported("RANDOM with a seed, or in a window, over LATERAL or nested joins")
            _number_rows(holder, source, column)
        columns.append(column)
    for star in [e for e in select.expressions if e.is_star]:
        target = star.this if isinstance(star, exp.Column) else star
        if isinstance(target, exp.Star) and not select.meta.get(_ROW):
            hidden = [exp.to_identifier(f"{_ROW}{i}", quoted=True) for i in range(len(sources))]
            target.set("except_", [*(target.args.get("except_") or []), *hidden])
    select.meta[_ROW] = True
    return columns


def _number_rows(holder: exp.Expr, source: exp.Expr, column: exp.Column) -> None:
    alias, name = source.args.get("alias"), source.alias_or_name
    joins = source.args.get("joins")
    if joins:
        raise not_supported("RANDOM with a seed, or in a window, over joins in parentheses")
    if alias is None and name:
        alias = exp.TableAlias(this=exp.to_identifier(name, quoted=True))
    number = exp.alias_(exp.Window(this=exp.RowNumber()), column.name, quoted=True)
    holder_mark = exp.Placeholder()
    source.replace(holder_mark)
    numbered = exp.Subquery(
        this=exp.Select(expressions=[exp.Star(), number], from_=exp.From(this=source)),
        alias=alias.copy() if alias is not None and not alias.args.get("columns") else _bare(alias, column),
    )
    numbered.meta[_ROW] = True
    holder_mark.replace(numbered)


def _bare(alias: exp.Expr | None, column: exp.Column) -> exp.TableAlias:
    """An alias without the names of columns, which the source itself has."""
    this = (
        alias.this.copy()
        if alias is not None and alias.this is not None
        else exp.to_identifier(f"{column.name}S", quoted=True)
    )
    return exp.TableAlias(this=this)
