"""The file that says that the stack is up: which process supervises it, and where Airflow answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from stack.processes import ProcessId
from stack.state import State


@dataclass(frozen=True)
class Up:
    """A stack that is up.

    Attributes:
        supervisor: The process that supervises the others.
        url: Address of Airflow.
        children: The supervised processes, by name.
    """

    supervisor: ProcessId
    url: str
    children: dict[str, ProcessId] = field(default_factory=dict)


def write(state: State, up: Up) -> None:
    """Write the file, whole or not at all.

    Args:
        state: The stack's state.
        up: What is up.
    """
    draft = state.up_file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(up), indent=2))
    draft.replace(state.up_file)


def read(state: State, *, dead: bool = False) -> Up | None:
    """Read the file.

    Args:
        state: The stack's state.
        dead: Give also a stack whose supervisor has ended without cleaning up.

    Returns:
        What is up; None when nothing is.
    """
    if not state.up_file.exists():
        return None
    fields = json.loads(state.up_file.read_text())
    children = {name: ProcessId(**child) for name, child in fields["children"].items()}
    up = Up(ProcessId(**fields["supervisor"]), fields["url"], children)
    return up if dead or up.supervisor.process() is not None else None


def remove(state: State) -> None:
    """Remove the file.

    Args:
        state: The stack's state.
    """
    state.up_file.unlink(missing_ok=True)
