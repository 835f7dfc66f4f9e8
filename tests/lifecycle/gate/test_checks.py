"""Every check of the gate refuses a model alone, and lets one pass; docs/gate.md lists them all."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from snowloop.checks import Check
from snowloop.errors import OverrideError
from snowloop.lifecycle.evaluation.parts import Calibration, Cost, GroupGap, Interval, NewerRows, SliceResult
from snowloop.lifecycle.evaluation.results import Evaluation, HeldOut, Rival
from snowloop.lifecycle.evaluation.served import Robustness, RobustnessFailure, Skew, SkewKind
from snowloop.lifecycle.gate.checks import CHECKS, surpasses
from snowloop.lifecycle.gate.refit import NAME as REFIT
from snowloop.lifecycle.gate.verdict import Override, Verdict, override_of
from snowloop.project import Approval, Fairness, Gate, Project, Slice
from tests.support.judged import CREDIT, DIABETES, GOOD, checks, evaluation, failed, refusing, trained_on, verdict

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "gate.md"
LEAK = (Check.of("SINGLE_FEATURE", passed=False, reason="feature DURATION alone", subject="DURATION", value=0.92),)
SLICED = CREDIT.model_copy(
    update={
        "evaluation": CREDIT.evaluation.model_copy(
            update={"slices": (Slice(column="CODE_GENDER", bound=0.6, inclusion=True),)}
        ),
        "gate": Gate(max_calibration_error=0.1, fairness=Fairness(selection_rate=0.2)),
    }
)
PARTS = (
    SliceResult("CODE_GENDER", "F", 200, 0.7),
    SliceResult("CODE_GENDER", "M", 150, 0.65),
    SliceResult("CODE_GENDER", "X", 3, 0.1),
)
ALIKE = GroupGap("CODE_GENDER", "selection_rate", "F", "M", 0.1, 0.05, 0.15)
WHOLE = replace(GOOD, slices=PARTS, gaps=(ALIKE,))
COST = Cost(10_000, 0.1, 0.2)


def compared(value: float, low: float, high: float) -> Evaluation:
    changed = replace(WHOLE, metrics={**WHOLE.metrics, "roc_auc": 0.7 + value})
    return replace(changed, differences={**WHOLE.differences, "champion": Interval(value, low, high)})


def against_reference(value: float, low: float, high: float) -> Evaluation:
    """As good as the champion, but the reference is another version."""
    rival = Rival("R_1", {"roc_auc": 0.7 - value})
    return replace(WHOLE, reference=rival, differences={**WHOLE.differences, "reference": Interval(value, low, high)})


REFUSED = {
    "CONTRACT": [trained_on(WHOLE, contract=(9, 1)), trained_on(WHOLE, contract=None)],
    "LEAKAGE": [trained_on(WHOLE, leakage=LEAK), trained_on(WHOLE, leakage=())],
    "SUPPORT": [
        replace(WHOLE, metrics={"roc_auc": 0.7, "support": 19}),
        replace(WHOLE, metrics={"roc_auc": 0.7}),
        replace(WHOLE, metrics={**WHOLE.metrics, "groups": 19}),  # 30 rows, but of few customers
    ],
    "BOUND": [
        replace(evaluation("A", {"roc_auc": 0.64, "support": 30}), slices=PARTS, gaps=(ALIKE,)),
    ],
    "NOT_WORSE_THAN_CHAMPION": [
        compared(-0.03, -0.04, 0.01),
        compared(-0.01, -0.05, 0.03),  # not much worse, but nothing is sure
        replace(WHOLE, newer=NewerRows(90, 30, 0.7, Interval(0.7, 0.6, 0.8), 0.8, Interval(-0.1, -0.15, -0.05))),
        replace(WHOLE, champion_metrics={}),
        replace(WHOLE, differences={name: WHOLE.differences[name] for name in ("simple", "dummy")}),
    ],
    "NOT_WORSE_THAN_REFERENCE": [
        against_reference(-0.03, -0.04, 0.01),
        replace(against_reference(0.0, -0.01, 0.01), reference=Rival("R_1", unmeasured="it is gone")),
        replace(against_reference(0.0, -0.01, 0.01), reference=Rival("R_1", held_out=HeldOut(0, "its rows are gone"))),
    ],
    "NEWER_ROWS": [
        replace(WHOLE, newer=NewerRows(90, 30, 0.6, Interval(0.6, 0.56, 0.64))),
        replace(WHOLE, newer=NewerRows(90, 30, 0.6)),  # no interval: the value counts
        replace(WHOLE, newer=NewerRows(90, 30)),
    ],
    "SLICES": [
        replace(WHOLE, slices=(PARTS[0], replace(PARTS[1], value=0.59))),
        replace(WHOLE, slices=(PARTS[0], replace(PARTS[1], value=None))),
        replace(WHOLE, slices=()),
    ],
    "FAIRNESS": [
        replace(WHOLE, gaps=(replace(ALIKE, value=0.3, low=0.25, high=0.35),)),
        replace(WHOLE, gaps=(replace(ALIKE, low=None, high=None),)),
        replace(WHOLE, gaps=()),
    ],
    "DUMMY_BEATEN": [
        replace(WHOLE, differences={**WHOLE.differences, "dummy": Interval(0.02, -0.001, 0.041)}),  # better by chance
        replace(WHOLE, differences={name: WHOLE.differences[name] for name in ("simple", "champion")}),
        replace(WHOLE, baselines={"simple": WHOLE.baselines["simple"]}),
    ],
    "BASELINE_BEATEN": [
        replace(WHOLE, differences={**WHOLE.differences, "simple": Interval(-0.03, -0.07, 0.01)}),
        replace(WHOLE, differences={name: WHOLE.differences[name] for name in ("dummy", "champion")}),
        replace(WHOLE, baselines={"dummy": WHOLE.baselines["dummy"]}),
    ],
    "SKEW": [
        replace(WHOLE, skew=Skew(100, 0, 0.01)),
        replace(WHOLE, skew=Skew(100, 2, None)),
        replace(WHOLE, skew=Skew(0, 0, None)),
        replace(WHOLE, skew=None),
    ],
    "ROBUST": [
        replace(WHOLE, robustness=Robustness(40, (RobustnessFailure("JOB", "NULL", "it raises ValueError: no"),))),
        replace(WHOLE, robustness=Robustness(1, (RobustnessFailure("", "", "the score is not finite"),))),
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
        replace(evaluation("A", {"roc_auc": 0.7, "support": 30}), slices=PARTS, gaps=(ALIKE,)),  # the first run
        replace(WHOLE, champion="A_1"),  # it is the champion already
    ],
)
def test_what_is_as_good_as_the_champion_passes(good: Evaluation):
    assert not refusing(SLICED, good)


def test_the_reference_moves_only_to_a_version_that_is_surely_better():
    assert surpasses(CREDIT, compared(0.05, 0.01, 0.09))
    assert not surpasses(CREDIT, compared(0.05, -0.01, 0.11))
    assert surpasses(CREDIT, against_reference(0.05, 0.01, 0.09))
    assert not surpasses(CREDIT, replace(compared(0.05, 0.01, 0.09), reference=Rival("R_1")))
    assert not surpasses(CREDIT, replace(compared(0.05, 0.01, 0.09), champion="A_1"))


def test_what_is_much_worse_than_the_reference_says_what_to_do():
    worse = against_reference(-0.03, -0.04, 0.01)
    (found,) = (each for each in checks(CREDIT, worse) if each.name == "NOT_WORSE_THAN_REFERENCE")
    assert "reference R_1 has 0.7300 on the same rows: better by -0.0300" in found.reason
    assert found.reason.endswith("let the reference begin again: snowloop reset-reference")


def test_a_project_may_ask_for_the_difference_alone():
    unsure = compared(-0.01, -0.05, 0.03)
    assert not refusing(SLICED.model_copy(update={"gate": Gate(champion="point")}), unsure)


def test_a_champion_that_cannot_see_the_rows_is_compared_by_its_own_figures():
    other = replace(WHOLE, champion_unmeasured="its column B is gone")
    assert not refusing(SLICED, other)
    (found,) = (each for each in checks(SLICED, other) if each.name == "NOT_WORSE_THAN_CHAMPION")
    assert "at its own training (its column B is gone)" in found.reason
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


def test_the_reason_of_a_skew_names_the_kinds_of_rows():
    kinds = (SkewKind("JOB", "NULL", 12, 12, 0.48), SkewKind("AGE", "rare", 3, 2, None))
    (found,) = (
        each
        for each in checks(SLICED, replace(WHOLE, skew=Skew(1000, 0, 0.48, 0.5, kinds, 0.0)))
        if each.name == "SKEW"
    )
    assert found.reason == (
        "1000 rows by SQL and by Python differ by 0.48 at most, 6e-06 is allowed: rows where JOB is NULL differ by up "
        "to 0.48 (12 of 12 rows do); rows where AGE is rare have no two scores (2 of 3 rows do); the other rows by up "
        "to 0"
    )


def test_the_reason_of_a_model_that_is_not_robust_names_feature_and_value():
    failures = (RobustnessFailure("JOB", "NULL", "it raises TypeError: NAType"),) * 5
    bad = replace(WHOLE, robustness=Robustness(40, failures, complete=False))
    (found,) = (each for each in checks(SLICED, bad) if each.name == "ROBUST")
    assert found.reason.startswith("a row where JOB is NULL: it raises TypeError: NAType; a row where")
    assert "; perhaps others: handle it in model.py" in found.reason
    (found,) = (each for each in checks(SLICED, replace(WHOLE, robustness=None)) if each.name == "ROBUST")
    assert found.outcome == "not_asked"


def test_a_large_score_may_differ_by_more():
    assert not refusing(SLICED, replace(WHOLE, skew=Skew(1000, 0, 0.03, 4e5)))
    assert refusing(SLICED, replace(WHOLE, skew=Skew(1000, 0, 5.0, 4e5))) == ["SKEW"]
    none = Gate(max_skew=0.0, max_relative_skew=0.0, max_calibration_error=0.1)
    assert refusing(SLICED.model_copy(update={"gate": none}), replace(WHOLE, skew=Skew(1000, 0, 1e-9, 4e5))) == ["SKEW"]


def part(value: float, low: float, high: float, **more: int) -> SliceResult:
    return SliceResult("CODE_GENDER", "F", **{"rows": 200, "events": 20} | more, value=value, low=low, high=high)


def test_a_part_is_refused_if_it_surely_misses_the_bound_allowing_for_their_number():
    """Bound 0.6. Of one part (0.50 to 0.59) is surely below; of ten parts one is so by chance."""
    assert refusing(SLICED, replace(WHOLE, slices=(part(0.55, 0.50, 0.59),))) == ["SLICES"]
    assert not refusing(SLICED, replace(WHOLE, slices=(part(0.55, 0.45, 0.65),)))
    ten = [replace(part(0.7, 0.65, 0.75), part=str(number)) for number in range(9)]
    assert not refusing(SLICED, replace(WHOLE, slices=(part(0.55, 0.51, 0.59), *ten)))
    assert refusing(SLICED, replace(WHOLE, slices=(part(0.50, 0.46, 0.54), *ten))) == ["SLICES"]


def test_events_decide_whether_a_part_can_be_judged_and_those_that_cannot_are_listed():
    few = replace(part(0.1, 0.0, 0.2, events=4), part="M")
    (found,) = (
        each
        for each in checks(SLICED, replace(WHOLE, slices=(part(0.7, 0.6, 0.8), few, PARTS[2])))
        if each.name == "SLICES"
    )
    assert found.passed
    assert found.reason == (
        "1 parts of the rows keep the bounds of their slices; not judged: CODE_GENDER M (4 of 5 rows of the rarest "
        "class), CODE_GENDER X (3 of 100 rows)"
    )
    assert refusing(SLICED, replace(WHOLE, slices=(few,))) == ["SLICES"]


def test_slices_without_a_bound_are_reported_but_not_judged():
    assert not refusing(CREDIT, WHOLE)
    assert not refusing(DIABETES, replace(regression(60.0), slices=PARTS))


def regression(rmse: float, **changes: object) -> Evaluation:
    return replace(evaluation("A", {"rmse": rmse, "support": 80}), **changes)  # type: ignore[arg-type]


def test_errors_are_better_when_they_are_less():
    assert not refusing(DIABETES, regression(60.0))
    assert refusing(DIABETES, regression(66.0)) == ["BOUND"]
    by_chance = {**regression(60.0).differences, "dummy": Interval(1.0, -2.0, 4.0)}
    assert refusing(DIABETES, regression(60.0, differences=by_chance)) == ["DUMMY_BEATEN"]
    worse = {**regression(60.0).differences, "simple": Interval(-4.0, -8.0, 0.0)}
    assert refusing(DIABETES, regression(60.0, differences=worse)) == ["BASELINE_BEATEN"]


@pytest.mark.parametrize(
    ("by", "reason", "checks", "until", "says"),
    [
        ("", "we need it", "BOUND", "", "needs a user who is logged in, a reason, and the checks"),
        (None, "we need it", "BOUND", "", "given: user '', reason 'we need it', checks 'BOUND'"),
        ("ada", " ", "BOUND", "", "given: user 'ada', reason '', checks 'BOUND'"),
        ("ada", "we need it", " ", "", "given: user 'ada', reason 'we need it', checks ''"),
        ("ada", "we need it", "BOUND", "tomorrow", "until 'tomorrow' is no date or time: write it like 2026-12-31"),
    ],
)
def test_an_override_needs_a_user_a_reason_and_the_checks(by, reason, checks, until, says):
    with pytest.raises(OverrideError, match=says):
        override_of(by, reason, checks, until)


def test_an_override_is_for_some_checks_and_may_be_for_a_time():
    assert override_of("ada", "", " ", None) is None
    assert override_of(" ada ", "a test", "bound, SIZE bound", "") == Override("ada", "a test", ("BOUND", "SIZE"))
    made = override_of("ada", "a test", "BOUND", "2026-12-31T01:00+02:00")
    assert str(made) == "ada: a test (BOUND, until 2026-12-30 23:00:00 UTC)"
    with pytest.raises(OverrideError, match="needs a time zone"):
        Override("ada", "a test", ("BOUND",), datetime(2026, 12, 31))  # noqa: DTZ001 - what is refused


LATER = Override("Ada", "a test", ("BOUND",), datetime(2026, 12, 31, tzinfo=UTC))


def test_a_verdict_with_an_override_survives_json():
    given = Verdict("1", "A_1", None, "f", tuple(checks(CREDIT, GOOD)), kept=False, override=LATER)
    assert Verdict.from_dict(given.to_dict()) == given
    assert given.summary()["overridden by"] == "Ada"


def test_the_document_lists_the_checks_in_their_order():
    listed = re.findall(r"^\| `([A-Z_]+)` \|", DOCUMENT.read_text(), flags=re.MULTILINE)
    assert listed == ["TRAINED", *CHECKS, REFIT]


def test_an_evaluation_survives_json():
    assert Evaluation.from_dict(WHOLE.to_dict()) == WHOLE
    assert len(WHOLE.summary()) <= 6


def bound_of(project: Project, **metric: object) -> Project:
    return project.model_copy(update={"metric": project.metric.model_copy(update=metric)})


def test_the_worse_end_of_the_interval_keeps_the_bound_where_it_is_declared_or_approval_is():
    """A ROC AUC of 0.7 (0.62 to 0.78) may well be below 0.65."""
    unsure = replace(WHOLE, interval=Interval(0.7, 0.62, 0.78))
    assert not refusing(SLICED, unsure)
    assert refusing(bound_of(SLICED, judge="lower_end"), unsure) == ["BOUND"]
    approved = SLICED.model_copy(update={"approval": Approval(targets=("prod",))})
    assert refusing(approved, unsure) == ["BOUND"]
    assert not refusing(bound_of(approved, judge="value"), unsure)
    assert refusing(approved, replace(unsure, interval=None)) == ["BOUND"]
    (found,) = (each for each in checks(approved, unsure) if each.name == "BOUND")
    assert "0.7000 (0.6200 to 0.7800)" in found.reason


def test_of_an_error_the_upper_end_is_the_worse_one():
    good = evaluation("A", {"rmse": 60.0, "support": 40})
    unsure = replace(
        good, interval=Interval(60, 55, 66), differences={**good.differences, "dummy": Interval(17, 9, 25)}
    )
    assert refusing(bound_of(DIABETES, judge="lower_end"), unsure) == ["BOUND"]
    assert not refusing(bound_of(DIABETES, judge="lower_end", at_most=67.0), unsure)


def test_without_a_declared_tolerance_it_is_two_hundredths_or_two_per_cent_of_an_error():
    assert bound_of(CREDIT, tolerance=None).metric.tolerated(0.7) == 0.02
    assert bound_of(DIABETES, tolerance=None).metric.tolerated(50.0) == 1.0
    assert bound_of(DIABETES, tolerance=3.0).metric.tolerated(50.0) == 3.0


def test_the_reason_tells_what_the_rows_can_tell():
    (found,) = (each for each in checks(SLICED, compared(0.0, -0.015, 0.015)) if each.name == "NOT_WORSE_THAN_CHAMPION")
    assert "these rows tell differences of 0.0150, a model of equal quality passes in 74% of cases" in found.reason
