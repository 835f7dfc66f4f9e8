"""COPY INTO <table>: the rows and their load history are written in one transaction; COPY INTO <stage>."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from local_snowflake import streams
from local_snowflake.copy import load_history
from local_snowflake.copy.command import Command, read_command
from local_snowflake.copy.loading import FileLoad, load_file
from local_snowflake.copy.rejects import as_table
from local_snowflake.copy.unload import unload
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import tabulate
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import COPY, SELECT, Result, from_arrow, record_table, status
from local_snowflake.sessions.locks import Resource
from local_snowflake.sql.columns.defaults import fill_rows
from local_snowflake.sql.names import quote
from local_snowflake.sql.resolve import TABLE_FUNCTION_PREFIX
from local_snowflake.sql.statement import Statement, skip_head
from local_snowflake.stages.locations import StagedFile, table_id

_NOTHING = "Copy executed with 0 files processed."


@statement("COPY", "INTO")
def copy_into(ctx: Context, stmt: Statement) -> Result:
    """COPY INTO a table or a stage: https://docs.snowflake.com/en/sql-reference/sql/copy-into-table."""
    reader = skip_head(stmt)
    if re.match(r"'?(@|[a-z]+://)", reader.rest()):
        return unload(ctx, reader)
    command = read_command(ctx, reader)
    if mode := str(command.options.get("VALIDATION_MODE", "")).upper():
        return _validate_only(ctx, command, mode)
    files = command.files()
    if not command.flag("FORCE"):
        loaded = load_history.loaded(ctx, command.table)
        files = [f for f in files if (_key(command, f), f.md5) not in loaded]
    loads = [load_file(ctx, command, f) for f in files]
    if not loads:
        return status(_NOTHING)
    try:
        done = ctx.session.write(_writing(ctx, command, loads))
    finally:
        ctx.session.drop_rows()
    if command.flag("PURGE"):
        for load in done:
            if load.status == "LOADED":
                load.file.path.unlink(missing_ok=True)
    if not done:
        return status(_NOTHING)
    shown = [d for d in done if d.status != "LOADED"] if command.flag("RETURN_FAILED_ONLY") else done
    return from_arrow(tabulate(shown, _RESULT, dict.fromkeys(_NUMBERS, pa.int64())), COPY)


def _first(field: str) -> Callable[[FileLoad], Any]:
    return lambda load: getattr(load.rejects[0], field) if load.rejects else None


_RESULT: dict[str, Callable[[FileLoad], Any]] = {
    "file": lambda load: load.file.name,
    "status": lambda load: load.status,
    "rows_parsed": lambda load: load.parsed,
    "rows_loaded": lambda load: load.loaded,
    "error_limit": lambda load: load.limit,
    "errors_seen": lambda load: load.error_rows,
    "first_error": _first("error"),
    "first_error_line": _first("line"),
    "first_error_character": _first("character"),
    "first_error_column_name": _first("column_name"),
}
_NUMBERS = ("rows_parsed", "rows_loaded", "error_limit", "errors_seen", "first_error_line", "first_error_character")


def _key(command: Command, file: StagedFile) -> str:
    """The key of a file in the load history."""
    return f"{command.location.directory.name}/{file.relative}"


def _writing(ctx: Context, command: Command, loads: list[FileLoad]) -> Callable[[], list[FileLoad]]:
    """The closure that writes all files' rows, history and errors, and returns the files that it loaded."""

    def register(kind: str, position: int, rows: pa.Table) -> str:
        view = f"{TABLE_FUNCTION_PREFIX}COPY_{ctx.query_id}_{kind}_{position}"
        ctx.session.register_rows(view, rows)
        return quote(view)

    keys = {"table_id": table_id(command.table), "query_id": ctx.query_id, "noted_at": datetime.now(UTC)}
    parts = []
    for i, load in enumerate(loads):
        rows = register("R", i, load.rows) if load.loaded else None
        entry = register("H", i, record_table([_entry(ctx, command, load)], load_history.COLUMNS))
        errors = register("E", i, record_table([keys | vars(r) for r in load.rejects], load_history.ERROR_COLUMNS))
        parts.append((load, rows, entry, errors))

    def work() -> list[FileLoad]:
        ctx.session.lock(Resource(command.table.name.fqn, "COPY"))
        streams.lock_target(ctx, command.table.name)
        loaded = set() if command.flag("FORCE") else load_history.loaded(ctx, command.table)
        done = []
        for load, rows, entry, errors in parts:
            if (_key(command, load.file), load.file.md5) in loaded:
                continue
            if rows:
                columns = ", ".join(quote(c.name) for c in load.columns)
                filled = fill_rows(ctx, command.table.name, columns, f"SELECT {columns} FROM {rows}")
                streams.insert(ctx, command.table.name, *filled)
            ctx.query(f"INSERT INTO {load_history.HISTORY} SELECT * FROM {entry}")
            ctx.query(f"INSERT INTO {load_history.ERRORS} SELECT * FROM {errors}")
            done.append(load)
        return done

    return work


def _entry(ctx: Context, command: Command, load: FileLoad) -> dict[str, Any]:
    """A file's entry in the load history."""
    name = command.table.name
    return {
        "table_id": table_id(command.table),
        "database_name": name.database,
        "schema_name": name.schema,
        "table_name": name.name,
        "query_id": ctx.query_id,
        "session_id": ctx.session.id,
        "last_load_time": datetime.now(UTC),
        "file_key": _key(command, load.file),
        "etag": load.file.md5,
        "file_name": load.file.relative,
        "stage_location": command.location.label,
        "file_size": load.file.size,
        "status": load.status,
        "row_count": load.loaded,
        "row_parsed": load.parsed,
        "error_count": load.error_rows,
        "error_limit": load.limit,
        "first_error_message": _first("error")(load),
        "first_error_line_number": _first("line")(load),
        "first_error_character_position": _first("character")(load),
        "first_error_column_name": _first("column_name")(load),
    }


def _validate_only(ctx: Context, command: Command, mode: str) -> Result:
    """VALIDATION_MODE: the errors, or the first rows, and nothing is loaded."""
    match = re.fullmatch(r"RETURN_(\d+)_ROWS", mode)
    command.options["ON_ERROR"] = "ABORT_STATEMENT" if match else "CONTINUE"
    loads = [load_file(ctx, command, f) for f in command.files()]
    if not match:
        return from_arrow(as_table([r for load in loads for r in load.rejects]), SELECT)
    tables = [load.rows for load in loads if load.rows is not None]
    return from_arrow(pa.concat_tables(tables).slice(0, int(match[1])) if tables else pa.table({}), SELECT)
