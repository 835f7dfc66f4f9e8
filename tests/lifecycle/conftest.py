"""What the tests of the life cycle share."""

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle import ledger
from snowloop.lifecycle.challenge import withdraw
from snowloop.lifecycle.models import crown
from snowloop.lifecycle.rollback import rollback
from snowloop.lifecycle.staging import PROCEDURES
from tests.lifecycle.duel import TRAINED, dueling
from tests.lifecycle.world import World


@pytest.fixture(scope="session")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    opened = Session.builder.configs(snowflake_connection).create()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def inside() -> dict[str, ModuleType]:
    """The modules that run inside Snowflake, imported as they are there: beside one another, without a package."""
    sys.path.insert(0, str(PROCEDURES))
    try:
        names = ("measures", "folds", "parts", "leakage", "training", "comparison", "scoring")
        return {f"snowloop_{name}": importlib.import_module(f"snowloop_{name}") for name in names}
    finally:
        sys.path.remove(str(PROCEDURES))


@pytest.fixture(scope="session")
def duels(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion and three versions that may challenge it."""
    return dueling(session, tmp_path_factory.mktemp("duel"))


@pytest.fixture
def duel_world(duels: World) -> Iterator[World]:
    """The same with the first champion, without a challenger, and without labels that have arrived since."""
    yield duels
    given = (duels.session, duels.project, duels.target)
    duels.rows(f"DELETE FROM {{db}}.RAW.ANSWERS WHERE ID > {TRAINED}")
    withdraw(*given, reason="the test is over")
    if ledger.reigns(ledger.entries(*given))[-1] != duels.results["modest"]:
        rollback(*given)
    crown(*given, duels.results["modest"])
