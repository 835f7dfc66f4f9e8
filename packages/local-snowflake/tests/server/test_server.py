"""The running server: persistence, credentials, TLS, stock Airflow parts, many clients at once, sudden death."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
import snowflake.connector
from snowflake.connector.errors import DatabaseError
from tests.server.connections import run

from local_snowflake.__main__ import main
from local_snowflake.protocol.connection import connection_arguments
from local_snowflake.testing import LocalSnowflake

KILL_ROUNDS = int(os.environ.get("SNOWLOOP_KILL_ROUNDS", "10"))


def connect(server: LocalSnowflake, **more: Any) -> snowflake.connector.SnowflakeConnection:
    return snowflake.connector.connect(**(server.connection() | more))


def test_everything_is_there_after_a_restart(own_snowflake: LocalSnowflake) -> None:
    with connect(own_snowflake) as connection:
        run(connection, "CREATE DATABASE KEPT")
        run(connection, "CREATE TABLE T (X NUMBER(5,1) NOT NULL, S VARCHAR(7))")
        run(connection, "INSERT INTO T VALUES (1.5, 'a')")
        run(connection, "CREATE VIEW V AS SELECT X * 2 AS Y FROM T")
        run(connection, "CREATE WAREHOUSE W")
    own_snowflake.stop()
    own_snowflake.start()
    with connect(own_snowflake, database="KEPT", schema="PUBLIC") as connection:
        assert float(run(connection, "SELECT Y FROM V")[0][0]) == 3.0
        assert [r[1] for r in run(connection, "DESCRIBE TABLE T")] == ["NUMBER(5,1)", "VARCHAR(7)"]
        assert run(connection, "SHOW WAREHOUSES")[0][0] == "W"


def test_the_user_is_an_option(tmp_path: Path) -> None:
    server = LocalSnowflake(tmp_path / "data", options=["--user", "Analyst"]).start()
    try:
        assert server.connection()["user"] == "Analyst"
        with connect(server, user="ANALYST") as connection:
            assert run(connection, "SELECT CURRENT_USER()") == [("ANALYST",)]
        with pytest.raises(DatabaseError, match="Incorrect username or password"):
            connect(server, user="snowloop")
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_closes_everything(own_snowflake: LocalSnowflake, how: signal.Signals) -> None:
    with connect(own_snowflake) as connection:
        run(connection, "CREATE DATABASE CLOSED")
        run(connection, "CREATE TABLE T (X INT) AS SELECT 1")
    assert own_snowflake.stop(how) == 0
    left = {path.name for path in own_snowflake.data_dir.iterdir()}
    assert "server.json" not in left
    assert "snowflake.duckdb.wal" not in left


@pytest.mark.parametrize(("name", "value"), [("TIMEZONE", "Nope/Zone"), ("LOCK_TIMEOUT", "abc")])
def test_a_wrong_session_parameter_is_refused(local_snowflake: LocalSnowflake, name: str, value: str) -> None:
    text = rf"invalid value \[{value}\] for parameter '{name}'"
    with pytest.raises(DatabaseError, match=text):
        connect(local_snowflake, session_parameters={name: value}, login_timeout=20)
    with connect(local_snowflake) as connection, pytest.raises(DatabaseError, match=text):
        run(connection, f"ALTER SESSION SET {name} = '{value}'")


def test_the_token_and_the_key_are_private(local_snowflake: LocalSnowflake) -> None:
    for name in ("token", "key.pem", "server.json"):
        assert stat.S_IMODE((local_snowflake.data_dir / name).stat().st_mode) == 0o600


def test_nobody_else_reads_the_directory(own_snowflake: LocalSnowflake, tmp_path: Path) -> None:
    with connect(own_snowflake) as connection:
        run(connection, "CREATE DATABASE D")
        run(connection, "CREATE STAGE ST")
        (tmp_path / "a.csv").write_text("1")
        run(connection, f"PUT 'file://{tmp_path / 'a.csv'}' @ST")
    assert stat.S_IMODE(own_snowflake.data_dir.stat().st_mode) == 0o700
    # the test's own log was there before
    written = [p for p in own_snowflake.data_dir.rglob("*") if p.name != "server.log"]
    assert any(p.name == "a.csv.gz" for p in written)
    assert [p for p in written if not p.is_symlink() and p.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("source", ["READ_CSV('{0}')", "READ_TEXT('{0}')", "READ_BLOB('{0}')", "'{0}'"])
def test_a_statement_reads_no_file_of_the_machine(local_snowflake: LocalSnowflake, tmp_path: Path, source: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    with connect(local_snowflake) as connection, pytest.raises(DatabaseError):
        run(connection, f"SELECT * FROM {source.format(file)}")


def test_a_second_server_on_the_same_directory_is_refused(local_snowflake: LocalSnowflake) -> None:
    command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(local_snowflake.data_dir)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert second.returncode != 0
    assert "another process" in second.stderr.lower()
    assert local_snowflake.connection()["port"]


def test_the_command_prints_how_to_connect(local_snowflake: LocalSnowflake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connection", "--data-dir", str(local_snowflake.data_dir)]) == 0
    assert json.loads(capsys.readouterr().out) == local_snowflake.connection()


ASKED = """
import os, snowflake.connector
names = ("account", "user", "password", "host", "port", "protocol")
with snowflake.connector.connect(**{name: os.environ[f"SNOWFLAKE_{name.upper()}"] for name in names}) as connection:
    print(connection.cursor().execute("SELECT 40 + 2").fetchone()[0], "SNOWFLAKE_ROLE" in os.environ)
