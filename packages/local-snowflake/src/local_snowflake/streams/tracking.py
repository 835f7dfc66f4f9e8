"""Tracked tables: how tracking is switched on and off, and how it follows a table's own changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

import duckdb

from local_snowflake.catalog.catalog import Catalog, Change
from local_snowflake.catalog.objects import STREAM, TABLE, ChangeTracking, Table
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import Name, literal, quote
from local_snowflake.sql.types import parse_type
from local_snowflake.streams.layout import (
    DDL,
    HIDDEN,
    IDS,
    INSERTED,
    OFFSETS,
    ROW,
    ROW_IDS,
    TRACKED,
    VALID_FROM,
    VALID_TO,
    VERSION_VARIABLE,
    VERSIONS,
    history,
)


@dataclass(frozen=True)
class Tracked:
    """A change-tracked table as a statement sees it.

    Attributes:
        id: the number that its versions and offsets go by; it survives a rename.
        columns: its own columns, in order, without the hidden ones.
        zoned: those of the type TIMESTAMP_TZ.
    """

    id: int
    name: Name
    columns: tuple[str, ...]
    zoned: tuple[str, ...] = ()

    @property
    def physical(self) -> str:
        """The DuckDB table with the current row versions."""
        return self.name.physical

    @property
    def history(self) -> str:
        """The DuckDB table with the archived row versions."""
        return history(self.id)

    def listed(self, prefix: str = "") -> str:
        """The table's own columns, quoted, for a SELECT or an INSERT."""
        return ", ".join(prefix + quote(c) for c in self.columns)


