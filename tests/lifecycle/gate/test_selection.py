"""Which candidate is judged, and what the gate takes off because it was chosen among many."""

from dataclasses import replace

import pytest

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.results import Evaluation, Interval
from snowloop.lifecycle.gate.gate import judge
from snowloop.lifecycle.gate.selection import best_of, bonferroni_interval, selection_bias
from snowloop.project import Project
from tests.support.judged import CREDIT, GOOD, evaluation, failed

FOLDED = CREDIT.model_copy(update={"cross_validation": 5})
OTHERS = [evaluation(f"O{number}", {"roc_auc": 0.66, "support": 30}, "B_1", roc_auc=0.7) for number in range(49)]


def folded(name: str, held_out: float, folds: float) -> Evaluation:
    """A candidate with a figure on the held-out rows, and one of its folds."""
    made = evaluation(name, {"roc_auc": held_out, "support": 30})
    metrics = {**made.metrics, "cv_roc_auc_mean": folds, "cv_roc_auc_std": 0.01}
    return replace(made, candidate=replace(made.candidate, metrics=metrics))


def found(project: Project, best: Evaluation, others: list[Evaluation]) -> dict[str, Check]:
    """The checks that the best of some candidates gets, by name."""
    everyone = [*others, best]
    assert best_of(project, everyone) is best
    return {check.name: check for check in judge(project, everyone, best)}


def test_where_folds_are_declared_they_choose_and_the_held_out_rows_only_judge():
    lucky, good = folded("lucky", 0.75, 0.70), folded("good", 0.72, 0.74)
    assert best_of(CREDIT, [lucky, good]) is lucky
    assert best_of(FOLDED, [lucky, good]) is good
    assert best_of(FOLDED, [good, lucky]) is good


@pytest.mark.parametrize("check", ["NOT_WORSE_THAN_CHAMPION", "BASELINE_BEATEN"])
def test_what_is_enough_of_one_candidate_is_not_of_the_best_of_fifty(check: str):
    """A tolerance of 0.02, and an interval that keeps it by little."""
    gains = {"champion": Interval(0.0, -0.015, 0.015), "simple": Interval(-0.015, -0.025, -0.005)}
    near = replace(GOOD, differences=gains, baselines={**GOOD.baselines, "simple": {"roc_auc": 0.715}})
    alone = found(CREDIT, near, [failed("X")])
    assert not any(each.failed for each in alone.values())
    assert "the best of" not in alone[check].reason
    of_fifty = found(CREDIT, near, OTHERS)
    assert {name for name, each in of_fifty.items() if each.failed} == {
        "NOT_WORSE_THAN_CHAMPION",
        "BASELINE_BEATEN",
    }
    assert of_fifty[check].reason.endswith("the best of 50 candidates on these rows")
    by_folds = replace(near, candidate=replace(near.candidate, metrics={**near.metrics, "cv_roc_auc_mean": 0.7}))
    chosen_by_folds = found(FOLDED, by_folds, OTHERS)
    assert not any(each.failed for each in chosen_by_folds.values())
    assert "the best of 50 candidates by folds" in chosen_by_folds["BOUND"].reason


def test_the_reason_has_the_confidence_of_the_interval():
    reason = found(CREDIT, GOOD, OTHERS[:1])["NOT_WORSE_THAN_CHAMPION"].reason
    assert "(97.5%, paired)" in reason
    assert "(95%, paired)" in found(CREDIT, GOOD, [])["NOT_WORSE_THAN_CHAMPION"].reason


def test_a_baseline_without_its_interval_cannot_judge_the_best_of_several():
    blind = replace(GOOD, differences={"champion": GOOD.differences["champion"]})
    assert found(CREDIT, blind, [])["BASELINE_BEATEN"].passed
    refused = found(CREDIT, blind, OTHERS[:1])["BASELINE_BEATEN"]
    assert not refused.passed
    assert "roc_auc of the paired interval of both is missing" in refused.reason


def test_intervals_widen_with_the_candidates_and_never_turn_over():
    given = Interval(0.1, 0.0, 0.2)
    assert bonferroni_interval(given, 0.95, 1) == given
    lows = [bonferroni_interval(given, 0.95, count).low for count in (1, 2, 10, 50)]
    assert lows == sorted(lows, reverse=True)
    assert lows[2] == pytest.approx(0.1 - 0.1 * 2.8070 / 1.9600, abs=1e-4)
    assert bonferroni_interval(Interval(0.1, 0.11, 0.2), 0.95, 10).low == 0.1
    assert selection_bias(given, 0.95, 1) == 0
    assert selection_bias(given, 0.95, 10) == pytest.approx(0.1 / 1.96 * 1.5388, rel=0.01)
