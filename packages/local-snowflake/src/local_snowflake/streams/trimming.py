"""History that nobody can ask for any more is deleted: in the background, now and then."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

import duckdb

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.catalog.storage import Storage
from local_snowflake.sql.names import quote
from local_snowflake.streams.freshness import extended_days, retention_days
from local_snowflake.streams.layout import DIED, OFFSETS, VERSIONS, history
from local_snowflake.streams.tracking import is_tracked, of, sweep

logger = logging.getLogger(__name__)
_PERIOD_SECONDS = 3600.0


class Trimmer:
    """A thread that trims the history of every tracked table once an hour."""

    def __init__(self, storage: Storage, catalog: Catalog) -> None:
        """Be ready to start."""
        self._storage = storage
        self._catalog = catalog
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trim history", daemon=True)

    def start(self) -> None:
        """Begin; the first round is now."""
        self._thread.start()

    def stop(self) -> None:
        """End, waiting for a round under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with self._storage.cursor() as duck:
                    trim_all(duck, self._catalog)
            except Exception:
                # without this thread the history of every table would grow for ever
                logger.exception("the history of tables could not be trimmed; that is tried again in an hour")
            self._stopped.wait(_PERIOD_SECONDS)


def trim_all(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Trim the history of every tracked table; one that is being changed otherwise is left for the next time."""
    sweep(duck, catalog)
    for table in catalog.all(TABLE):
        if not is_tracked(table):
            continue
        try:
            trim(duck, table)
        except duckdb.Error as error:
            logger.info("the history of %s is trimmed the next time: %s", table.name.fqn, error)


def trim(duck: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Delete the history of a table that neither its retention time nor a stream needs.

    Args:
        duck: a connection with no open transaction.
        table: the tracked table.

    Returns:
        How many images were deleted.
    """
    tracked = of(table).id
    now = datetime.now(UTC)
    ((kept,),) = duck.execute(
        f"SELECT max(version) FROM {VERSIONS} WHERE tracked = ? AND made <= ?",
        [tracked, now - timedelta(days=retention_days(table))],
    ).fetchall()
    if kept is None:
        return 0
    ((needed,),) = duck.execute(
        f"SELECT min(version) FROM {OFFSETS} WHERE tracked = ? AND refreshed >= ?",
        [tracked, now - timedelta(days=extended_days(table))],
    ).fetchall()
    oldest = kept if needed is None else min(kept, needed)
    duck.execute(f"DELETE FROM {VERSIONS} WHERE tracked = ? AND version < ?", [tracked, oldest])
    ((deleted,),) = duck.execute(f"DELETE FROM {history(tracked)} WHERE {quote(DIED)} <= ?", [oldest]).fetchall()
    return int(deleted)
