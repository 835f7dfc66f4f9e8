"""Brings the report of a run from the local Snowflake's stage to a folder next to the run's logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stack.events import StageEvent
from stack.state import State


def bring_report(state: State, events: Sequence[StageEvent]) -> str | None:
    """Fetch the files of the report that a run has made, from the local Snowflake that runs on a state directory.

    Returns:
        The path of the page; its place on the stage if it cannot be fetched; None if the run made no report.
    """
    made = [event.result for event in events if event.task_id == "report" and event.state == "success"]
    if not made or not made[-1]:
        return None
    report = made[-1]
    from snowflake.connector import connect
    from snowflake.connector.errors import Error

    folder = state.root / "reports" / report["verdict_id"]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with connect(connection_name="default", connections_file_path=state.connections_file) as connection:
            for place in (report["html"], report["markdown"]):
                connection.cursor().execute(f"GET '{place}' 'file://{folder}'")
    except (Error, OSError):
        return str(report["html"])
    return str(folder / Path(report["html"]).name)
