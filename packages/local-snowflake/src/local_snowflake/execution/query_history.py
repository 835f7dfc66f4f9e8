"""The statements that ran lately: what QUERY_HISTORY shows, and what clients ask for by a statement's id."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from local_snowflake.errors import SnowflakeError

_LATEST = 10_000
# of how many the text as DuckDB ran it is kept: it may be long
_TRANSLATED = 500


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
    # what DuckDB ran for a query or DML; empty for what a handler does
    translated: Sequence[str] = ()

    def succeed(self, rows: int) -> None:
        """Note that the statement gave ``rows`` rows."""
        self.status, self.rows = "SUCCESS", rows

    def fail(self, error: SnowflakeError) -> None:
        """Note the error that the statement ended with."""
        self.status, self.error_code, self.error_message = "FAILED_WITH_ERROR", error.code, error.message


class QueryHistory:
    """The latest statements of all sessions, for many threads."""

    def __init__(self) -> None:
        self._records: deque[QueryRecord] = deque(maxlen=_LATEST)

    def add(self, record: QueryRecord) -> None:
        """Add a statement that begins."""
        self._records.append(record)
        with suppress(IndexError):
            self._records[-_TRANSLATED - 1].translated = ()

    def find(self, query_id: str) -> QueryRecord | None:
        """The statement of an id; None if it is unknown, or too old."""
        return next((record for record in list(self._records) if record.query_id == query_id), None)

    def latest(self, limit: int) -> list[QueryRecord]:
        """The latest statements, at most ``limit``, the last one first."""
        return list(self._records)[: -limit - 1 : -1]
