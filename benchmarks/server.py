"""A local Snowflake for the measurements, and the peak of its memory."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_ROOT = Path(__file__).resolve().parents[1]
_SAMPLE_SECONDS = 0.1


@dataclass
class Memory:
    """Peak resident memory in bytes.

    Attributes:
        server: Of the server's process.
        worker: Of the largest of its worker processes.
        workers: Of all worker processes together, idle ones too; pages that they share are counted once on Linux, and
            for each of them elsewhere, where the system does not say which they are.
    """

    server: int = 0
    worker: int = 0
    workers: int = 0

    def __str__(self) -> str:
        """All in MiB."""
        mib = [f"{size / 2**20:,.0f}" for size in (self.server, self.worker, self.workers)]
        return f"server {mib[0]}, worker {mib[1]}, workers {mib[2]} MiB"


class Server:
    """A running local Snowflake in a folder of its own."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        """Take over a process that serves ``folder``."""
        self._process = psutil.Process(process.pid)
        self._folder = folder

    def connection(self) -> dict[str, Any]:
        """Keyword arguments for the connector and for Snowpark, as the command line prints them."""
        command = [sys.executable, "-m", "local_snowflake", "connection", "--data-dir", str(self._folder)]
        printed = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)
        return dict(json.loads(printed.stdout))

    def resident(self) -> int:
        """Resident memory of the server's own process, in bytes."""
        return int(self._process.memory_info().rss)

    def cpu_seconds(self) -> float:
        """Processor time so far of the server, its workers, and this process: what else runs does not change it."""
        times = [self._process.cpu_times(), *(each.cpu_times() for each in self._process.children(recursive=True))]
        return time.process_time() + sum(each.user + each.system for each in times)

    @contextmanager
    def watched(self) -> Iterator[Memory]:
        """The peak memory while the block runs."""
        peak = Memory()
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(peak, done), daemon=True)
        watcher.start()
        try:
            yield peak
        finally:
            done.set()
            watcher.join()

    def _watch(self, peak: Memory, done: threading.Event) -> None:
        while True:
            peak.server = max(peak.server, self._process.memory_info().rss)
            workers = 0
            for child in self._process.children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    memory = child.memory_full_info()
                    peak.worker = max(peak.worker, memory.rss)
                    workers += getattr(memory, "pss", memory.rss)
            peak.workers = max(peak.workers, workers)
            if done.wait(_SAMPLE_SECONDS):
                return


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Serve ``folder`` on free ports while the block runs.

    Raises:
        RuntimeError: if the server does not start; its log is in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(folder)]
    paths = (_ROOT, _ROOT / "packages" / "local-snowflake" / "src")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("ready"):
            raise RuntimeError(f"the local Snowflake did not start: see {folder / 'server.log'}")
        yield Server(process, folder)
    finally:
        process.terminate()
        process.wait(60)
