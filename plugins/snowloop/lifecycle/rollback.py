"""The way back: the champion before this one becomes champion again, as the ledger remembers it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import RollbackError
from snowloop.lifecycle import ledger
from snowloop.lifecycle.models import crown, versions
from snowloop.lifecycle.results import Result
from snowloop.project import Project

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Rollback(Result):
    """What was rolled back.

    Args:
        from_version: The champion before.
        to_version: The champion now.
    """

    from_version: str
    to_version: str


def rollback(session: "Session", project: Project, target: str) -> Rollback:
    """Return to the previous champion; the next scoring run serves it.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.

    Returns:
        Both versions.

    Raises:
        RollbackError: if the ledger knows no earlier champion, or its version is gone.
    """
    history = ledger.entries(session, project, target)
    reigns = ledger.reigns(history)
    database = project.database(target)
    if len(reigns) < 2:
        now = f"{reigns[-1]} is the first" if reigns else "none was ever promoted"
        message = f"{database}.OPS.LEDGER knows no champion to return to: {now}; promote another version instead"
        raise RollbackError(message)
    previous, now = reigns[-2], reigns[-1]
    if previous not in [version.name for version in versions(session, project, target)]:
        message = f"version {previous}, champion before {now}, is gone from {database}.MODELS.{project.model_name}"
        raise RollbackError(message)
    crown(session, project, target, previous)
    promoted = next(each for each in reversed(history) if each.action in ledger.REIGNS and each.to_version == previous)
    facts = (promoted.verdict_id, promoted.training_set)
    ledger.append(session, project, target, ledger.Change(ledger.ROLLBACK, now, previous, *facts))
    return Rollback(now, previous)
