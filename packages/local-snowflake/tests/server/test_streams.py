"""Streams where the conformance tests do not look: restarts and kills, staleness, concurrency, hidden columns, bulk."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError
from snowflake.connector.pandas_tools import write_pandas
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake

Cursor = snowflake.connector.cursor.SnowflakeCursor


@pytest.fixture
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    made = Session.builder.configs(snowflake_connection).create()
    made.sql("CREATE OR REPLACE DATABASE T_STREAMS").collect()
    made.sql("CREATE TABLE T (I INT, S STRING)").collect()
    made.sql("CREATE TABLE O (I INT)").collect()
    made.sql("CREATE STREAM S ON TABLE T").collect()
    yield made
    made.close()


def _ask(connection: snowflake.connector.SnowflakeConnection, sql: str) -> list[Any]:
    return list(connection.cursor().execute(sql).fetchall())  # type: ignore[union-attr]


@pytest.mark.slow
def test_offsets_and_history_survive_a_kill(own_snowflake: LocalSnowflake) -> None:
    with closing(snowflake.connector.connect(**own_snowflake.connection())) as connection:
        for sql in (
            "CREATE DATABASE D",
            "CREATE TABLE T (I INT, S STRING)",
            "INSERT INTO T VALUES (1, 'a'), (2, 'b')",
            "CREATE TABLE O (I INT)",
            "CREATE STREAM S ON TABLE T",
            "CREATE STREAM CONSUMED ON TABLE T",
            "DELETE FROM T WHERE I = 1",
            "INSERT INTO O SELECT I FROM CONSUMED",
            "UPDATE T SET S = 'z' WHERE I = 2",
            "BEGIN",
            "INSERT INTO O SELECT I FROM S",
            "INSERT INTO T VALUES (3, 'lost')",
        ):
            _ask(connection, sql)
        own_snowflake.stop(signal.SIGKILL)
    own_snowflake.start()
    with closing(
        snowflake.connector.connect(**own_snowflake.connection(), database="D", schema="PUBLIC")
    ) as connection:
        shown = "SELECT I, S, METADATA$ACTION FROM"
        pending = [(2, "b", "DELETE"), (2, "z", "INSERT")]
        assert sorted(_ask(connection, f"{shown} S")) == [(1, "a", "DELETE"), *pending]
        assert sorted(_ask(connection, f"{shown} CONSUMED")) == pending
        _ask(connection, "INSERT INTO T VALUES (4, 'new')")
        assert (4, "new", "INSERT") in _ask(connection, f"{shown} CONSUMED")
        assert _ask(connection, "SELECT COUNT(DISTINCT METADATA$ROW_ID) FROM CONSUMED") == [(2,)]


def _age(data_dir: Path, days: int) -> None:
    """Let the past of a stopped server lie further back."""
    with duckdb.connect(str(data_dir / "snowflake.duckdb")) as duck:
        duck.execute(f'UPDATE "$META".offsets SET refreshed = refreshed - INTERVAL {days} DAY')
        duck.execute(f'UPDATE "$META".versions SET made = made - INTERVAL {days} DAY')


@pytest.mark.slow
def test_unread_history_is_trimmed_and_unread_streams_become_stale(own_snowflake: LocalSnowflake) -> None:
    with closing(snowflake.connector.connect(**own_snowflake.connection())) as connection:
        for sql in (
            "CREATE DATABASE D",
            "CREATE TABLE T (I INT) CHANGE_TRACKING = TRUE",
            "INSERT INTO T SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 100))",
            "DELETE FROM T WHERE I < 50",
            "CREATE STREAM S ON TABLE T",
            "DELETE FROM T WHERE I < 60",
            "CREATE TABLE GONE (I INT) CHANGE_TRACKING = TRUE",
            "DROP TABLE GONE",
        ):
            _ask(connection, sql)
    for days, kept in ((13, 10), (2, 0)):
        own_snowflake.stop()
        _age(own_snowflake.data_dir, days)
        own_snowflake.start()
        connected = snowflake.connector.connect(**own_snowflake.connection(), database="D", schema="PUBLIC")
        with closing(connected) as connection:
            assert _ask(connection, "SHOW STREAMS")[0][10] == str(kept == 0).lower()
            if kept:
                assert _ask(connection, "SELECT COUNT(*) FROM S") == [(kept,)]
                continue
            with pytest.raises(ProgrammingError, match="S' is stale"):
                _ask(connection, "SELECT * FROM S")
            _ask(connection, "CREATE OR REPLACE STREAM S ON TABLE T")
            assert _ask(connection, "SELECT * FROM S") == []
            with pytest.raises(ProgrammingError, match="missing for the time range requested"):
                _ask(connection, "CREATE STREAM B ON TABLE T AT (OFFSET => -86400 * 16)")
    own_snowflake.stop()
    with duckdb.connect(str(own_snowflake.data_dir / "snowflake.duckdb")) as duck:
        tables = duck.execute("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE '$HISTORY%'").fetchall()
        assert len(tables) == 1
        assert duck.execute(f'SELECT count(*) FROM "$META"."{tables[0][0]}"').fetchall() == [(0,)]


@pytest.mark.slow
def test_asking_an_empty_stream_whether_it_has_data_keeps_it_fresh(own_snowflake: LocalSnowflake) -> None:
    with closing(snowflake.connector.connect(**own_snowflake.connection())) as connection:
        for sql in ("CREATE DATABASE D", "CREATE TABLE T (I INT)", "CREATE STREAM S ON TABLE T"):
            _ask(connection, sql)
    own_snowflake.stop()
    _age(own_snowflake.data_dir, 10)
    own_snowflake.start()
    connected = snowflake.connector.connect(**own_snowflake.connection(), database="D", schema="PUBLIC")
    with closing(connected) as connection:
        before = _stale_after(connection)
        assert _ask(connection, "SELECT SYSTEM$STREAM_HAS_DATA('S')") == [(False,)]
        assert timedelta(days=9) < _stale_after(connection) - before < timedelta(days=11)


def _stale_after(connection: snowflake.connector.SnowflakeConnection) -> datetime:
    found = _ask(connection, """SHOW STREAMS LIKE 'S' IN SCHEMA D.PUBLIC ->> SELECT "stale_after" FROM $1""")[0][0]
    assert isinstance(found, datetime)
    return found


def test_hidden_columns_never_show(session: Session) -> None:
    session.sql("INSERT INTO T VALUES (1, 'a')").collect()
    session.sql("CREATE VIEW V AS SELECT * FROM T").collect()
    session.sql("CREATE TABLE COPIED AS SELECT * FROM T").collect()
    session.sql("CREATE TABLE CLONED CLONE T").collect()
    for name in ("T", "V", "COPIED", "CLONED"):
        assert session.table(name).columns == ["I", "S"]
        assert [r["name"] for r in session.sql(f"DESCRIBE TABLE {name}").collect()] == ["I", "S"]
    listed = "SELECT COUNT(*) FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'T'"
    assert session.sql(listed).collect()[0][0] == 2
    assert session.table("T").join(session.table("CLONED"), "I").columns[0] == "I"
    with pytest.raises(Exception, match=r"\$BORN"):
        session.sql('UPDATE T SET "$BORN" = 0').collect()


def test_a_table_is_replaced_by_a_query_over_itself(session: Session) -> None:
    session.sql("INSERT INTO T VALUES (1, 'a'), (2, 'b')").collect()
    session.sql("CREATE OR REPLACE TABLE T AS SELECT I * 10 AS I FROM S WHERE I IN (SELECT I FROM T)").collect()
    assert sorted(row.I for row in session.table("T").collect()) == [10, 20]


def test_dataframes_and_files_are_seen(session: Session) -> None:
    frame = pd.DataFrame({"I": range(1000), "S": [f"s{i}" for i in range(1000)]})
    write_pandas(session.connection, frame, "T", database="T_STREAMS", schema="PUBLIC")
    assert session.table("S").count() == 1000
    session.table("S").select("I").write.mode("append").save_as_table("O")
    assert (session.table("S").count(), session.table("O").count()) == (0, 1000)
    session.create_dataframe([(5000, "x")], schema=["I", "S"]).write.mode("append").save_as_table("T")
    assert [r.I for r in session.table("S").collect()] == [5000]


def test_every_row_is_consumed_once_by_parallel_consumers(
    session: Session, snowflake_connection: dict[str, Any]
) -> None:
    failures: list[BaseException] = []

    def run(statements: list[str]) -> None:
        try:
            with closing(
                snowflake.connector.connect(**snowflake_connection, database="T_STREAMS", schema="PUBLIC")
            ) as connection:
                for sql in statements:
                    _ask(connection, sql)
        except BaseException as error:  # noqa: BLE001 (reported by the main thread)
            failures.append(error)

    consume = ["BEGIN", "INSERT INTO O SELECT I FROM S", "COMMIT"]
    work = [[f"INSERT INTO T VALUES ({n * 100 + i}, 'x')" for i in range(10)] for n in range(2)]
    work += [consume * 5, ["INSERT INTO O SELECT I FROM S"] * 5]
    threads = [threading.Thread(target=run, args=(statements,)) for statements in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    session.sql("INSERT INTO O SELECT I FROM S").collect()
    taken = sorted(row.I for row in session.table("O").collect())
    assert taken == [n * 100 + i for n in range(2) for i in range(10)]


def test_the_first_stream_waits_for_rows_that_are_being_written(
    session: Session, snowflake_connection: dict[str, Any]
) -> None:
    session.sql("CREATE TABLE BUSY (I INT)").collect()
    creating = threading.Thread(target=session.sql("CREATE STREAM LATE ON TABLE BUSY").collect)
    with closing(snowflake.connector.connect(**snowflake_connection, database="T_STREAMS", schema="PUBLIC")) as writer:
        _ask(writer, "BEGIN")
        _ask(writer, "INSERT INTO BUSY VALUES (1)")
        creating.start()
        creating.join(0.5)
        assert creating.is_alive()
        _ask(writer, "INSERT INTO BUSY VALUES (2)")
        _ask(writer, "COMMIT")
        creating.join(30)
        _ask(writer, "INSERT INTO BUSY VALUES (3)")
    assert [r.I for r in session.table("LATE").collect()] == [3]
    assert session.table("BUSY").count() == 3


def test_a_changing_condition_is_refused_instead_of_recorded_wrongly(session: Session) -> None:
    session.sql("INSERT INTO T SELECT SEQ4(), 'x' FROM TABLE(GENERATOR(ROWCOUNT => 1000))").collect()
    session.sql("INSERT INTO O SELECT I FROM S").collect()
    session.sql("UPDATE T SET S = 'y' WHERE RANDOM() > 0").collect()
    updated = session.sql("SELECT COUNT(*) FROM T WHERE S = 'y'").collect()[0][0]
    assert 0 < updated < 1000
    assert session.sql("SELECT COUNT(*) FROM S WHERE METADATA$ACTION = 'DELETE'").collect()[0][0] == updated
    with pytest.raises(Exception, match="put the source into a table first"):
        session.sql("UPDATE T SET S = 'z' FROM O WHERE RANDOM() > 0 AND T.I = O.I").collect()
    assert session.sql("SELECT COUNT(*) FROM T WHERE S = 'z'").collect()[0][0] == 0


def test_a_view_shows_whether_its_changes_are_tracked(session: Session) -> None:
    def shown(name: str) -> str:
        rows = session.sql(f"SHOW VIEWS LIKE '{name}' ->> SELECT \"change_tracking\" FROM $1").collect()
        return str(rows[0][0])

    session.sql("CREATE VIEW PLAIN AS SELECT I FROM T").collect()
    session.sql("CREATE VIEW TRACKED CHANGE_TRACKING = TRUE AS SELECT I FROM T").collect()
    assert (shown("PLAIN"), shown("TRACKED")) == ("OFF", "ON")
    session.sql("ALTER VIEW PLAIN SET CHANGE_TRACKING = TRUE").collect()
    session.sql("CREATE VIEW STREAMED AS SELECT I FROM T").collect()
    session.sql("CREATE STREAM ON_STREAMED ON VIEW STREAMED").collect()
    assert (shown("PLAIN"), shown("STREAMED")) == ("ON", "ON")
    for refused in ("SET CHANGE_TRACKING = FALSE", "RENAME TO OTHER"):
        with pytest.raises(Exception, match="Unsupported feature"):
            session.sql(f"ALTER VIEW PLAIN {refused}").collect()
    with pytest.raises(Exception, match="invalid property"):
        session.sql("CREATE VIEW OTHER ROW_ACCESS = TRUE AS SELECT I FROM T").collect()
