"""The account: opens the data directory, makes the services of its handlers, and runs statements."""

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

import local_snowflake.handlers  # noqa: F401 (registers them)
from local_snowflake import streams
from local_snowflake.catalog import upgrades
from local_snowflake.catalog.catalog import WHAT_TO_DO, Catalog
from local_snowflake.catalog.objects import ROLE, USER, Object, RecordedOptions
from local_snowflake.catalog.storage import FILE, Storage, is_damage, refusing_damage
from local_snowflake.copy import load_history
from local_snowflake.errors import (
    CatalogChangedError,
    SnowflakeError,
    execution_error,
    from_duckdb,
    internal_error,
    log_failure,
    nested_too_deeply,
    out_of_memory,
)
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.query_history import QueryHistory, QueryRecord
from local_snowflake.execution.results import Result
from local_snowflake.execution.services import Services
from local_snowflake.functions import python_calls
from local_snowflake.functions.vectorized import VectorFunctions
from local_snowflake.models.versions import remove_unused_folders
from local_snowflake.periodic import PeriodicThread
from local_snowflake.privileges.rights import Access
from local_snowflake.privileges.upkeep import grants_after
from local_snowflake.python.isolation import Isolation
from local_snowflake.python.pool import Workers
from local_snowflake.rewrites import PIPELINE
from local_snowflake.roles.roles import BUILT_IN_ROLES
from local_snowflake.sessions.idle import IdleLimits, IdleSessions
from local_snowflake.sessions.locks import LockTable
from local_snowflake.sessions.registry import SessionRegistry
from local_snowflake.sessions.replay import TableClock
from local_snowflake.sessions.session import Session
from local_snowflake.sessions.token import SessionToken
from local_snowflake.sql import binds, flow_operator, queries
from local_snowflake.sql.compiler import Compiler
from local_snowflake.sql.dialect import macro_definitions
from local_snowflake.sql.identifiers import inline_identifiers
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import RAW_VERBS, Statement
from local_snowflake.stages import locations
from local_snowflake.stages.transfers import Transfers
from local_snowflake.streams.trimming import trim_all
from local_snowflake.tasks.execution import TaskExecutor
from local_snowflake.tasks.scheduler import Scheduler
from local_snowflake.users import key_pair_tokens
from local_snowflake.users.public_keys import keys_of

logger = logging.getLogger(__name__)
_CLOSE_SECONDS = 5.0
_WATCH_PERIOD, _IDLE_PERIOD, _TRIM_PERIOD = 1.0, 1.0, 3600.0
# the seconds after each attempt at a statement whose objects others change
_WAITS = (0.0, *(min(0.002 * 2**n, 0.5) for n in range(29)))
# what holds statements of its own: a flow operator in it is theirs
_BLOCK_VERBS = {"BEGIN", "DECLARE", "EXECUTE", "CREATE"}

DEFAULT_NAME = "LOCAL"


@dataclass(frozen=True)
class AccountSettings:
    """How an account is served.

    Attributes:
        name: the account's name.
        limits: those of idle clients.
        enforce_privileges: whether a session may only do what is granted to its roles.
    """

    name: str = DEFAULT_NAME
    limits: IdleLimits = field(default_factory=IdleLimits)
    enforce_privileges: bool = False


