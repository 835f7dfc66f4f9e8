"""The content of a file -> rows of a table's types, and the faults of the rows that cannot be converted."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from local_snowflake.copy.content import ROW
from local_snowflake.copy.rejects import Fault, not_converted, null_value
from local_snowflake.copy.type_expressions import from_native, prepared_text, too_long
from local_snowflake.sql.names import quote
from local_snowflake.sql.types import SfType
from local_snowflake.stages.formats import FileFormat

_BAD = "$BAD"
_SEMI = {"VARIANT", "OBJECT", "ARRAY"}


@dataclass(frozen=True)
class Column:
    """A column that is loaded."""

    name: str
    type: SfType
    nullable: bool
    position: int


@dataclass
class Converted:
    """The outcome of a conversion.

    Attributes:
        rows: the rows that are sound, with "$ROW", the record's number.
        faults: record number, index of the column, what is wrong; by record and column.
    """

    rows: pa.Table
    faults: list[tuple[int, int, Fault]]


def convert(
    duck: duckdb.DuckDBPyConnection, source: str, columns: list[Column], form: FileFormat, *, truncate: bool
) -> Converted:
    """Convert all rows of a source at once.

    Args:
        duck: where ``source`` runs.
        source: DuckDB's SQL: "$ROW", then one value a column, named S0, S1, ….
        columns: what they are to become.
        form: the file's format.
        truncate: whether a text that is too long is cut.
    """
    kinds = {str(d[0]): str(d[1]) for d in duck.execute(f"DESCRIBE {source}").fetchall()}
    plans = [_plan(f'"S{i}"', kinds[f"S{i}"], c, form, truncate=truncate) for i, c in enumerate(columns)]
    prepared = ", ".join(f"{p.prepared} AS P{i}" for i, p in enumerate(plans))
    converted = ", ".join(f"{p.value.replace('$P', f'P{i}')} AS X{i}" for i, p in enumerate(plans))
    staged = f"SELECT *, {converted} FROM (SELECT {quote(ROW)}, {prepared} FROM ({source}))"
    checks = [p.bad.replace("$P", f"P{i}").replace("$X", f"X{i}") for i, p in enumerate(plans) if p.bad]
    bad = " OR ".join(f"coalesce({c}, FALSE)" for c in checks) or "FALSE"
    names = ", ".join(f"X{i} AS {quote(c.name)}" for i, c in enumerate(columns))
    table: pa.Table = duck.sql(
        f"SELECT {quote(ROW)}, {names}, ({bad}) AS {quote(_BAD)} FROM ({staged})"
    ).to_arrow_table()
    mask = table.column(_BAD)
    rows = table.drop_columns([_BAD])
    if not pc.any(mask).as_py():
        return Converted(rows, [])
    faults = _faults(duck, staged, bad, plans, columns)
    return Converted(rows.filter(pc.invert(mask)), faults)


@dataclass(frozen=True)
class _Plan:
    """How one column is converted: $P is the prepared value, $X the converted one."""

    prepared: str
    value: str
    bad: str
    text: bool
    variant: bool


def _plan(value: str, source: str, column: Column, form: FileFormat, *, truncate: bool) -> _Plan:
    kind, prepared, native = column.type, value, source
    if source == "JSON" and kind.name not in _SEMI:
        prepared, native = f"({value} ->> '$')", "VARCHAR"
    if native == "VARCHAR" and form.kind != "CSV":
        prepared = prepared_text(prepared, form)
    converted = from_native("$P", native, kind, form)
    checks = []
    if converted != "$P":
        checks.append("($P IS NOT NULL AND $X IS NULL)")
    if long := too_long("$X", kind):
        if truncate:
            converted = f"left({converted}, {kind.length})"
        else:
            checks.append(f"({long})")
    if not column.nullable:
        checks.append("$P IS NULL")
    variant = form.kind != "CSV" and source in {"JSON", "VARCHAR"}
    return _Plan(prepared, converted, " OR ".join(checks), form.kind == "CSV", variant)


def _faults(
    duck: duckdb.DuckDBPyConnection, staged: str, bad: str, plans: list[_Plan], columns: list[Column]
) -> list[tuple[int, int, Fault]]:
    found: list[tuple[int, int, Fault]] = []
    wanted = [i for i, p in enumerate(plans) if p.bad]
    picked = []
    for i in wanted:
        check = plans[i].bad.replace("$P", f"P{i}").replace("$X", f"X{i}")
        picked += [f"CAST(P{i} AS VARCHAR)", f"coalesce({check}, FALSE)"]
    sql = f"SELECT {quote(ROW)}, {', '.join(picked)} FROM ({staged}) WHERE {bad} ORDER BY 1"
    for row, *values in duck.execute(sql).fetchall():
        for n, i in enumerate(wanted):
            text, is_bad = values[2 * n], values[2 * n + 1]
            if is_bad:
                null = null_value(from_text=plans[i].text)
                fault = not_converted(text or "", columns[i].type, variant=plans[i].variant)
                found.append((int(row), i, null if text is None else fault))
    return found