raise SystemExit(7)
"""


def test_run_serves_while_a_command_runs_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local_snowflake", "run", "--data-dir", str(tmp_path / "data")]
    environment = {**os.environ, "SNOWFLAKE_ROLE": "OF_ANOTHER_ACCOUNT"}

    done = subprocess.run(
        [*command, "--", sys.executable, "-c", ASKED], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (7, "42 False\n"), done.stderr
    with pytest.raises(FileNotFoundError, match="No server runs"):
        connection_arguments(tmp_path / "data")


@pytest.mark.parametrize(
    ("program", "code", "says"), [([], 2, "no command"), (["--", "no-such-program"], 1, "Cannot run no-such-program")]
)
def test_run_without_a_command_that_can_be_run_says_so(program: list[str], code: int, says: str) -> None:
    command = [sys.executable, "-m", "local_snowflake", "run", *program]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert says in done.stderr


def test_connection_without_a_server_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connection", "--data-dir", str(tmp_path)]) == 1
    assert "local_snowflake serve --data-dir" in capsys.readouterr().err


@pytest.mark.slow
def test_stock_airflow_hook_over_tls(local_snowflake: LocalSnowflake, tmp_path: Path) -> None:
    """SnowflakeHook never passes a protocol, so that it comes over HTTPS; its Snowpark session needs QUERY_TAG."""
    state = json.loads((local_snowflake.data_dir / "server.json").read_text())
    extra = {"account": "local", "host": "localhost", "port": state["port"], "insecure_mode": True}
    token = (local_snowflake.data_dir / "token").read_text()
    uri = {"conn_type": "snowflake", "login": "snowloop", "password": token, "extra": extra}
    script = (
        "from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook\n"
        "hook = SnowflakeHook('snowflake_default')\n"
        "print(hook.get_first('SELECT 41 + 1'))\n"
        "session = hook.get_snowpark_session()\n"
        "session.update_query_tag({'dag_id': 'd'})\n"
        "print(session.sql('SELECT 43').collect())\n"
        "print(session.query_tag)\n"
    )
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW_CONN_SNOWFLAKE_DEFAULT": json.dumps(uri),
        "REQUESTS_CA_BUNDLE": str(local_snowflake.data_dir / "ca-bundle.pem"),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "(42,)" in done.stdout
    assert "43" in done.stdout
    assert '"dag_id": "d"' in done.stdout


def test_tls_without_trust_in_the_certificate_fails(local_snowflake: LocalSnowflake) -> None:
    state = json.loads((local_snowflake.data_dir / "server.json").read_text())
    arguments = local_snowflake.connection() | {"protocol": "https", "host": "localhost", "port": state["port"]}
    with pytest.raises(Exception, match="ertificate"):
        snowflake.connector.connect(**arguments, login_timeout=5)


def test_many_clients_write_at_once(local_snowflake: LocalSnowflake) -> None:
    with connect(local_snowflake) as connection:
        run(connection, "CREATE OR REPLACE DATABASE T_CROWD")
        run(connection, "CREATE TABLE COUNTER (N INT)")
        run(connection, "INSERT INTO COUNTER VALUES (0)")
    arguments = local_snowflake.connection() | {"database": "T_CROWD", "schema": "PUBLIC"}
    failures: list[Exception] = []

    def work() -> None:
        try:
            with snowflake.connector.connect(**arguments) as mine:
                for _ in range(15):
                    run(mine, "UPDATE COUNTER SET N = N + 1")
        except Exception as error:  # noqa: BLE001 (whatever it is, the test tells it)
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with snowflake.connector.connect(**arguments) as connection:
        assert run(connection, "SELECT N FROM COUNTER") == [(90,)]


def test_one_session_used_by_many_threads(local_snowflake: LocalSnowflake) -> None:
    wrong: list[Any] = []
    with connect(local_snowflake) as connection:

        def work(number: int) -> None:
            answers = [run(connection, f"SELECT {number} * 1000 + {i}") for i in range(20)]
            wrong.extend(found for i, found in enumerate(answers) if found != [(number * 1000 + i,)])

        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_a_writer_waits_for_the_lock_and_gives_up_after_lock_timeout(local_snowflake: LocalSnowflake) -> None:
    with connect(local_snowflake) as first, connect(local_snowflake) as second:
        run(first, "CREATE OR REPLACE DATABASE T_LOCKS")
        run(first, "CREATE TABLE T (X INT) AS SELECT 1")
        run(first, "BEGIN")
        run(first, "UPDATE T_LOCKS.PUBLIC.T SET X = 2")
        run(second, "ALTER SESSION SET LOCK_TIMEOUT = 1")
        with pytest.raises(DatabaseError, match="LOCK_TIMEOUT"):
            run(second, "UPDATE T_LOCKS.PUBLIC.T SET X = 3")
        run(first, "COMMIT")
        run(second, "UPDATE T_LOCKS.PUBLIC.T SET X = X + 10")
        assert run(first, "SELECT X FROM T_LOCKS.PUBLIC.T") == [(12,)]


def test_a_transaction_spans_databases(local_snowflake: LocalSnowflake) -> None:
    with connect(local_snowflake) as connection:
        for database in ("T_SPAN_A", "T_SPAN_B"):
            run(connection, f"CREATE OR REPLACE DATABASE {database}")
            run(connection, f"CREATE TABLE {database}.PUBLIC.T (X INT)")
        run(connection, "BEGIN")
        run(connection, "INSERT INTO T_SPAN_A.PUBLIC.T VALUES (1)")
        run(connection, "INSERT INTO T_SPAN_B.PUBLIC.T VALUES (1)")
        run(connection, "ROLLBACK")
        total = "SELECT COUNT(*) FROM (SELECT * FROM T_SPAN_A.PUBLIC.T UNION ALL SELECT * FROM T_SPAN_B.PUBLIC.T)"
        assert run(connection, total) == [(0,)]


def test_a_process_that_ended_while_it_was_idle_is_replaced(local_snowflake: LocalSnowflake) -> None:
    with connect(local_snowflake) as connection:
        run(connection, "CREATE OR REPLACE DATABASE T_IDLE")
        run(
            connection,
            "CREATE FUNCTION PROCESS() RETURNS FLOAT LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS "
            "$$\nimport random\nN = random.random()\ndef f():\n    return N\n$$",
        )
        before = set(psutil.Process(local_snowflake.pid).children(recursive=True))
        first = run(connection, "SELECT PROCESS()")
        started = [p for p in psutil.Process(local_snowflake.pid).children(recursive=True) if p not in before]
        # a handler leads a session, and what supervises it does not
        (handler,) = [p for p in started if os.getsid(p.pid) == p.pid and p.ppid() != local_snowflake.pid]
        handler.kill()
        psutil.wait_procs([handler], timeout=10)
        assert run(connection, "SELECT PROCESS()") != first


class PairWriter(threading.Thread):
    """Writes a number into two tables, and at times consumes a stream, in one transaction; until the server is gone."""

    def __init__(self, arguments: dict[str, Any], first: int) -> None:
        super().__init__(daemon=True)
        self.arguments = arguments | {"database": "D", "schema": "PUBLIC", "network_timeout": 1, "login_timeout": 5}
        self.first = first
        self.acknowledged: list[int] = []

    def run(self) -> None:
        # the connector raises errors of several libraries when its server dies
        with contextlib.suppress(Exception), snowflake.connector.connect(**self.arguments) as mine:
            for n in range(self.first, self.first + 100_000):
                run(mine, "BEGIN")
                run(mine, f"INSERT INTO LEFT_ROWS VALUES ({n})")
                run(mine, f"INSERT INTO RIGHT_ROWS VALUES ({n})")
                if n % 3 == 0:
                    run(mine, "INSERT INTO CONSUMED SELECT N FROM ARRIVED")
                run(mine, "COMMIT")
                self.acknowledged.append(n)


# the connector's own threads fail when their server dies
@pytest.mark.slow
@pytest.mark.timeout(300 + 60 * KILL_ROUNDS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_killed_server_keeps_what_was_committed(own_snowflake: LocalSnowflake) -> None:
    """After a kill -9 at any moment every acknowledged transaction is there, none in part, and offsets agree."""
    with connect(own_snowflake) as connection:
        run(connection, "CREATE DATABASE D")
        run(connection, "CREATE TABLE LEFT_ROWS (N INT)")
        run(connection, "CREATE TABLE RIGHT_ROWS (N INT)")
        run(connection, "CREATE TABLE CONSUMED (N INT)")
        run(connection, "CREATE STREAM ARRIVED ON TABLE LEFT_ROWS")
    acknowledged: set[int] = set()
    for round_ in range(KILL_ROUNDS):
        writer = PairWriter(own_snowflake.connection(), round_ * 100_000)
        writer.start()
        threading.Event().wait(0.8 + 0.071 * (round_ % 10))
        own_snowflake.stop(signal.SIGKILL)
        # the writer is not waited for: its connector goes on trying to reach the dead server for a while
        acknowledged |= set(writer.acknowledged)
        own_snowflake.start()
        with connect(own_snowflake, database="D", schema="PUBLIC") as connection:
            left = {r[0] for r in run(connection, "SELECT N FROM LEFT_ROWS")}
            right = {r[0] for r in run(connection, "SELECT N FROM RIGHT_ROWS")}
            read = [r[0] for r in run(connection, "SELECT N FROM CONSUMED UNION ALL SELECT N FROM ARRIVED")]
            consumed = run(connection, "SELECT COUNT(*) FROM CONSUMED")[0][0]
        assert left == right
        assert sorted(read) == sorted(left)
        assert acknowledged <= left
    assert acknowledged
    assert consumed > 0
