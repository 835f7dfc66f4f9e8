"""Gaps between groups of people: their bounds, many of them, and those of the champion."""

from dataclasses import replace
from typing import Any

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import GroupGap, Interval
from snowloop.lifecycle.gate.choice import choose
from snowloop.project import Fairness, Project, Slice
from tests.support.judged import CREDIT, GOOD, checks, evaluation

SEXES = Slice(column="SEX", inclusion=True)
BOUNDED = Fairness(selection_rate=0.2, max_widening=0.05)


def fair(fairness: Fairness = BOUNDED) -> Project:
    plan = CREDIT.evaluation.model_copy(update={"slices": (SEXES,)})
    gate = CREDIT.gate.model_copy(update={"fairness": fairness})
    return CREDIT.model_copy(update={"evaluation": plan, "gate": gate})


def gap(value: float, reach: float = 0.01, other: str = "M", wider: float | None = 0.0, **more: Any) -> GroupGap:
    than = None if wider is None else Interval(wider, wider - 0.01, wider + 0.01)
    figure = more.get("figure", "selection_rate")
    return GroupGap("SEX", figure, "F", other, value, max(0.0, value - reach), value + reach, than)


def fairness(project: Project, *gaps: GroupGap, **changes: Any) -> Check:
    (check,) = (c for c in checks(project, replace(GOOD, gaps=gaps, **changes)) if c.name == "FAIRNESS")
    return check


def test_gaps_between_groups_of_people_are_not_asked_about_without_a_bound():
    found = fairness(fair(Fairness()), gap(0.9))
    assert (found.outcome, found.reason) == ("not_asked", "no gap between groups of people has a bound")


def test_a_gap_is_refused_if_it_surely_exceeds_its_bound():
    kept, wide = fairness(fair(), gap(0.205)), fairness(fair(), gap(0.25))
    assert (kept.outcome, kept.value, kept.bound) == ("passed", 0.205, 0.2)
    assert "the widest are selection rate 0.205 (SEX)" in kept.reason
    assert wide.failed
    assert "gap of the selection rate between SEX F and M is 0.2500" in wide.reason
    assert fairness(fair(), gap(0.25, figure="calibration"), gap(0.1)).passed, "only what has a bound is judged"


def test_one_gap_of_many_may_look_wide_by_chance():
    assert fairness(fair(), gap(0.212, wider=None), champion=None).failed
    others = [gap(0.0, other=f"G{place}", wider=None) for place in range(30)]
    many = fairness(fair(), gap(0.212, wider=None), *others, champion=None)
    assert many.passed
    assert "31 comparisons are allowed for" in many.reason


def test_a_gap_must_not_be_surely_wider_than_the_champions():
    wider = fairness(fair(), gap(0.1, wider=0.1))
    assert wider.failed
    assert "wider than that of champion B_1 by 0.1000" in wider.reason
    assert fairness(fair(), gap(0.1, wider=0.055)).passed
    assert fairness(fair(Fairness(selection_rate=0.2)), gap(0.1, wider=0.1)).passed, "it is not declared"
    assert fairness(fair(), gap(0.1, wider=0.1), champion=None).passed, "there is no champion"
    assert fairness(fair(), gap(0.1, wider=0.1), champion="A_1").passed, "it is the champion"


def test_gaps_that_cannot_be_judged_are_refused():
    alone = fairness(fair())
    assert alone.failed
    assert "two groups of 100 held-out rows are needed" in alone.reason
    unmeasured = fairness(fair(), gap(0.1, wider=None))
    assert unmeasured.failed
    assert "the gaps of champion B_1 on the same rows are missing" in unmeasured.reason


def test_the_next_best_is_judged_if_the_best_treats_groups_otherwise():
    best = replace(evaluation("A", {"roc_auc": 0.75, "support": 30}, "B_1", roc_auc=0.7), gaps=(gap(0.4),))
    fair_one = replace(evaluation("C", {"roc_auc": 0.74, "support": 30}, "B_1", roc_auc=0.7), gaps=(gap(0.1),))
    chosen = choose(fair(), [best, fair_one])
    assert chosen
    assert chosen.candidate.name == "C"
