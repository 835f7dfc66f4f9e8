"""Files on the machine that are no plain CSV: compressed, Parquet, JSON lines; their rows are those of the CSV file."""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from snowflake.snowpark import Session

from snowloop.errors import LoadError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.files import PlannedFile, check_files, plan_files
from snowloop.lifecycle.data.load import load_files
from snowloop.project import Column, Project, Replay, RowId
from snowloop.workspace import Workspace
from tests.support.tiny import tiny

CSV = "id,x,kind,happened_at\n1,1.5,A,2026-01-31 10:00:00\n2,,B,\n"


def zstd(content: bytes) -> bytes:
    compressed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return compressed


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstd,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def declared(folder: Path, **more: Any) -> Project:
    """A project over files of four columns."""
    project = tiny(folder / "projects")
    columns = {
        "ID": Column(type="NUMBER(38,0)", nullable=False),
        "X": Column(type="FLOAT"),
        "KIND": Column(type="VARCHAR", null_values=("none",)),
        "HAPPENED_AT": Column(type="TIMESTAMP_NTZ", field="happened at"),
    }
    columns |= more.pop("columns", {})
    source = project.streamed.model_copy(update={"columns": columns, "event_time": None, **more})
    return project.model_copy(update={"sources": {"events": source}, "replay": None})


def planned(project: Project, folder: Path) -> list[PlannedFile]:
    work = folder / "work"
    work.mkdir()
    check_files(project, folder)
    return plan_files(project, folder, work)


def as_parquet(file: Path, rows: list[dict[str, Any]]) -> None:
    parquet.write_table(pa.Table.from_pylist(rows), file)


def as_json(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_bytes(gzip.compress("".join(json.dumps(row, default=str) + "\n" for row in rows).encode()))


@pytest.mark.parametrize("kind", COMPRESSED)
def test_a_compressed_csv_file_is_read_whatever_its_name_is(tmp_path: Path, kind: str):
    columns = {"HAPPENED_AT": Column(type="TIMESTAMP_NTZ")}
    project = declared(tmp_path, file="data*", columns=columns)
    (tmp_path / f"data.{kind}").write_bytes(COMPRESSED[kind](CSV.encode()))
    (file,) = planned(project, tmp_path)
    assert (file.rows, file.malformed) == (2, ())
    assert file.path.read_text() == CSV


@pytest.mark.parametrize("cut", COMPRESSED)
def test_a_compressed_file_that_was_cut_off_is_one_message(tmp_path: Path, cut: str):
    project = declared(tmp_path, file="data.csv", columns={"HAPPENED_AT": Column(type="TIMESTAMP_NTZ")})
    lines = "".join(f"{number},{number * 7919 % 997},A,\n" for number in range(50_000))
    whole = COMPRESSED[cut](CSV.encode() + lines.encode())
    (tmp_path / "data.csv").write_bytes(whole[: len(whole) // 2])
    work = tmp_path / "work"
    work.mkdir()
    with pytest.raises(LoadError, match=r"data\.csv: its compressed content cannot be read to its end"):
        plan_files(project, tmp_path, work)


@pytest.mark.parametrize(("format_", "write"), [("parquet", as_parquet), ("json", as_json)])
def test_records_are_read_by_name_into_the_order_of_the_columns(
    tmp_path: Path, format_: str, write: Callable[[Path, list[dict[str, Any]]], None]
):
    at = datetime(2026, 1, 31, 10, tzinfo=UTC).replace(tzinfo=None)
    rows: list[dict[str, Any]] = [
        {"Happened  At": at, "extra": [1, 2], "kind": 'a "b", c', "ID": 1, "x": 1.5},
        {"Happened  At": None, "extra": None, "kind": "", "ID": 2, "x": None},
        {"Happened  At": None, "extra": None, "kind": "none", "ID": 3, "x": 1e300},
    ]
    write(tmp_path / "rows", rows)
    project = declared(tmp_path, file="rows", format=format_, row_id=RowId())
    (file,) = planned(project, tmp_path)
    first, *others = file.path.read_text().splitlines()
    assert first.startswith('1,"1","1.5","a ""b"", c","2026-01-31 10:00:00')
    assert others == ['2,"2",,"",', '3,"3","1e+300",,']
    assert (file.rows, file.malformed) == (3, ())


def test_values_of_arrow_are_texts_that_copy_reads(tmp_path: Path):
    values = {
        "A": pa.array(["x", "y"]).dictionary_encode(),
        "B": pa.array([True, None]),
        "C": pa.array([Decimal("1.10"), Decimal("-2.00")]),
        "D": pa.array([{"k": 1}, None]),
        "E": pa.array([b"\x01\xff", None]),
        "F": pa.array([2**63, 0], pa.uint64()),
        "G": pa.array([3.0, float("inf")]),
    }
    parquet.write_table(pa.table(values), tmp_path / "a.parquet")
    project = declared(tmp_path, file="a.parquet", format="parquet")
    columns = {name: Column(type="VARCHAR") for name in values}
    source = project.streamed.model_copy(update={"columns": columns})
    (file,) = planned(project.model_copy(update={"sources": {"events": source}}), tmp_path)
    assert file.path.read_text().splitlines() == [
        '"x","true","1.10","{""k"": 1}","01ff","9223372036854775808","3"',
        '"y",,"-2.00",,,"0","inf"',
    ]


def test_lines_that_are_no_objects_are_kept_with_the_reason(tmp_path: Path):
    (tmp_path / "a.json").write_bytes(b'\n{"ID": 1}\n{broken\n[1]\n{"ID": 2, "KIND": "\xff"}\n{"ID": 3}\n')
    (file,) = planned(declared(tmp_path, file="a.json", format="json"), tmp_path)
    assert (file.rows, file.path.read_text().splitlines()) == (5, ['"1",,,', '"3",,,'])
    assert [record.line for record in file.malformed] == [3, 4, 5]
    reasons = ["a.json:3: the line is no JSON", "a.json:4: the line is JSON, but no object", "byte 0xff is not UTF-8"]
    for record, reason in zip(file.malformed, reasons, strict=True):
        assert reason in str(record.error)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"id": 1, "x": 2.0, "kind": "A"}], "it lacks happened at; it has the columns id, x, kind"),
        ([{"id": 1, "ID": 2, "x": 2.0, "kind": "A", "happened at": None}], "it has id and ID"),
        (None, "this is no Parquet file that can be read"),
    ],
)
def test_a_parquet_file_without_the_columns_is_refused_before_anything_runs(
    tmp_path: Path, rows: list[dict[str, Any]] | None, says: str
):
    if rows is None:
        (tmp_path / "a.parquet").write_bytes(b"PAR1")
    else:
        as_parquet(tmp_path / "a.parquet", rows)
    with pytest.raises(LoadError, match=says):
        check_files(declared(tmp_path, file="a.parquet", format="parquet"), tmp_path)


