"""INFER_SCHEMA, the columns of staged files; and CREATE TABLE … USING TEMPLATE."""

import json
import re
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from local_snowflake.copy.content import open_file, schema_of
from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import table_function
from local_snowflake.execution.results import record_table
from local_snowflake.sql.names import quote
from local_snowflake.sql.statement import Statement
from local_snowflake.stages.formats import FileFormat, effective_format
from local_snowflake.stages.locations import StagedFile, locate

_SAMPLE = 100_000
_SIMPLE = re.compile(r"[A-Za-z_]\w*\Z")
_SCHEMA = {
    **dict.fromkeys(("COLUMN_NAME", "TYPE"), pa.string()),
    "NULLABLE": pa.bool_(),
    **dict.fromkeys(("EXPRESSION", "FILENAMES"), pa.string()),
    "ORDER_ID": pa.int64(),
}


@dataclass
class InferredColumn:
    """A column of a file: its type is a NUMBER with digits before and after the point, or another type's name."""

    name: str
    kind: str
    whole: int = 0
    scale: int = 0
    nullable: bool = True

    def __str__(self) -> str:
        """The type as INFER_SCHEMA spells it."""
        if self.kind == "NUMBER":
            return f"NUMBER({min(max(self.whole + self.scale, 1), 38)}, {self.scale})"
        return self.kind


def infer(ctx: Context, files: list[StagedFile], form: FileFormat, *, ignore_case: bool) -> pa.Table:
    """The columns of all files together, as INFER_SCHEMA returns them."""
    columns: dict[str, InferredColumn] = {}
    seen: dict[str, list[str]] = {}
    for file in files:
        for column in _inferred(ctx, file, form):
            if ignore_case:
                column.name = column.name.upper()
            old = columns.get(column.name)
            columns[column.name] = column if old is None else _merged(old, column)
            seen.setdefault(column.name, []).append(file.relative)
    records = [
        {
            "COLUMN_NAME": name,
            "TYPE": str(column),
            "NULLABLE": column.nullable,
            "EXPRESSION": f"${i + 1}::{column}" if form.kind == "CSV" else f"$1:{_member(name)}::{column}",
            "FILENAMES": ", ".join(seen[name]),
            "ORDER_ID": i,
        }
        for i, (name, column) in enumerate(columns.items())
    ]
    return record_table(records, _SCHEMA)


def _member(name: str) -> str:
    return name if _SIMPLE.match(name) else quote(name)


def _merged(one: InferredColumn, other: InferredColumn) -> InferredColumn:
    if one.kind == other.kind == "NUMBER":
        return InferredColumn(one.name, "NUMBER", max(one.whole, other.whole), max(one.scale, other.scale))
    if one.kind == other.kind:
        return one
    kind = "REAL" if {one.kind, other.kind} == {"NUMBER", "REAL"} else "TEXT"
    return InferredColumn(one.name, kind)


def _inferred(ctx: Context, file: StagedFile, form: FileFormat) -> list[InferredColumn]:
    if form.is_columnar or form.kind == "AVRO":
        return [_field(f, form) for f in schema_of(file, form)]
    content = open_file(file, form)
    with ctx.services.storage.cursor() as duck:
        duck.register("sample", content.table.slice(0, _SAMPLE))
        if form.kind == "JSON":
            return _json(duck)
        width = len(content.table.column_names) - 1
        names = list(content.fields) or [f"c{i + 1}" for i in range(width)]
        return [_csv(duck, name, f'"C{i + 1}"') for i, name in enumerate(names)]


def _field(field: pa.Field, form: FileFormat) -> InferredColumn:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    column = InferredColumn(field.name, _field_kind(kind, form), nullable=field.nullable)
    if column.kind == "NUMBER":
        column.whole = 38
    if pa.types.is_decimal(kind):
        column.whole, column.scale = kind.precision - kind.scale, kind.scale
    return column


def _field_kind(kind: pa.DataType, form: FileFormat) -> str:
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP_LTZ" if kind.tz and form.flag("USE_LOGICAL_TYPE") else "TIMESTAMP_NTZ"
    if form.is_columnar and pa.types.is_nested(kind):
        # as Snowpark's own test of frames with lists and dictionaries sees it
        return "VARIANT"
    checks = {
        "BOOLEAN": (pa.types.is_boolean,),
        # whatever BINARY_AS_TEXT is, which is about values
        "BINARY": (pa.types.is_binary, pa.types.is_large_binary),
        "NUMBER": (pa.types.is_integer, pa.types.is_duration, pa.types.is_decimal),
        "REAL": (pa.types.is_floating,),
        "DATE": (pa.types.is_date,),
        "TIME": (pa.types.is_time,),
        "ARRAY": (pa.types.is_list, pa.types.is_large_list),
        "OBJECT": (pa.types.is_nested,),
    }
    return next((name for name, tests in checks.items() if any(t(kind) for t in tests)), "TEXT")