class Account:
    """One local Snowflake account."""

    def __init__(self, data_dir: Path, settings: AccountSettings = AccountSettings()) -> None:
        """Open the account kept in ``data_dir``, or make a new one there."""
        self._storage = Storage(data_dir / FILE)
        with refusing_damage(data_dir / FILE):
            self._catalog = Catalog(self._storage.cursor())
            self._catalog.lose_tables_without_rows(self._storage.cursor())
            upgrades.upgrade(self._storage.cursor(), self._catalog)
        self._catalog.on_commit = partial(grants_after, self._catalog)
        for reason in self._catalog.lost.values():
            logger.warning("out of reach: %s %s", reason, WHAT_TO_DO)
        self._storage.define(macro_definitions)
        self._locks = LockTable()
        self._make_roles()
        self._clock = TableClock(streams.prepare(self._storage.cursor(), self._catalog))
        load_history.prepare(self._storage.cursor())
        locations.sweep(data_dir, self._catalog)
        remove_unused_folders(self._catalog, data_dir)
        self.sessions = SessionRegistry(self._catalog, self._new_session)
        self._compiler = Compiler(PIPELINE)
        self._scheduler = Scheduler(self._storage, self._catalog, TaskExecutor(self.sessions, self.context))
        self.transfers = Transfers()
        vectors = VectorFunctions(self._storage.cursor())
        python_calls.register(vectors)
        self.history = QueryHistory()
        # called with the reason when no statement can run any more
        self.on_failure: Callable[[str], None] = lambda _: None
        self._services = Services(
            account=settings.name.upper(),
            data_dir=data_dir,
            address={},
            storage=self._storage,
            catalog=self._catalog,
            access=Access(self._catalog, enforced=settings.enforce_privileges),
            sessions=self.sessions,
            history=self.history,
            workers=Workers(data_dir / "workers"),
            compiler=self._compiler,
            run=self.execute,
            others={type(other): other for other in (self._compiler, self._scheduler, self.transfers, vectors)},
        )
        idle = IdleSessions(self.sessions, self._locks, settings.limits)
        self._housekeeping = (
            PeriodicThread("watch the database", _WATCH_PERIOD, self.watch),
            PeriodicThread("end idle sessions", _IDLE_PERIOD, idle.end_idle),
            PeriodicThread("trim history", _TRIM_PERIOD, lambda: trim_all(self._storage, self._catalog)),
        )

    def check(self) -> None:
        """Ask the database something.

        Raises:
            duckdb.Error: if it does not answer.
        """
        self._storage.check()

    @property
    def isolation(self) -> Isolation:
        """How handlers in Python are isolated from the server."""
        return self._services.workers.isolation

    def watch(self) -> None:
        """Call ``on_failure`` if the database does not answer any more."""
        try:
            self.check()
        except duckdb.FatalException as error:
            self.on_failure(str(error))

    def _make_roles(self) -> None:
        """Give a new account the system's roles."""
        if not self._catalog.all(ROLE):
            with self._catalog.change(self._storage.cursor()) as change:
                for role in BUILT_IN_ROLES:
                    change.put(Object(ROLE, Name("", "", role), RecordedOptions({}), owner=""))

    def _new_session(self, user: str) -> Session:
        session = Session(self._storage.cursor(), self._locks, user)
        session.clock = self._clock
        session.before_commit = partial(streams.stamp_versions, session)
        session.on_commit = self._scheduler.data_changed
        return session

    def check_key_pair_token(self, token: str, user: str, oldest: float) -> None:
        """Check that a token was signed with a private key of a user, at most ``oldest`` seconds ago.

        Raises:
            InvalidTokenError: if it was not.
        """
        keys = keys_of(self._catalog.get(USER, Name("", "", user.upper())))
        key_pair_tokens.check(token, self._services.account, user, keys, oldest)

    def may_take(self, user: str, role: str) -> bool:
        """Whether a user may take a role: any, unless privileges are enforced."""
        access = self._services.access
        return not access.enforced or role in access.roles_of_user(user)

    def start(self, address: dict[str, Any]) -> None:
        """Begin background work; ``address`` is the host and port under which procedures reach this server."""
        self._services.address.update(address)
        self._services.workers.start()
        self._scheduler.start()
        for thread in self._housekeeping:
            thread.start()

    def close(self) -> None:
        """End the tasks and all sessions, and close the file."""
        self._scheduler.stop()
        for thread in self._housekeeping:
            thread.stop()
        try:
            self.sessions.close_all(_CLOSE_SECONDS)
        except (SnowflakeError, duckdb.Error) as error:
            logger.warning("a session could not be closed: %s", error)
        self._services.workers.close()
        self._storage.close()

    # -- statements ---------------------------------------------------------------------------------------------------

    def context(self, token: SessionToken, query_id: str | None = None) -> Context:
        """The context of a statement that is to run under a token."""
        return Context(self._services, token, query_id)

    def execute(
        self, token: SessionToken, sql: str, bindings: dict[str, Any] | None = None, *, query_id: str | None = None
    ) -> Result:
        """Run one statement in the session of a token whose lock the caller holds.

        ``bindings`` are the protocol's bind values: number -> {"type", "value"}. PUT and GET give what the client has
        to transfer, all others rows.
        """
        session = token.session
        session.query_id = query_id = query_id or str(uuid.uuid4())
        tag = str(session.parameters.get("QUERY_TAG", ""))
        owner = session.id, session.user, session.role, session.database, session.schema
        record = QueryRecord(query_id, sql, *owner, datetime.now(UTC), tag)
        self.history.add(record)
        started = time.monotonic()
        try:
            with session.running(), _in_words(query_id):
                result = self._attempt(token, record, bindings)
        except SnowflakeError as error:
            record.fail(error)
            raise
        finally:
            record.ended = datetime.now(UTC)
            session.note_ended(query_id)
            logger.debug("%.3fs %s %s", time.monotonic() - started, record.status, sql[:2000])
        record.succeed(result.table.num_rows)
        result.query_id = query_id
        session.remember(query_id, result.named_table, result.types)
        return result

    def _attempt(self, token: SessionToken, record: QueryRecord, bindings: dict[str, Any] | None) -> Result:
        """Run a statement from its beginning, and again when another session changed what it had read."""
        for wait in _WAITS:
            ctx = self.context(token, record.query_id)
            try:
                return self._dispatch(ctx, record.text, bindings)
            except (SnowflakeError, duckdb.Error) as error:
                if not is_damage(error):
                    raise
                tables = ", ".join(sorted(name.fqn for name in ctx.reads)) or "what the statement concerns"
                raise execution_error(f"{tables} is damaged in {FILE}: {error} {WHAT_TO_DO}", 603, "XX000") from None
            except CatalogChangedError as error:
                last = error
                if token.session.interruption is not None:
                    raise token.session.interruption from None
                time.sleep(wait)
            finally:
                record.translated = ctx.translated
        text = f"The statement was tried {len(_WAITS)} times, and each time another session changed its objects: {last}"
        raise execution_error(text + " Run it again.")

    def _dispatch(self, ctx: Context, sql: str, bindings: dict[str, Any] | None) -> Result:
        statement = self._compiler.statement(sql)
        if (aborted := ctx.session.take_aborted()) and statement.verb != "ROLLBACK":
            raise aborted
        if statement.verb in RAW_VERBS:
            statement.binds = [b["value"] for b in (bindings or {}).values()]
            return registry.STATEMENTS[statement.verb, ""](ctx, statement)
        if bindings and binds.is_batch(bindings):
            name = binds.BATCH_PREFIX + uuid.uuid4().hex.upper()
            text, rows = binds.batch(statement, bindings, name)
            return queries.run_with_rows(ctx, text, name, rows)
        if bindings and (result := queries.run_prepared(ctx, statement, bindings)):
            return result
        statement = self._with_values(ctx, statement, bindings)
        if statement.verb not in _BLOCK_VERBS and len(chain := flow_operator.split(statement)) > 1:
            return flow_operator.run(ctx, chain)
        handlers = (registry.STATEMENTS.get((statement.verb, kind)) for kind in (statement.kind, ""))
        handler = next(filter(None, handlers), None)
        return handler(ctx, statement) if handler else queries.run(ctx, statement)

    def _with_values(self, ctx: Context, statement: Statement, bindings: dict[str, Any] | None) -> Statement:
        """A statement with its bind values, and with names in the place of IDENTIFIER(…)."""
        if bindings and not binds.is_batch(bindings):
            statement = self._compiler.statement(binds.inline(statement, bindings))
        return self._compiler.statement(inline_identifiers(statement, ctx.session.variables))

    def describe(self, token: SessionToken, sql: str, bindings: dict[str, Any] | None = None) -> Result:
        """The columns that a statement would give, without running it."""
        ctx = self.context(token)
        with _in_words(str(uuid.uuid4())):
            statement = self._with_values(ctx, self._compiler.statement(sql), bindings)
            if len(chain := flow_operator.split(statement)) > 1:
                return flow_operator.describe_last(ctx, chain)
            return queries.describe(ctx, statement.sql)


@contextmanager
def _in_words(query_id: str) -> Iterator[None]:
    """Let whatever a statement fails with be an error of Snowflake's: a client reads no exception of Python's."""
    try:
        yield
    except (SnowflakeError, CatalogChangedError):
        raise
    except duckdb.Error as error:
        raise from_duckdb(error) from None
    except RecursionError:
        raise nested_too_deeply() from None
    except MemoryError:
        raise out_of_memory() from None
    except Exception as error:
        log_failure(logger, f"statement {query_id} failed in the server", error)
        raise internal_error(query_id) from error
