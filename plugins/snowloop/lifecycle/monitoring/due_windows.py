"""Which windows of performance a look reads: each hour those that still fill, once a day all of them.

A label may arrive, or be corrected, for any row, and no table says which did. To find out, the rows of a window are
read with their labels; to read all windows each hour would cost as much as there is history.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.monitoring.alert_store import monitoring_lock
from snowloop.project import Performance, Project
from snowloop.sql import render
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Row

SQL = "monitoring/performance.sql"
WHOLE_EVERY = timedelta(days=1)
MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
"""Windows begin on Mondays, or divide the days from one on."""


@dataclass(frozen=True)
class Look:
    """One look at performance.

    Args:
        since: Begin of the oldest window that is read, in UTC.
        whole: Whether that is all of ``monitoring.performance.history``.
        now: The time of the look, in UTC.
        delay: Time after its end from which on a window is mature whatever its coverage; None if there is none.
        rules: Fingerprint of the query and of the declaration: other ones need another look at all windows.
    """

    since: datetime
    whole: bool
    now: datetime
    delay: timedelta | None
    rules: str

    @property
    def since_text(self) -> str:
        """Begin of the oldest window, as SQL takes it."""
        return _text(self.since)


@dataclass(frozen=True)
class DueWindow:
    """A window that is not measured yet, or of which more is known now.

    Args:
        start: Its begin in UTC, as SQL takes it.
        version: The version that scored its rows.
        scored: How many rows.
        labelled: How many of them have a label.
        mature: Whether it is judged.
        content: Changes with each label, score, and with maturity.
    """

    start: str
    version: str
    scored: int
    labelled: int
    mature: bool
    content: str


def plan_look(workspace: Workspace, values: dict[str, Any], now: datetime) -> tuple[Look, list["Row"]]:
    """What is to be read now.

    Args:
        values: What the queries use.
        now: The time, in UTC.

    Returns:
        The look, and the windows that were measured before.
    """
    declared = workspace.project.monitoring.performance
    oldest = oldest_window(declared, now)
    measured = workspace.run(f"{SQL}#measured", since=_text(oldest))
    query = render(f"{SQL}#windows", database=workspace.database, since="", **values)
    rules = hashlib.sha256(f"{query}|{declared.model_dump_json()}".encode()).hexdigest()[:16]
    last = workspace.run(f"{SQL}#last_whole_look", rules=rules)
    delay = _delay(workspace.project)
    if not last or not measured or now - last[0]["WHOLE_AT"].replace(tzinfo=UTC) >= WHOLE_EVERY:
        return Look(oldest, True, now, delay, rules), measured
    return Look(oldest_filling(measured, now, delay), False, now, delay, rules), measured


def record_look(workspace: Workspace, look: Look) -> None:
    """Record that all windows were looked at, once they are measured; of another look there is nothing to record.

    Raises:
        AlertError: if others own the lock of monitoring each time.
    """
    if look.whole:
        with monitoring_lock(workspace):
            workspace.run(f"{SQL}#forget_looks")
            workspace.run(f"{SQL}#record_look", rules=look.rules, at=_text(look.now))


def oldest_window(declared: Performance, now: datetime) -> datetime:
    """Begin of the oldest window that is wholly within the history: a part of one would be another window each hour.

    Args:
        declared: Length of a window, and the history; a longer window is the only one.
        now: The time, in UTC.
    """
    whole = -((MONDAY - (now - declared.history)) // declared.window)
    return MONDAY + min(whole, (now - MONDAY) // declared.window) * declared.window


def oldest_filling(measured: Sequence["Row"], now: datetime, delay: timedelta | None) -> datetime:
    """Begin of the oldest window that may have changed, or of the newest one if none may.

    A window still fills if it is not mature, and is not over yet or got rows or labels within its own length; or if it
    becomes mature now, by the time alone.

    Args:
        measured: The windows that were measured, at least one.
        now: The time, in UTC.
        delay: Time after its end from which on a window is mature; None if there is none.
    """
    filling = [max(row["WINDOW_START"] for row in measured)]
    for row in measured:
        end, at = (row[name].replace(tzinfo=UTC) for name in ("WINDOW_END", "MEASURED_AT"))
        changed = now - max(end, at) < row["WINDOW_END"] - row["WINDOW_START"]
        if not row["MATURE"] and (changed or (delay is not None and end + delay <= now)):
            filling.append(row["WINDOW_START"])
    return min(filling).replace(tzinfo=UTC)


def due_windows(workspace: Workspace, look: Look, measured: Sequence["Row"], values: dict[str, Any]) -> list[DueWindow]:
    """The windows of a look that are to be measured.

    Args:
        look: The look.
        measured: The windows that were measured before.
        values: What the queries use.
    """
    declared = workspace.project.monitoring.performance
    known = {(row["WINDOW_START"], row["MODEL_VERSION"]): row["CONTENT"] for row in measured}
    due = []
    for row in workspace.run(f"{SQL}#windows", since=look.since_text, **values):
        scored, labelled = int(row["SCORED"]), int(row["LABELLED"])
        end = row["WINDOW_START"].replace(tzinfo=UTC) + declared.window
        covered = end <= look.now and labelled >= declared.min_coverage * scored
        mature = covered or (look.delay is not None and end + look.delay <= look.now)
        content = f"{row['CONTENT'] or 0}|{scored}|{mature}"
        if known.get((row["WINDOW_START"], row["MODEL_VERSION"])) != content:
            start = row["WINDOW_START"].isoformat(" ")
            due.append(DueWindow(start, str(row["MODEL_VERSION"]), scored, labelled, mature, content))
    return due


def _delay(project: Project) -> timedelta | None:
    return project.monitoring.performance.label_delay or project.label.known_after


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ")
