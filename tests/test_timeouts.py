"""A Snowflake that listens and never answers ends a statement, and the login of a command, within the declared time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from snowflake.connector.errors import Error
from snowflake.snowpark.exceptions import SnowparkClientException

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import SnowloopError
from snowloop.session import airflow_session, snowpark_session
from snowloop.timeouts import Timeouts

SHORT = {"SNOWLOOP_LOGIN_TIMEOUT": "2", "SNOWLOOP_SOCKET_TIMEOUT": "1", "SNOWLOOP_NETWORK_TIMEOUT": "3"}
LIMIT = 60


@contextmanager
def frozen(server: LocalSnowflake) -> Iterator[None]:
    """The server does not answer; the kernel still accepts connections for it."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


# the connector's timer cannot cancel the statement either
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_no_answer_ends_a_statement_and_a_command(own_snowflake: LocalSnowflake, monkeypatch: pytest.MonkeyPatch):
    for name, value in SHORT.items():
        monkeypatch.setenv(name, value)
    connection = own_snowflake.connection()
    with snowpark_session(options=connection) as session:
        assert session.sql("SELECT 1").collect()
        with frozen(own_snowflake):
            started = time.monotonic()
            with pytest.raises((Error, SnowparkClientException)):
                session.sql("SELECT 2").collect()
            assert time.monotonic() - started < LIMIT
            settings = {f"SNOWFLAKE_{name.upper()}": str(value) for name, value in connection.items()}
            command = [sys.executable, "-m", "snowloop.cli.main", "status", "--project", "credit_approval"]
            ended = subprocess.run(
                command, env={**os.environ, **settings}, capture_output=True, text=True, check=False, timeout=LIMIT
            )
            assert ended.returncode == 1
            assert "snowloop: cannot connect: " in ended.stderr


def test_an_airflow_connection_has_the_time_outs_and_its_own_win(
    snowflake_connection: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

    parameters = {**snowflake_connection, "login_timeout": 7}
    monkeypatch.setattr(SnowflakeHook, "_get_conn_params", lambda _hook: parameters)
    session = airflow_session("snowflake_default", Timeouts(network=11, socket=9))
    try:
        opened = session.connection
        assert (opened.login_timeout, opened.socket_timeout, opened.network_timeout) == (7, 9, 11)
    finally:
        session.close()


@pytest.mark.parametrize("text", ["0", "-1", "soon", "1.5", ""])
def test_a_time_out_that_is_none_is_named(text: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNOWLOOP_NETWORK_TIMEOUT", text)
    with pytest.raises(SnowloopError, match=r"SNOWLOOP_NETWORK_TIMEOUT is '.*': set it to a whole number of seconds"):
        Timeouts.declared()
