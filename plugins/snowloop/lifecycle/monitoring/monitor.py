"""Watches the version that serves: its scores, the times of its runs, its age, and the packages that it has."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from snowloop.checks import MONITORING_CHECKS, Check, record
from snowloop.errors import MonitoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.provenance import lock_hash
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, champion, model
from snowloop.project import Project
from snowloop.project.durations import in_words
from snowloop.sql import run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

LAST_RUNS = 20
"""Scoring runs that the newest one is compared with."""
LEAST_RUNS = 2
"""Fewer earlier ones tell nothing."""
LONG_SECONDS = 60.0
"""A run that takes less is no regression, whatever the others took: of few rows the fixed part is the greatest."""
DAY = 86_400


@dataclass(frozen=True)
class Monitored(Result):
    """What was watched of a champion; all of it is in OPS.MONITORING_CHECKS.

    Args:
        version_name: The champion.
        checks: Every check: SCORES_FINITE (scores that are no finite number), SCORING_TIME (how many times the usual
            seconds per row), CHAMPION_AGE (days), DEPENDENCIES (packages that differ); what there is no evidence for
            yet (no scored rows, too few runs) is not among them.
    """

    version_name: str
    checks: tuple[Check, ...]

    def summary(self) -> dict[str, int | float | str]:
        """The champion, and how much is as it should be."""
        passed = sum(check.passed for check in self.checks)
        return {"version": self.version_name, "checks": len(self.checks), "passed": passed}


def monitor(workspace: Workspace) -> Monitored:
    """Watch the champion, and write every check into OPS.MONITORING_CHECKS.

    After "The ML Test Score" (Breck and others, 2017), tests monitoring 1, 4, 5 and 6.

    Args:
        workspace: Session, project and environment.

    Returns:
        What was watched.

    Raises:
        MonitoringError: if there is no champion, or something is not as it should be; the message holds each reason.
    """
    session, project = workspace.session, workspace.project
    database, now = workspace.database, champion(workspace)
    if now is None:
        message = (
            f"there is nothing to watch: {model(project, workspace.target)} has no champion; train and promote one"
        )
        raise MonitoringError(message)
    history = ledger.entries(workspace)
    checks = [
        *_finite(session, database, now),
        *_times(session, project, database),
        *_age(session, project, database, now),
        *_dependencies(project, now, history),
    ]
    record(workspace, MONITORING_CHECKS, checks, model_version=now.name)
    failed = [check.reason for check in checks if check.failed]
    if failed:
        message = f"project {project.name}, champion {now.name} in {database}: {'; '.join(failed)}"
        raise MonitoringError(message)
    return Monitored(now.name, tuple(checks))


def _finite(session: "Session", database: str, now: Version) -> Sequence[Check]:
    row = run(session, "monitoring/scores.sql", database=database, version=now.name)[0]
    rows, bad = int(row["N"]), int(row["NOT_FINITE"])
    if not rows:
        return []
    words = f"{bad} of {rows} scores in {row['RUNS']} runs are null, NaN or infinite"
    if bad:
        words += ": look at FEATURES of these rows in SERVING.SCORED, and let model.py or features.sql bear such values"
    return [Check.of("SCORES_FINITE", passed=not bad, reason=words, value=bad, bound=0)]


def _times(session: "Session", project: Project, database: str) -> Sequence[Check]:
    """The newest run against the median of those before it, in seconds per row."""
    rows = run(session, "monitoring/times.sql", database=database, most=LAST_RUNS + 1)
    each = [float(row["SECONDS"]) / int(row["ROWS_READ"]) for row in rows]
    if len(each) <= LEAST_RUNS or not median(each[1:]):
        return []
    usual, most = median(each[1:]), project.monitoring.max_slowdown
    slower, seconds = each[0] / usual, float(rows[0]["SECONDS"])
    passed = slower <= most or seconds < LONG_SECONDS
    words = (
        f"the last scoring run took {seconds:.1f} s, {1000 * each[0]:.3g} ms a row, {slower:.2f} times the median of "
    )
    words += f"the {len(each) - 1} runs before it"
    if not passed:
        words += f", at most {most:g} are allowed: look at the warehouse, at features.sql and at the version"
    return [Check.of("SCORING_TIME", passed=passed, reason=words, value=slower, bound=most)]


def _age(session: "Session", project: Project, database: str, now: Version) -> Sequence[Check]:
    fingerprint = str(now.facts.get("training_set") or "")
    age = run(session, "monitoring/age.sql", database=database, fingerprint=fingerprint)[0]["AGE"]
    if age is None:
        return []
    most = project.monitoring.max_model_age
    passed = int(age) <= most.total_seconds()
    words = f"the training set of {now.name} is {int(age) / DAY:.1f} days old, {in_words(most)} are allowed"
    words += "" if passed else ": train again, or raise monitoring.max_model_age"
    bound = most.total_seconds() / DAY
    return [Check.of("CHAMPION_AGE", passed=passed, reason=words, value=int(age) / DAY, bound=bound)]


def _dependencies(project: Project, now: Version, history: list[ledger.Entry]) -> Sequence[Check]:
    """The declared packages against those that the ledger holds of the champion's promotion."""
    promoted = [entry for entry in history if entry.action == ledger.PROMOTE]
    own = next((entry for entry in reversed(promoted) if entry.to_version == now.name), None)
    if own is None or own.lock_hash is None:
        return []
    same = own.lock_hash == lock_hash(project)
    trained, declared = set(now.facts.get("packages", ())), set(project.packages)
    changed = 0 if same else max(len(trained ^ declared), 1)
    if same:
        words = f"the declared packages are those of {now.name} (hash {own.lock_hash})"
        before = [entry for entry in promoted if entry.entry < own.entry and entry.lock_hash]
        if before and before[-1].lock_hash != own.lock_hash:
            words += (
                f"; they changed with entry {own.entry} of the ledger, before it the hash was {before[-1].lock_hash}"
            )
    else:
        told = [f"{name} is gone" for name in sorted(trained - declared)]
        told += [f"{name} has come" for name in sorted(declared - trained)]
        words = f"the declared packages are not those that {now.name} was trained with: "
        words += f"{', '.join(told) or 'they come from another artifact repository'}; train again"
    return [Check.of("DEPENDENCIES", passed=same, reason=words, value=changed, bound=0)]
