"""What INSERT, UPDATE and MERGE write into a column takes the column's type, or is refused.

DuckDB stores a text of any length, rounds floats half to even and keeps a NUMBER of few digits in 64 bits.
Source: https://docs.snowflake.com/en/sql-reference/data-type-conversion
"""

import re
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.functions.python_calls import call
from local_snowflake.functions.zoned_times import REFUSING, UNTYPED, zoned
from local_snowflake.sql import trees
from local_snowflake.sql.binds import BATCH_COLUMN, BIND_PREFIX
from local_snowflake.sql.columns.casts import cut, digits_of_float, is_cut, is_long, moment_of, readable
from local_snowflake.sql.names import Name
from local_snowflake.sql.types import MAX_TEXT, SfType, parse_type
from local_snowflake.sql.typing.static_types import StaticTypes
from local_snowflake.sql.typing.value_types import is_iso_time

_ROWS = "$ASSIGNED"
_BATCHED = re.compile(rf"{BATCH_COLUMN}\d+")
_TIMES = {"DATE", "TIME", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ"}
_SEMI_STRUCTURED = {"VARIANT", "OBJECT", "ARRAY"}
_TIMESTAMPS = {"TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"}
# what a column of other types takes no value of, though some of it has a cast; of a text PARSE_JSON says what is meant
_APART: dict[str, set[str]] = {
    "VARCHAR": _SEMI_STRUCTURED,
    **{kind: {"DATE", "TIME", "BINARY", *_TIMESTAMPS} for kind in ("NUMBER", "FLOAT")},
    "BOOLEAN": {"DATE", "TIME", "BINARY", *_TIMESTAMPS},
    "DATE": {"NUMBER", "FLOAT", "BOOLEAN", "TIME", "BINARY"},
    "TIME": {"NUMBER", "FLOAT", "BOOLEAN", "DATE", "BINARY"},
    **{kind: {"NUMBER", "FLOAT", "BOOLEAN", "BINARY"} for kind in _TIMESTAMPS},
    "BINARY": {"NUMBER", "FLOAT", "BOOLEAN", "DATE", "TIME", *_TIMESTAMPS},
}
_READ_TEXTS = {"NUMBER", "FLOAT", "BOOLEAN", "DATE", "TIMESTAMP_NTZ", "TIMESTAMP_LTZ"}
# clauses for whose result the text of a projection matters
_READ = ("distinct", "group", "order", "having", "qualify", "windows", "limit", "with_")
# whole numbers of more digits are stored in 64 bits as they are
_CHECKED_DIGITS = 18


def assign_inserted(ctx: Context, tree: exp.Insert, target: Name) -> None:
    """Convert the rows of an INSERT, in place."""
    columns = column_types(ctx, target)
    named = tree.this.expressions if isinstance(tree.this, exp.Schema) else None
    names = [c.name for c in named] if named else [*columns]
    if not tree.args.get("by_name"):
        tree.set("expression", assigned_rows(ctx, tree.expression, {name: columns.get(name) for name in names}))


def assigned_rows(ctx: Context, query: exp.Expr, kinds: Mapping[str, SfType | None]) -> exp.Expr:
    """The rows of a query or of VALUES, as they are stored in columns of types; the same one where it can be.

    Raises 002023 for a value of a type that no cast makes a column's.
    """
    types = StaticTypes(ctx)
    if not any(kind is not None and _is_checked(kind) for kind in kinds.values()):
        return query
    if isinstance(query, exp.Values):
        for row in query.expressions:
            _assign_all(types, row.expressions, kinds)
    elif isinstance(query, exp.Select) and _is_plain(query):
        _assign_all(types, query.expressions, kinds)
    elif isinstance(query, exp.Query):
        return _around(types, query, kinds)
    return query


def assign_updated(ctx: Context, assignments: Sequence[exp.Expr], target: Name) -> None:
    """Convert the values of ``SET c = value, …``, in place."""
    columns, types = column_types(ctx, target), StaticTypes(ctx)
    for assignment in assignments:
        if isinstance(assignment, exp.EQ) and (kind := columns.get(assignment.this.name)) is not None:
            assignment.set("expression", _assigned(types, assignment.expression, kind, assignment.this.name))


def assign_merged(ctx: Context, tree: exp.Merge, target: Name) -> None:
    """Convert the values of a MERGE's branches, in place."""
    columns, types = column_types(ctx, target), StaticTypes(ctx)
    for when in tree.find_all(exp.When):
        then = when.args["then"]
        if isinstance(then, exp.Update):
            assign_updated(ctx, then.expressions, target)
        elif isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
            named = then.this.expressions if then.this is not None else []
            names = [c.name for c in named] if named else [*columns]
            _assign_all(types, then.expression.expressions, {name: columns.get(name) for name in names})


def column_types(ctx: Context, table: Name) -> Mapping[str, SfType]:
    """The types of a table's columns by their names."""
    relation = ctx.relation(table)
    columns = relation.props.columns if TABLE.describes(relation) else ()
    return {column.name: parse_type(column.type) for column in columns}


def _is_checked(kind: SfType) -> bool:
    return kind.is_semi_structured or kind.name in {
        *("NUMBER", "FLOAT", "VARCHAR", "BOOLEAN", "BINARY", "TIMESTAMP_TZ"),
        *_TIMES,
    }


def _is_plain(query: exp.Select) -> bool:
    return not any(query.args.get(clause) for clause in _READ) and not any(p.is_star for p in query.expressions)


def _assign_all(types: StaticTypes, values: list[exp.Expr], kinds: Mapping[str, SfType | None]) -> None:
    if len(values) != len(kinds):
        # DuckDB says so
        return
    for value, (name, kind) in zip(values, kinds.items(), strict=True):
        if kind is not None:
            inner = value.this if isinstance(value, exp.Alias) else value
            if (made := _assigned(types, inner, kind, name)) is not inner:
                inner.replace(made)


def _around(types: StaticTypes, query: exp.Query, kinds: Mapping[str, SfType | None]) -> exp.Expr:
    """A query around the one of an INSERT, if it has to convert a column."""
    output = types.output(query)
    found = [*output.values()] if output is not None else []
    if found and len(found) != len(kinds):
        return query
    columns = [trees.column(f"C{i}", _ROWS) for i in range(len(kinds))]
    made = []
    for column, (name, kind), of_value in zip_longest(columns, kinds.items(), found):
        types.note(column, of_value)
        made.append(column if kind is None else _assigned(types, column, kind, name))
    if all(m is c for m, c in zip(made, columns, strict=True)):
        return query
    inner = exp.Subquery(this=query.copy(), alias=trees.alias(_ROWS, *(f"C{i}" for i in range(len(kinds)))))
    return exp.select(*made).from_(inner)


def _assigned(types: StaticTypes, value: exp.Expr, target: SfType, column: str) -> exp.Expr:
    """A value as it is stored in a column of a type; the same expression if nothing is to be done."""
    kind = types.of(value)
    if isinstance(value, (exp.Null, exp.Placeholder, exp.Var)) or (
        isinstance(value, exp.Column) and value.name == "DEFAULT"
    ):
        return value
    if kind is not None and target.name in _APART.get(kind.name, ()):
        text = f"Expression type does not match column data type, expecting {target} but got {kind} for column {column}"
        raise compilation_error(text, 2023, "22000")
    if target.name == "VARCHAR":
        return _text(value, kind, target)
    if target.name == "TIMESTAMP_TZ":
        return value if kind is not None and kind.name == target.name else zoned(value.copy(), kind)
    if kind is not None and kind.name == "TIMESTAMP_TZ" and target.name in _TIMES:
        return call("instant_of_zoned" if target.name == "TIMESTAMP_LTZ" else "clock_of_zoned", value.copy())
    if kind is not None and kind.name == "VARCHAR" and target.name in _READ_TEXTS:
        return _read(value, target)
    if target.is_semi_structured:
        return _variant(value, kind, target)
    if target.name == "BINARY":
        return value
    if target.name == "TIME" and kind is not None and kind.name == "TIMESTAMP_LTZ":
        value = exp.cast(value.copy(), "TIMESTAMP_NTZ", dialect="snowflake")
    return _number(value, kind, target) if target.name == "NUMBER" else _time(value, target)


def _read(value: exp.Expr, target: SfType) -> exp.Expr:
    """A text as a number, a truth value, a date or a timestamp; the same expression if DuckDB reads it as it should."""
    if target.name in {"NUMBER", "FLOAT", "BOOLEAN"}:
        made = readable(value.copy(), target)
        return _of_few_digits(made if isinstance(made, exp.Anonymous) else value, target)
    text = exp.cast(value.copy(), "VARCHAR", dialect="duckdb")
    if target.name == "TIMESTAMP_LTZ":
        # with its offset, which DuckDB reads in another form
        return _time(value, target) if is_cut(target) else call("timestamp_ltz_of", text, exp.Literal.number(0))
    if is_iso_time(value):
        return _time(value, target)
    if target.name == "DATE":
        return call("date_of_text", call("time_text", text))
    return cut(moment_of(text), target) if is_cut(target) else moment_of(text)


def _time(value: exp.Expr, target: SfType) -> exp.Expr:
    """A time with the digits of its second that the column has; what is none as it is."""
    if not is_cut(target):
        return value
    return cut(exp.cast(value.copy(), target.name, dialect="snowflake"), target)


def _variant(value: exp.Expr, kind: SfType | None, target: SfType) -> exp.Expr:
    """A value as a semi-structured one."""
    if kind is not None and kind.name == "VARIANT" and target.name != "VARIANT":
        return call("array_of_variant" if target.name == "ARRAY" else "to_object", value.copy())
    if kind is not None and kind.name == "TIMESTAMP_TZ":
        return call("to_json", call("kept_text_of_zoned", value.copy()))
    if kind is not None and kind.name == "BINARY":
        return call("to_json", call("hex", value.copy()))
    return _not_zoned(value) if kind is None else value


def _not_zoned(value: exp.Expr) -> exp.Expr:
    """A value of which no type is known, refused if it is a TIMESTAMP_TZ; those of a batch are none."""
    is_checked = isinstance(value, UNTYPED) and not _BATCHED.fullmatch(value.name)
    return call(REFUSING, value.copy()) if is_checked else value


def _text(value: exp.Expr, kind: SfType | None, target: SfType) -> exp.Expr:
    if isinstance(value, exp.Literal) and value.is_string:
        fits = len(value.this) <= target.length and not value.this.startswith(BIND_PREFIX)
        if fits or target.length >= MAX_TEXT:
            return value
    elif kind is not None and kind.name not in {"VARCHAR", "NUMBER", "BINARY"}:
        value = call("text_of", value.copy())
    elif kind is None:
        value = _not_zoned(value)
    if target.length >= MAX_TEXT or (kind is not None and kind.name == "VARCHAR" and _fits(value, kind, target)):
        return value
    return call("fitting_text", value.copy(), exp.Literal.number(target.length))


def _fits(value: exp.Expr, kind: SfType, target: SfType) -> bool:
    return not isinstance(value, exp.Literal) and kind.length <= target.length


def _number(value: exp.Expr, kind: SfType | None, target: SfType) -> exp.Expr:
    literal = isinstance(value, exp.Literal)
    if kind is not None and kind.name == "NUMBER" and not literal and kind.precision <= target.precision:
        return value
    made = value
    if target.scale == 0 and (kind is None or kind.name in {"FLOAT", "VARIANT"}):
        made = call("rounded_half_up", value.copy())
    elif kind is not None and kind.name == "VARIANT":
        made = call("number_of", value.copy())
    elif kind is not None and kind.name == "FLOAT" and is_long(target):
        made = digits_of_float(value, target)
    return _of_few_digits(made, target)


def _of_few_digits(value: exp.Expr, target: SfType) -> exp.Expr:
    """A whole number with no more digits than its column, whose DuckDB type has more."""
    if target.name == "NUMBER" and target.scale == 0 and target.precision <= _CHECKED_DIGITS:
        return exp.cast(value.copy(), f"DECIMAL({target.precision}, 0)", dialect="duckdb")
    return value
