"""What OPS records of a version travels with it: training set, evaluation, and the checks of its features."""

import json
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.evaluation.parts import GroupGap
from snowloop.sql import identifier
from snowloop.workspace import Workspace

QUERIES = "delivery/queries.sql"


@dataclass(frozen=True)
class Records:
    """Rows of a table of OPS that belong to a version.

    Args:
        table: The table.
        key: The column that says to what the rows belong.
    """

    table: str
    key: str


OF_TRAINING_SET = (
    Records("TRAINING_SETS", "FINGERPRINT"),
    Records("LEAKAGE_CHECKS", "TRAINING_SET"),
    Records("FEATURE_CHECKS", "TRAINING_SET"),
)
"""By the fingerprint of the training set: with the text of features.sql, without which no version scores."""
OF_EVALUATION = (Records("EVALUATIONS", "EVALUATION_ID"), Records("EVALUATION_DETAILS", "EVALUATION_ID"))


def copy_records(source: Workspace, destination: Workspace, training_set: str, evaluation_id: str) -> dict[str, int]:
    """Copy what is recorded of a version, unless it was copied before.

    Args:
        source: Where it is recorded.
        destination: Where it is to be.
        training_set: Fingerprint of the version's training set.
        evaluation_id: The evaluation on which its verdict was decided.

    Returns:
        Number of rows copied, by table.
    """
    keys = [(each, training_set) for each in OF_TRAINING_SET] + [(each, evaluation_id) for each in OF_EVALUATION]
    return {each.table: _copy(source, destination, each, key) for each, key in keys}


def measured_gaps(workspace: Workspace, evaluation_id: str) -> tuple[GroupGap, ...]:
    """The gaps between groups of people that an evaluation measured; none if it is not recorded.

    Args:
        workspace: Where it is recorded.
        evaluation_id: The evaluation.
    """
    return tuple(GroupGap.of(each) for each in _results(workspace, evaluation_id).get("gaps", ()))


def measured_groups(workspace: Workspace, evaluation_id: str) -> float | None:
    """How many held-out groups an evaluation had, with a split by group; None if it is not recorded.

    Args:
        workspace: Where it is recorded.
        evaluation_id: The evaluation.
    """
    metrics = _results(workspace, evaluation_id).get("metrics", {}).get("candidate", {})
    return None if metrics.get("groups") is None else float(metrics["groups"])


def _results(workspace: Workspace, evaluation_id: str) -> dict[str, Any]:
    """What an evaluation measured, as OPS.EVALUATION_DETAILS keeps it; empty if it is not recorded."""
    rows = workspace.run("report/queries.sql#evaluation_details", evaluation_id=evaluation_id)
    return dict(json.loads(rows[0]["DETAILS"])["results"]) if rows else {}


def _copy(source: Workspace, destination: Workspace, records: Records, key: str) -> int:
    asked = {"table": records.table, "key": records.key, "value": key}
    rows = [row.as_dict() for row in source.run(f"{QUERIES}#records", **asked)]
    if not rows:
        return 0
    columns = {name: kind for name, kind in _columns(destination, records.table).items() if name in rows[0]}
    values = [[_text(row[name]) for name in columns] for row in rows]
    return int(destination.run(f"{QUERIES}#copy_records", columns=columns, rows=values, **asked)[0][0])


def _columns(workspace: Workspace, table: str) -> dict[str, str]:
    """The columns of a table with their types, as DESCRIBE TABLE has them."""
    described = workspace.session.sql(f"DESCRIBE TABLE {identifier(workspace.database, 'OPS', table)}").collect()
    return {str(row["name"]): str(row["type"]) for row in described}


def _text(value: Any) -> str | None:
    """A value as text that Snowflake casts to the column's type."""
    return None if value is None else str(value)
