"""Calls of Python handlers in worker processes: reused per code and imports, bounded in number, killed on cancel."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from local_snowflake.errors import SnowflakeError
from local_snowflake.python.handler_spec import HandlerSpec
from local_snowflake.python.isolation import Isolation
from local_snowflake.python.process import ForkServer, HandlerError, WorkerDiedError, WorkerProcess
from local_snowflake.sessions.session import Session

logger = logging.getLogger(__name__)
# imported one by one: a call waits for the one under way at most
PRELOAD = (
    "pyarrow",
    "pandas",
    "snowflake.connector.pandas_tools",
    "snowflake.snowpark.types",
    "snowflake.snowpark",
    "scipy.sparse",
    "sklearn.pipeline",
    "sklearn.linear_model",
    "sklearn.ensemble",
    "snowflake.ml.registry",
    "snowflake.ml.model._packager.model_packager",
)
_CHUNK = 100_000
_IDLE_SECONDS = 300.0
_MAX_IDLE = 8
_SAME_CODE = 2


class Workers:
    """The pool of worker processes."""

    def __init__(self, folder: Path, *, at_once: int = 4, memory: int | None = None) -> None:
        """Prepare; processes are started when they are needed.

        Args:
            folder: where import directories are made; emptied. Handlers see nothing of what else is in its parent.
            at_once: how many calls of functions run at once, and how many of procedures.
            memory: the address space that a process may use, in bytes; the default is that of
                LOCAL_SNOWFLAKE_WORKER_MEMORY, else 8 GiB.
        """
        shutil.rmtree(folder, ignore_errors=True)
        self._folder = folder
        self._at_once = at_once
        self._memory = memory or int(os.environ.get("LOCAL_SNOWFLAKE_WORKER_MEMORY", str(8 * 1024**3)))
        self._fork_server = ForkServer(folder.parent.resolve(), PRELOAD)
        self._changed = threading.Condition()
        self._idle: list[WorkerProcess] = []
        self._busy: dict[int, tuple[str, str]] = {}
        self._links = threading.Lock()
        self._closed = threading.Event()

    @property
    def isolation(self) -> Isolation:
        """How handlers are isolated from the server."""
        return self._fork_server.isolation

    def start(self) -> None:
        """Import the slow packages in the background, so that the first call is fast; says if handlers can do harm."""
        if self.isolation.refusal:
            logger.warning(self.isolation.description())
        self._fork_server.start()
        threading.Thread(target=self._end_idle, daemon=True).start()

    # -- calls --------------------------------------------------------------------------------------------------------

    def evaluate(
        self, spec: HandlerSpec, batch: pa.Table, *, session: Session | None = None, count: int | None = None
    ) -> pa.Table:
        """Call a function for all rows of a batch, which has a column for each argument.

        Semi-structured values are JSON text; a cancel or a time-out of the session ends the call; ``count`` is the
        number of rows where there are no arguments.

        Returns:
            The column RESULT with as many rows, in the same order.

        Raises:
            SnowflakeError: 100357 if the handler raises or its process dies; 000604 if it was cancelled.
        """
        rows = batch.num_rows if count is None else count
        with self._worker(spec, session) as worker:
            parts = [
                self._ask(worker, spec, {"count": min(_CHUNK, rows - start)}, batch.slice(start, _CHUNK), session)
                for start in range(0, max(rows, 1), _CHUNK)
            ]
        return pa.concat_tables(parts)

    def evaluate_table(
        self, spec: HandlerSpec, batch: pa.Table, partitions: list[int], *, session: Session | None = None
    ) -> pa.Table:
        """Call a table function; ``partitions`` are the numbers of their rows in the batch, one behind the other.

        Returns:
            The columns F0, F1, …, and those with the row of the batch that each row belongs to: see sandbox.tables.

        Raises:
            SnowflakeError: as for ``evaluate``.
        """
        with self._worker(spec, session) as worker:
            return self._ask(worker, spec, {"partitions": partitions}, batch, session)

    def call(self, spec: HandlerSpec, arguments: pa.Table, session: Session, extra: dict[str, Any]) -> pa.Table:
        """Call a procedure.

        Args:
            spec: the procedure.
            arguments: one row.
            session: the caller's.
            extra: connection: how the procedure's own session connects; table: whether it returns rows;
                nested: whether its caller is a procedure.

        Raises:
            SnowflakeError: as for ``evaluate``.
        """
        with self._worker(spec, session, nested=extra.get("nested", False)) as worker:
            return self._ask(worker, spec, {**extra, "count": 1}, arguments, session)

    def _ask(
        self, worker: WorkerProcess, spec: HandlerSpec, extra: dict[str, Any], batch: pa.Table, session: Session | None
    ) -> pa.Table:
        try:
            answer = worker.ask({**spec.header(), **extra}, batch)
        except (HandlerError, WorkerDiedError) as error:
            # memory that ran out once is not returned reliably
            worker.alive = worker.alive and getattr(error, "kind", "") != "MemoryError"
            raise self._translate(spec, error, session) from None
        if answer is None:
            raise SnowflakeError(603, "XX000", f"SQL execution internal error: {spec.name} gave no rows")
        return answer

    def _translate(self, spec: HandlerSpec, error: Exception, session: Session | None) -> SnowflakeError:
        if session is not None and session.interruption is not None:
            return session.interruption
        text = str(error)
        if isinstance(error, HandlerError) and error.kind == "MemoryError":
            limit = self._memory // 1024**2
            text += f"\nA Python process may use {limit} MB of memory: LOCAL_SNOWFLAKE_WORKER_MEMORY changes it."
        where = f" in function {spec.name} with handler {spec.handler}"
        return SnowflakeError(100357, "P0000", f"Python Interpreter Error:\n{text}\n{where}")

    # -- processes ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _worker(self, spec: HandlerSpec, session: Session | None, *, nested: bool = False) -> Iterator[WorkerProcess]:
        """A process for a call: an idle one or a new one; it becomes idle again unless it ended."""
        pool = "procedure" if spec.kind == "procedure" else "function"
        worker = self._acquire(spec.key, pool, session, unbounded=nested)
        if worker is None:
            worker = self._new(spec, pool, session)
        if session is not None:
            session.on_interrupt.append(worker.kill)
            if session.interruption is not None:
                worker.kill()
        try:
            yield worker
        finally:
            if session is not None:
                session.on_interrupt.remove(worker.kill)
                worker.alive = worker.alive and session.interruption is None
            self._release(worker, spec.key)

    def _acquire(self, key: str, pool: str, session: Session | None, *, unbounded: bool) -> WorkerProcess | None:
        """An idle process, or None once there is room for a new one."""
        with self._changed:
            while not unbounded and self._is_full(pool, key):
                self._changed.wait(0.2)
                if session is not None and session.interruption is not None:
                    raise session.interruption
            for gone in [w for w in self._idle if w.is_gone()]:  # the system ends processes when memory runs out
                self._idle.remove(gone)
                gone.close()
            idle = next((w for w in self._idle if w.key == key), None)
            # one that is to be started counts as busy already
            self._busy[idle.pid if idle else -threading.get_ident()] = pool, key
            if idle:
                self._idle.remove(idle)
                idle.resume()
            return idle

    def _is_full(self, pool: str, key: str) -> bool:
        running = [k for p, k in self._busy.values() if p == pool]
        return len(running) >= self._at_once or (pool == "function" and running.count(key) >= _SAME_CODE)

    def _new(self, spec: HandlerSpec, pool: str, session: Session | None) -> WorkerProcess:
        setup = {"do": "setup", "code": spec.code, "memory": self._memory}
        worker = None
        try:
            folder = self._import_directory(spec)
            links = [entry.resolve() for entry in folder.iterdir() if entry.is_symlink()]
            worker = self._fork_server.spawn([folder.resolve(), *links])
            if session is not None:
                session.on_interrupt.append(worker.kill)
            worker.ask({**setup, "imports": str(folder)})
        except (HandlerError, WorkerDiedError) as error:
            if worker:
                worker.close()
            raise self._translate(spec, error, session) from None
        finally:
            if worker and session is not None:
                session.on_interrupt.remove(worker.kill)
            with self._changed:
                self._busy.pop(-threading.get_ident(), None)
                self._changed.notify_all()
        with self._changed:
            self._busy[worker.pid] = pool, spec.key
        return worker

    def _import_directory(self, spec: HandlerSpec) -> Path:
        """The folder of a key's imports: copies of files, which the handler may change and the stage may replace."""
        folder = self._folder / "imports" / spec.key
        with self._links:
            if folder.exists():
                return folder
            making = folder.with_suffix(".new")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir(parents=True)
            for name, path in spec.imports.items():
                if path.is_dir():
                    (making / name).symlink_to(path.resolve())
                else:
                    shutil.copy2(path, making / name)
            making.rename(folder)
        return folder

    def _release(self, worker: WorkerProcess, key: str) -> None:
        with self._changed:
            self._busy.pop(worker.pid, None)
            surplus = [worker]
            if worker.alive and not self._closed.is_set():
                worker.pause()
                worker.key, worker.idle_since = key, time.monotonic()
                self._idle.append(worker)
                surplus, self._idle = self._idle[:-_MAX_IDLE], self._idle[-_MAX_IDLE:]
            self._changed.notify_all()
        for ended in surplus:
            ended.end()

    def _end_idle(self) -> None:
        while not self._closed.wait(30):
            self._end([w for w in self._idle if time.monotonic() - w.idle_since > _IDLE_SECONDS])

    def _end(self, idle: list[WorkerProcess]) -> None:
        with self._changed:
            ending = [w for w in idle if w in self._idle]
            for worker in ending:
                self._idle.remove(worker)
        for worker in ending:
            worker.end()

    def forget(self, folder: Path) -> None:
        """End the idle processes that import from a folder, before it is deleted."""
        inside = str(folder.resolve())
        imports = self._folder / "imports"
        for worker in list(self._idle):
            links = [p for p in (imports / worker.key).glob("*") if p.is_symlink()]
            if any(str(p.readlink()).startswith(inside) for p in links):
                self._end([worker])

    def close(self) -> None:
        """End all processes."""
        self._closed.set()
        self._end(list(self._idle))
        self._fork_server.close()
