"""COPY INTO a stage: the rows of a table or a query become files.

Source: https://docs.snowflake.com/en/sql-reference/sql/copy-into-location
"""

import gzip
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from local_snowflake import streams
from local_snowflake.copy.csv_writer import csv_lines, header_line
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result, from_description, rows
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import quote
from local_snowflake.sql.queries import compile_query
from local_snowflake.sql.statement import Reader
from local_snowflake.stages.files import read_location
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import Location, locate, root
from local_snowflake.stages.options import Options, is_true, read_options, refuse_unknown
from local_snowflake.stages.transfers import INCOMING

_OPTIONS = (
    *("FILE_FORMAT", "HEADER", "OVERWRITE", "SINGLE", "MAX_FILE_SIZE", "INCLUDE_QUERY_ID", "DETAILED_OUTPUT"),
    "VALIDATION_MODE",
)
_MAX_FILE_SIZE = 16_777_216
_WRITTEN = {"CSV", "JSON", "PARQUET"}
_PARTITION = "$PARTITION"


@dataclass
class Unload:
    """A parsed COPY INTO <stage>, and the files written so far."""

    location: Location
    query: str
    form: FileFormat
    options: Options
    partition: str | None = None
    columns: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    input_bytes: int = 0

    def flag(self, key: str) -> bool:
        """An option that is true or false; false by default."""
        return is_true(self.options.get(key))


def unload(ctx: Context, reader: Reader) -> Result:
    """Read the rest of COPY INTO <stage>, and write the files."""
    job = _read(ctx, reader)
    query = job.query
    if job.partition:
        query = f"SELECT *, ({job.partition})::VARCHAR AS {quote(_PARTITION)} FROM ({query})"
    sql = compile_query(ctx, parse(query))
    description: list[Any] = []

    def work() -> pa.Table:
        relation = ctx.session.duck.execute(sql)
        description[:] = relation.description or []
        return relation.to_arrow_table()

    try:
        table = ctx.session.write(lambda: streams.consuming(ctx, work))
    finally:
        ctx.session.drop_rows()
    if "VALIDATION_MODE" in job.options:
        return from_description(table, description)
    job.columns = [str(d[0]) for d in description if d[0] != _PARTITION]
    kinds = [str(d[1]) for d in description if d[0] != _PARTITION]
    for value, part in _partitions(job, table):
        _write(ctx, job, part, kinds, value)
    if job.flag("DETAILED_OUTPUT"):
        return rows(job.written, {"FILE_NAME": None, "FILE_SIZE": pa.int64(), "ROW_COUNT": pa.int64()})
    totals = {
        "rows_unloaded": table.num_rows,
        "input_bytes": job.input_bytes,
        "output_bytes": sum(w["FILE_SIZE"] for w in job.written),
    }
    return rows([totals], dict.fromkeys(totals, pa.int64()))


def _read(ctx: Context, reader: Reader) -> Unload:
    location = locate(ctx, read_location(reader), "WRITE")
    location.refuse_read_only("written to")
    reader.expect("FROM")
    if reader.peek() == "(":
        query = reader.parenthesised()
    else:
        query = "SELECT * FROM " + ".".join(quote(p) for p in reader.name_parts())
    partition = None
    if reader.accept("PARTITION BY"):
        start = reader.position
        while not reader.done and not (reader.peek() in _OPTIONS and reader.peek(1) == "="):
            reader.next()
        partition = reader.sql[start : reader.position]
    options = read_options(reader)
    reader.finish()
    refuse_unknown(options, _OPTIONS)
    form = effective_format(ctx, options.pop("FILE_FORMAT", None), location.stage)
    if form.kind not in _WRITTEN:
        raise compilation_error(f"Unloading files of type {form.kind} is not supported.", 1003, "42601")
    job = Unload(location, query, form, options, partition)
    if partition and (job.flag("SINGLE") or job.flag("OVERWRITE")):
        raise compilation_error("PARTITION BY cannot be combined with SINGLE = TRUE or OVERWRITE = TRUE.")
    return job


def _partitions(job: Unload, table: pa.Table) -> Iterator[tuple[str | None, pa.Table]]:
    """The rows of each partition, by its value."""
    if not job.partition:
        yield None, table
        return
    keys = table.column(_PARTITION).fill_null("__NULL__")
    for value in keys.unique().to_pylist():
        yield str(value), table.drop_columns([_PARTITION]).filter(pa.compute.equal(keys, value))


