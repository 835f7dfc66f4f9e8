"""Checks the champion in service: its scores, the time of its scoring runs, its age, its packages, and drift."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from statistics import median
from typing import TYPE_CHECKING

from snowloop.checks import MONITORING_CHECKS, Check, counted, record
from snowloop.errors import MonitoringCheckError, MonitoringError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.monitoring.alert_store import update_alerts
from snowloop.lifecycle.monitoring.data_health import data_health
from snowloop.lifecycle.monitoring.drift import Drift, drift
from snowloop.lifecycle.monitoring.model_monitor import model_monitor
from snowloop.lifecycle.monitoring.performance import performance
from snowloop.lifecycle.monitoring.windows import Window, record_windows
from snowloop.lifecycle.provenance import lock_hash
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, champion, model
from snowloop.project import Project, in_words
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

EARLIER_RUNS = 20
"""Scoring runs that one is compared with, at most; and those that are judged at once."""
MIN_EARLIER_RUNS = 2
"""With fewer earlier runs there is no comparison."""
LONG_SECONDS = 60.0
"""A shorter run is never a regression: with few rows, most of the time is overhead."""
DAY = 86_400
NO_RUN = Check(
    "SCORING_TIME",
    "not_asked",
    f"no run that scored rows ended since the last time with {MIN_EARLIER_RUNS} runs before it to compare it with",
)


@dataclass(frozen=True)
class MonitoringReport(Result):
    """The checks of a champion in service; all of them are in OPS.MONITORING_CHECKS.

    Args:
        version_name: The champion.
        checks: SCORES_FINITE (number of scores that are null, NaN or infinite), SCORING_TIME (seconds per row of a run,
            as a multiple of the median: of the runs since the last time those that failed, or the newest), CHAMPION_AGE
            (days), DEPENDENCIES (number of packages that differ), and for each feature, the score and their total
            ``drift:`` and its name, of the newest window (population stability index). One without evidence yet
            (no scored rows, too few runs, none since the last time) is not asked.
        waiting: What of drift is not judged yet, in words; empty if there is nothing.
        page: Where the page of monitoring is; empty if none was made.
    """

    version_name: str
    checks: tuple[Check, ...]
    waiting: str = ""
    page: str = ""

    def summary(self) -> dict[str, int | float | str]:
        """The champion, how many checks passed and were not asked, and where the page is."""
        page = {"page": self.page} if self.page else {}
        return {"version": self.version_name, "checks": counted(self.checks), **page}


def monitor(workspace: Workspace) -> MonitoringReport:
    """Check the champion in service, and write every check into OPS.MONITORING_CHECKS.

    After "The ML Test Score" (Breck and others, 2017), tests monitoring 1, 4, 5 and 6; and drift (docs/drift.md).

    Raises:
        MonitoringError: if there is no champion; or if a part cannot be measured, after the others are recorded and
            their alerts are open.
        MonitoringCheckError: if a check fails; the message holds each reason, and the error has the report.
    """
    project, now = workspace.project, champion(workspace)
    if now is None:
        raise MonitoringError(
            f"there is nothing to monitor: {model(project, workspace.target)} has no champion; train and promote one"
        )
    history, failed = ledger.entries(workspace), dict[str, Exception]()
    runs, drifted, of_snowflake = _times(workspace), Drift(), list[Check]()
    of_the_moment = [_finite(workspace, now), _age(workspace, now), _dependencies(project, now, history)]
    of_the_moment += [] if runs else [NO_RUN]
    with _kept(failed, "data health"):
        record_windows(workspace, [*runs, *data_health(workspace)])
    with _kept(failed, "performance"):
        record_windows(workspace, performance(workspace, now, history))
    with _kept(failed, "the model monitor"):
        of_snowflake, windows = model_monitor(workspace, now)
        record_windows(workspace, windows)
    with _kept(failed, "drift"):
        drifted = drift(workspace, now)
    record(workspace, MONITORING_CHECKS, [*of_the_moment, *of_snowflake], model_version=now.name)
    update_alerts(workspace, now.name)
    slow = [each.check for each in runs if each.check.failed]
    checks = [*of_the_moment, *of_snowflake, *(slow or [each.check for each in runs[-1:]])]
    report = MonitoringReport(now.name, (*checks, *drifted.checks), drifted.waiting)
    broken = [f"{part} cannot be measured: {_words(error)}" for part, error in failed.items()]
    reasons = [*broken, *(check.reason for check in checks if check.failed)]
    message = f"project {project.name}, champion {now.name} in {workspace.database}: {'; '.join(reasons)}"
    if failed:
        raise MonitoringError(message) from next(iter(failed.values()))
    if reasons:
        raise MonitoringCheckError(message, report)
    return report


@contextmanager
def _kept(failed: dict[str, Exception], part: str) -> Iterator[None]:
    """Keep the error of one part until the others are measured and alerts are open: a broken one must not hide them."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised in the end
        failed[part] = error


