"""Load one file after another for COPY INTO <table>, with a result for each."""

import re
from dataclasses import dataclass, field
from typing import cast

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.copy.command import Command
from local_snowflake.copy.content import SOURCE, metadata_values, open_file, source_sql, whole_row
from local_snowflake.copy.conversion import Column, convert
from local_snowflake.copy.rejects import ROW, Content, Fault, Reject, column_label
from local_snowflake.copy.staged_queries import (
    columns_of_csv,
    highest_position,
    name_positions,
    read_fields,
    staged_tables,
)
from local_snowflake.errors import SnowflakeError, compilation_error, from_duckdb
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.dialect import upper_case
from local_snowflake.sql.names import literal, normalise, quote
from local_snowflake.sql.queries import compile_query
from local_snowflake.sql.typing.static_types import COLUMNS
from local_snowflake.stages.locations import StagedFile


@dataclass
class FileLoad:
    """The result of loading one file: the rows to insert into the columns, and the errors in its records.

    ``parsed`` is the number of its records, ``error_rows`` that of the faulty ones, and ``limit`` the number of errors
    at which it counts as failed; the status is LOADED, PARTIALLY_LOADED or LOAD_FAILED.
    """

    file: StagedFile
    columns: list[Column] = field(default_factory=list)
    rows: pa.Table | None = None
    parsed: int = 0
    error_rows: int = 0
    rejects: list[Reject] = field(default_factory=list)
    limit: int = 1
    status: str = "LOADED"

    @property
    def loaded(self) -> int:
        """How many rows go into the table."""
        return 0 if self.rows is None else int(self.rows.num_rows)


def load_file(ctx: Context, command: Command, file: StagedFile) -> FileLoad:
    """Read and convert one file; nothing is written yet.

    Raises:
        SnowflakeError: the first error in the file, if ON_ERROR is ABORT_STATEMENT.
    """
    done = FileLoad(file)
    try:
        content = _open(command, file)
        done.parsed = content.records
        _convert(ctx, command, content, done)
    except SnowflakeError as error:
        if command.on_error.startswith("ABORT"):
            raise
        fault = Fault(error.message.split("\n")[0], error.code, error.sqlstate)
        done.rejects = [Reject.of(fault, file.name)]
        done.error_rows, done.rows, done.status = 1, None, "LOAD_FAILED"
        return done
    _apply(command, done)
    return done


def _open(command: Command, file: StagedFile) -> Content:
    if command.query is not None or command.match:
        return open_file(file, command.form)
    # with a list of columns Snowflake fills what a record lacks
    strict = command.form.kind == "CSV" and not command.listed and command.form.flag("ERROR_ON_COLUMN_COUNT_MISMATCH")
    return open_file(file, command.form, len(command.columns), strict=strict)


def _convert(ctx: Context, command: Command, content: Content, done: FileLoad) -> None:
    try:
        with ctx.services.storage.cursor() as duck:
            duck.register(SOURCE, content.table)
            columns, source = _source(ctx, command, content, done.file)
            converted = convert(duck, source, columns, command.form, truncate=command.truncate)
    except duckdb.Error as error:
        raise from_duckdb(error) from None
    done.columns, done.rows = columns, converted.rows.drop_columns([ROW])
    table = command.table.name.name
    label = [column_label(table, c.name, c.position) for c in columns]
    places = [
        (row, -1, content.reject(done.file.name, row, fault, label[0] if label else None, None, at))
        for row, (fault, at) in content.faults.items()
    ]
    for row, index, fault in converted.faults:
        position = index if command.query is None else None
        places.append((row, index, content.reject(done.file.name, row, fault, label[index], position, None)))
    done.rejects = [reject for *_, reject in sorted(places, key=lambda p: p[:2])]
    done.error_rows = len({row for row, *_ in places})


def _source(ctx: Context, command: Command, content: Content, file: StagedFile) -> tuple[list[Column], str]:
    """The columns that the file fills, and DuckDB's SQL of their values."""
    if command.query is not None:
        return command.columns, _transformed(ctx, command, content, file)
    if command.match:
        return _matched(command, content, file)
    if command.form.kind == "CSV":
        names = set(content.table.column_names)
        values = [f'"C{i}"' if f"C{i}" in names else "NULL::VARCHAR" for i in range(1, len(command.columns) + 1)]
    elif command.form.has_documents:
        values = ['"J"']
    else:
        values = [whole_row(content)]
    return command.columns, _select(values)