def _write(ctx: Context, job: Unload, table: pa.Table, kinds: list[str], partition: str | None) -> None:
    limit = int(str(job.options.get("MAX_FILE_SIZE", _MAX_FILE_SIZE)))
    pending: list[tuple[bytes, int]] = []
    number = 0
    for block in _blocks(job, table, kinds):
        pending.append(block)
        if not job.flag("SINGLE") and sum(len(d) for d, _ in pending) >= limit:
            _keep(ctx, job, pending, partition, number)
            pending, number = [], number + 1
    if pending:
        _keep(ctx, job, pending, partition, number)


def _blocks(job: Unload, table: pa.Table, kinds: list[str]) -> Iterator[tuple[bytes, int]]:
    """Pieces of a file and the number of their rows."""
    job.input_bytes += table.nbytes
    if job.form.kind == "PARQUET":
        if "INTERVAL" in kinds:
            # https://docs.snowflake.com/en/sql-reference/sql/copy-into-location
            raise compilation_error("Unloading TIMESTAMP_TZ or LTZ data to Parquet is not supported.", 1003, "42601")
        yield _parquet(job, table), table.num_rows
        return
    if not table.num_rows:
        return
    if job.form.kind == "JSON":
        if table.num_columns != 1 or kinds[0] != "JSON":
            text = "JSON and XML data can only be unloaded from columns of type variant, object, or array."
            raise compilation_error(text, 1023, "22000")
        lines: Iterator[list[str]] = iter([[str(v) for v in table.column(0).to_pylist() if v is not None]])
    else:
        lines = csv_lines(table, kinds, job.form)
    end = job.form.text("RECORD_DELIMITER") if job.form.kind == "CSV" else "\n"
    for chunk in lines:
        yield (end.join(chunk) + end).encode(), len(chunk)


def _parquet(job: Unload, table: pa.Table) -> bytes:
    if not job.flag("HEADER"):
        table = table.rename_columns([f"_COL_{i}" for i in range(table.num_columns)])
    sink = pa.BufferOutputStream()
    method = job.form.text("COMPRESSION") or "NONE"
    if method not in {"AUTO", "SNAPPY", "NONE"}:
        raise not_supported(f"COMPRESSION = {method} for Parquet")
    pyarrow.parquet.write_table(table, sink, compression="none" if method == "NONE" else "snappy")
    return bytes(sink.getvalue())


def _keep(ctx: Context, job: Unload, blocks: list[tuple[bytes, int]], partition: str | None, number: int) -> None:
    """Write one file, to a temporary name first, so that no reader sees part of it."""
    data = b"".join(d for d, _ in blocks)
    if job.form.kind == "CSV" and job.flag("HEADER"):
        data = header_line(job.columns, job.form).encode() + data
    method, extension = job.form.text("COMPRESSION"), "." + job.form.kind.lower()
    if job.form.kind == "PARQUET":
        extension = ".snappy.parquet" if method else extension
    elif method in {"AUTO", "GZIP"}:
        data, extension = gzip.compress(data, 6, mtime=0), extension + ".gz"
    elif method not in {"", "NONE"}:
        raise not_supported(f"COMPRESSION = {method} when unloading")
    place = Location(job.location.directory, "", job.location.label)
    target = place.target(_name(ctx, job, partition, number, extension))
    if target.exists() and not job.flag("OVERWRITE"):
        text = f"Files already existing at the unload destination: {job.location.label}{job.location.path}. "
        raise compilation_error(text + "Use overwrite option to force unloading.", 1037, "22000")
    temporary: Path = root(ctx) / INCOMING / uuid.uuid4().hex
    temporary.parent.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(data)
    temporary.replace(target)
    relative = target.relative_to(job.location.directory).as_posix()
    count = sum(c for _, c in blocks)
    job.written.append({"FILE_NAME": relative, "FILE_SIZE": len(data), "ROW_COUNT": count})


def _name(ctx: Context, job: Unload, partition: str | None, number: int, extension: str) -> str:
    path = job.location.path
    if declared := job.form.text("FILE_EXTENSION"):
        extension = "." + declared.lstrip(".")
    if partition is not None:
        folder = path if not path or path.endswith("/") else path + "/"
        return f"{folder}{partition}/data_{ctx.query_id}_0_0_{number}{extension}"
    stem = path if path and not path.endswith("/") else f"{path}data"
    if job.flag("SINGLE"):
        return stem
    if job.flag("INCLUDE_QUERY_ID"):
        stem += f"_{ctx.query_id}"
    return f"{stem}_0_0_{number}{extension}"
