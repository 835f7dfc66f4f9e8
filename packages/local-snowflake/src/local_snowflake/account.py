"""The account: owns the data directory, the sessions and the catalog, and runs statements."""

from __future__ import annotations

import logging
import re
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from sqlglot.tokens import TokenType

import local_snowflake.handlers  # noqa: F401 (registers them)
from local_snowflake import streams
from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import ROLE, Object, RecordedOptions
from local_snowflake.catalog.storage import Storage
from local_snowflake.copy import load_history
from local_snowflake.errors import CatalogChangedError, SnowflakeError, execution_error, from_duckdb
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.functions import python_calls
from local_snowflake.functions.vectorized import VectorFunctions
from local_snowflake.models.versions import remove_unused_folders
from local_snowflake.python.pool import Workers
from local_snowflake.sessions.handle import Handle
from local_snowflake.sessions.idle import IdleLimits, IdleSessions
from local_snowflake.sessions.locks import LockTable
from local_snowflake.sessions.replay import TableClock
from local_snowflake.sessions.session import Session
from local_snowflake.sql import binds, flow_operator, queries
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import RAW_VERBS, parse_statement, tokenize
from local_snowflake.stages import locations
from local_snowflake.stages.transfers import Transfers
from local_snowflake.statements.account import BUILT_IN_ROLES
from local_snowflake.streams.trimming import Trimmer
from local_snowflake.tasks.scheduler import Scheduler

logger = logging.getLogger(__name__)
_HISTORY_KEPT = 10_000
_CLOSE_SECONDS = 5.0
# the seconds after each attempt at a statement whose objects others change
_WAITS = (0.0, *(min(0.002 * 2**n, 0.5) for n in range(29)))
# what holds statements of its own: a flow operator in it is theirs
_BLOCK_VERBS = {"BEGIN", "DECLARE", "EXECUTE", "CREATE"}


@dataclass
class QueryRecord:
    """A statement's entry in the query history."""

    query_id: str
    text: str
    session_id: int
    user: str
    role: str
    database: str | None
    schema: str | None
    started: datetime
    query_tag: str = ""
    ended: datetime | None = None
    status: str = "RUNNING"
    error_code: int | None = None
    error_message: str | None = None
    rows: int | None = None


