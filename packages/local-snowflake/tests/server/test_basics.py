"""The unmodified connector and Snowpark against the local Snowflake: tables, queries, DML, transactions."""

from __future__ import annotations

from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError, ProgrammingError
from snowflake.snowpark import Session
from snowflake.snowpark import functions as f


def test_a_wrong_password_is_refused(snowflake_connection: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError, match="Incorrect username or password"):
        snowflake.connector.connect(**(snowflake_connection | {"password": "wrong"}))


def test_rows_come_back_with_their_types(session: Session) -> None:
    columns = "I INT, D NUMBER(10,2), F FLOAT, S STRING, B BOOLEAN, T TIMESTAMP_NTZ"
    session.sql(f"CREATE OR REPLACE TABLE KINDS ({columns})").collect()
    session.sql("INSERT INTO KINDS SELECT 1, 1.25, 0.5, 'x', TRUE, '2026-01-02 03:04:05.678'").collect()
    row = session.table("KINDS").collect()[0]
    assert (row.I, float(row.D), row.F, row.S, row.B) == (1, 1.25, 0.5, "x", True)
    assert row["T"].isoformat() == "2026-01-02T03:04:05.678000"


def test_merge_counts_what_it_did(session: Session) -> None:
    session.sql("CREATE OR REPLACE TABLE M (ID INT, S STRING) AS SELECT * FROM VALUES (1, 'a'), (2, 'b')").collect()
    done = session.sql(
        "MERGE INTO M USING (SELECT * FROM VALUES (1, 'z'), (3, 'c') AS V(ID, S)) X ON M.ID = X.ID "
        "WHEN MATCHED THEN UPDATE SET M.S = X.S WHEN NOT MATCHED THEN INSERT (ID, S) VALUES (X.ID, X.S)"
    ).collect()[0]
    assert done.as_dict() == {"number of rows inserted": 1, "number of rows updated": 1}
    assert [(r.ID, r.S) for r in session.table("M").sort("ID").collect()] == [(1, "z"), (2, "b"), (3, "c")]


def test_dataframe_operations(session: Session) -> None:
    frame = session.create_dataframe([(1, "a"), (2, "b"), (3, "b")], schema=["N", "S"])
    frame.write.save_as_table("FRAME", mode="overwrite")
    totals = session.table("FRAME").group_by("S").agg(f.sum("N").alias("TOTAL")).sort("S").to_pandas()
    assert totals["TOTAL"].tolist() == [1, 5]


def test_an_unsupported_statement_is_named(session: Session) -> None:
    with pytest.raises(Exception, match="Unsupported feature 'CREATE DYNAMIC TABLE'"):
        session.sql("CREATE DYNAMIC TABLE D TARGET_LAG = '1 minute' WAREHOUSE = W AS SELECT 1 A").collect()


def test_comments_behind_the_last_semicolon(snowflake_connection: dict[str, Any]) -> None:
    script = "SELECT 1 AS N; -- done; really\nSELECT '; -- no comment' AS S; -- the end"
    with snowflake.connector.connect(**snowflake_connection) as connection:
        for cut in (False, True):
            cursors = connection.execute_string(script, remove_comments=cut)
            found = [cursor.fetchall() for cursor in cursors]
            assert found == [[(1,)], [("; -- no comment",)]]
        cursor = connection.cursor()
        cursor.execute("SELECT 2; // done")
        assert cursor.fetchall() == [(2,)]
        cursor.execute("SELECT 3; /* x; y */\n-- z")
        assert cursor.fetchall() == [(3,)]
        with pytest.raises(ProgrammingError, match="Empty SQL statement") as error:
            cursor.execute("-- only a comment")
        assert error.value.errno == 900


def test_bound_values(snowflake_connection: dict[str, Any]) -> None:
    place = {"database": "T_BASICS", "schema": "PUBLIC"}
    with snowflake.connector.connect(**snowflake_connection, **place, paramstyle="qmark") as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE OR REPLACE TABLE BOUND (I INT, S STRING, F FLOAT)")
        cursor.executemany("INSERT INTO BOUND VALUES (?, ?, ?)", [(i, f"it's \\ {i}", i / 2) for i in range(5000)])
        assert cursor.rowcount == 5000
        cursor.execute("SELECT S, F FROM BOUND WHERE I = ? AND S = ?", (7, "it's \\ 7"))
        assert cursor.fetchall() == [("it's \\ 7", 3.5)]


def test_an_error_carries_snowflakes_code(session: Session) -> None:
    with pytest.raises(ProgrammingError) as caught:
        session.connection.cursor().execute("SELECT * FROM T_BASICS.PUBLIC.MISSING")
    assert (caught.value.errno, caught.value.sqlstate) == (2003, "02000")
    assert "does not exist or not authorized" in str(caught.value.msg)


def test_a_grant_is_taken_back_however_its_names_are_quoted(session: Session) -> None:
    session.sql("CREATE ROLE IF NOT EXISTS LOOKS").collect()
    session.sql("CREATE ROLE IF NOT EXISTS LOOKS_TOO").collect()
    for made in ("DATABASE D", "SCHEMA D.S", "TABLE D.S.T (A INT)"):
        session.sql(f"CREATE OR REPLACE {made}").collect()
    session.sql('GRANT SELECT ON TABLE "D"."S"."T" TO ROLE "LOOKS"').collect()
    session.sql("GRANT USAGE ON SCHEMA d.s TO ROLE looks").collect()
    session.sql("GRANT ROLE LOOKS TO ROLE LOOKS_TOO").collect()

    def granted() -> list[tuple[str, str, str]]:
        rows = session.sql("SHOW GRANTS TO ROLE LOOKS").collect()
        return [(row["privilege"], row["granted_on"], row["name"]) for row in rows]

    assert granted() == [("SELECT", "TABLE", "D.S.T"), ("USAGE", "SCHEMA", "D.S")]
    session.sql("REVOKE SELECT ON TABLE D.S.T FROM ROLE LOOKS").collect()
    assert granted() == [("USAGE", "SCHEMA", "D.S")]
    session.sql("DROP DATABASE D").collect()
