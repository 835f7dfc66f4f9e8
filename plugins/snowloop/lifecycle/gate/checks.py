"""The checks of the gate: pure functions of a project and the evaluation that is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from snowloop.lifecycle.evaluation.results import Evaluation, Interval
from snowloop.lifecycle.gate.selection import corrected, flattery, widened
from snowloop.project import Project


@dataclass(frozen=True)
class GateCheck:
    """One check of the gate.

    Args:
        name: Name of the check.
        value: What was found, if there is a figure.
        bound: What it is held against.
        baseline: The champion's, or the baseline's, figure.
        passed: Whether it passed.
        reason: The outcome in words.
    """

    name: str
    passed: bool
    reason: str
    value: float | None = None
    bound: float | None = None
    baseline: float | None = None


def trained(evaluations: Sequence[Evaluation]) -> GateCheck:
    """At least one candidate could be trained."""
    errors = [f"{each.candidate.name}: {each.candidate.error}" for each in evaluations if each.candidate.error]
    good = len(evaluations) - len(errors)
    reason = f"{good} of {len(evaluations)} candidates could be trained"
    if errors:
        reason += f" ({'; '.join(errors)})"
    return GateCheck("TRAINED", good > 0, reason, good, 1)


def contract(project: Project, best: Evaluation) -> GateCheck:
    """The last run of the contract's checks before the training set was built passed."""
    found = best.candidate.training_set.contract
    if found is None:
        reason = f"no check of the contract of project {project.name} was ever recorded: run the contract stage"
        return GateCheck("CONTRACT", passed=False, reason=reason, bound=0)
    checks, failed = found
    reason = f"{checks - failed} of {checks} checks of the data contract passed"
    return GateCheck("CONTRACT", failed == 0 and checks > 0, reason, failed, 0)


def leakage(_: Project, best: Evaluation) -> GateCheck:
    """The training set was checked for leakage, and is clean."""
    checks = best.candidate.training_set.leakage
    if not checks:
        return GateCheck("LEAKAGE", passed=False, reason="the training set was not checked for leakage", bound=0)
    bad = [check.reason for check in checks if not check.passed]
    reason = "; ".join(bad) if bad else f"{len(checks)} checks found no leakage"
    return GateCheck("LEAKAGE", not bad, reason, len(bad), 0)


def support(project: Project, best: Evaluation) -> GateCheck:
    """There are enough held-out rows to trust the metric."""
    if best.unseen.unknown:
        reason = f"{best.unseen.unknown}: which held-out rows may judge it is not known, so train it again"
        return GateCheck("SUPPORT", passed=False, reason=reason, bound=project.metric.min_support)
    few = [f"{each.name} {each.rows}" for each in best.classes if each.rows < project.metric.min_support]
    found, wanted = best.metrics.get("support", 0.0), project.metric.min_support
    reason = f"{found:.0f} {_supporting(project)}, {wanted} are needed to trust the metric"
    reason += f" (too few: {', '.join(few)})" if few else ""
    left_out = best.unseen.left_out
    reason += f"; {left_out} held-out rows that it was trained on are left out" if left_out else ""
    if found < wanted:
        reason += ": load more rows, hold out a greater share (split.holdout), or declare a lower metric.min_support"
    return GateCheck("SUPPORT", found >= wanted, reason, found, wanted)


def _supporting(project: Project) -> str:
    words = {"classification": "held-out rows of the rarer class", "multiclass": "held-out rows of the rarest class"}
    return words.get(project.label.task, "held-out rows")


def bound(project: Project, best: Evaluation) -> GateCheck:
    """The metric keeps the declared bound."""
    metric, value = project.metric, best.metrics.get(project.metric.name)
    if value is None:
        reason = f"{metric.name} is missing: the held-out rows do not allow to compute it"
        return GateCheck("BOUND", passed=False, reason=reason, bound=metric.bound)
    reason = f"{metric.name} is {value:.4f}, declared is {_words(project)} {metric.bound:g}{best.contest.words}"
    return GateCheck("BOUND", _keeps(project, value, metric.bound), reason, value, metric.bound)


