"""Who uses a state directory, and what it has started: one command at a time.

Two commands on one directory would share a metadata database, logs and a local Snowflake, and each would end what the
other needs. So a command takes the directory's lock. The lock is the kernel's: it ends with the processes that have it
open, however they end. A file beside it records what the holder has started; what a killed holder has left behind is
ended by the next one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

from stack.processes import ProcessId, end
from stack.state import StackError, State


@dataclass(frozen=True)
class Holder:
    """A command that uses a state directory.

    Attributes:
        command: Its name, such as ``run``.
        process: The process that has the lock.
        url: Address of Airflow, where the command keeps one up.
        children: The processes that it has started, by name.
    """

    command: str
    process: ProcessId
    url: str = ""
    children: dict[str, ProcessId] = field(default_factory=dict)


class Hold:
    """The right to use a state directory, and the record of what was started with it.

    Args:
        state: The stack's state.
        lock: Descriptor of the locked file.
        holder: What to record.
    """

    def __init__(self, state: State, lock: int, holder: Holder) -> None:
        self.state = state
        self.lock = lock
        self.holder = holder
        self._handed_over = False
        self._record()

    def add(self, name: str, identity: ProcessId) -> None:
        """Record a process that was started: it is ended with the hold.

        Args:
            name: What it is; another one of this name is forgotten.
            identity: The process.
        """
        self._now(replace(self.holder, children=self.holder.children | {name: identity}))

    def end_children(self) -> None:
        """End all that is recorded, the youngest first, and forget it."""
        for child in reversed(self.holder.children.values()):
            end(child)
        self._now(replace(self.holder, children={}))

    def hand_over(self) -> None:
        """Leave lock and record to a process that has inherited the descriptor and calls ``inherit``."""
        self._handed_over = True

    def release(self) -> None:
        """End what is recorded still, and let the next command have the directory."""
        if not self._handed_over:
            self.end_children()
            self.state.holder_file.unlink(missing_ok=True)
        os.close(self.lock)

    def _now(self, holder: Holder) -> None:
        self.holder = holder
        self._record()

    def _record(self) -> None:
        draft = self.state.holder_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self.holder), indent=2))
        draft.replace(self.state.holder_file)


@contextmanager
def hold(state: State, command: str, *, url: str = "") -> Iterator[Hold]:
    """Use a state directory for the time of a block, alone; what a killed command has left behind is ended first.

    Args:
        state: The stack's state; its directory is there.
        command: Which command it is for, for others to read.
        url: Address of Airflow, where the command keeps one up.

    Yields:
        The hold.

    Raises:
        StackError: If another command uses it.
    """
    lock = os.open(state.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise StackError(in_use(state)) from error
    left = read(state, dead=True)
    held = Hold(state, lock, Holder(command, ProcessId.of(os.getpid()), url, left.children if left else {}))
    try:
        held.end_children()
        yield held
    finally:
        held.release()


def inherit(state: State, lock: int) -> Hold:
    """Take over the hold of the process that has started this one.

    Args:
        state: The stack's state.
        lock: Descriptor of the locked file, inherited.

    Returns:
        The hold, to be released by the caller.

    Raises:
        StackError: If the record of the former holder is gone.
    """
    os.set_inheritable(lock, False)
    before = read(state, dead=True)
    if before is None:
        raise StackError(f"{state.holder_file} is gone: was it removed? Start again with: {state.hint('up')}")
    return Hold(state, lock, replace(before, process=ProcessId.of(os.getpid())))


def read(state: State, *, dead: bool = False) -> Holder | None:
    """Read which command uses a state directory.

    Args:
        state: The stack's state.
        dead: Give also one that has ended without cleaning up.

    Returns:
        The command; None when there is none.
    """
    try:
        fields = json.loads(state.holder_file.read_text())
    except FileNotFoundError:
        return None
    children = {name: ProcessId(**child) for name, child in fields["children"].items()}
    holder = Holder(fields["command"], ProcessId(**fields["process"]), fields["url"], children)
    return holder if dead or holder.process.process() is not None else None


def in_use(state: State) -> str:
    """Say who uses a state directory, and what to do.

    Args:
        state: The stack's state.

    Returns:
        One line.
    """
    found = read(state)
    who = f"{found.command} (pid {found.process.pid})" if found else "another command"
    return f"{who} is using {state.root}: wait for it, or stop it with: {state.hint('down')}"
