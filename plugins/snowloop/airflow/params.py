"""The forms that Airflow's UI shows when a person triggers a DAG: parameters by name, to be combined by ``|``."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import Param

from snowloop.project import Project

MAX_WAIT_SECONDS = 24 * 3600
PRINTABLE = r"^[^\x00-\x1f\x7f]*$(?!\n)"
"""Text of one line: it is shown in logs."""
_OPTIONAL: dict[str, Any] = {"default": None, "type": ["null", "string"]}
_VERSION: dict[str, Any] = {
    **_OPTIONAL, "title": "Model version", "pattern": "^[A-Za-z_][A-Za-z0-9_$]*$", "maxLength": 255
}  # fmt: skip


def default_target() -> str:
    """The target of a run for which nobody names another one: that of the variable SNOWLOOP_TARGET, or dev."""
    return os.environ.get("SNOWLOOP_TARGET", "dev")


def target_form() -> dict[str, Param]:
    """The environment; its default is the variable SNOWLOOP_TARGET, or dev."""
    return {
        "target": Param(
            default_target(),
            type="string",
            title="Target environment",
            description="Environment to work on. Its database is <PROJECT>_<TARGET>, for example CREDIT_APPROVAL_DEV, "
            "unless targets.yaml declares another name.",
            pattern="^[a-z][a-z0-9_]{0,30}$",
            examples=["dev", "staging", "prod"],
        )
    }


def data_form(project: Project) -> dict[str, Param]:
    """Where the files of a project are; nothing to ask where all its sources are tables."""
    files = ", ".join(source.file for source in project.sources.values() if source.file)
    if not files:
        return {}
    return {
        "data_dir": Param(
            str(project.data_dir),
            type="string",
            title="Data directory",
            description=f"Directory, on the machine that runs the task, that holds {files}; below "
            "include/data, or below a folder that SNOWLOOP_DATA_ROOTS lists there.",
            minLength=1,
            maxLength=1000,
            pattern=PRINTABLE,
        )
    }


def promotion_form(project: Project) -> dict[str, Param]:
    """Which version goes from which target into which one, by what targets.yaml accepts."""
    into = project.targets.promoted_into()
    sources = [name for each in into for name in project.targets.targets[each].accepts_from or ()]
    return {
        "target": Param(into[0], type="string", enum=list(into), title="Into", description="Where it is to serve."),
        "source": Param(
            sources[0],
            type="string",
            enum=list(dict.fromkeys(sources)),
            title="From",
            description="The target whose version is copied; targets.yaml says which one the other accepts.",
        ),
        "version": Param(description="Name or alias of the version; empty: the champion of its target.", **_VERSION),
    }


def wait_form() -> dict[str, Param]:
    """The longest wait for native tasks."""
    about = "How long to wait for the native tasks to score what has arrived before the run fails."
    return _timeout(600, "Longest wait (seconds)", about, minimum=10)


def verify_form() -> dict[str, Param]:
    """The longest wait for rows after a rollback."""
    about = "How long to wait for the next rows, to verify their version; no rows are no failure."
    return _timeout(300, "Longest wait for scored rows (seconds)", about, minimum=0)


def _timeout(default: int, title: str, about: str, *, minimum: int) -> dict[str, Param]:
    bounds: dict[str, Any] = {"minimum": minimum, "maximum": MAX_WAIT_SECONDS}
    return {"timeout": Param(default, type="integer", title=title, description=about, **bounds)}


def override_form() -> dict[str, Param]:
    """Checks, reason and end of an override: the first two are needed, and it is by the user who triggers the run."""
    words = {**_OPTIONAL, "pattern": r"\S", "maxLength": 500, "section": "Override of the gate"}
    return {
        "override_checks": Param(
            title="Override: checks",
            description="Names of checks that may fail, such as BOUND, SLICES. Leave it empty unless a version is to "
            "serve that the gate refuses. Recorded in OPS.LEDGER, with the user who triggers this run.",
            **words,
        ),
        "override_reason": Param(
            title="Override: reason",
            description="Why it is to serve although these checks fail. Required with the checks.",
            **words,
        ),
        "override_until": Param(
            title="Override: until",
            description="Date or time in UTC at which the override expires, such as 2026-12-31; empty: never.",
            **words,
        ),
    }


def recover_form() -> dict[str, Param]:
    """Whether to recover a stale stream."""
    return {
        "recover": Param(
            False,
            type="boolean",
            title="Recover a lost stream",
            description="Replace a stale or missing stream, or complete an interrupted recovery: rows that were "
            "missed are scored, each once, before health is checked.",
        )
    }


def version_form() -> dict[str, Param]:
    """The version that scores."""
    return {"version": Param(description="Name or alias of the version that scores; empty: the champion.", **_VERSION)}


def backfill_form() -> dict[str, Param]:
    """What is scored again, and with which version."""
    return version_form() | {
        "start": Param(
            format="date-time",
            title="From",
            description="Beginning of the period, by the declared event time, or else by the time of the first "
            "scoring. Empty: from the first row on. Both empty: ALL rows are scored again.",
            **_OPTIONAL,
        ),
        "end": Param(
            format="date-time",
            title="To (exclusive)",
            description="End of the period. Empty: up to the newest row that was scored.",
            **_OPTIONAL,
        ),
        "batch_size": Param(
            10_000,
            type="integer",
            title="Rows in a batch",
            description="Largest number of rows in one transaction; a batch and its progress commit together.",
            minimum=1,
            maximum=10_000_000,
        ),
    }


def challenge_form() -> dict[str, Param]:
    """What to do about a challenger: an action, a version and a reason."""
    return {
        "action": Param(
            "compare",
            type="string",
            enum=["compare", "challenge", "withdraw", "promote", "reset_reference"],
            title="Action",
            description="Compare with the champion, name a challenger, withdraw it, or promote it through the gate; or "
            "let the reference of the gate, which no champion may be much worse than, begin again with the champion.",
        ),
        "version": Param(
            description="The version that becomes challenger, or an earlier one to compare; empty: the challenger.",
            **_VERSION,
        ),
        "reason": Param(
            title="Reason",
            description="Why a challenger is named or withdrawn, or the reference reset; recorded in the ledger.",
            **_OPTIONAL,
            maxLength=500,
        ),
        "judge": Param(
            False,
            type="boolean",
            title="Ask the gate first",
            description="Let the gate evaluate the version on the present data before it becomes challenger.",
        ),
    }
