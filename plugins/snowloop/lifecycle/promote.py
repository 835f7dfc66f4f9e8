"""Stage 4e: the version that the gate let pass becomes champion, and the ledger says so."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import GateRefused
from snowloop.lifecycle import ledger
from snowloop.lifecycle.approval import Approval, check_approved
from snowloop.lifecycle.gate import Verdict
from snowloop.lifecycle.models import CHALLENGER, Version, champion, crown, model
from snowloop.lifecycle.results import Result
from snowloop.project import Project

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Promotion(Result):
    """Who is champion now.

    Args:
        version_name: The champion.
        previous: The champion before, or None.
        kept: Whether it was champion already.
    """

    version_name: str
    previous: str | None
    kept: bool

    def summary(self) -> dict[str, int | float | str]:
        """Champion, the one before, and whether nothing changed."""
        return {"champion": self.version_name, "before": self.previous or "none", "kept": int(self.kept)}


def promote(
    session: "Session", project: Project, target: str, verdict: Verdict, approval: Approval | None = None
) -> Promotion:
    """Make a version champion; a promotion that was broken off is completed, one that is done is kept.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.
        verdict: What the gate decided.
        approval: The yes that the declaration may ask for; it is recorded with the promotion.

    Returns:
        The champion, and the one before.

    Raises:
        ApprovalRefused: if the declaration asks for a yes in this environment and there is none for this version.
        GateRefused: if another version became champion since: a verdict holds against the champion that it names.
        snowflake.snowpark.exceptions.SnowparkSQLException: if the version is gone.
    """
    check_approved(project, target, verdict, approval)
    now = champion(session, project, target)
    _check_present(project, target, verdict, now)
    reigns = ledger.reigns(ledger.entries(session, project, target))
    written = reigns[-1] if reigns else None
    if now is None or now.name != verdict.version_name or CHALLENGER in now.aliases:
        crown(session, project, target, verdict.version_name)
    elif written == verdict.version_name:
        return Promotion(verdict.version_name, reigns[-2] if len(reigns) > 1 else None, kept=True)
    if written != verdict.version_name:
        change = ledger.Change(
            ledger.PROMOTE,
            written,
            verdict.version_name,
            verdict.verdict_id,
            verdict.training_set,
            verdict.override,
            approval,
        )
        ledger.append(session, project, target, change)
    return Promotion(verdict.version_name, written, kept=False)


def _check_present(project: Project, target: str, verdict: Verdict, now: Version | None) -> None:
    """A person may answer much later, and two trainings may end in one hour."""
    name = now.name if now else None
    if name in (verdict.champion, verdict.version_name):
        return
    message = (
        f"{verdict.version_name} was judged against {verdict.champion or 'no champion'}; now the champion of "
        f"{model(project, target)} is {name or 'nobody'}: have the gate judge again, by another run of "
        f"{project.name}__train (of a challenger: {project.name}__challenge with the action promote)"
    )
    raise GateRefused(message, verdict.verdict_id)
