"""Fixtures: an account in the process of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local_snowflake.account import Engine


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An account with the database D, whose background work is not started."""
    made = Engine(tmp_path_factory.mktemp("account") / "data")
    handle = made.open_session("TEST")
    made.execute(handle, "CREATE DATABASE D")
    made.close_session(handle)
    yield made
    made.close()
