"""COPY with transformations, JSON, Avro and Parquet; queries over staged files; unloading; data frames."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
import pytest
from snowflake.connector.pandas_tools import write_pandas
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.avro_files import avro_file, long, text
from tests.server.copying import Stage, rows, run


def test_a_transformation(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE X (A INT, B STRING, F STRING, N INT)")
    place = stage({"a.csv": "1,x\n2,y\nz,w\n"})
    done = run(
        session,
        f"COPY INTO X FROM (SELECT t.$1, upper(t.$2), METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM {place} t) "
        "ON_ERROR = CONTINUE",
    )[0]
    assert (done["rows_parsed"], done["rows_loaded"], done["first_error"]) == (
        3,
        2,
        "Numeric value 'z' is not recognized",
    )
    assert rows(session, "SELECT * FROM X ORDER BY 1") == [(1, "X", "a.csv", 1), (2, "Y", "a.csv", 2)]


def test_a_transformation_of_another_number_of_columns(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE X (A INT, B STRING, C STRING)")
    place = stage({"a.csv": "1,x\n"})
    message = "Insert value list does not match column list expecting 3 but got 1"
    for files in ("a.csv", "none.csv"):
        with pytest.raises(SnowparkSQLException, match=message):
            run(session, f"COPY INTO X FROM (SELECT $1 FROM {place}/{files})")


def test_json(session: Session, stage: Stage) -> None:
    run(session, "CREATE OR REPLACE TABLE J (V VARIANT)")
    place = stage({"a.json": '{"a": 1, "b": {"c": "x"}}\n{"a": \n{"a": 2}\n', "b.json": '[{"a": 3},\n {"a": 4}]'})
    with pytest.raises(SnowparkSQLException, match="Error parsing JSON"):
        run(session, f"COPY INTO J FROM {place} FILE_FORMAT = (TYPE = JSON)")
    options = "FILE_FORMAT = (TYPE = JSON STRIP_OUTER_ARRAY = TRUE) ON_ERROR = CONTINUE"
    done = run(session, f"COPY INTO J FROM {place} {options}")
    assert [(d["status"], d["rows_loaded"], d["first_error_line"]) for d in done] == [
        ("PARTIALLY_LOADED", 2, 2),
        ("LOADED", 2, None),
    ]
    assert rows(session, "SELECT V:a::INT, V:b.c::STRING FROM J ORDER BY 1") == [
        (1, "x"),
        (2, None),
        (3, None),
        (4, None),
    ]
    run(session, "CREATE OR REPLACE TABLE JM (a INT, B STRING)")
    stage({"b.json": '{"A": 1, "b": "x"}\n{"a": 2}\n'})
    matched = "FILE_FORMAT = (TYPE = JSON) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE"
    run(session, f"COPY INTO JM FROM {place} FILES = ('b.json') {matched}")
    assert rows(session, "SELECT * FROM JM ORDER BY 1") == [(1, "x"), (2, None)]
    with pytest.raises(SnowparkSQLException, match="one and only one column of type variant"):
        run(session, f"COPY INTO JM FROM {place} FILE_FORMAT = (TYPE = JSON)")


def test_parquet(session: Session, stage: Stage) -> None:
    sink = pa.BufferOutputStream()
    content = pa.table({"Id": [1, 2], "name": ["x", None], "list": [[1], [2, 3]]})
    pyarrow.parquet.write_table(content, sink)
    place = stage({"p.parquet": sink.getvalue().to_pybytes()})
    run(session, "CREATE OR REPLACE TABLE P (ID INT, NAME STRING, LIST ARRAY, MORE INT)")
    form = "FILE_FORMAT = (TYPE = PARQUET)"
    run(session, f"COPY INTO P FROM {place} {form} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    assert [(a, b, json.loads(c), d) for a, b, c, d in rows(session, "SELECT * FROM P ORDER BY 1")] == [
        (1, "x", [1], None),
        (2, None, [2, 3], None),
    ]
    run(session, "CREATE OR REPLACE TABLE Q (A INT, B STRING, C INT)")
    run(session, f'COPY INTO Q FROM (SELECT $1:Id::INT, $1:"name", $1:list[0]::INT FROM {place}) {form}')
    assert rows(session, "SELECT * FROM Q ORDER BY 1") == [(1, "x", 1), (2, None, 2)]
    place = stage({"p.parquet": b"no parquet"})
    with pytest.raises(SnowparkSQLException, match="Error parsing the parquet file"):
        run(session, f"COPY INTO P FROM {place} {form} MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")


def test_orc(session: Session, stage: Stage) -> None:
    sink = pa.BufferOutputStream()
    pyarrow.orc.write_table(pa.table({"Id": [1, 2], "name": ["x", None]}), sink)
    place = stage({"o.orc": sink.getvalue().to_pybytes()})
    run(session, "CREATE OR REPLACE FILE FORMAT O TYPE = ORC")
    run(session, "CREATE OR REPLACE TABLE R (ID INT, NAME STRING)")
    run(session, f"COPY INTO R FROM {place} FILE_FORMAT = O MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    assert rows(session, "SELECT * FROM R ORDER BY 1") == [(1, "x"), (2, None)]
    assert rows(session, f"SELECT $1:Id::INT FROM {place} (FILE_FORMAT => O) ORDER BY 1") == [(1,), (2,)]
    inferred = rows(session, f"SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '{place}', FILE_FORMAT => 'O'))")
    assert [r[:2] for r in inferred] == [("Id", "NUMBER(38, 0)"), ("name", "TEXT")]
    with pytest.raises(SnowparkSQLException, match="Unloading files of type ORC is not supported"):
        run(session, f"COPY INTO {place}/out FROM R FILE_FORMAT = O")
    place = stage({"o.orc": b"no orc"})
    with pytest.raises(SnowparkSQLException, match="Error parsing the orc file"):
        run(session, f"SELECT $1 FROM {place} (FILE_FORMAT => O)")


def test_avro(session: Session, stage: Stage) -> None:
    fields = [{"name": "str", "type": "string"}, {"name": "num", "type": ["null", "int"]}]
    records = [text("s1") + long(1) + long(7), text("s2") + long(0)]
    place = stage({"a.avro": avro_file({"type": "record", "name": "r", "fields": fields}, records)})
    run(session, "CREATE OR REPLACE FILE FORMAT A TYPE = AVRO")
    run(session, "CREATE OR REPLACE TABLE AV (V VARIANT)")
    run(session, f"COPY INTO AV FROM {place} FILE_FORMAT = A")
    assert rows(session, "SELECT V:str::STRING, V:num::INT FROM AV ORDER BY 1") == [("s1", 7), ("s2", None)]
    run(session, "CREATE OR REPLACE TABLE AM (NUM INT, STR STRING)")
    run(session, f"COPY INTO AM FROM {place} FILE_FORMAT = A MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    run(session, f"COPY INTO AM FROM (SELECT $1:num + 1, $1:str FROM {place}) FILE_FORMAT = A FORCE = TRUE")
    assert rows(session, "SELECT * FROM AM ORDER BY STR, NUM") == [(7, "s1"), (8, "s1"), (None, "s2"), (None, "s2")]
    assert rows(session, f"SELECT $1:num::INT FROM {place} (FILE_FORMAT => A) ORDER BY 1") == [(7,), (None,)]
    inferred = rows(session, f"SELECT * FROM TABLE(INFER_SCHEMA(LOCATION => '{place}', FILE_FORMAT => 'A'))")
    assert [r[:4] for r in inferred] == [
        ("str", "TEXT", False, "$1:str::TEXT"),
        ("num", "NUMBER(38, 0)", True, "$1:num::NUMBER(38, 0)"),
    ]
    with pytest.raises(SnowparkSQLException, match="Unloading files of type AVRO is not supported"):
        run(session, f"COPY INTO {place}/out FROM AM FILE_FORMAT = A")
    place = stage({"a.avro": b"no avro"})
    with pytest.raises(SnowparkSQLException, match="Error parsing the avro file"):
        run(session, f"SELECT $1 FROM {place} (FILE_FORMAT => A)")


def test_a_query_over_a_query_over_a_stage(session: Session, stage: Stage) -> None:
    place = stage({"d.json": '{"color": "Red", "n": 1}\n{"color": "Blue", "n": 2}\n'})
    run(session, "CREATE OR REPLACE FILE FORMAT J TYPE = JSON")
    inner = f"(SELECT $1 FROM {place} (FILE_FORMAT => J))"
    for condition in ("\"$1\"['color'] = 'Red'", "$1:color = 'Red'", "'Red' = $1:color"):
        assert rows(session, f'SELECT "$1":n::INT FROM {inner} WHERE {condition}') == [(1,)]
    assert rows(session, f"SELECT $1 FROM (SELECT $1:n::INT AS N FROM {place} (FILE_FORMAT => J)) ORDER BY 1") == [
        (1,),
        (2,),
    ]


STAGED = {
    "a.csv": 'ID,NAME,AMOUNT\n1,a,1.5\n2,"b, c",22.25\n',
    "d.json": '{"a": 1, "b": {"c": "x"}, "l": [1, 2]}\n{"a": 2.5, "e": true}\n',
}


def test_queries_over_staged_files(session: Session, stage: Stage) -> None:
    place = stage(STAGED)
    run(session, "CREATE OR REPLACE FILE FORMAT C TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"'")
    run(session, "CREATE OR REPLACE FILE FORMAT J TYPE = JSON")
    found = run(
        session,
        f"SELECT $1, t.$2, $3::FLOAT AS X, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER AS N "
        f"FROM {place}/a.csv (FILE_FORMAT => 'C') t WHERE t.$1::INT > 1",
    )[0]
    assert found.as_dict() == {"$1": "2", "$2": "b, c", "X": 22.25, "METADATA$FILENAME": "a.csv", "N": 2}
    assert rows(
        session, f"SELECT $1:a::FLOAT, $1:b.c::STRING FROM {place} (FILE_FORMAT => J, PATTERN => '.*json')"
    ) == [
        (1.0, "x"),
        (2.5, None),
    ]
    assert rows(session, f"SELECT COUNT(*) FROM {place}/none (FILE_FORMAT => 'C')") == [(0,)]
    with pytest.raises(SnowparkSQLException, match="Error parsing JSON"):
        run(session, f"SELECT $1 FROM {place}/a.csv (FILE_FORMAT => J)")


def test_a_row_of_parquet_is_an_object_with_its_keys_in_order(session: Session, stage: Stage) -> None:
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({"s": ["x"], "a": [1]}), sink)
    place = stage({"p.parquet": sink.getvalue().to_pybytes()})
    run(session, "CREATE OR REPLACE FILE FORMAT P TYPE = PARQUET")
    source = f"{place}/p.parquet (FILE_FORMAT => 'P')"
    assert rows(session, f"SELECT UPPER($1::STRING), $1:a::INT FROM {source}") == [('{"A":1,"S":"X"}', 1)]


def test_columns_are_inferred(session: Session, stage: Stage) -> None:
    sink = pa.BufferOutputStream()
    content = {"Id": [1], "f": [0.5], "s": ["x"], "b": [True], "t": pa.array([0], pa.timestamp("us"))}
    content |= {"l": [[1]], "o": [{"a": 1}], "y": [b"y"]}
    pyarrow.parquet.write_table(pa.table(content), sink)
    place = stage({**STAGED, "p.parquet": sink.getvalue().to_pybytes()})
    run(session, "CREATE OR REPLACE FILE FORMAT H TYPE = CSV PARSE_HEADER = TRUE FIELD_OPTIONALLY_ENCLOSED_BY = '\"'")
    run(session, "CREATE OR REPLACE FILE FORMAT J TYPE = JSON")
    run(session, "CREATE OR REPLACE FILE FORMAT P TYPE = PARQUET")

    def inferred(file: str, form: str) -> list[tuple[str, str]]:
        sql = (
            f"SELECT COLUMN_NAME, TYPE FROM TABLE(INFER_SCHEMA(LOCATION => '{place}/{file}', FILE_FORMAT => '{form}'))"
        )
        return [(r[0], r[1]) for r in rows(session, sql)]

    assert inferred("a.csv", "H") == [("ID", "NUMBER(1, 0)"), ("NAME", "TEXT"), ("AMOUNT", "NUMBER(4, 2)")]
    assert inferred("d.json", "J") == [
        ("a", "NUMBER(2, 1)"),
        ("b", "OBJECT"),
        ("e", "BOOLEAN"),
        ("l", "ARRAY"),
    ]
    assert [t for _, t in inferred("p.parquet", "P")] == [
        "NUMBER(38, 0)",
        "REAL",
        "TEXT",
        "BOOLEAN",
        "TIMESTAMP_NTZ",
        "VARIANT",
        "VARIANT",
        "BINARY",
    ]
    run(
        session,
        "CREATE OR REPLACE TABLE TT USING TEMPLATE (SELECT ARRAY_AGG(OBJECT_CONSTRUCT(*)) "
        f"FROM TABLE(INFER_SCHEMA(LOCATION => '{place}/a.csv', FILE_FORMAT => 'H')))",
    )
    run(session, f"COPY INTO TT FROM {place}/a.csv FILE_FORMAT = H MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE")
    assert rows(session, "SELECT ID, NAME FROM TT ORDER BY 1") == [(1, "a"), (2, "b, c")]


def test_tables_are_unloaded(session: Session, stage: Stage) -> None:
    place = stage({})
    run(session, "CREATE OR REPLACE TABLE U (I INT, S STRING, D DATE)")
    run(session, "INSERT INTO U SELECT * FROM VALUES (1, 'a, \"b\"', '2020-01-02'), (2, NULL, NULL)")
    options = "FILE_FORMAT = (TYPE = CSV FIELD_OPTIONALLY_ENCLOSED_BY = '\"' COMPRESSION = NONE)"
    done = run(session, f"COPY INTO {place}/out/ FROM U {options} HEADER = TRUE")[0]
    assert (done["rows_unloaded"], done["output_bytes"]) == (2, 44)
    written = session.file.get_stream(f"{place}/out/data_0_0_0.csv").read().decode()
    assert written == '"I","S","D"\n1,"a, ""b""",2020-01-02\n2,\\N,\\N\n'
    with pytest.raises(SnowparkSQLException, match="Files already existing"):
        run(session, f"COPY INTO {place}/out/ FROM U {options}")
    detailed = run(
        session, f"COPY INTO {place}/one.csv FROM (SELECT I FROM U) {options} SINGLE = TRUE DETAILED_OUTPUT = TRUE"
    )
    assert tuple(detailed[0]) == ("one.csv", 4, 2)
    run(session, f"COPY INTO {place}/part FROM U PARTITION BY ('i=' || I) FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE")
    run(session, "CREATE OR REPLACE FILE FORMAT P TYPE = PARQUET")
    assert rows(session, f"SELECT $1:I::INT, $1:S::STRING FROM {place}/part/i=1/ (FILE_FORMAT => P)") == [(1, 'a, "b"')]
    run(session, f"COPY INTO {place}/js FROM (SELECT OBJECT_CONSTRUCT('i', I) FROM U) FILE_FORMAT = (TYPE = JSON)")
    assert session.file.get_stream(f"{place}/js_0_0_0.json.gz", decompress=True).read() == b'{"i":1}\n{"i":2}\n'
    with pytest.raises(SnowparkSQLException, match="can only be unloaded from columns of type variant"):
        run(session, f"COPY INTO {place}/x FROM U FILE_FORMAT = (TYPE = JSON)")


