"""Which candidate is judged, and what the gate takes off because it was chosen among many."""

from dataclasses import replace

import pytest

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import Cost, Interval
from snowloop.lifecycle.evaluation.results import Evaluation, Selection
from snowloop.lifecycle.gate.choice import Past, choose
from snowloop.lifecycle.gate.gate import judge
from snowloop.lifecycle.gate.selection import bonferroni_confidence, bonferroni_interval, ranked, selection_bias
from snowloop.project import Project
from tests.lifecycle.gate.verdicts import passes
from tests.support.judged import CREDIT, GOOD, evaluation, failed

FOLDED = CREDIT.model_copy(update={"cross_validation": 5})
OTHERS = [evaluation(f"O{number}", {"roc_auc": 0.66, "support": 30}, "B_1", roc_auc=0.7) for number in range(49)]


def folded(name: str, held_out: float, folds: float) -> Evaluation:
    """A candidate with a figure on the held-out rows, and one of its folds."""
    made = evaluation(name, {"roc_auc": held_out, "support": 30})
    metrics = {**made.metrics, "cv_roc_auc_mean": folds, "cv_roc_auc_std": 0.01}
    return replace(made, candidate=replace(made.candidate, metrics=metrics))


def found(project: Project, best: Evaluation, others: list[Evaluation], before: Past = Past()) -> dict[str, Check]:  # noqa: B008 - frozen
    """The checks that the best of some candidates gets, by name."""
    everyone = [*others, best]
    chosen = choose(project, everyone, before)
    assert chosen
    assert chosen.candidate is best.candidate
    return {check.name: check for check in judge(project, everyone, chosen)}


def test_where_folds_are_declared_they_choose_and_the_held_out_rows_only_judge():
    lucky, good = folded("lucky", 0.75, 0.70), folded("good", 0.72, 0.74)
    assert ranked(CREDIT, [lucky, good])[0] is lucky
    assert ranked(FOLDED, [lucky, good])[0] is good
    assert ranked(FOLDED, [good, lucky])[0] is good


@pytest.mark.parametrize("check", ["NOT_WORSE_THAN_CHAMPION", "BASELINE_BEATEN"])
def test_what_is_enough_of_one_candidate_is_not_of_the_best_of_fifty(check: str):
    """A tolerance of 0.02, and an interval that keeps it by little."""
    gains = GOOD.differences | {"champion": Interval(0.0, -0.015, 0.015), "simple": Interval(-0.005, -0.019, 0.009)}
    near = replace(GOOD, differences=gains, baselines={**GOOD.baselines, "simple": {"roc_auc": 0.705}})
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


def test_a_baseline_without_its_interval_cannot_judge():
    blind = replace(GOOD, differences={name: GOOD.differences[name] for name in ("champion", "dummy")})
    refused = found(CREDIT, blind, [])["BASELINE_BEATEN"]
    assert refused.failed
    assert "the paired interval of the difference is missing" in refused.reason


def test_intervals_widen_with_the_candidates_and_never_turn_over():
    given = Interval(0.1, 0.0, 0.2)
    assert bonferroni_interval(given, 0.95, 1) == given
    lows = [bonferroni_interval(given, 0.95, count).low for count in (1, 2, 10, 50)]
    assert lows == sorted(lows, reverse=True)
    assert lows[2] == pytest.approx(0.1 - 0.1 * 2.8070 / 1.9600, abs=1e-4)
    assert bonferroni_interval(Interval(0.1, 0.11, 0.2), 0.95, 10).low == 0.1
    assert selection_bias(given, 0.95, 1) == 0
    assert selection_bias(given, 0.95, 10) == pytest.approx(0.1 / 1.96 * 1.5388, rel=0.01)


def test_the_best_of_many_keeps_the_bound_without_its_selection_bias():
    """A figure of 0.66 of one candidate keeps 0.65; that of the best of fifty is expected to be 0.06 too high."""
    lucky = replace(GOOD, metrics={**GOOD.metrics, "roc_auc": 0.70}, interval=Interval(0.70, 0.645, 0.755))
    assert found(CREDIT, lucky, [])["BOUND"].passed
    refused = found(CREDIT, lucky, OTHERS)["BOUND"]
    assert refused.failed
    assert "is taken off as selection bias" in refused.reason


