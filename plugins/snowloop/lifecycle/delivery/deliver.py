"""A version of one target is brought into another and judged there: copied, never trained again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from snowloop.checks import Check, Outcome
from snowloop.errors import ContractViolation, DeliveryError, GateRefused, TargetRefused
from snowloop.identity import Identity
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.approval import Approval
from snowloop.lifecycle.champion.promote import Promotion, promote
from snowloop.lifecycle.champion.standing import refusal
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.delivery.records import copy_records, measured_gaps, measured_groups
from snowloop.lifecycle.delivery.smoke import scores_one_row
from snowloop.lifecycle.delivery.transfer import transfer
from snowloop.lifecycle.deployment.lock import Lease, deployment_lock
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.evaluation.evaluate import Evaluation, ask_served
from snowloop.lifecycle.evaluation.parts import GroupGap
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import recorded_formula
from snowloop.lifecycle.features.keys import feature_rows, keys_not_once
from snowloop.lifecycle.features.training_set import TrainingSet, describe_features
from snowloop.lifecycle.fingerprints import copy_fingerprints, is_recorded, record_fingerprints
from snowloop.lifecycle.gate.checks import robust, skew
from snowloop.lifecycle.gate.fairness import fairness
from snowloop.lifecycle.gate.gate import settle
from snowloop.lifecycle.gate.verdict import Origin, Override, Verdict
from snowloop.lifecycle.model_files import recorded_files, register_files
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import Version, champion, model, versions
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

QUERIES = "delivery/queries.sql"
COMPARED = ("NOT_WORSE_THAN_CHAMPION", "NOT_WORSE_THAN_REFERENCE")
ASKED_AGAIN = ("CONTRACT", "SKEW", "ROBUST", "FILES", "ROW", "OVERRIDE", *COMPARED)
"""Checks whose outcome in the source says nothing about the destination; an override is a record, and no check."""
JUDGED_AGAIN = ("FAIRNESS",)
"""Checks of several figures: judged by the destination's bounds, on what the evaluation in the source measured."""


@dataclass(frozen=True)
class Accepted:
    """The verdict by which a version was accepted in the source.

    Args:
        verdict_id: Its id.
        rows: Its checks, as OPS.VERDICTS has them.
        override: Who overrode a check there, or None.
    """

    verdict_id: str
    rows: "Sequence[Row]"
    override: Override | None


def deliver(source: Workspace, destination: Workspace, version: str | None = None) -> Verdict:
    """Copy a version from one target into another, with what is recorded of it, and judge it there.

    Nothing is trained, and no training set is built. The outcome of the source's checks travels, with the destination's
    bounds where those are stricter; what depends on data and platform is asked again in the destination: the contract,
    SKEW, ROBUST, and one row by the scoring statement inside Snowflake, which is rolled back.

    Args:
        source: Where the version is.
        destination: Where it is to serve.
        version: Its name or alias; None: the champion of the source.

    Returns:
        The verdict in the destination, by which it may be promoted there.

    Raises:
        EnvironmentBusy: if a deployment or another promotion is under way in the destination.
        TargetRefused: if the destination accepts no version from the source.
        DeliveryError: if there is no such version, its files are not those that were registered in the source, or the
            destination has another one of its name.
        GateRefused: if its verdict in the source does not let it serve, or a check fails in the destination.
        PlanRefused: if a later release has made the environment of the destination.
    """
    check_accepted(destination.project, source.target, destination.target)
    check_release(destination)
    with deployment_lock(destination, f"promote from {source.target}") as lease:
        return _deliver(source, destination, version, lease)


