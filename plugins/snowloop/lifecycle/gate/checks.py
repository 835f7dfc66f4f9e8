"""The checks of the gate: pure functions of a project and the evaluation that is judged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from snowloop.checks import Check
from snowloop.lifecycle.evaluation.results import Evaluation, Interval
from snowloop.lifecycle.gate.selection import bonferroni_confidence, bonferroni_interval, selection_bias
from snowloop.project import Project


def trained(evaluations: Sequence[Evaluation]) -> Check:
    """At least one candidate could be trained."""
    errors = [f"{each.candidate.name}: {each.candidate.error}" for each in evaluations if each.candidate.error]
    good = len(evaluations) - len(errors)
    reason = f"{good} of {len(evaluations)} candidates could be trained"
    if errors:
        reason += f" ({'; '.join(errors)})"
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
    reason = "; ".join(failed) if failed else f"{len(checks)} checks found no leakage"
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
    if rows < least:
        reason += ": load more rows, hold out a greater share (split.holdout), or declare a lower metric.min_support"
    return Check.of("SUPPORT", passed=rows >= least, reason=reason, value=rows, bound=least)


def _supporting(project: Project) -> str:
    words = {"classification": "held-out rows of the rarer class", "multiclass": "held-out rows of the rarest class"}
    return words.get(project.label.task, "held-out rows")


def bound(project: Project, best: Evaluation) -> Check:
    """The metric keeps the declared bound."""
    metric, value = project.metric, best.metrics.get(project.metric.name)
    if value is None:
        reason = f"{metric.name} is missing: the held-out rows do not allow to compute it"
        return Check.of("BOUND", passed=False, reason=reason, bound=metric.bound)
    reason = f"{metric.name} is {value:.4f}, declared is {_words(project)} {metric.bound:g}{best.selection.words}"
    return Check.of(
        "BOUND", passed=_keeps(project, value, metric.bound), reason=reason, value=value, bound=metric.bound
    )


def champion(project: Project, best: Evaluation) -> Check:
    """The metric is not worse than the champion's on the same rows by more than the tolerance."""
    metric, name, own = project.metric, "NOT_WORSE_THAN_CHAMPION", best.metrics_on_champion_rows or best.metrics
    value = own.get(metric.name)
    if best.champion is None:
        return Check(name, "not_asked", "there is no champion yet: on the first run the other checks decide")
    if best.champion == best.candidate.version_name:
        return Check(name, "not_asked", f"{best.champion} is the champion already", value)
    unfair = _unfair(project, best, own)
    if unfair:
        return Check.of(name, passed=False, reason=unfair, bound=-metric.tolerance)
    baseline = best.champion_metrics.get(metric.name)
    if value is None or baseline is None:
        missing = "the candidate" if value is None else f"champion {best.champion}"
        return Check.of(name, passed=False, reason=f"{metric.name} of {missing} is missing", baseline=baseline)
    rows = "on the same rows" if best.same_rows else "at its own training (its features or classes are gone)"
    left_out = best.champion_held_out.left_out
    rows += f", without {left_out} rows that trained it" if left_out else ""
    both = f"{metric.name} is {value:.4f}, champion {best.champion} has {baseline:.4f} {rows}"
    if project.gate.champion == "interval" and best.same_rows:
        return replace(_interval_keeps(project, best, both), name=name, baseline=baseline)
    gain = value - baseline if metric.higher_is_better else baseline - value
    reason = f"{both}, a difference of {metric.tolerance:g} is tolerated{best.selection.words}"
    passed = gain >= -metric.tolerance
    return Check.of(name, passed=passed, reason=reason, value=gain, bound=-metric.tolerance, baseline=baseline)


def _interval_keeps(project: Project, best: Evaluation, both: str) -> Check:
    """Whether the lower end of the paired interval of the difference keeps the tolerance."""
    tolerance, difference = project.metric.tolerance, best.differences.get("champion")
    if difference is None:
        reason = f"{both}, but the paired interval of the difference is missing"
        return Check.of("", passed=False, reason=reason, bound=-tolerance)
    confidence, compared = project.evaluation.confidence, best.selection.compared
    interval = bonferroni_interval(difference, confidence, compared)
    paired = f"{100 * bonferroni_confidence(confidence, compared):.4g}%, paired"
    reason = f"{both}: better by {_ends(interval)} ({paired}), {-tolerance:g} is tolerated{best.selection.words}"
    return Check.of("", passed=interval.low >= -tolerance, reason=reason, value=interval.low, bound=-tolerance)


def _unfair(project: Project, best: Evaluation, own: Mapping[str, float]) -> str | None:
    """Why the champion cannot be measured on rows that it was not trained on; None if it can."""
    held_out, least = best.champion_held_out, project.metric.min_support
    if held_out.unknown:
        return (
            f"{held_out.unknown}: it is not known which held-out rows the champion was not trained on, and on the "
            "others it looks too good; bring the table back (UNDROP TABLE), or override the gate with a reason"
        )
    left = own.get("support", 0.0)
    if held_out.left_out and left < least:
        return (
            f"champion {best.champion} was trained on {held_out.left_out} of the held-out rows; without them "
            f"{left:.0f} {_supporting(project)} are left, {least} are needed to compare with it: load more rows, or "
            "declare the split as it was when the champion was trained"
        )
    return None


