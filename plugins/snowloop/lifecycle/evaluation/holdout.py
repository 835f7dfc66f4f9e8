"""Which rows a version was trained on: held-out rows among them must not judge it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.lifecycle.evaluation.results import HeldOut
from snowloop.lifecycle.versions import Version
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowloop.lifecycle.features.training_set import TrainingSet


@dataclass(frozen=True)
class TrainingRows:
    """The rows that a version was trained on, where they are not those of the training set that is to judge it.

    Args:
        table: Quoted name of its own training set; None if it is the same one, or is gone.
        unknown: Why its rows are not known; None if they are.
    """

    table: str | None = None
    unknown: str | None = None

    def held_out(self, left_out: int) -> HeldOut:
        """What an evaluation records of it, when so many rows were left out."""
        return HeldOut(left_out, self.unknown)

    def rows_without(self, project: Project, training_set: "TrainingSet") -> str:
        """The rows of a training set that it was not trained on, as SQL puts them after FROM."""
        if self.table is None:
            return training_set.table
        names = {"table": training_set.table, "trained_on": self.table, "key": project.row_key}
        return render("evaluation/queries.sql#rows_without", **names)


def training_rows_of(workspace: Workspace, version: Version | None, training_set: "TrainingSet") -> TrainingRows:
    """Find the rows that a version was trained on.

    A split that is declared differently, or rows that arrive with an earlier time: both hold out rows that trained an
    older version.

    Args:
        version: The version; None: there is none.
        training_set: The training set whose held-out rows are to judge it.

    Returns:
        Its own training set, if it is another one.
    """
    if version is None:
        return TrainingRows()
    fingerprint = version.facts.get("training_set")
    if fingerprint == training_set.fingerprint:
        return TrainingRows()
    if not fingerprint:
        return TrainingRows(unknown=f"version {version.name} does not record on which training set it was trained")
    name = f"TRAINING_SET_{fingerprint}".upper()
    if not workspace.exists("TABLES", "FEATURES", name):
        return TrainingRows(unknown=f"{name}, on which version {version.name} was trained, is gone")
    return TrainingRows(identifier(workspace.database, "FEATURES", name))
