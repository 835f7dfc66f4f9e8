"""Rows that arrived since a version was trained: a second hold-out, which nobody has looked at when it was chosen."""

from collections.abc import Sequence
from typing import Any

from snowloop.lifecycle.evaluation.holdout import TrainingRows
from snowloop.lifecycle.evaluation.parts import Interval, NewerRows
from snowloop.lifecycle.evaluation.rivals import rivals_of, scores_query
from snowloop.lifecycle.training.train import Candidate
from snowloop.lifecycle.versions import Version
from snowloop.sql import render
from snowloop.workspace import Workspace
from snowloop_procedures import requests


def newer_rows(
    workspace: Workspace, existing: Sequence[Version], candidate: Candidate, own: TrainingRows
) -> requests.NewerRows | None:
    """How to read the labelled rows that arrived since a version was trained, and the scores of it and the champion.

    Whichever side of the present split they are on, the version has neither been trained nor judged on them.

    Args:
        existing: All versions of the model.
        candidate: The version, with the present training set.
        own: Which rows it was trained on.

    Returns:
        The queries; None if it was trained on the present training set, or its own is gone.
    """
    if own.table is None:
        return None
    project, target, training_set = workspace.project, workspace.target, candidate.training_set
    names = {"table": training_set.table, "seen": own.table, "key": project.row_key}
    table = render("evaluation/queries.sql#newer_rows", **names)
    champion = rivals_of(workspace, existing, candidate, table).get("champion")
    compared = champion is not None and champion.measured_by != candidate.version_name
    scores = champion.scores(project, target) if champion and compared else None
    trained_on = {"CHAMPION": champion.trained_on.table} if champion and scores and champion.trained_on.table else {}
    held_out = render(
        "evaluation/held_out.sql",
        table=table,
        features=(),
        label=project.label.column,
        key=project.row_key,
        slices=[],
        raw_slices=False,
        dependent_by=project.split.kept_as,
        trained_on=trained_on,
    )
    own_scores = scores_query(project, target, table, candidate.version_name, training_set.features)
    return requests.NewerRows(held_out, own_scores, scores)


def measured_newer(measured: dict[str, Any] | None) -> NewerRows | None:
    """What the evaluation procedure found of these rows."""
    if measured is None:
        return None
    ends = {name: Interval(**measured[name]) if measured[name] else None for name in ("interval", "difference")}
    return NewerRows(**{**measured, **ends})
