"""What the process of the server may use: memory, how deep its calls go, and how often it looks for garbage."""

import gc
import resource
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil

VARIABLE = "LOCAL_SNOWFLAKE_MEMORY"
_DEFAULT, _LEAST = 8 * 1024**3, 2 * 1024**3
_SHARE = 0.75
_CGROUP = Path("/sys/fs/cgroup/memory.max")
# of sqlglot's parser and what walks its trees: a statement of some hundred levels; DuckDB takes 1,000
CALLS = 10_000
STACK = 16 * 1024**2
# a syntax tree has thousands of objects that refer to each other: with Python's 700 the collector runs a dozen times a
# statement
COLLECTION = 20_000, 20, 20


def limit_process(environment: Mapping[str, str]) -> None:
    """Let a statement that needs too much fail, and nothing else: the system would end the whole server.

    Workers have a limit of their own. The garbage collector runs once for many objects: that took 8 % of the time of
    compiling statements.

    Raises:
        ValueError: as ``memory_limit`` does.
    """
    limit = memory_limit(environment)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    sys.setrecursionlimit(CALLS)
    threading.stack_size(STACK)
    gc.set_threshold(*COLLECTION)


def memory_limit(environment: Mapping[str, str]) -> int:
    """The bytes that the server may use: those of ``LOCAL_SNOWFLAKE_MEMORY``.

    The default is 8 GiB, or three quarters of the machine's (the container's) memory if that is less.

    Raises:
        ValueError: if the variable is no number of bytes from 2 GiB on.
    """
    wanted = environment.get(VARIABLE)
    if wanted is None:
        return min(_DEFAULT, int(_machine_memory() * _SHARE))
    if not (wanted.isdecimal() and int(wanted) >= _LEAST):
        raise ValueError(f"{VARIABLE} is {wanted!r}: it has to be a number of bytes, {_LEAST} or more")
    return int(wanted)


def _machine_memory() -> int:
    try:
        of_container = _CGROUP.read_text().strip()
    except OSError:
        of_container = "max"
    total = int(psutil.virtual_memory().total)
    return min(total, int(of_container)) if of_container.isdecimal() else total
