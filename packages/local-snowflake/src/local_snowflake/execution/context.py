"""What a statement's handler works with: services, the session, and the names that the session's context resolves."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.catalog import RELATIONS, Change
from local_snowflake.catalog.objects import TABLE, VIEW, Relation, Table, View
from local_snowflake.errors import SnowflakeError, does_not_exist
from local_snowflake.execution.results import Result
from local_snowflake.execution.services import Services
from local_snowflake.sessions.locks import Resource
from local_snowflake.sessions.replay import StatementInputs
from local_snowflake.sessions.token import SessionToken
from local_snowflake.sql.names import Name, joined, quote

T = TypeVar("T")


class Context:
    """One statement's surroundings; it has a ``query_id`` if it is recorded."""

    def __init__(self, services: Services, token: SessionToken, query_id: str | None = None) -> None:
        self.services = services
        self.compiler = services.compiler
        self.token = token
        self.session = token.session
        # what the session's roles may do, and the objects that they see
        self.rights = services.access.rights(token.session)
        self.catalog = self.rights.catalog
        # whether a statement says COPY GRANTS
        self.copies_grants = False
        self.query_id = query_id
        # the catalog as it was before the statement read anything of it
        self.since = services.catalog.version
        # whether the statement is only described: nothing that it calls may have an effect
        self.only_describes = False
        # what CURRENT_TIMESTAMP is
        self.started = datetime.now(UTC)
        # the tables that the statement reads, and its calls that give something else the next time
        self.reads: dict[Name, Table] = {}
        self.random_calls: set[str] = set()
        # the streams that the statement reads, by their ids: compiling it puts them here
        self.streams: set[int] = set()
        # the streams at whose offsets it reads tables, likewise
        self.points: set[int] = set()
        # what DuckDB runs for it
        self.translated: Sequence[str] = ()

    def execute(self, sql: str) -> Result:
        """Run another Snowflake statement in the same session, eg: one of a block."""
        return self.services.run(self.token, sql)

    # -- names --------------------------------------------------------------------------------------------------------

    def current_database(self, action: str | None = None) -> str:
        """The session's database. Raises 090105 if it has none; the error names ``action``."""
        if self.session.database is None:
            raise _no_current("database", action)
        return self.session.database

    @property
    def has_schema(self) -> bool:
        """Whether names without a schema can be found: the session has one, or its database has PUBLIC."""
        database = self.session.database
        if database is None or self.session.schema is not None:
            return self.session.schema is not None
        return self.catalog.get("SCHEMA", Name(database, "", "PUBLIC")) is not None

    def current_schema(self) -> str:
        """The session's schema; without one the database's PUBLIC, which the default search path ends with.

        Raises 090106 if there is neither.

        Source: https://docs.snowflake.com/en/sql-reference/name-resolution
        """
        if self.session.schema is None:
            if self.has_schema:
                return "PUBLIC"
            raise _no_current("schema")
        return self.session.schema

    def resolve(self, parts: Sequence[str], *, action: str | None = None) -> Name:
        """The full name of an object in a schema.

        Args:
            parts: one to three normalised parts; a reference means its object.
            action: what DDL or DML does with the object, eg: CREATE TABLE. Its names are not searched for: those
                without a schema are in the session's.

        Raises:
            SnowflakeError: 090105 without a current database where the name needs one; 090106 likewise of the schema.

        Source: https://docs.snowflake.com/en/sql-reference/name-resolution
        """
        if len(parts) == 1:
            if parts[0] in self.session.references:
                return self.session.references[parts[0]]
            if action and self.session.database is not None and self.session.schema is None:
                raise _no_current("schema", action)
            return Name(self.current_database(action), self.current_schema(), parts[0])
        if len(parts) == 2:
            return Name(self.current_database(action), parts[0], parts[1])
        return Name(parts[0], parts[1] or "PUBLIC", parts[2])

    def resolve_schema(self, parts: Sequence[str], *, action: str | None = None) -> Name:
        """The name under which a schema is catalogued, from one or two parts; ``action`` as in ``resolve``."""
        if len(parts) == 1:
            return Name(self.current_database(action), "", parts[0])
        return Name(parts[0], "", parts[1])

    def require_schema(self, name: Name) -> None:
        """Raise 002003 unless the schema that ``name``, of a new object, lives in is there.

        Raise 003041 if a table, view or stream has the name that the roles may not see.
        """
        if not self.catalog.get("DATABASE", Name("", "", name.database)):
            raise does_not_exist("DATABASE", name.database)
        if not self.catalog.get("SCHEMA", Name(name.database, "", name.schema)):
            raise does_not_exist("SCHEMA", f"{name.database}.{name.schema}")
        self.rights.refuse_unseen(RELATIONS, name)

    def relation(self, name: Name) -> Relation | None:
        """The table, view or stream of a name; the session's temporary table or view hides a permanent one."""
        return self.temporary(name) or self.catalog.relation(name)

    def temporary(self, name: Name) -> Table | View | None:
        """The session's temporary table or view of a name."""
        temporary = self.session.temporary_objects
        return temporary.get((TABLE, name)) or temporary.get((VIEW, name))

    def is_temporary(self, name: Name) -> bool:
        """Whether a name means a temporary table of this session."""
        return (TABLE, name) in self.session.temporary_objects

    def physical(self, name: Name) -> str:
        """The DuckDB table of a table, quoted."""
        return f"temp.main.{quote(temporary_name(name))}" if self.is_temporary(name) else name.physical

    def physical_table(self, name: Name) -> exp.Table:
        """The DuckDB table of a table, as a syntax tree."""
        if self.is_temporary(name):
            return exp.table_(temporary_name(name), "main", "temp", quoted=True)
        return exp.table_(name.name, name.physical_schema, quoted=True)

    # -- DuckDB -------------------------------------------------------------------------------------------------------

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a DuckDB query in the session's transaction."""
        return self.session.duck.execute(sql, list(params)).fetchall()

    def arrow(self, sql: str) -> pa.Table:
        """A DuckDB query's result, in the session's transaction, as an arrow table."""
        return self.session.duck.execute(sql).to_arrow_table()

    @contextmanager
    def ddl(self, *tables: Name, locks: Iterable[Resource] = ()) -> Iterator[Change]:
        """A change of objects: commits the open transaction and runs in one of its own.

        Args:
            tables: those that it makes, changes or drops: it waits until no transaction writes them.
            locks: what else it has to have alone.

        Raises:
            SnowflakeError: 000625 after LOCK_TIMEOUT seconds.
            CatalogChangedError: another session changed what the statement has read; the account runs it again.

        Source: https://docs.snowflake.com/en/sql-reference/transactions#ddl
        """
        self.session.commit(in_statement=True)
        permanent = [name for name in tables if not self.is_temporary(name)]
        held = self.session.holding(*map(definition_lock, permanent), *locks)
        with held, self.catalog.change(self.session.duck, self.since) as change:
            change.copies_grants = self.copies_grants
            change.rely_on(*permanent)
            yield change
        self.since = self.catalog.version

    @property
    def stays_in_transaction(self) -> bool:
        """Whether a statement about temporary tables does not commit the open transaction: Snowpark asks for that."""
        return self.session.in_transaction and self.session.parameters.get("SNOWPARK_SKIP_TXN_COMMIT_IN_DDL") is True

    def change_of_session(self, work: Callable[[Change], T], inputs: StatementInputs | None = None) -> T:
        """A change of the session's temporary tables that is a part of the open transaction.

        Args:
            work: what makes it; may run again, as the other writes of the transaction.
            inputs: what it depends on.
        """
        change = Change(self.services.catalog, self.session.duck, self.since)
        with self.session.temporary_objects.kept():
            return self.session.write(lambda: work(change), inputs)


def _no_current(kind: str, action: str | None = None) -> SnowflakeError:
    text = f"Cannot perform {action or 'operation'}. This session does not have a current {kind}. "
    code = 90105 if kind == "database" else 90106
    return SnowflakeError(code, "22000", f"{text}Call 'USE {kind.upper()}', or use a qualified name.")


def definition_lock(table: Name) -> Resource:
    """The lock that all writers of a table share, and that whoever changes the table itself needs alone."""
    return Resource(table.fqn, "DEFINITION")


def temporary_name(name: Name) -> str:
    """The name of a temporary table inside DuckDB's one schema for them."""
    return joined(name)
