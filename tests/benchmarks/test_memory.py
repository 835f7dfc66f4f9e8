"""The memory that a benchmark reports, also where the system has no shares of pages."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from benchmarks.server import Server

FAMILY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"


@pytest.mark.parametrize(("sizes", "workers"), [({"rss": 300, "pss": 200}, 200), ({"rss": 300}, 300)])
def test_memory_of_workers_is_their_share_or_all_that_they_hold(sizes, workers, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil.Process, "memory_full_info", lambda _process: SimpleNamespace(**sizes))
    with subprocess.Popen([sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not psutil.Process(process.pid).children() and time.monotonic() < deadline:
            time.sleep(0.05)
        with Server(process, tmp_path).watched() as peak:
            pass
        process.communicate("\n")
    assert (peak.worker, peak.workers) == (300, workers)
    assert peak.server > 300
