"""ALTER TABLE, clones, DESCRIBE, SHOW, INFORMATION_SCHEMA and views."""

from __future__ import annotations

from typing import Any

import pytest
from snowflake.snowpark import Session
from tests.server.copying import run


def test_columns_are_added_dropped_renamed(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X INT NOT NULL, Y STRING)")
    run(session, "INSERT INTO A VALUES (1, 'a')")
    run(session, "ALTER TABLE A ADD COLUMN Z NUMBER(5,1) DEFAULT 2.5, W DATE")
    run(session, "ALTER TABLE A RENAME COLUMN Y TO V")
    run(session, "ALTER TABLE A DROP COLUMN W")
    row = run(session, "SELECT * FROM A")[0]
    assert {k: (float(v) if k == "Z" else v) for k, v in row.as_dict().items()} == {"X": 1, "V": "a", "Z": 2.5}
    kinds = {r["name"]: (r["type"], r["null?"]) for r in run(session, "DESCRIBE TABLE A")}
    assert kinds == {"X": ("NUMBER(38,0)", "N"), "V": ("VARCHAR(16777216)", "Y"), "Z": ("NUMBER(5,1)", "Y")}


def test_a_required_column_needs_a_default(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X INT)")
    run(session, "INSERT INTO A VALUES (1)")
    with pytest.raises(Exception, match="Non-nullable column 'Y' cannot be added to non-empty table"):
        run(session, "ALTER TABLE A ADD COLUMN Y INT NOT NULL")
    run(session, "ALTER TABLE A ADD COLUMN Y INT NOT NULL DEFAULT 7")
    assert run(session, "SELECT Y FROM A")[0].Y == 7


def test_a_type_may_only_widen(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X VARCHAR(5), N NUMBER(10,2))")
    run(session, "ALTER TABLE A ALTER COLUMN X SET DATA TYPE VARCHAR(50)")
    with pytest.raises(Exception, match="incompatible types"):
        run(session, "ALTER TABLE A MODIFY COLUMN N SET DATA TYPE VARCHAR")


def test_not_null_is_kept(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X INT NOT NULL)")
    with pytest.raises(Exception, match="NULL result in a non-nullable column"):
        run(session, "INSERT INTO A VALUES (NULL)")
    run(session, "ALTER TABLE A ALTER COLUMN X DROP NOT NULL")
    run(session, "INSERT INTO A VALUES (NULL)")


def test_swap_and_rename(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A AS SELECT 1 AS X")
    run(session, "CREATE OR REPLACE TABLE B AS SELECT 'b' AS Y")
    run(session, "ALTER TABLE A SWAP WITH B")
    assert run(session, "SELECT * FROM A")[0].Y == "b"
    run(session, "DROP TABLE IF EXISTS C")
    run(session, "ALTER TABLE B RENAME TO C")
    assert run(session, "SELECT * FROM C")[0].X == 1
    with pytest.raises(Exception, match="does not exist or not authorized"):
        run(session, "SELECT * FROM B")


def test_a_clone_is_a_copy(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X INT NOT NULL DEFAULT 3, S STRING)")
    run(session, "INSERT INTO A VALUES (1, 'a')")
    run(session, "CREATE OR REPLACE TABLE B CLONE A")
    run(session, "INSERT INTO B (S) VALUES ('b')")
    assert session.table("A").count() == 1
    assert [(r.X, r.S) for r in session.table("B").sort("X").collect()] == [(1, "a"), (3, "b")]


def test_a_cloned_schema_and_database_hold_tables_and_views(session: Session) -> None:
    run(session, "CREATE OR REPLACE SCHEMA T_TABLES.ORIGINAL")
    run(session, "CREATE TABLE A AS SELECT 1 AS X")
    run(session, "CREATE VIEW V AS SELECT X + 1 AS Y FROM A")
    run(session, "CREATE OR REPLACE SCHEMA T_TABLES.COPY CLONE T_TABLES.ORIGINAL")
    run(session, "INSERT INTO T_TABLES.COPY.A VALUES (5)")
    assert {r.Y for r in run(session, "SELECT * FROM T_TABLES.COPY.V")} == {2, 6}
    run(session, "CREATE OR REPLACE DATABASE T_TABLES_CLONE CLONE T_TABLES")
    assert {r.Y for r in run(session, "SELECT * FROM T_TABLES_CLONE.COPY.V")} == {2, 6}
    run(session, "DROP DATABASE T_TABLES_CLONE")
    run(session, "USE SCHEMA T_TABLES.PUBLIC")


def test_information_schema_tells_what_is_there(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE INFO (X NUMBER(5,1) NOT NULL, S VARCHAR(7))")
    columns = run(
        session,
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH L, NUMERIC_SCALE C "
        "FROM T_TABLES.INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'INFO' ORDER BY ORDINAL_POSITION",
    )
    assert [tuple(r) for r in columns] == [("X", "NUMBER", "NO", None, 1), ("S", "TEXT", "YES", 7, None)]
    found = run(session, "SELECT TABLE_TYPE, ROW_COUNT FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'INFO'")
    assert [tuple(r) for r in found] == [("BASE TABLE", 0)]
    history = run(session, "SELECT QUERY_TEXT FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY(RESULT_LIMIT => 5))")
    assert len(history) == 5


def test_a_view_is_read_in_its_own_schema(session: Session) -> None:
    run(session, "CREATE OR REPLACE SCHEMA T_TABLES.HOME")
    run(session, "CREATE TABLE BASE AS SELECT 1 AS X")
    run(session, "CREATE VIEW V (RENAMED) AS SELECT X FROM BASE")
    run(session, "USE SCHEMA T_TABLES.PUBLIC")
    assert run(session, "SELECT v.RENAMED FROM HOME.V v JOIN HOME.BASE b ON b.X = v.RENAMED")[0].RENAMED == 1


def test_comments_and_ddl(session: Session) -> None:
    run(session, "CREATE OR REPLACE TABLE A (X INT NOT NULL)")
    run(session, "COMMENT ON TABLE A IS 'about a'")
    run(session, "COMMENT ON COLUMN A.X IS 'about x'")
    assert run(session, "SHOW TABLES LIKE 'A'")[0]["comment"] == "about a"
    ddl = run(session, "SELECT GET_DDL('TABLE', 'A')")[0][0]
    assert ddl == "create or replace TABLE A (\n\tX NUMBER(38,0) NOT NULL COMMENT 'about x'\n)COMMENT='about a'\n;"


def test_temporary_tables_belong_to_their_session(session: Session, snowflake_connection: dict[str, Any]) -> None:
    run(session, "CREATE OR REPLACE TEMPORARY TABLE MINE AS SELECT 1 AS X")
    assert session.table("T_TABLES.PUBLIC.MINE").count() == 1
    other = Session.builder.configs(snowflake_connection).create()
    with pytest.raises(Exception, match="does not exist or not authorized"):
        run(other, "SELECT * FROM T_TABLES.PUBLIC.MINE")
    other.close()
