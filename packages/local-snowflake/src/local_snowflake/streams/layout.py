"""Names and tables of change tracking inside the DuckDB file."""

from collections.abc import Callable

from local_snowflake.sql.names import META_SCHEMA, history_name, quote

# the physical names are those that files on disk have
ROW, VALID_FROM, INSERTED, VALID_TO = "$ROW", "$BORN", "$NEW", "$DIED"
HIDDEN = (ROW, VALID_FROM, INSERTED)
# the DuckDB variable that carries the running statement's version into "$@VALID_FROM" of the rows it writes
VERSION_VARIABLE = "$VERSION"
VERSION = f"CAST(getvariable('{VERSION_VARIABLE}') AS BIGINT)"

_META = quote(META_SCHEMA)
TRACKED = f"{_META}.tracked"
VERSIONS = f"{_META}.versions"
OFFSETS = f"{_META}.offsets"
IDS = f"{_META}.change_ids"
ROW_IDS = f"{_META}.row_ids"

DDL = f"""
CREATE SEQUENCE IF NOT EXISTS {IDS};
CREATE SEQUENCE IF NOT EXISTS {ROW_IDS};
CREATE TABLE IF NOT EXISTS {TRACKED} (id BIGINT NOT NULL, version BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS {VERSIONS} (
    tracked BIGINT NOT NULL, version BIGINT NOT NULL, made TIMESTAMPTZ NOT NULL, query_id VARCHAR
);
CREATE TABLE IF NOT EXISTS {OFFSETS} (
    stream BIGINT NOT NULL, tracked BIGINT NOT NULL, version BIGINT NOT NULL, initial BOOLEAN NOT NULL,
    refreshed TIMESTAMPTZ NOT NULL
);
"""


def history(tracked_id: int) -> str:
    """The table of a tracked table's archived row versions, quoted."""
    return f"{_META}.{quote(history_name(tracked_id))}"


def _variable(suffix: str) -> Callable[[int, int], str]:
    """The function that gives the name of a DuckDB variable of a stream and a tracked table, by their ids."""
    return lambda stream, tracked_id: f"$STREAM_{stream}_{tracked_id}_{suffix}"


# the versions behind which a stream's offset range begins and with which it ends
lower_bound, upper_bound = _variable("AFTER"), _variable("UPTO")
# the version at which AT (STREAM => …) reads a table
offset_variable = _variable("OFFSET")
# the version whose rows a stream shows before anything else, or NULL
initial_version = _variable("INITIAL")


def read_variable(name: str) -> str:
    """SQL that reads a DuckDB variable as a version; DuckDB folds it to a constant before it plans."""
    return f"CAST(getvariable('{name}') AS BIGINT)"
