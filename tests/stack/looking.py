"""Looks at processes that come and go while they are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import psutil

from stack.processes import ProcessId


def descendants(identities: Iterable[ProcessId]) -> set[psutil.Process]:
    """The processes that run, with all that they have started."""
    found: set[psutil.Process] = set()
    for process in filter(None, map(ProcessId.process, identities)):
        with suppress(psutil.NoSuchProcess):
            found |= {process, *process.children(recursive=True)}
    return found


def addresses(processes: Iterable[psutil.Process]) -> set[str]:
    """Where they listen; one that has ended listens nowhere."""
    found: set[str] = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            connections = process.net_connections("tcp")
            found |= {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    return found