def slices(project: Project, best: Evaluation) -> Check:
    """The metric keeps its bound in every declared part of the rows that is large enough."""
    worst: float | None = None
    judged, failures = 0, []
    with_bound = [(declared, declared.bound) for declared in project.evaluation.slices if declared.bound is not None]
    if not with_bound:
        return Check("SLICES", "not_asked", "no slice declares a bound")
    for declared, bound in with_bound:
        parts = [part for part in best.slices if part.column == declared.column and part.rows >= declared.min_rows]
        if not parts:
            failures.append(f"{declared.column} has no part of {declared.min_rows} held-out rows")
        for part in parts:
            judged += 1
            where, value = f"{part.column} {part.part} ({part.rows} rows)", part.value
            if value is None:
                failures.append(f"{project.metric.name} is missing for {where}")
                continue
            if not _keeps(project, value, bound):
                failures.append(f"{project.metric.name} of {where} is {value:.4f}, not {_words(project)} {bound:g}")
            if worst is None or project.is_better(worst, value):
                worst = value
    reason = "; ".join(failures) or f"{judged} parts of the rows keep the bounds of their slices"
    return Check.of("SLICES", passed=not failures, reason=reason, value=worst)


def dummy(project: Project, best: Evaluation) -> Check:
    """The metric is better than that of a constant baseline: the mean label, or each class's share."""
    name, value = project.metric.name, best.metrics.get(project.metric.name)
    baseline = best.baselines.get("dummy", {}).get(name)
    if value is None or baseline is None:
        reason = f"{name} of {'the candidate' if value is None else 'the constant baseline'} is missing"
        return Check.of("DUMMY_BEATEN", passed=False, reason=reason, value=value, baseline=baseline)
    constant = "each class's share" if project.label.task == "multiclass" else "the mean"
    reason = f"{name} is {value:.4f}, a constant baseline ({constant}) has {baseline:.4f}"
    passed = project.is_better(value, baseline)
    return Check.of("DUMMY_BEATEN", passed=passed, reason=reason, value=value, bound=baseline, baseline=baseline)


def baseline(project: Project, best: Evaluation) -> Check:
    """A simple linear model is not better by more than the tolerance; selection bias is subtracted from the gain."""
    metric, value = project.metric, best.metrics.get(project.metric.name)
    simple = best.baselines.get("simple", {}).get(metric.name)
    compared, difference = best.selection.compared, best.differences.get("simple")
    if value is None or simple is None or (compared > 1 and difference is None):
        figures = {"the candidate": value, "the simple baseline": simple, "the paired interval of both": difference}
        missing = next(name for name, figure in figures.items() if figure is None)
        reason = f"{metric.name} of {missing} is missing{best.selection.words}"
        return Check.of("BASELINE_BEATEN", passed=False, reason=reason, value=value, baseline=simple)
    gain = value - simple if metric.higher_is_better else simple - value
    reason = (
        f"{metric.name} is {value:.4f}, a simple linear model has {simple:.4f}: "
        f"it may be better by {metric.tolerance:g} at most"
    )
    if difference and compared > 1:
        bias = selection_bias(difference, project.evaluation.confidence, compared)
        gain, reason = gain - bias, f"{reason}, {bias:.4f} is subtracted as selection bias{best.selection.words}"
    passed = gain >= -metric.tolerance - 1e-9
    return Check.of(
        "BASELINE_BEATEN", passed=passed, reason=reason, value=value, bound=-metric.tolerance, baseline=simple
    )


def skew(project: Project, best: Evaluation) -> Check:
    """The serving path gives the same scores as Python."""
    most = project.gate.max_skew
    if best.skew is None or best.skew.max_difference is None or not best.skew.rows:
        unserved = f": {best.skew.unserved} of {best.skew.rows} rows got no score by SQL" if best.skew else ""
        reason = f"the skew of serving by SQL against Python is missing{unserved}"
        return Check.of("SKEW", passed=False, reason=reason, bound=most)
    value = best.skew.max_difference
    reason = f"{best.skew.rows} rows by SQL and by Python differ by {value:.3g} at most, {most:g} is allowed"
    return Check.of("SKEW", passed=value <= most, reason=reason, value=value, bound=most)


def calibration(project: Project, best: Evaluation) -> Check:
    """Predicted probabilities agree with observed rates, if the declaration bounds the calibration error."""
    most, value = project.gate.max_calibration_error, best.calibration.error
    if most is None:
        return Check("CALIBRATION", "not_asked", "no bound of the calibration is declared", value)
    check = _at_most("CALIBRATION", "the calibration error", value, most)
    if best.calibration.by_chance is None:
        return check
    chance = f"an exactly calibrated model has {_figure(best.calibration.by_chance)} on as many rows by chance"
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
    reason = f"{what} is {_figure(value)}, at most {_figure(most)} is allowed"
    return Check.of(name, passed=value <= most, reason=reason, value=value, bound=most)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _keeps(project: Project, value: float, declared: float) -> bool:
    return value >= declared if project.metric.higher_is_better else value <= declared


def _words(project: Project) -> str:
    return "at least" if project.metric.higher_is_better else "at most"


def _ends(interval: Interval) -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


Judgement = Callable[[Project, Evaluation], Check]
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
