"""Who may be challenger, what the ledger records, how it compares with the champion, and its way through the gate."""

import pytest

from snowloop.errors import ChallengeRefused, GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import Challenge, challenge, promote_challenger, withdraw
from snowloop.lifecycle.champion.compare import compare_versions
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.report.collect import collect
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import challenger, champion, set_champion
from snowloop.workspace import Workspace
from tests.support.duel import WHY, answer, arriving, call, declare, deploy, fresh, insert, name_challenger, scores
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def world(duel_world: World) -> World:
    return duel_world


def test_who_may_be_challenger(world: World):
    given = world.workspace
    world.project = declare(world.project)
    with pytest.raises(ChallengeRefused, match="declares no challenger: put"):
        name_challenger(world, "good")
    world.project = declare(world.project, mode="canary", share=0.1)
    given = world.workspace
    with pytest.raises(ChallengeRefused, match=r"no version or alias 'NOBODY' .* it has .*GOOD_"):
        challenge(given, version="NOBODY", reason=WHY)
    for version, reason in ((world.results["good"], " "), ("", WHY)):
        with pytest.raises(ChallengeRefused, match="needs a version and a reason for the ledger"):
            challenge(given, version=version, reason=reason)
    with pytest.raises(ChallengeRefused, match="needs a reason for the ledger"):
        withdraw(given, reason="")
    with pytest.raises(ChallengeRefused, match="is the champion"):
        name_challenger(world, "modest")
    with pytest.raises(ChallengeRefused, match=r"must not serve 10% .*: the gate has not judged it; have the gate"):
        name_challenger(world, "noise")
    with pytest.raises(GateRefused, match=r"roc_auc is 0\.\d+, declared is at least 0\.6"):
        name_challenger(world, "noise", judge=True)
    with pytest.raises(ChallengeRefused, match=r"the gate refused it: .*roc_auc is 0"):
        name_challenger(world, "noise")
    assert challenger(given) is None
    world.project = declare(world.project, mode="shadow")
    assert name_challenger(world, "noise").challenger == world.results["noise"]


def test_a_version_that_is_worse_than_the_champion_alone_may_challenge_but_not_be_promoted(world: World):
    world.project = declare(world.project, mode="canary", share=0.1)
    given = world.workspace
    set_champion(given, world.results["good"])
    named = name_challenger(world, "modest", judge=True)
    assert (named.challenger, named.mode) == (world.results["modest"], "canary")
    with pytest.raises(GateRefused, match=r"champion GOOD_\w+ has 0\.97\d+ on the same rows: better by -0\.0"):
        promote_challenger(given)
    verdicts = world.rows(
        f"SELECT CHECK_NAME FROM {{db}}.OPS.VERDICTS WHERE NOT PASSED AND MODEL_VERSION = '{world.results['modest']}'"
    )
    assert {row["CHECK_NAME"] for row in verdicts} == {"NOT_WORSE_THAN_CHAMPION"}


@pytest.mark.parametrize("way", ["bound", "override"])
def test_a_refusal_that_was_heard_before_counts_again(world: World, way: str):
    """Refused, let pass by a looser bound or once by an override, and refused in the very same words."""
    project, good = declare(world.project, mode="canary", share=0.1), world.results["good"]
    strict = project.model_copy(update={"metric": project.metric.model_copy(update={"at_least": 0.9999})})
    given = Workspace(world.session, strict, world.target)
    before = {row[0] for row in world.rows("SELECT DISTINCT VERDICT_ID FROM {db}.OPS.VERDICTS")}
    for _ in range(2):
        with pytest.raises(GateRefused, match=r"declared is at least 0\.9999"):
            challenge(given, version=good, reason=WHY, judge=True)
        with pytest.raises(ChallengeRefused, match=r"the gate refused it: .*declared is at least 0\.9999"):
            challenge(given, version=good, reason=WHY)
        assert collect(given).verdict.outcome == "refused"
        if way == "bound":
            challenge(Workspace(world.session, project, world.target), version=good, reason=WHY, judge=True)
        else:
            candidate = train_candidate(given, build_training_set(given), "good")
            assert candidate.version_name == good
            decide(given, [evaluate(given, candidate)], override=Override("Ada", "once", ("BOUND",)))
            challenge(given, version=good, reason=WHY)
    new = {row[0] for row in world.rows("SELECT DISTINCT VERDICT_ID FROM {db}.OPS.VERDICTS")} - before
    assert len(new) == 4


def test_the_ledger_records_who_challenged_and_why(world: World):
    deploy(world, mode="shadow")
    given = world.workspace
    before = len(ledger.entries(given))
    good, fragile = world.results["good"], world.results["fragile"]
    name_challenger(world, "good")
    assert name_challenger(world, "good") == Challenge(good, good, "shadow", kept=True)
    name_challenger(world, "fragile")
    assert withdraw(given, reason="it's fragile") == Challenge(None, fragile, "shadow")
    assert withdraw(given, reason="again") == Challenge(None, None, "shadow", kept=True)
    entries = ledger.entries(given)[before:]
    assert [(each.action, each.from_version, each.to_version, each.reason) for each in entries] == [
        ("challenge", None, good, WHY),
        ("challenge", good, fragile, WHY),
        ("withdraw", fragile, None, "it's fragile"),
    ]
    assert entries[0].verdict_id == world.value(
        f"SELECT VERDICT_ID FROM {{db}}.OPS.VERDICTS WHERE MODEL_VERSION = '{good}' ORDER BY DECIDED_AT DESC LIMIT 1"
    )
    assert all(each.done_by and each.done_at for each in entries)
    assert ledger.champion_history(ledger.entries(given))[-1] == world.results["modest"]


