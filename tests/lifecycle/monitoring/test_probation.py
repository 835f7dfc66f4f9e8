"""Probation: how often it errs, and a bad, a good and a broken champion on rows that both versions score."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, t

from snowloop.errors import ProjectError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.lifecycle.monitoring.probation import (
    begin_probation,
    follow_probation,
    is_due,
    look_confidence,
    surely_above,
)
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import challenger, champion, versions
from snowloop.project import PROTECTED, Champion, Probation, load_project
from tests.support.duel import answer, arriving, call, deploy, duel, insert
from tests.support.world import World

pytestmark = pytest.mark.timeout(600)
LEAST = 100


def test_looks_are_at_doubled_numbers_and_their_errors_add_up_to_the_declared_one():
    assert [is_due(labelled, LEAST, looks) for labelled, looks in ((99, 0), (100, 0), (199, 1), (200, 1))] == [
        False,
        True,
        False,
        True,
    ]
    errors = [1 - look_confidence(0.95, looks) for looks in range(30)]
    assert errors[0] == pytest.approx(0.025)
    assert sum(errors) == pytest.approx(0.05)


@pytest.mark.parametrize(("rule", "low", "high"), [("doubled", 0.0, 0.025), ("every", 0.06, 1.0)])
def test_a_champion_exactly_at_the_margin_is_rolled_back_no_more_often_than_stated(rule: str, low: float, high: float):
    """4,000 probations of up to 3,200 labels, paired differences of mean 0: a look at every 100 would err often."""
    rng = np.random.default_rng(7)
    drawn = rng.normal(0, 1, (4000, 3200))
    worse = np.zeros(4000, dtype=bool)
    looks = 0
    for labelled in range(LEAST, 3201, LEAST):
        if rule == "doubled" and not is_due(labelled, LEAST, looks):
            continue
        confidence = look_confidence(0.95, looks) if rule == "doubled" else 0.95
        seen = drawn[:, :labelled]
        reach = t.ppf((1 + confidence) / 2, labelled - 1) * seen.std(axis=1, ddof=1) / np.sqrt(labelled)
        worse |= seen.mean(axis=1) - reach > 0
        looks += 1
    assert low <= worse.mean() <= high


@pytest.mark.parametrize(
    ("lost", "rows", "bound", "above"),
    [
        (0, 10_000, 0.01, False),
        (1, 1, 0.01, False),
        (4, 60, 0.01, False),
        (8, 60, 0.01, True),
        (150, 10_000, 0.01, True),
        (110, 10_000, 0.01, False),
        (1, 100_000, 0.0, True),  # none is allowed
        (100, 100, 1.0, False),  # all are allowed
        (60, 60, 0.01, True),
        (9_000_000, 10_000_000, 0.5, True),
    ],
)
def test_lost_scores_need_evidence_beyond_the_bound(lost: int, rows: int, bound: float, above: bool):
    assert surely_above(lost, rows, bound, 0.01) is above


def lost_too_often(probations: int, batches: int, rule: Any) -> float:
    """Of champions that lose exactly 1 %, the share that a rule finds to lose more by a look after each 25 rows."""
    lost = np.random.default_rng(11).binomial(25, 0.01, (probations, batches)).cumsum(axis=1)
    rows = 25 * np.arange(1, batches + 1)
    # the least count at which the rule fires, by number of rows: the same for all probations
    least = np.array([_least(rule, int(n), int(lost[:, place].max())) for place, n in enumerate(rows)])
    return float((lost >= least).any(axis=1).mean())


def _least(rule: Any, rows: int, most: int) -> float:
    low, high = 0, most + 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rule(middle, rows) else (middle + 1, high)
    return float(low) if low <= most else np.inf


def _wilson(lost: int, rows: int) -> bool:
    return bool(binomtest(lost, rows).proportion_ci(0.99, method="wilson").low > 0.01) if lost else False


@pytest.mark.parametrize(("probations", "batches"), [(4000, 120), pytest.param(20_000, 2000, marks=pytest.mark.slow)])
def test_hourly_looks_at_lost_scores_roll_back_a_champion_at_the_bound_no_more_often_than_stated(
    probations: int, batches: int
):
    assert lost_too_often(probations, batches, lambda lost, rows: surely_above(lost, rows, 0.01, 0.01)) <= 0.01
    assert lost_too_often(probations, batches, _wilson) > 0.03, "an interval for one look errs with each of many"


def test_a_probation_without_a_shadow_is_refused(tmp_path: Any):
    file = duel(tmp_path).directory / "project.yaml"
    file.write_text(file.read_text() + "champion: {probation: {roll_back: true}}\n")
    with pytest.raises(ProjectError, match=r"declare `serving: \{challenger: \{mode: shadow\}\}`, or remove it"):
        load_project("duel", tmp_path)


@pytest.fixture
def world(duel_world: World) -> Iterator[World]:
    """The champion modest, a deployed shadow, and no probation of another test."""
    before = duel_world.project
    declare(duel_world, roll_back=True, min_labels=LEAST, margin=0.05)
    for table in ("PROBATIONS", "ALERTS", "ALERT_EVENTS", "MONITORING_CHECKS"):
        duel_world.rows(f"DELETE FROM {{db}}.OPS.{table}")
    yield duel_world
    duel_world.project = before


def declare(world: World, **rules: Any) -> None:
    world.project = world.project.model_copy(update={"champion": Champion(probation=Probation(**rules))})


def promote_by_override(world: World, name: str) -> None:
    """Promote a version whatever the gate says, as a person can."""
    given = world.workspace
    version = next(each for each in versions(given) if each.name == world.results[name])
    candidate = Candidate(name, version.name, build_training_set(given), version.metrics, kept=True, metric="roc_auc")
    override = Override("ada", "it must serve", tuple(check for check in CHECKS if check not in PROTECTED))
    promote(given, decide(given, [evaluate(given, candidate)], override=override))


def score(world: World, procedure: str, rows: int = 400) -> None:
    """New rows are scored by both, and their labels arrive."""
    events = arriving(rows)
    insert(world, events)
    call(world, procedure)
    answer(world, events)


@pytest.mark.slow
def test_a_bad_model_that_was_promoted_by_override_is_rolled_back_once_and_not_again_without_a_person(world: World):
    bad, good = world.results["noise"], world.results["modest"]
    procedure = deploy(world, mode="shadow")
    promote_by_override(world, "noise")
    begun = begin_probation(world.workspace)
    assert begun is not None
    assert (begun.state, begun.version_name, begun.former) == ("running", bad, good)
    assert begin_probation(world.workspace) == begun
    named = challenger(world.workspace)
    assert named is not None
    assert named.name == good
    assert follow_probation(world.workspace).probation == begun, "no labels yet"
    score(world, procedure)
    followed = follow_probation(world.workspace)
    assert followed.rolled_back
    assert followed.probation is not None
    assert "on 400 labelled rows that both scored, roc_auc of" in followed.probation.reason
    serving = champion(world.workspace)
    assert serving is not None
    assert serving.name == good
    last = ledger.entries(world.workspace)[-1]
    assert (last.action, last.from_version, last.to_version) == ("rollback", bad, good)
    assert str(last.reason).startswith("probation: on 400 labelled rows")
    (alert,) = store.open_alerts(world.workspace)
    assert (alert.signal, alert.version, alert.severity) == (f"probation:{bad}", None, "error")
    assert f"{good} serves again" in alert.reason
    again = follow_probation(world.workspace)
    assert (again.rolled_back, again.probation) == (False, followed.probation)
    assert len(ledger.entries(world.workspace)) == last.entry
    # killed between the rollback and its record
    world.rows("UPDATE {db}.OPS.PROBATIONS SET STATE = 'rolling_back'")
    again = follow_probation(world.workspace)
    assert (again.rolled_back, again.probation) == (True, followed.probation)
    assert len(ledger.entries(world.workspace)) == last.entry
    assert store.open_alerts(world.workspace) == [alert]

    promote_by_override(world, "noise")
    score(world, procedure)
    second = follow_probation(world.workspace)
    assert not second.rolled_back
    assert second.probation is not None
    assert second.probation.state == "worse"
    assert f"nobody has closed the alert probation:{bad}" in second.probation.reason
    serving = champion(world.workspace)
    assert serving is not None
    assert serving.name == bad
    assert {each.version for each in store.open_alerts(world.workspace)} == {None, bad}


@pytest.mark.slow
def test_a_better_champion_passes_and_the_former_one_no_longer_scores_along(world: World):
    procedure = deploy(world, mode="shadow")
    promote_by_override(world, "good")
    begin_probation(world.workspace)
    score(world, procedure)
    followed = follow_probation(world.workspace)
    assert followed.probation is not None
    assert followed.probation.state == "passed"
    assert challenger(world.workspace) is None
    assert store.open_alerts(world.workspace) == []


@pytest.mark.slow
def test_rows_without_a_score_need_no_labels_and_only_an_alert_opens_where_no_rollback_is_declared(world: World):
    declare(world, roll_back=False)
    procedure = deploy(world, mode="shadow")
    promote_by_override(world, "fragile")
    begin_probation(world.workspace)
    insert(world, [(key, 950.0 if key % 6 == 0 else x, y, label) for key, x, y, label in arriving(60)])
    call(world, procedure)
    followed = follow_probation(world.workspace)
    assert followed.probation is not None
    assert followed.probation.state == "worse"
    assert "10 of 60 rows that" in followed.probation.reason
    assert "champion.probation.roll_back is false: snowloop rollback" in followed.probation.reason
    (alert,) = store.open_alerts(world.workspace)
    assert alert.version == world.results["fragile"]


@pytest.mark.slow
def test_too_few_labels_in_time_prove_nothing(world: World):
    procedure = deploy(world, mode="shadow")
    promote_by_override(world, "noise")
    begin_probation(world.workspace)
    score(world, procedure, rows=50)
    world.rows("UPDATE {db}.OPS.PROBATIONS SET BEGAN_AT = DATEADD('day', -31, SYSDATE())")
    followed = follow_probation(world.workspace)
    assert followed.probation is not None
    assert (followed.probation.state, followed.probation.reason) == (
        "unproven",
        "50 labels in 30 days, min_labels is 100",
    )
    assert world.project.champion.probation is not None
    assert world.project.champion.probation.length == timedelta(days=30)
