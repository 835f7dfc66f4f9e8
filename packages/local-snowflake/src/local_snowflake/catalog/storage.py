"""The one DuckDB file of a data directory: opened by one process, read and written by many cursors."""

import logging
from collections.abc import Callable
from pathlib import Path

import duckdb

from local_snowflake.sql.names import META_SCHEMA, quote

logger = logging.getLogger(__name__)
_META = f"""
CREATE SCHEMA IF NOT EXISTS {quote(META_SCHEMA)};
CREATE TABLE IF NOT EXISTS {quote(META_SCHEMA)}.objects (
    kind VARCHAR NOT NULL, database VARCHAR NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,
    created_on TIMESTAMPTZ NOT NULL, owner VARCHAR NOT NULL, comment VARCHAR NOT NULL, props JSON NOT NULL
);
"""


class Storage:
    """The DuckDB file and its cursors."""

    def __init__(self, path: Path, macros: Callable[[str], str] = lambda _: "", memory_limit: str = "1536MB") -> None:
        """Open or create the file; ``macros`` gives the statements that define what translated SQL calls, by its name.

        Raises:
            duckdb.IOException: if another process has the file open.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        # fakesnow's transpilation still emits arrow lambdas
        config: dict[str, str | bool | int | float | list[str]] = {
            "lambda_syntax": "ENABLE_SINGLE_ARROW",
            # a statement that does not parse or bind leaves the open transaction as it is
            "default_transaction_invalidation_policy": "SYNTACTIC_ERRORS_DO_NOT_INVALIDATE",
            # statements reach no files: stages are read and written by the server itself
            "enable_external_access": False,
            "memory_limit": memory_limit,
            "preserve_insertion_order": True,
        }
        self._root = duckdb.connect(str(path), config=config)
        self._root.execute("SET GLOBAL TimeZone = 'UTC'")
        self._root.execute(_META)
        self._root.execute(macros(self.catalog))

    @property
    def catalog(self) -> str:
        """DuckDB's name of the file."""
        return str(self._root.execute("SELECT current_database()").fetchall()[0][0])

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the same file: a session's transaction lives in it."""
        cursor = self._root.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def close(self) -> None:
        """Write the log into the file and close it."""
        try:
            self._root.execute("CHECKPOINT")
        except duckdb.TransactionException as error:
            # a statement could not be stopped
            logger.warning("the write-ahead log was not written into the file, it is read at the next start: %s", error)
        self._root.close()
