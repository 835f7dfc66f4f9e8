"""COPY INTO tables from CSV: each kind of bad input, each option, the types of values."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.server.copying import CSV, Stage, rows, run

NULL = (
    "NULL result in a non-nullable column. Use quotes if an empty field should be interpreted as an empty string "
    "instead of a null"
)
COUNT = (
    "Number of columns in file ({}) does not match that of the corresponding table (4), use file format option "
    "error_on_column_count_mismatch=false to ignore this error"
)
FAULTS = [
    ("1,a,x1,2020-01-01", "Numeric value 'x1' is not recognized", 100038, '"T"["AMOUNT":3]', 5),
    ("1,a,1_0,2020-01-01", "Numeric value '1_0' is not recognized", 100038, '"T"["AMOUNT":3]', 5),
    ("1,a,999999999999,", "Numeric value '999999999999' is out of range", 100039, '"T"["AMOUNT":3]', 5),
    ("1,a,1,2020-13-01", "Date '2020-13-01' is not recognized", 100040, '"T"["DAY":4]', 7),
    ("1,a,1,epoch", "Date 'epoch' is not recognized", 100040, '"T"["DAY":4]', 7),
    ("1,abcdef,1,", "User character length limit (5) exceeded by string 'abcdef'", 100074, '"T"["NAME":2]', 3),
    (",a,1,", NULL, 100088, '"T"["ID":1]', 1),
    ("1,a", COUNT.format(2), 100080, '"T"["ID":1]', 1),
    ("1,a,1,2020-01-01,extra", COUNT.format(5), 100080, '"T"["ID":1]', 1),
    ('1,"a"b,1,', "Found character 'b' instead of field delimiter ','", 100066, '"T"["ID":1]', 6),
]


@pytest.mark.parametrize(("line", "error", "code", "column", "character"), FAULTS)
def test_each_error_has_its_position(
    session: Session, stage: Stage, table: str, line: str, error: str, code: int, column: str, character: int
) -> None:
    content = f'ID,NAME,AMOUNT,DAY\n7,"é\n""",1,\n{line}\n8,y,2,\n'
    place = stage({"bad.csv": content})
    with pytest.raises(SnowparkSQLException) as caught:
        run(session, f"COPY INTO T FROM {place} {CSV}")
    assert error in str(caught.value)
    assert f"File 'st/bad.csv', line 4, character {character}" in str(caught.value)
    assert session.table("T").count() == 0
    done = run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")[0]
    assert (done["status"], done["rows_parsed"], done["rows_loaded"], done["errors_seen"]) == (
        "PARTIALLY_LOADED",
        3,
        2,
        1,
    )
    assert (done["first_error"], done["first_error_line"], done["first_error_column_name"]) == (error, 4, column)
    found = run(session, "SELECT * FROM TABLE(VALIDATE(T, JOB_ID => '_last'))")
    assert len(found) == 1
    assert found[0].as_dict() | {"CATEGORY": None, "SQL_STATE": None} == {
        "ERROR": error,
        "FILE": "st/bad.csv",
        "LINE": 4,
        "CHARACTER": character,
        "BYTE_OFFSET": len('ID,NAME,AMOUNT,DAY\n7,"é\n""",1,\n'.encode()) + character - 1,
        "CATEGORY": None,
        "CODE": code,
        "SQL_STATE": None,
        "COLUMN_NAME": column,
        "ROW_NUMBER": 2,
        "ROW_START_LINE": 4,
        "REJECTED_RECORD": line,
    }


# the other options are tested with the reader, in tests/unit/test_csv_reader.py
OPTIONS: list[tuple[str, str | bytes, list[tuple[Any, ...]]]] = [
    ("FIELD_DELIMITER = '\\t'", "1\ta\tb\r\n2\tc\td", [("1", "a", "b"), ("2", "c", "d")]),
    (
        "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'",
        '"1","a,""b""","c\nd"\n2,5" pipe,6" tube\n',
        [("1", 'a,"b"', "c\nd"), ("2", '5" pipe', '6" tube')],
    ),
    ("FIELD_OPTIONALLY_ENCLOSED_BY = '\"' ESCAPE = '\\\\'", '"a\\"b",c\\,d,e\n', [('a"b', "c,d", "e")]),
    ("ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE", "1\n2,a,b,c\n", [("1", None, None), ("2", "a", "b")]),
    ("COMPRESSION = GZIP", gzip.compress(b"1,a,b\n", mtime=0), [("1", "a", "b")]),
    ("", "", []),
]


@pytest.mark.parametrize(("options", "content", "expected"), OPTIONS)
def test_csv_options(
    session: Session, stage: Stage, options: str, content: str | bytes, expected: list[tuple[Any, ...]]
) -> None:
    run(session, "CREATE OR REPLACE TABLE W (A STRING, B STRING, C STRING)")
    place = stage({"a.csv": content})
    run(session, f"COPY INTO W FROM {place} FILE_FORMAT = (TYPE = CSV {options})")
    assert rows(session, "SELECT * FROM W ORDER BY 1") == expected
    width = "$1, $2, $3"
    run(session, f"CREATE OR REPLACE FILE FORMAT FF TYPE = CSV {options}")
    assert rows(session, f"SELECT {width} FROM {place} (FILE_FORMAT => 'FF') ORDER BY 1") == expected


