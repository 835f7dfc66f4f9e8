"""History that nobody can ask for any more is deleted: in the background, now and then."""

import logging
from datetime import UTC, datetime, timedelta

import duckdb

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TABLE, Table
from local_snowflake.catalog.storage import Storage
from local_snowflake.sql.names import quote
from local_snowflake.streams.freshness import extended_days, retention_days
from local_snowflake.streams.layout import OFFSETS, VALID_TO, VERSIONS, history
from local_snowflake.streams.tracking import is_tracked, of, sweep

logger = logging.getLogger(__name__)


def trim_all(storage: Storage, catalog: Catalog) -> None:
    """Trim the history of every tracked table; one that is being changed otherwise is left for the next time."""
    if not catalog.is_whole:
        return
    with storage.cursor() as duck:
        sweep(duck, catalog)
        for table in filter(is_tracked, catalog.all(TABLE)):
            try:
                trim(duck, table)
            except duckdb.Error as error:
                logger.info("the history of %s is trimmed the next time: %s", table.name.fqn, error)


def trim(duck: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Delete the history of a tracked table that neither its retention time nor a stream needs.

    ``duck`` has no open transaction. Returns how many row versions were deleted.
    """
    tracked, now = of(table).id, datetime.now(UTC)
    sql = f"SELECT max(version) FROM {VERSIONS} WHERE tracked = ? AND made <= ?"
    ((retained,),) = duck.execute(sql, [tracked, now - timedelta(days=retention_days(table))]).fetchall()
    if retained is None:
        return 0
    sql = f"SELECT min(version) FROM {OFFSETS} WHERE tracked = ? AND refreshed >= ?"
    ((needed,),) = duck.execute(sql, [tracked, now - timedelta(days=extended_days(table))]).fetchall()
    oldest = retained if needed is None else min(retained, needed)
    duck.execute(f"DELETE FROM {VERSIONS} WHERE tracked = ? AND version < ?", [tracked, oldest])
    ((deleted,),) = duck.execute(f"DELETE FROM {history(tracked)} WHERE {quote(VALID_TO)} <= ?", [oldest]).fetchall()
    return int(deleted)
