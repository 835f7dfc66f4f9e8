"""The checks of the gate: pure functions of a project and the evaluation that is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.parts import Interval
from snowloop.lifecycle.evaluation.results import Evaluation, Rival
from snowloop.lifecycle.evaluation.served import Skew, skew_tolerance
from snowloop.lifecycle.features.leakage import remarks
from snowloop.lifecycle.gate.fairness import fairness
from snowloop.lifecycle.gate.metric import at_least, figure, keeps, with_ends
from snowloop.lifecycle.gate.newer import newer, worse_than_champion
from snowloop.lifecycle.gate.selection import bonferroni_confidence, bonferroni_interval, equal_passes, selection_bias
from snowloop.lifecycle.gate.slices import slices
from snowloop.project import Project


def trained(evaluations: Sequence[Evaluation], best: Evaluation | None = None) -> Check:
    """At least one candidate could be trained; the reason has which better ones were passed over, and why."""
    errors = [f"{each.candidate.name}: {each.candidate.error}" for each in evaluations if each.candidate.error]
    good = len(evaluations) - len(errors)
    reason = f"{good} of {len(evaluations)} candidates could be trained"
    if errors:
        reason += f" ({'; '.join(errors)})"
    if best is not None and best.selection.passed_over:
        reason += f"; passed over: {', '.join(best.selection.passed_over)}"
    if best is not None and best.selection.earlier:
        reason += f"; verdict {best.selection.earlier + 1} on these held-out rows since the last promotion"
    return Check.of("TRAINED", passed=good > 0, reason=reason, value=good, bound=1)


def contract(project: Project, best: Evaluation) -> Check:
    """The last run of the contract's checks before the training set was built passed."""
    last_run = best.candidate.training_set.contract
    if last_run is None:
        reason = f"no check of the contract of project {project.name} was ever recorded: run the contract stage"
        return Check.of("CONTRACT", passed=False, reason=reason, bound=0)
    checks, failed = last_run
    reason = f"{checks - failed} of {checks} checks of the data contract passed"
    return Check.of("CONTRACT", passed=failed == 0 and checks > 0, reason=reason, value=failed, bound=0)


def leakage(_: Project, best: Evaluation) -> Check:
    """The training set was checked for leakage, and is clean."""
    checks = best.candidate.training_set.leakage
    if not checks:
        return Check.of("LEAKAGE", passed=False, reason="the training set was not checked for leakage", bound=0)
    failed = [check.reason for check in checks if check.failed]
    asked = sum(check.outcome != "not_asked" for check in checks)
    reason = "; ".join(
        [*failed, *remarks(checks)] if failed else [f"{asked} checks found no leakage", *remarks(checks)]
    )
    return Check.of("LEAKAGE", passed=not failed, reason=reason, value=len(failed), bound=0)


def support(project: Project, best: Evaluation) -> Check:
    """There are enough held-out rows to trust the metric."""
    least = project.metric.min_support
    if best.held_out.unknown:
        reason = f"{best.held_out.unknown}: it is not known which held-out rows may judge it, so train it again"
        return Check.of("SUPPORT", passed=False, reason=reason, bound=least)
    few = [f"{each.name} {each.rows}" for each in best.classes if each.rows < least]
    rows = best.metrics.get("support", 0.0)
    reason = f"{rows:.0f} {_supporting(project)}, {least} are needed to trust the metric"
    reason += f" (too few: {', '.join(few)})" if few else ""
    left_out = best.held_out.left_out
    reason += f"; {left_out} held-out rows that it was trained on are left out" if left_out else ""
    groups = best.metrics.get("groups")
    if groups is not None:
        reason += f"; {groups:.0f} held-out groups, {project.metric.min_groups} are needed to tell how sure it is"
        if groups < project.metric.min_groups:
            reason += ": load more groups, or hold out a greater share of them (split.holdout)"
            return Check.of("SUPPORT", passed=False, reason=reason, value=groups, bound=project.metric.min_groups)
    if rows < least:
        reason += ": load more rows, hold out a greater share (split.holdout), or declare a lower metric.min_support"
    return Check.of("SUPPORT", passed=rows >= least, reason=reason, value=rows, bound=least)


def _supporting(project: Project) -> str:
    words = {"classification": "held-out rows of the rarer class", "multiclass": "held-out rows of the rarest class"}
    return words.get(project.label.task, "held-out rows")


