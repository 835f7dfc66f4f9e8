"""Rows that arrive in a CSV file: as the product loads them, by COPY alone, and by DuckDB's own reader."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
from snowflake.snowpark import Session

from benchmarks.data import make_rows
from benchmarks.project import FILE, declare
from benchmarks.server import Server
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.sql import identifier
from snowloop.workspace import Workspace

TARGET = "bench"


@dataclass(frozen=True)
class Arrival:
    """Seconds until the rows of one file are in a table.

    Attributes:
        rows: How many rows.
        product: By ``load_files``: lines are checked, cut into parts, hashed, packed, put and copied.
        copied: By COPY alone, of the same file on a stage, into a table of the same columns.
        in_duckdb: By DuckDB's read_csv, into a table of a database file.
    """

    rows: int
    product: float
    copied: float
    in_duckdb: float


def arrival(server: Server, folder: Path, count: int) -> Arrival:
    """Load ``count`` rows in the three ways, one after the other."""
    files = folder / "arriving"
    files.mkdir()
    file = files / f"{FILE}.csv"
    pyarrow.csv.write_csv(pa.Table.from_pandas(make_rows(count, labelled=True), preserve_index=False), file)
    project = declare(folder / "projects", "bench_arriving", "logistic")
    with Session.builder.configs(server.connection()).create() as session:
        workspace = Workspace(session, project, TARGET)
        create_environment(workspace)
        began = time.perf_counter()
        load_files(workspace, files)
        product = time.perf_counter() - began
        copied = _copied(session, workspace, file, count)
        session.sql(f"DROP DATABASE {identifier(workspace.database)}").collect()
    return Arrival(count, product, copied, _in_duckdb(folder / "arriving.duckdb", file, count))


def _copied(session: Session, workspace: Workspace, file: Path, count: int) -> float:
    schema = identifier(workspace.database, "RAW")
    columns = ", ".join(f"{name} {each.type}" for name, each in workspace.project.streamed.columns.items())
    session.sql(f"CREATE TABLE {schema}.COPIED ({columns})").collect()
    session.sql(f"CREATE STAGE {schema}.COPYING").collect()
    session.file.put(str(file), f"@{schema}.COPYING", auto_compress=False)
    began = time.perf_counter()
    session.sql(
        f"COPY INTO {schema}.COPIED FROM @{schema}.COPYING "
        "FILE_FORMAT = (TYPE = CSV PARSE_HEADER = TRUE FIELD_OPTIONALLY_ENCLOSED_BY = '\"') "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    ).collect()
    seconds = time.perf_counter() - began
    _expect(count, session.table(f"{schema}.COPIED").count())
    return seconds


def _in_duckdb(database: Path, file: Path, count: int) -> float:
    with duckdb.connect(str(database)) as duck:
        began = time.perf_counter()
        duck.execute("CREATE TABLE arrived AS SELECT * FROM read_csv(?)", [str(file)])
        seconds = time.perf_counter() - began
        _expect(count, duck.execute("SELECT COUNT(*) FROM arrived").fetchall()[0][0])
    return seconds


def _expect(count: int, found: int) -> None:
    if found != count:
        raise AssertionError(f"{found} of {count} rows arrived")
