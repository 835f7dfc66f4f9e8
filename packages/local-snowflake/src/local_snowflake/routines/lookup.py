"""Which overload of a procedure or function a name and its arguments mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from local_snowflake.catalog.objects import Argument, Routine
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.routines.definition import argument_types, type_names
from local_snowflake.sql.names import Name
from local_snowflake.sql.types import SfType

# from an argument's type to the parameter types that it is converted to without being asked, nearest first
_TIMES = ("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ")
_COERCIONS: dict[str, tuple[str, ...]] = {
    "NUMBER": ("NUMBER", "FLOAT", "VARCHAR", "VARIANT", "BOOLEAN"),
    "FLOAT": ("FLOAT", "NUMBER", "VARCHAR", "VARIANT"),
    "VARCHAR": ("VARCHAR", "VARIANT", "NUMBER", "FLOAT", "BOOLEAN", "DATE", *_TIMES, "TIME", "BINARY"),
    "BOOLEAN": ("BOOLEAN", "VARCHAR", "VARIANT"),
    "DATE": ("DATE", *_TIMES, "VARCHAR", "VARIANT"),
    "TIME": ("TIME", "VARCHAR"),
    **{t: (t, *(o for o in _TIMES if o != t), "DATE", "VARCHAR", "VARIANT") for t in _TIMES},
    "BINARY": ("BINARY", "VARCHAR"),
    "VARIANT": ("VARIANT", "OBJECT", "ARRAY", "VARCHAR", "NUMBER", "FLOAT", "BOOLEAN", "DATE", *_TIMES),
    "OBJECT": ("OBJECT", "VARIANT"),
    "ARRAY": ("ARRAY", "VARIANT"),
}
# from an argument's type to those that no cast makes of it
_NUMBERS = {"NUMBER", "FLOAT", "BOOLEAN", "BINARY"}
_MOMENTS = {"DATE", "TIME", *_TIMES}
_IMPOSSIBLE: dict[str, set[str]] = {
    "DATE": {*_NUMBERS, "TIME"},
    "TIME": {*_NUMBERS, "DATE", *_TIMES},
    **dict.fromkeys(_TIMES, _NUMBERS),
    **{semi: {*_NUMBERS, *_MOMENTS} for semi in ("ARRAY", "OBJECT")},
    "BOOLEAN": {"BINARY", *_MOMENTS},
    "BINARY": {"NUMBER", "FLOAT", "BOOLEAN", *_MOMENTS},
}


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call: SQL or syntax trees by position, then by name."""

    positional: Sequence[object]
    named: dict[str, object]


def overloads(ctx: Context, kind: str, name: Name) -> list[Routine]:
    """The overloads of a name; the session's temporary ones hide permanent ones of the same types."""
    found = {o.name: o for o in ctx.catalog.all(kind, name.database, name.schema) if o.props.name == name.name}
    for (temporary_kind, full), o in ctx.session.temporary_objects.items():
        if temporary_kind == kind and full[:2] == name[:2] and o.props.name == name.name:
            found[full] = o
    return list(found.values())


def find_exactly(ctx: Context, kind: str, name: Name, types: list[SfType]) -> Routine | None:
    """The overload with just these argument types."""
    names = type_names(types)
    return next((o for o in overloads(ctx, kind, name) if type_names(argument_types(o.props)) == names), None)


def fits(declared: Sequence[Argument], arguments: Arguments) -> bool:
    """Whether a call's number and names of arguments fit those that are declared; one with a default may be missing."""
    rest = {a.name.upper(): a.default for a in declared[len(arguments.positional) :]}
    complete = all(default is not None or name in arguments.named for name, default in rest.items())
    return len(arguments.positional) <= len(declared) and set(arguments.named) <= set(rest) and complete


def best(
    name: Name, routines: list[Routine], arguments: Arguments, types_of: Callable[[], Sequence[SfType | None]]
) -> Routine:
    """The overload that takes a call's arguments, whose types are asked for where more than one may.

    Raises:
        SnowflakeError: 001044, if there is none.
    """
    candidates = [o for o in routines if fits(o.props.args, arguments)]
    if len(candidates) == 1:
        return candidates[0]
    types, ranked = types_of(), []
    for candidate in candidates:
        costs = [_cost(t, p) for t, p in zip(types, argument_types(candidate.props), strict=False)]
        if None not in costs:
            ranked.append((sum(c for c in costs if c is not None), len(candidate.props.args), candidate))
    if not ranked:
        raise unknown(name, [t.name if t else "NULL" for t in types])
    return min(ranked, key=lambda r: r[:2])[2]


def _cost(actual: SfType | None, declared: SfType) -> int | None:
    if actual is None:
        return 0
    order = _COERCIONS.get(actual.name, (actual.name,))
    if declared.name not in order:
        return None
    # 1.5 is no whole number: FLOAT is nearer to it than NUMBER(38,0)
    if actual.name == "NUMBER" and actual.scale and declared.name == "NUMBER" and not declared.scale:
        return 2
    return order.index(declared.name)


def is_impossible(actual: SfType | None, declared: SfType) -> bool:
    """Whether no argument of a type can be given for a parameter of another one.

    Source: https://docs.snowflake.com/en/sql-reference/data-type-conversion
    """
    return actual is not None and declared.name in _IMPOSSIBLE.get(actual.name, ())


def unknown(name: Name, types: Sequence[str]) -> SnowflakeError:
    """None takes arguments of these types."""
    listed = ", ".join(types)
    return compilation_error(
        f"error line 1 at position 0\nInvalid argument types for function '{name.fqn}': ({listed})", 1044, "42P13"
    )


def in_order(declared: Sequence[Argument], arguments: Arguments) -> list[object]:
    """The arguments in the order of the declaration; defaults (SQL texts) fill the gaps."""
    rest = declared[len(arguments.positional) :]
    return [*arguments.positional, *(arguments.named.get(a.name.upper(), a.default) for a in rest)]
