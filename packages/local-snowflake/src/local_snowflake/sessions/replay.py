"""Transaction replay: whether the writes of an open transaction may run again in another one.

DuckDB aborts a transaction at an error, and its snapshot is as old as its first write. So a transaction is replaced by
a new one, in which its writes run again: after a statement that failed, and before one that needs a newer snapshot.
They may only if they write the same again.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
from sqlglot import exp

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.names import Name

RANDOM = (exp.Rand, exp.Uuid, exp.Uniform, exp.Normal, exp.Zipf, exp.Randstr, exp.TableSample)
_CHANGING_DEFAULT = re.compile(r"\b(UUID_STRING|RANDOM|NEXTVAL)\b", re.I)
_EPOCH = datetime.fromtimestamp(0, UTC)


class TableClock:
    """When tables were last written by a transaction that committed; one for all sessions."""

    def __init__(self, latest: datetime = _EPOCH) -> None:
        self._lock = threading.Lock()
        self._latest = latest
        # the number of the latest commit
        self.now = 0
        self._written: dict[Name, int] = {}
        self._committing: list[Name] = []

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
                self.now += 1
                for name in tables:
                    self._committing.remove(name)
                    self._written[name] = self.now

    def written_since(self, table: Name, moment: int) -> bool:
        """Whether a commit later than ``moment`` may have changed a table."""
        with self._lock:
            return table in self._committing or self._written.get(table, 0) > moment


def random_calls(tree: exp.Expression) -> set[str]:
    """The calls in a resolved statement that would give something else the next time, as Snowflake's SQL."""
    # UUID_STRING of a name space and a name is always the same
    calls = (n for n in tree.find_all(*RANDOM) if not isinstance(n, exp.Uuid) or n.args.get("name") is None)
    return {call.sql(dialect="snowflake") for call in calls}


def changing_default(table: Table) -> str | None:
    """The first column of a table whose default is a sequence or not constant; None if there is none."""
    for column in table.props.columns:
        if column.identity or _CHANGING_DEFAULT.search(column.default or ""):
            return column.name
    return None


@dataclass(frozen=True)
class StatementInputs:
    """What the effect of a writing statement depends on.

    Attributes:
        reads: the tables that the statement reads, as they were catalogued when it was compiled.
        random_calls: its calls that give something else each time, as text.
        changing_default: the column that it fills with a default which is not constant, if there is one.
    """

    catalog: Catalog
    reads: Mapping[Name, Table]
    random_calls: frozenset[str]
    changing_default: str | None

    def conflict(self, clock: TableClock, moment: int) -> str | None:
        """Why the statement could write something else if it ran again; None if it would write the same.

        ``moment`` is the clock's number when the transaction saw the tables that it read.
        """
        if self.random_calls:
            return f"{min(self.random_calls)} gives another value each time"
        if self.changing_default:
            return f"column {self.changing_default} gets its value from a sequence or a default that is not constant"
        for name, table in self.reads.items():
            if clock.written_since(name, moment) or self.catalog.get(TABLE, name) is not table:
                return f"table {name.fqn}, which it reads, was changed by another session"
        return None


# what a statement does on DuckDB, and what that depends on; without inputs it does the same again
Write = tuple[Callable[[], Any], StatementInputs | None]


def replay(writes: Sequence[Write], clock: TableClock, moment: int) -> str | None:
    """Let the writes of a transaction run again in a new one; returns why they did not write the same, if so.

    ``moment`` is the clock's number when the transaction before saw the tables that they read.
    """
    try:
        for work, _ in writes:
            work()
    except (duckdb.Error, SnowflakeError) as error:
        return str(error)
    # checked afterwards: the new transaction sees no later commit than those that are recorded by now
    conflicts = (inputs.conflict(clock, moment) for _, inputs in writes if inputs)
    return next((conflict for conflict in conflicts if conflict), None)
