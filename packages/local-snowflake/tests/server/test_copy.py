"""COPY INTO tables: files are loaded once, ON_ERROR, VALIDATE, the load history, transactions."""

from __future__ import annotations

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.server.copying import CSV, GOOD, Stage, rows, run

NOTHING = "Copy executed with 0 files processed."


def test_a_file_is_loaded_once(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": GOOD})
    row = run(session, f"COPY INTO T FROM {place} {CSV}")[0].as_dict()
    assert row == {
        "file": "st/a.csv",
        "status": "LOADED",
        "rows_parsed": 2,
        "rows_loaded": 2,
        "error_limit": 1,
        "errors_seen": 0,
        "first_error": None,
        "first_error_line": None,
        "first_error_character": None,
        "first_error_column_name": None,
    }
    assert run(session, f"COPY INTO T FROM {place} {CSV}")[0]["status"] == NOTHING
    assert run(session, f"COPY INTO T FROM {place} {CSV} FORCE = TRUE")[0]["rows_loaded"] == 2
    stage({"a.csv": GOOD + "3,c,3,\n"})
    assert run(session, f"COPY INTO T FROM {place} {CSV}")[0]["rows_loaded"] == 3
    run(session, "TRUNCATE TABLE T")
    assert run(session, f"COPY INTO T FROM {place} {CSV}")[0]["rows_loaded"] == 3
    run(session, "CREATE OR REPLACE TABLE T (ID INT NOT NULL, NAME VARCHAR(5), AMOUNT NUMBER(10,2), DAY DATE)")
    assert run(session, f"COPY INTO T FROM {place} {CSV}")[0]["rows_loaded"] == 3


def test_the_errors_of_a_statement_are_found_by_its_id(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": "h\n1,a,x,y\n2,b,1,\nz,c,1,\n", "b.csv": "h\n3,c,1,\n"})
    run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")
    query_id = run(session, "SELECT LAST_QUERY_ID()")[0][0]
    sql = f"""SELECT LINE, COLUMN_NAME FROM TABLE(VALIDATE("T_COPY"."PUBLIC"."T", JOB_ID => '{query_id}')) AS V"""
    assert rows(session, sql) == [(2, '"T"["AMOUNT":3]'), (2, '"T"["DAY":4]'), (4, '"T"["ID":1]')]
    once = f"{sql} QUALIFY ROW_NUMBER() OVER (PARTITION BY V.LINE ORDER BY V.CHARACTER) = 1 ORDER BY LINE"
    assert [r[0] for r in rows(session, once)] == [2, 4]
    with pytest.raises(SnowparkSQLException, match="not found"):
        run(session, "SELECT * FROM TABLE(VALIDATE(T, JOB_ID => 'no-such-id'))")
    history = rows(
        session, "SELECT FILE_NAME, STATUS, ROW_COUNT FROM INFORMATION_SCHEMA.LOAD_HISTORY WHERE TABLE_NAME = 'T'"
    )
    assert {("a.csv", "PARTIALLY_LOADED", 1), ("b.csv", "LOADED", 1)} <= set(history)


@pytest.mark.parametrize(
    ("mode", "statuses", "loaded"),
    [
        ("CONTINUE", ["LOADED", "PARTIALLY_LOADED"], 4),
        ("SKIP_FILE", ["LOADED", "LOAD_FAILED"], 2),
        ("SKIP_FILE_2", ["LOADED", "PARTIALLY_LOADED"], 4),
        ("'SKIP_FILE_30%'", ["LOADED", "LOAD_FAILED"], 2),
        ("'SKIP_FILE_50%'", ["LOADED", "PARTIALLY_LOADED"], 4),
    ],
)
def test_on_error(session: Session, stage: Stage, table: str, mode: str, statuses: list[str], loaded: int) -> None:
    place = stage({"a.csv": GOOD, "b.csv": GOOD + "x,c,1,\n"})
    done = run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = {mode}")
    assert [d["status"] for d in done] == statuses
    assert session.table("T").count() == loaded
    failed = run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = {mode} RETURN_FAILED_ONLY = TRUE FORCE = TRUE")
    assert [d["file"] for d in failed] == ["st/b.csv"]


def test_a_failed_file_is_loaded_when_it_is_mended(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": "h\nx,c,1,\n"})
    assert run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = SKIP_FILE")[0]["status"] == "LOAD_FAILED"
    assert run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = SKIP_FILE")[0]["status"] == "LOAD_FAILED"
    stage({"a.csv": "h\n1,c,1,\n"})
    assert run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = SKIP_FILE")[0]["status"] == "LOADED"


def test_a_rollback_takes_the_load_back(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": GOOD + "x,c,1,\n"})
    run(session, "BEGIN")
    run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")
    assert session.table("T").count() == 2
    assert run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")[0]["status"] == NOTHING
    with pytest.raises(SnowparkSQLException):
        run(session, "SELECT * FROM NO_SUCH_TABLE")
    assert session.table("T").count() == 2
    run(session, "ROLLBACK")
    assert session.table("T").count() == 0
    assert run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")[0]["rows_loaded"] == 2


def test_files_are_chosen(session: Session, stage: Stage, table: str) -> None:
    place = stage({f"{n}.csv": GOOD for n in "abc"} | {"d.txt": GOOD})
    done = run(session, f"COPY INTO T FROM {place} PATTERN = '.*[ab][.]csv' {CSV}")
    assert [d["file"] for d in done] == ["st/a.csv", "st/b.csv"]
    done = run(session, f"COPY INTO T FROM {place} FILES = ('d.txt', 'a.csv') {CSV} PURGE = TRUE")
    assert [d["file"] for d in done] == ["st/d.txt"]
    assert [r["name"] for r in run(session, f"LIST {place}")] == ["st/a.csv", "st/b.csv", "st/c.csv"]
    with pytest.raises(SnowparkSQLException, match=r"Remote file '.*nope.csv' was not found"):
        run(session, f"COPY INTO T FROM {place} FILES = ('nope.csv') {CSV}")
    run(session, f"COPY INTO T FROM {place} {CSV} SIZE_LIMIT = 1 FORCE = TRUE")


def test_validation_only(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": GOOD + "x,c,1,\n"})
    errors = run(session, f"COPY INTO T FROM {place} {CSV} VALIDATION_MODE = RETURN_ERRORS")
    assert [(e["LINE"], e["CODE"]) for e in errors] == [(4, 100038)]
    with pytest.raises(SnowparkSQLException, match="'x' is not recognized"):
        run(session, f"COPY INTO T FROM {place} {CSV} VALIDATION_MODE = RETURN_2_ROWS")
    stage({"a.csv": GOOD})
    found = run(session, f"COPY INTO T FROM {place} {CSV} VALIDATION_MODE = RETURN_1_ROWS")
    assert [(r["ID"], r["NAME"]) for r in found] == [(1, "a")]
    assert session.table("T").count() == 0


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("COPY INTO NO_SUCH FROM @ST", "Table '.*NO_SUCH' does not exist$"),
        ("COPY INTO T (NOPE) FROM @ST", "invalid identifier 'NOPE'"),
        ("COPY INTO T FROM @ST ON_ERROR = MAYBE", r"invalid value \[MAYBE\]"),
        ("COPY INTO T FROM @ST NO_OPTION = 1", "invalid parameter 'NO_OPTION'"),
        ("COPY INTO T FROM @ST FILE_FORMAT = (FORMAT_NAME = NOPE)", "File format '.*NOPE' does not exist"),
        ("COPY INTO T FROM @ST FILE_FORMAT = (TYPE = XML)", "XML"),
        ("COPY INTO T FROM 's3://bucket/x'", "invalid URL prefix"),
        ("COPY INTO T FROM (SELECT $1 FROM @ST)", "expecting 4 but got 1"),
    ],
)
def test_faults_of_statements(session: Session, stage: Stage, table: str, sql: str, message: str) -> None:
    stage({"a.csv": GOOD})
    with pytest.raises(SnowparkSQLException, match=message):
        run(session, sql)


def test_a_change_tracked_table_records_the_load(session: Session, stage: Stage, table: str) -> None:
    run(session, "CREATE OR REPLACE STREAM S ON TABLE T")
    place = stage({"a.csv": GOOD})
    run(session, f"COPY INTO T FROM {place} {CSV}")
    assert rows(session, "SELECT ID, METADATA$ACTION FROM S ORDER BY 1") == [(1, "INSERT"), (2, "INSERT")]
