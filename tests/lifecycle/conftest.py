"""What the tests of the life cycle share."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import withdraw
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.versions import set_champion
from tests.support.duel import TRAINED, dueling
from tests.support.world import World

LEFT = timedelta(seconds=30)
"""More than a test takes that counts days."""


@pytest.fixture
def today() -> date:
    """The day of UTC, as Snowflake's clock has it. Just before midnight it waits: the day does not end in the test."""
    now = datetime.now(UTC)
    if (now + LEFT).date() != now.date():
        time.sleep(LEFT.total_seconds())
    return datetime.now(UTC).date()


@pytest.fixture(scope="session")
def duels(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion and three versions that may challenge it."""
    return dueling(session, tmp_path_factory.mktemp("duel"))


@pytest.fixture
def duel_world(duels: World) -> Iterator[World]:
    """The same with the first champion, without a challenger, and without labels that have arrived since."""
    yield duels
    given = duels.workspace
    duels.rows(f"DELETE FROM {{db}}.RAW.ANSWERS WHERE ID > {TRAINED}")
    withdraw(given, reason="the test is over")
    if ledger.champion_history(ledger.entries(given))[-1] != duels.results["modest"]:
        rollback(given)
    set_champion(given, duels.results["modest"])