def bound(project: Project, best: Evaluation) -> Check:
    """The metric keeps the declared bound: its value without selection bias, or the worse end of its interval."""
    metric, value = project.metric, best.metrics.get(project.metric.name)
    if value is None:
        reason = f"{metric.name} is missing: the held-out rows do not allow to compute it"
        return Check.of("BOUND", passed=False, reason=reason, bound=metric.bound)
    reason = f"{metric.name} is {value:.4f}, declared is {at_least(project)} {metric.bound:g}"
    compared, confidence = best.selection.compared, project.evaluation.confidence
    if best.interval is None and (project.judges_the_end or compared > 1):
        reason += f", but its interval is missing: the held-out rows do not tell how sure it is{best.selection.words}"
        return Check.of("BOUND", passed=False, reason=reason, value=value, bound=metric.bound)
    if best.interval and project.judges_the_end:
        interval = bonferroni_interval(best.interval, confidence, compared)
        value = interval.low if metric.higher_is_better else interval.high
        sure = f"{100 * bonferroni_confidence(confidence, compared):.4g}%"
        reason += f" for the worse end of its interval: {with_ends(interval)} ({sure})"
    elif best.interval and compared > 1:
        bias = selection_bias(best.interval, confidence, best.selection.trials)
        value = value - bias if metric.higher_is_better else value + bias
        reason += f", {bias:.4f} is taken off as selection bias"
    reason += best.selection.words
    return Check.of("BOUND", passed=keeps(project, value, metric.bound), reason=reason, value=value, bound=metric.bound)


def champion(project: Project, best: Evaluation) -> Check:
    """The metric is not worse than the champion's on the same rows by more than the tolerance, nor on newer rows."""
    name = "NOT_WORSE_THAN_CHAMPION"
    if best.champion is None:
        return Check(name, "not_asked", "there is no champion yet: on the first run the other checks decide")
    if best.is_champion:
        value = best.metrics.get(project.metric.name)
        of = f", the refit of {best.champion_measured_by}," if best.champion_measured_by else ""
        return Check(name, "not_asked", f"{best.champion}{of} is the champion already", value)
    check, contradiction = _not_worse(project, best, name, "champion"), worse_than_champion(project, best)
    return replace(check, outcome="failed", reason=f"{check.reason}; {contradiction}") if contradiction else check


def reference(project: Project, best: Evaluation) -> Check:
    """The metric is not worse than that of the reference, so that many small steps down do not add up."""
    name = "NOT_WORSE_THAN_REFERENCE"
    if best.champion is None:
        return Check(name, "not_asked", "there is no reference yet: it begins with the first champion")
    if best.reference is None:
        return Check(name, "not_asked", "the reference is the champion, or the version itself")
    check = _not_worse(project, best, name, "reference")
    if not check.failed:
        return check
    to_do = "if no model can be as good any more, let the reference begin again: snowloop reset-reference"
    return replace(check, reason=f"{check.reason}: {to_do}")


def surpasses(project: Project, best: Evaluation) -> bool:
    """Whether a version is surely better than the reference, and so is the next one: never by luck alone."""
    difference = best.differences.get("reference" if best.reference else "champion")
    if difference is None or best.is_champion:
        return False
    return bonferroni_interval(difference, project.evaluation.confidence, best.selection.compared).low > 0


def _not_worse(project: Project, best: Evaluation, name: str, kind: str) -> Check:
    """The metric is not worse than a rival's, ``champion`` or ``reference``, by more than the tolerance."""
    metric, rival = project.metric, best.rivals[kind]
    own = rival.candidate_metrics or best.metrics
    value, baseline = own.get(metric.name), rival.metrics.get(metric.name)
    unfair = _unfair(project, kind, rival, own)
    if unfair:
        return Check.of(name, passed=False, reason=unfair)
    if value is None or baseline is None:
        missing = "the candidate" if value is None else f"{kind} {rival.name}"
        reason = f"{metric.name} of {missing} is missing"
        reason += f" ({rival.unmeasured})" if rival.unmeasured and baseline is None else ""
        return Check.of(name, passed=False, reason=reason, baseline=baseline)
    rows = f"at its own training ({rival.unmeasured})" if rival.unmeasured else "on the same rows"
    left_out = rival.held_out.left_out
    rows += f", without {left_out} rows that trained it" if left_out else ""
    both = f"{metric.name} is {value:.4f}, {kind} {rival.words} has {baseline:.4f} {rows}"
    if project.gate.champion == "interval" and not rival.unmeasured:
        check = _interval_keeps(project, best, both, baseline, best.differences.get(kind))
        return replace(check, name=name, baseline=baseline)
    gain, tolerance = value - baseline if metric.higher_is_better else baseline - value, metric.tolerated(baseline)
    reason = f"{both}, a difference of {tolerance:.4g} is tolerated{best.selection.words}"
    return Check.of(name, passed=gain >= -tolerance, reason=reason, value=gain, bound=-tolerance, baseline=baseline)


