"""A full disk: the server ends with a message, and what was committed is there at a start with more space."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests
import snowflake.connector
from snowflake.connector.errors import Error

from local_snowflake.protocol.connection import connection_arguments


def serve(data: Path, log: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log.open("w"), text=True)
    assert process.stdout
    assert process.stdout.readline().startswith("ready"), log.read_text()
    return process


def health(data: Path) -> requests.Response:
    port = connection_arguments(data)["port"]
    return requests.get(f"http://127.0.0.1:{port}/health", timeout=10)


@pytest.mark.slow
def test_the_server_ends_with_a_message_and_nothing_committed_is_lost(small_disk: Path, tmp_path: Path) -> None:
    data, log = small_disk / "data", tmp_path / "log"
    server = serve(data, log)
    assert (health(data).status_code, health(data).text.splitlines()[0]) == (200, "ok")
    committed = 0
    with snowflake.connector.connect(**connection_arguments(data)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE D")
        cursor.execute("CREATE TABLE T (S VARCHAR)")
        failure = None
        while failure is None:
            try:
                cursor.execute("INSERT INTO T SELECT UUID_STRING() FROM TABLE(GENERATOR(ROWCOUNT => 100000))")
                committed += 100_000
            except Error as error:
                failure = error
    assert "No space left on device" in str(failure)
    assert server.wait(20) == 1
    assert "its database runs no statement any more" in log.read_text()
    assert "If the disk is full, free some space" in log.read_text()
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    server = serve(data, log)
    with snowflake.connector.connect(**connection_arguments(data)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT COUNT(*), COUNT(DISTINCT S) FROM D.PUBLIC.T")
        rows = cursor.fetchone()
    assert rows
    # the commit that met the full disk may be one of those that are there
    assert rows[0] == rows[1]
    assert rows[0] in (committed, committed + 100_000)
    assert health(data).ok
    server.terminate()
    assert server.wait(30) == 0
