"""Worker processes as the server sees them: started by the fork server, called over a socket, killed on cancel."""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

import psutil
import pyarrow as pa

from local_snowflake.python.isolation import SOURCES, Isolation, package_folders, probe, worker_environment
from local_snowflake.python.sandbox.forkserver import PLACE, Settings
from local_snowflake.python.sandbox.main import read_table, write_table
from local_snowflake.python.sandbox.namespaces import MESSAGE_BYTES

# the maker of namespaces is started before anything large is imported: it is to be small
_BOOT = """
import json, socket, sys
root, control, settings, folders, isolated = sys.argv[1], *map(json.loads, sys.argv[2:])
control = socket.socket(fileno=control)
sys.path += folders
sys.path.insert(0, root)
from local_snowflake.python.sandbox import namespaces
maker = namespaces.NamespaceMaker(control) if isolated else None
from local_snowflake.python.sandbox import forkserver
sys.path.pop(0)
forkserver.run(control, forkserver.Settings(**settings), maker)
"""
_START_SECONDS = 120
# process id, user and group of who has sent a message: https://man7.org/linux/man-pages/man7/unix.7.html
_CREDENTIALS = struct.Struct("iII")


class WorkerDiedError(Exception):
    """A worker process ended in the middle of a call; the message says how."""


class HandlerError(Exception):
    """A handler raised: the name of the exception's type, and its traceback."""

    def __init__(self, kind: str, trace: str) -> None:
        super().__init__(trace)
        self.kind = kind


