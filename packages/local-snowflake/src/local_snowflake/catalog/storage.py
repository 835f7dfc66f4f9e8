"""The one DuckDB file of a data directory: opened by one process, read and written by many cursors."""

import logging
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from local_snowflake.sql.names import META_SCHEMA, quote

logger = logging.getLogger(__name__)
FILE, STAGES, MODELS = "snowflake.duckdb", "stages", "models"
_META = f"""
CREATE SCHEMA IF NOT EXISTS {quote(META_SCHEMA)};
CREATE TABLE IF NOT EXISTS {quote(META_SCHEMA)}.objects (
    kind VARCHAR NOT NULL, database VARCHAR NOT NULL, schema VARCHAR NOT NULL, name VARCHAR NOT NULL,
    created_on TIMESTAMPTZ NOT NULL, owner VARCHAR NOT NULL, comment VARCHAR NOT NULL, props JSON NOT NULL
);
"""
# DuckDB's three headers, which it writes before anything else
_HEADERS = 12_288
# of DuckDB's log: what ends its head, and the size and the checksum before each entry
_LOG_HEAD_END, _LOG_ENTRY = b"\xff\xff", struct.Struct("<QQ")
_CORRUPT_ENTRY = re.compile(r"Corrupt WAL file: entry at byte position (\d+)")
_RESTORE = "Put a backup of the directory in its place (local-snowflake backup makes them), or serve another directory."


class DamagedDirectoryError(Exception):
    """A data directory that cannot be opened; nothing in it was changed."""


class Storage:
    """The DuckDB file and its cursors."""

    def __init__(self, path: Path, memory_limit: str = "1536MB") -> None:
        """Open or create the file.

        Raises:
            duckdb.IOException: if another process has the file open.
            DamagedDirectoryError: if the file is missing or cannot be read.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        # fakesnow's transpilation still emits arrow lambdas
        config: dict[str, str | bool | int | float | list[str]] = {
            "lambda_syntax": "ENABLE_SINGLE_ARROW",
            # a statement that does not parse or bind leaves the open transaction as it is
            "default_transaction_invalidation_policy": "SYNTACTIC_ERRORS_DO_NOT_INVALIDATE",
            # statements reach no files: stages are read and written by the server itself
            "enable_external_access": False,
            # the statistics of the first leave out what the open transaction has written, and its casts fail then; the
            # second takes time by the square of the expressions: 7 s for 500 columns that are compared (DuckDB 2.0.0)
            "disabled_optimizers": "compressed_materialization,common_subexpressions",
            "memory_limit": memory_limit,
            "preserve_insertion_order": True,
        }
        _keep_what_is_there(path)
        self._root = _connect(path, config)
        if lacking := missing_bytes(self._root, path):
            logger.warning("%s is cut short by %d bytes: rows that were there are out of reach", path, lacking)
        with refusing_damage(path):
            self._root.execute("SET GLOBAL TimeZone = 'UTC'")
            self._root.execute(_META)

    @property
    def catalog(self) -> str:
        """DuckDB's name of the file."""
        return str(self._root.execute("SELECT current_database()").fetchall()[0][0])

    def define(self, macros: Callable[[str], str]) -> None:
        """Define what translated SQL calls; ``macros`` gives the statements for that, by the name of the file."""
        self._root.execute(macros(self.catalog))

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own to the same file: a session's transaction lives in it."""
        cursor = self._root.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        return cursor

    def check(self) -> None:
        """Ask DuckDB something.

        Raises:
            duckdb.FatalException: if it answers nothing any more, eg: since the disk was full at a checkpoint.
        """
        with self.cursor() as duck:
            duck.execute(f"SELECT count(*) FROM {quote(META_SCHEMA)}.objects").fetchall()

    def close(self) -> None:
        """Write the log into the file and close it."""
        try:
            self._root.execute("CHECKPOINT")
        except duckdb.Error as error:
            # a statement could not be stopped, or the disk is full
            logger.warning("the write-ahead log was not written into the file, it is read at the next start: %s", error)
        self._root.close()


def is_locked(error: duckdb.Error) -> bool:
    """Whether a file could not be opened because another process has it open."""
    return isinstance(error, duckdb.IOException) and "Could not set lock" in str(error)


def is_damage(error: Exception) -> bool:
    """Whether a part of the file could not be read."""
    return any(text in str(error) for text in ("Corrupt database file", "Could not read enough bytes"))


def missing_file(path: Path) -> str | None:
    """What is wrong with a directory that has files of an account and not its DuckDB file; None of any other one."""
    if path.exists():
        return None
    left = [name for name in (STAGES, MODELS) if (path.parent / name).is_dir() and any((path.parent / name).iterdir())]
    left += [log.name] if (log := _log(path)).exists() else []
    return f"{path} is missing, though {', '.join(left)} of an account is there" if left else None