class Engine:
    """One local Snowflake account."""

    def __init__(self, data_dir: Path, limits: IdleLimits = IdleLimits()) -> None:  # noqa: B008 (it is frozen)
        """Open the account kept in ``data_dir``, or make a new one there; ``limits`` are those of idle clients."""
        self.data_dir = data_dir
        self.storage = Storage(data_dir / "snowflake.duckdb")
        self.catalog = Catalog(self.storage.cursor())
        self.locks = LockTable()
        self.vectors = VectorFunctions(self.storage.cursor())
        python_calls.announce(self.vectors)
        self.workers = Workers(data_dir / "workers")
        self.transfers = Transfers()
        self.handles: dict[str, Handle] = {}
        self.history: deque[QueryRecord] = deque(maxlen=_HISTORY_KEPT)
        self.address: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.scheduler = Scheduler(self)
        self.idle = IdleSessions(self.locks, lambda: list(self.handles.values()), self._end_session, limits)
        self._make_defaults()
        self.clock = TableClock(streams.prepare(self.storage.cursor(), self.catalog))
        load_history.prepare(self.storage.cursor())
        locations.sweep(data_dir, self.catalog)
        self.trimmer = Trimmer(self.storage, self.catalog)
        remove_unused_folders(self.catalog, data_dir)

    def _make_defaults(self) -> None:
        """What a new account has: the system's roles."""
        if not self.catalog.all(ROLE):
            with self.catalog.change(self.storage.cursor()) as change:
                for role in BUILT_IN_ROLES:
                    change.put(Object(ROLE, Name("", "", role), RecordedOptions({}), owner=""))

    def start(self, address: dict[str, Any]) -> None:
        """Begin background work.

        Args:
            address: host and port under which procedures reach this server.
        """
        self.address = address
        self.workers.start()
        self.scheduler.start()
        self.trimmer.start()
        self.idle.start()

    # -- sessions -----------------------------------------------------------------------------------------------------

    def open_session(self, user: str, database: str | None = None, schema: str | None = None) -> Handle:
        """Start a session; a database or schema that is not there is not made current, as in Snowflake."""
        session = Session(self.storage.cursor(), self.locks, user)
        session.clock = self.clock
        session.before_commit = partial(streams.stamp_versions, session)
        session.on_commit = self.scheduler.data_changed
        if database and self.catalog.get("DATABASE", Name("", "", database)):
            session.database = database
            schema = schema or "PUBLIC"
            session.schema = schema if self.catalog.get("SCHEMA", Name(database, "", schema)) else None
        return self._register(Handle(session))

    def attach(self, parent: Handle) -> Handle:
        """A handle for a procedure: it works in its caller's session and transaction."""
        return self._register(Handle(parent.session, parent=parent))

    def _register(self, handle: Handle) -> Handle:
        with self._lock:
            self.handles[handle.token] = handle
        return handle

    def close_session(self, handle: Handle) -> None:
        """End a session, or only detach a procedure from it."""
        self._forget(handle)
        if handle.parent is None:
            with handle.lock:
                handle.session.close()

    def _end_session(self, handle: Handle) -> None:
        """End the session of a handle whose lock is held."""
        self._forget(handle)
        if handle.parent is None:
            handle.session.close()

    def _forget(self, handle: Handle) -> None:
        with self._lock:
            self.handles.pop(handle.token, None)

    def close(self) -> None:
        """End the tasks and all sessions, and close the file."""
        self.scheduler.stop()
        self.trimmer.stop()
        self.idle.stop()
        self._end_all(time.monotonic() + _CLOSE_SECONDS)
        self.workers.close()
        self.storage.close()

    def _end_all(self, deadline: float) -> None:
        """Stop what runs and end all sessions; what cannot be stopped in time is left: it was not committed."""
        while left := list(self.handles.values()):
            for handle in left:
                if not handle.lock.acquire(timeout=0.05):
                    # it is repeated: a statement may begin between two interrupts
                    handle.session.interrupt()
                    continue
                try:
                    self._end_session(handle)
                finally:
                    handle.lock.release()
            if time.monotonic() > deadline:
                logger.warning("%d sessions did not end in %.0f s", len(self.handles), _CLOSE_SECONDS)
                return

    # -- statements ---------------------------------------------------------------------------------------------------

    def execute(
        self, handle: Handle, sql: str, bindings: dict[str, Any] | None = None, query_id: str | None = None
    ) -> Result:
        """Run one statement.

        Args:
            handle: whose session it runs in. The caller holds the handle's lock.
            sql: the statement.
            bindings: the protocol's bind values: number -> {"type", "value"}.
            query_id: the id to give to the statement, for one that was announced before it runs.

        Returns:
            Rows, or for PUT and GET what the client has to transfer.

        Raises:
            SnowflakeError: whatever went wrong.
        """
        session = handle.session
        session.query_id = query_id = query_id or str(uuid.uuid4())
        record = QueryRecord(
            query_id,
            sql,
            session.id,
            session.user,
            session.role,
            session.database,
            session.schema,
            datetime.now(UTC),
            str(session.parameters.get("QUERY_TAG", "")),
        )
        self.history.append(record)
        started = time.monotonic()
        try:
            with session.running():
                result = self._attempt(handle, record.query_id, sql, bindings)
        except SnowflakeError as error:
            record.status, record.error_code, record.error_message = "FAILED_WITH_ERROR", error.code, error.message
            raise
        except duckdb.Error as error:
            translated = from_duckdb(error)
            record.status, record.error_code = "FAILED_WITH_ERROR", translated.code
            record.error_message = translated.message
            raise translated from None
        finally:
            record.ended = datetime.now(UTC)
            session.query_ids.append(record.query_id)
            logger.debug("%.3fs %s %s", time.monotonic() - started, record.status, sql[:2000])
        record.status, record.rows = "SUCCESS", result.table.num_rows
        result.query_id = record.query_id
        session.remember(result)
        return result

    def _attempt(self, handle: Handle, query_id: str, sql: str, bindings: dict[str, Any] | None) -> Result:
        """Run a statement from its beginning, and again when another session changed what it had read."""
        for wait in _WAITS:
            context = Context(self, handle)
            context.query_id = query_id
            try:
                return self._dispatch(context, sql, bindings)
            except CatalogChangedError as error:
                last = error
                if handle.session.interruption is not None:
                    raise handle.session.interruption from None
                time.sleep(wait)
        text = f"The statement was tried {len(_WAITS)} times, and each time another session changed its objects: {last}"
        raise execution_error(text + " Run it again.")

    def _dispatch(self, ctx: Context, sql: str, bindings: dict[str, Any] | None) -> Result:
        statement = parse_statement(sql, set(registry.STATEMENTS))
        if (aborted := ctx.session.take_aborted()) and statement.verb != "ROLLBACK":
            raise aborted
        if statement.verb in RAW_VERBS:
            statement.binds = [b["value"] for b in (bindings or {}).values()]
            return registry.STATEMENTS[statement.verb, ""](ctx, statement)
        text, rows = statement.sql, None
        if bindings and binds.is_batch(bindings):
            name = binds.BATCH_PREFIX + uuid.uuid4().hex.upper()
            text, rows = binds.batch(text, bindings, name)
            return queries.run_with_rows(ctx, text, name, rows)
        if bindings:
            text = binds.inline(text, bindings)
        text = _inline_identifiers(text, ctx.session.variables)
        if statement.verb not in _BLOCK_VERBS and len(chain := flow_operator.split(text)) > 1:
            return flow_operator.run(ctx, chain)
        if text != statement.sql:
            statement = parse_statement(text, set(registry.STATEMENTS))
        handler = registry.STATEMENTS.get((statement.verb, statement.kind))
        if handler is None:
            handler = registry.STATEMENTS.get((statement.verb, ""))
        return handler(ctx, statement) if handler else queries.run(ctx, statement)

    def describe(self, handle: Handle, sql: str, bindings: dict[str, Any] | None = None) -> Result:
        """The columns that a statement would give, without running it."""
        ctx = Context(self, handle)
        statement = parse_statement(sql, set(registry.STATEMENTS))
        if bindings and not binds.is_batch(bindings):
            statement = parse_statement(binds.inline(statement.sql, bindings), set(registry.STATEMENTS))
        text = _inline_identifiers(statement.sql, ctx.session.variables)
        if len(chain := flow_operator.split(text)) > 1:
            return flow_operator.describe_last(ctx, chain)
        return queries.describe(ctx, text)


def _inline_identifiers(sql: str, variables: dict[str, Any]) -> str:
    """Replace ``IDENTIFIER('name' | $variable)`` by the name.

    Source: https://docs.snowflake.com/en/sql-reference/identifier-literal
    """
    if not re.search(r"\bidentifier\s*\(\s*['$]", sql, re.I):
        return sql
    tokens = tokenize(sql)
    for i in range(len(tokens) - 4, -1, -1):
        word, opening, name, closing = tokens[i : i + 4]
        if word.text.upper() != "IDENTIFIER" or opening.text != "(":
            continue
        text = name.text
        if name.token_type == TokenType.PARAMETER and closing.text.upper() in variables:
            text, closing = str(variables[closing.text.upper()]), tokens[min(i + 4, len(tokens) - 1)]
        if closing.text == ")":
            sql = sql[: word.start] + text + sql[closing.end + 1 :]
    return sql
