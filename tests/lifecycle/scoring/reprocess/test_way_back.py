"""A promotion or a rollback that is broken off in between, an alias that was moved by hand, and what is scored next."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

import snowloop.cli.options
from snowloop.cli.main import app
from snowloop.errors import GateRefused, RehearsalError, RollbackError
from snowloop.lifecycle.champion import ledger, promote, rollback
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.lifecycle.versions import champion, model, set_champion, versions
from snowloop.workspace import Workspace
from tests.support.duel import arriving, call, deploy, insert
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def world(duel_world: World) -> World:
    """The champion is modest, and a rollback of it is not possible."""
    assert reigns(duel_world) == ["modest"]
    return duel_world


def label(world: World, version: str | None) -> str | None:
    names = {version: name for name, version in world.results.items() if isinstance(version, str)}
    return names.get(version or "")


def reigning(world: World) -> str | None:
    now = champion(world.workspace)
    return label(world, now.name) if now else None


def reigns(world: World) -> list[str | None]:
    return [label(world, version) for version in ledger.champion_history(ledger.entries(world.workspace))]


def last(world: World, count: int) -> list[tuple[str, str | None, str | None]]:
    entries = ledger.entries(world.workspace)[-count:]
    return [(each.action, label(world, each.from_version), label(world, each.to_version)) for each in entries]


def verdict(world: World, name: str, against: str) -> Verdict:
    decided = "SELECT VERDICT_ID FROM {db}.OPS.VERDICTS WHERE MODEL_VERSION = '" + world.results[name] + "' LIMIT 1"
    return Verdict(world.value(decided), world.results[name], world.results[against], "f", (), kept=False)


def advance(world: World, name: str, against: str = "modest") -> Any:
    return promote.promote(world.workspace, verdict(world, name, against))


def killing(monkeypatch: pytest.MonkeyPatch, module: Any, *, halfway: bool) -> None:
    """The process is killed before the alias moves, or after it was taken from the old version."""

    def struck(workspace: Workspace, _version: str) -> None:
        now = champion(workspace)
        if halfway and now:
            name = model(workspace.project, workspace.target)
            workspace.session.sql(f'ALTER MODEL {name} VERSION "{now.name}" UNSET ALIAS').collect()
        raise Killed

    monkeypatch.setattr(module, "set_champion", struck)


def broken_off(monkeypatch: pytest.MonkeyPatch, module: Any, act: Callable[[], Any], *, halfway: bool) -> None:
    with monkeypatch.context() as patched:
        killing(patched, module, halfway=halfway)
        with pytest.raises(Killed):
            act()


@pytest.mark.parametrize("halfway", [False, True])
def test_a_promotion_that_was_broken_off_is_completed_by_the_next_try(
    world: World, monkeypatch: pytest.MonkeyPatch, halfway: bool
):
    before = len(ledger.entries(world.workspace))
    broken_off(monkeypatch, promote, lambda: advance(world, "good"), halfway=halfway)
    assert reigning(world) == ("good" if halfway else "modest")
    done = advance(world, "good")
    assert (reigning(world), label(world, done.previous), done.kept) == ("good", "modest", False)
    assert advance(world, "good").kept
    assert len(ledger.entries(world.workspace)) == before + 1
    assert rollback.rollback(world.workspace).to_version == world.results["modest"]


@pytest.mark.parametrize("halfway", [False, True])
def test_a_promotion_that_was_broken_off_is_taken_back_by_a_rollback(
    world: World, monkeypatch: pytest.MonkeyPatch, halfway: bool
):
    broken_off(monkeypatch, promote, lambda: advance(world, "good"), halfway=halfway)
    done = rollback.rollback(world.workspace)
    assert (label(world, done.from_version), reigning(world), reigns(world)) == ("good", "modest", ["modest"])


def test_another_version_is_promoted_after_a_promotion_that_was_broken_off(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """What never served is no way back."""
    broken_off(monkeypatch, promote, lambda: advance(world, "fragile"), halfway=False)
    advance(world, "good")
    assert reigns(world) == ["modest", "good"]
    assert last(world, 2) == [("rollback", "fragile", "modest"), ("promote", "modest", "good")]


@pytest.mark.parametrize("halfway", [False, True])
def test_a_rollback_that_was_broken_off_goes_no_further_back_the_second_time(
    world: World, monkeypatch: pytest.MonkeyPatch, halfway: bool
):
    advance(world, "good")
    advance(world, "fragile", against="good")
    broken_off(monkeypatch, rollback, lambda: rollback.rollback(world.workspace), halfway=halfway)
    rollback.rollback(world.workspace)
    assert (reigning(world), reigns(world)) == ("good", ["modest", "good"])
    rollback.rollback(world.workspace)
    assert reigning(world) == "modest"


def test_a_version_that_was_crowned_by_hand_is_written_down_before_the_way_back(world: World):
    set_champion(world.workspace, world.results["noise"])
    rollback.rollback(world.workspace)
    assert reigning(world) == "modest"
    assert last(world, 2) == [("promote", "modest", "noise"), ("rollback", "noise", "modest")]
    assert "recorded later" in str(ledger.entries(world.workspace)[-2].reason)


def test_another_verdict_on_a_version_that_no_longer_serves_is_written_down(world: World):
    advance(world, "good")
    set_champion(world.workspace, world.results["modest"])
    again = replace(verdict(world, "good", "modest"), verdict_id="said again")
    promote.promote(world.workspace, again)
    assert (reigning(world), reigns(world)) == ("good", ["modest", "good"])
    assert last(world, 2) == [("rollback", "good", "modest"), ("promote", "modest", "good")]
    assert ledger.entries(world.workspace)[-1].verdict_id == "said again"


def test_a_version_that_is_gone_is_not_promoted_and_nothing_is_written(world: World):
    before = len(ledger.entries(world.workspace))
    gone = replace(verdict(world, "good", "modest"), version_name="GOOD_0_0")
    with pytest.raises(GateRefused, match="GOOD_0_0 is gone from"):
        promote.promote(world.workspace, gone)
    assert (reigning(world), len(ledger.entries(world.workspace))) == ("modest", before)


def test_there_is_no_way_back_to_a_version_that_does_not_know_its_features(world: World):
    advance(world, "good")
    name, registered = world.results["modest"], f"ALTER MODEL {model(world.project, world.target)} MODIFY VERSION"
    facts = next(each.facts for each in versions(world.workspace) if each.name == name)
    comments = {kept: json.dumps({each: facts[each] for each in facts if kept or each != "formula"}) for kept in (0, 1)}
    world.rows(f"{registered} {name} SET COMMENT = '{comments[0]}'")
    try:
        with pytest.raises(RollbackError, match=r"no way back to MODEST_.*does not record the features\.sql"):
            rollback.rollback(world.workspace)
        with pytest.raises(RehearsalError, match=r"a rollback would return to MODEST_.*does not record the features"):
            rehearse(world.workspace)
    finally:
        world.rows(f"{registered} {name} SET COMMENT = '{comments[1]}'")
    assert (reigning(world), reigns(world)) == ("good", ["modest", "good"])


def test_the_next_rows_are_seen_to_carry_the_version(world: World):
    procedure = deploy(world)
    advance(world, "good")
    insert(world, arriving(3))
    call(world, procedure)  # before the rollback: nothing to do with it
    done = rollback.rollback(world.workspace)
    waited = rollback.verify_rollback(world.workspace, done, timeout=0)
    assert (waited.rows, waited.version) == (0, world.results["modest"])
    assert "no row was scored within 0 s" in waited.message
    insert(world, arriving(4))
    call(world, procedure)
    seen = rollback.verify_rollback(world.workspace, rollback.Rollback.from_dict(done.to_dict()), timeout=60)
    assert (seen.rows, seen.version) == (4, world.results["modest"])


def test_rows_that_carry_another_version_are_an_error(world: World):
    procedure = deploy(world)
    advance(world, "good")
    done = rollback.rollback(world.workspace)
    set_champion(world.workspace, world.results["good"])
    insert(world, arriving(2))
    call(world, procedure)
    with pytest.raises(RollbackError, match=f"are 2 of {world.results['good']}: look who moved the alias"):
        rollback.verify_rollback(world.workspace, done, timeout=60)


def test_a_run_that_fails_with_the_old_version_is_an_error(world: World):
    procedure = deploy(world)
    advance(world, "fragile")
    advance(world, "good", against="fragile")
    done = rollback.rollback(world.workspace)
    world.rows("CREATE TEMPORARY TABLE {db}.RAW.KEPT AS SELECT * FROM {db}.RAW.EVENTS")
    world.rows("UPDATE {db}.RAW.EVENTS SET X = 950")  # of no row, not even of those that it has scored
    insert(world, [(key, 950.0, y, answer) for key, _, y, answer in arriving(1)])
    with pytest.raises(Exception, match="never seen"):
        call(world, procedure)
    with pytest.raises(RollbackError, match=r"(?s)is champion again, and no run since has scored: .*never seen"):
        rollback.verify_rollback(world.workspace, done, timeout=0)
    world.rows("UPDATE {db}.RAW.EVENTS SET X = K.X FROM {db}.RAW.KEPT AS K WHERE K.ID = EVENTS.ID")
    assert label(world, rollback.rollback(world.workspace).to_version) == "modest"  # which can score it
    call(world, procedure)


def test_the_command_goes_back_and_looks_at_the_next_rows(
    world: World, monkeypatch: pytest.MonkeyPatch, snowflake_connection: dict[str, Any]
):
    advance(world, "good")
    for name in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(snowflake_connection[name]))
    monkeypatch.setattr(snowloop.cli.options, "load_project", lambda _name: world.project)
    done = CliRunner().invoke(app, ["rollback", "--project", "duel", "--target", "duel", "--wait", "1"])
    assert done.exit_code == 0, done.output
    modest, good = world.results["modest"], world.results["good"]
    assert done.output.splitlines() == [
        f"champion {modest}, before: {good}",
        f"no row was scored within 1 s: the next run, when rows arrive, scores with {modest}",
    ]
    again = CliRunner().invoke(app, ["rollback", "--project", "duel", "--target", "duel"])
    assert again.exit_code == 1
    assert f"{modest} is the first" in again.output
