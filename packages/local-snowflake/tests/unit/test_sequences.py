"""Sequences outlive a restart, a rename and a clone; a default that names one means it from any schema."""

from __future__ import annotations

import pytest
from tests.unit.in_process import Directory

from local_snowflake.errors import SnowflakeError


def test_a_sequence_goes_on_after_a_restart(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE SQ START 10 INCREMENT 5 COMMENT = 'tens'")
    run("CREATE TABLE T (ID INT DEFAULT SQ.NEXTVAL, N INT)")
    run("INSERT INTO T (N) VALUES (1), (2)")
    run = directory.open()
    run("INSERT INTO T (N) VALUES (3)")
    assert run("SELECT ID FROM T ORDER BY N") == [(10,), (15,), (20,)]
    (shown,) = run("SHOW SEQUENCES IN SCHEMA PUBLIC")
    assert (shown[0], shown[3], shown[4], shown[7], shown[9]) == ("SQ", 25, 5, "tens", "N")
    assert run("DESCRIBE SEQUENCE SQ") == [shown]


def test_a_default_means_the_sequence_of_its_own_schema(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE SQ")
    run("CREATE TABLE T (ID INT DEFAULT sq.nextval, N INT)")
    run("CREATE SCHEMA OTHER")
    run("CREATE SEQUENCE OTHER.SQ START 100")
    run("USE SCHEMA OTHER")
    run("INSERT INTO D.PUBLIC.T (N) VALUES (1)")
    assert run("SELECT ID, D.PUBLIC.SQ.NEXTVAL AS A, SQ.NEXTVAL AS B FROM D.PUBLIC.T") == [(1, 2, 100)]


def test_a_clone_goes_on_by_itself(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE SQ")
    run("SELECT SQ.NEXTVAL")
    run("CREATE SEQUENCE TWIN CLONE SQ")
    run("CREATE SCHEMA COPY CLONE PUBLIC")
    assert run("SELECT PUBLIC.SQ.NEXTVAL AS A, PUBLIC.TWIN.NEXTVAL AS B, PUBLIC.SQ.NEXTVAL AS C") == [(2, 2, 3)]
    assert run("SELECT COPY.SQ.NEXTVAL AS A, COPY.TWIN.NEXTVAL AS B") == [(2, 2)]
    run("DROP SCHEMA COPY")
    assert [row[0] for row in run("SHOW SEQUENCES IN DATABASE D")] == ["SQ", "TWIN"]


def test_values_are_not_given_twice_after_a_rollback(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE SQ")
    run("CREATE TABLE T (ID INT)")
    run("BEGIN")
    run("INSERT INTO T SELECT SQ.NEXTVAL")
    run("ROLLBACK")
    run("INSERT INTO T SELECT SQ.NEXTVAL")
    assert run("SELECT ID FROM T") == [(2,)]


def test_a_replaced_sequence_starts_again_and_a_negative_step_goes_down(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE SQ")
    run("SELECT SQ.NEXTVAL")
    run("CREATE SEQUENCE IF NOT EXISTS SQ START 50")
    assert run("SELECT SQ.NEXTVAL") == [(2,)]
    run("CREATE OR REPLACE SEQUENCE SQ START = 3 INCREMENT = -2")
    assert run("SELECT SQ.NEXTVAL AS A, SQ.NEXTVAL AS B, SQ.NEXTVAL AS C") == [(3, 1, -1)]
    with pytest.raises(SnowflakeError, match="expected START, INCREMENT"):
        run("CREATE SEQUENCE BAD CYCLE")


@pytest.mark.parametrize("columns", ["", "(ID INT, A INT)"])
def test_a_table_that_is_made_of_a_query_begins_with_its_first_value(directory: Directory, columns: str) -> None:
    run = directory.open()
    run("CREATE SEQUENCE Q")
    run(f"CREATE TABLE T {columns} AS SELECT Q.NEXTVAL AS ID, COLUMN1 AS A FROM VALUES (5), (6)")
    assert run("SELECT * FROM T ORDER BY A") == [(1, 5), (2, 6)]


def test_describing_a_query_draws_nothing(directory: Directory) -> None:
    run = directory.open()
    run("CREATE SEQUENCE Q")
    assert run.describe("SELECT Q.NEXTVAL AS ID, 'a' AS A, 'b' AS A") == [
        *(("ID", "NUMBER"), ("A", "VARCHAR"), ("A", "VARCHAR"))
    ]
    run("CREATE VIEW V AS SELECT Q.NEXTVAL AS ID")
    assert run("SELECT * FROM V") == [(1,)]
