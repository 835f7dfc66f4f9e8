"""The baseline that drift is measured against: the bins of a training set, and of a version's held-out scores."""

from typing import Any

from snowloop.lifecycle.features.feature import Subject
from snowloop.workspace import Workspace
from snowloop_procedures.requests import SCORE_COLUMN
from snowloop_procedures.statistics.deciles import LEAST_ROWS

TEMPLATE = "monitoring/baseline.sql"
CHUNKS = 10
"""Into how many chunks the training rows are cut in time order, as NannyML does by default."""
MOST_BINS = 50
"""Categories that have a bin of their own."""
MOST_CATEGORIES = 10_000
"""Categories that are known; rarer ones of a text with more than these count as unseen, in training as in serving."""


def write_baseline(workspace: Workspace, subject: Subject) -> None:
    """Write the bins of the training rows into OPS.BASELINES, and their chunks, unless that was done.

    Chunks need the time order of the rows: there are none of a split by hash or by group.

    Args:
        subject: The rows of the training set, its fingerprint and its features.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be written.
    """
    values = {"table": subject.table, "training_set": subject.fingerprint, "features": subject.features}
    most = {"most_bins": MOST_BINS, "least_rows": LEAST_ROWS, "most_categories": MOST_CATEGORIES}
    workspace.run(f"{TEMPLATE}#features", **values, **most)
    if workspace.project.split.by in ("time", "order"):
        workspace.run(f"{TEMPLATE}#chunks", **values, key=workspace.project.row_key, chunks=CHUNKS)


def write_score_baseline(workspace: Workspace, training_set: str, version: str, bins: dict[str, Any] | None) -> None:
    """Write the bins of a version's scores of the held-out rows into OPS.BASELINES, unless that was done.

    Args:
        training_set: Fingerprint of its training set.
        version: Name of the version.
        bins: What ``score_bins`` gave; None: there is no score to count.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be written.
    """
    if bins is None:
        return
    edges, counts = bins["edges"], bins["counts"]
    names = [f"B{place:02}" for place in range(1, len(edges) + 1)]
    uppers = [*edges[1:], None]
    rows = [
        _bin("BELOW", 0, names[0], None, edges[0], 0),
        *(
            _bin(name, place, name, edges[place - 1] if place > 1 else None, uppers[place - 1], counts[place - 1])
            for place, name in enumerate(names, 1)
        ),
        _bin("ABOVE", 11, names[-1], bins["highest"], None, 0),
        _bin("NULL", 12, "NULL", None, None, bins["missing"]),
    ]
    figures = {"mean": bins["mean"], "deviation": bins["deviation"]}
    names_of = {"training_set": training_set, "version": version, "column": SCORE_COLUMN.name}
    workspace.run(f"{TEMPLATE}#scores", **names_of, rows=rows, **figures)


def copy_score_baseline(workspace: Workspace, training_set: str, judged: str, refitted: str) -> None:
    """Have a version that was trained on all rows the score bins of the judged one, unless that was done.

    Its own scores of these rows are those of rows it was trained on, which are more extreme than of new ones.

    Args:
        training_set: Fingerprint of the training set of both.
        judged: The version whose bins there are.
        refitted: The version that was trained on all rows.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be written.
    """
    names = {"training_set": training_set, "judged": judged, "refitted": refitted}
    workspace.run(f"{TEMPLATE}#copy_scores", **names)


def _bin(
    name: str, position: int, measured_as: str, lower: float | None, upper: float | None, rows: int
) -> dict[str, Any]:
    return {
        "name": name,
        "position": position,
        "measured_as": measured_as,
        "lower": lower,
        "upper": upper,
        "rows": rows,
    }
