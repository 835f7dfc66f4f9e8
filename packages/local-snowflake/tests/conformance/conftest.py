"""The connection of the conformance tests: a real account if SNOWFLAKE_ACCOUNT is set, else the local Snowflake."""

from __future__ import annotations

import os
from typing import Any

import pytest

_PREFIX = "SNOWFLAKE_"


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
