"""Files on a stage, as sources: Parquet, JSON lines and CSV, compressed or not, each loaded once, nothing lost."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import ValidationError
from snowflake.snowpark import Session

from snowloop.errors import LoadError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.staged import copy_staged
from snowloop.project import Column, Project, Source
from snowloop.workspace import Workspace
from tests.support.tiny import tiny

COLUMNS: dict[str, Any] = {
    "ID": {"type": "NUMBER(38,0)", "nullable": False},
    "X": {"type": "FLOAT", "field": "x value"},
    "KIND": {"type": "VARCHAR(3)"},
    "HAPPENED_AT": {"type": "TIMESTAMP_NTZ"},
}
LENIENT = {"max_rejected_share": 1}
STAGE = "STAGED_FILES.PUBLIC.LANDING"


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"stage": "LANDING"}, "not the full name of a stage"),
        ({"stage": "@A.B.C/x y"}, "not the full name of a stage"),
        ({"stage": "@A.B.C) FORCE = TRUE --"}, "not the full name of a stage"),
        ({"stage": "@A.B.C", "file": "a.csv"}, "declare one of"),
        ({"stage": "@A.B.C", "row_id": {}}, "row_id does not apply"),
        (
            {"stage": "@A.B.C", "format": "json", "delimiter": ";"},
            "delimiter does not apply .* json files on the stage",
        ),
        ({"file": "a.json", "format": "json", "header": False}, "header does not apply .* the json file a.json"),
        ({"stage": "@A.B.C", "loaded_at": "HAPPENED_AT"}, "loaded_at does not apply"),
    ],
)
def test_what_means_nothing_for_a_stage_is_refused(declared, reason):
    with pytest.raises(ValidationError, match=reason):
        Source.model_validate({**declared, "columns": COLUMNS})


@pytest.fixture(scope="module")
def project(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Project:
    session.sql("CREATE OR REPLACE DATABASE STAGED_FILES").collect()
    session.sql(f"CREATE STAGE {STAGE}").collect()
    declared = tiny(tmp_path_factory.mktemp("tiny"))
    formats: dict[str, dict[str, Any]] = {
        "parquet": {"pattern": ".*[.]parquet"},
        "json": {},
        "csv": {"delimiter": ";", "null_values": ["", "NA"]},
    }
    sources = {
        name: Source.model_validate(
            {"stage": f"@{STAGE}/{name}", "format": name, "columns": COLUMNS, **LENIENT, **more}
        )
        for name, more in formats.items()
    }
    streamed = declared.streamed.model_copy(update={"file": None, "stage": f"@{STAGE}/none"})
    made = declared.model_copy(update={"sources": {"events": streamed, **sources}, "replay": None})
    create_environment(Workspace(session, made, "staged"))
    return made


def put(session: Session, folder: str, file: Path) -> None:
    session.file.put(str(file), f"@{STAGE}/{folder}", auto_compress=False, overwrite=True)


def rows(session: Session, table: str) -> list[tuple[Any, ...]]:
    query = (
        f"SELECT ID, X, KIND, TO_VARCHAR(HAPPENED_AT, 'YYYY-MM-DD HH24:MI') FROM TINY_STAGED.RAW.{table} ORDER BY ID"
    )
    return [tuple(row) for row in session.sql(query).collect()]


def rejected(session: Session, table: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT LINE, COLUMN_NAME, REASON FROM TINY_STAGED.RAW.REJECTED_LINES "
        f"WHERE SOURCE = '{table}' ORDER BY FILE, LINE"
    )
    return [tuple(row) for row in session.sql(query).collect()]


def test_parquet(session: Session, project: Project, tmp_path: Path):
    good = {"ID": 1, "x value": 1.5, "kind": "a", "HAPPENED_AT": "2026-01-31 10:00:00", "other": True}
    parquet.write_table(pa.Table.from_pylist([good, good | {"ID": 2, "x value": None}]), tmp_path / "a.parquet")
    odd = [{"ID": "3", "x value": "2"}, {"ID": "4", "x value": "many"}, {"ID": "four", "x value": "1"}]
    parquet.write_table(pa.Table.from_pylist(odd), tmp_path / "b.parquet", compression="zstd")
    (tmp_path / "c.txt").write_text("no Parquet")
    for name in ("a.parquet", "b.parquet", "c.txt"):
        put(session, "parquet", tmp_path / name)
    workspace = Workspace(session, project, "staged")
    done = copy_staged(workspace, "parquet", project.sources["parquet"])
    assert sorted((file.name.rpartition("/")[2], file.read, file.loaded) for file in done) == [
        ("a.parquet", 2, 2),
        ("b.parquet", 3, 1),
    ]
    moment = "2026-01-31 10:00"
    assert rows(session, "PARQUET") == [(1, 1.5, "a", moment), (2, None, "a", moment), (3, 2.0, None, None)]
    assert rejected(session, "PARQUET") == [
        (2, "X", "X is not FLOAT: many"),
        (3, "ID", "ID is not NUMBER(38,0): four"),
    ]
    assert copy_staged(workspace, "parquet", project.sources["parquet"]) == []


def test_json_lines(session: Session, project: Project, tmp_path: Path):
    records = [{"id": 1, "x value": "1.5", "KIND": "a"}, {"id": 2, "KIND": "long"}, {"id": 3, "x value": None}]
    text = "".join(json.dumps(record) + "\n" for record in records) + "{broken\n"
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(text.encode()))
    with pa.output_stream(str(tmp_path / "b.json.zst"), compression="zstd") as out:
        out.write(b'{"id": 5, "x value": 3, "HAPPENED_AT": "2026-01-31 10:00:00"}\n')
    put(session, "json", tmp_path / "a.json.gz")
    put(session, "json", tmp_path / "b.json.zst")
    report = load_files(Workspace(session, project, "staged"), None)
    counted = [(file.read, file.loaded, file.rejected) for file in report.files if file.source == "json"]
    assert sorted(counted) == [(1, 1, 0), (4, 2, 2)]
    assert rows(session, "JSON") == [(1, 1.5, "a", None), (3, None, None, None), (5, 3.0, None, "2026-01-31 10:00")]
    (long, broken) = rejected(session, "JSON")
    assert long == (2, "KIND", "KIND is not VARCHAR(3): long")
    assert (broken[0], broken[2]) == (4, "the line is no JSON")
    loads = session.sql("SELECT ROWS_READ FROM TINY_STAGED.OPS.LOADS WHERE SOURCE = 'JSON' ORDER BY 1").collect()
    assert [row[0] for row in loads] == [1, 4]


def test_csv(session: Session, project: Project, tmp_path: Path):
    text = "id;x value;kind;at\n1;1.5;a;2026-01-31 10:00:00\n2;NA;;\nthree;1;a;\n4;1;a\n"
    with pa.output_stream(str(tmp_path / "a.csv.zst"), compression="zstd") as out:
        out.write(text.encode())
    put(session, "csv", tmp_path / "a.csv.zst")
    (done,) = copy_staged(Workspace(session, project, "staged"), "csv", project.sources["csv"])
    assert (done.read, done.loaded) == (4, 2)
    assert rows(session, "CSV") == [(1, 1.5, "a", "2026-01-31 10:00"), (2, None, None, None)]
    assert [line for line, *_ in rejected(session, "CSV")] == [4, 5]


def test_a_file_that_cannot_be_read_at_all_leaves_nothing(session: Session, project: Project, tmp_path: Path):
    (tmp_path / "z.parquet").write_text("no Parquet")
    put(session, "parquet", tmp_path / "z.parquet")
    before = rows(session, "PARQUET")
    with pytest.raises(LoadError, match=r"nothing was loaded"):
        copy_staged(Workspace(session, project, "staged"), "parquet", project.sources["parquet"])
    session.sql(f"REMOVE @{STAGE}/parquet/z.parquet").collect()
    assert rows(session, "PARQUET") == before


def test_a_scored_source_on_a_stage_is_loaded_after_those_that_its_features_join(
    session: Session, project: Project, monkeypatch: pytest.MonkeyPatch
):
    loaded: list[str] = []

    def record(_workspace: Workspace, name: str, _source: Source) -> list[Any]:
        loaded.append(name)
        return []

    monkeypatch.setattr("snowloop.lifecycle.data.load.copy_staged", record)
    load_files(Workspace(session, project, "staged"), None)
    assert sorted(loaded) == sorted(name for name, source in project.sources.items() if source.stage)
    assert (loaded[-1], len(loaded) > 2) == (project.source, True)


def test_a_stage_that_is_not_there_names_the_grant(session: Session, project: Project):
    source = project.sources["csv"].model_copy(update={"stage": "@STAGED_FILES.PUBLIC.NOWHERE/x"})
    with pytest.raises(
        LoadError, match=r"ask its owner for GRANT USAGE .* or READ ON STAGE STAGED_FILES\.PUBLIC\.NOWHERE TO ROLE"
    ):
        copy_staged(Workspace(session, project, "staged"), "csv", source)


def test_a_file_that_was_replaced_is_not_loaded_twice(session: Session, project: Project, tmp_path: Path):
    workspace, source = Workspace(session, project, "staged"), project.sources["csv"]
    for text in ("id;x;kind;at\n21;1;a;\n", "id;x;kind;at\n21;2;a;\n22;2;a;\n"):
        (tmp_path / "r.csv").write_text(text)
        put(session, "csv", tmp_path / "r.csv")
        if "22" not in text:
            copy_staged(workspace, "csv", source)
    with pytest.raises(LoadError, match=r"r\.csv was loaded before, and was replaced .* give what is new another name"):
        copy_staged(workspace, "csv", source)
    assert [row for row in rows(session, "CSV") if row[0] > 20] == [(21, 1.0, "a", None)]
    session.sql(f"REMOVE @{STAGE}/csv/r.csv").collect()
    assert copy_staged(workspace, "csv", source) == []


def test_more_rejected_records_than_declared_leave_nothing(session: Session, project: Project, tmp_path: Path):
    (tmp_path / "m.csv").write_text("id;x;kind;at\n31;1;a;\n32;one;a;\n")
    put(session, "csv", tmp_path / "m.csv")
    source = project.sources["csv"].model_copy(update={"max_rejected_share": 0.4})
    with pytest.raises(LoadError, match=r"1 of 2 records would be rejected, at most 40% may be; nothing was loaded"):
        copy_staged(Workspace(session, project, "staged"), "csv", source)
    session.sql(f"REMOVE @{STAGE}/csv/m.csv").collect()
    assert not [row for row in rows(session, "CSV") if row[0] > 30]


def test_a_column_that_was_added_later_is_filled_from_its_place_in_the_file(
    session: Session, project: Project, tmp_path: Path
):
    source = project.sources["csv"]
    first = source.model_copy(update={"columns": {"EXTRA": Column(type="VARCHAR"), **source.columns}})
    session.sql("ALTER TABLE TINY_STAGED.RAW.CSV ADD COLUMN EXTRA VARCHAR").collect()
    (tmp_path / "e.csv").write_text("extra;id;x;kind;at\nmore;41;1;a;\n")
    put(session, "csv", tmp_path / "e.csv")
    copy_staged(Workspace(session, project, "staged"), "csv", first)
    added = session.sql("SELECT ID, EXTRA FROM TINY_STAGED.RAW.CSV WHERE ID > 40").collect()
    assert [tuple(row) for row in added] == [(41, "more")]
