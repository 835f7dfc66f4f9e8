"""SQL functions: their body takes the place of the call."""

import re

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.routines.calls import FunctionCall
from local_snowflake.routines.lookup import overloads
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import parse, upper_case
from local_snowflake.sql.names import Name

ARGUMENTS = "$ARGUMENTS"
_RESULT = "$RESULT"


def inline(ctx: Context, call: FunctionCall) -> exp.Expr:
    """The expression that replaces a call of a scalar SQL function, cast to the declared type.

    An expression is put in as it is; a query becomes a subquery next to the arguments, so that no column of its tables
    is mistaken for one of the arguments'.
    """
    props = call.function.props
    body = _body(ctx, call)
    if isinstance(body, exp.Query):
        source = _from_body(call, body, trees.alias(_RESULT, _RESULT))
        value: exp.Expr = exp.Subquery(this=exp.Select(expressions=[trees.column(_RESULT, _RESULT)], **source))
    else:
        value = exp.paren(body)
    return exp.cast(value, props.returns, dialect="snowflake", copy=False)


def expand_table_function(ctx: Context, call: FunctionCall) -> None:
    """Put the query of a SQL table function in the place of ``TABLE(f(…))``."""
    props = call.function.props
    body = _body(ctx, call)
    if not isinstance(body, exp.Query):
        raise compilation_error(f"the body of the table function {props.name} is not a query.")
    declared = props.table_columns or ()
    names = [f"$C{i}" for i in range(len(declared))]
    columns = [
        trees.named(exp.cast(trees.column(n), kind, dialect="snowflake"), shown)
        for n, (shown, kind) in zip(names, declared, strict=True)
    ]
    query = exp.Select(expressions=columns, **_from_body(call, body, trees.alias(_RESULT, *names)))
    put_table(call.node, query, props.name, lateral=bool(call.arguments))


def put_table(call: exp.Expr, query: exp.Select, name: str, *, lateral: bool) -> None:
    """Replace ``TABLE(call)`` in FROM by a query, which is ``lateral`` if it refers to earlier items of FROM.

    Its alias is ``name`` if the statement has none.
    """
    place = call.find_ancestor(exp.TableFromRows)
    if place is None:
        raise compilation_error(f"{name} can only be called in FROM: TABLE({name}(…)).")
    outer = place.parent if isinstance(place.parent, exp.Lateral) else place
    declared_alias = place.args.get("alias") or outer.args.get("alias")
    alias = declared_alias.copy() if declared_alias else trees.alias(name)
    subquery = exp.Subquery(this=query)
    replacement: exp.Expr
    if lateral and not isinstance(outer.parent, exp.From):
        replacement = exp.Lateral(this=subquery, alias=alias)
    else:
        subquery.set("alias", alias)
        replacement = subquery
    trees.move_clauses(place, replacement)
    outer.replace(replacement)


def put(old: exp.Expr, new: exp.Expr) -> None:
    """Replace a call; as an unnamed result column it keeps the call's text as its name."""
    if isinstance(old.parent, exp.Select) and old.arg_key == "expressions":
        new = trees.named(new, old.sql(dialect="snowflake").upper())
    old.replace(new)


def _from_body(call: FunctionCall, body: exp.Expr, alias: exp.TableAlias) -> dict[str, object]:
    """FROM and joins: the arguments' one row, and the body's rows next to it."""
    derived = exp.Subquery(this=body)
    if not call.arguments:
        derived.set("alias", alias)
        return {"from_": exp.From(this=derived)}
    declared = call.function.props.args
    values = [trees.named(a, d.name) for a, d in zip(call.arguments, declared, strict=True)]
    source = exp.Subquery(this=exp.Select(expressions=values), alias=trees.alias(ARGUMENTS))
    return {
        "from_": exp.From(this=source),
        "joins": [exp.Join(this=exp.Lateral(this=derived, alias=alias), kind="CROSS")],
    }


def _body(ctx: Context, call: FunctionCall) -> exp.Expr:
    """The body with the arguments in it, its tables and functions by their full names."""
    function = call.function
    text = (function.props.body or "").strip().rstrip(";").strip()
    is_query = re.match(r"(select|with|values|\()\b", text, re.I) and not text.startswith("(")
    parsed = upper_case(parse(text if is_query else f"SELECT {text}"))
    body = parsed if is_query else parsed.expressions[0].unalias()
    _qualify(ctx, parsed, function.name)
    for node in parsed.find_all(exp.Table, exp.Anonymous):
        node.meta.setdefault(trees.OWNER, function.owner)
    values = {d.name: a for d, a in zip(function.props.args, call.arguments, strict=True)}
    holds_query = is_query or body.find(exp.Query) is not None
    for column in list(parsed.find_all(exp.Column)):
        if column.table not in {"", function.props.name} or column.name not in values:
            continue
        if is_query:
            new: exp.Expr = trees.column(column.name, ARGUMENTS)
        else:
            new = exp.paren(values[column.name].copy())
        if column is body:
            body = new
        elif column.parent:
            column.replace(new)
    if holds_query and not is_query:
        body = exp.paren(body)
    return body


def _qualify(ctx: Context, tree: exp.Expr, home: Name) -> None:
    """Tables and functions without a schema's name are those of the function's own schema."""
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier) or (not table.args.get("db") and table.name in ctes):
            continue
        if not table.args.get("db"):
            table.set("db", trees.identifier(home.schema))
        if not table.args.get("catalog"):
            table.set("catalog", trees.identifier(home.database))
    for called in list(tree.find_all(exp.Anonymous)):
        if isinstance(called.parent, exp.Dot) and called.parent.expression is called:
            continue
        if overloads(ctx, "FUNCTION", Name(home.database, home.schema, called.name.upper())):
            schema = exp.Dot(this=trees.identifier(home.database), expression=trees.identifier(home.schema))
            called.replace(exp.Dot(this=schema, expression=called.copy()))
