"""The forms of the DAGs that watch and mend the scoring loop."""

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
            title="Recover a stale stream",
            description="Make a stale stream anew and score what was missed, each row once, before looking at health.",
        )
    }


def backfill_form() -> dict[str, Param]:
    """Make the fields that say what is scored again, and with which version.

    Returns:
        The parameters ``version``, ``start``, ``end`` and ``batch_size``.
    """
    return {
        "version": Param(
            None,
            type=["null", "string"],
            title="Model version",
            description="Name or alias of the version that scores; empty: the champion.",
            pattern="^[A-Za-z_][A-Za-z0-9_$]*$",
        ),
        "start": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="From",
            description="Beginning of the period: of the declared event time, or else of the first scoring.",
        ),
        "end": Param(
            None,
            type=["null", "string"],
            format="date-time",
            title="To (exclusive)",
            description="End of the period; empty: up to the newest row.",
        ),
        "batch_size": Param(
            10_000,
            type="integer",
            title="Rows in a batch",
            description="Greatest number of rows in one transaction; a batch and its progress commit together.",
            minimum=1,
            maximum=10_000_000,
        ),
    }