def test_of_a_best_that_fails_another_bound_the_next_is_judged_with_the_allowance_for_all():
    large = replace(evaluation("L", {"roc_auc": 0.75, "support": 30}, "B_1", roc_auc=0.7), cost=Cost(10**9, 0.1, 0.2))
    slow = replace(evaluation("S", {"roc_auc": 0.74, "support": 30}, "B_1", roc_auc=0.7), cost=Cost(10_000, 99.0, 0.2))
    checks = found(CREDIT, GOOD, [large, slow])
    assert not [name for name, check in checks.items() if check.failed]
    assert checks["TRAINED"].reason == ("3 of 3 candidates could be trained; passed over: L_1 (SIZE), S_1 (LATENCY)")
    assert "the best of 3 candidates on these rows" in checks["NOT_WORSE_THAN_CHAMPION"].reason


def test_if_no_candidate_keeps_the_other_bounds_the_best_is_refused_with_them():
    large = replace(evaluation("L", {"roc_auc": 0.75, "support": 30}), cost=Cost(10**9, 0.1, 0.2))
    slow = replace(evaluation("S", {"roc_auc": 0.74, "support": 30}), cost=Cost(10_000, 99.0, 0.2))
    assert [name for name, check in found(CREDIT, large, [slow]).items() if check.failed] == ["SIZE"]


def test_what_a_person_overrides_is_no_reason_to_pass_a_candidate_over():
    large = replace(evaluation("L", {"roc_auc": 0.75, "support": 30}), cost=Cost(10**9, 0.1, 0.2))
    chosen = choose(CREDIT, [large, GOOD], overridden=("SIZE",))
    assert chosen
    assert chosen.candidate is large.candidate


def test_a_bound_on_the_metric_is_no_reason_to_look_for_another():
    """The second best of BOUND is worse still: to ask it too would only be another chance."""
    weak, weaker = (evaluation(name, {"roc_auc": auc, "support": 30}) for name, auc in (("A", 0.64), ("B", 0.63)))
    assert [name for name, check in found(CREDIT, weak, [weaker]).items() if check.failed] == ["BOUND"]


def test_folds_choose_and_each_one_that_is_tried_on_the_held_out_rows_counts():
    large = replace(folded("L", 0.7, 0.75), cost=Cost(10**9, 0.1, 0.2))
    small = replace(GOOD, candidate=replace(GOOD.candidate, metrics={**GOOD.metrics, "cv_roc_auc_mean": 0.74}))
    assert "(97.5%, paired)" in found(FOLDED, small, [large])["NOT_WORSE_THAN_CHAMPION"].reason
    assert "(95%, paired)" in found(FOLDED, small, [])["NOT_WORSE_THAN_CHAMPION"].reason


def test_the_allowance_travels_with_a_version_that_is_judged_again_by_itself():
    gains = GOOD.differences | {"champion": Interval(0.0, -0.015, 0.015)}
    near = replace(GOOD, differences=gains)
    assert not found(CREDIT, near, [])["NOT_WORSE_THAN_CHAMPION"].failed
    again = found(CREDIT, near, [], Past(contenders={"A_1": 50}))["NOT_WORSE_THAN_CHAMPION"]
    assert again.failed
    assert again.reason.endswith("the best of 50 candidates on these rows")


def test_each_further_verdict_on_the_same_rows_asks_for_more_and_all_of_them_may_err_as_one():
    wide = replace(GOOD, differences=GOOD.differences | {"champion": Interval(0.0, -0.019, 0.019)})
    assert not found(CREDIT, wide, [])["NOT_WORSE_THAN_CHAMPION"].failed
    checks = found(CREDIT, wide, [], Past(earlier=2))
    assert checks["NOT_WORSE_THAN_CHAMPION"].failed
    assert checks["NOT_WORSE_THAN_CHAMPION"].reason.endswith("2 other versions were judged on these rows before")
    assert checks["TRAINED"].reason.endswith("verdict 3 on these held-out rows since the last promotion")
    levels = [1 - bonferroni_confidence(0.95, Selection(earlier=count).compared) for count in range(10_000)]
    assert levels[0] == pytest.approx(0.05)
    assert sum(levels[1:]) == pytest.approx(0.05, rel=0.01)


def test_the_simulated_chance_that_any_of_many_verdicts_lets_a_worse_model_pass():
    """Of those who try twenty times, without the allowance two fifths get a model past that is too bad."""
    assert passes(20, allowed=False) > 0.25
    assert passes(20, allowed=True) < 0.06  # one end of the interval: at most 2.5 % for the first, and for all others