def test_a_parquet_file_is_replayed_as_a_csv_file_is(tmp_path: Path):
    rows = [{"id": n, "x": float(n), "kind": "A", "happened at": None} for n in range(10)]
    as_parquet(tmp_path / "a.parquet", rows)
    project = declared(tmp_path, file="a.parquet", format="parquet")
    project = project.model_copy(update={"replay": Replay(initial=0.5, batches=2)})
    files = planned(project, tmp_path)
    assert [(file.batch, file.rows) for file in files] == [(0, 5), (1, 3), (2, 2)]
    assert [file.path.read_text().splitlines()[0] for file in files] == ['"0","0","A",', '"5","5","A",', '"8","8","A",']


@pytest.mark.parametrize(("format_", "write"), [("parquet", as_parquet), ("json", as_json)])
def test_they_are_loaded_once_with_nulls_and_empty_texts_apart(
    session: Session, tmp_path: Path, format_: str, write: Callable[[Path, list[dict[str, Any]]], None]
):
    rows: list[dict[str, Any]] = [
        {"ID": "1", "X": "1.5", "KIND": "it's, \n two", "happened at": "2026-01-31 10:00:00.250000"},
        {"ID": "2", "X": None, "KIND": "", "happened at": None},
        {"ID": "3", "X": "many", "KIND": None, "happened at": None},
        {"ID": "4", "X": "inf", "KIND": None, "happened at": None},
    ]
    write(tmp_path / "rows", rows)
    project = declared(tmp_path, file="rows", format=format_, max_rejected_share=0.5)
    workspace = Workspace(session, project, f"named_{format_}")
    create_environment(workspace)
    first, second = (load_files(workspace, tmp_path) for _ in range(2))
    assert (first.read, first.loaded, first.rejected) == (4, 3, 1)
    assert (second.read, [file.kept for file in second.files]) == (0, [True])
    shown = f"SELECT ID, X, KIND, HAPPENED_AT::VARCHAR FROM {workspace.database}.RAW.EVENTS ORDER BY ID"
    assert [tuple(row) for row in session.sql(shown).collect()] == [
        (1, 1.5, "it's, \n two", "2026-01-31 10:00:00.250"),
        (2, None, "", None),
        (4, float("inf"), None, None),
    ]
    session.sql(f"DROP DATABASE {workspace.database}").collect()
