"""Judgements of windows of time, and how they get into OPS.MONITORING_CHECKS."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from snowloop.checks import Check
from snowloop.workspace import Workspace

AT_ONCE = 100
"""Rows that one statement writes: each value is bound."""


@dataclass(frozen=True)
class Window:
    """The judgement of one window.

    Args:
        check: The signal and its judgement.
        start: Begin of the window, in UTC.
        end: Its end.
        rows: Number of rows in it.
        version: The model version that it is about; None if it is about none.
    """

    check: Check
    start: datetime
    end: datetime
    rows: int
    version: str | None = None


def record_windows(workspace: Workspace, windows: Sequence[Window]) -> None:
    """Write the judgements that are new or differ from the last one of their window.

    Args:
        windows: The judgements, each window of a signal and version once.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if they cannot be written.
    """
    for first in range(0, len(windows), AT_ONCE):
        some = windows[first : first + AT_ONCE]
        rows = [{"start": _text(each.start), "end": _text(each.end), "window": each} for each in some]
        names, oldest = sorted({each.check.name for each in some}), _text(min(each.end for each in some))
        workspace.run("monitoring/queries.sql#record_windows", windows=rows, names=names, oldest=oldest)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
