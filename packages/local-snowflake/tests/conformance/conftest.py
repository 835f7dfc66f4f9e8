"""The connection of the conformance tests: a real account if SNOWFLAKE_ACCOUNT is set, else the local Snowflake.

On that one each module ends with what its definitions leave behind: a data directory that opens again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from tests.conformance.account import Account
from tests.conformance.reopening import assert_opens_after_each, recorded

_PREFIX = "SNOWFLAKE_"


@pytest.fixture(scope="module", autouse=True)
def _the_directory_opens_after_every_definition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail a module after one of whose definitions a data directory does not open again."""
    if os.environ.get("SNOWFLAKE_ACCOUNT"):
        yield
        return
    with recorded() as definitions:
        yield
    if definitions:
        assert_opens_after_each(definitions, tmp_path_factory.mktemp("reopening") / "data")


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
