"""One staged file's content as a table, whatever its format, and the position of each record in the file."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet

from local_snowflake.copy.decoding import read_bytes
from local_snowflake.copy.readers.avro_reader import read_avro, schema_of_avro
from local_snowflake.copy.readers.csv_reader import read_csv
from local_snowflake.copy.readers.json_reader import read_json
from local_snowflake.copy.readers.nested_times import times_as_texts
from local_snowflake.copy.rejects import ROW, Content
from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.names import literal, quote
from local_snowflake.sql.resolve import TABLE_FUNCTION_PREFIX
from local_snowflake.stages.formats import FileFormat
from local_snowflake.stages.locations import StagedFile

FIELD_PREFIX = "F:"
SOURCE = TABLE_FUNCTION_PREFIX + "STAGED"


def open_file(file: StagedFile, form: FileFormat, width: int | None = None, *, strict: bool = False) -> Content:
    """Read a staged file; a CSV record has ``width`` fields, or as many as there are: others are faulty if ``strict``.

    Raises:
        SnowflakeError: if the file as a whole cannot be read.
    """
    if not file.path.is_file():
        text = f"Remote file '{file.name}' was not found. There are several potential causes. The file might not exist."
        raise SnowflakeError(91016, "22000", text)
    if form.is_columnar:
        table = _read(file, form, pa.orc.read_table, partial(pa.parquet.read_table, partitioning=None))
        names = table.column_names
        table = pa.table([_plain(c, form) for c in table.columns], names=names)
        rows = pa.array(range(1, table.num_rows + 1), pa.int64())
        renamed = table.rename_columns([FIELD_PREFIX + n for n in names]).append_column(ROW, rows)
        quoted = {n: quote(FIELD_PREFIX + n) for n in names}
        return Content(renamed, table.num_rows, quoted)
    data = read_bytes(file.path, form, file.name)
    if form.kind == "AVRO":
        return read_avro(data, file.name)
    return read_json(data, form) if form.kind == "JSON" else read_csv(data, form, width, strict=strict)


# -- files that say which columns they have: Parquet, ORC and Avro -----------------------------------------------------


def schema_of(file: StagedFile, form: FileFormat) -> pa.Schema:
    """The columns of a file."""
    if form.kind == "AVRO":
        return schema_of_avro(read_bytes(file.path, form, file.name), file.name)
    return _read(file, form, lambda path: pa.orc.ORCFile(path).schema, pa.parquet.read_schema)


def _read(file: StagedFile, form: FileFormat, orc: Callable[[Path], Any], parquet: Callable[[Path], Any]) -> Any:
    """Read a file by its format.

    Raises:
        SnowflakeError: 100139, if it is not of its format.
    """
    try:
        return (orc if form.kind == "ORC" else parquet)(file.path)
    except (pa.ArrowException, OSError) as error:
        text = f"Error parsing the {form.kind.lower()} file: {str(error).splitlines()[0]}"
        raise SnowflakeError(100139, "22000", f"{text}\n  File '{file.name}'") from None


def _plain(column: pa.ChunkedArray, form: FileFormat) -> pa.ChunkedArray:
    """A column without encodings that only matter in memory; bytes as text if BINARY_AS_TEXT is set."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type), form)
    if pa.types.is_duration(kind):
        return column.cast(pa.int64())
    if form.flag("BINARY_AS_TEXT") and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        try:
            return column.cast(pa.string())
        except pa.ArrowInvalid:
            # not UTF-8: stays binary
            return column
    return times_as_texts(column)


# -- what queries see of a file ----------------------------------------------------------------------------------------


def whole_row(content: Content) -> str:
    """A row of a file with columns as one object, whose keys are in order as those of all objects."""
    schema, members = content.table.schema, []
    for name, value in sorted(content.fields.items()):
        kind = schema.field(FIELD_PREFIX + name).type if FIELD_PREFIX + name in schema.names else pa.null()
        is_moment = pa.types.is_timestamp(kind) and kind.tz is None
        members.append(f"{quote(name)} := " + (f"strftime({value}, '%Y-%m-%d %H:%M:%S.%g')" if is_moment else value))
    return f"to_json(struct_pack({', '.join(members)}))" if members else "'{}'::JSON"


def source_sql(content: Content, form: FileFormat, needed: int, file: StagedFile) -> str:
    """DuckDB's SQL of a file as queries see it: COLUMN1 …, the metadata columns, "F:name" for the columns it has."""
    if form.kind == "CSV":
        width = sum(c.startswith("C") for c in content.table.column_names)
        values = [f'"C{i + 1}"' if i < width else "NULL::VARCHAR" for i in range(max(width, needed))]
        columns = [f'{v} AS "COLUMN{i + 1}"' for i, v in enumerate(values)]
    elif form.has_documents:
        columns = ['"J" AS "COLUMN1"']
    else:
        columns = [*content.fields.values()]
        columns += [f'{whole_row(content)} AS "COLUMN1"'] if needed else []
    columns += [f"{value} AS {quote(name)}" for name, value in metadata_values(file).items()]
    return f"SELECT {', '.join(columns)}, {quote(ROW)} FROM {quote(SOURCE)}"


def metadata_values(file: StagedFile) -> dict[str, str]:
    """DuckDB's expressions of the metadata columns: https://docs.snowflake.com/en/user-guide/querying-metadata."""
    return {
        "METADATA$FILENAME": literal(file.relative),
        "METADATA$FILE_ROW_NUMBER": quote(ROW),
        "METADATA$FILE_CONTENT_KEY": literal(file.md5),
        "METADATA$FILE_LAST_MODIFIED": f"make_timestamp({int(file.path.stat().st_mtime * 1e6)})",
        "METADATA$START_SCAN_TIME": "now()::TIMESTAMP",
    }
