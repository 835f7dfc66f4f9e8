"""Which rows a version was trained on: of held-out rows those that it has not seen may judge it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.lifecycle.evaluation.results import HeldOut
from snowloop.lifecycle.versions import Version, show
from snowloop.project import Project
from snowloop.sql import identifier, render
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowloop.lifecycle.features.training_set import TrainingSet


@dataclass(frozen=True)
class Lesson:
    """What a version learnt from, where that is not the training set whose held-out rows shall judge it.

    Args:
        table: Quoted name of its own training set; None if it is the same one, or is gone.
        unknown: Why its rows are not known; None if they are.
    """

    table: str | None = None
    unknown: str | None = None

    def unseen(self, left_out: int) -> HeldOut:
        """What an evaluation says of it, when so many rows were left out."""
        return HeldOut(left_out, self.unknown)

    def unseen_rows(self, project: Project, training_set: "TrainingSet") -> str:
        """The rows of a training set that it was not trained on, as SQL puts them after FROM."""
        if self.table is None:
            return training_set.table
        return render("evaluate/unseen.sql", table=training_set.table, learnt=self.table, key=project.key)


def lesson(workspace: Workspace, version: Version | None, training_set: "TrainingSet") -> Lesson:
    """Find the rows that a version was trained on.

    A split that is declared anew, or rows that arrive with an earlier time: both hold out rows that trained an older
    version.

    Args:
        workspace: Session, project and environment.
        version: The version; None: there is none.
        training_set: The training set whose held-out rows shall judge it.

    Returns:
        Its own training set, if it is another one.
    """
    if version is None:
        return Lesson()
    fingerprint = version.facts.get("training_set")
    if fingerprint == training_set.fingerprint:
        return Lesson()
    if not fingerprint:
        return Lesson(unknown=f"version {version.name} does not say on which training set it was trained")
    schema, name = identifier(workspace.database, "FEATURES"), f"TRAINING_SET_{fingerprint}".upper()
    if not show(workspace.session, f"SHOW TABLES LIKE '{name}' IN SCHEMA {schema}"):
        return Lesson(unknown=f"{name}, on which version {version.name} was trained, is gone")
    return Lesson(f"{schema}.{identifier(name)}")
