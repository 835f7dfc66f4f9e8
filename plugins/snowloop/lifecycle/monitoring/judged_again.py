"""Judges the version that serves again, by the bounds and the contract that are declared now; nothing is trained."""

from dataclasses import dataclass, replace
from typing import Literal

from snowloop.checks import Check, counted
from snowloop.errors import ContractViolation, GateRefused, LeakageError, RollbackError
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.challenger import judge_version
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.delivery.roll_back import roll_back
from snowloop.lifecycle.deployment.schema_version import check_release
from snowloop.lifecycle.fingerprints import change_kind, recorded_fingerprints
from snowloop.lifecycle.monitoring import alert_store as store
from snowloop.lifecycle.monitoring.alerts import JUDGED_AGAIN
from snowloop.lifecycle.monitoring.windows import Window, record_windows
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, champion
from snowloop.sql import clock
from snowloop.workspace import Workspace


@dataclass(frozen=True)
class JudgedAgain(Result):
    """What became of the version that serves.

    Args:
        version: The version; None if none serves.
        outcome: Whether it keeps the bounds of now.
        reason: Why, or why it was not asked.
        verdict_id: The verdict in OPS.VERDICTS; empty without one: the contract or the check of leakage comes first.
        serves: The version that serves afterwards.
    """

    version: str | None
    outcome: Literal["passed", "failed", "not asked"]
    reason: str
    verdict_id: str = ""
    serves: str | None = None

    def summary(self) -> dict[str, int | float | str]:
        """The version and the outcome."""
        return {"version": self.version or "none", "outcome": self.outcome}

    def text(self) -> str:
        """The outcome for people."""
        if self.outcome == "not asked":
            return f"not judged: {self.reason}"
        now = "" if self.serves == self.version else f"; {self.serves} serves again"
        return f"{self.version} {self.outcome}: {self.reason}{now}"


def judge_again(workspace: Workspace, *, if_needed: bool = False) -> JudgedAgain:
    """Have the gate judge the version that serves, on the held-out rows of the present data; nothing is trained.

    The outcome is in OPS.VERDICTS, with its checks, and in OPS.LEDGER. A version that fails goes on serving, and an
    alert opens, unless ``champion.fails_again`` declares that it is rolled back.

    Args:
        if_needed: Whether to ask only if contract or bounds are not those by which it was judged last, or it failed
            then.

    Returns:
        The outcome; of a version that fails too.

    Raises:
        PlanRefused: if a later release has made the environment.
        ScoringError: if it was trained with another features.sql than that of the project.
        EnvironmentBusy: if it is to be rolled back, and a deployment is under way.
    """
    check_release(workspace)
    serving = champion(workspace)
    if serving is None:
        return JudgedAgain(None, "not asked", f"no version serves in {workspace.target}")
    if if_needed and ledger.failed_again(ledger.entries(workspace)) is None:
        change = change_kind(workspace.project, recorded_fingerprints(workspace))
        if change.kind != "judge":
            return JudgedAgain(serving.name, "not asked", change.text(), serves=serving.name)
    judged = _judge(workspace, serving)
    _record(workspace, serving, judged)
    if judged.outcome == "failed" and workspace.project.champion.fails_again == "roll_back":
        return _rolled_back(workspace, judged)
    return judged


def _judge(workspace: Workspace, serving: Version) -> JudgedAgain:
    try:
        check_contract(workspace)
        verdict = judge_version(workspace, serving)
    except (ContractViolation, LeakageError, GateRefused) as refused:
        verdict_id = refused.verdict_id if isinstance(refused, GateRefused) else ""
        return JudgedAgain(serving.name, "failed", str(refused), verdict_id, serving.name)
    reason = f"checks of the gate: {counted(verdict.checks)}"
    return JudgedAgain(serving.name, "passed", reason, verdict.verdict_id, serving.name)


def _record(workspace: Workspace, serving: Version, judged: JudgedAgain) -> None:
    """Write the outcome into the ledger, unless it is there already, and let the alert open or close."""
    passed = judged.outcome == "passed"
    reason = f"judged again: {judged.reason}" if passed else f"{ledger.FAILS}{judged.reason}"
    change = ledger.Change(
        ledger.JUDGE,
        serving.name,
        serving.name,
        judged.verdict_id or None,
        str(serving.facts.get("training_set") or "") or None,
        reason=reason,
    )
    entries = ledger.entries(workspace)
    last = entries[-1] if entries else None
    if last is None or (last.action, last.to_version, last.reason) != (ledger.JUDGE, serving.name, reason):
        ledger.append(workspace, change)
    now = clock(workspace.session)
    check = Check.of(JUDGED_AGAIN, passed=passed, reason=reason, subject=serving.name)
    record_windows(workspace, [Window(check, now, now, 0, serving.name)])
    store.update_alerts(workspace, serving.name)


def _rolled_back(workspace: Workspace, judged: JudgedAgain) -> JudgedAgain:
    try:
        done = roll_back(workspace, reason=judged.reason)
    except RollbackError as error:
        return replace(judged, reason=f"{judged.reason}; it still serves: {error}")
    return replace(judged, serves=done.to_version)