def _deliver(source: Workspace, destination: Workspace, version: str | None, lease: Lease) -> Verdict:
    chosen = _chosen(source, version)
    accepted = _accepted(source, chosen)
    first, training_set = accepted.rows[0], str(chosen.facts.get("training_set") or "")
    files = transfer(source, destination, chosen)
    if recorded_files(destination).get(chosen.name) != files:
        register_files(destination, chosen.name, files)
    lease.keep()
    copy_records(source, destination, training_set, str(first["EVALUATION_ID"] or ""))
    serving = champion(destination)
    serves = serving.name if serving else None
    checks = [
        Check.of("FILES", passed=True, reason=f"the files are those of {source.target} (SHA-256 {files})"),
        *_travelled(source, destination, accepted.rows),
        *_fairness(source, destination, accepted.rows, chosen.name),
        _against_champion(source, accepted.rows, chosen.name, serves),
        Check(COMPARED[1], "not_asked", f"it was compared with the reference of {source.target}"),
        _contract(destination),
        *_asked_again(destination, chosen, training_set),
    ]
    lease.keep()
    origin = Origin(source.target, Identity.of(source.session).account, accepted.verdict_id, files)
    verdict = Verdict(
        "",
        chosen.name,
        serves,
        str(first["TRAINING_SET"]),
        tuple(checks),
        kept=chosen.name == serves,
        metric=destination.project.metric.name,
        evaluation_id=str(first["EVALUATION_ID"] or ""),
        origin=origin,
        judged=chosen.refit_of,
    )
    decided = settle(destination, verdict, accepted.override, f"is not promoted into {destination.target}")
    trained_last = champion(source)
    if trained_last is not None and trained_last.name == chosen.name:
        copy_fingerprints(source, destination, "trained")
        if is_recorded(source, "judged"):  # else the verdict is by other bounds: it is to be judged again there
            record_fingerprints(destination, "judged")
    return decided


def promote_from(
    source: Workspace, destination: Workspace, version: str | None = None, approval: Approval | None = None
) -> Promotion:
    """Deliver a version into another target, and make it champion there; an interrupted call is completed by the same.

    Args:
        source: Where the version is.
        destination: Where it is to serve.
        version: Its name or alias; None: the champion of the source.
        approval: A person's approval, where the destination asks for one.

    Returns:
        The champion of the destination, and the one before.

    Raises:
        TargetRefused, DeliveryError, GateRefused: as ``deliver``.
        ApprovalRefused: if the destination asks for an approval, and there is none.
    """
    return promote(destination, deliver(source, destination, version), approval)


def check_accepted(project: Project, source: str, destination: str) -> None:
    """Refuse a source from which the destination accepts no version.

    Args:
        project: The project.
        source: The target from which a version is to come.
        destination: The target into which it is to come.

    Raises:
        TargetRefused: if it is the same, or targets.yaml does not name it.
    """
    declared = project.targets.find(destination)
    accepted = declared.accepts_from if declared else None
    if source.lower() == destination.lower():
        message = f"a version cannot be promoted from {source} to itself: name another target, or leave out the source"
        raise TargetRefused(message)
    if accepted is not None and source.lower() not in [name.lower() for name in accepted]:
        names = ", ".join(accepted) or "none"
        message = (
            f"target {destination} of {project.targets.file} accepts no version from {source} (accepts_from: {names}): "
            f"promote it into one of these first"
        )
        raise TargetRefused(message)


def _chosen(source: Workspace, version: str | None) -> Version:
    where, registered = model(source.project, source.target), versions(source)
    if version is None:
        now = champion(source)
        if now is None:
            raise DeliveryError(f"{where} has no champion to promote from {source.target}: train there, or name one")
        return now
    found = next((each for each in registered if version in (each.name, *each.aliases)), None)
    if found is None:
        names = ", ".join(each.name for each in registered) or "none"
        raise DeliveryError(f"{where} has no version or alias '{version}': it has {names}")
    return found


