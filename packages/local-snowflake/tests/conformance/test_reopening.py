"""The data directory opens again after every definition that the conformance tests have made.

The conformance tests run in a process of their own, which records the definitions. They are made once more in an
account in this process: that is closed and opened again in between.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from tests.unit.in_process import depending

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.token import SessionToken

# an opening takes half a second
_EVERY = 40


@pytest.fixture
def definitions(request: pytest.FixtureRequest, tmp_path: Path) -> list[tuple[str, str]]:
    """The definitions that succeed in the conformance tests: the session of each, and its text."""
    file, settings = tmp_path / "definitions.json", str(request.config.inipath)
    command = [sys.executable, "-m", "pytest", "-q", "-c", settings, "-n", "0", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(Path(__file__).parent)],
        cwd=request.config.rootpath,
        env={**os.environ, "LOCAL_SNOWFLAKE_DEFINITIONS": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    return [(session, sql) for session, sql in json.loads(file.read_text())]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_directory_opens_after_every_definition(definitions: list[tuple[str, str]], tmp_path: Path) -> None:
    assert len(definitions) > 100
    account, sessions, done = Account(tmp_path / "data"), dict[str, SessionToken](), 0
    for number, (session, sql) in enumerate(definitions, 1):
        token = sessions.setdefault(session, account.sessions.open("TEST"))
        try:
            account.execute(token, sql)
        except SnowflakeError:
            # eg: it needs a staged file, or rows
            continue
        done += 1
        assert depending(account) == [], sql
        if number % _EVERY == 0:
            account, sessions = _reopened(account, tmp_path, sessions, sql)
    _reopened(account, tmp_path, sessions, "all")[0].close()
    assert done > len(definitions) // 2


def _reopened(
    account: Account, tmp_path: Path, sessions: dict[str, SessionToken], sql: str
) -> tuple[Account, dict[str, SessionToken]]:
    places = {key: (token.session.database, token.session.schema) for key, token in sessions.items()}
    account.close()
    try:
        account = Account(tmp_path / "data")
    except duckdb.Error as error:
        pytest.fail(f"after {sql}: {error}")
    return account, {key: account.sessions.open("TEST", *place) for key, place in places.items()}
