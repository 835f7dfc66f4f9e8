"""Arrays of values of different types: they are JSON, and the array functions work on lists of JSON values.

Source: https://docs.snowflake.com/en/sql-reference/data-types-semistructured#array
"""

from itertools import pairwise

from sqlglot import exp

from local_snowflake.errors import execution_error
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call, wrap
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import is_member

# functions of an array and a value, of several arrays, and of one array; and those that give no array
_WITH_VALUE = (
    exp.ArrayAppend,
    exp.ArrayPrepend,
    exp.ArrayRemove,
    exp.ArrayContains,
    exp.ArrayPosition,
)
_OF_ARRAYS = (exp.ArrayConcat, exp.ArrayIntersect, exp.ArrayExcept, exp.ArrayOverlaps)
_OF_ARRAY = (exp.ArraySlice, exp.ArrayCompact, exp.ArrayDistinct, exp.ArrayRemoveAt)
_GIVES_NO_ARRAY = (exp.ArrayContains, exp.ArrayPosition, exp.ArrayOverlaps)

_MACROS: dict[type[exp.Expression], str] = {
    exp.Flatten: "array_flatten",
    exp.Typeof: "type_of",
}
ARRAYS = (
    *_WITH_VALUE,
    *_OF_ARRAYS,
    *_OF_ARRAY,
    exp.Array,
    exp.ArrayConstructCompact,
    exp.ArrayInsert,
    exp.ArrayToString,
)
VARIANTS = (*_MACROS, exp.ObjectInsert, exp.Struct, exp.JSONObject, exp.ObjectAgg, exp.Cast)