def _interval_keeps(
    project: Project, best: Evaluation, both: str, baseline: float, difference: Interval | None
) -> Check:
    """Whether the lower end of the paired interval of the difference keeps the tolerance."""
    tolerance = project.metric.tolerated(baseline)
    if difference is None:
        reason = f"{both}, but the paired interval of the difference is missing"
        return Check.of("", passed=False, reason=reason, bound=-tolerance)
    confidence, compared = project.evaluation.confidence, best.selection.compared
    interval = bonferroni_interval(difference, confidence, compared)
    paired = f"{100 * bonferroni_confidence(confidence, compared):.4g}%, paired"
    equal = equal_passes(difference, confidence, compared, tolerance)
    reason = (
        f"{both}: better by {with_ends(interval)} ({paired}), {-tolerance:.4g} is tolerated; these rows tell "
        f"differences of {interval.value - interval.low:.4f}, a model of equal quality passes in {equal:.0%} of cases"
        f"{best.selection.words}"
    )
    return Check.of("", passed=interval.low >= -tolerance, reason=reason, value=interval.low, bound=-tolerance)


def _unfair(project: Project, kind: str, rival: Rival, own: Mapping[str, float]) -> str | None:
    """Why a rival cannot be measured on rows that it was not trained on; None if it can."""
    held_out, least = rival.held_out, project.metric.min_support
    if held_out.unknown:
        return (
            f"{held_out.unknown}: it is not known which held-out rows the {kind} was not trained on, and on the "
            "others it looks too good; bring the table back (UNDROP TABLE), or override the gate with a reason"
        )
    left = own.get("support", 0.0)
    if held_out.left_out and left < least:
        return (
            f"{kind} {rival.name} was trained on {held_out.left_out} of the held-out rows; without them "
            f"{left:.0f} {_supporting(project)} are left, {least} are needed to compare with it: load more rows, or "
            f"declare the split as it was when the {kind} was trained"
        )
    return None


def dummy(project: Project, best: Evaluation) -> Check:
    """The metric is surely better than the best constant's: the lower end of the paired interval is above 0."""
    name, value = project.metric.name, best.metrics.get(project.metric.name)
    baseline = best.baselines.get("dummy", {}).get(name)
    if value is None or baseline is None:
        reason = f"{name} of {'the candidate' if value is None else 'the constant baseline'} is missing"
        return Check.of("DUMMY_BEATEN", passed=False, reason=reason, value=value, baseline=baseline)
    reason = f"{name} is {value:.4f}, the best constant baseline has {baseline:.4f}"
    interval, sure = _paired(project, best, "dummy")
    if interval is None:
        return Check.of("DUMMY_BEATEN", passed=False, reason=reason + sure, baseline=baseline)
    reason += f"{sure}, surely better is asked{best.selection.words}"
    return Check.of(
        "DUMMY_BEATEN", passed=interval.low > 0, reason=reason, value=interval.low, bound=0.0, baseline=baseline
    )


def _paired(project: Project, best: Evaluation, other: str) -> tuple[Interval | None, str]:
    """How much better the version is than a baseline, with the allowance for its selection, and that in words."""
    if other not in best.differences:
        return None, ", but the paired interval of the difference is missing: the rows do not tell how sure it is"
    confidence, compared = project.evaluation.confidence, best.selection.compared
    interval = bonferroni_interval(best.differences[other], confidence, compared)
    level = f"{100 * bonferroni_confidence(confidence, compared):.4g}%, paired"
    return interval, f": better by {with_ends(interval)} ({level})"


def baseline(project: Project, best: Evaluation) -> Check:
    """A simple linear model is not better by more than the tolerance, by the paired difference without selection bias.

    The value of the difference is judged, not an end of its interval: a first model on few rows need not be surely as
    good as a linear one.
    """
    metric, value = project.metric, best.metrics.get(project.metric.name)
    simple = best.baselines.get("simple", {}).get(metric.name)
    if value is None or simple is None:
        reason = f"{metric.name} of {'the candidate' if value is None else 'the simple baseline'} is missing"
        return Check.of("BASELINE_BEATEN", passed=False, reason=reason, value=value, baseline=simple)
    tolerance = metric.tolerated(simple)
    reason = f"{metric.name} is {value:.4f}, a linear model of numbers and texts has {simple:.4f}"
    interval, sure = _paired(project, best, "simple")
    if interval is None:
        return Check.of("BASELINE_BEATEN", passed=False, reason=reason + sure, bound=-tolerance, baseline=simple)
    gain, reason = interval.value, f"{reason}{sure}, {-tolerance:.4g} is tolerated"
    if best.selection.trials > 1:
        bias = selection_bias(best.differences["simple"], project.evaluation.confidence, best.selection.trials)
        gain, reason = gain - bias, f"{reason}, {bias:.4f} is subtracted as selection bias{best.selection.words}"
    passed = gain >= -tolerance - 1e-9
    return Check.of("BASELINE_BEATEN", passed=passed, reason=reason, value=gain, bound=-tolerance, baseline=simple)


