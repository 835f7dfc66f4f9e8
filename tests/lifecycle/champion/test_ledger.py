"""The ledger: each number is given once, and an entry that is changed or deleted later is found."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import AnswerError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring.verify import verify
from snowloop.workspace import Workspace
from tests.support.tiny import tiny

WRITERS, EACH = 3, 4


@pytest.fixture(scope="module")
def workspace(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(session, tiny(tmp_path_factory.mktemp("ledger")), "ledger")
    create_environment(made)
    return made


def named(version: str | None, reason: str) -> ledger.Change:
    return ledger.Change(ledger.CHALLENGE if version else ledger.WITHDRAW, None, version, reason=reason)


def faults(workspace: Workspace) -> list[str]:
    return [check.reason for check in verify(workspace).faults if check.name == "LEDGER"]


def test_writers_at_once_get_different_numbers(workspace: Workspace, snowflake_connection: dict[str, Any]):
    def write(writer: int) -> None:
        with Session.builder.configs(snowflake_connection).create() as own:
            for number in range(EACH):
                ledger.append(Workspace(own, workspace.project, workspace.target), named("A", f"{writer} {number}"))

    with ThreadPoolExecutor(WRITERS) as pool:
        assert [*pool.map(write, range(WRITERS))] == [None] * WRITERS
    written = ledger.entries(workspace)
    assert [entry.entry for entry in written] == [*range(1, WRITERS * EACH + 1)]
    assert {entry.reason for entry in written} == {f"{w} {n}" for w in range(WRITERS) for n in range(EACH)}
    assert faults(workspace) == []


def test_entries_of_an_earlier_release_have_no_hash_and_the_chain_begins_after_them(workspace: Workspace):
    place = f"{workspace.database}.OPS"
    workspace.session.sql(f"UPDATE {place}.LEDGER SET ENTRY_HASH = NULL").collect()
    workspace.session.sql(f"UPDATE {place}.LEDGER_HEAD SET ENTRY = 0, ENTRY_HASH = NULL").collect()
    assert faults(workspace) == []
    ledger.append(workspace, named(None, "withdrawn"))
    assert faults(workspace) == []
    workspace.session.sql(
        f"UPDATE {place}.LEDGER SET REASON = 'for another reason' WHERE ACTION = 'withdraw'"
    ).collect()
    assert "is not what was written" in faults(workspace)[0]


def test_a_head_that_is_gone_is_refused(workspace: Workspace):
    before = len(ledger.entries(workspace))
    head = f"{workspace.database}.OPS.LEDGER_HEAD"
    workspace.session.sql(f"DELETE FROM {head}").collect()
    with pytest.raises(AnswerError, match="lock_ledger wrote 0 rows"):
        ledger.append(workspace, named("B", "without a head"))
    assert len(ledger.entries(workspace)) == before
    workspace.session.sql(f"INSERT INTO {head} SELECT 0, NULL").collect()
