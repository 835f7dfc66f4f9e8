"""The process that worker processes are forked from: it has imported the slow packages, so that they start at once."""

import contextlib
import ctypes
import gc
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
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import local_snowflake.python.sandbox.main as worker
from local_snowflake.python.sandbox import namespaces

PLACE = "root"
"""The directory, next to the workers' own ones, over which the file system of an isolated worker is built."""

_LOW_PRIORITY = 5
# PR_SET_CHILD_SUBREAPER: https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
_CHILD_SUBREAPER = 36
# a server that is stopped at once imports nothing in vain
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Settings:
    """What all workers have in common.

    Attributes:
        preload: modules to import before workers are forked, one by one between requests.
        temporary: the directory of the workers' directories; it is deleted when the server is gone.
        user: the id of the server's user.
        group: that of its group.
        readable: what isolated workers can read, besides what modules are imported from: see ``View``.
        hidden: see ``View``.
    """

    preload: list[str]
    temporary: str
    user: int
    group: int
    readable: list[str]
    hidden: list[str]


def run(control: socket.socket, settings: Settings, maker: namespaces.NamespaceMaker | None) -> None:
    """Fork a worker for each request, until the server closes the socket.

    A request is JSON with a number, ``fork``, and the paths of ``imports``; it carries two descriptors: the worker's
    socket, and the pipe that closes when the server is gone. The worker answers itself, with the number as ``started``:
    so the server learns its process id from the system. When it ends its number and exit code are sent, as ``ended``
    and ``status``. Each worker has a directory of its own, for temporary files too, which is deleted at its end.

    Args:
        control: a sequenced-packet socket to the server.
        settings: what the workers have in common.
        maker: what makes the workers' namespaces, where they are isolated.
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
        _ForkServer(control, [waker, alarm], settings, maker).answer()
    except ConnectionError:
        # the server is gone
        return
    finally:
        shutil.rmtree(settings.temporary, ignore_errors=True)


class _ForkServer:
    def __init__(
        self,
        control: socket.socket,
        alarm: list[socket.socket],
        settings: Settings,
        maker: namespaces.NamespaceMaker | None,
    ) -> None:
        self._control, self._alarm, self._settings, self._maker = control, alarm, settings, maker
        self._temporary = Path(settings.temporary)
        # process id -> the worker's number, and the process that supervises it
        self._workers: dict[int, tuple[int, int | None]] = {}
        self._readable = [*settings.readable, *_imported_from()]

    def answer(self) -> None:
        patience, todo, waker = _PATIENCE_SECONDS, list(self._settings.preload), self._alarm[0]
        while True:
            ready, _, _ = select.select([self._control, waker], [], [], patience if todo else None)
            if waker in ready:
                waker.recv(4096)
            self._report_ended()
            if self._control in ready:
                data, fds, _, _ = socket.recv_fds(self._control, namespaces.MESSAGE_BYTES, 2)
                if not data:
                    return
                self._fork(json.loads(data), *fds)
            elif todo:
                patience = 0
                _import_gently(todo.pop(0), self._control)
                # a collection in a worker would write to all that was imported, so that its memory was copied
                gc.freeze()

    def _fork(self, request: dict[str, Any], connection: int, life: int) -> None:
        number, me = request["fork"], os.getpid()
        own = self._temporary / str(number)
        own.mkdir(parents=True)
        try:
            pid, supervisor = self._start(request, own, life)
            if pid == 0:
                self._become_worker(number, Path.cwd() if supervisor else own)
        except BaseException as error:  # whatever it is, it fails this worker alone
            traceback.print_exc()
            if os.getpid() != me:
                os._exit(1)
            if not isinstance(error, OSError):
                raise
            shutil.rmtree(own, ignore_errors=True)
            self._send({"ended": number, "status": 1})
        else:
            if pid == 0:
                try:
                    worker.serve(Connection(connection), life)
                finally:
                    os._exit(0)
            self._workers[pid] = number, supervisor
        for fd in (connection, life):
            os.close(fd)

    def _start(self, request: dict[str, Any], own: Path, life: int) -> tuple[int, int | None]:
        """Fork; returns what ``os.fork`` does, and the process that supervises the new one, if one does."""
        if self._maker is None:
            return os.fork(), None
        place = str(self._temporary / PLACE)
        view = namespaces.View(place, str(own), self._readable, self._settings.hidden, request["imports"])
        made = self._maker.make(view, life, request["fork"])
        return made.fork(self._settings.user, self._settings.group), made.supervisor

    def _become_worker(self, number: int, own: Path) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _adopt_orphans()
        os.chdir(own)
        os.environ["TMPDIR"] = tempfile.tempdir = os.environ["HOME"] = str(own)
        self._send({"started": number, "pid": os.getpid()})
        for inherited in (self._control, *self._alarm):
            inherited.close()
        if self._maker:
            self._maker.close()

    def _report_ended(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number, supervisor = self._workers.pop(pid, (None, None))
            if supervisor is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(supervisor, signal.SIGKILL)
            if number is not None:
                shutil.rmtree(self._temporary / str(number), ignore_errors=True)
                self._send({"ended": number, "status": os.waitstatus_to_exitcode(status)})

    def _send(self, news: dict[str, int]) -> None:
        self._control.send(json.dumps(news).encode())


def _imported_from() -> list[str]:
    """Where modules are imported from, packages that are installed as links to their sources among it."""
    links = [vars(module).get("MAPPING", {}) for name, module in sys.modules.items() if name.startswith("__editable__")]
    return [str(Path(path).resolve()) for path in (*sys.path, *(p for link in links for p in link.values()))]


def _adopt_orphans() -> None:
    """Let what a handler starts stay below this process, whoever has started it, so that it is found: on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)


def _import_gently(module: str, control: socket.socket) -> None:
    """Import a module in a thread of low priority, which the workers that are forked later do not inherit.

    The priority is raised when a request waits, if the system lets us.
    """

    def work() -> None:
        # a server that runs at a lower priority already, eg: by nice, may not raise its own
        with contextlib.suppress(PermissionError):
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
