"""A challenger becomes champion where a person is asked: with a yes to what was judged, or not at all."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

import snowloop.cli.options
from snowloop.cli.main import app
from snowloop.errors import ApprovalRefused, ChallengeRefused, GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.challenger import judge_challenger, promote_challenger, withdraw
from snowloop.lifecycle.versions import challenger, champion, set_champion
from snowloop.project import Approval as Declared
from snowloop.workspace import Workspace
from tests.support.duel import answer, arriving, call, deploy, insert, name_challenger
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
YES = Declared(targets=("duel",))


@pytest.fixture
def world(duel_world: World) -> World:
    """A loop that has compared the challenger with the champion on 60 labelled rows."""
    procedure = deploy(duel_world, mode="shadow")
    name_challenger(duel_world, "good")
    events = arriving(60)
    insert(duel_world, events)
    answer(duel_world, events)
    call(duel_world, procedure)
    return duel_world


def asking(world: World, approval: Declared = YES) -> Workspace:
    return replace(world.workspace, project=world.project.model_copy(update={"approval": approval}))


def verdicts(world: World) -> int:
    return int(world.value("SELECT COUNT(*) FROM {db}.OPS.VERDICTS"))


def test_a_yes_to_the_comparison_promotes_and_is_in_the_ledger(world: World):
    modest, good = world.results["modest"], world.results["good"]
    judged = judge_challenger(asking(world))
    assert (judged.verdict.version_name, judged.verdict.champion) == (good, modest)
    assert f"shadow: challenger {good} against champion {modest}" in judged.comparison
    assert "labelled rows" in judged.comparison
    assert f"not asked, verdict {judged.verdict.verdict_id}" in judged.comparison
    for none in (None, Approval(good), Approval(modest, "ada")):
        with pytest.raises(ApprovalRefused, match=r"duel__challenge with the action promote"):
            promote_challenger(asking(world), judged.verdict, none)
    before = champion(asking(world))
    assert before
    assert before.name == modest
    yes = Approval(good, "ada", "it is better by 0.1")
    assert promote_challenger(asking(world), judged.verdict, yes).version_name == good
    assert challenger(asking(world)) is None
    entry = ledger.entries(asking(world))[-1]
    assert (entry.action, entry.to_version, entry.approved_by) == ("promote", good, "ada")
    assert entry.approval_reason == "it is better by 0.1"
    assert promote_challenger(asking(world), judged.verdict, yes).kept  # tried again after a lost connection


def test_the_command_refuses_before_the_gate_is_asked(
    world: World, monkeypatch: pytest.MonkeyPatch, snowflake_connection
):
    before = verdicts(world)
    for name in ("account", "user", "password", "host", "port", "protocol"):
        monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(snowflake_connection[name]))
    monkeypatch.setattr(snowloop.cli.options, "load_project", lambda _name: asking(world).project)
    refused = CliRunner().invoke(app, ["promote", "--project", "duel", "--target", "duel"])
    assert refused.exit_code == 2
    assert f"run duel__challenge with the action promote for {world.results['good']}" in refused.output
    assert verdicts(world) == before


def test_where_nobody_is_asked_nothing_is_compared(world: World):
    assert judge_challenger(asking(world, Declared())).comparison == ""


def test_a_yes_that_comes_too_late_promotes_nobody(world: World):
    good = world.results["good"]
    judged, yes = judge_challenger(asking(world)), Approval(good, "ada")
    set_champion(asking(world), world.results["fragile"])
    with pytest.raises(GateRefused, match=r"judged against MODEST_\w+; now .* is FRAGILE_\w+: have the gate"):
        promote_challenger(asking(world), judged.verdict, yes)
    set_champion(asking(world), world.results["modest"])
    withdraw(asking(world), reason="no better")
    with pytest.raises(ChallengeRefused, match=r"the challenger of .* is nobody: have the gate"):
        promote_challenger(asking(world), judged.verdict, yes)
    now = champion(asking(world))
    assert now
    assert now.name == world.results["modest"]
