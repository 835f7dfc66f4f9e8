"""Sequences: CREATE, ALTER, DROP, SHOW and DESCRIBE; ``name.NEXTVAL`` is their next value.

Source: https://docs.snowflake.com/en/user-guide/querying-sequences
"""

from dataclasses import replace
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import SEQUENCE, Object, Sequence, SequenceProps
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import drop, keep_existing, read_existing, read_name, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import TIME, Result, rows, status
from local_snowflake.execution.show_clauses import common, read_clauses, select
from local_snowflake.sql.names import quote
from local_snowflake.sql.rewrites.sequences import physical_sequence
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.streams.tracking import next_id

_COLUMNS = ("name", "database_name", "schema_name", "next_value", "interval", "created_on", "owner", "comment")


@statement("CREATE", "SEQUENCE")
def create_sequence(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] SEQUENCE [IF NOT EXISTS] name [START …] [INCREMENT …] [ORDER | NOORDER] [COMMENT = …].

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-sequence
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    source = None
    if reader.accept("CLONE"):
        source = ctx.catalog.need(SEQUENCE, read_name(ctx, reader, SEQUENCE))
        start, step, ordered, comment = next_value(ctx, source), source.props.increment, source.props.ordered, ""
        reader.finish()
    else:
        start, step, ordered, comment = _read_options(reader)
    ctx.require_schema(name)
    old = ctx.catalog.get(SEQUENCE, name)
    if kept := keep_existing(stmt, name, old, if_not_exists=if_not_exists):
        return kept
    with ctx.ddl() as change:
        if old:
            _remove(change, old)
        props = make(change, name.physical_schema, start, step, ordered=ordered)
        change.put(Object(SEQUENCE, name, props, ctx.session.role, comment))
    return status(f"Sequence {name.name} successfully created.")


def _read_options(reader: Reader) -> tuple[int, int, bool, str]:
    start, step, ordered, comment = 1, 1, False, ""
    reader.accept("WITH")
    while not reader.done:
        if reader.accept("START"):
            reader.accept("WITH")
            start = _whole(reader)
        elif reader.accept("INCREMENT"):
            reader.accept("BY")
            step = _whole(reader)
        elif word := reader.accept_any("ORDER", "NOORDER"):
            ordered = word == "ORDER"
        elif reader.accept("COMMENT"):
            reader.expect("=")
            comment = reader.string()
        else:
            raise reader.unexpected("START, INCREMENT, ORDER, NOORDER or COMMENT")
        reader.accept(",")
    if step == 0:
        raise compilation_error("invalid value 0 for property 'INCREMENT'", 1008, "22023")
    return start, step, ordered, comment


def _whole(reader: Reader) -> int:
    reader.accept("=")
    text = reader.value()
    try:
        return int(text)
    except ValueError:
        raise compilation_error(f"invalid value '{text}': a whole number is needed", 1008, "22023") from None


def make(change: Change, schema: str, start: int, step: int, *, ordered: bool) -> SequenceProps:
    """Make DuckDB's sequence in a physical schema, with a name of its own: the sequence may get another one."""
    name = f"$SEQ_{next_id(change.duck):012d}"
    bounds = f"MINVALUE {-(2**63)}" if step < 0 else f"MINVALUE {min(start, 1)}"
    limit = f"MAXVALUE {max(start, -1)}" if step < 0 else f"MAXVALUE {2**63 - 1}"
    change.duck.execute(
        f"CREATE SEQUENCE {quote(schema)}.{quote(name)} START {start} INCREMENT {step} {bounds} {limit}"
    )
    return SequenceProps(name, step, ordered)


