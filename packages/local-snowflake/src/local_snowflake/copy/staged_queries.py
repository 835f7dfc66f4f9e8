"""Queries over staged files: FROM @stage, INFER_SCHEMA, and CREATE TABLE … USING TEMPLATE."""

from __future__ import annotations

import re
import uuid

import duckdb
import pyarrow as pa
from sqlglot import exp

from local_snowflake.copy.content import ROW, open_file
from local_snowflake.copy.infer import infer
from local_snowflake.copy.loading import SOURCE, source_sql
from local_snowflake.copy.staged_tree import highest_position, location_text, name_positions, read_fields, staged_tables
from local_snowflake.errors import SnowflakeError, from_duckdb
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.sql.calls import TABLE_FUNCTION_PREFIX
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import Location, StagedFile, locate, matches


def read_stages(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``FROM @stage/path (FILE_FORMAT => 'f', PATTERN => 'p')`` -> the rows of its files.

    Source: https://docs.snowflake.com/en/user-guide/querying-stage
    """
    tables = staged_tables(tree)
    if not tables:
        return tree
    name_positions(tree)
    for table in tables:
        location = locate(ctx, location_text(table))
        form = effective_format(ctx, _argument(table, "format"), location.stage)
        files = _files(location, _argument(table, "pattern"))
        rows = _rows(ctx, tree, files, form)
        view = TABLE_FUNCTION_PREFIX + uuid.uuid4().hex.upper()
        ctx.session.register_rows(view, rows)
        new = exp.Table(this=exp.to_identifier(view, quoted=True))
        new.set("alias", table.args.get("alias"))
        for key in ("joins", "sample", "laterals", "pivots"):
            if table.args.get(key):
                new.set(key, table.args[key])
        new.meta["physical"] = True
        table.replace(new)
    return tree


def _argument(table: exp.Table, key: str) -> str | None:
    value = table.args.get(key)
    if value is None:
        return None
    return value.name if isinstance(value, exp.Literal) else value.sql(dialect="snowflake")


def _files(location: Location, pattern: str | None) -> list[StagedFile]:
    files = location.files()
    return [f for f in files if any(matches(pattern, n) for n in (f.name, f.relative))] if pattern else files


def _rows(ctx: Context, tree: exp.Expression, files: list[StagedFile], form: FileFormat) -> pa.Table:
    contents = [(f, open_file(f, form)) for f in files]
    if form.is_columnar:
        fields = {name for _, content in contents for name in content.fields}
        read_fields(tree, fields, as_variants=True)
    needed = highest_position(tree)
    found = []
    duck = ctx.services.storage.cursor()
    try:
        for file, content in contents:
            if content.faults:
                row, (fault, at) = next(iter(content.faults.items()))
                raise content.reject(file.name, row, fault, None, None, at).as_error()
            duck.register(SOURCE, content.table)
            found.append(duck.execute(source_sql(content, form.kind, needed, file)).to_arrow_table())
    except duckdb.Error as error:
        raise from_duckdb(error) from None
    finally:
        duck.close()
    if not found:
        names = [f"COLUMN{i + 1}" for i in range(max(needed, 1))]
        names += ["METADATA$FILENAME", "METADATA$FILE_ROW_NUMBER"]
        return pa.table({n: pa.array([], pa.string()) for n in names})
    table = pa.concat_tables(found, promote_options="permissive").drop_columns([ROW])
    if form.kind != "CSV" and "COLUMN1" in table.column_names:
        position = table.column_names.index("COLUMN1")
        texts = table.column("COLUMN1").combine_chunks()
        json = pa.ExtensionArray.from_storage(pa.json_(pa.utf8()), texts.cast(pa.string()))
        table = table.set_column(position, "COLUMN1", json)
    return table


@table_function("INFER_SCHEMA")
def infer_schema(
    ctx: Context,
    *,
    location: str,
    file_format: str,
    files: str | None = None,
    ignore_case: bool = False,
    **_: object,
) -> pa.Table:
    """INFER_SCHEMA(LOCATION => '@stage', FILE_FORMAT => 'f', …).

    Source: https://docs.snowflake.com/en/sql-reference/functions/infer_schema
    """
    place = locate(ctx, location)
    form = effective_format(ctx, file_format, place.stage)
    found = place.files()
    if files is not None:
        wanted = re.findall(r"'((?:[^']|'')*)'", files) or [files]
        names = [(w, next((f for f in found if f.relative.endswith(w.lstrip("/"))), None)) for w in wanted]
        if missing := [w for w, f in names if f is None]:
            raise SnowflakeError(91016, "22000", f"Remote file '{missing[0]}' was not found in '{location}'.")
        found = [f for _, f in names if f is not None]
    return infer(ctx, found, form, ignore_case=bool(ignore_case))
