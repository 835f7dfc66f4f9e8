"""Worker processes as the server sees them: started by the fork server, called over a socket, killed on cancel."""

import contextlib
import importlib.metadata
import json
import os
import queue
import shutil
import signal
import site
import socket
import subprocess
import sys
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from local_snowflake.python.sandbox.main import read_table, write_table

_BOOT = (
    "import sys, socket, json; sys.path += json.loads(sys.argv[5]); sys.path.insert(0, sys.argv[1]); "
    "from local_snowflake.python.sandbox import forkserver; "
    "sys.path.pop(0); forkserver.run(socket.socket(fileno=int(sys.argv[2])), json.loads(sys.argv[3]), sys.argv[4])"
)
# what a handler may read of the server's environment: no secrets
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE", "OMP_NUM_THREADS")
_START_SECONDS = 120


class WorkerDiedError(Exception):
    """A worker process ended in the middle of a call; the message says how."""


class HandlerError(Exception):
    """A handler raised: the name of the exception's type, and its traceback."""

    def __init__(self, kind: str, trace: str) -> None:
        super().__init__(trace)
        self.kind = kind


class WorkerProcess:
    """One process and the socket to it."""

    def __init__(self, pid: int, connection: Connection, life: int, fork_server: "ForkServer") -> None:
        self.pid = pid
        self.alive = True
        # what it has run, and since when it waits: time.monotonic()
        self.key, self.idle_since = "", 0.0
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
            raise WorkerDiedError(self._fork_server.how_it_ended(self.pid)) from error
        # what a handler has started does not outlive its call: its process is ended with it, and serves no other one
        self.alive = not answer["children"]
        if not answer["ok"]:
            raise HandlerError(answer["type"], answer["traceback"])
        return rows

    def is_gone(self) -> bool:
        """Whether a process that was asked nothing has ended: only then is there something to read."""
        return self._connection.poll()

    def kill(self) -> None:
        """End the process, and those that it started, at once."""
        descendants: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            descendants = psutil.Process(self.pid).children(recursive=True)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        for process in descendants:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()

    def end(self) -> None:
        """End the process and let go of it."""
        self.kill()
        self.close()

    def close(self) -> None:
        """Let go of the process: it ends when its sockets are closed."""
        self._connection.close()
        with contextlib.suppress(OSError):
            os.close(self._life)


class ForkServer:
    """Starts workers by forking a process that has imported the slow packages already, ``preload``.

    ``home`` is the workers' home and current directory.
    """

    def __init__(self, home: Path, preload: tuple[str, ...]) -> None:
        self._home = home
        self._preload = preload
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._started: queue.Queue[int | None] = queue.Queue()
        self._ended: dict[int, int] = {}
        self._news = threading.Condition()
        self._temporary: Path | None = None

    def start(self) -> None:
        """Start the process unless it runs."""
        with self._lock:
            self._start()

    def _start(self) -> socket.socket:
        if self._process is not None and self._control is not None and self._process.poll() is None:
            return self._control
        self._home.mkdir(parents=True, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = str(Path(__file__).resolve().parents[2])
        # not in the data directory: the paths of sockets in it have to be short
        self._temporary = self._temporary or Path(tempfile.mkdtemp(prefix="snowflake-"))
        command = [sys.executable, "-I", "-c", _BOOT, root, str(theirs.fileno()), json.dumps(self._preload)]
        command += [str(self._temporary), json.dumps(_package_folders(root))]
        environment = {k: os.environ[k] for k in _ENVIRONMENT if k in os.environ}
        environment |= {"HOME": str(self._home), "TZ": "UTC", "SF_OCSP_TESTING_MODE": "false"}
        # waiting threads of a model's library must not spin: other handlers and DuckDB want the same cores
        environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        self._process = subprocess.Popen(
            command,
            cwd=self._home,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        self._started = queue.Queue()
        threading.Thread(target=self._listen, args=(ours, self._started), daemon=True).start()
        return ours

    def _listen(self, control: socket.socket, started: queue.Queue[int | None]) -> None:
        while True:
            try:
                message = control.recv(4096)
            except OSError:
                message = b""
            if not message:
                started.put(None)
                return
            news = json.loads(message)
            if "started" in news:
                started.put(news["started"])
            else:
                with self._news:
                    self._ended[news["ended"]] = news["status"]
                    self._news.notify_all()

    def spawn(self) -> WorkerProcess:
        """Start a worker.

        Raises:
            WorkerDiedError: if no process can be started.
        """
        with self._lock:
            control = self._start()
            ours, theirs = socket.socketpair()
            life_theirs, life_ours = os.pipe()
            try:
                socket.send_fds(control, [b"fork"], [theirs.fileno(), life_theirs])
                pid = self._started.get(timeout=_START_SECONDS)
            except (OSError, queue.Empty):
                pid = None
            finally:
                theirs.close()
                os.close(life_theirs)
        connection = Connection(ours.detach())
        if pid is None:
            connection.close()
            os.close(life_ours)
            raise WorkerDiedError("the process that starts the Python workers does not answer: see the server's log")
        return WorkerProcess(pid, connection, life_ours, self)

    def how_it_ended(self, pid: int) -> str:
        """A worker's end in words."""
        with self._news:
            self._news.wait_for(lambda: pid in self._ended, timeout=5)
            status = self._ended.pop(pid, None)
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


def _package_folders(root: str) -> list[str]:
    """The folders of packages outside of the environment, eg: on PYTHONPATH: PACKAGES may name those, too.

    Handlers do not see ``root``, the folder of the server's own sources.
    """
    folders = {str(Path(str(d.locate_file(""))).resolve()) for d in importlib.metadata.distributions()}
    own = {str(Path(p).resolve()) for p in (*site.getsitepackages(), root)}
    return sorted(folders - own)
