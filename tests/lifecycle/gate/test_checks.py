"""Every check of the gate refuses a model alone, and lets one pass; docs/gate.md lists them all."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from snowloop.checks import Check
from snowloop.errors import OverrideError
from snowloop.lifecycle.evaluation.results import Calibration, Cost, Evaluation, Interval, Skew, SliceResult
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.project import Gate, Slice
from tests.support.judged import CREDIT, DIABETES, GOOD, checks, evaluation, failed, refusing, trained_on, verdict

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "gate.md"
LEAK = (Check.of("SINGLE_FEATURE", passed=False, reason="feature DURATION alone", subject="DURATION", value=0.92),)
SLICED = CREDIT.model_copy(
    update={
        "evaluation": CREDIT.evaluation.model_copy(update={"slices": (Slice(column="CODE_GENDER", bound=0.6),)}),
        "gate": Gate(max_calibration_error=0.1),
    }
)
PARTS = (
    SliceResult("CODE_GENDER", "F", 200, 0.7),
    SliceResult("CODE_GENDER", "M", 150, 0.65),
    SliceResult("CODE_GENDER", "X", 3, 0.1),
)
WHOLE = replace(GOOD, slices=PARTS)
COST = Cost(10_000, 0.1, 0.2)


def compared(value: float, low: float, high: float) -> Evaluation:
    changed = replace(WHOLE, metrics={**WHOLE.metrics, "roc_auc": 0.7 + value})
    return replace(changed, differences={"champion": Interval(value, low, high)})


REFUSED = {
    "CONTRACT": [trained_on(WHOLE, contract=(9, 1)), trained_on(WHOLE, contract=None)],
    "LEAKAGE": [trained_on(WHOLE, leakage=LEAK), trained_on(WHOLE, leakage=())],
    "SUPPORT": [replace(WHOLE, metrics={"roc_auc": 0.7, "support": 19}), replace(WHOLE, metrics={"roc_auc": 0.7})],
    "BOUND": [
        replace(evaluation("A", {"roc_auc": 0.64, "support": 30}), slices=PARTS),
    ],
    "NOT_WORSE_THAN_CHAMPION": [
        compared(-0.03, -0.04, 0.01),
        compared(-0.01, -0.05, 0.03),  # not much worse, but nothing is sure
        replace(WHOLE, champion_metrics={}),
        replace(WHOLE, differences={}),
    ],
    "SLICES": [
        replace(WHOLE, slices=(PARTS[0], replace(PARTS[1], value=0.59))),
        replace(WHOLE, slices=(PARTS[0], replace(PARTS[1], value=None))),
        replace(WHOLE, slices=()),
    ],
    "DUMMY_BEATEN": [
        replace(WHOLE, baselines={**WHOLE.baselines, "dummy": {"roc_auc": 0.7}}),
        replace(WHOLE, baselines={"simple": WHOLE.baselines["simple"]}),
    ],
    "BASELINE_BEATEN": [
        replace(WHOLE, baselines={**WHOLE.baselines, "simple": {"roc_auc": 0.73}}),
        replace(WHOLE, baselines={"dummy": WHOLE.baselines["dummy"]}),
    ],
    "SKEW": [
        replace(WHOLE, skew=Skew(100, 0, 0.01)),
        replace(WHOLE, skew=Skew(100, 2, None)),
        replace(WHOLE, skew=Skew(0, 0, None)),
        replace(WHOLE, skew=None),
    ],
    "CALIBRATION": [replace(WHOLE, calibration=Calibration((), 0.2)), replace(WHOLE, calibration=Calibration())],
    "SIZE": [replace(WHOLE, cost=replace(COST, model_bytes=100_000_001))],
    "LATENCY": [
        replace(WHOLE, cost=replace(COST, milliseconds_per_row=10.1)),
        replace(WHOLE, cost=replace(COST, milliseconds_per_row=None)),
    ],
}


def test_a_whole_evaluation_passes_every_check():
    assert verdict(SLICED, WHOLE) == dict.fromkeys(["TRAINED", *CHECKS], True)


@pytest.mark.parametrize(("check", "bad"), [(name, each) for name, found in REFUSED.items() for each in found])
def test_each_check_alone_refuses_and_says_why(check: str, bad: Evaluation):
    assert refusing(SLICED, bad) == [check]
    (found,) = (each for each in checks(SLICED, bad) if each.name == check)
    assert len(found.reason) > 20


def test_every_check_has_its_refusal():
    assert set(REFUSED) == set(CHECKS)
    assert refusing(CREDIT, failed("A")) == ["TRAINED"]


def test_a_missing_cost_is_refused_by_both_that_need_it():
    assert refusing(SLICED, replace(WHOLE, cost=None)) == ["SIZE", "LATENCY"]


@pytest.mark.parametrize(
    "good",
    [
        compared(-0.01, -0.02, 0.0),  # within the tolerance, and surely so
        compared(0.05, 0.01, 0.09),
        replace(evaluation("A", {"roc_auc": 0.7, "support": 30}), slices=PARTS),  # the first run
        replace(WHOLE, champion="A_1", differences={}),  # it is the champion already
    ],
)
def test_what_is_as_good_as_the_champion_passes(good: Evaluation):
    assert not refusing(SLICED, good)


def test_a_project_may_ask_for_the_difference_alone():
    unsure = compared(-0.01, -0.05, 0.03)
    assert not refusing(SLICED.model_copy(update={"gate": Gate(champion="point")}), unsure)


def test_a_champion_that_cannot_see_the_rows_is_compared_by_its_own_figures():
    other = replace(WHOLE, same_rows=False, differences={})
    assert not refusing(SLICED, other)
    assert refusing(SLICED, replace(other, champion_metrics={"roc_auc": 0.73})) == ["NOT_WORSE_THAN_CHAMPION"]


def test_the_reason_of_the_calibration_names_the_error_by_chance():
    (found,) = (
        each
        for each in checks(SLICED, replace(WHOLE, calibration=Calibration((), 0.13, 0.12)))
        if each.name == "CALIBRATION"
    )
    assert not found.passed
    assert found.reason.endswith(
        "at most 0.1 is allowed; an exactly calibrated model has 0.12 on as many rows by chance"
    )


def test_slices_without_a_bound_are_reported_but_not_judged():
    assert not refusing(CREDIT, WHOLE)
    assert not refusing(DIABETES, replace(regression(60.0), slices=PARTS))


def regression(rmse: float, **changes: object) -> Evaluation:
    return replace(evaluation("A", {"rmse": rmse, "support": 80}), **changes)  # type: ignore[arg-type]


def test_errors_are_better_when_they_are_less():
    assert not refusing(DIABETES, regression(60.0))
    assert refusing(DIABETES, regression(66.0)) == ["BOUND"]
    assert refusing(DIABETES, regression(60.0, baselines={"dummy": {"rmse": 59.0}, "simple": {"rmse": 58.0}})) == [
        "DUMMY_BEATEN"
    ]
    assert refusing(DIABETES, regression(60.0, baselines={"dummy": {"rmse": 77.0}, "simple": {"rmse": 56.0}})) == [
        "BASELINE_BEATEN"
    ]


@pytest.mark.parametrize(("by", "reason"), [("", "we need it"), ("Ada", " ")])
def test_an_override_needs_a_name_and_a_reason(by: str, reason: str):
    with pytest.raises(OverrideError, match="needs a name and a reason"):
        Override(by, reason)


def test_a_verdict_with_an_override_survives_json():
    given = Verdict("1", "A_1", None, "f", tuple(checks(CREDIT, GOOD)), kept=False, override=Override("Ada", "a test"))
    assert Verdict.from_dict(given.to_dict()) == given
    assert given.summary()["overridden by"] == "Ada"


def test_the_document_lists_the_checks_in_their_order():
    listed = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert listed == ["TRAINED", *CHECKS]


def test_an_evaluation_survives_json():
    assert Evaluation.from_dict(WHOLE.to_dict()) == WHOLE
    assert len(WHOLE.summary()) <= 6