_CHECKS = {
    "NUMBER": "regexp_full_match(trim(v), '[+-]?[0-9]+|[+-]?[0-9]*[.][0-9]+')",
    "REAL": "TRY_CAST(v AS DOUBLE) IS NOT NULL AND NOT contains(v, '_')",
    "BOOLEAN": "lower(v) IN ('true', 'false')",
    "DATE": "regexp_full_match(v, '[0-9]{4}-[0-9]{2}-[0-9]{2}') AND TRY_CAST(v AS DATE) IS NOT NULL",
    "TIMESTAMP_NTZ": "regexp_matches(v, '^[0-9]{4}-') AND TRY_CAST(v AS TIMESTAMP) IS NOT NULL",
    "TIME": "regexp_matches(v, '^[0-9]{2}:[0-9]{2}') AND TRY_CAST(v AS TIME) IS NOT NULL",
}


def _csv(duck: duckdb.DuckDBPyConnection, name: str, column: str) -> InferredColumn:
    checks = ", ".join(f"bool_and({c})" for c in _CHECKS.values())
    whole = "max(length(regexp_replace(split_part(trim(v), '.', 1), '[+-]', '')))"
    sql = (
        f"SELECT count(*), {whole}, max(length(split_part(trim(v), '.', 2))), {checks} "
        f"FROM (SELECT {column} AS v FROM sample) WHERE v IS NOT NULL"
    )
    row = duck.execute(sql).fetchall()[0]
    count, digits, scale, *holds = row
    if not count:
        return InferredColumn(name, "TEXT")
    kind = next((k for k, h in zip(_CHECKS, holds, strict=True) if h), "TEXT")
    if kind == "NUMBER" and int(digits) + int(scale) <= 38:
        return InferredColumn(name, "NUMBER", int(digits), int(scale))
    return InferredColumn(name, "REAL" if kind == "NUMBER" else kind)


def _json(duck: duckdb.DuckDBPyConnection) -> list[InferredColumn]:
    columns: dict[str, InferredColumn] = {}
    for (text,) in duck.execute('SELECT CAST("J" AS VARCHAR) FROM sample').fetchall():
        document = json.loads(text)
        for key, value in document.items() if isinstance(document, dict) else ():
            column = _json_value(key, value)
            old = columns.setdefault(key, column)
            if value is not None:
                columns[key] = _merged(old, column)
    return sorted(columns.values(), key=lambda g: g.name)


def _json_value(name: str, value: object) -> InferredColumn:
    if isinstance(value, bool):
        return InferredColumn(name, "BOOLEAN")
    if isinstance(value, int):
        return InferredColumn(name, "NUMBER", len(str(abs(value))))
    if isinstance(value, float):
        whole, _, fraction = f"{abs(value):f}".rstrip("0").partition(".")
        return InferredColumn(name, "NUMBER", len(whole), len(fraction))
    kinds: dict[type, str] = {list: "ARRAY", dict: "OBJECT"}
    return InferredColumn(name, kinds.get(type(value), "TEXT"))


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
    staged = place.files()
    if files is not None:
        names = dict.fromkeys(re.findall(r"'((?:[^']|'')*)'", files) or [files])
        by_name = {n: f for n in names for f in reversed(staged) if f.relative.endswith(n.lstrip("/"))}
        if missing := next((n for n in names if n not in by_name), None):
            raise SnowflakeError(91016, "22000", f"Remote file '{missing}' was not found in '{location}'.")
        staged = [*by_name.values()]
    return infer(ctx, staged, form, ignore_case=bool(ignore_case))


_TEMPLATE = re.compile(r"\bUSING\s+TEMPLATE\b", re.I)
_MEMBERS = ", ".join(f"'{n}', {n}" for n in ("COLUMN_NAME", "TYPE", "NULLABLE", "EXPRESSION", "ORDER_ID"))


def use_template(ctx: Context, statement: Statement) -> str:
    """CREATE TABLE name USING TEMPLATE (query) -> the columns that the query describes.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table#create-table-using-template
    """
    sql, match = statement.sql, _TEMPLATE.search(statement.sql)
    if not match or statement.verb != "CREATE":
        return sql
    reader = statement.reader
    while reader.position < match.end():
        reader.next()
    query = re.sub(r"(?i)OBJECT_CONSTRUCT\s*\(\s*\*\s*\)", f"OBJECT_CONSTRUCT({_MEMBERS})", reader.parenthesised())
    value = ctx.execute(query).table.column(0)[0].as_py()
    described = json.loads(value) if isinstance(value, str) else value
    members = [json.loads(c) if isinstance(c, str) else c for c in described or []]
    columns = [{k.lower(): v for k, v in column.items()} for column in members]
    if not columns:
        raise compilation_error("USING TEMPLATE: the query describes no column.", 100090, "22000")
    columns.sort(key=lambda c: int(c.get("order_id") or 0))
    nulls = ["" if str(c.get("nullable", True)).lower() == "true" else " NOT NULL" for c in columns]
    pairs = zip(columns, nulls, strict=True)
    definitions = ", ".join(f"{quote(str(c['column_name']))} {c['type']}{null}" for c, null in pairs)
    return f"{sql[: match.start()]} ({definitions}) {reader.rest()}"
