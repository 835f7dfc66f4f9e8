"""One session: its lock, context, transaction, parameters and temporary objects."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from local_snowflake.catalog import Object
from local_snowflake.computed import ComputedTables, computing
from local_snowflake.errors import SnowflakeError, canceled, from_duckdb, timed_out
from local_snowflake.locks import LockTable
from local_snowflake.names import Name
from local_snowflake.query_ids import QueryIds
from local_snowflake.repeating import Repetition, TableClock, Write, run_again
from local_snowflake.results import Result

T = TypeVar("T")
_CONFLICT_RETRIES = 50
# the error of a statement that did not get a lock
_NOT_LOCKED = 625
_RESULTS_KEPT = 64


class Session:
    """The state of one session, over a DuckDB connection of its own.

    DuckDB aborts a transaction at its first failing statement and Snowflake does not: so the writes of an open
    transaction are logged, and after a failure they are played again into a new one, the failed statement left out.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, locks: LockTable, user: str) -> None:
        """Start with no current database and autocommit on."""
        self.id = secrets.randbits(52)
        # tables that are computed when a statement reads them: results of models and functions
        self.computed = ComputedTables(duck)
        self.duck = computing(duck, self.computed)
        self.locks = locks
        self.user = user
        self.role = "ACCOUNTADMIN"
        # the client's name and version, as it tells them
        self.client = ""
        self.warehouse: str | None = None
        self.database: str | None = None
        self.schema: str | None = None
        self.parameters: dict[str, Any] = {}
        self.variables: dict[str, Any] = {}
        self.temporary: dict[Name, Object] = {}
        # temporary objects that are no relations, eg: stages, by kind and name; what to do about them at the end
        self.temporary_objects: dict[tuple[str, Name], Object] = {}
        self.endings: list[Callable[[], None]] = []
        self.results: OrderedDict[str, Result] = OrderedDict()
        self.query_ids = QueryIds()
        self.autocommit = True
        self.in_transaction = False
        # what a transaction remembers between its statements, eg: which rows of a stream it may see
        self.notes: dict[Any, Any] = {}
        # the run of a task that the session executes
        self.task: Any = None
        # called right before and after each commit; and what, beside DuckDB, an interrupt has to stop
        self.before_commit: Callable[[], None] = lambda: None
        self.on_commit: Callable[[], None] = lambda: None
        self.on_interrupt: list[Callable[[], None]] = []
        # why the running statement is being stopped
        self.interruption: SnowflakeError | None = None
        self._depth = 0
        # rows of table functions that the running statement reads, by the name they are registered under
        self._rows: dict[str, pa.Table] = {}
        self._writes: list[Write] = []
        # the tables that the open transaction has written; when it saw those that it reads
        self.written: set[Name] = set()
        self.clock = TableClock()
        self._moment = 0
        self._transaction_id: Hashable = None

    # -- transactions -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open a transaction; a second BEGIN in one is ignored, as in Snowflake."""
        if not self.in_transaction:
            self._begin_duck()
            self.in_transaction = True
            self._transaction_id = uuid.uuid4()

    def _begin_duck(self) -> None:
        self._moment = self.clock.now
        self.duck.execute("BEGIN TRANSACTION")

    @property
    def transaction(self) -> Hashable:
        """What identifies the open transaction; None without one."""
        return self._transaction_id if self.in_transaction else None

    def commit(self) -> None:
        """Make the open transaction's writes durable and visible; nothing happens without one."""
        if self.in_transaction:
            self._end("COMMIT")

    def rollback(self) -> None:
        """Undo the open transaction's writes; nothing happens without one."""
        if self.in_transaction:
            self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        try:
            if how == "COMMIT":
                self._prepare_commit()
            with self.clock.committing(self.written if how == "COMMIT" else ()):
                self.duck.execute(how)
        except duckdb.Error as error:
            raise from_duckdb(error) from None
        finally:
            self.in_transaction = False
            self.notes.clear()
            self._writes.clear()
            self.written.clear()
            self.locks.release(self._transaction_id)
            self.drop_rows()
        if how == "COMMIT":
            self.on_commit()

    def _prepare_commit(self) -> None:
        try:
            self.before_commit()
        except BaseException:
            self.duck.execute("ROLLBACK")
            raise

    def interrupt(self, reason: SnowflakeError | None = None) -> None:
        """Stop the statement that runs in the session, from another thread; nothing happens if none does.

        Args:
            reason: the error that the statement ends with; by default it was cancelled.
        """
        self.interruption = reason or canceled()
        self.duck.interrupt()
        self.locks.interrupt(self._transaction_id)
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

    def lock(self, *resources: str, shared: bool = False) -> None:
        """Lock resources until the transaction ends; the transaction sees what was committed before it got them.

        Args:
            resources: their names.
            shared: whether others may share them.

        Raises:
            SnowflakeError: 000625 after LOCK_TIMEOUT seconds.
        """
        timeout = float(self.parameters.get("LOCK_TIMEOUT", 43_200))
        if self.locks.acquire(self._transaction_id, resources, timeout, shared=shared):
            self.refresh()

    def refresh(self) -> None:
        """Let the next statement of the transaction see what others have committed: READ COMMITTED."""
        if self.in_transaction and not self._writes:
            self.duck.execute("COMMIT")
            self._begin_duck()

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

    def write(self, work: Callable[[], T], repetition: Repetition | None = None) -> T:
        """Run something that writes, all of it or nothing: in the open transaction or in one of its own.

        ``work`` may run again: after a conflict with another writer, or when a later statement fails; if ``repetition``
        tells that it would write something else then, the transaction is rolled back instead.
        """
        if not self.in_transaction and self.autocommit:
            return self._autocommitted(work)
        self.begin()
        for attempt in range(_CONFLICT_RETRIES):
            try:
                done = work()
            except duckdb.Error as error:
                self._recover(from_duckdb(error))
                if not _is_conflict(error) or attempt == _CONFLICT_RETRIES - 1:
                    raise from_duckdb(error) from None
            except BaseException as error:
                # locks are taken before anything is written
                if not (isinstance(error, SnowflakeError) and error.code == _NOT_LOCKED) or self._aborted():
                    self._recover(error)
                raise
            else:
                self._writes.append((work, repetition))
                return done
        raise AssertionError("unreachable")

    def _autocommitted(self, work: Callable[[], T]) -> T:
        for attempt in range(_CONFLICT_RETRIES):
            self.begin()
            try:
                done = work()
                self.commit()
                return done
            except duckdb.Error as error:
                self.rollback()
                if not _is_conflict(error) or attempt == _CONFLICT_RETRIES - 1:
                    raise from_duckdb(error) from None
            except SnowflakeError as error:
                self.rollback()
                if "onflict" not in error.message or error.code != 603:
                    raise
            except BaseException:
                self.rollback()
                raise
        raise AssertionError("unreachable")

    def _aborted(self) -> bool:
        try:
            self.duck.execute("SELECT 1").fetchall()
        except duckdb.TransactionException:
            return True
        return False

    def _recover(self, failure: BaseException) -> None:
        """Replace an aborted DuckDB transaction by a new one with the same writes.

        Raises:
            SnowflakeError: 000603, if they could not run again or would have written something else; the transaction is
                rolled back. It tells the failure that aborted it.
        """
        if not self.in_transaction:
            return
        self.duck.execute("ROLLBACK")
        before = self._moment
        self._begin_duck()
        for name, rows in self._rows.items():
            self.duck.register(name, rows)
        hindrance = run_again(self._writes, before)
        if hindrance:
            self.rollback()
            text = f"The open transaction was rolled back. A statement failed: {failure}\nThe statements before it "
            text += f"have to run again then, and one of them could not do the same: {hindrance}. Begin anew."
            raise SnowflakeError(603, "40000", text)

    # -- results ------------------------------------------------------------------------------------------------------

    def remember(self, result: Result) -> None:
        """Keep a result for RESULT_SCAN and for clients that fetch it later."""
        self.results[result.query_id] = result
        while len(self.results) > _RESULTS_KEPT:
            self.results.popitem(last=False)

    def register_rows(self, name: str, rows: pa.Table) -> None:
        """Let the running statement read an arrow table as ``name``; a transaction keeps it to repeat its writes."""
        self._rows[name] = rows
        self.duck.register(name, rows)

    def drop_rows(self) -> None:
        """Let go of the rows that were registered for statements, once no transaction needs them."""
        while self._rows and not self.in_transaction:
            name, _ = self._rows.popitem()
            self.duck.unregister(name)

    def close(self) -> None:
        """Undo what is open and let go of temporary objects."""
        self.rollback()
        for ending in self.endings:
            ending()
        self.duck.close()


class Handle:
    """A token's way into a session. A procedure gets a handle of its own on its caller's session.

    Statements of one handle run one at a time; the caller's handle is busy with the CALL while the procedure's runs.
    """

    def __init__(self, session: Session, *, parent: Handle | None = None) -> None:
        """Make a token for ``session``; ``parent`` is the caller's handle for a procedure."""
        self.token = secrets.token_urlsafe(32)
        self.session = session
        self.parent = parent
        # the transaction that a procedure was called in: it belongs to the caller
        self.callers_transaction = session.transaction if parent else None
        # the address under which the client reaches the server, for the URLs that it is given
        self.base_url = ""
        self.lock = threading.Lock()
        self.running: dict[str, Any] = {}


def _is_conflict(error: duckdb.Error) -> bool:
    text = str(error)
    return isinstance(error, duckdb.TransactionException) and "onflict" in text
