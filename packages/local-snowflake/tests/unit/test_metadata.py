"""What SHOW, DESCRIBE and INFORMATION_SCHEMA tell of objects: https://docs.snowflake.com/en/sql-reference/info-schema."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner, code

from local_snowflake.account import Account

TERSE = ["created_on", "name", "kind", "database_name", "schema_name"]


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D"))
    runner("CREATE OR REPLACE SCHEMA METADATA")
    runner("CREATE TABLE PARENT (ID INT PRIMARY KEY, X INT UNIQUE, S VARCHAR(10))")
    runner("CREATE TABLE CHILD (ID INT IDENTITY(10, 5) PRIMARY KEY, R INT REFERENCES PARENT (ID))")
    runner("CREATE VIEW V (A COMMENT 'about a', B) COMMENT = 'about v' AS SELECT ID, R FROM CHILD")
    runner("CREATE SEQUENCE SQ START 5 INCREMENT 2")
    runner("CREATE ROLE METADATA_READER")
    runner("GRANT SELECT ON TABLE CHILD TO ROLE METADATA_READER")
    runner("GRANT ROLE METADATA_READER TO ROLE SYSADMIN")
    yield runner
    runner("DROP ROLE METADATA_READER")
    runner("DROP SCHEMA METADATA")
    account.sessions.close(runner.token)


def records(run: Runner, sql: str) -> list[dict[str, object]]:
    return run.result(sql).table.to_pylist()


def test_identity_columns_are_shown(run: Runner) -> None:
    assert records(run, "DESCRIBE TABLE CHILD")[0]["default"] == "IDENTITY START 10 INCREMENT 5 NOORDER"
    assert records(run, "SHOW COLUMNS IN TABLE CHILD")[0]["autoincrement"] == "IDENTITY START 10 INCREMENT 5 NOORDER"
    assert [record["autoincrement"] for record in records(run, "SHOW COLUMNS IN TABLE PARENT")] == ["", "", ""]


def test_columns_of_a_view_have_comments(run: Runner) -> None:
    assert [record["comment"] for record in records(run, "DESCRIBE VIEW V")] == ["about a", None]


@pytest.mark.parametrize("kind", ["TABLES", "VIEWS", "OBJECTS", "SCHEMAS", "DATABASES"])
def test_terse_is_five_columns(run: Runner, kind: str) -> None:
    assert [column.name for column in run.result(f"SHOW TERSE {kind}").columns] == TERSE
    assert len(run.result(f"SHOW {kind}").columns) > len(TERSE)


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        *(("XSMALL", "X-Small"), ("'X-Small'", "X-Small"), ("MEDIUM", "Medium"), ("XXLARGE", "2X-Large")),
        *(("X4LARGE", "4X-Large"), ("'5X-Large'", "5X-Large"), ("XLARGE", "X-Large")),
    ],
)
def test_sizes_of_warehouses(run: Runner, declared: str, shown: str) -> None:
    run(f"CREATE OR REPLACE WAREHOUSE METADATA_W WAREHOUSE_SIZE = {declared}")
    record = records(run, "SHOW WAREHOUSES LIKE 'METADATA_W'")[0]
    assert (record["size"], record["resource_constraint"]) == (shown, None)
    run("DROP WAREHOUSE METADATA_W")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            (
                "SELECT TABLE_NAME, CONSTRAINT_TYPE FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS"
                " WHERE TABLE_SCHEMA = 'METADATA' ORDER BY 1, 2"
            ),
            [("CHILD", "FOREIGN KEY"), ("CHILD", "PRIMARY KEY"), ("PARENT", "PRIMARY KEY"), ("PARENT", "UNIQUE")],
        ),
        (
            (
                "SELECT SEQUENCE_NAME, NEXT_VALUE, ORDERED FROM INFORMATION_SCHEMA.SEQUENCES"
                " WHERE SEQUENCE_SCHEMA = 'METADATA'"
            ),
            [("SQ", "5", "NO")],
        ),
        (
            (
                "SELECT GRANTEE, OBJECT_TYPE, PRIVILEGE_TYPE, IS_GRANTABLE FROM INFORMATION_SCHEMA.OBJECT_PRIVILEGES"
                " WHERE OBJECT_SCHEMA = 'METADATA' AND OBJECT_NAME = 'CHILD' ORDER BY 3"
            ),
            [("ACCOUNTADMIN", "TABLE", "OWNERSHIP", "YES"), ("METADATA_READER", "TABLE", "SELECT", "NO")],
        ),
        (
            (
                "SELECT TABLE_NAME, PRIVILEGE_TYPE FROM INFORMATION_SCHEMA.TABLE_PRIVILEGES"
                " WHERE GRANTEE = 'METADATA_READER'"
            ),
            [("CHILD", "SELECT")],
        ),
        (
            "SELECT GRANTEE FROM INFORMATION_SCHEMA.APPLICABLE_ROLES WHERE ROLE_NAME = 'METADATA_READER'",
            [("SYSADMIN",)],
        ),
        (
            (
                "SELECT COLUMN_NAME, CHARACTER_OCTET_LENGTH FROM INFORMATION_SCHEMA.COLUMNS"
                " WHERE TABLE_SCHEMA = 'METADATA' AND TABLE_NAME = 'PARENT' ORDER BY 1"
            ),
            [("ID", None), ("S", 40), ("X", None)],
        ),
        (
            "SELECT DISTINCT AUTO_CLUSTERING_ON FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'METADATA'",
            [("NO",)],
        ),
    ],
)
def test_views_of_the_information_schema(run: Runner, sql: str, expected: list[tuple[object, ...]]) -> None:
    assert sorted(run(sql), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("action", "expected"),
    [("B SET DATA TYPE VARCHAR(2)", 40052), ("B SET DATA TYPE INT", 2238)],
)
def test_changes_of_columns_that_are_refused(run: Runner, action: str, expected: int) -> None:
    run("CREATE OR REPLACE TABLE ALTERED (A INT, B VARCHAR(50))")
    assert code(run, f"ALTER TABLE ALTERED ALTER COLUMN {action}") == expected


def test_changes_of_columns(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE ALTERED (A INT, B VARCHAR(50))")
    run("ALTER TABLE ALTERED ALTER COLUMN B SET DATA TYPE VARCHAR(100)")
    assert records(run, "DESCRIBE TABLE ALTERED")[1]["type"] == "VARCHAR(100)"


def test_ddl_of_a_file_format(run: Runner) -> None:
    run("CREATE OR REPLACE FILE FORMAT F TYPE = CSV SKIP_HEADER = 1 NULL_IF = ('a', 'b') TRIM_SPACE = TRUE")
    options = "\tTYPE = CSV\n\tSKIP_HEADER = 1\n\tNULL_IF = ('a', 'b')\n\tTRIM_SPACE = TRUE\n"
    assert run("SELECT GET_DDL('FILE_FORMAT', 'F')") == [(f"CREATE OR REPLACE FILE FORMAT F\n{options};",)]
    assert f"FILE FORMAT F\n{options};" in run("SELECT GET_DDL('SCHEMA', 'METADATA')")[0][0]
