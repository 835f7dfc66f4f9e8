"""Fixtures: an account in the process of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.in_process import Directory
from tests.unit.privileged import Privileges

from local_snowflake.account import Account, AccountSettings


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with the database D, whose background work is not started."""
    made = Account(tmp_path_factory.mktemp("account") / "data")
    token = made.sessions.open("TEST")
    made.execute(token, "CREATE DATABASE D")
    made.sessions.close(token)
    yield made
    made.close()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    """A data directory of its own, which a test opens."""
    made = Directory(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def given(tmp_path: Path) -> Iterator[Privileges]:
    """An account that enforces privileges, its administrator, and a role without any."""
    account = Account(tmp_path, AccountSettings(enforce_privileges=True))
    yield Privileges(account)
    account.close()