@pytest.mark.parametrize("options", [{}, {"compression": "snappy"}, {"chunk_size": 7}, {"bulk_upload_chunks": True}])
def test_pandas_frames_are_written(session: Session, options: dict[str, Any]) -> None:
    frame = pd.DataFrame({"I": range(20), "F": [i / 2 for i in range(20)], "s": [None, "x"] * 10})
    frame["T"] = pd.date_range("2020-01-01", periods=20, freq="h")
    connection = session.connection
    ok, chunks, count, _ = write_pandas(connection, frame, "WP", auto_create_table=True, overwrite=True, **options)
    assert (ok, chunks, count) == (True, -(-20 // options.get("chunk_size", 20)), 20)
    assert rows(session, 'SELECT SUM(I), SUM(F), COUNT("s"), MAX(T)::STRING FROM WP')[0][1:3] == (95.0, 10)
    ok, _, count, _ = write_pandas(connection, frame, "WP", quote_identifiers=True, use_logical_type=True)
    assert (ok, count, session.table("WP").count()) == (True, 20, 40)


def test_data_frames_read_and_write_files(session: Session, stage: Stage) -> None:
    place = stage(STAGED)
    reader = session.read.option("PARSE_HEADER", True).option("INFER_SCHEMA", True)
    frame = reader.option("FIELD_OPTIONALLY_ENCLOSED_BY", '"').csv(f"{place}/a.csv")
    assert [tuple(r)[:2] for r in frame.collect()] == [(1, "a"), (2, "b, c")]
    assert (
        frame.write.copy_into_location(f"{place}/w/", file_format_type="parquet", header=True)[0]["rows_unloaded"] == 2
    )
    again = session.read.parquet(f"{place}/w/").sort("ID").collect()
    assert [r["NAME"] for r in again] == ["a", "b, c"]
    assert [json.loads(r[0])["a"] for r in session.read.json(f"{place}/d.json").collect()] == [1, 2.5]
    kept = session.create_dataframe(pd.DataFrame({"A": [1, 2]}))
    assert [r["A"] for r in kept.collect()] == [1, 2]
