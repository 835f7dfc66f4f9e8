"""Starts processes that outlive a terminal, finds them again, and ends them: only these, by their id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ProcessId:
    """A process, told from a later one with the same number by the time it was created."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> ProcessId:
        """Identify a process that runs now.

        Args:
            pid: Its number.

        Returns:
            Its identity.

        Raises:
            psutil.NoSuchProcess: If there is none.
        """
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Find the process.

        Returns:
            The process, or None when it has ended.
        """
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if same else None

    def to_dict(self) -> dict[str, float]:
        """Give the identity's fields, ready for JSON."""
        return asdict(self)


def start(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, pass_fds: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that a Ctrl-C in this terminal reaches only this process.

    Args:
        command: Program and arguments.
        log: File that gets its output, appended.
        environment: Its environment; this process's own when None.
        pass_fds: File descriptors that it inherits.

    Returns:
        The process.
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
    """End a process and everything it started: asked first, then killed.

    Args:
        identity: The process.
        seconds: How long it may take to end by itself.

    Returns:
        True if it ran until now, False if it had ended already.
    """
    process = identity.process()
    if process is None:
        return False
    family = [process, *process.children(recursive=True)]
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGTERM)
    psutil.wait_procs([process], timeout=seconds)
    _, left = psutil.wait_procs(family, timeout=2)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(left, timeout=5)
    return True


def end_session(leader: int) -> None:
    """Kill what a process that ``start`` has started left behind when it ended by itself.

    Args:
        leader: Number of the ended process: its session has the same one, which is not given anew as long as a
            process is in it.
    """
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader and process.pid != leader:
                process.kill()


def tail(log: Path, lines: int = 15) -> str:
    """Give the end of a log, for an error message.

    Args:
        log: The file.
        lines: How many lines.

    Returns:
        The lines, or an empty text when there is no log.
    """
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
