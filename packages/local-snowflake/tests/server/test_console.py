"""The console: its page, in a real browser where there is one, and what it asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import snowflake.connector

from local_snowflake.__main__ import main
from local_snowflake.testing import LocalSnowflake

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSnowflake]:
    running = LocalSnowflake(tmp_path_factory.mktemp("console") / "data").start()
    with snowflake.connector.connect(**running.connection()) as connection:
        for statement in (
            "CREATE DATABASE SHOP",
            "CREATE TABLE ORDERS (ID INT, AMOUNT NUMBER(10, 2)) COMMENT = '<b>bold</b>'",
            "CREATE STREAM NEW_ORDERS ON TABLE ORDERS",
            "INSERT INTO ORDERS VALUES (1, 9.90), (2, 4)",
            "SELECT IFF(AMOUNT > 5, 'large', 'small') FROM ORDERS",
        ):
            connection.cursor().execute(statement)
        with pytest.raises(snowflake.connector.errors.ProgrammingError):
            connection.cursor().execute("SELECT * FROM MISSING")
    yield running
    running.stop()


def _base(server: LocalSnowflake) -> str:
    arguments = server.connection()
    return f"http://{arguments['host']}:{arguments['port']}"


def _queries(server: LocalSnowflake) -> dict[str, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {server.connection()['password']}"}
    answer = requests.get(f"{_base(server)}/console/queries", headers=headers, timeout=60)
    answer.raise_for_status()
    return {query["text"]: query for query in answer.json()["queries"]}


def test_the_statements_come_with_what_duckdb_ran(server: LocalSnowflake) -> None:
    queries = _queries(server)
    query = queries["SELECT IFF(AMOUNT > 5, 'large', 'small') FROM ORDERS"]
    assert query["status"] == "SUCCESS"
    assert query["rows"] == 2
    assert query["seconds"] >= 0
    (translated,) = query["translated"]
    assert '"SHOP.PUBLIC"' in translated
    assert "CASE WHEN" in translated
    failed = queries["SELECT * FROM MISSING"]
    assert failed["status"] == "FAILED_WITH_ERROR"
    assert "MISSING" in failed["error"]
    assert failed["translated"] == []
    assert queries["CREATE DATABASE SHOP"]["translated"] == []


def test_values_that_are_bound_come_as_the_statement_that_ran(server: LocalSnowflake) -> None:
    with snowflake.connector.connect(**server.connection(), paramstyle="qmark") as connection:
        connection.cursor().execute("INSERT INTO SHOP.PUBLIC.ORDERS VALUES (?, ?)", (3, 7))
    assert _queries(server)["INSERT INTO SHOP.PUBLIC.ORDERS VALUES (?, ?)"]["translated"]


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}])
def test_without_the_token_nothing_is_shown(server: LocalSnowflake, header: dict[str, str]) -> None:
    assert requests.get(f"{_base(server)}/console/queries", headers=header, timeout=60).status_code == 401
    page = requests.get(f"{_base(server)}/console", timeout=60)
    assert page.status_code == 200
    assert "ORDERS" not in page.text


def test_the_page_runs_its_own_script_only(server: LocalSnowflake) -> None:
    page = requests.get(f"{_base(server)}/console", timeout=60)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"(?:src|href)=", page.text), "it loads nothing"


def test_the_command_prints_the_address(server: LocalSnowflake, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "--data-dir", str(server.data_dir)]) == 0
    assert capsys.readouterr().out.strip() == f"{_base(server)}/console#token={server.connection()['password']}"


def test_without_a_server_the_command_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "--data-dir", str(tmp_path)]) == 1
    assert "No server runs on" in capsys.readouterr().err


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: a page is looked at in a browser")
@pytest.mark.parametrize(
    ("view", "shown"),
    [
        ("", ["ORDERS", "SHOP.PUBLIC", "&lt;b&gt;bold&lt;/b&gt;"]),
        ("Streams", ["NEW_ORDERS", "SHOP.PUBLIC.ORDERS", 'class="number">']),
        ("Queries", ["CREATE DATABASE SHOP", "as DuckDB ran it"]),
    ],
)
def test_a_browser_shows_it(server: LocalSnowflake, tmp_path: Path, view: str, shown: list[str]) -> None:
    address = f"{_base(server)}/console#token={server.connection()['password']}&view={view}"
    command = [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    ran = subprocess.run(
        [*command, "--virtual-time-budget=4000", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    for text in shown:
        assert text in ran.stdout, ran.stdout[-3000:]
    assert "<b>bold" not in ran.stdout