class WorkerProcess:
    """One process and the socket to it."""

    def __init__(
        self,
        number: int,
        pid: int,
        supervisor: int | None,
        connection: Connection,
        life: int,
        fork_server: "ForkServer",
    ) -> None:
        self.pid = pid
        self.alive = True
        # what it has run, and since when it waits: time.monotonic()
        self.key, self.idle_since = "", 0.0
        self._number = number
        # the first process of its namespace, where it has one: what ends with that
        self._supervisor = supervisor
        self._connection = connection
        self._life = life
        self._fork_server = fork_server

    def ask(self, header: dict[str, Any], batch: pa.Table | None = None) -> pa.Table | None:
        """Send a request, with rows if it has any, and wait for the rows of its answer, if that has any.

        Raises:
            HandlerError: the handler raised.
            WorkerDiedError: the process ended before it answered.
        """
        try:
            self._connection.send_bytes(json.dumps({**header, "rows": batch is not None}).encode())
            if batch is not None:
                self._connection.send_bytes(write_table(batch))
            answer = json.loads(self._connection.recv_bytes())
            rows = read_table(self._connection.recv_bytes()) if answer.get("rows") else None
        except (EOFError, OSError) as error:
            self.alive = False
            raise WorkerDiedError(self._fork_server.how_it_ended(self._number)) from error
        # what a handler has started does not outlive its call: its process is ended with it, and serves no other one
        self.alive = not self._has_left_processes()
        if not answer["ok"]:
            raise HandlerError(answer["type"], answer["traceback"])
        return rows

    def is_gone(self) -> bool:
        """Whether a process that was asked nothing has ended: only then is there something to read."""
        return self._connection.poll()

    def _has_left_processes(self) -> bool:
        """Whether something that a handler has started still runs, or has ended without being waited for."""
        return bool(_children(self.pid) or (self._supervisor and _children(self._supervisor)))

    def kill(self) -> None:
        """End the process, and those that it started, at once."""
        if self._supervisor:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._supervisor, signal.SIGKILL)
            return
        descendants: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            descendants = psutil.Process(self.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in descendants:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()

    def pause(self) -> None:
        """Let nothing of the process run until ``resume``, threads that a handler has started neither.

        Only where it ends with its supervisor: one that was stopped would not notice that the server is gone.
        """
        self._signal_if_supervised(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a process that was paused go on."""
        self._signal_if_supervised(signal.SIGCONT)

    def _signal_if_supervised(self, number: signal.Signals) -> None:
        if self._supervisor:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self) -> None:
        """End the process and let go of it."""
        self.kill()
        self.close()

    def close(self) -> None:
        """Let go of the process: it ends when its sockets are closed."""
        self._connection.close()
        with contextlib.suppress(OSError):
            os.close(self._life)


def _children(pid: int) -> set[int]:
    """The processes whose parent is this one: none if it is gone."""
    try:
        lists = [task / "children" for task in Path(f"/proc/{pid}/task").iterdir()]
        return {int(child) for each in lists for child in each.read_text().split()}
    except OSError:
        # no Linux, or one without these lists
        with contextlib.suppress(psutil.NoSuchProcess):
            return {child.pid for child in psutil.Process(pid).children()}
    return set()


def _copy_log(printed: IO[bytes]) -> None:
    """Write into the server's log what handlers print: with the file itself they could read it, or empty it."""
    with printed:
        for line in printed:
            os.write(2, line)


class ForkServer:
    """Starts workers by forking a process that has imported the slow packages already, ``preload``.

    Workers see nothing in the directory ``hidden`` but what they import, where the machine lets them be isolated.
    """

    def __init__(self, hidden: Path, preload: tuple[str, ...]) -> None:
        self._hidden = hidden
        self._preload = preload
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._numbers = itertools.count(1)
        self._started: dict[int, int] = {}
        self._supervisors: dict[int, int] = {}
        self._ended: dict[int, int] = {}
        self._news = threading.Condition()
        self._temporary: Path | None = None

    @cached_property
    def isolation(self) -> Isolation:
        """Whether the machine lets workers be isolated, as it was found out at the start."""
        return probe(worker_environment())

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            self._start()

    def _start(self) -> socket.socket:
        if self._process is not None and self._control is not None and self._process.poll() is None:
            return self._control
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if sys.platform == "linux":
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        # not in the data directory: the paths of sockets in it have to be short
        self._temporary = self._temporary or Path(tempfile.mkdtemp(prefix="snowflake-"))
        (self._temporary / PLACE).mkdir(exist_ok=True)
        settings = Settings(
            list(self._preload),
            str(self._temporary),
            os.getuid(),
            os.getgid(),
            list(self.isolation.readable),
            [str(self._hidden)],
        )
        command = [*self.isolation.command, sys.executable, "-I", "-c", _BOOT, str(SOURCES), str(theirs.fileno())]
        command += map(json.dumps, (asdict(settings), package_folders(), not self.isolation.refusal))
        environment = {
            **worker_environment(),
            "HOME": str(self._temporary),
            "TZ": "UTC",
            "SF_OCSP_TESTING_MODE": "false",
        }
        # waiting threads of a model's library must not spin: other handlers and DuckDB want the same cores
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._process = subprocess.Popen(
            command,
            cwd=self._temporary,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        threading.Thread(target=self._listen, args=(ours,), daemon=True).start()
        threading.Thread(target=_copy_log, args=(self._process.stderr,), daemon=True).start()
        return ours

    def _listen(self, control: socket.socket) -> None:
        while True:
            try:
                message, credentials, _, _ = control.recvmsg(MESSAGE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
            except OSError:
                message = b""
            news = json.loads(message) if message else {}
            with self._news:
                # the system gives the number that the process has here; in its own namespace it has another one
                sender = next((_CREDENTIALS.unpack(data)[0] for _, _, data in credentials), news.get("pid", 0))
                if "started" in news:
                    self._started[news["started"]] = sender
                elif "supervised" in news:
                    self._supervisors[news["supervised"]] = sender
                elif news:
                    self._ended[news["ended"]] = news["status"]
                elif self._control is control:
                    self._control = None
                self._news.notify_all()
            if not news:
                return

    def spawn(self, imports: Sequence[Path]) -> WorkerProcess:
        """Start a worker that can read these paths of those that are hidden.

        Raises:
            WorkerDiedError: if no process can be started.
        """
        number = next(self._numbers)
        request = json.dumps({"fork": number, "imports": [str(path) for path in imports]}).encode()
        with self._lock:
            control = self._start()
            ours, theirs = socket.socketpair()
            life_theirs, life_ours = os.pipe()
            with contextlib.suppress(OSError):
                socket.send_fds(control, [request], [theirs.fileno(), life_theirs])
            theirs.close()
            os.close(life_theirs)
        with self._news:
            self._news.wait_for(lambda: self._is_answered(number, control), _START_SECONDS)
            pid, supervisor = self._started.pop(number, None), self._supervisors.pop(number, None)
        connection = Connection(ours.detach())
        if pid is None:
            connection.close()
            os.close(life_ours)
            raise WorkerDiedError("the process that starts the Python workers does not answer: see the server's log")
        return WorkerProcess(number, pid, supervisor, connection, life_ours, self)

    def _is_answered(self, number: int, control: socket.socket) -> bool:
        return number in self._started or number in self._ended or self._control is not control

    def how_it_ended(self, number: int) -> str:
        """A worker's end in words."""
        with self._news:
            self._news.wait_for(lambda: number in self._ended, timeout=5)
            status = self._ended.pop(number, None)
        if status is None:
            return "the Python process does not answer any more"
        if status < 0:
            hint = ": the machine may have run out of memory" if -status == signal.SIGKILL else ""
            return f"the Python process was ended by signal {signal.Signals(-status).name}{hint}"
        return f"the Python process ended itself with exit code {status}"

    def close(self) -> None:
        """End the process; its workers end when their own sockets are closed."""
        with self._lock:
            if self._control:
                self._control.close()
            if self._process and self._process.poll() is None:
                self._process.kill()
                self._process.wait()
            if self._temporary:
                shutil.rmtree(self._temporary, ignore_errors=True)