def test_files_that_cannot_be_read(session: Session, stage: Stage, table: str) -> None:
    message = "Invalid data encountered during decompression"
    place = stage({"a.csv": b"\x1f\x8bbroken"})
    with pytest.raises(SnowparkSQLException, match=message):
        run(session, f"COPY INTO T FROM {place}")
    done = run(session, f"COPY INTO T FROM {place} ON_ERROR = CONTINUE")[0]
    assert (done["status"], done["errors_seen"]) == ("LOAD_FAILED", 1)
    assert message in done["first_error"]


@pytest.mark.parametrize(("encoding", "broken"), [("UTF8", b"caf\xe9"), ("WINDOWS1252", b"\x81")])
def test_a_record_with_a_byte_that_is_not_in_the_encoding_is_one_error(
    session: Session, stage: Stage, encoding: str, broken: bytes
) -> None:
    """https://docs.snowflake.com/en/release-notes/bcr-bundles/un-bundled/bcr-1013-1014."""
    run(session, "CREATE OR REPLACE TABLE W (A NUMBER, B STRING)")
    place = stage({"a.csv": b"1,a\n2," + broken + b"\n3,c\n"})
    form = f"FILE_FORMAT = (TYPE = CSV ENCODING = '{encoding}')"
    message = f"Invalid UTF8 detected in string '0x{broken[-1:].hex()}'"
    with pytest.raises(SnowparkSQLException, match=message):
        run(session, f"COPY INTO W FROM {place} {form}")
    done = run(session, f"COPY INTO W FROM {place} {form} ON_ERROR = CONTINUE")[0]
    counts = ("status", "rows_parsed", "rows_loaded", "errors_seen", "first_error", "first_error_line")
    assert [done[name] for name in counts] == ["PARTIALLY_LOADED", 3, 2, 1, message, 2]
    assert rows(session, "SELECT A FROM W ORDER BY A") == [(1,), (3,)]
    rejected = run(session, "SELECT LINE, REJECTED_RECORD FROM TABLE(VALIDATE(W, JOB_ID => '_last'))")
    assert [(r.LINE, r.REJECTED_RECORD) for r in rejected] == [(2, "2," + broken[:-1].decode() + "\ufffd")]


def test_types_of_values(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE K (B BOOLEAN, F FLOAT, T TIMESTAMP_NTZ, M TIME, V VARIANT, X BINARY, D DATE)")
    place = stage({"a.csv": 'Yes|1e-3|2020-01-02T03:04:05.5|03:04|{"a": 1}|00ff|2-Mar-2021\noff|5|1577934245||[1]||\n'})
    run(session, f"COPY INTO K FROM {place} FILE_FORMAT = (TYPE = CSV FIELD_DELIMITER = '|')")
    first, second = run(session, "SELECT B, F, T::STRING T, M::STRING M, V, X, D::STRING D FROM K ORDER BY F")
    assert (first.B, first.F, first["T"][:21], first.M[:5], first.X, first.D) == (
        True,
        0.001,
        "2020-01-02 03:04:05.5",
        "03:04",
        b"\x00\xff",
        "2021-03-02",
    )
    assert json.loads(first.V) == {"a": 1}
    assert (second.B, second["T"][:19]) == (False, "2020-01-02 03:04:05")
    bad = {"B": "maybe", "F": "x", "T": "soon", "M": "25:00", "V": "{", "X": "0g", "D": "x"}
    for i, (column, value) in enumerate(bad.items()):
        stage({"a.csv": "|".join(value if j == i else "" for j in range(len(bad))) + "\n"})
        done = run(
            session, f"COPY INTO K FROM {place} FILE_FORMAT = (TYPE = CSV FIELD_DELIMITER = '|') ON_ERROR = CONTINUE"
        )
        assert done[0]["first_error_column_name"] == f'"K"["{column}":{i + 1}]'


def test_formats_of_dates(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE DT (D DATE, T TIMESTAMP_NTZ)")
    place = stage({"a.csv": "31.12.2020,2020/12/31 11:59 PM\n"})
    options = "DATE_FORMAT = 'DD.MM.YYYY' TIMESTAMP_FORMAT = 'YYYY/MM/DD HH12:MI AM'"
    run(session, f"COPY INTO DT FROM {place} FILE_FORMAT = (TYPE = CSV {options})")
    assert [str(v) for v in run(session, "SELECT * FROM DT")[0]] == ["2020-12-31", "2020-12-31 23:59:00"]


def test_values_are_truncated_on_request(session: Session, stage: Stage, table: str) -> None:
    place = stage({"a.csv": "h\n1,abcdefgh,1,\n"})
    run(session, f"COPY INTO T FROM {place} {CSV} TRUNCATECOLUMNS = TRUE")
    assert run(session, "SELECT NAME FROM T")[0][0] == "abcde"


def test_columns_are_chosen_and_the_rest_has_defaults(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE C (A INT, B STRING, C INT DEFAULT 7)")
    place = stage({"a.csv": "x,1\n"})
    run(session, f"COPY INTO C (B, A) FROM {place}")
    assert rows(session, "SELECT * FROM C") == [(1, "x", 7)]


@pytest.mark.slow
def test_a_million_rows_are_loaded_and_a_bad_one_is_reported(session: Session, stage: Stage, table: str) -> None:
    lines = [f"{i},n{i % 1000},{i / 100},2020-01-{i % 28 + 1:02}" for i in range(1_000_000)]
    lines[500_000] = "bad"
    place = stage({"big.csv": "h\n" + "\n".join(lines) + "\n"})
    done = run(session, f"COPY INTO T FROM {place} {CSV} ON_ERROR = CONTINUE")[0]
    assert (done["rows_loaded"], done["errors_seen"], done["first_error_line"]) == (999_999, 1, 500_002)
