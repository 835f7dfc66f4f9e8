"""The model monitor that exists, as SHOW MODEL MONITORS returns it; nothing is changed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.model_monitor.desired import BASELINE, MARK, SOURCE, SQL, declared_monitor, monitor_name
from snowloop.lifecycle.versions import show
from snowloop.sql import render
from snowloop.workspace import Workspace

LONGEST_MESSAGE = 300
"""Characters of the account's message in a refusal."""


@dataclass(frozen=True)
class ObservedMonitor:
    """What an account says about the model monitor of a project.

    Args:
        row: Its row of SHOW MODEL MONITORS; None if there is none, or nothing asks for one.
        problem: Why the account cannot say: what it answered.
    """

    row: Mapping[str, Any] | None = None
    problem: str = ""

    @property
    def comment(self) -> str:
        """Its comment: the fingerprint, if Snowloop made it."""
        return str((self.row or {}).get("comment") or "")

    @property
    def is_own(self) -> bool:
        """Whether Snowloop made it."""
        return self.comment.startswith(MARK)

    @property
    def state(self) -> str:
        """Its state, such as ``ACTIVE`` or ``SUSPENDED``."""
        return str((self.row or {}).get("monitor_state") or "").upper()


def observe_monitor(workspace: Workspace, tables: Collection[str]) -> ObservedMonitor:
    """Ask for the model monitor, if one is declared or its view or baseline is there.

    Args:
        tables: Names of the tables and views that exist, as SCHEMA.NAME.

    Returns:
        What there is; an account without model monitors refuses the statement, and that is the answer.
    """
    from snowflake.snowpark.exceptions import SnowparkSQLException

    leftover = {".".join(SOURCE), ".".join(BASELINE)} & set(tables)
    if declared_monitor(workspace.project, workspace.target) is None and not leftover:
        return ObservedMonitor()
    name = monitor_name(workspace.project)
    try:
        rows = show(workspace.session, render(f"{SQL}#show", database=workspace.database, name=name))
    except SnowparkSQLException as error:
        return ObservedMonitor(problem=str(error.message or error).strip()[:LONGEST_MESSAGE])
    return ObservedMonitor(next((row for row in rows if row["name"] == name), None))
