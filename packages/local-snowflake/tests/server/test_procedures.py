"""Python procedures through the unmodified clients: their session, arguments, results, failures and rights."""

from __future__ import annotations

import json
import threading
import time
import uuid
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.server.procedures import one, procedure


def test_the_handlers_session_is_its_callers(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE LOG (I INT)").collect()
    session.sql("CREATE OR REPLACE TEMP TABLE MINE AS SELECT 7 AS I").collect()
    body = """
def run(session, n):
    seen = session.table('MINE').collect()[0][0]
    session.sql('CREATE OR REPLACE TEMP TABLE MADE AS SELECT 1 AS I').collect()
    session.sql(f'INSERT INTO LOG VALUES ({n}), ({seen})').collect()
    return str(session.table('LOG').count())
"""
    session.sql(procedure("WRITE_LOG(N INT)", body)).collect()
    assert session.call("WRITE_LOG", 3) == "2"
    assert sorted(r.I for r in session.table("LOG").collect()) == [3, 7]
    assert one(session, "SELECT I FROM MADE") == 1


def test_a_callers_transaction_takes_back_what_a_procedure_wrote(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE UNDONE (I INT)").collect()
    session.sql(procedure("FILL()", "def run(s):\n    s.sql('INSERT INTO UNDONE VALUES (1)').collect()")).collect()
    session.sql("BEGIN").collect()
    session.sql("CALL FILL()").collect()
    assert session.table("UNDONE").count() == 1
    session.sql("ROLLBACK").collect()
    assert session.table("UNDONE").count() == 0


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("GREET('a')", "a b 1"),
        ("GREET('a', 'c')", "a c 1"),
        ("GREET(N => 5, A => 'x')", "x b 5"),
        ("GREET(NULL)", "None b 1"),
    ],
)
def test_arguments_by_position_name_and_default(session: Session, call: str, expected: str) -> None:
    body = "def run(session, a, b, n):\n    return f'{a} {b} {n}'"
    session.sql(procedure("GREET(A VARCHAR, B VARCHAR DEFAULT 'b', N INT DEFAULT 1)", body)).collect()
    assert one(session, f"CALL {call}") == expected


def test_overloads_are_chosen_by_type(session: Session) -> None:
    for kind in ("INT", "VARCHAR"):
        session.sql(procedure(f"KIND_OF(A {kind})", f"def run(session, a):\n    return '{kind}'")).collect()
    assert (one(session, "CALL KIND_OF(1)"), one(session, "CALL KIND_OF('1')")) == ("INT", "VARCHAR")
    session.sql("DROP PROCEDURE KIND_OF(INT)").collect()
    assert one(session, "CALL KIND_OF(1)") == "VARCHAR"
    assert len(session.sql("SHOW PROCEDURES LIKE 'KIND_OF'").collect()) == 1


def test_values_of_every_type_go_in_and_out(session: Session) -> None:
    body = "def run(session, *values):\n    return [[type(v).__name__, str(v)] for v in values]"
    arguments = (
        "A NUMBER(10,2), B FLOAT, C BOOLEAN, D DATE, E TIMESTAMP_NTZ, F BINARY, G VARIANT, H OBJECT, I ARRAY, J TIME"
    )
    session.sql(procedure(f"TYPES({arguments})", body, "VARIANT")).collect()
    answer = one(
        session,
        "CALL TYPES(1.25, 2, TRUE, '2026-01-02', '2026-01-02 03:04:05', TO_BINARY('FF', 'HEX'), 'v', "
        "OBJECT_CONSTRUCT('a', 1), ARRAY_CONSTRUCT(1, 2), '01:02:03')",
    )
    assert [tuple(pair) for pair in json.loads(answer)] == [
        ("Decimal", "1.25"),
        ("float", "2.0"),
        ("bool", "True"),
        ("date", "2026-01-02"),
        ("datetime", "2026-01-02 03:04:05"),
        ("bytes", "b'\\xff'"),
        ("str", "v"),
        ("dict", "{'a': 1}"),
        ("list", "[1, 2]"),
        ("time", "01:02:03"),
    ]


def test_rows_come_back_as_the_declared_columns(session: Session) -> None:
    body = "def run(session):\n    return session.create_dataframe([[1, 'a'], [2, None]], schema=['X', 'Y'])"
    session.sql(procedure("ROWS_OF()", body, "TABLE (N INT, S VARCHAR)")).collect()
    frame: Any = session.call("ROWS_OF")
    assert [tuple(r) for r in frame.collect()] == [(1, "a"), (2, None)]
    assert frame.columns == ["N", "S"]
    assert [tuple(r) for r in frame.filter(frame["N"] > 1).collect()] == [(2, None)]


