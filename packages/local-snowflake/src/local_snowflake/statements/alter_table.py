"""ALTER TABLE: columns, names, swaps and options."""

from __future__ import annotations

import copy

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change, Object
from local_snowflake.errors import already_exists, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.statements import alter_columns
from local_snowflake.statements.alter_columns import find, save
from local_snowflake.statements.clones import copy_definition
from local_snowflake.statements.definitions import drop_sequences
from local_snowflake.statements.tables import DAYS, keeps_past, read_days, read_flag

_OPTIONS = (*DAYS, "CHANGE_TRACKING", "COMMENT")


@statement("ALTER", "TABLE")
def alter_table(ctx: Context, stmt: Statement) -> Result:
    """ALTER TABLE [IF EXISTS] name action: https://docs.snowflake.com/en/sql-reference/sql/alter-table."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    table = ctx.session.temporary.get(name) or ctx.catalog.get("TABLE", name)
    if table is None:
        if if_exists:
            return status()
        raise does_not_exist("Table", name.fqn)
    changed = Object(table.kind, table.name, copy.deepcopy(table.props), table.owner, table.comment, table.created_on)
    action = reader.accept_any("ADD", "DROP", "RENAME", "ALTER", "MODIFY", "SWAP", "SET", "UNSET", "CLUSTER")
    handler = _ACTIONS.get(action or "")
    if handler is None:
        raise not_supported(f"ALTER TABLE … {reader.peek()}")
    handler(ctx, reader, changed)
    return status()


def _rename(ctx: Context, reader: Reader, table: Object) -> None:
    """RENAME TO name | RENAME COLUMN a TO b."""
    if reader.accept("COLUMN"):
        old = reader.identifier()
        reader.expect("TO")
        new = reader.identifier()
        reader.finish()
        with ctx.ddl(table.name) as change:
            find(table, old)["name"] = new
            for physical in streams.version_tables(ctx, table):
                change.duck.execute(f"ALTER TABLE {physical} RENAME COLUMN {quote(old)} TO {quote(new)}")
            save(ctx, change, table)
        return
    reader.expect("TO")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    if ctx.relation(name):
        raise already_exists(name.fqn)
    if table.props.get("temporary"):
        raise not_supported("ALTER TABLE … RENAME of a temporary table")
    with ctx.ddl(table.name, name) as change:
        move_table(ctx, change, table, name)


def move_table(ctx: Context, change: Change, table: Object, name: Name) -> None:
    """Give a table another name, also in another schema or database."""
    old = table.name
    if (old.database, old.schema) == (name.database, name.schema):
        change.duck.execute(f"ALTER TABLE {old.physical} RENAME TO {quote(name.name)}")
    else:
        columns = copy_definition(ctx, change, table, name, name.physical)
        streams.move_rows(change, table, name)
        change.duck.execute(f"DROP TABLE {old.physical}")
        drop_sequences(change, table, table.props["columns"])
        table.props["columns"] = columns
    change.rename(table, name)


def _swap(ctx: Context, reader: Reader, table: Object) -> None:
    """SWAP WITH other: https://docs.snowflake.com/en/sql-reference/sql/alter-table."""
    reader.expect("WITH")
    name = ctx.resolve(reader.name_parts())
    other = ctx.catalog.need("TABLE", name)
    if table.props.get("temporary") or (table.name.database, table.name.schema) != (name.database, name.schema):
        raise not_supported("ALTER TABLE … SWAP WITH across schemas or with a temporary table")
    with ctx.ddl(table.name, name) as change:
        aside = quote(f"$SWAP_{name.name}")
        change.duck.execute(f"ALTER TABLE {table.name.physical} RENAME TO {aside}")
        change.duck.execute(f"ALTER TABLE {name.physical} RENAME TO {quote(table.name.name)}")
        change.duck.execute(f"ALTER TABLE {quote(name.physical_schema)}.{aside} RENAME TO {quote(name.name)}")
        first, second = table.name, name
        change.put(Object("TABLE", first, other.props, other.owner, other.comment, other.created_on))
        change.put(Object("TABLE", second, table.props, table.owner, table.comment, table.created_on))


def _set(ctx: Context, reader: Reader, table: Object) -> None:
    """SET option = value …: recorded and shown."""
    if reader.peek() == "TAG":
        raise not_supported("ALTER TABLE … SET TAG")
    options = reader.options()
    reader.finish()
    if unknown := set(options) - set(_OPTIONS):
        raise not_supported(f"ALTER TABLE … SET {', '.join(sorted(unknown))}")
    if "COMMENT" in options:
        table.comment = str(options["COMMENT"])
    table.props |= {key.lower(): read_days(key, options[key]) for key in DAYS if key in options}
    tracking = options.get("CHANGE_TRACKING")
    _apply_options(ctx, table, None if tracking is None else read_flag("CHANGE_TRACKING", tracking))


def _unset(ctx: Context, reader: Reader, table: Object) -> None:
    """UNSET option, …: the option has its default again, which for CHANGE_TRACKING is FALSE."""
    options = [reader.identifier()]
    while reader.accept(","):
        options.append(reader.identifier())
    reader.finish()
    if unknown := set(options) - set(_OPTIONS):
        raise not_supported(f"ALTER TABLE … UNSET {', '.join(sorted(unknown))}")
    if "COMMENT" in options:
        table.comment = ""
    for key in set(DAYS) & set(options):
        table.props.pop(key.lower(), None)
    _apply_options(ctx, table, False if "CHANGE_TRACKING" in options else None)


def _apply_options(ctx: Context, table: Object, tracking: bool | None) -> None:
    """Keep a table's new options, and switch its change tracking on or off unless ``tracking`` is None."""
    begins = keeps_past(table) and not streams.is_tracked(table)
    with ctx.ddl(table.name) as change:
        save(ctx, change, table)
        if tracking is not None:
            set_tracking = streams.enable if tracking else streams.disable
            set_tracking(change, table)
        elif begins:
            streams.enable(change, table, for_time_travel=True)


def _cluster(ctx: Context, reader: Reader, table: Object) -> None:
    """CLUSTER BY (…): recorded; a local table is not clustered."""
    reader.expect("BY")
    table.props["cluster_by"] = reader.parenthesised()
    with ctx.ddl(table.name) as change:
        save(ctx, change, table)


_ACTIONS = {
    "ADD": alter_columns.add,
    "DROP": alter_columns.drop,
    "RENAME": _rename,
    "ALTER": alter_columns.alter,
    "MODIFY": alter_columns.alter,
    "SWAP": _swap,
    "SET": _set,
    "UNSET": _unset,
    "CLUSTER": _cluster,
}
