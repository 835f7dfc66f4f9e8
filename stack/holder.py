"""Who uses a state directory, and what it has started: one command at a time.

Two commands on one directory would share a metadata database, logs and a local Snowflake, and each would end what the
other needs. So a command acquires the directory's lock, which the kernel frees when the command ends, however it ends.
A file next to it records what the holder has started; what a killed holder has left behind is ended by the next one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from filelock import FileLock, Timeout

from stack.processes import ProcessId, end
from stack.state import StackError, State


@dataclass(frozen=True)
class Holder:
    """A command that uses a state directory.

    Attributes:
        command: Its name, such as ``run``.
        process: The process that has the lock.
        url: Address of Airflow, where the command keeps one running.
        children: The processes that it has started, by name.
    """

    command: str
    process: ProcessId
    url: str = ""
    children: dict[str, ProcessId] = field(default_factory=dict)


class Hold:
    """The right to use a state directory, and the record of what was started with it.

    Args:
        state: The stack's state, whose lock this process has acquired.
        holder: What to record.
    """

    def __init__(self, state: State, holder: Holder) -> None:
        self.state = state
        self._record(holder)

    def add(self, name: str, identity: ProcessId) -> None:
        """Record a process that was started, in place of another one of its name: it is ended with the hold."""
        self._record(replace(self.holder, children=self.holder.children | {name: identity}))

    def end_children(self) -> None:
        """End all that is recorded, the youngest first, and forget it."""
        for child in reversed(self.holder.children.values()):
            end(child)
        self._record(replace(self.holder, children={}))

    def close(self) -> None:
        """End what is still recorded, and remove the record."""
        self.end_children()
        self.state.holder_file.unlink(missing_ok=True)

    def _record(self, holder: Holder) -> None:
        self.holder = holder
        draft = self.state.holder_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self.holder), indent=2))
        draft.replace(self.state.holder_file)


@contextmanager
def hold(state: State, command: str, *, url: str = "", patience: float = 0.0) -> Iterator[Hold]:
    """Use a state directory for the time of a block, alone; what a killed command has left behind is ended first.

    Args:
        state: The stack's state; its directory exists.
        command: Which command it is for, for others to read.
        url: Address of Airflow, where the command keeps one running.
        patience: Seconds to wait for another command to end.

    Raises:
        StackError: If another command still uses the directory.
    """
    # A lock that is only a file, which filelock falls back to without flock, would outlive a killed holder.
    lock = FileLock(state.lock_file, timeout=patience, mode=0o600, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise StackError(in_use(state)) from error
    try:
        left = read(state, dead=True)
        held = Hold(state, Holder(command, ProcessId.of(os.getpid()), url, left.children if left else {}))
        try:
            held.end_children()
            yield held
        finally:
            held.close()
    finally:
        lock.release()


def read(state: State, *, dead: bool = False) -> Holder | None:
    """Read which command uses a state directory, or None; ``dead``: also one that has ended without cleaning up."""
    try:
        fields = json.loads(state.holder_file.read_text())
    except FileNotFoundError:
        return None
    children = {name: ProcessId(**child) for name, child in fields["children"].items()}
    holder = Holder(fields["command"], ProcessId(**fields["process"]), fields["url"], children)
    return holder if dead or holder.process.process() is not None else None


def in_use(state: State) -> str:
    """Say in one line who uses a state directory, and what to do."""
    holder = read(state)
    who = f"{holder.command} (pid {holder.process.pid})" if holder else "another command"
    return f"{who} is using {state.root}: wait for it, or stop it with: {state.hint('down')}"
