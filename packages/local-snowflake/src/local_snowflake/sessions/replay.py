"""Whether the writes of an open transaction may run again in another one: only if they would write the same.

DuckDB aborts a transaction at an error, and its snapshot is as old as its first write. So a transaction is replaced by
a new one, in which its writes run again: after a statement that failed, and before one that needs a newer snapshot.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.names import Name

if TYPE_CHECKING:
    from local_snowflake.catalog.objects import Relation
    from local_snowflake.execution.context import Context

RANDOM = (exp.Rand, exp.Uuid, exp.Uniform, exp.Normal, exp.Zipf, exp.Randstr, exp.TableSample)
_CHANGING_DEFAULT = re.compile(r"\b(CURRENT_\w+|LOCALTIME\w*|SYSDATE|SYSTIMESTAMP|GETDATE|UUID_STRING|RANDOM)\b", re.I)

_EPOCH = datetime.fromtimestamp(0, UTC)


class TableClock:
    """When tables were last written by a transaction that committed; one for all sessions."""

    def __init__(self, latest: datetime = _EPOCH) -> None:
        """Nothing was written since ``latest``."""
        self._lock = threading.Lock()
        self._latest = latest
        self._now = 0
        self._written: dict[Name, int] = {}
        self._committing: list[Name] = []

    @property
    def now(self) -> int:
        """The number of the latest commit."""
        return self._now

    def time(self) -> datetime:
        """The time now; it never goes back, whatever the machine's clock does."""
        with self._lock:
            self._latest = max(self._latest, datetime.now(UTC))
            return self._latest

    @contextmanager
    def committing(self, tables: Iterable[Name]) -> Iterator[None]:
        """Around the commit of a transaction that has written tables."""
        tables = list(tables)
        with self._lock:
            self._committing += tables
        try:
            yield
        finally:
            with self._lock:
                self._now += 1
                for name in tables:
                    self._committing.remove(name)
                    self._written[name] = self._now

    def written_since(self, table: Name, moment: int) -> bool:
        """Whether a commit later than ``moment`` may have changed a table."""
        with self._lock:
            return table in self._committing or self._written.get(table, 0) > moment


def note_functions(ctx: Context, tree: exp.Expression) -> None:
    """Note which functions of a resolved statement would give something else the next time."""
    for node in tree.find_all(*RANDOM):
        # UUID_STRING of a name space and a name is always the same
        if not isinstance(node, exp.Uuid) or node.args.get("name") is None:
            ctx.random_functions.add(node.sql(dialect="snowflake"))


class Repetition:
    """What a writing statement depends on."""

    def __init__(self, ctx: Context, target: Name, *, inserts: bool, reads_target: bool) -> None:
        """Note it as the statement runs for the first time.

        Args:
            ctx: the statement's context; compiling the statement has put there what it reads and calls.
            target: the table that it writes.
            inserts: whether it inserts rows, with the columns' defaults.
            reads_target: whether what it does depends on the rows that the table has.
        """
        self._ctx = ctx
        self._reads = dict(ctx.reads)
        table = None if ctx.is_temporary(target) else ctx.catalog.get(TABLE, target)
        if reads_target and table:
            self._reads[target] = table
        self._default = _changing_default(ctx.relation(target)) if inserts else None

    def hindrance(self, moment: int) -> str | None:
        """Why the statement could write something else if it ran again.

        Args:
            moment: the clock's when the transaction saw the tables that it read.

        Returns:
            The reason; None if it would write the same.
        """
        if functions := sorted(self._ctx.random_functions):
            return f"{functions[0]} gives another value each time"
        if self._default:
            return f"column {self._default} gets its value from a sequence or from a default that is not constant"
        for name, table in self._reads.items():
            if self._ctx.engine.clock.written_since(name, moment) or self._ctx.catalog.get(TABLE, name) is not table:
                return f"table {name.fqn}, which it reads, was changed by another session"
        return None


# what a statement does on DuckDB, and whether it would do the same again; it would, without
Write = tuple[Callable[[], Any], Repetition | None]


def _changing_default(target: Relation | None) -> str | None:
    for column in target.props.columns if TABLE.describes(target) else ():
        if column.identity or _CHANGING_DEFAULT.search(column.default or ""):
            return column.name
    return None


def run_again(writes: Sequence[Write], moment: int) -> str | None:
    """Let the writes of a transaction run again in a new one.

    Args:
        writes: the statements.
        moment: the clock's when the transaction before saw the tables that they read.

    Returns:
        Why they did not write the same; None if they did.
    """
    try:
        for work, _ in writes:
            work()
    except (duckdb.Error, SnowflakeError) as error:
        return str(error)
    # asked afterwards: the new transaction sees no later commit than those that are known by now
    reasons = (repetition.hindrance(moment) for _, repetition in writes if repetition)
    return next((reason for reason in reasons if reason), None)
