"""A data directory opens again after whatever a statement has written into it."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from tests.unit.in_process import Directory, Runner, depending

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError

# each needs something that only the server knows: a macro, a function, a value of the session
DEFAULTS = {
    "MOMENT TIMESTAMP_NTZ": "CURRENT_TIMESTAMP()::TIMESTAMP_NTZ",
    "CLOCK TIMESTAMP_NTZ": "CONVERT_TIMEZONE('UTC', CURRENT_TIMESTAMP())::TIMESTAMP_NTZ",
    "DAY DATE": "DATEADD(day, 1, '2024-01-31'::DATE)",
    "DOCUMENT VARIANT": "PARSE_JSON('{a: 1}')",
    "PART ARRAY": "ARRAY_CONSTRUCT(1, 'a')",
    "YEAR VARCHAR": "TO_CHAR('2024-01-31'::TIMESTAMP_NTZ, 'YYYY')",
    "TEXT VARCHAR": "1::VARCHAR",
    "DIGEST VARCHAR": "SHA2('a', 256)",
    "WHO VARCHAR": "CURRENT_USER()",
    "KEY VARCHAR": "UUID_STRING()",
    "WHOLE NUMBER(5,0)": "7.6",
}


def test_defaults_need_nothing_of_the_server_when_the_directory_opens(directory: Directory) -> None:
    run = directory.open()
    run(f"CREATE TABLE T (ID INT, {', '.join(f'{column} DEFAULT {text}' for column, text in DEFAULTS.items())})")
    run("CREATE TABLE ADDED (ID INT)")
    run("INSERT INTO ADDED VALUES (1)")
    for column, text in DEFAULTS.items():
        run(f"ALTER TABLE ADDED ADD COLUMN {column} DEFAULT {text}")
    run("ALTER TABLE ADDED ALTER COLUMN TEXT SET DEFAULT 2::VARCHAR")
    run = directory.open()
    run("INSERT INTO T (ID) VALUES (1)")
    run("INSERT INTO ADDED (ID) SELECT 2")

    shown = "SELECT DAY::VARCHAR, DOCUMENT, YEAR, TEXT, WHO, WHOLE, LENGTH(KEY), LENGTH(DIGEST) FROM"
    for table, ids, text in (("T", 1, "1"), ("ADDED", 1, "1"), ("ADDED", 2, "2")):
        (row,) = run(f"{shown} {table} WHERE ID = {ids} AND MOMENT <= CURRENT_TIMESTAMP()::TIMESTAMP_NTZ")
        assert row == ("2024-02-01", '{"a":1}', "2024", text, "TEST", 8, 36, 64)


def test_grants_that_have_a_name_alone_are_read(directory: Directory) -> None:
    run = directory.open()
    run("CREATE TABLE T (A INT)")
    directory.close()
    names = (
        *("SELECT ON TABLE D.PUBLIC.T TO ROLE R", 'USAGE ON SCHEMA "d x".PUBLIC TO ROLE R', "ROLE R TO ROLE PARENT"),
        *("CREATE DATABASE ON ACCOUNT TO ROLE R WITH GRANT OPTION", "ROLE R TO USER TEST"),
        *("INSERT, UPDATE ON TABLE D.PUBLIC.T TO ROLE R", "SELECT ON FUTURE TABLES IN SCHEMA D.PUBLIC TO ROLE R"),
        "SELECT ON ALL TABLES IN SCHEMA D.PUBLIC TO ROLE R",
    )
    with duckdb.connect(str(directory.file)) as duck:
        for name in names:
            # as earlier versions wrote them
            values = ["GRANT", "", "", name, "ACCOUNTADMIN", "", "{}"]
            duck.execute('INSERT INTO "$META".objects VALUES (?, ?, ?, ?, now(), ?, ?, ?)', values)
    for _ in range(2):
        run = directory.open()
        granted = sorted(tuple(row[1:7]) for row in run("SHOW GRANTS TO ROLE R"))
        assert granted == [
            ("CREATE DATABASE", "ACCOUNT", "", "ROLE", "R", "true"),
            ("INSERT", "TABLE", "D.PUBLIC.T", "ROLE", "R", "false"),
            ("SELECT", "TABLE", "D.PUBLIC.T", "ROLE", "R", "false"),
            ("UPDATE", "TABLE", "D.PUBLIC.T", "ROLE", "R", "false"),
            ("USAGE", "SCHEMA", '"d x".PUBLIC', "ROLE", "R", "false"),
        ]
        assert [row[3] for row in run("SHOW FUTURE GRANTS IN SCHEMA D.PUBLIC")] == ["D.PUBLIC.<TABLE>"]
        assert [tuple(row[1:4]) for row in run("SHOW GRANTS OF ROLE R")] == [
            ("R", "ROLE", "PARENT"),
            ("R", "USER", "TEST"),
        ]


def test_a_directory_whose_defaults_keep_it_from_opening_is_repaired(directory: Directory) -> None:
    run = directory.open()
    run("CREATE TABLE T (A INT, B VARCHAR DEFAULT 1::VARCHAR)")
    directory.close()
    with duckdb.connect(str(directory.file)) as duck:
        # as earlier versions wrote it
        duck.execute('CREATE OR REPLACE TABLE "D.PUBLIC".T (A BIGINT, B VARCHAR DEFAULT text_of(1))')
        duck.execute('INSERT INTO "D.PUBLIC".T (A) VALUES (1)')
    run = directory.open()
    run("INSERT INTO T (A) VALUES (2)")
    assert run("SELECT * FROM T ORDER BY A") == [(1, "1"), (2, "1")]
    assert directory.open()("SELECT COUNT(*) FROM T") == [(2,)]


# what stores a text of the statement, or something that DuckDB depends on
DEFINITIONS = [
    "CREATE FUNCTION ADDS(A INT) RETURNS INT AS 'A + 1'",
    "CREATE FUNCTION F(A INT) RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS 'def f(a): pass'",
    "CREATE TABLE A (ID INT IDENTITY(5, 2), D TIMESTAMP_NTZ DEFAULT SYSDATE()::TIMESTAMP_NTZ, N INT DEFAULT ADDS(1))",
    "ALTER TABLE A ADD COLUMN M INT IDENTITY, V VARIANT DEFAULT PARSE_JSON('[1]'), K INT NOT NULL DEFAULT 1",
    "ALTER TABLE A ALTER COLUMN D SET DEFAULT DATEADD(day, 1, CURRENT_TIMESTAMP())::TIMESTAMP_NTZ",
    "ALTER TABLE A ADD CONSTRAINT P PRIMARY KEY (ID)",
    "ALTER TABLE A ADD CONSTRAINT U UNIQUE (N)",
    "CREATE TABLE CLUSTERED (D DATE) CLUSTER BY (TO_CHAR(D, 'YYYY'))",
    "ALTER TABLE A SET CHANGE_TRACKING = TRUE",
    "CREATE TABLE B LIKE A",
    "CREATE TABLE C CLONE A",
    "CREATE TABLE E AS SELECT TO_CHAR(D) AS S, PARSE_JSON('{}') AS V, ADDS(2) AS N FROM A",
    "CREATE TEMPORARY TABLE F (A INT IDENTITY, D DATE DEFAULT CURRENT_DATE(), S VARCHAR DEFAULT 1::VARCHAR)",
    "CREATE TRANSIENT TABLE G (A INT) DATA_RETENTION_TIME_IN_DAYS = 1",
    "CREATE VIEW W AS SELECT TO_CHAR(D, 'YYYY') AS Y, ADDS(N) AS N, F(N) AS M FROM A",
    "CREATE SECURE VIEW X (S) AS SELECT TRY_TO_NUMBER(S) FROM E",
    "CREATE STREAM Z ON TABLE A",
    "CREATE VIEW Y AS SELECT TO_CHAR(D, 'YYYY') AS Y FROM A",
    "CREATE STREAM ZV ON VIEW Y",
    "ALTER TABLE A RENAME TO A2",
    "ALTER TABLE B SWAP WITH C",
    "CREATE SCHEMA S2",
    "ALTER TABLE D.PUBLIC.E RENAME TO D.S2.E",
    "ALTER TABLE D.PUBLIC.A2 RENAME TO D.S2.A",
    "CREATE TASK D.S2.R SCHEDULE = '1 minute' WHEN SYSTEM$STREAM_HAS_DATA('D.PUBLIC.Z') AS CALL SYSTEM$WAIT(0)",
    "CREATE SCHEMA S3 CLONE S2",
    "CREATE DATABASE D2 CLONE D",
    "ALTER TABLE D2.S2.A DROP COLUMN M, D",
]


def test_definitions_leave_nothing_in_the_file_that_needs_the_server(directory: Directory) -> None:
    run = directory.open()
    for sql in DEFINITIONS:
        run(sql)
        assert depending(run.account) == [], sql
    run = directory.open()
    run("INSERT INTO D.S2.A (ID) SELECT 1")
    run("INSERT INTO D2.S3.A (M) SELECT 1")
    assert run("SELECT K, V FROM D.S2.A UNION ALL SELECT K, V FROM D2.S3.A") == [(1, "[1]"), (1, "[1]")]


STATEMENTS: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("INSERT INTO T (A) VALUES (1), (2)", [(1, "x", 5), (2, "x", 5)]),
    ("INSERT INTO T VALUES (1, DEFAULT, 2), (2, 'b', DEFAULT)", [(1, "x", 2), (2, "b", 5)]),
    ("INSERT INTO T (C, A) SELECT 1, 1 UNION ALL SELECT 1, 2", [(1, "x", 1), (2, "x", 1)]),
    ("INSERT INTO T (A, B) WITH W AS (SELECT 1 AS A) SELECT A, NULL FROM W", [(1, None, 5)]),
    (
        "MERGE INTO T USING (SELECT 1 AS A) S ON T.A = S.A WHEN NOT MATCHED THEN INSERT (A) VALUES (S.A)",
        [(1, "x", 5)],
    ),
    (
        "MERGE INTO T USING (SELECT 1 AS A) S ON T.A = S.A WHEN NOT MATCHED THEN INSERT VALUES (S.A, DEFAULT, 0)",
        [(1, "x", 0)],
    ),
    ("INSERT INTO T VALUES (1, 'b', 1); UPDATE T SET B = DEFAULT, C = 2", [(1, "x", 2)]),
]


@pytest.mark.parametrize(("sql", "rows"), STATEMENTS)
@pytest.mark.parametrize("tracked", ["FALSE", "TRUE"])
def test_statements_fill_in_defaults(account: Account, sql: str, rows: list[tuple[Any, ...]], tracked: str) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    run("USE SCHEMA D.PUBLIC")
    run(
        "CREATE OR REPLACE TABLE T (A INT, B VARCHAR DEFAULT LOWER('X'), C INT NOT NULL DEFAULT 2 + 3) "
        f"CHANGE_TRACKING = {tracked}"
    )
    for statement in sql.split("; "):
        run(statement)
    assert run("SELECT * FROM T ORDER BY A") == rows


def test_a_row_has_a_default_of_its_own(account: Account) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    run("USE SCHEMA D.PUBLIC")
    run("CREATE OR REPLACE TABLE T (A INT, B VARCHAR DEFAULT UUID_STRING())")
    run("INSERT INTO T (A) SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 5))")
    assert run("SELECT COUNT(DISTINCT B) FROM T") == [(5,)]


def test_a_session_variable_in_a_default_is_its_value_of_then(account: Account) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    run("USE SCHEMA D.PUBLIC")
    run("SET V = 'then'")
    run("CREATE OR REPLACE TABLE T (A INT, B VARCHAR DEFAULT $V)")
    run("UNSET V")
    run("INSERT INTO T (A) VALUES (1)")
    assert run("SELECT B FROM T") == [("then",)]


def test_a_function_in_a_default_is_its_definition_of_then(account: Account) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    run("USE SCHEMA D.PUBLIC")
    run("CREATE OR REPLACE FUNCTION PLUS_ONE(N INT) RETURNS INT AS 'N + 1'")
    run("CREATE OR REPLACE TABLE T (A INT, B INT DEFAULT plus_one(2))")
    run("DROP FUNCTION PLUS_ONE(INT)")
    run("INSERT INTO T (A) VALUES (1)")
    assert run("SELECT B FROM T") == [(3,)]


@pytest.mark.parametrize("default", ["(SELECT 1)", "A + 1", "NO_SUCH_FUNCTION(1)", "COUNT(*)"])
@pytest.mark.parametrize("ddl", ["CREATE TABLE X (A INT, B INT DEFAULT {})", "ALTER TABLE T ADD B INT DEFAULT {}"])
def test_a_default_that_could_not_be_filled_in_is_refused(account: Account, ddl: str, default: str) -> None:
    run = Runner(account, account.sessions.open("TEST"))
    run("USE SCHEMA D.PUBLIC")
    run("CREATE OR REPLACE TABLE T (A INT)")
    with pytest.raises(SnowflakeError):
        run(ddl.format(default))
