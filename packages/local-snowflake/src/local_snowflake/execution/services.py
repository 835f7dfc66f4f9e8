"""What an account offers to the handlers of its statements."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from sqlglot import exp

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.storage import Storage
from local_snowflake.execution.query_history import QueryHistory
from local_snowflake.execution.results import Result
from local_snowflake.privileges.rights import Access
from local_snowflake.python.pool import Workers
from local_snowflake.sessions.registry import SessionRegistry
from local_snowflake.sql.statement import Statement

T = TypeVar("T")


class StatementCompiler(Protocol):
    """From a statement's text to its syntax tree; the contexts are those of the statement."""

    def statement(self, sql: str) -> Statement:
        """The statement of a text."""

    def parse(self, ctx: Any, sql: str | Statement) -> exp.Expression:
        """The syntax tree of a query or DML statement, after the rewrites of its text; it may be changed."""

    def rewrite(self, ctx: Any, tree: exp.Expression, *, is_block: bool = False) -> exp.Expression:
        """A tree after the rewrites of trees; it may be the same one, changed."""


@dataclass(frozen=True)
class Services:
    """The parts of an account that handlers work with.

    Attributes:
        account: the account's name, as CURRENT_ACCOUNT() answers it.
        data_dir: the directory that holds everything the account keeps.
        address: host and port under which procedures reach the server; empty until the server listens.
        access: what the roles of a session may do.
        run: runs a statement under a token whose lock the caller holds: ``run(token, sql, query_id=…)``.
        workers: the processes that run handlers in Python.
        others: the services of higher layers by their classes: this layer cannot name them.
    """

    account: str
    data_dir: Path
    address: dict[str, Any]
    storage: Storage
    catalog: Catalog
    access: Access
    sessions: SessionRegistry
    history: QueryHistory
    workers: Workers
    compiler: StatementCompiler
    run: Callable[..., Result]
    others: Mapping[type, object]

    def get(self, kind: type[T]) -> T:
        """The service of a class of a higher layer, eg: ``ctx.services.get(Scheduler)``."""
        return cast(T, self.others[kind])