def _words(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)


def _finite(workspace: Workspace, now: Version) -> Check:
    row = workspace.run("monitoring/queries.sql#finite_scores", version=now.name)[0]
    rows, bad = int(row["N"]), int(row["NOT_FINITE"])
    if not rows:
        return Check("SCORES_FINITE", "not_asked", f"{now.name} has scored no row yet")
    reason = f"{bad} of {rows} scores in {row['RUNS']} runs are null, NaN or infinite"
    if bad:
        reason += (
            ": look at FEATURES of these rows in SERVING.SCORED, and handle such values in model.py or features.sql"
        )
    return Check.of("SCORES_FINITE", passed=not bad, reason=reason, value=bad, bound=0)


def _times(workspace: Workspace) -> list[Window]:
    """Each run that was not judged before, against the median of those before it in seconds per row; oldest first."""
    rows = workspace.run("monitoring/queries.sql#scoring_times", limit=2 * EARLIER_RUNS)
    costs = [float(row["SECONDS"]) / int(row["ROWS_READ"]) for row in rows]
    judged = [
        _time(workspace.project, row, costs[place], costs[max(place - EARLIER_RUNS, 0) : place])
        for place, row in enumerate(rows)
        if row["IS_NEW"] and place >= MIN_EARLIER_RUNS
    ]
    return [window for window in judged if window]


def _time(project: Project, run: "Row", cost: float, earlier: list[float]) -> Window | None:
    """The judgement on one run; None if the runs before it took no time."""
    if not median(earlier):
        return None
    slowdown, seconds, bound = cost / median(earlier), float(run["SECONDS"]), project.monitoring.max_slowdown
    passed = slowdown <= bound or seconds < LONG_SECONDS
    reason = (
        f"the scoring run of {run['STARTED_AT']:%Y-%m-%d %H:%M:%S} UTC took {seconds:.1f} s, {1000 * cost:.3g} ms a "
        f"row, {slowdown:.2f} times the median of the {len(earlier)} runs before it"
    )
    if not passed:
        reason += f", at most {bound:g} are allowed: check the warehouse, features.sql and the version"
    check = Check.of("SCORING_TIME", passed=passed, reason=reason, value=slowdown, bound=bound)
    start, end = (run[name].replace(tzinfo=UTC) for name in ("STARTED_AT", "FINISHED_AT"))
    return Window(check, start, end, int(run["ROWS_READ"]), run["MODEL_VERSION"])


def _age(workspace: Workspace, now: Version) -> Check:
    fingerprint = str(now.facts.get("training_set") or "")
    seconds = workspace.run("monitoring/queries.sql#age_of_training_set", fingerprint=fingerprint)[0]["AGE"]
    if seconds is None:
        return Check("CHAMPION_AGE", "not_asked", f"OPS.TRAINING_SETS has no record of the training set of {now.name}")
    max_age = workspace.project.monitoring.max_model_age
    days, bound = int(seconds) / DAY, max_age.total_seconds() / DAY
    reason = f"the training set of {now.name} is {days:.1f} days old, {in_words(max_age)} are allowed"
    reason += "" if days <= bound else ": train again, or raise monitoring.max_model_age"
    return Check.of("CHAMPION_AGE", passed=days <= bound, reason=reason, value=days, bound=bound)


def _dependencies(project: Project, now: Version, history: list[ledger.Entry]) -> Check:
    """The declared packages compared with those that the ledger has of the champion's promotion."""
    promoted = [entry for entry in history if entry.action == ledger.PROMOTE]
    own = next((entry for entry in reversed(promoted) if entry.to_version == now.name), None)
    if own is None or own.lock_hash is None:
        reason = f"OPS.LEDGER has no promotion of {now.name} with the hash of its packages"
        return Check("DEPENDENCIES", "not_asked", reason)
    same = own.lock_hash == lock_hash(project)
    trained, declared = set(now.facts.get("packages", ())), set(project.packages)
    changed = 0 if same else max(len(trained ^ declared), 1)
    if same:
        reason = f"the declared packages are those of {now.name} (hash {own.lock_hash})"
        before = [entry for entry in promoted if entry.entry < own.entry and entry.lock_hash]
        if before and before[-1].lock_hash != own.lock_hash:
            reason += f"; they changed with entry {own.entry} of the ledger, the hash before was {before[-1].lock_hash}"
    else:
        changes = [f"{name} was removed" for name in sorted(trained - declared)]
        changes += [f"{name} was added" for name in sorted(declared - trained)]
        reason = (
            f"the declared packages are not those that {now.name} was trained with: "
            f"{', '.join(changes) or 'they come from another artifact repository'}; train again"
        )
    return Check.of("DEPENDENCIES", passed=same, reason=reason, value=changed, bound=0)