def subscripts(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``v[0][1]`` and ``v[0].name`` -> paths, as ``v:…`` has them: fakesnow translates the last subscript alone.

    Source: https://docs.snowflake.com/en/user-guide/querying-semistructured
    """
    for dot in reversed(list(tree.find_all(exp.Dot))):
        if isinstance(dot.expression, exp.Identifier) and is_member(dot):
            dot.replace(_path(dot.this, exp.JSONPathKey(this=dot.expression.name, quoted=True)))
    for bracket in reversed(list(tree.find_all(exp.Bracket))):
        only = bracket.expressions[0] if len(bracket.expressions) == 1 else None
        is_inner = isinstance(bracket.parent, (exp.Bracket, exp.JSONExtract)) and bracket.arg_key == "this"
        if not isinstance(only, exp.Literal) or not (is_inner or isinstance(bracket.this, exp.JSONExtract)):
            continue
        key = exp.JSONPathKey(this=only.this, quoted=True)
        bracket.replace(_path(bracket.this, key if only.is_string else exp.JSONPathSubscript(this=int(only.this))))
    return tree


def _path(value: exp.Expr, part: exp.Expr) -> exp.JSONExtract:
    path = exp.JSONPath(expressions=[exp.JSONPathRoot(), part])
    return exp.JSONExtract(this=value.copy(), expression=path, variant_extract=True, requires_json=True)


def arrays_as_json(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Make arrays whose values may differ in type JSON, and hand lists of JSON values to the array functions."""
    for array in list(tree.find_all(exp.Array)):
        if not _is_uniform(array):
            array.replace(call("json_array", *array.expressions))
    for compact in list(tree.find_all(exp.ArrayConstructCompact)):
        compact.replace(call("array_of", call("list_value", *(call("to_json", e) for e in compact.expressions))))
    for insert in list(tree.find_all(exp.ArrayInsert)):
        insert.replace(call("array_with", insert.this, insert.args["position"], insert.expression))
    for function in list(tree.find_all(*_WITH_VALUE, *_OF_ARRAYS, *_OF_ARRAY)):
        _on_lists(function)
    for distinct in list(tree.find_all(exp.ArrayDistinct)):
        distinct.replace(call("first_ones", distinct.this))
    for text in tree.find_all(exp.ArrayToString):
        _wrap(text, "this", "json_texts")
    return tree


def sorted_members(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Objects whose keys are constants with their members in the order of the keys, in which an account keeps them.

    Texts and hashes of objects depend on it, and whether two are equal.
    """
    for made in tree.find_all(exp.Struct, exp.JSONObject):
        keys = [member.this for member in made.expressions if isinstance(member, (exp.PropertyEQ, exp.JSONKeyValue))]
        constant = all(
            isinstance(key, exp.Identifier) or (isinstance(key, exp.Literal) and key.is_string) for key in keys
        )
        if len(keys) > 1 and constant and len(keys) == len(made.expressions):
            made.set("expressions", sorted(made.expressions, key=lambda member: member.this.name))
            names = [member.this.name for member in made.expressions if not isinstance(member.expression, exp.Null)]
            if repeated := next((name for name, after in pairwise(names) if name == after), None):
                raise execution_error(f"Duplicate field key '{repeated}'", 100112, "22000")
    return tree


def variants_as_json(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Functions of semi-structured values that have macros of their own; a cast to VARIANT does not read JSON."""
    for insert in list(tree.find_all(exp.ObjectInsert)):
        updates = insert.args.get("update_flag") or exp.false()
        insert.replace(call("object_insert", insert.this, insert.args["key"], insert.args["value"], updates))
    for made in list(tree.find_all(exp.Struct, exp.JSONObject)):
        if isinstance(made.find_ancestor(exp.Lambda, exp.Query), exp.Lambda):
            made.replace(_object_of_lists(made))
    for aggregate in list(tree.find_all(exp.ObjectAgg)):
        wrap("object_of_members", aggregate.parent if isinstance(aggregate.parent, exp.Window) else aggregate)
        is_distinct = isinstance(aggregate.this, exp.Distinct)
        key, value = aggregate.this.expressions if is_distinct else (aggregate.this, aggregate.expression)
        member = call("member", key, call("to_json", value))
        aggregate.replace(call("list", exp.Distinct(expressions=[member]) if is_distinct else member))
    for made in list(tree.find_all(exp.Struct, exp.JSONObject)):
        if _has_computed_keys(made):
            wrap("in_order", made)
    for node in list(tree.find_all(*_MACROS)):
        node.replace(call(_MACROS[type(node)], node.this))
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(exp.DType.VARIANT):
            cast.replace(exp.ToVariant(this=cast.this))
    return tree


def _object_of_lists(made: exp.Expr) -> exp.Expr:
    """An object without a subquery, which DuckDB does not take in a lambda."""
    keys, values = call("list_value"), call("list_value")
    for member in made.expressions:
        key = exp.Literal.string(member.this.name) if isinstance(member.this, exp.Identifier) else member.this
        value: exp.Expr = call("to_json", member.expression)
        if isinstance(made, exp.JSONObject):
            value = exp.Coalesce(this=value, expressions=[trees.as_json(exp.Literal.string("null"))])
        keys.append("expressions", key)
        values.append("expressions", value)
    return call("object_of_lists", keys, values)


def _has_computed_keys(made: exp.Expr) -> bool:
    keys = [member.this for member in made.expressions if isinstance(member, (exp.PropertyEQ, exp.JSONKeyValue))]
    return len(keys) > 1 and not all(isinstance(key, (exp.Identifier, exp.Literal)) for key in keys)


def _on_lists(node: exp.Expr) -> None:
    _wrap(node, "this", "json_list")
    if not isinstance(node, _OF_ARRAY):
        for key in ("expression", "expressions"):
            _wrap(node, key, "to_json" if isinstance(node, _WITH_VALUE) else "json_list")
    if not isinstance(node, _GIVES_NO_ARRAY):
        wrap("to_json", node)


def _is_uniform(array: exp.Array) -> bool:
    """Whether an array holds texts or whole numbers only, written out: then it may stay a list of DuckDB's.

    A list of fractions would give all of them the digits of the longest.
    """
    literals = [e for e in array.expressions if isinstance(e, exp.Literal)]
    uniform = all(e.is_string for e in literals) or all(e.is_int for e in literals)
    return bool(literals) and len(literals) == len(array.expressions) and uniform


def _wrap(node: exp.Expr, key: str, function: str) -> None:
    value = node.args.get(key)
    if isinstance(value, list):
        node.set(key, [call(function, v) for v in value])
    elif value is not None:
        node.set(key, call(function, value))
