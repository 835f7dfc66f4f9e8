"""Constructed evaluations: one that every check of the gate passes, and changes of it."""

from dataclasses import replace
from typing import Any

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import Calibration, Cost, Interval
from snowloop.lifecycle.evaluation.results import Evaluation
from snowloop.lifecycle.evaluation.served import Robustness, Skew
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.gate.choice import choose
from snowloop.lifecycle.gate.gate import judge
from snowloop.lifecycle.training.train import Candidate
from snowloop.project import Project, load_project


def lenient(name: str) -> Project:
    """A shipped project whose slices have no bound."""
    project = load_project(name)
    slices = tuple(each.model_copy(update={"bound": None}) for each in project.evaluation.slices)
    plan = project.evaluation.model_copy(update={"slices": slices})
    return project.model_copy(update={"evaluation": plan})


CREDIT = lenient("credit_approval")
DIABETES = lenient("diabetes_progression")
CLEAN = (Check.of("REPEATED_ROWS", passed=True, reason="0.0%", value=0, bound=0.2),)
TRAINING_SET = TrainingSet("T", "f" * 12, 100, 25, 0, (), kept=False, leakage=CLEAN, contract=(9, 0))


def evaluation(name: str, metrics: dict[str, float], champion: str | None = None, **baseline: float) -> Evaluation:
    """A good evaluation but for what is given; intervals reach 0.005 to both sides."""
    sign = 1 if "roc_auc" in metrics or "roc_auc" in baseline else -1
    (name_of,) = {*metrics} & {"roc_auc", "rmse"} or {"roc_auc"}
    differences = {"simple": Interval(0.1, 0.09, 0.11), "dummy": Interval(0.2, 0.195, 0.205)}
    value = metrics.get(name_of)
    if name_of in metrics and name_of in baseline:
        gain = sign * (metrics[name_of] - baseline[name_of])
        differences["champion"] = Interval(gain, gain - 0.005, gain + 0.005)
    return Evaluation(
        Candidate(name, f"{name}_1", TRAINING_SET, metrics, metric=name_of),
        metrics,
        champion,
        dict(baseline),
        interval=None if value is None else Interval(value, value - 0.005, value + 0.005),
        differences=differences,
        baselines={"dummy": {"roc_auc": 0.5, "rmse": 77.0}, "simple": {"roc_auc": 0.6, "rmse": 72.0}},
        calibration=Calibration((), 0.03),
        skew=Skew(100, 0, 0.0),
        robustness=Robustness(40),
        cost=Cost(10_000, 0.1, 0.2),
    )


GOOD = evaluation("A", {"roc_auc": 0.7, "support": 30}, "B_1", roc_auc=0.7)


def failed(name: str) -> Evaluation:
    return Evaluation(Candidate(name, f"{name}_1", TRAINING_SET, error="ValueError: no"))


def checks(project: Project, *evaluations: Evaluation) -> list[Check]:
    return judge(project, evaluations, choose(project, evaluations))


def verdict(project: Project, *evaluations: Evaluation) -> dict[str, bool]:
    """By check, whether it lets the version pass: it passed, or was not asked."""
    return {check.name: not check.failed for check in checks(project, *evaluations)}


def refusing(project: Project, *evaluations: Evaluation) -> list[str]:
    """The names of the checks that refuse."""
    return [name for name, passed in verdict(project, *evaluations).items() if not passed]


def trained_on(of: Evaluation, **changes: Any) -> Evaluation:
    """The evaluation on a changed training set."""
    training_set = replace(of.candidate.training_set, **changes)
    return replace(of, candidate=replace(of.candidate, training_set=training_set))
