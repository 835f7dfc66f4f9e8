"""The events of a running DAG: one each time a stage starts or ends."""

from __future__ import annotations

import json
import os
import select
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

StageState = Literal["running", "success", "failed", "retry"]


@dataclass(frozen=True)
class StageEvent:
    """A stage that started or ended.

    Attributes:
        task_id: Airflow's id of the task, with its groups.
        state: What became of it.
        label: Which one of a mapped task it is, empty otherwise.
        seconds: How long it ran.
        figures: What it reports of itself.
        result: What it gave to later stages.
        reason: Why it failed.
    """

    task_id: str
    state: StageState
    label: str = ""
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    reason: str = ""

    @property
    def stage(self) -> str:
        """Name of the stage on a progress line: the task without its groups, and which one of a mapped task."""
        return f"{self.task_id.rsplit('.', 1)[-1]} {self.label}".strip().replace("_", " ")

    def to_json(self) -> str:
        """Write the event as one line."""
        return json.dumps(asdict(self), default=str)


@dataclass(frozen=True)
class RunEvent:
    """The end of a run.

    Attributes:
        run_id: Airflow's id of the run, empty when there was none.
        state: How it ended.
        reason: Why it could not start.
    """

    run_id: str
    state: str
    reason: str = ""

    def to_json(self) -> str:
        """Write the event as one line."""
        return json.dumps({"run": asdict(self)})


def read_event(line: str | bytes) -> StageEvent | RunEvent:
    """Read an event from the line that ``to_json`` of either event wrote."""
    fields = json.loads(line)
    return RunEvent(**fields["run"]) if "run" in fields else StageEvent(**fields)


def read_events(descriptor: int, check: Callable[[], None], *, every: float = 1.0) -> Iterator[StageEvent | RunEvent]:
    """Read events from a pipe until its writers are gone, and check something meanwhile.

    Args:
        descriptor: The pipe's end to read from.
        check: What is called again and again; an error that it raises ends the reading.
        every: Longest time between two calls, in seconds.

    Yields:
        The events.
    """
    text = b""
    while True:
        check()
        if not select.select([descriptor], [], [], every)[0]:
            continue
        read = os.read(descriptor, 65_536)
        if not read:
            return
        *lines, text = (text + read).split(b"\n")
        yield from map(read_event, lines)
