"""FILTER, TRANSFORM and REDUCE: lambda expressions over the elements of an array, which are VARIANTs.

Sources: https://docs.snowflake.com/en/sql-reference/functions/transform and
https://docs.snowflake.com/en/sql-reference/functions/reduce
"""

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql import trees
from local_snowflake.sql.columns.kinds import is_structured
from local_snowflake.sql.rewrites.semi_structured import lambda_syntax  # noqa: F401 - the parser has it from then on
from local_snowflake.sql.types import SfType
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import VARIANT, common, number, of_cast

HIGHER_ORDER = (exp.ArrayFilter, exp.Transform, exp.Reduce)
# what DuckDB casts from JSON; everything else is cast from the JSON's text
_FROM_JSON = {"NUMBER", "FLOAT", "BOOLEAN"}
_COMPUTED = "computed"
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def lambda_parameters(ctx: Context, tree: exp.Expression) -> None:
    """Note the types of the parameters of lambdas with the tree.

    An element is a VARIANT, or has the type that a structured array names. The accumulator of REDUCE has the type that
    its first value and the values of the lambda have in common. Raises 001044 where no lambda of the function's number
    of parameters is.
    """
    types = StaticTypes(ctx)
    for node in tree.find_all(*HIGHER_ORDER):
        made, count = _lambda(node), 2 if isinstance(node, exp.Reduce) else 1
        if not isinstance(made, exp.Lambda) or len(made.expressions) != count:
            name = "FILTER" if isinstance(node, exp.ArrayFilter) else type(node).__name__.upper()
            reason = f"it takes a lambda expression of {count} parameter{'s' if count > 1 else ''}"
            raise compilation_error(f"Invalid argument types for function '{name}': {reason}.", 1044, "42P13")
        made.expressions[-1].meta[trees.KIND] = _element(types, node.this)
        if isinstance(node, exp.Reduce):
            accumulator, first = made.expressions[0], types.of(node.args["initial"]) or VARIANT
            accumulator.meta[trees.KIND] = first
            accumulator.meta[trees.KIND] = _accumulated(first, types.of(made.this))
        elif isinstance(node, exp.Transform) and _is_computed_of_variant(types, made.this):
            made.meta[_COMPUTED] = True


def _element(types: StaticTypes, array: exp.Expr) -> SfType:
    """The type of an array's elements: VARIANT, but for a structured array and one of constant numbers."""
    array = array.unnest()
    if isinstance(array, exp.Cast) and is_structured(array.to) and isinstance(array.to.expressions[0], exp.DataType):
        return of_cast(array.to.expressions[0]) or VARIANT
    constants = [e for e in array.expressions if not isinstance(e, exp.Null)] if isinstance(array, exp.Array) else []
    if constants and all(isinstance(e, exp.Literal) and e.is_number for e in constants):
        kind = common([types.of(e) for e in constants])
        return number(kind.scale) if kind is not None and kind.name == "NUMBER" else VARIANT
    return VARIANT


def _is_computed_of_variant(types: StaticTypes, node: exp.Expr) -> bool:
    """Whether a value is arithmetic with a VARIANT."""
    waiting = [node.unnest()]
    while waiting:
        operation = waiting.pop()
        if isinstance(operation, _ARITHMETIC):
            sides = [operation.this.unnest(), operation.expression.unnest()]
            if any(types.of(side) == VARIANT for side in sides):
                return True
            waiting += sides
    return False


def _accumulated(first: SfType, made: SfType | None) -> SfType:
    """The type of an accumulator; that of its first value where the lambda's is not known."""
    kind = common([first, made]) or first
    return number(kind.scale) if kind.name == "NUMBER" else kind


def higher_order_functions(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Let DuckDB's functions of lists do what lambdas say, with lists of JSON values."""
    holder = exp.Paren(this=tree) if isinstance(tree, HIGHER_ORDER) and tree.parent is None else None
    for node in list(tree.find_all(*HIGHER_ORDER)):
        elements, made = call("json_list", node.this), _lambda(node)
        each = exp.Lambda(this=made.this, expressions=made.expressions, colon=True)
        _read_typed(each)
        if isinstance(node, exp.Reduce):
            node.replace(_reduced(elements, node.args["initial"], each))
        elif isinstance(node, exp.Transform):
            # what is computed of a VARIANT is a float here, and a number at an account
            each.set("this", call("number_as_json" if made.meta.get(_COMPUTED) else "to_json", each.this))
            node.replace(call("to_json", call("list_transform", elements, each)))
        else:
            node.replace(call("to_json", call("list_filter", elements, each)))
    return tree if holder is None else holder.this.pop()


def _read_typed(each: exp.Lambda) -> None:
    """Cast the parameters of a type where the lambda reads them: lists here are lists of JSON values."""
    holder = exp.Paren(this=each.this)
    kinds = {parameter.name: parameter.meta[trees.KIND] for parameter in each.expressions}
    for column in list(holder.find_all(exp.Column)):
        kind = kinds.get(column.name)
        if kind is not None and not kind.is_semi_structured and not column.table and not _is_inner(column, holder):
            column.replace(_of_json(column.copy(), kind))
    each.set("this", holder.this.pop())


def _is_inner(column: exp.Column, outer: exp.Expr) -> bool:
    """Whether a parameter is that of a lambda within another one."""
    around = column.find_ancestor(exp.Lambda)
    while around is not None and around is not outer:
        if any(parameter.name == column.name for parameter in around.expressions):
            return True
        around = around.find_ancestor(exp.Lambda)
    return False


def _reduced(elements: exp.Expr, first: exp.Expr, each: exp.Lambda) -> exp.Expr:
    """DuckDB's accumulator has the type of the elements, which is JSON."""
    kind: SfType = each.expressions[0].meta[trees.KIND]
    if kind.is_semi_structured:
        each.set("this", call("to_json", each.this))
        return call("list_reduce", elements, each, call("to_json", first))
    each.set("this", call("to_json", exp.cast(each.this, kind.duckdb, dialect="duckdb")))
    start = call("to_json", exp.cast(first, kind.duckdb, dialect="duckdb"))
    return _of_json(call("list_reduce", elements, each, start), kind)


def _of_json(value: exp.Expr, kind: SfType) -> exp.Expr:
    held = value if kind.name in _FROM_JSON else call("json_extract_string", value, exp.Literal.string("$"))
    return exp.cast(held, kind.duckdb, dialect="duckdb")


def _lambda(node: exp.Expr) -> exp.Expr:
    return node.args["merge"] if isinstance(node, exp.Reduce) else node.expression
