"""Rows as the lines of CSV files."""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from local_snowflake.copy.conversion import strptime_format
from local_snowflake.sql.names import literal
from local_snowflake.sql.types import clock_sql, minutes_sql, offset_sql
from local_snowflake.stages.formats import FileFormat

_CHUNK = 100_000
_TEXTS = ("VARCHAR", "JSON", "STRUCT", "MAP")


def csv_lines(table: pa.Table, kinds: list[str], form: FileFormat) -> Iterator[list[str]]:
    """The lines of all rows, some at a time; ``kinds`` are DuckDB's types: text is enclosed, numbers are not."""
    values = [_value(f'"C{i}"', kind, form) for i, kind in enumerate(kinds)]
    line = f" || {literal(form.text('FIELD_DELIMITER'))} || ".join(values)
    renamed = table.rename_columns([f"C{i}" for i in range(len(kinds))])
    with duckdb.connect() as duck:
        for start in range(0, table.num_rows, _CHUNK):
            duck.register("part", renamed.slice(start, _CHUNK))
            yield [str(row[0]) for row in duck.execute(f"SELECT {line} FROM part").fetchall()]


def header_line(names: list[str], form: FileFormat) -> str:
    """The names of the columns as a file's first line."""
    mark = form.text("FIELD_OPTIONALLY_ENCLOSED_BY")
    quoted = [mark + n.replace(mark, mark * 2) + mark if mark else n for n in names]
    return form.text("FIELD_DELIMITER").join(quoted) + form.text("RECORD_DELIMITER")


def _value(column: str, kind: str, form: FileFormat) -> str:
    """DuckDB's SQL of a value as a file shows it."""
    mark = form.text("FIELD_OPTIONALLY_ENCLOSED_BY")
    null = form.null_if()[0] if form.null_if() else ""
    text = _text(column, kind, form)
    if kind.startswith(_TEXTS) or kind.endswith("]"):
        if mark:
            text = f"{literal(mark)} || replace({text}, {literal(mark)}, {literal(mark * 2)}) || {literal(mark)}"
        elif escape := form.text("ESCAPE") or form.text("ESCAPE_UNENCLOSED_FIELD"):
            for special in (escape, form.text("FIELD_DELIMITER"), form.text("RECORD_DELIMITER")):
                if special:
                    text = f"replace({text}, {literal(special)}, {literal(escape + special)})"
    return f"coalesce({text}, {literal(null)})"


def _text(column: str, kind: str, form: FileFormat) -> str:
    if kind == "BLOB":
        encoded = "to_base64" if form.text("BINARY_FORMAT") == "BASE64" else "hex"
        return f"{encoded}({column})"
    option = {"DATE": "DATE_FORMAT", "TIME": "TIME_FORMAT"}.get(kind, "TIMESTAMP_FORMAT")
    pattern = form.text(option)
    if kind == "INTERVAL":
        return _zoned(column, pattern)
    if kind == "DATE" or kind.startswith("TIME"):
        if pattern.upper() not in {"", "AUTO"}:
            return f"strftime({column}, {literal(strptime_format(pattern))})"
        if kind.startswith("TIMESTAMP"):
            zone = " %z" if "ZONE" in kind else ""
            return f"strftime({column}, '%Y-%m-%d %H:%M:%S.%g{zone}')"
    return f"CAST({column} AS VARCHAR)"


def _zoned(column: str, pattern: str) -> str:
    """DuckDB's SQL of a TIMESTAMP_TZ at its offset."""
    if pattern.upper() in {"", "AUTO"}:
        pattern = "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM"
    offset = offset_sql(minutes_sql(column), ":" if "TZH:TZM" in pattern.upper() else "")
    clock, (first, *others) = clock_sql(column), strptime_format(pattern).split("%z")
    texts = [f"strftime({clock}, {literal(first)})" if first else "''"]
    for part in others:
        texts += [offset, f"strftime({clock}, {literal(part)})"] if part else [offset]
    return " || ".join(texts)
