"""What a table's definition says is done or refused by name: columns, constraints, options, identities."""

from __future__ import annotations

import pytest
from snowflake.snowpark import Session
from tests.server.copying import run


@pytest.fixture(autouse=True)
def clean(session: Session) -> None:
    run(session, "CREATE OR REPLACE SCHEMA T_TABLE_DEFINITIONS.PUBLIC")


def columns(session: Session, table: str) -> dict[str, tuple[str, str, str]]:
    """Type, NULL and primary key of each column."""
    return {r["name"]: (r["type"], r["null?"], r["primary key"]) for r in run(session, f"DESCRIBE TABLE {table}")}


def ids(session: Session, table: str) -> list[int]:
    return sorted(row.ID for row in run(session, f"SELECT ID FROM {table}"))


def test_unset_gives_an_option_its_default(session: Session) -> None:
    run(session, "CREATE TABLE A (X INT) CHANGE_TRACKING = TRUE COMMENT = 'of A' DATA_RETENTION_TIME_IN_DAYS = 5")
    run(session, "INSERT INTO A VALUES (1)")
    run(session, "CREATE STREAM S ON TABLE A")
    run(session, "ALTER TABLE A UNSET COMMENT, DATA_RETENTION_TIME_IN_DAYS")
    run(session, "INSERT INTO A VALUES (2)")
    assert [row.X for row in run(session, "SELECT X FROM S")] == [2]
    shown = run(session, "SHOW TABLES LIKE 'A'")[0]
    assert (shown["comment"], shown["retention_time"], shown["change_tracking"]) == ("", "1", "ON")


def test_unset_change_tracking_switches_it_off(session: Session) -> None:
    run(session, "CREATE TABLE A (X INT) CHANGE_TRACKING = TRUE")
    run(session, "INSERT INTO A VALUES (1)")
    run(session, "CREATE STREAM S ON TABLE A")
    run(session, "ALTER TABLE A UNSET CHANGE_TRACKING")
    run(session, "INSERT INTO A VALUES (2)")
    assert sorted(tuple(row) for row in run(session, "SELECT * FROM A")) == [(1,), (2,)]
    assert run(session, "SHOW TABLES LIKE 'A'")[0]["change_tracking"] == "OFF"
    with pytest.raises(Exception, match="Change tracking is not enabled or has been missing"):
        run(session, "SELECT * FROM S")


@pytest.mark.parametrize("option", ["COLUMNS", "TRANSIENT", "CHANGE_SOURCE"])
def test_unset_of_what_is_no_option_is_refused(session: Session, option: str) -> None:
    run(session, "CREATE TABLE A (X INT)")
    with pytest.raises(Exception, match=f"UNSET {option}"):
        run(session, f"ALTER TABLE A UNSET {option}")
    assert list(columns(session, "A")) == ["X"]


def test_if_not_exists_is_said_of_each_column(session: Session) -> None:
    run(session, "CREATE TABLE A (X INT)")
    run(session, "ALTER TABLE A ADD COLUMN IF NOT EXISTS X INT, COLUMN IF NOT EXISTS Y NUMBER(9,2), Z INT")
    assert list(columns(session, "A")) == ["X", "Y", "Z"]
    with pytest.raises(Exception, match="column 'Z' already exists"):
        run(session, "ALTER TABLE A ADD COLUMN IF NOT EXISTS W INT, Z INT")
    assert list(columns(session, "A")) == ["X", "Y", "Z"]


@pytest.mark.parametrize(
    "option", ["WITH ROW ACCESS POLICY R ON (A)", "ENABLE_SCHEMA_EVOLUTION = TRUE", "DEFAULT_DDL_COLLATION = 'en-ci'"]
)
def test_options_that_nothing_follows_from_are_refused(session: Session, option: str) -> None:
    with pytest.raises(Exception, match="Unsupported feature 'CREATE TABLE … "):
        run(session, f"CREATE TABLE A (A INT) {option}")


