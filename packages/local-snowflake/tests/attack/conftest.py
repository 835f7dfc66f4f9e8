"""Fixtures: a session in an account of the test's process; how many inputs are tried.

LOCAL_SNOWFLAKE_ATTACK is the number of inputs of each fuzz test that is marked slow.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.unit.in_process import Runner

from local_snowflake.account import Account

SHORT, LONG = 150, int(os.environ.get("LOCAL_SNOWFLAKE_ATTACK", "5000"))
CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
settings.register_profile("attack", deadline=None, suppress_health_check=CHECKS, database=None)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A session in D.PUBLIC, where the table T has two rows."""
    account = Account(tmp_path_factory.mktemp("attacked") / "data")
    runner = Runner(account, account.sessions.open("TEST"))
    runner("CREATE DATABASE D")
    runner("CREATE TABLE T (ID INT, S VARCHAR)")
    runner("INSERT INTO T VALUES (1, 'a'), (2, 'b')")
    yield runner
    account.close()
