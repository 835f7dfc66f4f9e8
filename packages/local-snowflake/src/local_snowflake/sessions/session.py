"""One session: its context, transaction, parameters and temporary objects."""

import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from local_snowflake.catalog.objects import Object
from local_snowflake.errors import (
    CatalogChangedError,
    SnowflakeError,
    canceled,
    execution_error,
    from_duckdb,
    is_conflict,
    timed_out,
)
from local_snowflake.sessions.bounded_cache import BoundedCache
from local_snowflake.sessions.lazy_tables import LazyTables, with_lazy_tables
from local_snowflake.sessions.locks import LockTable, Resource, new_transaction
from local_snowflake.sessions.replay import StatementInputs, TableClock, Write, replay
from local_snowflake.sessions.temporary import TemporaryObjects
from local_snowflake.sql.names import Name
from local_snowflake.sql.types import SfType

T = TypeVar("T")
_CONFLICT_RETRIES = 50
# the code of a statement's error that did not get a lock
_NOT_LOCKED = 625
_QUERY_IDS_KEPT = 10_000
_RESULTS_KEPT = 64
_RESULTS_BYTES = 256 * 1024**2


class Session:
    """The state of one session, over a DuckDB connection of its own.

    DuckDB aborts a transaction at its first failing statement and Snowflake does not: so the writes of an open
    transaction are logged, and after a failure they are played again into a new one, the failed statement left out.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, locks: LockTable, user: str) -> None:
        # results of models and functions, computed when a statement reads them
        self.lazy_tables = LazyTables(duck)
        self.duck = with_lazy_tables(duck, self.lazy_tables)
        self.locks = locks
        self.parameters: dict[str, Any] = {}
        # what an interrupt has to stop, apart from DuckDB and waiting for locks; why it stops the running statement
        self.on_interrupt: list[Callable[[], None]] = []
        self.interruption: SnowflakeError | None = None
        # how many statements run inside one another
        self._depth = 0
        self.id = secrets.randbits(52)
        self.user = user
        self.role = "ACCOUNTADMIN"
        # the roles whose privileges it has besides; ALL: every role of the user's
        self.secondary_roles: tuple[str, ...] = ()
        # whether a procedure or a task runs in it with its owner's rights: that cannot take another role
        self.has_owners_rights = False
        # the client's name and version, as the client sends them
        self.client = ""
        self.warehouse: str | None = None
        self.database: str | None = None
        self.schema: str | None = None
        self.variables: dict[str, Any] = {}
        # tables, stages and the like that belong to it, by kind and name; what to do about them at the end
        self.temporary_objects = TemporaryObjects()
        # SYSTEM$REFERENCE: the objects by the names that it gave
        self.references: dict[str, Name] = {}
        self.endings: list[Callable[[], None]] = []
        # the results of statements by their ids, for RESULT_SCAN
        self.results: BoundedCache[tuple[pa.Table, Mapping[str, SfType]]] = BoundedCache(_RESULTS_KEPT, _RESULTS_BYTES)
        # the statement that runs, or ran last; the latest ones that ended, well or not, and the number of all
        self.query_id: str | None = None
        self._query_ids: deque[str] = deque(maxlen=_QUERY_IDS_KEPT)
        self._ended = 0
        self.autocommit = True
        # whether a writing statement runs, and whether the first of the tables that it writes is written
        self._is_writing = self._has_part = False
        self.in_transaction = False
        # what a transaction keeps between its statements, eg: the offsets of the streams that it reads
        self.notes: dict[Any, Any] = {}
        # the run of a task that the session executes
        self.task: Any = None
        # called right before and after each commit
        self.before_commit: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], None] = lambda: None
        # rows of table functions that the running statement reads, by the name they are registered under
        self._rows: dict[str, pa.Table] = {}
        self._writes: list[Write] = []
        # the tables that the open transaction has written; when it saw those that it reads
        self.written: set[Name] = set()
        self.clock = TableClock()
        self._moment = 0
        self._transaction_id = 0
        self.transaction_started: datetime | None = None
        # the owner of the locks of a statement that runs outside the transaction, eg: ALTER TABLE
        self.changing: int | None = None
        # the error about a transaction that others rolled back, until a statement has reported it
        self._rolled_back: SnowflakeError | None = None

    # -- transactions -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a transaction; a second BEGIN in one is ignored, as in Snowflake."""
        if not self.in_transaction:
            self._begin_duck()
            self.in_transaction = True
            self._transaction_id, self.transaction_started = new_transaction(), datetime.now(UTC)

    def _begin_duck(self) -> None:
        self._moment = self.clock.now
        self.duck.execute("BEGIN TRANSACTION")

    @property
    def transaction(self) -> int | None:
        """What identifies the open transaction; None without one."""
        return self._transaction_id if self.in_transaction else None

    def commit(self, *, in_statement: bool = False) -> None:
        """Make the open transaction's writes durable and visible; nothing happens without one.

        If it is ``in_statement``, a statement goes on that reads registered rows.
        """
        if self.in_transaction:
            self._end("COMMIT", keep_rows=in_statement)

    def rollback(self) -> None:
        """Undo the open transaction's writes; nothing happens without one."""
        if self.in_transaction:
            self._end("ROLLBACK")

    def _end(self, how: str, *, keep_rows: bool = False) -> None:
        try:
            self._end_duck(how)
        except duckdb.Error as error:
            raise from_duckdb(error) from None
        finally:
            if not keep_rows:
                self.drop_rows()

    def _end_duck(self, how: str) -> None:
        committed = False
        try:
            if how == "COMMIT":
                try:
                    self.before_commit()
                except BaseException:
                    self.duck.execute("ROLLBACK")
                    raise
            with self.clock.committing(self.written if how == "COMMIT" else ()):
                self.duck.execute(how)
            committed = how == "COMMIT"
        finally:
            self.in_transaction = False
            self.temporary_objects.end(undo=not committed)
            self.notes.clear()
            self._writes.clear()
            self.written.clear()
            self.locks.release(self._transaction_id)
        if how == "COMMIT":
            self.on_commit()

    def set_temporary(self, key: tuple[str, Name], new: Object | None) -> None:
        """Let the session have a temporary table, or have it no more; a rollback takes that back."""
        self.temporary_objects.change(key, new, in_transaction=self.in_transaction)

    def abort(self, reason: SnowflakeError) -> None:
        """Roll the open transaction back for somebody else, while no statement runs in the session.

        The next statement ends with ``reason``, lest its client believes that the transaction is open.
        """
        self._rolled_back = reason
        self.rollback()

    def take_aborted(self) -> SnowflakeError | None:
        """The error about a transaction that others rolled back, once."""
        reason, self._rolled_back = self._rolled_back, None
        return reason

    def lock(self, *resources: Resource, shared: bool = False) -> bool:
        """Lock resources until the transaction ends; the transaction sees what was committed before it got them.

        Returns whether there is one that the transaction did not hold before. Raises 000625 after LOCK_TIMEOUT seconds;
        000604, 000630 if the statement is stopped.
        """
        gained = self._acquire(self._transaction_id, resources, shared=shared)
        if gained:
            self.refresh()
        return gained

    @contextmanager
    def holding(self, *resources: Resource) -> Iterator[None]:
        """Have resources alone for one statement that runs outside the session's transaction.

        Raises as ``lock`` does.
        """
        self.changing = owner = new_transaction()
        try:
            self._acquire(owner, resources, shared=False)
            yield
        finally:
            self.changing = None
            self.locks.release(owner)

    def _acquire(self, owner: int, resources: Iterable[Resource], *, shared: bool) -> bool:
        timeout = float(self.parameters.get("LOCK_TIMEOUT", 43_200))
        gained = self.locks.acquire(
            owner, resources, timeout, shared=shared, query_id=self.query_id, stopped=lambda: self.interruption
        )
        return bool(gained)

    def refresh(self) -> None:
        """Let the next statement of the transaction see what others have committed: READ COMMITTED."""
        if self.in_transaction and not self._writes and not self._has_part:
            self.duck.execute("COMMIT")
            self._begin_duck()

    @property
    def has_written(self) -> bool:
        """Whether the open transaction has written something, so that it keeps to one snapshot of the data."""
        return bool(self._writes)

    def renew(self) -> None:
        """Let the open transaction go on from what others have committed, its own writes done again on that."""
        self._recover(execution_error("the table that it writes was altered by another session"))

    def read(self, work: Callable[[], T]) -> T:
        """Run something that only reads; a failure leaves the open transaction as it was."""
        self.refresh()
        try:
            return work()
        except (duckdb.Error, SnowflakeError) as error:
            failure = from_duckdb(error) if isinstance(error, duckdb.Error) else error
            if self._aborted():
                self._recover(failure)
            raise failure from None

    def write(self, work: Callable[[], T], inputs: StatementInputs | None = None) -> T:
        """Run something that writes, all of it or nothing: in the open transaction or in one of its own.

        ``work`` may run again: after a conflict with another writer, or when a later statement fails; if it would write
        something else then because its ``inputs`` changed, the transaction is rolled back instead.
        """
        if self._is_writing:
            # a part of a statement that writes more than one table: it fails as a whole
            done = work()
            self._has_part = True
            return done
        own = not self.in_transaction and self.autocommit
        for attempt in range(_CONFLICT_RETRIES):
            self.begin()
            try:
                self._is_writing = True
                try:
                    done = work()
                finally:
                    self._is_writing = self._has_part = False
                if own:
                    self._end_duck("COMMIT")
            except duckdb.Error as error:
                again = is_conflict(error) and attempt < _CONFLICT_RETRIES - 1
                self._take_back(from_duckdb(error), own=own, again=again)
                if not again:
                    raise from_duckdb(error) from None
            except BaseException as error:
                self._take_back(error, own=own)
                raise
            else:
                if own:
                    self.drop_rows()
                else:
                    self._writes.append((work, inputs))
                return done
        raise AssertionError("unreachable")

    def _take_back(self, failure: BaseException, *, own: bool, again: bool = False) -> None:
        """Undo a write that failed: with its own transaction, or in the open one, whose other writes are kept."""
        if not own:
            if not _before_writing(failure) or self._aborted():
                self._recover(failure)
        elif again:
            # the rows that the statement reads are still there for the next attempt
            if self.in_transaction:
                self._end_duck("ROLLBACK")
            self._register_again()
        else:
            self.rollback()

    def _aborted(self) -> bool:
        try:
            self.duck.execute("SELECT 1").fetchall()
        except duckdb.TransactionException:
            return True
        return False

    def _recover(self, failure: BaseException) -> None:
        """Replace an aborted DuckDB transaction by a new one with the same writes.

        Raises 000603 if they could not run again or would have written something else; the transaction is rolled back.
        Its text names the failure that aborted it.
        """
        if not self.in_transaction:
            return
        self.duck.execute("ROLLBACK")
        before = self._moment
        self._begin_duck()
        self._register_again()
        conflict = replay(self._writes, self.clock, before)
        if conflict:
            self.rollback()
            text = f"The open transaction was rolled back. A statement failed: {failure}\nThe statements before it "
            text += f"have to run again then, and one of them would not do the same: {conflict}. Begin it again."
            raise SnowflakeError(603, "40000", text)

    # -- statements and their results ---------------------------------------------------------------------------------

    def note_ended(self, query_id: str) -> None:
        """Note that a statement ended."""
        self._ended += 1
        self._query_ids.append(query_id)

    def numbered_query(self, number: int) -> str | None:
        """The id of the session's first statement for 1, of its last for -1; None if there is none or it is too old."""
        index = number - 1 - self._ended if number > 0 else number
        return self._query_ids[index] if -len(self._query_ids) <= index < 0 else None

    def remember(self, query_id: str, rows: pa.Table, types: Mapping[str, SfType]) -> None:
        """Keep the rows of a statement's result, and the types of its columns, for RESULT_SCAN."""
        self.results.put(query_id, (rows, types), rows.nbytes)

    def register_rows(self, name: str, rows: pa.Table) -> None:
        """Let the running statement read an arrow table as ``name``; a transaction keeps it to repeat its writes."""
        self._rows[name] = rows
        self.duck.register(name, rows)

    def _register_again(self) -> None:
        for name, rows in self._rows.items():
            self.duck.register(name, rows)

    def drop_rows(self) -> None:
        """Let go of the rows that were registered for statements, once no transaction needs them."""
        while self._rows and not self.in_transaction:
            name, _ = self._rows.popitem()
            self.duck.unregister(name)

    def interrupt(self, reason: SnowflakeError | None = None) -> None:
        """Stop the statement that runs, from another thread: it ends with ``reason``, by default its cancellation."""
        self.interruption = reason or canceled()
        self.duck.interrupt()
        self.locks.wake()
        for stop in list(self.on_interrupt):
            stop()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Around a statement: it ends with the interruption's error, and at STATEMENT_TIMEOUT_IN_SECONDS if set.

        Statements of procedures run inside the one that called them.
        """
        if self._depth == 0:
            self.interruption = None
        seconds = float(self.parameters.get("STATEMENT_TIMEOUT_IN_SECONDS", 0))
        timer = threading.Timer(seconds, self.interrupt, [timed_out(seconds)]) if seconds else None
        if timer:
            timer.daemon = True
            timer.start()
        self._depth += 1
        try:
            yield
        except (SnowflakeError, duckdb.Error):
            if self.interruption is not None:
                raise self.interruption from None
            raise
        finally:
            self._depth -= 1
            if timer:
                timer.cancel()

    def close(self) -> None:
        """Undo what is open and let go of temporary objects."""
        self.rollback()
        for ending in self.endings:
            ending()
        self.duck.close()


def _before_writing(error: BaseException) -> bool:
    """Whether a writing statement failed before it wrote: it takes its locks first, and looks at definitions then."""
    return isinstance(error, CatalogChangedError) or (isinstance(error, SnowflakeError) and error.code == _NOT_LOCKED)
