"""The data directory opens again after every definition that the conformance tests have made.

The definitions that succeed in a module are recorded. They are made once more in an account in this process: that is
closed and opened again in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from snowflake.connector.cursor import SnowflakeCursor
from tests.unit.in_process import depending

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.token import SessionToken

_DEFINITIONS = ("CREATE", "ALTER", "DROP", "UNDROP", "USE", "SET", "UNSET", "COMMENT")
# the files of a model, which the client has put into its stage; the id of a query
_FROM_ELSEWHERE = ("MODEL ", "STATEMENT =>")
# an opening takes a quarter of a second
_EVERY = 40


@contextmanager
def recorded() -> Iterator[list[tuple[str, str]]]:
    """Record the definitions that succeed meanwhile: the session of each, and its text."""
    definitions: list[tuple[str, str]] = []
    execute = SnowflakeCursor.execute

    def recording(cursor: SnowflakeCursor, command: str, *arguments: Any, **named: Any) -> Any:
        done = execute(cursor, command, *arguments, **named)
        if command.lstrip().upper().startswith(_DEFINITIONS) and not (arguments or named.get("params")):
            definitions.append((str(cursor.connection.session_id), command))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SnowflakeCursor, "execute", recording)
        yield definitions


def assert_opens_after_each(definitions: list[tuple[str, str]], data: Path) -> None:
    """Make the definitions in an account in this process, which is closed and opened again in between.

    Args:
        definitions: The session of each, and its text.
        data: The data directory of the account.
    """
    account, sessions = Account(data), dict[str, SessionToken]()
    for number, (session, sql) in enumerate(definitions, 1):
        token = sessions.get(session) or account.sessions.open("TEST")
        sessions[session] = token
        try:
            account.execute(token, sql)
        except SnowflakeError:
            assert any(words in sql for words in _FROM_ELSEWHERE), sql
            continue
        assert depending(account) == [], sql
        if number % _EVERY == 0:
            account, sessions = _reopened(account, data, sessions, sql)
    _reopened(account, data, sessions, "all")[0].close()


def _reopened(
    account: Account, data: Path, sessions: dict[str, SessionToken], sql: str
) -> tuple[Account, dict[str, SessionToken]]:
    places = {key: (token.session.database, token.session.schema) for key, token in sessions.items()}
    account.close()
    try:
        account = Account(data)
    except duckdb.Error as error:
        pytest.fail(f"after {sql}: {error}")
    return account, {key: account.sessions.open("TEST", *place) for key, place in places.items()}
