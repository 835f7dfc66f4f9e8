"""The forms that Airflow's UI shows when a person triggers a DAG."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import Param

from snowloop.project import Project

MAX_WAIT_SECONDS = 24 * 3600


def target_form() -> dict[str, Param]:
    """Make the field that chooses the environment.

    Returns:
        The parameter ``target``; its default is the variable SNOWLOOP_TARGET, or dev.
    """
    return {
        "target": Param(
            os.environ.get("SNOWLOOP_TARGET", "dev"),
            type="string",
            title="Target environment",
            description="Environment to work on. Its database is <PROJECT>_<TARGET>, for example CREDIT_APPROVAL_DEV.",
            pattern="^[a-z][a-z0-9_]{0,30}$",
            examples=["dev", "staging", "prod"],
        )
    }


def data_form(project: Project) -> dict[str, Param]:
    """Make the field that says where the files are.

    Args:
        project: The project whose files they are.

    Returns:
        The parameter ``data_dir``.
    """
    files = ", ".join(source.file for source in project.sources.values())
    return {
        "data_dir": Param(
            str(project.data_dir),
            type="string",
            title="Data directory",
            description=f"Directory, on the machine that runs the task, that holds {files}.",
            minLength=1,
        )
    }


def wait_form() -> dict[str, Param]:
    """Make the field that bounds the wait for native tasks.

    Returns:
        The parameter ``timeout``.
    """
    return {
        "timeout": Param(
            600,
            type="integer",
            title="Longest wait (seconds)",
            description="How long to wait for the native tasks to score what has arrived before the run fails.",
            minimum=10,
            maximum=MAX_WAIT_SECONDS,
        )
    }


def verify_form() -> dict[str, Param]:
    """Make the field that bounds the wait for rows after a rollback.

    Returns:
        The parameter ``timeout``.
    """
    return {
        "timeout": Param(
            300,
            type="integer",
            title="Longest wait for scored rows (seconds)",
            description="How long to wait for the next rows, to verify their version; no rows are no failure.",
            minimum=0,
            maximum=MAX_WAIT_SECONDS,
        )
    }


def override_form() -> dict[str, Param]:
    """Make the fields with which a person promotes a version that the gate refuses.

    Returns:
        The parameters ``override_by`` and ``override_reason``; the gate asks for both or neither.
    """
    words: dict[str, Any] = {
        "type": ["null", "string"],
        "pattern": r"\S",
        "maxLength": 500,
        "section": "Override of the gate",
    }
    return {
        "override_by": Param(
            None,
            title="Override: your name",
            description="Leave it empty unless a version that the gate refuses is to serve. Recorded in OPS.LEDGER.",
            **words,
        ),
        "override_reason": Param(
            None,
            title="Override: your reason",
            description="Why it is to serve although checks fail. Required with the name, and refused without it.",
            **words,
        ),
    }