def champion(project: Project, best: Evaluation) -> GateCheck:
    """The metric is not worse than the champion's on the same rows by more than the tolerance."""
    metric, name, beside = project.metric, "NOT_WORSE_THAN_CHAMPION", best.beside_champion or best.metrics
    value = beside.get(metric.name)
    if best.champion is None:
        return GateCheck(name, passed=True, reason="there is no champion yet: on the first run the other checks decide")
    if best.champion == best.candidate.version_name:
        return GateCheck(name, passed=True, reason=f"{best.champion} is the champion already", value=value)
    unfair = _unfair(project, best, beside)
    if unfair:
        return GateCheck(name, passed=False, reason=unfair, bound=-metric.tolerance)
    baseline = best.champion_metrics.get(metric.name)
    if value is None or baseline is None:
        missing = "the candidate" if value is None else f"champion {best.champion}"
        return GateCheck(name, passed=False, reason=f"{metric.name} of {missing} is missing", baseline=baseline)
    rows = "on the same rows" if best.same_rows else "at its own training (its features or classes are gone)"
    left_out = best.champion_unseen.left_out
    rows += f", without {left_out} rows that trained it" if left_out else ""
    told = f"{metric.name} is {value:.4f}, champion {best.champion} has {baseline:.4f} {rows}"
    gain = value - baseline if metric.higher_is_better else baseline - value
    difference = best.differences.get("champion")
    if project.gate.champion == "interval" and best.same_rows:
        if difference is None:
            reason = f"{told}, but the paired interval of the difference is missing"
            return GateCheck(name, passed=False, reason=reason, bound=-metric.tolerance, baseline=baseline)
        confidence, compared = project.evaluation.confidence, best.contest.compared
        found = widened(difference, confidence, compared)
        paired = f"{100 * corrected(confidence, compared):.4g}%, paired"
        reason = f"{told}: better by {_ends(found)} ({paired}), {-metric.tolerance:g} is tolerated{best.contest.words}"
        return GateCheck(name, found.low >= -metric.tolerance, reason, found.low, -metric.tolerance, baseline)
    reason = f"{told}, a difference of {metric.tolerance:g} is tolerated{best.contest.words}"
    return GateCheck(name, gain >= -metric.tolerance, reason, gain, -metric.tolerance, baseline)


def _unfair(project: Project, best: Evaluation, beside: Mapping[str, float]) -> str | None:
    """Why the champion cannot be measured on rows that it was not trained on; None if it can."""
    unseen, wanted = best.champion_unseen, project.metric.min_support
    if unseen.unknown:
        return (
            f"{unseen.unknown}: it is not known which held-out rows the champion has not seen, and on the others it "
            "looks too good; bring the table back (UNDROP TABLE), or override the gate with a reason"
        )
    left = beside.get("support", 0.0)
    if unseen.left_out and left < wanted:
        return (
            f"champion {best.champion} was trained on {unseen.left_out} of the held-out rows; without them "
            f"{left:.0f} {_supporting(project)} are left, {wanted} are needed to compare with it: load more rows, or "
            "declare the split as it was when the champion was trained"
        )
    return None


def slices(project: Project, best: Evaluation) -> GateCheck:
    """The metric keeps its bound in every declared part of the rows that is large enough."""
    metric, worst, judged, failures = project.metric, None, 0, []
    for declared in project.evaluation.slices:
        if declared.bound is None:
            continue
        parts = [part for part in best.slices if part.column == declared.column and part.rows >= declared.min_rows]
        if not parts:
            failures.append(f"{declared.column} has no part of {declared.min_rows} held-out rows")
        for part in parts:
            judged += 1
            where = f"{part.column} {part.part} ({part.rows} rows)"
            if part.value is None:
                failures.append(f"{metric.name} is missing for {where}")
            elif not _keeps(project, part.value, declared.bound):
                failures.append(
                    f"{metric.name} of {where} is {part.value:.4f}, not {_words(project)} {declared.bound:g}"
                )
            if part.value is not None and (worst is None or project.is_better(worst, part.value)):
                worst = part.value
    reason = f"{judged} parts of the rows keep the bounds of their slices" if judged else "no slice declares a bound"
    return GateCheck("SLICES", not failures, "; ".join(failures) or reason, worst)


def dummy(project: Project, best: Evaluation) -> GateCheck:
    """The metric is better than that of a dummy that always says the mean, or each class's share."""
    name, value = project.metric.name, best.metrics.get(project.metric.name)
    baseline = best.baselines.get("dummy", {}).get(name)
    if value is None or baseline is None:
        reason = f"{name} of {'the candidate' if value is None else 'the dummy'} is missing"
        return GateCheck("DUMMY_BEATEN", passed=False, reason=reason, value=value, baseline=baseline)
    says = "each class's share" if project.label.task == "multiclass" else "the mean"
    reason = f"{name} is {value:.4f}, a dummy that always says {says} has {baseline:.4f}"
    return GateCheck("DUMMY_BEATEN", project.is_better(value, baseline), reason, value, baseline, baseline)


