"""IS_… and AS_… of a VARIANT that the statement itself makes of a value, whose type it keeps.

A stored VARIANT is JSON, which tells no date from a text: for one of those ``functions.semi_structured`` has what
follows from JSON, and the rest is refused by name (``functions.absent``).

Source: https://docs.snowflake.com/en/sql-reference/functions/is and
https://docs.snowflake.com/en/sql-reference/functions/as
"""

from typing import Any

from sqlglot import exp

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.sql.types import SfType, parse_type
from local_snowflake.sql.typing.static_types import StaticTypes

_TIMES = ("DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")
# what JSON cannot tell apart, by what asks for it
_KINDS = {**{name: name for name in (*_TIMES, "BINARY", "VARCHAR")}, "CHAR": "VARCHAR"}
_ASKED = {**{f"IS_{name}": kind for name, kind in _KINDS.items()}, "IS_DATE_VALUE": "DATE", "IS_DECIMAL": "NUMBER"}
_TAKEN = {f"AS_{name}": kind for name, kind in _KINDS.items()}
# what keeps values as JSON, and the arguments that hold them
_KEEPERS: dict[type[exp.Expr], str] = {
    **dict.fromkeys((exp.Array, exp.ArrayConstructCompact, exp.Struct, exp.JSONObject), "expressions"),
    **dict.fromkeys((exp.ArrayAgg, exp.ArrayUniqueAgg, exp.JSONFormat, exp.ToArray), "this"),
    **dict.fromkeys((exp.ArrayAppend, exp.ArrayPrepend, exp.ArrayInsert, exp.ObjectAgg, exp.Transform), "expression"),
    exp.ObjectInsert: "value",
}
# what the rewrite looks for
NODES = (*_KEEPERS, exp.ToVariant, exp.Cast, exp.Anonymous)
# what gives NULL for a FLOAT, and what else it takes
_EXACT = {"AS_DECIMAL", "AS_NUMBER", "AS_INTEGER"}
_SIZED = {"AS_DECIMAL", "AS_NUMBER"}


def kinds_of_variants(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write IS_… and AS_… out where the type of the value is known, and AS_DECIMAL with a precision, in place.

    Raises 001008 for a precision or scale that is out of range.
    """
    types = StaticTypes(ctx)
    for keeper in list(tree.find_all(*_KEEPERS)):
        _keep_binaries(types, keeper)
    # from the inside: what is replaced holds a copy of what is in it
    for cast in reversed(list(tree.find_all(exp.ToVariant, exp.Cast))):
        _with_binary(types, cast)
    for node in list(tree.find_all(exp.Anonymous)):
        name, arguments = node.name.upper(), node.expressions
        if not arguments or name not in {*_ASKED, *_TAKEN, *_EXACT}:
            continue
        kind = types.of(arguments[0])
        held = kind.held if kind is not None else None
        if held is not None and name in _ASKED:
            node.replace(
                exp.Case(ifs=[exp.If(this=_is_there(arguments[0]), true=exp.convert(held.name == _ASKED[name]))])
            )
        elif held is not None and name in _TAKEN:
            node.replace(_taken(arguments[0], held, _TAKEN[name]))
        elif name in _EXACT:
            _exact(node, held)
    return tree


def _with_binary(types: StaticTypes, cast: exp.Expr) -> None:
    """A binary becomes a VARIANT as its hexadecimal digits, and a VARIANT a binary by them."""
    kind, made = types.of(cast.this), types.of(cast)
    if kind is None or made is None or {kind.name, made.name} != {"BINARY", "VARIANT"}:
        return
    types.note(cast, made)
    if made.name == "VARIANT":
        cast.set("this", call("hex", cast.this))
    else:
        cast.replace(exp.cast(call("unhex", call("text_of", cast.this)), "BINARY", dialect="snowflake"))


def _keep_binaries(types: StaticTypes, keeper: exp.Expr) -> None:
    """Binaries in an array or an object are their hexadecimal digits, as in a VARIANT."""
    held = keeper.args.get(_KEEPERS[type(keeper)])
    for value in held if isinstance(held, list) else [held]:
        inner: Any = value
        if isinstance(inner, (exp.PropertyEQ, exp.JSONKeyValue)):
            inner = inner.expression
        while isinstance(inner, (exp.Order, exp.Distinct, exp.Lambda)):
            inner = inner.expressions[0] if isinstance(inner, exp.Distinct) else inner.this
        kind = types.of(inner) if inner is not None else None
        if kind is not None and kind.name == "BINARY":
            whole = keeper.parent if isinstance(keeper.parent, exp.WithinGroup) else keeper
            # DISTINCT is ordered by what it takes
            for key in whole.find_all(exp.Ordered) if keeper.find(exp.Distinct) else ():
                key.set("this", exp.Hex(this=key.this) if key.this == inner else key.this)
            inner.replace(exp.Hex(this=inner.copy()))


def _is_there(value: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.paren(value), expression=exp.null()))


def _taken(value: exp.Expr, held: SfType, target: str) -> exp.Expr:
    """The value in a VARIANT as it was; NULL if that was of another type."""
    if held.name == target == "BINARY":
        value = call("unhex", call("text_of", value))
    return exp.cast(value if held.name == target else exp.null(), str(parse_type(target)), dialect="snowflake")


def _exact(node: exp.Anonymous, held: SfType | None) -> None:
    """AS_INTEGER, and AS_DECIMAL with its digits. Raises 001008 for a number of digits that no NUMBER has."""
    name, (value, *sizes) = node.name.upper(), node.expressions
    if held is not None and held.name == "FLOAT":
        value = exp.cast(exp.null(), "VARIANT", dialect="snowflake")
    if name not in _SIZED or not sizes:
        node.set("expressions", [value, *sizes])
        return
    for size, most, parameter in zip(sizes, (38, 37), ("?, precision...", "?, ?, scale"), strict=False):
        written = size.sql(dialect="snowflake")
        if not written.isdigit() or int(written) > most:
            text = f"invalid value [{written}] for parameter 'AS_DECIMAL({parameter})'"
            raise compilation_error(text, 1008, "22023")
    target = f"NUMBER({', '.join(size.name for size in sizes)})"
    node.replace(exp.cast(call("number_in", value), target, dialect="snowflake"))
