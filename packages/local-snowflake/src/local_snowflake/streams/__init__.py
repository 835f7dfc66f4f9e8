"""Change tracking: what tables were before and after each statement, and how far each stream has been consumed.

A tracked table has three hidden columns behind its own: the row's id, the version in which this image of the row was
born, and whether an insert made it. Images that are no longer current move to a history table beside the version in
which they died. A stream is an offset into these versions, kept in the same file: it moves in the same transaction as
the data.

Source: https://docs.snowflake.com/en/user-guide/streams-intro
"""

from local_snowflake.streams.capture import insert, lock_rows, lock_target, recording, stamp_versions, write_statement
from local_snowflake.streams.tracking import (
    Tracked,
    clone_rows,
    disable,
    enable,
    forget,
    hidden_columns,
    images,
    is_tracked,
    move_rows,
    prepare,
    restore_defaults,
    shows_changes,
    tracked,
    visible_columns,
)
from local_snowflake.streams.windows import consume_in_ddl, consuming, mark_start, read_windows, stream_locks

__all__ = [
    "Tracked",
    "clone_rows",
    "consume_in_ddl",
    "consuming",
    "disable",
    "enable",
    "forget",
    "hidden_columns",
    "images",
    "insert",
    "is_tracked",
    "lock_rows",
    "lock_target",
    "mark_start",
    "move_rows",
    "prepare",
    "read_windows",
    "recording",
    "restore_defaults",
    "shows_changes",
    "stamp_versions",
    "stream_locks",
    "tracked",
    "visible_columns",
    "write_statement",
]
