"""DML on tracked tables: row versions that a statement replaces are archived, those that it makes are marked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from local_snowflake.catalog.catalog import concerns
from local_snowflake.errors import CatalogChangedError
from local_snowflake.execution.context import Context, definition_lock
from local_snowflake.sessions.locks import Resource
from local_snowflake.sessions.replay import StatementInputs
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import Name, quote
from local_snowflake.streams.layout import HIDDEN, TRACKED, VALID_TO, VERSION, VERSION_VARIABLE, VERSIONS
from local_snowflake.streams.offset_ranges import consuming, mark_start
from local_snowflake.streams.tracking import Tracked, tracked

T = TypeVar("T")
# the catalog's version when the transaction began to write: from then on it sees the data of that moment
_SNAPSHOT = "changes.snapshot"
# the note of the tracked tables that a transaction has written
_WRITTEN = "changes.written"


def write_statement(
    ctx: Context, name: Name, target: Tracked | None, work: Callable[[], T], inputs: StatementInputs
) -> T:
    """Run a compiled DML statement: consume the streams it reads, record what it does to a tracked table.

    ``target`` is the table of the ``name`` if it was tracked when the statement was compiled. ``work``, which gives the
    result, may run again if its ``inputs`` show that it would do the same then.
    """

    def recorded() -> T:
        if target is None:
            return work()
        with recording(ctx, target):
            return work()

    def locked() -> T:
        # the streams that the statement reads are locked before the table that it writes, as in a transaction that
        # reads them first
        _keep_definition(ctx, name)
        return consuming(ctx, recorded)

    try:
        return ctx.session.write(locked, inputs)
    finally:
        if target:
            _reset(ctx)


def lock_target(ctx: Context, name: Name) -> None:
    """Lock a table that is about to be written by ``insert``; at the beginning of a writing closure."""
    _keep_definition(ctx, name)
    if tracked(ctx, name):
        lock_rows(ctx, name)


def lock_rows(ctx: Context, name: Name) -> None:
    """Have the rows of a table alone until the transaction ends: UPDATE, DELETE and MERGE queue."""
    ctx.session.lock(Resource(name.fqn))


def _keep_definition(ctx: Context, name: Name) -> None:
    """Let nobody alter, replace or drop a table until the transaction that writes it has ended.

    Raises:
        CatalogChangedError: somebody did while this statement was compiled or waited: it has to be compiled again.
    """
    session, concerned = ctx.session, concerns("TABLE", name)
    if not session.has_written:
        session.notes[_SNAPSHOT] = ctx.since
    if ctx.is_temporary(name):
        # as getting a lock does
        session.refresh()
        return
    session.written.add(name)
    # what the transaction holds already was not changed since
    if not session.lock(definition_lock(name), shared=True):
        return
    if ctx.catalog.changed_since(ctx.since, concerned):
        raise CatalogChangedError(f"table {name.fqn} was changed by another session")
    if session.has_written and ctx.catalog.changed_since(session.notes.get(_SNAPSHOT, 0), concerned):
        # the transaction's own snapshot is from before that: it goes on from the present one
        session.notes[_SNAPSHOT] = ctx.since
        session.renew()


@contextmanager
def recording(ctx: Context, target: Tracked) -> Iterator[None]:
    """Give the DuckDB statements inside a version of their own; rows that they insert are marked with it.

    It belongs inside a writing closure of the session. The table stays locked until the transaction ends, so that
    versions are committed in their order.
    """
    session = ctx.session
    lock_rows(ctx, target.name)
    mark_start(session)
    rows = ctx.query(f"UPDATE {TRACKED} SET version = version + 1 WHERE id = ? RETURNING version", [target.id])
    version = int(rows[0][0])
    ctx.query(f"INSERT INTO {VERSIONS} VALUES (?, ?, 'infinity', ?)", [target.id, version, ctx.query_id])
    session.notes.setdefault(_WRITTEN, set()).add(target.id)
    ctx.query(f"SET VARIABLE {quote(VERSION_VARIABLE)} = {version}::BIGINT")
    yield
    _reset(ctx)


def stamp_versions(session: Session) -> None:
    """Give the versions of the open transaction their time, which is that of its commit; called right before it.

    Until then they lie in the future: who asks for the rows at a time gets those that were committed by then.
    """
    if written := session.notes.get(_WRITTEN):
        listed = ", ".join(map(str, sorted(written)))
        sql = f"UPDATE {VERSIONS} SET made = ? WHERE tracked IN ({listed}) AND made = 'infinity'"
        session.duck.execute(sql, [session.clock.time()])


def _reset(ctx: Context) -> None:
    ctx.query(f"RESET VARIABLE {quote(VERSION_VARIABLE)}")


def insert(ctx: Context, name: Name, columns: str, source: str) -> int:
    """Insert the rows of ``source``, DuckDB's SQL, into ``columns``, quoted and with commas; returns how many.

    For writers other than DML, inside a writing closure; the table may be tracked or not.
    """
    lock_target(ctx, name)
    target = tracked(ctx, name)
    sql = f"INSERT INTO {ctx.physical(name)} ({columns}) {source}"
    if target is None:
        return int(ctx.query(sql)[0][0])
    with recording(ctx, target):
        return int(ctx.query(sql)[0][0])


def archive_deleted(ctx: Context, target: Tracked, delete: str, alias: str) -> int:
    """Run DuckDB's ``delete``, in which the table has a quoted ``alias``; its rows become history. Returns how many."""
    columns = _version_columns(target, f"{alias}.")
    sql = f"WITH deleted AS ({delete} RETURNING {columns}) {_into_history(target)} SELECT *, {VERSION} FROM deleted"
    return int(ctx.query(sql)[0][0])


def archive_sql(target: Tracked, rows: str = "") -> str:
    """SQL that copies the current versions of rows into the history: those whose rowid ``rows`` selects, or all."""
    where = f" WHERE rowid IN ({rows})" if rows else ""
    return f"{_into_history(target)} SELECT {_version_columns(target)}, {VERSION} FROM {target.physical}{where}"


def _into_history(target: Tracked) -> str:
    return f"INSERT INTO {target.history} ({_version_columns(target)}, {quote(VALID_TO)})"


def _version_columns(target: Tracked, prefix: str = "") -> str:
    return ", ".join([target.listed(prefix), *(prefix + quote(c) for c in HIDDEN)])