def baseline(project: Project, best: Evaluation) -> GateCheck:
    """A simple linear model is not better by more than the tolerance, the luck of the best of several set aside."""
    metric, value = project.metric, best.metrics.get(project.metric.name)
    simple = best.baselines.get("simple", {}).get(metric.name)
    compared, difference = best.contest.compared, best.differences.get("simple")
    if value is None or simple is None or (compared > 1 and difference is None):
        missing = {"the candidate": value, "the simple baseline": simple, "the paired interval of both": difference}
        whose = next(name for name, found in missing.items() if found is None)
        reason = f"{metric.name} of {whose} is missing{best.contest.words}"
        return GateCheck("BASELINE_BEATEN", passed=False, reason=reason, value=value, baseline=simple)
    gain = value - simple if metric.higher_is_better else simple - value
    reason = (
        f"{metric.name} is {value:.4f}, a simple linear model has {simple:.4f}: "
        f"it may be better by {metric.tolerance:g} at most"
    )
    if difference and compared > 1:
        luck = flattery(difference, project.evaluation.confidence, compared)
        gain, reason = gain - luck, f"{reason}, {luck:.4f} is taken off for chance{best.contest.words}"
    return GateCheck("BASELINE_BEATEN", gain >= -metric.tolerance - 1e-9, reason, value, -metric.tolerance, simple)


def skew(project: Project, best: Evaluation) -> GateCheck:
    """The serving path gives the same scores as Python."""
    most = project.gate.max_skew
    if best.skew is None or best.skew.max_difference is None or not best.skew.rows:
        unserved = f": {best.skew.unserved} of {best.skew.rows} rows got no score by SQL" if best.skew else ""
        reason = f"the skew of serving by SQL against Python is missing{unserved}"
        return GateCheck("SKEW", passed=False, reason=reason, bound=most)
    value = best.skew.max_difference
    reason = f"{best.skew.rows} rows by SQL and by Python differ by {value:.3g} at most, {most:g} is allowed"
    return GateCheck("SKEW", value <= most, reason, value, most)


def calibration(project: Project, best: Evaluation) -> GateCheck:
    """Scores come true as often as they say, if the declaration asks for it."""
    most, value = project.gate.max_calibration_error, best.calibration.error
    if most is None:
        return GateCheck("CALIBRATION", passed=True, reason="no bound of the calibration is declared", value=value)
    found = _at_most("CALIBRATION", "the calibration error", value, most)
    if best.calibration.by_chance is None:
        return found
    chance = f"an exactly calibrated model has {_figure(best.calibration.by_chance)} on as many rows by chance"
    return replace(found, reason=f"{found.reason}; {chance}")


def size(project: Project, best: Evaluation) -> GateCheck:
    """The pickled model is not too large."""
    value = best.cost.model_bytes if best.cost else None
    return _at_most("SIZE", "the size of the model in bytes", value, project.gate.max_model_bytes)


def latency(project: Project, best: Evaluation) -> GateCheck:
    """A prediction does not take too long."""
    value = best.cost.milliseconds_per_row if best.cost else None
    return _at_most("LATENCY", "the time of a row in milliseconds", value, project.gate.max_milliseconds_per_row)


def _at_most(name: str, what: str, value: float | None, most: float) -> GateCheck:
    if value is None:
        return GateCheck(name, passed=False, reason=f"{what} is missing", bound=most)
    reason = f"{what} is {_figure(value)}, at most {_figure(most)} is allowed"
    return GateCheck(name, value <= most, reason, value, most)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _keeps(project: Project, value: float, declared: float) -> bool:
    return value >= declared if project.metric.higher_is_better else value <= declared


def _words(project: Project) -> str:
    return "at least" if project.metric.higher_is_better else "at most"


def _ends(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


Judgement = Callable[[Project, Evaluation], GateCheck]
CHECKS: dict[str, Judgement] = {
    "CONTRACT": contract,
    "LEAKAGE": leakage,
    "SUPPORT": support,
    "BOUND": bound,
    "NOT_WORSE_THAN_CHAMPION": champion,
    "SLICES": slices,
    "DUMMY_BEATEN": dummy,
    "BASELINE_BEATEN": baseline,
    "SKEW": skew,
    "CALIBRATION": calibration,
    "SIZE": size,
    "LATENCY": latency,
}
