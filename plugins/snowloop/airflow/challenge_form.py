"""The form of the DAG for challengers."""

from __future__ import annotations

from airflow.sdk import Param


def challenge_form() -> dict[str, Param]:
    """Make the fields that choose an action, a version and a reason.

    Returns:
        The parameters ``action``, ``version``, ``reason`` and ``judge``.
    """
    return {
        "action": Param(
            "compare",
            type="string",
            enum=["compare", "challenge", "withdraw", "promote"],
            title="Action",
            description="Compare with the champion, name a challenger, withdraw it, or promote it through the gate.",
        ),
        "version": Param(
            None,
            type=["null", "string"],
            title="Model version",
            description="The version that becomes challenger, or an earlier one to compare; empty: the challenger.",
            pattern="^[A-Za-z_][A-Za-z0-9_$]*$",
        ),
        "reason": Param(
            None,
            type=["null", "string"],
            title="Reason",
            description="Why a challenger is named or withdrawn; recorded in the ledger.",
        ),
        "judge": Param(
            False,
            type="boolean",
            title="Ask the gate first",
            description="Let the gate evaluate the version on the present data before it becomes challenger.",
        ),
    }