@statement("ALTER", "SEQUENCE")
def alter_sequence(ctx: Context, stmt: Statement) -> Result:
    """ALTER SEQUENCE name RENAME TO name | SET [INCREMENT n] [ORDER | NOORDER] [COMMENT = …] | UNSET COMMENT.

    Source: https://docs.snowflake.com/en/sql-reference/sql/alter-sequence
    """
    reader, found = read_existing(ctx, stmt, SEQUENCE)
    if found is None:
        return status("Statement executed successfully.")
    if reader.accept("RENAME", "TO"):
        name = read_name(ctx, reader, SEQUENCE)
        reader.finish()
        ctx.require_schema(name)
        if (name.database, name.schema) != (found.name.database, found.name.schema):
            raise not_supported("ALTER SEQUENCE … RENAME TO another schema")
        keep_existing(replace(stmt, verb="CREATE"), name, ctx.catalog.get(SEQUENCE, name), if_not_exists=False)
        with ctx.ddl() as change:
            change.drop(found)
            change.put(replace(found, name=name))
        return status("Statement executed successfully.")
    changed = found
    if reader.accept("UNSET", "COMMENT"):
        changed = replace(found, comment="")
    else:
        reader.accept("SET")
        while not reader.done:
            changed = _changed(reader, changed)
            reader.accept(",")
    reader.finish()
    with ctx.ddl() as change:
        if changed.props.increment != found.props.increment:
            start = next_value(ctx, found)
            _drop_duck(change, found)
            schema, props = found.name.physical_schema, changed.props
            changed = replace(changed, props=make(change, schema, start, props.increment, ordered=props.ordered))
        change.put(changed)
    return status("Statement executed successfully.")


def _changed(reader: Reader, sequence: Sequence) -> Sequence:
    """The sequence with what comes next in SET."""
    if reader.accept("INCREMENT"):
        reader.accept("BY")
        return replace(sequence, props=replace(sequence.props, increment=_whole(reader)))
    if word := reader.accept_any("ORDER", "NOORDER"):
        if word == "ORDER" and not sequence.props.ordered:
            raise compilation_error("a NOORDER sequence cannot be changed to ORDER", 1008, "22023")
        return replace(sequence, props=replace(sequence.props, ordered=word == "ORDER"))
    reader.expect("COMMENT")
    reader.expect("=")
    return replace(sequence, comment=reader.string())


@statement("DROP", "SEQUENCE")
def drop_sequence(ctx: Context, stmt: Statement) -> Result:
    """DROP SEQUENCE [IF EXISTS] name: https://docs.snowflake.com/en/sql-reference/sql/drop-sequence."""
    return drop(ctx, stmt, SEQUENCE, _remove)


def _remove(change: Change, sequence: Sequence) -> None:
    _drop_duck(change, sequence)
    change.drop(sequence)


def _drop_duck(change: Change, sequence: Sequence) -> None:
    change.duck.execute(f"DROP SEQUENCE IF EXISTS {physical_sequence(sequence)}")


def clone_sequence(ctx: Context, change: Change, sequence: Sequence, physical_schema: str) -> SequenceProps:
    """What a clone of a sequence is: it goes on where the sequence is."""
    props = sequence.props
    return make(change, physical_schema, next_value(ctx, sequence), props.increment, ordered=props.ordered)


def next_value(ctx: Context, sequence: Sequence) -> int:
    """What NEXTVAL would give now."""
    ((value,),) = ctx.session.duck.execute(
        "SELECT coalesce(last_value + increment_by, start_value) FROM duckdb_sequences() "
        "WHERE schema_name = ? AND sequence_name = ?",
        [sequence.name.physical_schema, sequence.props.sequence],
    ).fetchall()
    return int(value)


@statement("SHOW", "SEQUENCES")
def show_sequences(ctx: Context, stmt: Statement) -> Result:
    """SHOW SEQUENCES: https://docs.snowflake.com/en/sql-reference/sql/show-sequences."""
    return _shown(ctx, select(ctx, read_clauses(skip_head(stmt)), SEQUENCE))


@statement("DESCRIBE", "SEQUENCE")
def describe_sequence(ctx: Context, stmt: Statement) -> Result:
    """DESCRIBE SEQUENCE name: https://docs.snowflake.com/en/sql-reference/sql/desc-sequence."""
    return _shown(ctx, [ctx.catalog.need(SEQUENCE, ctx.resolve(skip_head(stmt).name_parts()))])


def _shown(ctx: Context, sequences: list[Sequence]) -> Result:
    records: list[dict[str, Any]] = [
        {
            **common(each),
            "next_value": next_value(ctx, each),
            "interval": each.props.increment,
            "ordered": "Y" if each.props.ordered else "N",
        }
        for each in sequences
    ]
    types = {"created_on": TIME, "next_value": pa.int64(), "interval": pa.int64()}
    return rows(records, dict.fromkeys((*_COLUMNS, "owner_role_type", "ordered")) | types)