def skew(project: Project, best: Evaluation) -> Check:
    """The serving path gives the same scores as Python."""
    measured, tolerance = best.skew, skew_tolerance(project)
    if measured is None or measured.max_difference is None or not measured.rows:
        missing = f": {measured.unserved} of {measured.rows} rows have no score by SQL or by Python" if measured else ""
        reason = f"the skew of serving by SQL against Python is missing{missing}{_kinds(measured)}"
        return Check.of("SKEW", passed=False, reason=reason, bound=project.gate.max_skew)
    value, most = measured.max_difference, tolerance.allowed(measured.score or 0.0)
    reason = (
        f"{measured.rows} rows by SQL and by Python differ by {value:.3g} at most, {most:.3g} is allowed"
        f"{_kinds(measured)}"
    )
    return Check.of("SKEW", passed=value <= most, reason=reason, value=value, bound=most)


def _kinds(measured: Skew | None) -> str:
    """Which kinds of rows differ, in words; nothing where none does, or the difference is of no kind."""
    if measured is None or not measured.kinds:
        return ""
    others = "" if measured.others is None else f"; the other rows by up to {measured.others:.3g}"
    return ": " + "; ".join(each.words for each in measured.kinds) + others


def robust(_: Project, best: Evaluation) -> Check:
    """The served model gives a finite score to odd rows: NULL, unseen texts, zeros, extremes, and one by itself."""
    measured = best.robustness
    if measured is None:
        return Check("ROBUST", "not_asked", "no row is held out that could be changed")
    failures = "; ".join(each.words for each in measured.failures)
    if failures:
        failures += "" if measured.complete else "; perhaps others"
        failures += ": handle it in model.py, or rule it out by the contract (nullable, min, max, allowed)"
    reason = failures or f"{measured.asked} rows with NULL, unseen texts, zeros and extremes get finite scores"
    return Check.of("ROBUST", passed=not failures, reason=reason, value=len(measured.failures), bound=0)


def calibration(project: Project, best: Evaluation) -> Check:
    """Predicted probabilities agree with observed rates, if the declaration bounds the calibration error."""
    most, value = project.gate.max_calibration_error, best.calibration.error
    if most is None:
        return Check("CALIBRATION", "not_asked", "no bound of the calibration is declared", value)
    check = _at_most("CALIBRATION", "the calibration error", value, most)
    if best.calibration.by_chance is None:
        return check
    chance = f"an exactly calibrated model has {figure(best.calibration.by_chance)} on as many rows by chance"
    return replace(check, reason=f"{check.reason}; {chance}")


def size(project: Project, best: Evaluation) -> Check:
    """The pickled model is not too large."""
    value = best.cost.model_bytes if best.cost else None
    return _at_most("SIZE", "the size of the model in bytes", value, project.gate.max_model_bytes)


def latency(project: Project, best: Evaluation) -> Check:
    """A prediction does not take too long."""
    value = best.cost.milliseconds_per_row if best.cost else None
    return _at_most("LATENCY", "the time of a row in milliseconds", value, project.gate.max_milliseconds_per_row)


def _at_most(name: str, what: str, value: float | None, most: float) -> Check:
    if value is None:
        return Check.of(name, passed=False, reason=f"{what} is missing", bound=most)
    reason = f"{what} is {figure(value)}, at most {figure(most)} is allowed"
    return Check.of(name, passed=value <= most, reason=reason, value=value, bound=most)


Judgement = Callable[[Project, Evaluation], Check]
CHECKS: dict[str, Judgement] = {
    "CONTRACT": contract,
    "LEAKAGE": leakage,
    "SUPPORT": support,
    "BOUND": bound,
    "NOT_WORSE_THAN_CHAMPION": champion,
    "NOT_WORSE_THAN_REFERENCE": reference,
    "NEWER_ROWS": newer,
    "SLICES": slices,
    "FAIRNESS": fairness,
    "DUMMY_BEATEN": dummy,
    "BASELINE_BEATEN": baseline,
    "SKEW": skew,
    "ROBUST": robust,
    "CALIBRATION": calibration,
    "SIZE": size,
    "LATENCY": latency,
}
CONSTRAINTS = ("SLICES", "FAIRNESS", "SKEW", "ROBUST", "CALIBRATION", "SIZE", "LATENCY")
"""Checks that are not about how good the metric is: of a candidate that fails one, the next best is judged instead."""
