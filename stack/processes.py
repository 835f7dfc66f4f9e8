"""Starts processes that outlive a terminal, finds them again, and ends them: only these, by their id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psutil

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class ProcessId:
    """A process, distinguished from a later one with the same number by the time it was created."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Identify the process that has a number now.

        Raises:
            psutil.NoSuchProcess: If there is none.
        """
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Find the process; None when it has ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None

    def is_reused(self) -> bool:
        """Whether the number is another process's now."""
        try:
            return abs(psutil.Process(self.pid).create_time() - self.created) >= 1
        except psutil.NoSuchProcess:
            return False


def on_end_signals(error: type[BaseException]) -> None:
    """Raise an error at the first signal that asks this process to end; later ones do not disturb its cleaning up.

    A closed terminal sends SIGHUP, often twice; ``nohup`` has it ignored, and so it stays.
    """

    def ended(_number: int, _frame: FrameType | None) -> None:
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise error

    for number in END_SIGNALS:
        # a shell's background job would ignore SIGINT
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, ended)


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that a Ctrl-C in this terminal reaches only this process.

    Args:
        command: Program and arguments.
        log: File that gets its output, appended.
        environment: Its environment; this process's own when None.
        pass_fds: File descriptors that it inherits.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
            pass_fds=pass_fds,
            umask=0o077,
        )


def stop(identity: ProcessId, *, seconds: float = 20) -> bool:
    """End a process and everything it started: by SIGTERM, and what has not ended after some seconds is killed.

    Returns:
        True if it was running, False if it had ended already.
    """
    process = identity.process()
    if process is None:
        return False
    family = [process]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
        process.send_signal(signal.SIGTERM)
    _wait_for_end([process], seconds)
    left = _wait_for_end(family, 2)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    _wait_for_end(left, 5)
    return True


def _wait_for_end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Give what still runs after a time; a zombie counts as ended, for which psutil would keep waiting."""
    deadline = time.monotonic() + seconds
    while (left := [each for each in processes if _runs(each)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(identity: ProcessId) -> None:
    """End a process that ``start`` has started and all that it started, also where it has ended itself already."""
    if stop(identity) or identity.is_reused():
        return
    end_session(identity.pid)


def end_session(leader: int) -> None:
    """Kill what a process that ``start`` has started left behind when it ended by itself.

    Args:
        leader: Number of the ended process: its session has the same one, which is not reused as long as a
            process is in it.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader and process.pid != leader:
                process.kill()


def tail(log: Path, lines: int = 15) -> str:
    """Give the last lines of a log, for an error message; an empty text when there is no log."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
