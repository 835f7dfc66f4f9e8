"""Reads staged files that hold columns: Parquet and ORC."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from local_snowflake.errors import SnowflakeError
from local_snowflake.stages.formats import FileFormat
from local_snowflake.stages.locations import StagedFile


def read_columns(file: StagedFile, form: FileFormat) -> pa.Table:
    """Read a file.

    Raises:
        SnowflakeError: 100139, if it is no file of its format.
    """
    try:
        table = (
            pa.orc.read_table(file.path) if form.kind == "ORC" else pa.parquet.read_table(file.path, partitioning=None)
        )
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, form, error) from None
    return pa.table([_plain(c, form) for c in table.columns], names=table.column_names)


def schema_of(file: StagedFile, form: FileFormat) -> pa.Schema:
    """The columns of a file.

    Raises:
        SnowflakeError: 100139, if it is no file of its format.
    """
    try:
        return pa.orc.ORCFile(file.path).schema if form.kind == "ORC" else pa.parquet.read_schema(file.path)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, form, error) from None


def _unreadable(file: StagedFile, form: FileFormat, error: Exception) -> SnowflakeError:
    text = f"Error parsing the {form.kind.lower()} file: {str(error).splitlines()[0]}"
    return SnowflakeError(100139, "22000", f"{text}\n  File '{file.name}'")


def _plain(column: pa.ChunkedArray, form: FileFormat) -> pa.ChunkedArray:
    """A column without encodings that only matter in memory; bytes as text if the format says so."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), form)
    if pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if form.flag("BINARY_AS_TEXT") and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            # not UTF-8: bytes they stay
            return column
    return column