def test_a_primary_key_is_not_null(session: Session) -> None:
    run(session, "CREATE TABLE A (X INT, Y INT, CONSTRAINT PK PRIMARY KEY (X, Y), UNIQUE (Y))")
    assert {name: c[1:] for name, c in columns(session, "A").items()} == {"X": ("N", "Y"), "Y": ("N", "Y")}
    run(session, "CREATE TABLE B (X INT, FOREIGN KEY (X) REFERENCES A (X))")
    run(session, "INSERT INTO B VALUES (NULL)")
    with pytest.raises(Exception, match="NULL result in a non-nullable column"):
        run(session, "ALTER TABLE B ADD CONSTRAINT PK PRIMARY KEY (X)")
    run(session, "TRUNCATE TABLE B")
    run(session, "ALTER TABLE B ADD CONSTRAINT PK PRIMARY KEY (X)")
    assert columns(session, "B")["X"][1:] == ("N", "Y")
    with pytest.raises(Exception, match="NULL result in a non-nullable column"):
        run(session, "INSERT INTO B VALUES (NULL)")
    run(session, "ALTER TABLE B DROP PRIMARY KEY")
    assert columns(session, "B")["X"][1:] == ("N", "N")


@pytest.mark.parametrize(
    ("constraint", "refusal"),
    [
        ("CONSTRAINT GIBBERISH", "SQL compilation error"),
        ("PRIMARY KEY (NOPE)", "invalid identifier 'NOPE'"),
        ("FOREIGN KEY (X) REFERENCES NOPE (X)", "'T_TABLE_DEFINITIONS.PUBLIC.NOPE' does not exist"),
        ("CONSTRAINT C CHECK (X > 0)", "Unsupported feature"),
    ],
)
def test_constraints_are_checked(session: Session, constraint: str, refusal: str) -> None:
    run(session, "CREATE TABLE A (X INT)")
    with pytest.raises(Exception, match=refusal):
        run(session, f"ALTER TABLE A ADD {constraint}")


def test_a_table_like_another_has_its_columns_and_no_rows(session: Session) -> None:
    run(session, "CREATE TABLE A (ID INT IDENTITY(5, 1), X STRING NOT NULL DEFAULT 'x' COMMENT 'of X')")
    run(session, "INSERT INTO A (X) VALUES ('a'), ('b')")
    run(session, "CREATE TABLE B LIKE A")
    assert columns(session, "B") == columns(session, "A")
    assert not run(session, "SELECT * FROM B")
    run(session, "INSERT INTO B (ID) VALUES (1)")
    run(session, "INSERT INTO B (X) VALUES ('c')")
    assert sorted(tuple(row) for row in run(session, "SELECT * FROM B")) == [(1, "x"), (5, "c")]
    with pytest.raises(Exception, match=r"'T_TABLE_DEFINITIONS.PUBLIC.NOPE' does not exist"):
        run(session, "CREATE TABLE C LIKE NOPE")


def test_an_identity_belongs_to_its_table_and_not_to_its_name(session: Session) -> None:
    run(session, "CREATE TABLE A (ID INT IDENTITY, X INT)")
    run(session, "INSERT INTO A (X) VALUES (1), (2)")
    run(session, "ALTER TABLE A RENAME TO A_OLD")
    run(session, "CREATE TABLE A (ID INT IDENTITY(10, 10), X INT)")
    run(session, "INSERT INTO A (X) VALUES (1), (2)")
    run(session, "INSERT INTO A_OLD (X) VALUES (3)")
    assert (ids(session, "A"), ids(session, "A_OLD")) == ([10, 20], [1, 2, 3])
    run(session, "ALTER TABLE A SWAP WITH A_OLD")
    run(session, "DROP TABLE A_OLD")
    run(session, "INSERT INTO A (X) VALUES (4)")
    assert ids(session, "A") == [1, 2, 3, 4]


def test_a_temporary_table_has_an_identity_of_its_own(session: Session) -> None:
    run(session, "CREATE TABLE A (ID INT IDENTITY, X INT)")
    run(session, "INSERT INTO A (X) VALUES (1), (2)")
    run(session, "CREATE TEMPORARY TABLE A (ID INT IDENTITY(10, 1), X INT)")
    run(session, "INSERT INTO A (X) VALUES (1)")
    assert ids(session, "A") == [10]
    run(session, "DROP TABLE A")
    run(session, "INSERT INTO A (X) VALUES (3)")
    assert ids(session, "A") == [1, 2, 3]
