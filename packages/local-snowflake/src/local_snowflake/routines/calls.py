"""Calls of user-defined functions in a statement's tree: found and bound to an overload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from local_snowflake.catalog.objects import FUNCTION, Argument, Routine
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all
from local_snowflake.functions.bulk.scope import compile_select, visible_ctes
from local_snowflake.routines.lookup import Arguments, best, in_order, is_impossible, overloads, unknown
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import Name
from local_snowflake.sql.types import SfType, from_duckdb, parse_type
from local_snowflake.sql.typing.static_types import StaticTypes


@dataclass
class FunctionCall:
    """A call of a user-defined function.

    Attributes:
        node: the whole call, with the schema's name before it.
        function: the overload.
        arguments: their expressions in the order of the declaration, cast to the declared types.
    """

    node: exp.Expr
    function: Routine
    arguments: list[exp.Expr]


def function_calls(ctx: Context, tree: exp.Expr, *, in_from: bool = False) -> Iterator[FunctionCall]:
    """The calls of user-defined functions in a statement whose unquoted names are upper case.

    They are those in TABLE(…) if ``in_from``, else all others.

    Raises:
        SnowflakeError: 001044, if a function of that name takes no such arguments.
    """
    if not find_all(ctx, FUNCTION, None):
        return
    for call in list(tree.find_all(exp.Anonymous)):
        whole, name = _called(ctx, call)
        if name is None or is_in_from(whole) != in_from:
            continue
        with ctx.rights.of_owner(call.meta.get(trees.OWNER)):
            candidates = overloads(ctx, "FUNCTION", name)
        if candidates:
            yield _bind(ctx, whole, call, name, candidates)


def _called(ctx: Context, call: exp.Anonymous) -> tuple[exp.Expr, Name | None]:
    """The call with the names before it, and the function's full name."""
    this = call.this
    last = this.name if isinstance(this, exp.Identifier) and this.quoted else call.name.upper()
    node: exp.Expr = call
    while isinstance(node.parent, exp.Dot) and node.parent.expression is node:
        node = node.parent
    before = node.this if isinstance(node, exp.Dot) else None
    parts = [i.name for i in before.find_all(exp.Identifier, bfs=False)] if before is not None else []
    if len(parts) < 2 and (ctx.session.database is None or (not parts and not ctx.has_schema)):
        return node, None
    return node, ctx.resolve([*parts, last])


def named_call(ctx: Context, call: exp.Anonymous) -> Name | None:
    """The full name of what a call means; None where the session has no schema to look in."""
    return _called(ctx, call)[1]


def is_in_from(node: exp.Expr) -> bool:
    """Whether a call stands in TABLE(…)."""
    outer = node.parent.parent if isinstance(node.parent, exp.Window) else node.parent
    return isinstance(outer, exp.TableFromRows)


def given_arguments(call: exp.Anonymous) -> Arguments:
    """The arguments of a call in a tree."""
    named = {a.this.name.upper(): a.expression for a in call.expressions if isinstance(a, exp.Kwarg)}
    return Arguments([a for a in call.expressions if not isinstance(a, exp.Kwarg)], named)


def with_types(declared: Sequence[Argument], given: Arguments) -> list[tuple[exp.Expr, str]]:
    """The arguments in the order of their declaration, defaults among them, each with its declared type."""
    values = [a if isinstance(a, exp.Expr) else parse(f"SELECT {a}").expressions[0] for a in in_order(declared, given)]
    return [(value.unalias(), argument.type) for value, argument in zip(values, declared, strict=True)]


def _bind(ctx: Context, whole: exp.Expr, call: exp.Anonymous, name: Name, candidates: list[Routine]) -> FunctionCall:
    given = given_arguments(call)
    positional = [a for a in given.positional if isinstance(a, exp.Expr)]
    chosen = best(name, candidates, given, lambda: _types(ctx, call, positional))
    pairs, kinds = with_types(chosen.props.args, given), StaticTypes(ctx)
    if any(is_impossible(kinds.of(value), parse_type(kind)) for value, kind in pairs):
        raise unknown(name, [t.name if t else "NULL" for t in _types(ctx, call, positional)])
    return FunctionCall(whole, chosen, [converted(a, kind) for a, kind in pairs])


def converted(argument: exp.Expr, kind: str) -> exp.Expr:
    """A copy of an argument, cast to the type that is declared for it."""
    declared = parse_type(kind)
    if declared.is_semi_structured:
        return exp.ToVariant(this=argument.copy())
    # DuckDB's BLOB has no length
    to = "BINARY" if declared.name == "BINARY" else kind
    return exp.cast(exp.paren(argument.copy()), to, dialect="snowflake", copy=False)


def _types(ctx: Context, call: exp.Expr, arguments: list[exp.Expr]) -> list[SfType | None]:
    """The arguments' types: read from the expression, else determined by DuckDB."""
    types = [_type_of(a) for a in arguments]
    missing = [a for a, t in zip(arguments, types, strict=True) if t is False]
    described = iter(_described_types(ctx, call, missing) if missing else ())
    return [next(described) if t is False else t if isinstance(t, SfType) else None for t in types]


def _type_of(node: exp.Expr) -> SfType | bool | None:
    """The type of an expression that shows it; None for NULL; False if it has to be asked for."""
    node = node.unnest()
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Cast):
        return parse_type(node.to.sql(dialect="snowflake"))
    if isinstance(node, exp.Neg):
        return _type_of(node.this)
    if isinstance(node, exp.Literal):
        if node.is_string:
            return parse_type("VARCHAR")
        scale = len(str(node.this).partition(".")[2])
        return SfType("NUMBER", 38, scale)
    if isinstance(node, exp.Boolean):
        return parse_type("BOOLEAN")
    return False


def _described_types(ctx: Context, call: exp.Expr, arguments: list[exp.Expr]) -> list[SfType]:
    select = call.find_ancestor(exp.Select)
    probe = exp.Select(expressions=[exp.alias_(a.copy(), f"$T{i}", quoted=True) for i, a in enumerate(arguments)])
    ctes = None
    if select is not None:
        for clause in ("from_", "joins", "laterals"):
            if (part := select.args.get(clause)) is not None:
                probe.set(clause, part.copy())
        ctes = visible_ctes(select)
    relation = ctx.session.duck.sql(compile_select(ctx, probe, ctes))
    return [from_duckdb(str(t)) for t in relation.types]
