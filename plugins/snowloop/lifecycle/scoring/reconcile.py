"""Proves that each row that came after the stream began was scored once or quarantined once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.names import names
from snowloop.project import Project
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

SHOWN = 10


@dataclass(frozen=True)
class Reconciliation(Result):
    """Where the rows of the source are.

    Args:
        source_rows: Rows of the RAW table.
        baseline_rows: Rows that were there before the stream.
        scored: Rows of SERVING.SCORED.
        quarantined: Rows of SERVING.QUARANTINE.
        pending: Rows still in the stream.
        removed: Row versions that were corrected or deleted in the source.
    """

    source_rows: int
    baseline_rows: int
    scored: int
    quarantined: int
    pending: int
    removed: int = 0

    def summary(self) -> dict[str, int | float | str]:
        """Rows that arrived, corrected ones among them, and where they went."""
        arrived = self.source_rows - self.baseline_rows + self.removed
        counts = {"arrived": arrived, "scored": self.scored, "quarantined": self.quarantined, "pending": self.pending}
        return {**counts, "removed": self.removed} if self.removed else dict(counts)


def reconcile(workspace: Workspace) -> Reconciliation:
    """Compare, key by key, the rows of the source with where they went.

    Returns:
        The counts.

    Raises:
        ScoringError: if a row was lost, or scored or quarantined more than once; the message names keys.
    """
    project, named = workspace.project, names(workspace.project, workspace.target)
    values: dict[str, Any] = {"table": named.table, "stream": named.changes, "key": project.row_key}
    unreconciled = workspace.run("scoring/reconcile.sql#unreconciled", up_to_offset=False, **values)
    lost = [row for row in unreconciled if row["N"] > 0]
    extra = [row for row in unreconciled if row["N"] < 0]
    twice = workspace.run("scoring/reconcile.sql#scored_twice", **values)
    problems = [
        f"{len(rows)} keys {what}, such as {_keys(project, rows)}"
        for what, rows in (
            ("are neither scored nor quarantined", lost),
            ("have more results than rows", extra),
            ("are scored more than once", twice),
        )
        if rows
    ]
    if problems:
        message = f"the rows of {named.table} do not reconcile with SERVING: {'; '.join(problems)}"
        raise ScoringError(message)
    counts = workspace.run("scoring/reconcile.sql#counts", **values)[0]
    return Reconciliation(*(int(count) for count in counts))


def _keys(project: Project, rows: "list[Row]") -> str:
    return ", ".join("/".join(str(row[column]) for column in project.row_key) for row in rows[:SHOWN])
