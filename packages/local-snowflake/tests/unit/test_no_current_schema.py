"""Sessions without a current schema: queries find names in PUBLIC, DDL and DML need a schema.

Source: https://docs.snowflake.com/en/sql-reference/name-resolution
"""

from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE TABLE D.PUBLIC.PLACED AS SELECT 1 AS A")
    runner("CREATE OR REPLACE FUNCTION D.PUBLIC.PLACED_TWICE (X INT) RETURNS INT AS 'X * 2'")
    yield runner
    runner("DROP TABLE D.PUBLIC.PLACED")
    runner("DROP FUNCTION D.PUBLIC.PLACED_TWICE (INT)")


def test_queries_find_names_in_public(run: Runner) -> None:
    assert run("SELECT CURRENT_SCHEMA(), A, PLACED_TWICE(A) FROM PLACED") == [(None, 1, 2)]
    run("CREATE OR REPLACE TEMPORARY TABLE D.PUBLIC.COPIED AS SELECT * FROM PLACED")
    run("INSERT INTO D.PUBLIC.COPIED SELECT * FROM PLACED")
    assert run("SELECT COUNT(*) FROM COPIED") == [(2,)]


@pytest.mark.parametrize(
    ("sql", "action"),
    [
        ("CREATE TABLE NEW (A INT)", "CREATE TABLE"),
        ("CREATE TEMPORARY TABLE NEW AS SELECT * FROM PLACED", "CREATE TABLE"),
        ("CREATE TABLE NEW CLONE PLACED", "CREATE TABLE"),
        ("CREATE VIEW NEW AS SELECT 1 AS A", "CREATE VIEW"),
        ("CREATE TEMPORARY STAGE NEW", "CREATE STAGE"),
        ("CREATE FILE FORMAT NEW TYPE = CSV", "CREATE FILE FORMAT"),
        ("CREATE SEQUENCE NEW", "CREATE SEQUENCE"),
        ("CREATE FUNCTION NEW () RETURNS INT AS '1'", "CREATE FUNCTION"),
        ("ALTER TABLE PLACED ADD COLUMN B INT", "ALTER TABLE"),
        ("ALTER TABLE D.PUBLIC.PLACED RENAME TO OTHER", "ALTER TABLE"),
        ("DROP TABLE PLACED", "DROP"),
        ("DROP TABLE IF EXISTS PLACED", "DROP"),
        ("DROP FUNCTION PLACED_TWICE (INT)", "DROP"),
        ("TRUNCATE TABLE PLACED", "TRUNCATE"),
        ("INSERT INTO PLACED VALUES (2)", "INSERT"),
        ("UPDATE PLACED SET A = 2", "UPDATE"),
        ("DELETE FROM PLACED", "DELETE"),
        ("MERGE INTO PLACED USING (SELECT 1 AS B) ON A = B WHEN MATCHED THEN DELETE", "MERGE"),
        ("INSERT ALL INTO PLACED SELECT 1", "INSERT"),
        ("COPY INTO PLACED FROM @~/x", "COPY"),
    ],
)
def test_what_ddl_and_dml_name_needs_a_schema(run: Runner, sql: str, action: str) -> None:
    with pytest.raises(SnowflakeError) as caught:
        run(sql)
    text = f"Cannot perform {action}. This session does not have a current schema."
    assert (caught.value.code, caught.value.message) == (90106, f"{text} Call 'USE SCHEMA', or use a qualified name.")
    assert run("SELECT A FROM PLACED") == [(1,)]


def test_using_a_database_makes_its_public_schema_current(account: Account) -> None:
    session = Runner(account, account.sessions.open("TEST", "D"))
    session("USE DATABASE D")
    session("CREATE TEMPORARY TABLE NEW (A INT)")
    assert session("SELECT CURRENT_SCHEMA()") == [("PUBLIC",)]


def test_without_a_database_the_error_names_the_statement(account: Account) -> None:
    session = Runner(account, account.sessions.open("TEST"))
    with pytest.raises(SnowflakeError, match=r"Cannot perform DROP\. This session does not have a current database"):
        session("DROP TABLE IF EXISTS PUBLIC.PLACED")
