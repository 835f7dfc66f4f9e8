"""Changes of a table's columns, for ALTER TABLE and CREATE OR ALTER TABLE.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import Column, Table
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql.columns.defaults import default_sql
from local_snowflake.sql.names import literal, quote
from local_snowflake.sql.types import SfType, clock_sql, minutes_sql, parse_type, zoned_sql
from local_snowflake.statements import definitions


def save(ctx: Context, change: Change, table: Table) -> None:
    """Put a changed table into the catalog; a temporary one is the session's."""
    if table.props.temporary:
        ctx.session.temporary_objects[table.key] = table
    else:
        change.put(table)


def with_columns(table: Table, columns: Iterable[Column]) -> Table:
    """A table with other columns."""
    return replace(table, props=replace(table.props, columns=tuple(columns)))


def alter_to(ctx: Context, table: Table, columns: Sequence[Column]) -> None:
    """CREATE OR ALTER TABLE: the columns of a table become those that are declared.

    Raises 000002 for another order of columns, or another default, identity or key of one.
    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table#create-or-alter-table-syntax
    """
    declared = {column.name: column for column in columns}
    kept = {column.name: column for column in table.props.columns if column.name in declared}
    if [*kept, *(name for name in declared if name not in kept)] != [*declared]:
        raise not_supported("CREATE OR ALTER TABLE with columns in another order")
    for name, old in kept.items():
        free = {key: getattr(old, key) for key in ("type", "nullable", "comment", "sequence")}
        if replace(declared[name], **free) != old:
            raise not_supported(f"CREATE OR ALTER TABLE that changes the default, identity or keys of {name}")
    with ctx.ddl(table.name) as change:
        made = [_altered(ctx, change, table, old, declared[name]) for name, old in kept.items()]
        made += [add_column(ctx, change, table, column) for column in columns if column.name not in kept]
        # last: DuckDB drops no column that is the only one
        for gone in [column for column in table.props.columns if column.name not in declared]:
            table = without(ctx, change, table, gone)
        save(ctx, change, with_columns(table, made))


def _altered(ctx: Context, change: Change, table: Table, old: Column, new: Column) -> Column:
    kind = parse_type(new.type)
    made = old if parse_type(old.type) == kind else change_type(ctx, change, table, old, kind)
    if old.nullable != new.nullable:
        target = f"ALTER TABLE {ctx.physical(table.name)} ALTER COLUMN {quote(old.name)}"
        change.duck.execute(f"{target} {'DROP' if new.nullable else 'SET'} NOT NULL")
    return replace(made, nullable=new.nullable, comment=new.comment)


def add_column(ctx: Context, change: Change, table: Table, column: Column) -> Column:
    """Add a column to DuckDB's tables; returns it as the catalog is to have it."""
    physical = ctx.physical(table.name)
    if not column.nullable and column.default is None and not column.identity:
        empty = not change.duck.execute(f"SELECT 1 FROM {physical} LIMIT 1").fetchone()
        if not empty:
            text = f"Non-nullable column '{column.name}' cannot be added to non-empty table '{table.name.name}'"
            raise compilation_error(f"{text} unless it has a non-null default value.", 2260, "42601")
    place = definitions.place_of(table.name, temporary=table.props.temporary)
    made, definition = definitions.column_definition(ctx, change, place, replace(column, nullable=True))
    filled = f" DEFAULT {_constant(ctx, change, column)}" if column.default is not None else ""
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {definition}{filled}")
    for history in streams.version_tables(ctx, table)[1:]:
        archived = definition if not column.identity else f"{quote(column.name)} BIGINT"
        change.duck.execute(f"ALTER TABLE {history} ADD COLUMN {archived}{filled}")
    for versions in streams.version_tables(ctx, table) if filled else ():
        change.duck.execute(f"ALTER TABLE {versions} ALTER COLUMN {quote(column.name)} DROP DEFAULT")
    if not column.nullable:
        change.duck.execute(f"ALTER TABLE {physical} ALTER COLUMN {quote(column.name)} SET NOT NULL")
    return replace(made, nullable=column.nullable)


def _constant(ctx: Context, change: Change, column: Column) -> str:
    """DuckDB's SQL of the value that a default gives the rows that are there; DuckDB takes none with a lambda."""
    sql = default_sql(ctx, column)
    kind = parse_type(column.type)
    if kind.name != "TIMESTAMP_TZ":
        ((text,),) = change.duck.execute(f"SELECT CAST({sql} AS VARCHAR)").fetchall()
        return f"CAST({literal(text)} AS {kind.duckdb})" if text is not None else "NULL"
    found = f"SELECT CAST({clock_sql('v')} AS VARCHAR), {minutes_sql('v')} FROM (SELECT {sql} AS v)"
    ((clock, minutes),) = change.duck.execute(found).fetchall()
    return zoned_sql(f"(TIMESTAMP '{clock}' - to_minutes({minutes}))", str(minutes)) if clock is not None else "NULL"


def without(ctx: Context, change: Change, table: Table, gone: Column) -> Table:
    """Drop a column of DuckDB's tables; returns the table as the catalog is to have it."""
    table = with_columns(table, (c for c in table.props.columns if c is not gone))
    for physical in streams.version_tables(ctx, table):
        change.duck.execute(f"ALTER TABLE {physical} DROP COLUMN {quote(gone.name)}")
    definitions.drop_sequences(change, table, [gone])
    return table


def change_type(ctx: Context, change: Change, table: Table, column: Column, new: SfType) -> Column:
    """Only a widening is allowed: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column."""
    old = parse_type(column.type)
    if old.name != new.name or old.scale != new.scale:
        text = f"cannot change column {column.name} from type {old} to {new}"
        raise compilation_error(f"{text} because they have incompatible types.", 2238, "22000")
    if new.length < old.length:
        text = f"cannot change column {column.name} from type {old} to {new}"
        reason = "because reducing the byte-length of a varchar is not supported."
        raise compilation_error(f"{text} {reason}", 40052, "22000")
    if old.duckdb != new.duckdb:
        for physical in streams.version_tables(ctx, table):
            sql = f"ALTER TABLE {physical} ALTER COLUMN {quote(column.name)} SET DATA TYPE {new.duckdb}"
            change.duck.execute(sql)
    return replace(column, type=str(new))
