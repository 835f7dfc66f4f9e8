"""TIMESTAMP_TZ keeps its offset in tables, streams, files, binds, variables and the protocol.

Source: https://docs.snowflake.com/en/sql-reference/data-types-datetime#timestamp-ltz-timestamp-ntz-timestamp-tz
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tests.unit.in_process import Directory, Runner, code

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.encoding import encode
from local_snowflake.python.sandbox.zoned_times import from_datetimes, to_datetimes

EAST, WEST = dt.timezone(dt.timedelta(hours=5, minutes=30)), dt.timezone(dt.timedelta(hours=-8))
ONE = dt.datetime(2024, 1, 1, 10, 0, 0, 123456, tzinfo=EAST)
SAME_MOMENT = ONE.astimezone(WEST)
SHOWN = "2024-01-01 10:00:00.123 +0530"


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA ZONED")
    yield runner
    runner("DROP SCHEMA ZONED")
    account.sessions.close(runner.token)


def texts(run: Runner, sql: str, **values: tuple[str, str | None]) -> list[Any]:
    """The first column of a query, TIMESTAMP_TZ as text."""
    return [row[0] for row in run(f"SELECT Z::VARCHAR FROM ({sql})", **values)]


def bound(value: dt.datetime) -> str:
    """A value as the connector binds it."""
    nanoseconds = int(value.replace(microsecond=0).timestamp()) * 10**9 + value.microsecond * 1000
    minutes = int((value.utcoffset() or dt.timedelta()).total_seconds() // 60)
    return f"{nanoseconds} {minutes + 1440:04d}"


def test_arrow_and_back() -> None:
    values = [
        ONE,
        None,
        dt.datetime(1, 1, 2, 1, tzinfo=EAST),
        dt.datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=WEST),
        dt.datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=dt.UTC),
    ]
    found = to_datetimes(pa.chunked_array([from_datetimes(values[:2]), from_datetimes(values).slice(2)]))
    assert found == values
    assert [v and v.utcoffset() for v in found] == [v and v.utcoffset() for v in values]


def test_the_connector_reads_the_offset(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE SENT (Z TIMESTAMP_TZ)")
    run(
        "INSERT INTO SENT VALUES (?), (?), (NULL)",
        _1=("TIMESTAMP_TZ", bound(ONE)),
        _2=("TIMESTAMP_TZ", bound(SAME_MOMENT)),
    )
    stream = encode(run.result("SELECT Z FROM SENT"))["rowsetBase64"]
    with pa.ipc.open_stream(io.BytesIO(stream)) as reader:
        fields = {field.name: field.metadata[b"logicalType"] for field in reader.schema}
        wire = reader.read_all().column("Z").to_pylist()
    assert fields == {"Z": b"TIMESTAMP_TZ"}
    minutes = [v and v["timezone"] - 1440 for v in wire]
    assert minutes == [330, -480, None]
    moments = {v["epoch"] * 10**9 + v["fraction"] for v in wire if v}
    assert moments == {int(bound(ONE).split()[0])}


@pytest.mark.parametrize("value", [ONE, SAME_MOMENT])
def test_bind_values_keep_their_offset(run: Runner, value: dt.datetime) -> None:
    result = run.account.execute(run.token, "SELECT ? AS Z", {"1": {"type": "TIMESTAMP_TZ", "value": bound(value)}})
    assert str(result.value(0)) == str(value)
    run("CREATE OR REPLACE TABLE BATCH (Z TIMESTAMP_TZ, N INT)")
    # the connector calls a column of values and None a text
    for kind in ("TIMESTAMP_TZ", "TEXT"):
        rows = {"1": {"type": kind, "value": [bound(value), None]}, "2": {"type": "FIXED", "value": ["1", "2"]}}
        run.account.execute(run.token, "INSERT INTO BATCH VALUES (?, ?)", rows)
    found = run.result("SELECT Z FROM BATCH WHERE N = 1")
    assert [str(found.value(0, row)) for row in range(2)] == [str(value)] * 2


def test_tables_keep_it(run: Runner) -> None:
    column = "TIMESTAMP_TZ DEFAULT '2024-01-01 10:00:00.123 +0530'"
    run(f"CREATE OR REPLACE TABLE KEPT (ID INT, Z {column})")
    run("INSERT INTO KEPT (ID) VALUES (1)")
    run("CREATE OR REPLACE TABLE COPIED CLONE KEPT")
    run("CREATE OR REPLACE TABLE SELECTED AS SELECT * FROM KEPT")
    run("CREATE OR REPLACE TABLE DECLARED (Z TIMESTAMP_TZ) AS SELECT Z FROM KEPT")
    run(f"ALTER TABLE SELECTED ADD COLUMN Y {column}")
    for source in ("KEPT", "COPIED", "SELECTED", "DECLARED", "(SELECT Y AS Z FROM SELECTED)"):
        assert texts(run, f"SELECT Z FROM {source}") == [SHOWN]
    merge = "MERGE INTO KEPT USING (SELECT 1 AS ID UNION SELECT 2) S ON KEPT.ID = S.ID"
    merge += " WHEN MATCHED THEN UPDATE SET Z = '2024-01-01 10:00 +0200'"
    run(f"{merge} WHEN NOT MATCHED THEN INSERT (ID) VALUES (S.ID)")
    assert texts(run, "SELECT Z FROM KEPT ORDER BY ID") == ["2024-01-01 10:00:00.000 +0200", SHOWN]
    run("SELECT Z FROM COPIED")
    assert texts(run, "SELECT Z FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))") == [SHOWN]


def test_an_update_of_the_offset_alone_is_a_change(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE CHANGED (Z TIMESTAMP_TZ)")
    run("INSERT INTO CHANGED VALUES ('2024-01-01 10:00 +0200')")
    run("CREATE OR REPLACE STREAM CHANGES ON TABLE CHANGED")
    run("UPDATE CHANGED SET Z = '2024-01-01 08:00 +0000'")
    shown = run("SELECT METADATA$ACTION, Z::VARCHAR FROM CHANGES ORDER BY 1")
    assert shown == [("DELETE", "2024-01-01 10:00:00.000 +0200"), ("INSERT", "2024-01-01 08:00:00.000 +0000")]
    run("UPDATE CHANGED SET Z = '2024-01-01 10:00 +0200'")
    assert run("SELECT * FROM CHANGES") == []
    merge = "MERGE INTO CHANGED USING (SELECT 1 AS A) S ON TRUE WHEN MATCHED THEN UPDATE SET Z"
    run(f"{merge} = '2024-01-01 08:00 +0000'")
    assert run("SELECT METADATA$ACTION, Z::VARCHAR FROM CHANGES ORDER BY 1") == shown


def test_an_update_reads_the_values_before_it(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE MOVED (ID INT, Z TIMESTAMP_TZ, Y TIMESTAMP_TZ)")
    run("INSERT INTO MOVED VALUES (1, '2024-01-01 10:00 +0200', NULL), (2, '2024-01-01 10:00 -0800', NULL)")
    run("UPDATE MOVED SET Z = DATEADD(hour, 1, Z), Y = Z WHERE Z < '2024-01-01 10:00 +0000'")
    found = run("SELECT Z::VARCHAR, Y::VARCHAR FROM MOVED ORDER BY ID")
    assert found[0] == ("2024-01-01 11:00:00.000 +0200", "2024-01-01 10:00:00.000 +0200")
    assert found[1] == ("2024-01-01 10:00:00.000 -0800", None)
    run("UPDATE MOVED SET Z = NULL WHERE ID = 2")
    assert texts(run, "SELECT Z FROM MOVED ORDER BY ID") == ["2024-01-01 11:00:00.000 +0200", None]


def test_files_keep_it(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE FILED (Z TIMESTAMP_TZ)")
    run("INSERT INTO FILED VALUES ('2024-01-01 10:00:00.123 +0530'), ('2024-01-01 10:00 -0800'), (NULL)")
    run("CREATE OR REPLACE STAGE FILES")
    run("CREATE OR REPLACE TABLE READ (Z TIMESTAMP_TZ)")
    for number, options in enumerate(("", "TIMESTAMP_FORMAT = 'DD.MM.YYYY HH24:MI:SS.FF3 TZH:TZM'")):
        form = f"FILE_FORMAT = (TYPE = CSV {options})"
        run(f"COPY INTO @FILES/{number}/ FROM FILED {form}")
        run("TRUNCATE TABLE READ")
        run(f"COPY INTO READ FROM @FILES/{number}/ {form}")
        assert texts(run, "SELECT Z FROM READ ORDER BY Z NULLS LAST") == [SHOWN, "2024-01-01 10:00:00.000 -0800", None]
    assert code(run, "COPY INTO @FILES/p/ FROM FILED FILE_FORMAT = (TYPE = PARQUET)") == 1003


def test_variables_keep_it(run: Runner) -> None:
    run("SET MOMENT = '2024-01-01 10:00:00.123 +0530'::TIMESTAMP_TZ")
    assert run("SELECT $MOMENT::VARCHAR, HOUR($MOMENT::TIMESTAMP_TZ)") == [(SHOWN, 10)]
    # of a type that does not follow from the statement
    assert run("SELECT '2024-01-01 04:30:00.123 +0000'::TIMESTAMP_TZ = $MOMENT") == [(True,)]
    block = "LET Z TIMESTAMP_TZ := '2024-01-01 10:00:00.123 +0530'; LET N INT := (SELECT HOUR(:Z)); RETURN N;"
    assert [str(value) for (value,) in run(f"BEGIN {block} END")] == ["10"]


def test_a_handler_in_python_gets_it_and_gives_it(run: Runner) -> None:
    body = "def f(z): return z.replace(hour=z.hour + 1)"
    python = "LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f'"
    run(f"CREATE OR REPLACE FUNCTION LATER(Z TIMESTAMP_TZ) RETURNS TIMESTAMP_TZ {python} AS '{body}'")
    call = "LATER('2024-01-01 10:00:00.123 +0530'::TIMESTAMP_TZ)"
    assert run(f"SELECT {call}::TIMESTAMP_TZ::VARCHAR, {call}::VARCHAR") == [("2024-01-01 11:00:00.123 +0530",) * 2]
    # its type is that of the declaration, which the statement does not show
    for sql in (
        "HOUR({})",
        "DATEADD(hour, 1, {})",
        "DATE_TRUNC('day', {})",
        "EXTRACT(hour FROM {})",
        "{} + INTERVAL '1 day'",
        "{} || 'x'",
        "{}::VARIANT",
        "ARRAY_CONSTRUCT({})",
    ):
        with pytest.raises(SnowflakeError, match=r"TIMESTAMP_TZ whose type does not follow") as raised:
            run(f"SELECT {sql.format(call)}")
        assert raised.value.code == 2
        assert code(run, f"SELECT {sql.format(call + '::TIMESTAMP_TZ')}") is None


@pytest.mark.parametrize(
    "sql", ["SELECT Z + Z FROM {}", "SELECT Z - Z FROM {}", "SELECT SUM(Z) FROM {}", "SELECT AVG(Z) FROM {}"]
)
def test_intervals_of_duckdb_are_no_answer(run: Runner, sql: str) -> None:
    source = "(SELECT '2024-01-01 10:00 +0200'::TIMESTAMP_TZ AS Z)"
    assert code(run, sql.format(source)) == 1044
    assert code(run, f"SELECT Z FROM {source} UNION ALL SELECT 'x'") == 2


def test_a_directory_without_offsets_gets_those_of_utc(directory: Directory) -> None:
    run = directory.open()
    run("CREATE TABLE T (ID INT, Z TIMESTAMP_TZ NOT NULL, L TIMESTAMP_LTZ) CHANGE_TRACKING = TRUE")
    run("INSERT INTO T VALUES (1, '2024-01-01 10:00 +0200', '2024-01-01 10:00 +0200')")
    run("CREATE STREAM S ON TABLE T")
    run("UPDATE T SET ID = 2")
    directory.close()
    with duckdb.connect(str(directory.file)) as duck:
        # as the version before wrote it
        moment = "TIMESTAMPTZ '2024-01-01 08:00:00+00'"
        for table in ('"D.PUBLIC"."T"', '"$META"."$HISTORY_1"'):
            duck.execute(f'ALTER TABLE {table} ALTER COLUMN "Z" SET DATA TYPE TIMESTAMPTZ USING {moment}')
        duck.execute('UPDATE "$META".format SET number = 1')
    run = directory.open()
    shown = "2024-01-01 08:00:00.000 +0000"
    assert run("SELECT ID, Z::VARCHAR, Z = L FROM T") == [(2, shown, True)]
    assert run("SELECT METADATA$ACTION, Z::VARCHAR FROM S ORDER BY 1") == [("DELETE", shown), ("INSERT", shown)]
    run("INSERT INTO T VALUES (3, '2024-01-01 10:00 +0200', NULL)")
    assert directory.open()("SELECT Z::VARCHAR FROM T WHERE ID = 3") == [("2024-01-01 10:00:00.000 +0200",)]


def test_a_variant_has_its_text(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE WRITTEN (V VARIANT, S VARCHAR)")
    run("SET MOMENT = '2024-01-01 10:00:00.123 +0530'::TIMESTAMP_TZ")
    for value in ("'2024-01-01 10:00:00.123 +0530'::TIMESTAMP_TZ", "$MOMENT::TIMESTAMP_TZ"):
        run(f"INSERT INTO WRITTEN SELECT {value}, {value}")
    assert set(run("SELECT V::VARCHAR, S, HOUR(V::TIMESTAMP_TZ) FROM WRITTEN")) == {(SHOWN, SHOWN, 10)}
    assert (
        code(run, "INSERT INTO WRITTEN (V) SELECT $MOMENT") == code(run, "INSERT INTO WRITTEN (S) SELECT $MOMENT") == 2
    )
    assert code(run, "SELECT OBJECT_CONSTRUCT(*) FROM (SELECT '2024-01-01 10:00 +0200'::TIMESTAMP_TZ AS Z)") == 2
    assert (
        code(run, "SELECT OBJECT_CONSTRUCT_KEEP_NULL(T.*) FROM (SELECT '2024-01-01 10:00Z'::TIMESTAMP_TZ AS Z) AS T")
        == 2
    )
    with_null = "WITH T AS (SELECT 1 AS A, NULL AS B) SELECT OBJECT_CONSTRUCT_KEEP_NULL(T.*)::VARCHAR FROM T"
    assert run(with_null) == [('{"A":1,"B":null}',)]


def test_sysdate_is_the_clock_of_utc(run: Runner) -> None:
    run("ALTER SESSION SET TIMEZONE = 'America/Los_Angeles'")
    try:
        ((ahead,),) = run("SELECT DATEDIFF(hour, CURRENT_TIMESTAMP()::TIMESTAMP_NTZ, SYSDATE())")
        assert ahead in {7, 8}
        assert run.describe("SELECT SYSDATE(), CURRENT_TIMESTAMP() AS C") == [
            ("SYSDATE()", "TIMESTAMP_NTZ"),
            ("C", "TIMESTAMP_LTZ"),
        ]
    finally:
        run("ALTER SESSION UNSET TIMEZONE")