def test_a_call_that_was_broken_off_is_completed(world: World):
    deploy(world, mode="shadow")
    given = world.workspace
    good = world.results["good"]
    world.rows(f"ALTER MODEL {{db}}.MODELS.DUEL VERSION {good} SET ALIAS = CHALLENGER")
    assert name_challenger(world, "good") == Challenge(good, None, "shadow")
    assert ledger.current_challenger(ledger.entries(given)) == good
    world.rows("ALTER MODEL {db}.MODELS.DUEL VERSION CHALLENGER UNSET ALIAS")
    assert withdraw(given, reason="gone") == Challenge(None, good, "shadow")
    assert ledger.current_challenger(ledger.entries(given)) is None


def test_comparison_of_a_shadow_and_promotion_through_the_gate(world: World):
    procedure = deploy(world, mode="shadow")
    given = world.workspace
    modest, good = world.results["modest"], world.results["good"]
    with pytest.raises(ChallengeRefused, match="has no challenger: name one"):
        compare_versions(given)
    with pytest.raises(ChallengeRefused, match="no challenger to promote"):
        promote_challenger(given)
    world.rows("TRUNCATE TABLE {db}.SERVING.SHADOW")
    world.rows("TRUNCATE TABLE {db}.OPS.CHALLENGES")
    name_challenger(world, "good")
    none = compare_versions(given)
    assert (none.runs, none.rows, none.difference) == (0, {"champion": 0, "challenger": 0}, None)
    assert "no rows yet" in none.text()
    events = arriving(200)
    insert(world, events)
    call(world, procedure)
    unlabelled = compare_versions(given)
    assert unlabelled.rows == {"champion": 200, "challenger": 200}
    assert unlabelled.labelled == {"champion": 0, "challenger": 0}
    assert (unlabelled.metrics, unlabelled.difference) == ({}, None)
    answer(world, events[:150])
    found = compare_versions(given)
    assert found.labelled == {"champion": 150, "challenger": 150}
    expected = {name: fresh(world, world.results[name], events) for name in ("modest", "good")}
    same = [(expected["modest"][key] >= 0.5) == (expected["good"][key] >= 0.5) for key, *_ in events]
    assert found.agreement == pytest.approx(sum(same) / 200)
    assert found.scores["champion"].mean == pytest.approx(sum(expected["modest"].values()) / 200)
    assert 0 < (found.ks or 0) < 1
    assert (found.psi or 0) > 0
    from sklearn.metrics import roc_auc_score

    labels = [each[3] for each in events[:150]]
    auc = {
        name: roc_auc_score(labels, [expected[name][each[0]] for each in events[:150]]) for name in ("modest", "good")
    }
    assert found.metrics["challenger"].value == pytest.approx(auc["good"])
    assert found.difference is not None
    assert found.difference.value == pytest.approx(auc["good"] - auc["modest"])
    assert found.difference.low <= found.difference.value <= found.difference.high
    assert "on 150 labelled rows" in found.text()
    assert "(paired)" in found.text()

    done = promote_challenger(given)
    assert (done.version_name, done.previous) == (good, modest)
    now = champion(given)
    assert now
    assert now.name == good
    assert challenger(given) is None
    assert ledger.entries(given)[-1].action == "promote"
    assert ledger.current_challenger(ledger.entries(given)) is None
    withdrawn = compare_versions(given, version=modest)
    assert withdrawn.rows == {"champion": 0, "challenger": 0}


def test_a_challenger_that_the_gate_refuses_stays_challenger(world: World):
    deploy(world, mode="shadow")
    given = world.workspace
    name_challenger(world, "noise")
    with pytest.raises(GateRefused, match="roc_auc"):
        promote_challenger(given)
    now, present = champion(given), challenger(given)
    assert now
    assert present
    assert (now.name, present.name) == (world.results["modest"], world.results["noise"])


def test_comparison_of_a_canary(world: World):
    procedure = deploy(world, mode="canary", share=0.5)
    given = world.workspace
    name_challenger(world, "good")
    world.rows("TRUNCATE TABLE {db}.OPS.CHALLENGES")
    events = arriving(300)
    insert(world, events)
    served = scores(world, "SCORED", call(world, procedure)["run_id"])
    answer(world, events)
    found = compare_versions(given)
    own = [score for version, score in served.values() if version == world.results["good"]]
    assert found.rows == {"champion": 300 - len(own), "challenger": len(own)} == found.labelled
    assert found.scores["challenger"].mean == pytest.approx(sum(own) / len(own))
    assert found.agreement is None
    assert found.difference is not None
    assert "(not paired: other keys)" in found.text()