def _select(values: list[str]) -> str:
    listed = ", ".join(f'{v} AS "S{i}"' for i, v in enumerate(values))
    return f"SELECT {quote(ROW)}, {listed} FROM {quote(SOURCE)}"


def _matched(command: Command, content: Content, file: StagedFile) -> tuple[list[Column], str]:
    """MATCH_BY_COLUMN_NAME: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table#copy-options-copyoptions."""
    fields = content.fields
    if command.form.has_documents:
        fields = {c.name: "" for c in command.columns}
    extra = _metadata(command, file)
    fold = str.casefold if command.match == "CASE_INSENSITIVE" else str
    by_name = {fold(name): value for name, value in fields.items()}
    columns = [c for c in command.columns if c.name in extra or fold(c.name) in by_name]
    if all(c.name in extra for c in columns):
        raise compilation_error("No column of the file has the name of a column of the table.", 100090, "22000")
    if command.form.has_documents:
        return columns, _select([extra.get(c.name) or _member(c.name, fold is str) for c in columns])
    return columns, _select([extra.get(c.name) or by_name[fold(c.name)] for c in columns])


def _metadata(command: Command, file: StagedFile) -> dict[str, str]:
    """INCLUDE_METADATA: the columns that take metadata, and DuckDB's expressions of it."""
    mapping = command.options.get("INCLUDE_METADATA", {})
    available = metadata_values(file)
    columns = {}
    for column, name in mapping.items() if isinstance(mapping, dict) else ():
        key = str(name).strip('"').upper()
        if key not in available:
            raise compilation_error(f"Metadata column {name} is not supported", 2139, "42601")
        columns[normalise(column)] = available[key]
    return columns


def _member(name: str, exact: bool) -> str:
    """DuckDB's expression of an object's member."""
    if exact:
        pointer = literal(name.replace("~", "~0").replace("/", "~1"))
        return f"json_extract(\"J\", '/' || {pointer})"
    member = f'list_filter(json_keys("J"), k -> lower(k) = {literal(name.casefold())})[1]'
    return f"json_extract(\"J\", '/' || replace(replace({member}, '~', '~0'), '/', '~1'))"


def _transformed(ctx: Context, command: Command, content: Content, file: StagedFile) -> str:
    """The query over one file: DuckDB's SQL of "$ROW" and its values, with outermost casts left to the loader."""
    tree = cast(exp.Select, upper_case(cast(exp.Select, command.query).copy()))
    name_positions(tree)
    if command.form.is_columnar:
        read_fields(tree, set(content.fields), as_variants=False)
    table = staged_tables(tree)[0]
    inner = source_sql(content, command.form, highest_position(tree), file)
    alias = table.args.get("alias") or trees.alias("STAGED")
    values = [e.unalias() for e in tree.expressions]
    # the cast of a field is left to the loader, which applies ON_ERROR
    fields = [v.this if type(v) is exp.Cast and isinstance(v.this, exp.Column | exp.JSONExtract) else v for v in values]
    row = trees.named(exp.column(trees.identifier(ROW), table=alias.this.copy()), ROW)
    tree.set("expressions", [row, *(trees.named(f.copy(), f"S{i}") for i, f in enumerate(fields))])
    placeholder = exp.Table(this=trees.identifier(SOURCE), alias=alias)
    placeholder.meta["physical"] = True
    if command.form.kind == "CSV":
        # operators and functions take the fields for what they are: texts
        placeholder.meta[COLUMNS] = columns_of_csv(f"COLUMN{i + 1}" for i in range(highest_position(tree)))
    table.replace(placeholder)
    return compile_query(ctx, tree, outermost=False).replace(f'"{SOURCE}"', f"({inner})")


def _apply(command: Command, done: FileLoad) -> None:
    """ON_ERROR: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table#copy-options-copyoptions."""
    mode, errors, most = command.on_error, done.error_rows, max(done.parsed, 1)
    if mode.startswith("ABORT"):
        if done.rejects:
            raise done.rejects[0].as_error()
        return
    done.limit, failed = most, False
    if match := re.fullmatch(r"SKIP_FILE(?:_(\d+)(%)?)?", mode):
        number = int(match[1] or 1)
        done.limit = max(done.parsed * number // 100, 1) if match[2] else number
        failed = errors * 100 > number * most if match[2] else errors >= number
    if failed or (errors and not done.loaded):
        done.rows, done.status = None, "LOAD_FAILED"
    elif errors:
        done.status = "PARTIALLY_LOADED"
