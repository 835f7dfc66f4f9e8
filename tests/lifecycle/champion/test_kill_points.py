"""Wherever the process of a promotion or a rollback is killed, a champion serves, and the same call completes it."""

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import EnvironmentBusy, RollbackError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import challenge, promote_challenger
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.delivery.roll_back import roll_back
from snowloop.project import Challenger
from snowloop.workspace import Workspace
from tests.support.copies import Copies
from tests.support.dying import Dying, DyingWriter, KilledError
from tests.support.leases import as_another_process, expire, holder


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    made = Copies(session, tmp_path_factory.mktemp("kills"), "kills", ("A", "B", "C"))
    shadow = made.project.serving.model_copy(update={"challenger": Challenger(mode="shadow")})
    made.declare(serving=shadow)
    return made


def killed(world: Copies, act: Callable[[Workspace], object], at: int) -> bool:
    """Whether it was killed after the n-th statement that changes anything."""
    try:
        act(replace(world.workspace, session=DyingWriter(world.session, at)))  # type: ignore[arg-type]
    except KilledError:
        return True
    return False


def kill_everywhere(
    world: Copies, prepare: Callable[[], None], act: Callable[[Workspace], object], before: str | None, after: str
) -> int:
    """Kill it after each change; a champion serves then, and the same call completes it.

    Returns:
        After how many changes it was killed.
    """
    for at in itertools.count():
        prepare()
        entries = len(ledger.entries(world.workspace))
        if not killed(world, act, at):
            assert world.score() == after
            return at
        if at or before:
            assert world.serving in (before, after), f"killed at {at}"
        if world.aliases != {"CHAMPION": after, "DEFAULT": after}:
            act(world.workspace)
        assert world.serving == after
        assert world.aliases == {"CHAMPION": after, "DEFAULT": after}
        added = ledger.entries(world.workspace)[entries:]
        assert [entry.to_version for entry in added] == [after], f"killed at {at}"
    raise AssertionError


def kill_with_the_lock(
    world: Copies,
    open_session: Callable[[], Session],
    prepare: Callable[[], None],
    act: Callable[[Workspace], object],
    before: str,
    after: str,
) -> int:
    """Kill it after each of its statements, with nothing sent afterwards: its lease keeps all others out until it ends.

    Returns:
        After how many statements it held the lock.
    """
    held = 0
    for at in itertools.count(1):
        prepare()
        entries = len(ledger.entries(world.workspace))
        with closing(open_session()) as session:
            dying: Any = Dying(session, at, sent=True)
            try:
                act(replace(world.workspace, session=dying))
            except KilledError:
                as_another_process()
            else:
                assert holder(world) is None
                return held
        assert world.serving in (before, after), f"killed at {at}"
        if holder(world):
            held += 1
            with pytest.raises(EnvironmentBusy, match="its lease ends at"):
                act(world.workspace)
            assert world.serving in (before, after), f"killed at {at}"
            expire(world)
        if world.aliases != {"CHAMPION": after, "DEFAULT": after}:
            act(world.workspace)
        assert world.aliases == {"CHAMPION": after, "DEFAULT": after}, f"killed at {at}"
        added = ledger.entries(world.workspace)[entries:]
        assert [entry.to_version for entry in added] == [after], f"killed at {at}"
        expire(world)
    raise AssertionError


@pytest.fixture
def open_session(snowflake_connection: dict[str, Any]) -> Callable[[], Session]:
    return lambda: Session.builder.configs(snowflake_connection).create()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_promotion_that_is_killed_with_the_lock_is_completed_when_its_lease_ends(
    world: Copies, open_session: Callable[[], Session]
):
    def prepare() -> None:
        world.serve("A")
        world.results["verdict"] = world.judge("B")

    promotion = lambda given: promote(given, world.results["verdict"])  # noqa: E731
    held = kill_with_the_lock(world, open_session, prepare, promotion, "A", "B")
    assert held > len(("acquire", "ledger", "default", "alias"))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_rollback_that_is_killed_with_the_lock_is_completed_when_its_lease_ends(
    world: Copies, open_session: Callable[[], Session]
):
    def prepare() -> None:
        world.serve("A")
        world.promote("B")

    back = lambda given: roll_back(given, "A")  # noqa: E731
    held = kill_with_the_lock(world, open_session, prepare, back, "B", "A")
    assert held > len(("acquire", "ledger", "default", "alias"))


def test_a_challenger_becomes_champion(world: Copies):
    def prepare() -> None:
        world.serve("A")
        challenge(world.workspace, version="B", reason="it may be better")
        world.results["verdict"] = world.judge("B")

    promotion = lambda given: promote_challenger(given, world.results["verdict"])  # noqa: E731
    assert kill_everywhere(world, prepare, promotion, "A", "B") == len(("ledger", "default", "B", "A", "alias")) + 1
    entry = ledger.entries(world.workspace)[-1]
    assert (entry.from_version, entry.to_version, entry.reason) == ("A", "B", None)


@pytest.mark.slow
def test_a_rollback_to_the_challenger(world: Copies):
    def prepare() -> None:
        world.serve("A")
        world.promote("B")
        challenge(world.workspace, version="A", reason="was it better?")

    kill_everywhere(world, prepare, rollback, "B", "A")
    assert ledger.current_challenger(ledger.entries(world.workspace)) is None


def test_a_version_with_an_alias_of_its_own_loses_it_and_the_ledger_says_so(world: Copies):
    world.alter("VERSION C SET ALIAS = FAVOURITE")
    world.promote("C")
    assert world.aliases == {"CHAMPION": "C", "DEFAULT": "C"}
    assert ledger.entries(world.workspace)[-1].reason == "C lost the alias FAVOURITE: a version has at most one"


def test_the_first_champion(world: Copies):
    def prepare() -> None:
        world.rows("DELETE FROM {db}.OPS.LEDGER")
        for name in set(world.aliases) - {"DEFAULT"}:
            world.alter(f"VERSION {name} UNSET ALIAS")
        world.results["verdict"] = world.judge("A")

    kill_everywhere(world, prepare, lambda given: promote(given, world.results["verdict"]), None, "A")


def test_a_rollback_to_another_version_than_the_one_before_is_refused_and_the_reason_is_kept(world: Copies):
    world.promote("A")
    world.promote("B")
    with pytest.raises(RollbackError, match=r"the champion before B in .*LEDGER is A, not C: name that one"):
        rollback(world.workspace, version="C")
    assert world.aliases["CHAMPION"] == "B"
    assert rollback(world.workspace, version="a", reason="scores are too high").to_version == "A"
    assert ledger.entries(world.workspace)[-1].reason == "scores are too high"


def test_an_interrupted_promotion_is_undone_by_a_rollback(world: Copies):
    world.promote("A")
    challenge(world.workspace, version="B", reason="it may be better")
    verdict = world.judge("B")
    assert killed(world, lambda given: promote(given, verdict), 4)
    assert world.aliases == {"DEFAULT": "B"}
    assert world.score() == "B"
    assert rollback(world.workspace).to_version == "A"
    assert world.score() == "A"
