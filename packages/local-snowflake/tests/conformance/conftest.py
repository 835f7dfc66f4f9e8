"""The connection of the conformance tests: a real account if SNOWFLAKE_ACCOUNT is set, else the local Snowflake.

The definitions that succeed are recorded where LOCAL_SNOWFLAKE_DEFINITIONS names a file, as test_reopening.py does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.cursor import SnowflakeCursor
from tests.conformance.account import Account

_PREFIX = "SNOWFLAKE_"
_DEFINITIONS = ("CREATE", "ALTER", "DROP", "UNDROP", "USE", "SET", "UNSET", "COMMENT")


@pytest.fixture(scope="session", autouse=True)
def _definitions_are_recorded() -> Iterator[None]:
    """The definitions that have succeeded in this run, as JSON: the session of each, and its text."""
    file, definitions = os.environ.get("LOCAL_SNOWFLAKE_DEFINITIONS"), []
    if file is None:
        yield
        return
    execute = SnowflakeCursor.execute

    def recording(cursor: SnowflakeCursor, command: str, *arguments: Any, **named: Any) -> Any:
        done = execute(cursor, command, *arguments, **named)
        if command.lstrip().upper().startswith(_DEFINITIONS) and not (arguments or named.get("params")):
            definitions.append((str(cursor.connection.session_id), command))
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SnowflakeCursor, "execute", recording)
        yield
    Path(file).write_text(json.dumps(definitions))


def pytest_configure(config: pytest.Config) -> None:
    """Announce the marks of marks.py."""
    config.addinivalue_line("markers", "deviates(how): kept in part; says how it deviates")
    config.addinivalue_line("markers", "refused(why): refused by name; says why")


@pytest.fixture(scope="session")
def snowflake_connection(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Keyword arguments for the connector: every SNOWFLAKE_… variable is one, eg: SNOWFLAKE_PRIVATE_KEY_FILE."""
    if os.environ.get("SNOWFLAKE_ACCOUNT"):
        return {k.removeprefix(_PREFIX).lower(): v for k, v in os.environ.items() if k.startswith(_PREFIX)}
    return dict(request.getfixturevalue("local_snowflake").connection())


@pytest.fixture(scope="module")
def account(request: pytest.FixtureRequest, snowflake_connection: dict[str, Any]) -> Iterator[Account]:
    """An account with a current database for the test module, eg: C_SCRIPTING."""
    database = f"C_{request.module.__name__.rpartition('.')[2].partition('_')[2]}"
    with snowflake.connector.connect(**snowflake_connection) as connection:
        made = Account(connection)
        made(f"CREATE OR REPLACE DATABASE {database}")
        yield made
        made(f"DROP DATABASE {database}")