def missing_bytes(duck: duckdb.DuckDBPyConnection, path: Path) -> int:
    """How many bytes a file that opens is shorter than it should be."""
    sql = "SELECT total_blocks, block_size FROM pragma_database_size() WHERE database_name = current_database()"
    ((blocks, size),) = duck.execute(sql).fetchall()
    there = path.stat().st_size
    if _HEADERS + blocks * size > there:
        # free blocks at the end of the file are cut off when it is closed, and counted all the same
        with suppress(duckdb.Error):
            blocks = _last_used_block(duck) + 1
    return max(_HEADERS + int(blocks * size) - there, 0)


def _last_used_block(duck: duckdb.DuckDBPyConnection) -> int:
    """The highest number of a block that has rows or metadata."""
    ((last,),) = duck.execute("SELECT coalesce(max(block_id), -1) FROM pragma_metadata_info()").fetchall()
    tables = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
    for schema, table in duck.execute(tables).fetchall():
        ids = "SELECT max(block_id), max(list_max(additional_block_ids)) FROM pragma_storage_info(?)"
        found = duck.execute(ids, [f"{quote(schema)}.{quote(table)}"]).fetchall()[0]
        last = max([last, *(number for number in found if number is not None)])
    return int(last)


@contextmanager
def refusing_damage(path: Path) -> Iterator[None]:
    """Raise DamagedDirectoryError where a part of the file cannot be read that everything depends on."""
    try:
        yield
    except duckdb.Error as error:
        if is_damage(error):
            raise _unreadable(path, error) from error
        raise


def _unreadable(path: Path, error: duckdb.Error) -> DamagedDirectoryError:
    return DamagedDirectoryError(
        f"{path} cannot be read: {error}. No database of the account is within reach; nothing was changed, and the "
        f"files of stages and models are in {path.parent}. {_RESTORE}"
    )


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}.wal")


def _keep_what_is_there(path: Path) -> None:
    """Let no new file take the place of one that is missing; one whose creation was interrupted is set aside."""
    if fault := missing_file(path):
        raise DamagedDirectoryError(f"{fault}: no new account is made in its place. {_RESTORE}")
    if path.exists() and path.stat().st_size < _HEADERS and not missing_file(path.with_name("none.duckdb")):
        aside = _set_aside(path, "unfinished")
        logger.warning(
            "%s is empty: its creation was interrupted. It was renamed to %s, a new one is made", path, aside
        )


def _aside(path: Path, why: str) -> Path:
    return path.with_name(f"{path.name}.{why}-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}")


def _set_aside(path: Path, why: str) -> Path:
    return path.rename(_aside(path, why))


def _copy_aside(log: Path) -> Path:
    return Path(shutil.copyfile(log, _aside(log, "damaged")))


def _connect(path: Path, config: dict[str, str | bool | int | float | list[str]]) -> duckdb.DuckDBPyConnection:
    log = _log(path)
    # DuckDB takes an entry that is longer than the log for a write that was interrupted, and cuts the log there
    copy = _copy_aside(log) if (unread := _unread_bytes(log)) else None
    try:
        duck = duckdb.connect(str(path), config=config)
    except duckdb.Error as error:
        if copy:
            copy.unlink()
        if is_locked(error):
            raise
        if "replaying WAL file" not in str(error):
            raise _unreadable(path, error) from error
        _cut_log(path, str(error))
        return duckdb.connect(str(path), config=config)
    if copy:
        logger.warning(
            "%s, the transactions since the last checkpoint, ends with %d bytes that are no whole entry: either the "
            "server was stopped while it wrote them, and nothing that was committed is lost, or the log is damaged, "
            "and later transactions are lost; the log as it was is kept as %s",
            *(log, unread, copy),
        )
    return duck


def _unread_bytes(log: Path) -> int:
    """How many bytes at the end of a log DuckDB does not read, since they are no whole entry.

    The log is a head and then entries, each with its size and checksum before it:
    https://github.com/duckdb/duckdb/blob/main/src/storage/write_ahead_log.cpp.
    """
    if not log.exists():
        return 0
    size = log.stat().st_size
    with log.open("rb") as file:
        head = file.read(1024).find(_LOG_HEAD_END)
        position = 0 if head < 0 else head + len(_LOG_HEAD_END)
        while position + _LOG_ENTRY.size <= size:
            file.seek(position)
            length, _ = _LOG_ENTRY.unpack(file.read(_LOG_ENTRY.size))
            if position + _LOG_ENTRY.size + length > size:
                break
            position += _LOG_ENTRY.size + length
    return size - position


def _cut_log(path: Path, fault: str) -> None:
    """Let the log end before what cannot be read of it; the whole one is kept next to it."""
    log = _log(path)
    kept = _set_aside(log, "damaged")
    if entry := _CORRUPT_ENTRY.search(fault):
        shutil.copyfile(kept, log)
        os.truncate(log, int(entry[1]))
    logger.warning(
        "%s, the transactions since the last checkpoint, is damaged: %s. What was committed before the damage is "
        "there, later transactions are lost; the damaged log is kept as %s",
        *(log, fault, kept),
    )
