"""The forms of the DAGs that monitor and repair the scoring loop."""

from __future__ import annotations

from airflow.sdk import Param


def recover_form() -> dict[str, Param]:
    """Make the field that asks for the recovery of a stale stream.

    Returns:
        The parameter ``recover``.
    """
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
    """Make the field that chooses the version that scores.

    Returns:
        The parameter ``version``.
    """
    return {
        "version": Param(
            None,
            type=["null", "string"],
            title="Model version",
            description="Name or alias of the version that scores; empty: the champion.",
            pattern="^[A-Za-z_][A-Za-z0-9_$]*$",
        )
    }


def backfill_form() -> dict[str, Param]:
    """Make the fields that choose what is scored again, and with which version.

    Returns:
        The parameters ``version``, ``start``, ``end`` and ``batch_size``.
    """
    return version_form() | {
        "start": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="From",
            description="Beginning of the period, by the declared event time, or else by the time of the first "
            "scoring. Empty: from the first row on. Both empty: ALL rows are scored again.",
        ),
        "end": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="To (exclusive)",
            description="End of the period. Empty: up to the newest row that was scored.",
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
