"""Applies, promotions and rollbacks of one environment exclude each other; a killed holder does so for its lease."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import DeploymentError, EnvironmentBusy
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.deployment import lock
from snowloop.lifecycle.deployment.lock import deployment_lock
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.dying import Interrupted
from tests.support.leases import expire
from tests.support.tiny import tiny
from tests.support.world import World


@pytest.fixture(scope="module")
def copies(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    made = Copies(session, tmp_path_factory.mktemp("lock"), "lock", ["GOOD"])
    yield made
    made.rows("DROP DATABASE {db}")


@pytest.fixture
def world(session: Session, tmp_path: Path) -> Iterator[World]:
    made = World(session, tiny(tmp_path / "projects"), f"lock_{uuid.uuid4().hex[:8]}")
    yield made
    made.rows("DROP DATABASE IF EXISTS {db}")


@pytest.fixture
def other(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with closing(Session.builder.configs(snowflake_connection).create()) as session:
        yield session


def of(world: World, session: Any) -> Workspace:
    return replace(world.workspace, session=session)


def test_a_promotion_during_a_deployment_is_refused_and_says_who_deploys(copies: Copies, other: Session):
    verdict = copies.judge("GOOD")
    with deployment_lock(copies.workspace, "apply"):
        with pytest.raises(EnvironmentBusy, match=r"promote GOOD needs the lock of TINY_LOCK, .* for apply"):
            promote(of(copies, other), verdict)
        with pytest.raises(EnvironmentBusy, match=r"host .*, process \d+, .*for apply, since .*wait, and run the same"):
            create_environment(of(copies, other))
        assert copies.rows("SELECT * FROM {db}.OPS.LEDGER") == []
    assert promote(of(copies, other), verdict).version_name == "GOOD"
    assert copies.value("SELECT HOLDER FROM {db}.OPS.DEPLOYMENT_LOCK") is None


def test_a_deployment_during_a_promotion_is_refused(copies: Copies, other: Session):
    seen: list[str] = []

    def deploys() -> None:
        with pytest.raises(EnvironmentBusy) as refused:
            create_environment(of(copies, other))
        seen.append(str(refused.value))

    session: Any = Interrupted(copies.session, "SET ALIAS", deploys)
    copies.alter("VERSION GOOD UNSET ALIAS") if copies.aliases.get("CHAMPION") == "GOOD" else None
    promote(of(copies, session), copies.judge("GOOD"))
    assert "for promote GOOD" in seen[0]


def test_the_lock_costs_two_statements(copies: Copies):
    with copies.session.query_history() as history, deployment_lock(copies.workspace, "apply") as lease:
        lease.keep()
    assert ["UPDATE " in query.sql_text for query in history.queries] == [True, True]


def test_an_expired_lease_is_taken_over_and_its_holder_stops(
    copies: Copies, other: Session, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lock, "RENEWED_AFTER", 0.0)
    with deployment_lock(copies.workspace, "apply") as first:
        first.keep()
        expire(copies)
        expired = pytest.raises(DeploymentError, match=r"the lease of apply on TINY_LOCK expired, .* for rollback")
        with deployment_lock(of(copies, other), "rollback"), expired:
            first.keep()
        assert copies.value("SELECT HOLDER FROM {db}.OPS.DEPLOYMENT_LOCK") is None


def test_a_lease_that_goes_on_is_renewed(copies: Copies, other: Session, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "RENEWED_AFTER", 0.0)
    with deployment_lock(copies.workspace, "apply") as lease:
        expire(copies)
        lease.keep()
        with pytest.raises(EnvironmentBusy), deployment_lock(of(copies, other), "apply"):
            pass


class Lost(BaseException):
    """The connection is gone."""


@pytest.mark.parametrize("lost", ["acquire", "release"])
def test_a_lock_whose_answer_was_lost_with_the_connection_does_not_keep_its_own_process_out(
    copies: Copies, other: Session, lost: str
):
    def run(query: str, **values: Any) -> Any:
        if query.endswith("#release") and lost == "release":
            raise Lost  # before it arrives
        rows = copies.workspace.run(query, **values)
        if query.endswith("#acquire") and lost == "acquire":
            raise Lost  # after it has arrived
        return rows

    broken = copy(copies.workspace)
    object.__setattr__(broken, "run", run)
    with pytest.raises(Lost), deployment_lock(broken, "apply"):
        pass
    with (
        deployment_lock(copies.workspace, "apply"),
        pytest.raises(EnvironmentBusy),
        deployment_lock(of(copies, other), "promote"),
    ):
        pass
    with deployment_lock(of(copies, other), "promote"):
        pass


def test_the_statement_of_the_message_frees_the_lock(copies: Copies, other: Session):
    with deployment_lock(copies.workspace, "apply"), pytest.raises(EnvironmentBusy) as refused:
        deployment_lock(of(copies, other), "apply").__enter__()
    with deployment_lock(copies.workspace, "apply"):
        copies.rows(str(refused.value).partition("free it sooner: ")[2])
        with deployment_lock(of(copies, other), "promote"):
            pass


def test_a_lock_without_its_row_says_how_to_get_one(copies: Copies):
    copies.rows("DELETE FROM {db}.OPS.DEPLOYMENT_LOCK")
    with (
        pytest.raises(EnvironmentBusy, match="has no row: INSERT INTO") as refused,
        deployment_lock(copies.workspace, "apply"),
    ):
        pass
    copies.rows(str(refused.value).partition("has no row: ")[2].partition(",")[0])
    with deployment_lock(copies.workspace, "apply"):
        pass


def test_of_two_that_create_an_environment_at_once_one_does(world: World, other: Session):
    seen: list[str] = []

    def creates() -> None:
        with pytest.raises(EnvironmentBusy) as refused:
            create_environment(of(world, other))
        seen.append(str(refused.value))

    session: Any = Interrupted(world.session, "LANDING", creates)
    assert create_environment(of(world, session)).created
    assert "for environment" in seen[0]
    assert create_environment(of(world, other)).created == 0


def test_threads_with_sessions_of_their_own_never_hold_it_together(
    copies: Copies, snowflake_connection: dict[str, Any]
):
    threads, rounds = 4, 8
    inside, together, held, refused = [0], [0], [0], [0]
    guard, begin = threading.Lock(), threading.Barrier(threads)

    def work() -> None:
        with closing(Session.builder.configs(snowflake_connection).create()) as session:
            begin.wait()
            for _ in range(rounds):
                try:
                    with deployment_lock(of(copies, session), "apply"):
                        with guard:
                            inside[0] += 1
                            together[0] = max(together[0], inside[0])
                        session.sql("SELECT 1").collect()
                        with guard:
                            inside[0] -= 1
                            held[0] += 1
                except EnvironmentBusy:
                    with guard:
                        refused[0] += 1

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert together == [1]
    assert held[0] + refused[0] == threads * rounds
    assert held[0] > 0
    assert refused[0] > 0
