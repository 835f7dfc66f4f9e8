"""The data directory opens again after every definition that the conformance tests have made.

They are made once more in an account in the process of the tests: that is closed and opened again in between.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.unit.in_process import depending

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.token import SessionToken

# an opening takes half a second
_EVERY = 40


@pytest.mark.slow
def test_the_directory_opens_after_every_definition(definitions: list[tuple[str, str]], tmp_path: Path) -> None:
    if not definitions:
        pytest.skip("the tests that make definitions did not run")
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