def prepare(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> datetime:
    """Make the tables of change tracking, sweep what a stopped server has left; returns the latest version's time.

    ``duck`` has no open transaction.
    """
    duck.execute(DDL)
    sweep(duck, catalog)
    ((latest,),) = duck.execute(f"SELECT coalesce(max(made), 'epoch') FROM {VERSIONS} WHERE isfinite(made)").fetchall()
    return cast(datetime, latest)


def sweep(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Drop the history of tables and the offsets of streams that are gone, eg: with their schema."""
    if not catalog.is_whole:
        return
    histories = [row[0] for row in duck.execute(f"SELECT id FROM {TRACKED}").fetchall()]
    streams = [row[0] for row in duck.execute(f"SELECT DISTINCT stream FROM {OFFSETS}").fetchall()]
    # read after the ids: whatever was committed before them is in the catalog then
    catalog.settle()
    tables = {of(table).id for table in catalog.all(TABLE) if is_tracked(table)}
    existing = {stream.props.id for stream in catalog.all(STREAM)}
    for tracked_id in set(histories) - tables:
        duck.execute("BEGIN TRANSACTION")
        _forget(duck, tracked_id)
        duck.execute("COMMIT")
    for stream in set(streams) - existing:
        duck.execute(f"DELETE FROM {OFFSETS} WHERE stream = ?", [stream])


def is_tracked(table: Table) -> bool:
    """Whether a table's changes are tracked."""
    return bool(table.props.change_tracking)


def shows_changes(table: Table) -> bool:
    """Whether change tracking is on: not if a table's past is kept for its retention time only."""
    tracking = table.props.change_tracking
    return bool(tracking and not tracking.time_travel)


def tracked(ctx: Context, name: Name) -> Tracked | None:
    """The tracked table of a name; None for a temporary table and for one that is not tracked."""
    if ctx.is_temporary(name):
        return None
    found = ctx.services.catalog.get(TABLE, name)
    return of(found) if found and is_tracked(found) else None


def of(table: Table) -> Tracked:
    """The tracked table of a catalogued one.

    Raises:
        ValueError: if its changes are not tracked.
    """
    if not table.props.change_tracking:
        raise ValueError(f"the changes of table {table.name.fqn} are not tracked")
    zoned = tuple(c.name for c in table.props.columns if parse_type(c.type).name == "TIMESTAMP_TZ")
    return Tracked(table.props.change_tracking.id, table.name, tuple(visible_columns(table)), zoned)


def by_id(ctx: Context, tracked_id: int) -> Tracked | None:
    """The tracked table of an id, whatever its name is now; None if it was dropped or replaced."""
    tables = (of(table) for table in ctx.services.catalog.all(TABLE) if is_tracked(table))
    return next((table for table in tables if table.id == tracked_id), None)


def visible_columns(table: Table) -> list[str]:
    """A table's own columns, in order."""
    return [c.name for c in table.props.columns]


def hidden_columns(table: Table) -> tuple[str, ...]:
    """The columns that change tracking added to a table; none if it is not tracked."""
    return HIDDEN if is_tracked(table) else ()


def version_tables(ctx: Context, table: Table) -> list[str]:
    """The DuckDB tables that hold versions of a table's rows: ALTER TABLE of a column goes to each of them."""
    if table.props.temporary:
        return [ctx.physical(table.name)]
    return [table.name.physical, *([of(table).history] if is_tracked(table) else [])]


def enable(change: Change, table: Table, *, for_time_travel: bool = False) -> Table:
    """Start to track the changes of a table of the ``ddl(…)``, unless they are; returns it as it is catalogued now.

    If it is only ``for_time_travel``, because of the table's retention time, change tracking shows as off.

    Raises:
        SnowflakeError: 000002, for a temporary table.
    """
    if is_tracked(table):
        if for_time_travel or shows_changes(table):
            return table
        return change.put(_with_tracking(table, ChangeTracking(of(table).id)))
    if table.props.temporary:
        raise not_supported("change tracking of a temporary table")
    physical = table.name.physical
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {quote(ROW)} BIGINT")
    change.duck.execute(f"UPDATE {physical} SET {quote(ROW)} = nextval({literal(ROW_IDS)})")
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {quote(VALID_FROM)} BIGINT DEFAULT 0")
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {quote(INSERTED)} BOOLEAN DEFAULT TRUE")
    return _register(change, table, time_travel=for_time_travel)


def _register(change: Change, table: Table, *, time_travel: bool) -> Table:
    """Catalogue a table whose hidden columns are there and filled."""
    restore_defaults(change, table.name)
    tracked_id = next_id(change.duck)
    rows = f"SELECT *, CAST(NULL AS BIGINT) AS {quote(VALID_TO)} FROM {table.name.physical}"
    change.duck.execute(f"CREATE TABLE {history(tracked_id)} AS {rows} LIMIT 0")
    change.duck.execute(f"INSERT INTO {TRACKED} VALUES (?, 0)", [tracked_id])
    change.duck.execute(f"INSERT INTO {VERSIONS} VALUES (?, 0, now(), NULL)", [tracked_id])
    return change.put(_with_tracking(table, ChangeTracking(tracked_id, time_travel)))


def _with_tracking(table: Table, tracking: ChangeTracking | Literal[False] | None) -> Table:
    return replace(table, props=replace(table.props, change_tracking=tracking))


def restore_defaults(change: Change, name: Name) -> None:
    """Set the hidden columns' defaults: they mark every row that is inserted with the running statement's version."""
    alter = f"ALTER TABLE {name.physical} ALTER COLUMN"
    change.duck.execute(f"{alter} {quote(ROW)} SET DEFAULT nextval({literal(ROW_IDS)})")
    change.duck.execute(f"{alter} {quote(VALID_FROM)} SET DEFAULT getvariable({literal(VERSION_VARIABLE)})")
    # a writer that is not recorded has no version: this refuses its rows instead of losing them for the streams
    change.duck.execute(f"{alter} {quote(VALID_FROM)} SET NOT NULL")
    change.duck.execute(f"{alter} {quote(INSERTED)} SET DEFAULT TRUE")


def disable(change: Change, table: Table) -> Table:
    """Stop to track a table of the ``ddl(…)``: its streams become stale, its history is gone.

    Returns:
        The table as it is catalogued now.
    """
    if not is_tracked(table):
        return table
    forget(change, table)
    for column in HIDDEN:
        change.duck.execute(f"ALTER TABLE {table.name.physical} DROP COLUMN {quote(column)}")
    return change.put(_with_tracking(table, False))


def forget(change: Change, table: Table) -> None:
    """Drop the history of a table that is dropped, replaced or no longer tracked."""
    if is_tracked(table):
        _forget(change.duck, of(table).id)


def _forget(duck: duckdb.DuckDBPyConnection, tracked_id: int) -> None:
    duck.execute(f"DROP TABLE IF EXISTS {history(tracked_id)}")
    duck.execute(f"DELETE FROM {TRACKED} WHERE id = ?", [tracked_id])
    duck.execute(f"DELETE FROM {VERSIONS} WHERE tracked = ?", [tracked_id])


def clone_rows(change: Change, source: Table, rows: str, clone: Table, physical: str) -> Table:
    """Copy a table's rows into its clone and catalogue that, unless it is temporary.

    The clone of a tracked table is tracked, with versions of its own and the rows' ids of its source.

    Args:
        change: the DDL transaction.
        source: the table that is cloned.
        rows: the DuckDB table that holds its rows.
        clone: the clone, with the properties of its source.
        physical: the clone's DuckDB table, made with the same columns.
    """
    columns = ", ".join(quote(c) for c in visible_columns(source))
    clone, temporary = _with_tracking(clone, None), clone.props.temporary
    if temporary or not is_tracked(source):
        change.duck.execute(f"INSERT INTO {physical} ({columns}) SELECT {columns} FROM {rows}")
        return clone if temporary else change.put(clone)
    _add_hidden(change, physical)
    everything = f"{columns}, {quote(ROW)}"
    listed = f"{everything}, {quote(VALID_FROM)}, {quote(INSERTED)}"
    change.duck.execute(f"INSERT INTO {physical} ({listed}) SELECT {everything}, 0, TRUE FROM {rows}")
    return _register(change, clone, time_travel=not shows_changes(source))


def _add_hidden(change: Change, physical: str) -> None:
    for column, kind in ((ROW, "BIGINT"), (VALID_FROM, "BIGINT"), (INSERTED, "BOOLEAN")):
        change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {quote(column)} {kind}")


def move_rows(change: Change, source: Table, name: Name) -> None:
    """Copy a table's rows, as the same versions, into the DuckDB table of its new name, which has the same columns."""
    if is_tracked(source):
        _add_hidden(change, name.physical)
    columns = ", ".join(quote(c) for c in (*visible_columns(source), *hidden_columns(source)))
    change.duck.execute(f"INSERT INTO {name.physical} ({columns}) SELECT {columns} FROM {source.name.physical}")
    if is_tracked(source):
        restore_defaults(change, name)


def offsets_of(duck: duckdb.DuckDBPyConnection, stream: int) -> list[tuple[int, int, bool, Any]]:
    """A stream's offsets: (tracked table, version, whether the initial rows are due, when it was consumed last)."""
    sql = f"SELECT tracked, version, initial, refreshed FROM {OFFSETS} WHERE stream = ? ORDER BY tracked"
    return [(int(t), int(v), bool(i), r) for t, v, i, r in duck.execute(sql, [stream]).fetchall()]


def next_id(duck: duckdb.DuckDBPyConnection) -> int:
    """A new number for a tracked table or a stream."""
    ((number,),) = duck.execute(f"SELECT nextval({literal(IDS)})").fetchall()
    return int(number)


def versions_of(duck: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """The current version of every tracked table, as the connection's transaction sees it."""
    return {int(k): int(v) for k, v in duck.execute(f"SELECT id, version FROM {TRACKED}").fetchall()}
