"""The process that worker processes are forked from: it has imported the slow packages, so that they start at once."""

import contextlib
import ctypes
import importlib
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path

import local_snowflake.python.sandbox.main as worker

_LOW_PRIORITY = 5
# PR_SET_CHILD_SUBREAPER: https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
_CHILD_SUBREAPER = 36
# a server that is stopped at once imports nothing in vain
_PATIENCE_SECONDS = 1.0


def run(control: socket.socket, preload: list[str], temporary: str) -> None:
    """Fork a worker for each request, until the server closes the socket.

    A request carries two descriptors: the worker's socket, and the pipe that closes when the server is gone. The answer
    is the worker's process id. When a worker ends its wait status is sent as ``[pid, status]``. Each worker has a
    temporary directory of its own, which is deleted at its end.

    Args:
        control: a sequenced-packet socket to the server.
        preload: modules to import before workers are forked, one by one between requests.
        temporary: the directory of the workers' temporary directories; it is deleted when the server is gone.
    """
    # the server's own limit, which it has inherited: a worker has that of its calls
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    # what handlers print goes to the server's log, away from its standard output
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    waker, alarm = socket.socketpair()
    alarm.setblocking(False)
    signal.set_wakeup_fd(alarm.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C in a terminal reaches the whole group: the server decides when its workers end
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _answer(control, waker, list(preload), [waker, alarm], Path(temporary))
    except ConnectionError:
        # the server is gone
        return
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _answer(
    control: socket.socket, waker: socket.socket, todo: list[str], own: list[socket.socket], temporary: Path
) -> None:
    patience = _PATIENCE_SECONDS
    while True:
        ready, _, _ = select.select([control, waker], [], [], patience if todo else None)
        if waker in ready:
            waker.recv(4096)
        _report_ended(control, temporary)
        if control in ready:
            data, fds, _, _ = socket.recv_fds(control, 1024, 2)
            if not data:
                return
            _fork(control, fds, own, temporary)
        elif todo:
            patience = 0
            _import_gently(todo.pop(0), control)


def _fork(control: socket.socket, fds: list[int], others: list[socket.socket], temporary: Path) -> None:
    pid = os.fork()
    if pid:
        for fd in fds:
            os.close(fd)
        control.send(json.dumps({"started": pid}).encode())
        return
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _adopt_orphans()
        for inherited in (control, *others):
            inherited.close()
        own = temporary / str(os.getpid())
        own.mkdir(parents=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(own)
        worker.serve(Connection(fds[0]), fds[1])
    finally:
        os._exit(0)


def _adopt_orphans() -> None:
    """Let what a handler starts stay below this process, whoever has started it, so that it is found: on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def _report_ended(control: socket.socket, temporary: Path) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        shutil.rmtree(temporary / str(pid), ignore_errors=True)
        control.send(json.dumps({"ended": pid, "status": os.waitstatus_to_exitcode(status)}).encode())


def _import_gently(module: str, control: socket.socket) -> None:
    """Import a module in a thread of low priority, which the workers that are forked later do not inherit.

    The priority is raised when a request waits, if the system lets us.
    """

    def work() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOW_PRIORITY)
        try:
            importlib.import_module(module)
        except ImportError as error:
            print(f"workers start without {module}: {error}", file=sys.stderr)

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        if select.select([control], [], [], 0.02)[0] and thread.native_id is not None:
            with contextlib.suppress(PermissionError, ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread.native_id, 0)
            thread.join()
