"""Arrays of values of different types: they are JSON, and the array functions work on lists of JSON values.

Source: https://docs.snowflake.com/en/sql-reference/data-types-semistructured#array
"""

from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call, wrap

# function -> the arguments that are arrays, those that are values, and whether it gives an array
_FUNCTIONS: dict[type[exp.Expression], tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    exp.ArrayAppend: (("this",), ("expression",), True),
    exp.ArrayPrepend: (("this",), ("expression",), True),
    exp.ArrayInsert: (("this",), ("expression",), True),
    exp.ArrayConcat: (("this", "expressions"), (), True),
    exp.ArraySlice: (("this",), (), True),
    exp.ArrayCompact: (("this",), (), True),
    exp.ArrayDistinct: (("this",), (), True),
    exp.ArrayIntersect: (("expressions",), (), True),
    exp.ArrayExcept: (("this", "expression"), (), True),
    exp.ArrayRemove: (("this",), ("expression",), True),
    exp.ArrayRemoveAt: (("this",), (), True),
    exp.ArrayContains: (("this",), ("expression",), False),
    exp.ArrayPosition: (("this",), ("expression",), False),
    exp.ArrayOverlaps: (("this", "expression"), (), False),
}

_MACROS: dict[type[exp.Expression], str] = {
    exp.Flatten: "array_flatten",
    exp.ObjectInsert: "object_insert",
    exp.Typeof: "type_of",
}


def arrays_as_json(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Make arrays whose values may differ in type JSON, and hand lists of JSON values to the array functions."""
    for array in list(tree.find_all(exp.Array)):
        if not _is_uniform(array):
            array.replace(call("json_array", *array.expressions))
    for function in list(tree.find_all(*_FUNCTIONS)):
        _on_lists(function)
    for text in tree.find_all(exp.ArrayToString):
        _wrap(text, "this", "json_texts")
    return tree


def variants_as_json(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Functions of semi-structured values that have macros of their own; a cast to VARIANT does not read JSON."""
    for node in list(tree.find_all(*_MACROS)):
        arguments = [node.args[k] for k in ("this", "key", "value") if node.args.get(k) is not None]
        node.replace(call(_MACROS[type(node)], *arguments))
    for cast in list(tree.find_all(exp.Cast)):
        if cast.to.is_type(exp.DType.VARIANT):
            cast.replace(exp.ToVariant(this=cast.this))
    return tree


def _on_lists(node: exp.Expression) -> None:
    arrays, values, gives_array = _FUNCTIONS[type(node)]
    for key in arrays:
        _wrap(node, key, "json_list")
    for key in values:
        _wrap(node, key, "to_json")
    if gives_array:
        wrap("to_json", node)


def _is_uniform(array: exp.Array) -> bool:
    """Whether an array holds literals of one type only, so that it may stay a list of DuckDB's."""
    kinds = {e.is_string if isinstance(e, exp.Literal) else None for e in array.expressions}
    return kinds in ({True}, {False})


def _wrap(node: exp.Expression, key: str, function: str) -> None:
    value = node.args.get(key)
    if isinstance(value, list):
        node.set(key, [call(function, v) for v in value])
    elif value is not None:
        node.set(key, call(function, value))
