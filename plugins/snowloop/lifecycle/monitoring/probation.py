"""Probation: after a promotion the former champion scores along, and a new one that is worse is rolled back, once.

Both score the same rows, so the difference is paired. It is looked at whenever the number of labelled rows has doubled,
each time at a level of error half of that before: all looks together err no more often than one would. Without such a
rule, hourly looks would find a difference by chance sooner or later (P. Armitage, C. McPherson, B. Rowe, Repeated
Significance Tests on Accumulating Data, Journal of the Royal Statistical Society A 132, 1969).
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from snowloop.checks import Check
from snowloop.command_line import command
from snowloop.errors import ChallengeRefused, RollbackError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import challenge, withdraw
from snowloop.lifecycle.champion.compare import Comparison, compare_versions, compared_rows
from snowloop.lifecycle.delivery.roll_back import roll_back
from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.lifecycle.monitoring.alerts import PROBATION
from snowloop.lifecycle.monitoring.windows import Window, record_windows
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import CHALLENGER, aliased, serving, versions
from snowloop.project import Probation as Rules
from snowloop.project import in_words
from snowloop.sql import clock
from snowloop.workspace import Workspace

State = Literal["running", "passed", "unproven", "worse", "rolling_back", "rolled_back", "stopped", "impossible"]
LOST_ERROR = 0.01
"""Chance that a champion whose share of lost scores is the allowed one is ever found to lose more, by all looks."""


@dataclass(frozen=True)
class Probation(Result):
    """The probation of one champion.

    Args:
        entry: Entry of its promotion in the ledger.
        version_name: The new champion.
        former: The one before, which scores along.
        state: ``running``; ``passed`` or ``unproven`` (too few labels) at its end; ``worse``, which opened an alert;
            ``rolling_back``, ``rolled_back``; ``stopped`` if another version serves or challenges; or ``impossible``.
        looks: How often labels were looked at.
        reason: Why, in words.
        began_at: When, in UTC.
        decided_at: When it ended, in UTC; None while it is running.
    """

    entry: int
    version_name: str
    former: str
    state: State
    looks: int
    reason: str
    began_at: datetime
    decided_at: datetime | None = None

    def summary(self) -> dict[str, int | float | str]:
        """Version, state, and why."""
        return {"version": self.version_name, "probation": self.state, "why": self.reason}


@dataclass(frozen=True)
class Followed(Result):
    """The newest probation after a look at it.

    Args:
        probation: The probation; None if there was none yet.
        rolled_back: Whether this look rolled the champion back.
    """

    probation: Probation | None
    rolled_back: bool = False

    def summary(self) -> dict[str, int | float | str]:
        """That of the probation."""
        return self.probation.summary() if self.probation else {"probation": "none"}


def look_confidence(confidence: float, looks: int) -> float:
    """The confidence of the next interval, so that all intervals together have the declared one (Bonferroni).

    Args:
        confidence: The declared confidence.
        looks: How many looks there were.

    Returns:
        The errors allowed are a half, a quarter, an eighth … of ``1 - confidence``.
    """
    return 1 - (1 - confidence) / 2 ** (looks + 1)


def is_due(labelled: int, least: int, looks: int) -> bool:
    """Whether there are labels enough for the next look: the least number at first, and twice as many each time."""
    return labelled >= least * 2**looks


def surely_above(part: int, whole: int, bound: float, error: float) -> bool:
    """Whether a share is above a bound, by a test that may be repeated after each row, without end.

    The likelihood of the counts averaged over all shares above the bound (weighted by Jeffreys' Beta(1/2, 1/2)),
    divided by that of the bound, is a supermartingale while the share is at most the bound. By Ville's inequality it
    ever reaches 1 / error with a chance of at most ``error``, however often one looks: H. Robbins, Statistical Methods
    Related to the Law of the Iterated Logarithm, Annals of Mathematical Statistics 41, 1970; S. Howard and others,
    Time-uniform, Nonparametric, Nonasymptotic Confidence Sequences, Annals of Statistics 49, 2021.

    Args:
        part: How many rows count.
        whole: Of how many.
        bound: The allowed share, from 0 to 1.
        error: Chance of ever being wrong.
    """
    from scipy.special import betaln, xlog1py, xlogy
    from scipy.stats import beta

    if part <= bound * whole:
        return False
    above = betaln(part + 0.5, whole - part + 0.5) + beta.logsf(bound, part + 0.5, whole - part + 0.5)
    weight = betaln(0.5, 0.5) + beta.logsf(bound, 0.5, 0.5)
    evidence = above - weight - xlogy(part, bound) - xlog1py(whole - part, -bound)
    return bool(evidence >= -math.log(error))


def begin_probation(workspace: Workspace) -> Probation | None:
    """Let the former champion score along with a newly promoted one; what has begun is kept.

    Another challenger loses its place, which the ledger says.

    Returns:
        The newest probation; None if none is declared, or nothing was promoted within its length.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be written.
    """
    declared = workspace.project.champion.probation
    if declared is None:
        return None
    known = _probations(workspace)
    newest = known[-1] if known else None
    changes = [each for each in ledger.entries(workspace) if each.action in ledger.CHAMPION_CHANGES]
    last = changes[-1] if changes else None
    if last is None or last.action != ledger.PROMOTE or not last.from_version or not last.to_version:
        return newest
    now = clock(workspace.session)
    over = now - last.done_at.replace(tzinfo=UTC) >= declared.length
    champion = serving(workspace, versions(workspace))
    if any(each.entry == last.entry for each in known) or over or champion is None or champion.name != last.to_version:
        return newest
    state: State = "running"
    reason = f"{last.from_version} scores along with {last.to_version} for {in_words(declared.length)}"
    try:
        challenge(workspace, version=last.from_version, reason=f"probation of {last.to_version}")
    except ChallengeRefused as refused:
        state, reason = "impossible", str(refused)
    names = {"version": last.to_version, "former": last.from_version}
    workspace.run("monitoring/probation.sql#begin", entry=last.entry, state=state, reason=reason, **names)
    return _probations(workspace)[-1]


def follow_probation(workspace: Workspace) -> Followed:
    """Begin, judge, and end the probation of the champion; one that is worse is rolled back where that is declared.

    A rollback that was interrupted goes on. After one that nobody has looked at, whose alert is not closed, no other
    follows: a person decides then.

    Returns:
        The probation.

    Raises:
        AlertError: if other looks at the alerts never end.
        TrainingError: if the procedure that compares breaks down.
    """
    declared, probation = workspace.project.champion.probation, begin_probation(workspace)
    if declared is None or probation is None:
        return Followed(probation)
    if probation.state == "rolling_back":
        return _roll_back(workspace, probation)
    if probation.state != "running":
        return Followed(probation)
    stopped = _stopped(workspace, probation)
    if stopped:
        return Followed(_decide(workspace, probation, "stopped", stopped))
    lost = _lost_scores(workspace, probation, declared)
    return _worse(workspace, probation, declared, lost) if lost else _look(workspace, probation, declared)


def _look(workspace: Workspace, probation: Probation, declared: Rules) -> Followed:
    """Compare on labelled rows, if there are enough for a look or the time is over."""
    ended = clock(workspace.session) - probation.began_at >= declared.length
    names = {"champion": probation.version_name, "challenger": probation.former}
    rows = compared_rows(workspace, **names)
    labelled = int(workspace.run("monitoring/probation.sql#labelled", **rows)[0]["LABELLED"])
    if not (is_due(labelled, declared.min_labels, probation.looks) or (ended and labelled >= declared.min_labels)):
        if not ended:
            return Followed(probation)
        reason = f"{labelled:,} labels in {in_words(declared.length)}, min_labels is {declared.min_labels:,}"
        return Followed(_end(workspace, probation, "unproven", reason))
    confidence = look_confidence(workspace.project.evaluation.confidence, probation.looks)
    found = compare_versions(workspace, version=probation.former, confidence=confidence)
    verdict, reason = _judge(workspace, found, declared, confidence)
    if verdict == "worse":
        return _worse(workspace, probation, declared, reason)
    if verdict == "passed" or ended:
        return Followed(_end(workspace, probation, verdict or "unproven", reason))
    looks = probation.looks + 1
    workspace.write("monitoring/probation.sql#look", rows=1, entry=probation.entry, looks=looks, reason=reason)
    return Followed(_probations(workspace)[-1])


def _judge(
    workspace: Workspace, found: Comparison, declared: Rules, confidence: float
) -> tuple[Literal["worse", "passed"] | None, str]:
    """Whether the former champion is surely better by more than the margin, surely not, or neither."""
    metric = workspace.project.metric
    if found.difference is None:
        return None, f"{metric.name} cannot be compared on the labels that have arrived"
    difference, champion = found.difference, found.metrics.get("champion")
    margin = declared.margin
    if margin is None:
        margin = metric.tolerated(champion.value if champion else 0.0)
    reason = (
        f"on {found.labelled['champion']:,} labelled rows that both scored, {metric.name} of {found.challenger}, the "
        f"champion before, is better than that of {found.champion} by {difference.value:.4f} ({difference.low:.4f} to "
        f"{difference.high:.4f}, confidence {confidence:.2%}), {margin:.4g} is tolerated"
    )
    if difference.low > margin:
        return "worse", reason
    return ("passed" if difference.high <= margin else None), reason


def _stopped(workspace: Workspace, probation: Probation) -> str | None:
    """Why there is nothing to compare any more, or None."""
    registered = versions(workspace)
    champion, challenger = serving(workspace, registered), aliased(registered, CHALLENGER)
    if champion is None or champion.name != probation.version_name:
        return f"{champion.name if champion else 'nobody'} serves now"
    if challenger is None or challenger.name != probation.former:
        return f"{probation.former} no longer scores along: {challenger.name if challenger else 'nobody'} is challenger"
    return None


def _lost_scores(workspace: Workspace, probation: Probation, declared: Rules) -> str | None:
    """How many rows got no score that the former champion scored, if these are surely too many; or None."""
    row = workspace.run(
        "monitoring/probation.sql#lost_scores",
        key=workspace.project.row_key,
        version=probation.version_name,
        former=probation.former,
        since=_text(probation.began_at),
    )[0]
    rows, lost, bound = int(row["N"]), int(row["LOST"]), declared.max_lost_share
    if not surely_above(lost, rows, bound, LOST_ERROR):
        return None
    return (
        f"{lost:,} of {rows:,} rows that {probation.former}, the champion before, scored got no finite score from "
        f"{probation.version_name}, {bound:.1%} are allowed"
    )


def _worse(workspace: Workspace, probation: Probation, declared: Rules, reason: str) -> Followed:
    """Roll the champion back where that is declared and nobody is asked; else open an alert."""
    name, target = workspace.project.name, workspace.target
    earlier = _unseen_rollback(workspace, probation)
    if declared.roll_back and earlier is None:
        return _roll_back(workspace, _decide(workspace, probation, "rolling_back", reason))
    why = "champion.probation.roll_back is false"
    if earlier is not None:
        why = (
            f"{earlier.version_name} was rolled back before, and nobody has closed the alert "
            f"{PROBATION}:{earlier.version_name}"
        )
    reason += f"; it still serves, because {why}: {command('rollback', project=name, target=target)}"
    return Followed(_remains(workspace, probation, reason))


def _remains(workspace: Workspace, probation: Probation, reason: str) -> Probation:
    """Open the alert of a champion that is worse and serves on; it closes when another one serves."""
    _open_alert(workspace, probation, reason, probation.version_name)
    return _decide(workspace, probation, "worse", reason)


def _unseen_rollback(workspace: Workspace, probation: Probation) -> Probation | None:
    """An earlier rollback whose alert no person has closed."""
    alerts = {alert.signal: alert for alert in store.newest_alerts(workspace) if alert.version is None}
    for each in _probations(workspace):
        if each.entry == probation.entry or each.state not in ("rolling_back", "rolled_back"):
            continue
        alert = alerts.get(f"{PROBATION}:{each.version_name}")
        seen = alert is not None and not alert.is_open and each.decided_at is not None
        if not (seen and alert and each.decided_at and alert.last_seen >= each.decided_at):
            return each
    return None


def _roll_back(workspace: Workspace, probation: Probation) -> Followed:
    """Roll back, unless that was done before the process was killed."""
    champion = serving(workspace, versions(workspace))
    if champion is not None and champion.name == probation.version_name:
        try:
            roll_back(workspace, reason=f"{PROBATION}: {probation.reason}")
        except RollbackError as error:
            return Followed(_remains(workspace, probation, f"{probation.reason}; it still serves: {error}"))
    reason = (
        f"{probation.reason}; {probation.former} serves again. Close this alert when you know why: until then no other "
        "champion is rolled back by itself"
    )
    _open_alert(workspace, probation, reason, None)
    return Followed(_decide(workspace, probation, "rolled_back", probation.reason), rolled_back=True)


def _open_alert(workspace: Workspace, probation: Probation, reason: str, version: str | None) -> None:
    """Judge the probation, and look at the alerts at once; one of no version is closed only by a person."""
    champion = serving(workspace, versions(workspace))
    check = Check.of(f"{PROBATION}:{probation.version_name}", passed=False, reason=reason)
    end = probation.decided_at or clock(workspace.session)
    record_windows(workspace, [Window(check, probation.began_at, end, 0, version)])
    store.update_alerts(workspace, champion.name if champion else "")


def _end(workspace: Workspace, probation: Probation, state: State, reason: str) -> Probation:
    """End it: the former champion scores along no longer."""
    withdraw(workspace, reason=f"probation of {probation.version_name}: {state}")
    return _decide(workspace, probation, state, reason)


def _decide(workspace: Workspace, probation: Probation, state: State, reason: str) -> Probation:
    values = {"entry": probation.entry, "state": state, "reason": reason}
    workspace.write("monitoring/probation.sql#decide", rows=1, **values)
    return next(each for each in _probations(workspace) if each.entry == probation.entry)


def _probations(workspace: Workspace) -> list[Probation]:
    return [_probation(list(row)) for row in workspace.run("monitoring/probation.sql#probations")]


def _probation(values: list[Any]) -> Probation:
    utc: list[Any] = [each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in values]
    return Probation(*utc)


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")