def _accepted(source: Workspace, version: Version) -> Accepted:
    """The verdict that lets the version serve in the source."""
    asked = refusal(source, version.name, "champion")
    if asked["REASON"] or asked["VERDICT_ID"] is None:
        message = f"{version.name} is not promoted from {source.target}: {asked['REASON'] or 'it has no verdict'}"
        raise GateRefused(message, str(asked["VERDICT_ID"] or ""))
    verdict_id, history = str(asked["VERDICT_ID"]), ledger.entries(source)
    failed = ledger.failed_again(history)
    if failed is not None and failed.to_version == version.name:
        message = f"{version.name} is not promoted from {source.target}: {failed.reason}"
        raise GateRefused(message, failed.verdict_id or "")
    rows = source.run(f"{QUERIES}#verdict", verdict_id=verdict_id)
    entries = [each for each in history if each.verdict_id == verdict_id and each.override_by]
    override = _override(entries[-1]) if entries else None
    if override is None and any(row["CHECK_NAME"] == "OVERRIDE" for row in rows):
        message = (
            f"{version.name} passed in {source.target} by an override, and was not promoted there: promote it there "
            "first, so that the ledger has who overrode the gate"
        )
        raise GateRefused(message, verdict_id)
    return Accepted(verdict_id, rows, override)


def _override(entry: ledger.Entry) -> Override:
    from datetime import UTC

    until = entry.override_until.replace(tzinfo=UTC) if entry.override_until else None
    checks = tuple(str(entry.override_checks or "").split(", "))
    return Override(str(entry.override_by), str(entry.override_reason), checks, until)


def _travelled(source: Workspace, destination: Workspace, rows: "Sequence[Row]") -> list[Check]:
    """The outcome of the source's checks, with the bounds of the destination."""
    own, project, target = (*ASKED_AGAIN, *JUDGED_AGAIN), destination.project, destination.target
    checks = [stricter(project, target, _check(row, source.target)) for row in rows if row["CHECK_NAME"] not in own]
    if project.split.by != "group" or project.metric.min_groups == source.project.metric.min_groups:
        return checks
    groups = measured_groups(destination, str(rows[0]["EVALUATION_ID"] or ""))
    return [enough_groups(project, target, each, groups) if each.name == "SUPPORT" else each for each in checks]


def _fairness(source: Workspace, destination: Workspace, rows: "Sequence[Row]", name: str) -> list[Check]:
    """FAIRNESS as the source decided, or, where the destination bounds the gaps otherwise, judged by its bounds."""
    decided = [_check(row, source.target) for row in rows if row["CHECK_NAME"] in JUDGED_AGAIN]
    same = destination.project.gate.fairness == source.project.gate.fairness
    if same or any(check.failed for check in decided):
        return decided
    gaps = measured_gaps(destination, str(rows[0]["EVALUATION_ID"] or ""))
    return [judge_gaps(destination.project, source.target, name, gaps, rows[0]["CHAMPION"])]


def judge_gaps(project: Project, source: str, version: str, gaps: tuple[GroupGap, ...], champion: str | None) -> Check:
    """FAIRNESS by the bounds of a target, on the gaps that were measured in another one; a pure function.

    Args:
        project: The project as it is in the target.
        source: Where the gaps were measured.
        version: The version.
        gaps: The gaps there.
        champion: The champion with which the version was compared there, or None.

    Returns:
        The check.
    """
    none = TrainingSet("", "", 0, 0, 0, (), kept=True)
    judged = fairness(project, Evaluation(Candidate(version, version, none), champion=champion, gaps=gaps))
    return replace(judged, reason=f"measured in {source}: {judged.reason}")


def _check(row: "Row", source: str) -> Check:
    outcome: Outcome = "not_asked" if row["PASSED"] is None else "passed" if row["PASSED"] else "failed"
    figures = (row[name] for name in ("VALUE", "BOUND", "BASELINE"))
    value, bound, baseline = (None if figure is None else float(figure) for figure in figures)
    return Check(str(row["CHECK_NAME"]), outcome, f"in {source}: {row['REASON']}", value, bound, baseline=baseline)


