"""Between accounts a version travels by its files: two servers, two connections, and nothing trained in the second."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.delivery.deliver import promote_from
from snowloop.lifecycle.delivery.transfer import FILES
from snowloop.lifecycle.versions import champion
from snowloop.workspace import Workspace
from tests.lifecycle.delivery.conftest import supplied
from tests.support.copies import Copies
from tests.support.dying import Interrupted, KilledError
from tests.support.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def other(tmp_path: Path, staging: Copies) -> Iterator[World]:
    server = LocalSnowflake(tmp_path / "data", options=["--account", "other"]).start()
    session = Session.builder.configs(server.connection()).create()
    try:
        yield supplied(Workspace(session, staging.project.in_target("lab_prod"), "lab_prod"))
    finally:
        session.close()
        server.stop()


def killed() -> None:
    raise KilledError


def test_the_very_files_serve_in_the_other_account(staging: Copies, other: World):
    for before in ("CREATE MODEL", "REMOVE @"):
        session: Any = Interrupted(other.session, before, killed)
        with pytest.raises(KilledError):
            promote_from(staging.workspace, Workspace(session, other.project, other.target))
    with other.session.query_history() as history:
        done = promote_from(staging.workspace, other.workspace)
    assert (done.version_name, done.kept) == ("GOOD", False)
    assert [each.sql_text for each in history.queries if "TRAIN_" in each.sql_text] == []
    now, there = champion(other.workspace), champion(staging.workspace)
    assert now is not None
    assert there is not None
    assert {name: value for name, value in now.facts.items() if name != FILES} == there.facts
    (entry,) = ledger.entries(other.workspace)
    assert (entry.from_account, entry.files) == ("LOCAL-LOCAL", now.facts[FILES])
    assert other.rows("LIST '@{db}.MODELS.CODE/versions/'") == []
