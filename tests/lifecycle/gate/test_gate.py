"""The gate's judgement and the ledger's memory, without a server."""

from datetime import UTC, datetime

import pytest

from snowloop.lifecycle.champion.ledger import Entry, champion_history
from snowloop.lifecycle.gate.gate import judge
from snowloop.lifecycle.gate.selection import ranked
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.project import Metric
from tests.support.judged import CREDIT, DIABETES, checks, evaluation, failed, verdict


def test_a_first_good_candidate_passes():
    assert all(verdict(CREDIT, evaluation("A", {"roc_auc": 0.7, "support": 30})).values())


@pytest.mark.parametrize(
    ("evaluations", "fails"),
    [
        ([evaluation("A", {"roc_auc": 0.64, "support": 30})], ["BOUND"]),
        ([evaluation("A", {"roc_auc": 0.7, "support": 19})], ["SUPPORT"]),
        ([evaluation("A", {"support": 0})], ["SUPPORT", "BOUND", "DUMMY_BEATEN", "BASELINE_BEATEN"]),
        ([evaluation("A", {"roc_auc": 0.7, "support": 30}, "B_1", roc_auc=0.73)], ["NOT_WORSE_THAN_CHAMPION"]),
        ([evaluation("A", {"roc_auc": 0.7, "support": 30}, "B_1")], ["NOT_WORSE_THAN_CHAMPION"]),
        ([failed("A")], ["TRAINED"]),
    ],
)
def test_each_check_alone_refuses(evaluations, fails: list[str]):
    assert [name for name, passed in verdict(CREDIT, *evaluations).items() if not passed] == fails


def test_rows_that_are_enough_are_declared_and_twenty_without_a_word():
    metric = Metric(name="roc_auc", at_least=0.65)
    few = evaluation("A", {"roc_auc": 0.7, "support": 19})
    (found,) = (each for each in checks(CREDIT.model_copy(update={"metric": metric}), few) if each.name == "SUPPORT")
    assert (found.passed, found.bound) == (False, 20)
    assert found.reason.endswith("(split.holdout), or declare a lower metric.min_support")
    fewer = metric.model_copy(update={"min_support": 19})
    assert verdict(CREDIT.model_copy(update={"metric": fewer}), few)["SUPPORT"]


def test_as_good_as_the_champion_within_the_tolerance_passes():
    assert all(verdict(CREDIT, evaluation("A", {"roc_auc": 0.7, "support": 30}, "B_1", roc_auc=0.714)).values())


def test_an_error_metric_is_better_when_it_is_less():
    good, bad = evaluation("A", {"rmse": 55.0, "support": 80}), evaluation("B", {"rmse": 70.0, "support": 80})
    assert ranked(DIABETES, [bad, good]) == [good, bad]
    assert all(verdict(DIABETES, bad, good).values())
    assert not verdict(DIABETES, bad)["BOUND"]
    assert not all(verdict(DIABETES, evaluation("A", {"rmse": 60.0, "support": 80}, "C_1", rmse=56.0)).values())


def test_the_best_candidate_is_judged_and_a_failed_one_does_not_sink_it():
    best = evaluation("B", {"roc_auc": 0.8, "support": 30})
    others = [failed("C"), evaluation("A", {"roc_auc": 0.7, "support": 30}), best]
    assert ranked(CREDIT, others)[0] is best
    assert all(verdict(CREDIT, *others).values())


def test_of_equals_the_champion_is_best():
    metrics = {"roc_auc": 0.7, "support": 30}
    champion = evaluation("B", metrics, "B_1", roc_auc=0.7)
    assert ranked(CREDIT, [evaluation("A", metrics, "B_1", roc_auc=0.7), champion])[0] is champion


def test_reasons_are_words():
    first = evaluation("A", {"roc_auc": 0.64, "support": 30}, "B_1", roc_auc=0.7)
    reasons = [check.reason for check in judge(CREDIT, [first], first)]
    assert "roc_auc is 0.6400, declared is at least 0.65" in reasons
    assert any("champion B_1 has 0.7000 on the same rows" in reason for reason in reasons)


def test_results_survive_json():
    given = Verdict("1", "A_1", None, "f", tuple(judge(CREDIT, [failed("A")], None)), kept=False)
    assert Verdict.from_dict(given.to_dict()) == given


def entry(number: int, action: str, before: str | None, after: str) -> Entry:
    return Entry(number, action, before, after, None, None, "c", "u", datetime.now(UTC))


def test_the_ledger_is_replayed_like_a_stack():
    history = [entry(1, "promote", None, "A"), entry(2, "promote", "A", "B"), entry(3, "rollback", "B", "A")]
    assert champion_history(history[:2]) == ["A", "B"]
    assert champion_history(history) == ["A"]
    assert champion_history([*history, entry(4, "promote", "A", "C")]) == ["A", "C"]