def test_an_error_comes_with_its_traceback(session: Session) -> None:
    body = "def run(session):\n    inner()\n\ndef inner():\n    raise ValueError('no such thing')"
    session.sql(procedure("FAILS()", body)).collect()
    with pytest.raises(SnowparkSQLException) as caught:
        session.sql("CALL FAILS()").collect()
    message = str(caught.value)
    # at some log levels the connector puts the query's id between code and text
    assert "100357 (P0000): " in message
    assert "Python Interpreter Error" in message
    assert "ValueError: no such thing" in message
    assert "in inner" in message
    assert "in function FAILS with handler run" in message
    assert "local_snowflake" not in message


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by signal SIGSEGV"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import os; os._exit(3)", "exit code 3"),
        ("return bytearray(64 * 1024 ** 3)", "MemoryError"),
    ],
)
def test_a_dying_process_fails_only_its_call(session: Session, body: str, message: str) -> None:
    session.sql(procedure("DIES()", f"def run(session):\n    {body}")).collect()
    with pytest.raises(SnowparkSQLException, match=message):
        session.sql("CALL DIES()").collect()
    assert one(session, "SELECT 1") == 1


def test_a_hanging_call_ends_at_the_time_limit(session: Session) -> None:
    session.sql(procedure("HANGS()", "def run(session):\n    while True: pass")).collect()
    session.sql("ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = 1").collect()
    try:
        with pytest.raises(SnowparkSQLException, match=r"000630 \(57014\).*timeout of 1 second"):
            session.sql("CALL HANGS()").collect()
    finally:
        session.sql("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS").collect()
    assert one(session, "SELECT 1") == 1


def test_an_argument_that_no_cast_converts(session: Session) -> None:
    session.sql(procedure("PLUS1(X INT)", "def run(session, x):\n    return x + 1", "INT")).collect()
    with pytest.raises(SnowparkSQLException, match=r"Invalid argument types for function .*\(DATE\)"):
        session.sql("CALL PLUS1(CURRENT_DATE())").collect()
    with pytest.raises(SnowparkSQLException, match="Numeric value '' is not recognized"):
        session.sql("CALL PLUS1('')").collect()


def test_a_client_cancels_a_call(snowflake_connection: dict[str, Any], session: Session) -> None:
    session.sql(procedure("SLEEPS()", "import time\ndef run(session):\n    time.sleep(60)")).collect()
    with snowflake.connector.connect(**snowflake_connection, database="T_PROCEDURES") as connection:
        cursor = connection.cursor()
        began = time.monotonic()
        timer = threading.Timer(
            1.0, lambda: connection._cancel_query("CALL SLEEPS()", cursor._request_id or uuid.uuid4())
        )
        timer.start()
        with pytest.raises(ProgrammingError) as caught:
            cursor.execute("CALL SLEEPS()")
        assert caught.value.errno == 604
        assert time.monotonic() - began < 30


def test_a_transaction_left_open_is_rolled_back(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE LEFT_OPEN (I INT)").collect()
    body = """
def run(session):
    session.sql('BEGIN').collect()
    session.sql('INSERT INTO LEFT_OPEN VALUES (1)').collect()
    return 'done'
"""
    session.sql(procedure("LEAVES_OPEN()", body)).collect()
    with pytest.raises(SnowparkSQLException, match=r"090232 \(25000\).*Scoped transaction started in stored procedure"):
        session.sql("CALL LEAVES_OPEN()").collect()
    assert session.table("LEFT_OPEN").count() == 0


def test_a_callers_transaction_cannot_be_ended(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE CALLERS (I INT)").collect()
    session.sql(procedure("ENDS()", "def run(session):\n    session.sql('COMMIT').collect()")).collect()
    session.sql("BEGIN").collect()
    session.sql("INSERT INTO CALLERS VALUES (1)").collect()
    with pytest.raises(SnowparkSQLException, match="started at a different scope"):
        session.sql("CALL ENDS()").collect()
    session.sql("ROLLBACK").collect()
    assert session.table("CALLERS").count() == 0


def test_rights_of_owner_and_caller_differ_in_the_context(session: Session) -> None:
    session.sql("CREATE OR REPLACE SCHEMA ELSEWHERE").collect()
    session.sql("USE SCHEMA PUBLIC").collect()
    body = "def run(session):\n    return session.get_current_schema().strip('\"')"
    for who in ("OWNER", "CALLER"):
        session.sql(procedure(f"ELSEWHERE.AS_{who}()", body, options=f"EXECUTE AS {who}")).collect()
    assert (one(session, "CALL ELSEWHERE.AS_OWNER()"), one(session, "CALL ELSEWHERE.AS_CALLER()")) == (
        "ELSEWHERE",
        "PUBLIC",
    )
    assert session.get_current_schema() == '"PUBLIC"'


def test_procedures_call_procedures(session: Session) -> None:
    body = "def run(session, n):\n    return n if n == 0 else 1 + session.call('DEEP', n - 1)"
    session.sql(procedure("DEEP(N INT)", body, "INT")).collect()
    assert session.call("DEEP", 6) == 6


@pytest.mark.parametrize("kind", ["INT", "FLOAT", "BOOLEAN", "DATE", "VARCHAR", "TIMESTAMP_NTZ", "TIME"])
def test_null_comes_back_from_every_type(session: Session, kind: str) -> None:
    session.sql(procedure(f"NOTHING(A {kind})", "def run(s, a):\n    return a", kind, "STRICT")).collect()
    assert one(session, f"CALL NOTHING(NULL::{kind})") is None
