"""Airflow's SnowflakeSqlApiOperator, its hook and its trigger, unmodified, against the SQL API over TLS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_snowflake.testing import LocalSnowflake

pytestmark = pytest.mark.slow

HOST = "local.snowflakecomputing.com"
# the provider asks https://<account>.snowflakecomputing.com: as a line of /etc/hosts and port 443 would, this leads
# there to the server, and nothing of Airflow is changed
PREAMBLE = """
import asyncio, os, socket
resolve = socket.getaddrinfo

def to_the_server(host, port, *more, **options):
    if host == os.environ["SERVER_HOST"]:
        host, port = "127.0.0.1", int(os.environ["SERVER_PORT"])
    return resolve(host, port, *more, **options)

socket.getaddrinfo = to_the_server

from airflow.providers.snowflake.hooks.sql_api import SnowflakeSqlApiHook
from airflow.providers.snowflake.operators.snowflake import SnowflakeSqlApiOperator
from airflow.sdk.exceptions import TaskDeferred

def operator(sql, **options):
    return SnowflakeSqlApiOperator(task_id="t", sql=sql, poll_interval=1, do_xcom_push=False, **options)

async def first(trigger):
    return [event.payload async for event in trigger.run()][0]

hook = SnowflakeSqlApiHook("snowflake_default")

def rows(sql):
    (handle,) = hook.execute_query(sql, statement_count=1)
    hook.wait_for_query(handle, raise_error=True, poll_interval=1)
    return hook.get_result_from_successful_sql_api_query(handle)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    data_dir = tmp_path_factory.mktemp("sql_api") / "data"
    made = LocalSnowflake(data_dir, options=["--hostname", HOST]).start()
    yield made
    made.stop()


def airflow(server: LocalSnowflake, folder: Path, script: str, password: str = "") -> subprocess.CompletedProcess[str]:
    state = json.loads((server.data_dir / "server.json").read_text())
    extra = {"account": "local", "authenticator": "programmatic_access_token", "database": "T_AIRFLOW"}
    secret = password or (server.data_dir / "token").read_text()
    connection = {
        "conn_type": "snowflake",
        "login": state["user"],
        "password": secret,
        "schema": "PUBLIC",
        "extra": extra,
    }
    bundle = str(server.data_dir / "ca-bundle.pem")
    environment = os.environ | {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW_CONN_SNOWFLAKE_DEFAULT": json.dumps(connection),
        "REQUESTS_CA_BUNDLE": bundle,
        # the trigger's client reads this one
        "SSL_CERT_FILE": bundle,
        "SERVER_HOST": HOST,
        "SERVER_PORT": str(state["port"]),
    }
    command = [sys.executable, "-c", PREAMBLE + script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


def test_the_operator_runs_statements_and_the_hook_reads_rows(server: LocalSnowflake, tmp_path: Path) -> None:
    script = """
operator("CREATE OR REPLACE DATABASE T_AIRFLOW").execute({})
operator("CREATE TABLE T (N INT); INSERT INTO T VALUES (1), (2)", statement_count=2).execute({})
operator("INSERT INTO T VALUES (?);", bindings={"1": {"type": "FIXED", "value": "3"}}, timeout=60).execute({})
print(rows("SELECT SUM(N) AS S FROM T"))
print(len(rows("SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => 25000))")))
"""
    done = airflow(server, tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert "[{'S': '6'}]" in done.stdout
    assert "25000" in done.stdout


def test_the_operator_defers_to_its_trigger(server: LocalSnowflake, tmp_path: Path) -> None:
    script = """
operator("CREATE OR REPLACE DATABASE T_AIRFLOW").execute({})
operator('''CREATE PROCEDURE TAKES(SECONDS FLOAT) RETURNS INT LANGUAGE PYTHON RUNTIME_VERSION = '3.11'
    PACKAGES = ('snowflake-snowpark-python') HANDLER = 'f' AS $$
import time
def f(session, seconds):
    time.sleep(seconds)
    return 7
$$''').execute({})
deferred = operator("CALL TAKES(5)", deferrable=True)
try:
    deferred.execute({})
except TaskDeferred as waiting:
    event = asyncio.run(first(waiting.trigger))
    deferred.execute_complete({}, event)
    print("came back with", event["status"])
failing = operator("CALL TAKES(5); SELECT * FROM NOWHERE", deferrable=True)
try:
    failing.execute({})
except TaskDeferred as waiting:
    print(asyncio.run(first(waiting.trigger)))
(handle,) = hook.execute_query("CALL TAKES(200)", statement_count=1)
hook.cancel_queries([handle])
print(hook.wait_for_query(handle, poll_interval=1))
"""
    done = airflow(server, tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert "came back with success" in done.stdout
    assert "'status': 'error'" in done.stdout
    assert 'failed on statement "SELECT * FROM NOWHERE"' in done.stdout
    assert "SQL execution canceled" in done.stdout


def test_the_operator_fails_with_snowflakes_error(server: LocalSnowflake, tmp_path: Path) -> None:
    done = airflow(server, tmp_path, 'operator("SELECT * FROM NOWHERE").execute({})')
    assert done.returncode == 1
    assert "Code: 002003, SQL State: 02000" in done.stderr


def test_a_wrong_password_is_unauthorized(server: LocalSnowflake, tmp_path: Path) -> None:
    done = airflow(server, tmp_path, 'operator("SELECT 1").execute({})', password="wrong")
    assert done.returncode == 1
    assert "401 Client Error" in done.stderr
