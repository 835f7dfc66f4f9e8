"""Only what was judged serves: verdicts that are missing, refused, overridden or expired, and aliases moved by hand."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import (
    ApprovalRefused,
    ChallengeRefused,
    GateRefused,
    OverrideError,
    ReferenceRefused,
    RollbackError,
    ScoringError,
)
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval as Yes
from snowloop.lifecycle.champion.challenger import challenge, propose, withdraw
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.reference import Reset, reset_reference
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.evaluation.rivals import rivals_of
from snowloop.lifecycle.gate.choice import Past, past
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.requeue import requeue
from snowloop.lifecycle.scoring.status import loop_status
from snowloop.lifecycle.versions import reference, versions
from snowloop.project import Approval, Champion, Gate
from snowloop.sql import clock
from tests.support.copies import Copies, canary
from tests.support.judged import trained_on

WEAK: Any = {"roc_auc": 0.4}


@pytest.fixture(scope="module")
def module_world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Copies:
    made = Copies(session, tmp_path_factory.mktemp("standing"), "standing", ("A", "B", "C", "UNJUDGED"))
    made.promote("A")
    made.promote("B")
    return made


@pytest.fixture
def world(module_world: Copies) -> Iterator[Copies]:
    """B is champion, and A was before; the declaration is that of the project."""
    project = module_world.project
    yield module_world
    module_world.project = project
    if module_world.serving != "B" or module_world.aliases != {"CHAMPION": "B", "DEFAULT": "B"}:
        module_world.promote("B")


def by_hand(world: Copies, version: str) -> None:
    """What a person may do."""
    for statement in ("VERSION CHAMPION UNSET ALIAS", f"VERSION {version} SET ALIAS = CHAMPION"):
        world.alter(statement)


def findings(world: Copies) -> list[str]:
    """What health finds of the champion; there are no tasks here."""
    return [each for each in stream_health(world.workspace).findings if not each.startswith("task ")]


def test_a_version_that_was_not_judged_scores_nothing_though_it_has_the_alias(world: Copies):
    assert (world.score(), findings(world)) == ("B", [])
    by_hand(world, "UNJUDGED")
    with pytest.raises(
        RuntimeError, match=r"version UNJUDGED of .* must not serve: the gate has not judged it; nothing"
    ):
        world.score()
    moved, default, judged = findings(world)
    assert "moved by hand: UNJUDGED has it, by OPS.LEDGER the champion is B; nothing is scored. Take it away" in moved
    assert "the default version of " in default
    assert "is B, the champion is UNJUDGED" in default
    assert judged.startswith("champion UNJUDGED: the gate has not judged it; nothing is scored: have the gate judge")
    status = loop_status(world.workspace)
    assert not status.healthy
    assert moved in status.text()
    with pytest.raises(
        ScoringError, match="version UNJUDGED of project tiny must not serve: the gate has not judged it"
    ):
        requeue(world.workspace)
    (blocker,) = [change for change in plan_scoring(world.workspace).refused if change.kind == "model"]
    assert "the champion UNJUDGED must not serve: the gate has not judged it" in blocker.reason
    world.alter("VERSION CHAMPION UNSET ALIAS")
    assert world.score() == "B"
    (missing,) = findings(world)
    assert "no version has the alias CHAMPION, by OPS.LEDGER the champion is B, B serves: run the task" in missing


def test_the_gate_compares_with_the_version_that_serves_while_none_has_the_alias(world: Copies):
    """As after a promotion that was killed, or after an alias moved by hand was taken away as health advises."""
    world.alter("VERSION CHAMPION UNSET ALIAS")
    candidate = trained_on(world.evaluation("C"), formula=world.formula.digest).candidate
    rivals = rivals_of(world.workspace, versions(world.workspace), candidate, "HELD_OUT")
    assert {kind: each.name for kind, each in rivals.items()} == {"champion": "B", "reference": "A"}
    assert evaluate(world.workspace, replace(candidate, error="out of memory")).champion == "B"
    world.alter("VERSION B SET ALIAS = CHAMPION")


def test_an_alias_moved_by_hand_to_a_judged_version_is_reported_or_refused(world: Copies):
    world.judge("C")
    by_hand(world, "C")
    assert world.score() == "C"
    assert "C has it, by OPS.LEDGER the champion is B; C serves. Take it away" in findings(world)[0]
    assert loop_status(world.workspace).stopped is False
    world.declare(champion=Champion(moved_by_hand="refuse"))
    with pytest.raises(
        RuntimeError, match=r"moved by hand: C has it, by OPS\.LEDGER the champion is B, and champion\."
    ):
        world.score()
    assert "nothing is scored" in findings(world)[0]
    assert loop_status(world.workspace).stopped
    by_hand(world, "A")  # the version before: as if a promotion had been interrupted
    assert world.score() == "A"
    assert "A has the alias CHAMPION, by OPS.LEDGER the champion is B, A serves" in findings(world)[0]


def test_the_last_verdict_holds_of_a_version_that_no_promotion_names(world: Copies):
    world.judge("C")
    with pytest.raises(GateRefused):
        world.judge("C", **WEAK)
    by_hand(world, "C")
    with pytest.raises(RuntimeError, match=r"version C of .* must not serve: the gate refused it: roc_auc is 0\.4"):
        world.score()


def test_a_champion_serves_by_the_verdict_of_its_promotion(world: Copies):
    with pytest.raises(GateRefused):
        world.judge("B", **WEAK)
    assert (world.score(), findings(world)) == ("B", [])


def test_the_reference_is_kept_moves_with_a_better_version_goes_back_and_is_reset(world: Copies):
    """A is the reference from the first promotion on: B and C, which are as good, are not surely better."""
    given = world.workspace
    assert (reference(given), ledger.entries(given)[-1].to_version) == ("A", "B")
    promote(given, world.judge("C", roc_auc=0.71))  # surely better: the interval reaches 0.005 to both sides
    assert reference(given) == "C"
    rollback(given)
    assert (world.serving, reference(given)) == ("B", "A")
    for by, reason in ((None, "new market"), ("ada", " ")):
        with pytest.raises(ReferenceRefused, match="needs a user who is logged in and a reason"):
            reset_reference(given, by=by, reason=reason)
    assert reset_reference(given, by="ada", reason="new market") == Reset("B", "A")
    entry = ledger.entries(given)[-1]
    assert (entry.action, entry.from_version, entry.to_version, entry.reference) == ("reset", "A", "B", "B")
    assert (entry.approved_by, entry.reason) == ("ada", "new market")
    assert reset_reference(given, by="ada", reason="new market").kept
    assert (world.serving, findings(world), world.score()) == ("B", [], "B")
    world.promote("C")
    assert reference(given) == "B"


def test_verdicts_on_the_same_held_out_rows_are_counted_until_a_promotion(world: Copies):
    given, sets = world.workspace, {"ONE": 100, "MORE": 105, "OTHER": 150}
    for name, rows in sets.items():  # of 100 held-out keys: the same, five more, fifty more
        world.rows(
            f"CREATE OR REPLACE TABLE {{db}}.FEATURES.TRAINING_SET_{name} AS "
            f"SELECT SEQ4() AS ID, TRUE AS IS_HOLDOUT FROM TABLE(GENERATOR(ROWCOUNT => {rows}))"
        )

    def on(name: str, *versions: str) -> list[Evaluation]:
        table = f"{world.database}.FEATURES.TRAINING_SET_{name}"
        return [trained_on(world.evaluation(each), fingerprint=name.lower(), table=table) for each in versions]

    world.promote("C")
    assert past(given, on("ONE", "Y")) == Past(0, {})
    decide(given, on("ONE", "V", "W", "X"))
    assert past(given, on("ONE", "Y")) == Past(1, {})
    assert past(given, on("MORE", "Y")) == Past(1, {})
    assert past(given, on("OTHER", "Y")) == Past(0, {})
    assert past(given, on("OTHER", "X", "Y")) == Past(0, {"X": 3})
    assert past(given, on("ONE", "V")) == Past(0, {"V": 3})  # the same one again is no other chance
    reasons = {check.name: check.reason for check in decide(given, on("ONE", "Y")).checks}
    assert "verdict 2 on these held-out rows" in reasons["TRAINED"]
    assert "(97.5%, paired)" in reasons["NOT_WORSE_THAN_CHAMPION"]
    assert past(given, on("ONE", "V")) == Past(0, {"V": 3})  # nor does what was judged after it count
    assert past(given, on("ONE", "Y")) == Past(1, {"Y": 1})
    promote(given, decide(given, on("ONE", "A")))
    assert past(given, on("ONE", "Z")) == Past(0, {})


def test_an_override_says_which_checks_and_until_when(world: Copies):
    soon = clock(world.session) + timedelta(hours=1)
    with pytest.raises(GateRefused, match=r"refuses C, which the override by ada does not name: roc_auc is 0\.4"):
        world.judge("C", Override("ada", "the season", ("SIZE",)), **WEAK)
    for protected in ("LEAKAGE", "SKEW", "TRAINED", "EVERYTHING"):
        with pytest.raises(OverrideError, match=rf"ada cannot override {protected}: .* only where gate\.overridable"):
            world.judge("C", Override("ada", "the season", ("BOUND", protected)), **WEAK)
    with pytest.raises(OverrideError, match=r"is until .* UTC, which is past: give a later time"):
        world.judge("C", Override("ada", "x", ("BOUND",), soon - timedelta(hours=2)))
    world.declare(gate=Gate(overridable=("SKEW",)))
    every = ("BOUND", "NOT_WORSE_THAN_CHAMPION", "DUMMY_BEATEN", "BASELINE_BEATEN", "SKEW")
    override = Override("ada", "the season", every, soon)
    verdict = world.judge("C", override, **WEAK)
    promote(world.workspace, verdict)
    assert (world.score(), findings(world)) == ("C", [])
    assert verdict.override
    entry = ledger.entries(world.workspace)[-1]
    assert (entry.override_by, entry.override_reason) == ("ada", "the season")
    assert entry.override_checks == ", ".join(verdict.override.checks)
    assert set(verdict.override.checks) <= set(every) - {"SKEW"}
    assert entry.override_until == soon.replace(tzinfo=None, microsecond=0)


def test_an_expired_override_is_reported_or_refused_and_promotes_nothing(world: Copies):
    checks = ("BOUND", "NOT_WORSE_THAN_CHAMPION", "DUMMY_BEATEN", "BASELINE_BEATEN")
    soon = clock(world.session) + timedelta(hours=1)
    verdict = world.judge("C", Override("ada", "for a day", checks, soon), **WEAK)
    promote(world.workspace, verdict)
    past = "UPDATE {db}.OPS.VERDICTS SET VALID_UNTIL = '2020-01-01' WHERE VALID_UNTIL IS NOT NULL"
    world.rows(past)
    assert world.score() == "C"
    (found,) = findings(world)
    assert "champion C: the override of the gate expired at 2020-01-01" in found
    assert "it still serves: have the gate judge again" in found
    world.declare(champion=Champion(expired_override="refuse"))
    with pytest.raises(RuntimeError, match="must not serve: the override of the gate expired at 2020-01-01"):
        world.score()
    world.promote("B")
    with pytest.raises(RollbackError, match="no way back to C, champion before B: the override of the gate expired"):
        rollback(world.workspace)
    world.declare(**canary(world.project, share=0.1))
    with pytest.raises(ChallengeRefused, match="the override of the gate expired"):
        challenge(world.workspace, version="C", reason="again")
    late = Override("ada", "for a day", checks, clock(world.session) - timedelta(seconds=1))
    with pytest.raises(GateRefused, match="passed by an override that expired"):
        promote(world.workspace, type(verdict)(**{**vars(verdict), "override": late}))


def test_a_large_canary_needs_the_approval_of_a_promotion(world: Copies):
    plan = Approval(targets=("standing",))
    world.declare(approval=plan, **canary(world.project, share=0.2))
    assert challenge(world.workspace, version="A", reason="a small one").challenger == "A"
    world.declare(**canary(world.project, share=0.5))
    for approval in (None, Yes("A"), Yes("B", "ada")):
        with pytest.raises(
            ApprovalRefused, match=r"canary of more than 20% of the keys in standing, for A .*: run tiny__"
        ):
            challenge(world.workspace, version="A", reason="half", approval=approval)
    proposal = propose(world.workspace, version="A", reason="half")
    assert proposal.report.startswith("A next to the champion B: half")
    done = challenge(world.workspace, version="A", reason="half", approval=Yes("A", "ada", "fine"))
    assert not done.kept
    entry = ledger.entries(world.workspace)[-1]
    assert (entry.action, entry.approved_by, entry.approval_reason, entry.canary_share) == (
        *("challenge", "ada", "fine"),
        0.5,
    )
    for share, says in ((0.3, None), (0.5, None), (0.9, "nobody has approved that it serves 90% of the keys")):
        world.declare(**canary(world.project, share=share))  # as somebody may, and deploy it
        assert unapproved(world, "A") == says
    assert unapproved(world, "B")
    world.declare(**canary(world.project, share=0.9, approval_above=1))
    assert world.request.challenger
    assert world.request.challenger.unapproved is None
    withdraw(world.workspace, reason="the test is over")


def unapproved(world: Copies, version: str) -> str | None:
    """What the scoring procedure asks about a challenger."""
    challenger = world.request.challenger
    assert challenger
    assert challenger.unapproved
    reason: str | None = challenger.unapproved.execute(world.session, version=version)[0][0]
    return reason


def test_a_rollback_to_a_version_of_before_without_a_verdict_is_refused(world: Copies):
    for name in ("UNJUDGED", "B"):
        ledger.append(world.workspace, ledger.Change(ledger.PROMOTE, None, name))
    with pytest.raises(
        RollbackError, match=r"no way back to UNJUDGED, .*: the gate has not judged it, so the loop would"
    ):
        rollback(world.workspace)
    assert world.score() == "B"
