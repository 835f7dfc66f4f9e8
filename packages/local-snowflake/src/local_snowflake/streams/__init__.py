# ruff: noqa: F401 (what other packages use of this one)
"""Change tracking: what tables were before and after each statement, and how far each stream has been consumed.

A tracked table has three hidden columns behind its own: the row's id, the table's version from which this version of
the row is valid, and whether an insert made it. A row version that is replaced or deleted is archived in a history
table, with the table's version up to which it was valid. A stream is an offset into these versions, kept in the same
file: it moves in the same transaction as the data.

Source: https://docs.snowflake.com/en/user-guide/streams-intro
"""

from local_snowflake.streams.capture import insert, lock_rows, lock_target, recording, stamp_versions, write_statement
from local_snowflake.streams.offset_ranges import (
    bind_offset_ranges,
    consume_in_ddl,
    consuming,
    mark_start,
    stream_locks,
)
from local_snowflake.streams.tracking import (
    Tracked,
    clone_rows,
    disable,
    enable,
    forget,
    hidden_columns,
    is_tracked,
    move_rows,
    prepare,
    restore_defaults,
    shows_changes,
    tracked,
    version_tables,
    visible_columns,
)
