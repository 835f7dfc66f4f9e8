"""Checks by key that features.sql gives each row once: equal counts hide a lost row next to a repeated one."""

from typing import Any

from snowloop.errors import TrainingError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.features.formula import Formula
from snowloop.sql import render
from snowloop.workspace import Workspace
from snowloop_procedures.keys import name_keys


def feature_rows(workspace: Workspace, formula: Formula, table: str | None = None) -> str:
    """The features that a formula gives over the rows of the source that keep the contract.

    Args:
        formula: The formula.
        table: What SQL puts after FROM for a training set: only its held-out rows; None: all rows.

    Returns:
        What SQL puts after FROM; a column IS_HOLDOUT is true.
    """
    return render(
        "features/queries.sql#rows_by_formula",
        feature_rows=formula.over("KEPT", workspace.database),
        **_rows(workspace, table),
    )


def keys_not_once(workspace: Workspace, formula: Formula, table: str | None = None) -> str:
    """Which rows of the source a formula does not give exactly once.

    Args:
        formula: The formula.
        table: As for ``feature_rows``.

    Returns:
        A few of the keys in words; empty if there is none.
    """
    given = feature_rows(workspace, formula, table)
    return name_keys(workspace.run("features/queries.sql#not_given_once", given=given, **_rows(workspace, table)))


def _rows(workspace: Workspace, table: str | None) -> dict[str, Any]:
    project = workspace.project
    return {
        "checked": checked_rows(project, workspace.target),
        "columns": list(project.streamed.table_columns),
        "key": project.row_key,
        "table": table,
    }


def check_keys(workspace: Workspace, formula: Formula) -> None:
    """Insist that features.sql gives each row of the source that keeps the contract once, as scoring insists on it.

    Args:
        formula: The formula of features.sql.

    Raises:
        TrainingError: if it drops or repeats rows; the message names some of their keys.
    """
    wrong = keys_not_once(workspace, formula)
    if wrong:
        message = (
            f"{workspace.project.directory / 'features.sql'}: it must give exactly one row for each row of its source: "
            f"{wrong}; remove what filters or repeats rows"
        )
        raise TrainingError(message)