def stricter(project: Project, target: str, check: Check) -> Check:
    """A check of another target with the bound of this one, if that is stricter; a pure function.

    Args:
        project: The project as it is in this target.
        target: The target.
        check: The check, with what was measured there.

    Returns:
        The check; failed if what was measured does not keep the bound of this target.
    """
    gate, metric = project.gate, project.metric
    most = {"CALIBRATION": gate.max_calibration_error, "SIZE": gate.max_model_bytes}
    most["LATENCY"] = gate.max_milliseconds_per_row
    least: dict[str, float] = {"SUPPORT": metric.min_support}
    if metric.higher_is_better:
        least["BOUND"] = metric.bound
    else:
        most["BOUND"] = metric.bound
    lowest, highest = least.get(check.name), most.get(check.name)
    bound = lowest if lowest is not None else highest
    if check.failed or bound is None or check.value is None or bound == check.bound:
        return check
    words = "at least" if lowest is not None else "at most"
    passed = check.value >= bound if lowest is not None else check.value <= bound
    reason = f"{check.reason}; {target} asks for {words} {bound:g}"
    return replace(check, outcome="passed" if passed else "failed", bound=float(bound), reason=reason)


def enough_groups(project: Project, target: str, support: Check, groups: float | None) -> Check:
    """SUPPORT of another target with the number of groups that this one asks for; a pure function.

    Args:
        project: The project as it is in this target.
        target: The target.
        support: The check, judged by the rows that are asked for.
        groups: The held-out groups that the evaluation there had; None: it is not known.

    Returns:
        The check; failed if there were too few, or nobody knows.
    """
    least = project.metric.min_groups
    if support.failed or (groups is not None and groups >= least):
        return support
    had = "an unknown number of" if groups is None else f"{groups:.0f}"
    reason = f"{support.reason}; {had} held-out groups, {target} asks for at least {least}"
    return replace(support, outcome="failed", value=groups, bound=float(least), reason=reason)


def _against_champion(source: Workspace, rows: "Sequence[Row]", name: str, serves: str | None) -> Check:
    """The comparison with the champion of the source, where that is the champion of the destination too."""
    before = next((row for row in rows if row["CHECK_NAME"] == COMPARED[0]), None)
    compared = rows[0]["CHAMPION"]
    if before is not None and serves is not None and compared == serves and compared != name:
        return _check(before, source.target)
    if serves is None:
        reason = "there is no champion yet: on the first promotion the other checks decide"
    elif serves == name:
        reason = f"{serves} is the champion already"
    else:
        reason = f"in {source.target} it was compared with {compared or 'no champion'}, {serves} serves here"
    return Check(COMPARED[0], "not_asked", reason)


def _contract(destination: Workspace) -> Check:
    try:
        checks = len(check_contract(destination).checks)
    except ContractViolation as violation:
        return Check.of("CONTRACT", passed=False, reason=str(violation), bound=0)
    return Check.of("CONTRACT", passed=True, reason=f"{checks} checks of the data contract passed", value=0, bound=0)


def _asked_again(destination: Workspace, version: Version, training_set: str) -> list[Check]:
    """SKEW, ROBUST, and a row by the scoring statement, over rows of the destination."""
    row = scores_one_row(destination, version.name)
    if row.failed:
        return [row]
    formula = recorded_formula(destination, version)
    features = describe_features(destination, formula, f"features.sql that {version.name} was trained with")
    sample = _sample(destination)
    wrong = keys_not_once(destination, formula, sample)
    if wrong:
        return [row, Check.of("SKEW", passed=False, reason=f"its features.sql does not give each row once: {wrong}")]
    rows = feature_rows(destination, formula, sample)
    evaluation = _asked(destination, version, training_set, rows, features)
    return [row, *(judge(destination.project, evaluation) for judge in (skew, robust))]


def _sample(destination: Workspace) -> str:
    project = destination.project
    table = identifier(destination.database, "RAW", project.table)
    return render(f"{QUERIES}#sample", key=project.row_key, table=table, most=project.evaluation.skew_rows)


def _asked(
    destination: Workspace, version: Version, training_set: str, rows: str, features: tuple[Feature, ...]
) -> Evaluation:
    """What was found of the version as it is served; there are no training rows here, so no text is rare or unseen."""
    some = TrainingSet(rows, training_set, 1, 1, 0, features, kept=True)
    candidate = Candidate(str(version.facts.get("candidate", version.name)), version.name, some)
    apart, odd = ask_served(destination, candidate)
    apart = replace(apart, kinds=tuple(each for each in apart.kinds if each.kind == "NULL"))
    return Evaluation(candidate, skew=apart, robustness=odd)
