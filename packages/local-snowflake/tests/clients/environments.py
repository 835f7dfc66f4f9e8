"""Environments of clients that are installed from PyPI, apart from the server's: each is made once, and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_KEPT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "local-snowflake" / "clients"
_SECONDS = 600


def environment(*requirements: str) -> Path:
    """The ``bin`` of an environment with what is required; the test is skipped where it cannot be installed."""
    key = hashlib.sha256("\n".join((sys.version, *requirements)).encode()).hexdigest()[:16]
    folder, done = _KEPT / key, _KEPT / key / "installed"
    if not done.exists():
        uv = str(Path(sys.executable).parent / "uv")
        shutil.rmtree(folder, ignore_errors=True)
        for command in (
            [uv, "venv", "-q", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *requirements],
        ):
            ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            if ran.returncode:
                pytest.skip(f"{', '.join(requirements)} cannot be installed: {ran.stderr[-300:]}")
        done.touch()
    return folder / "bin"


def run_client(command: list[str], folder: Path, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a client in a folder, which is its home too; nothing of this process's environment but the PATH is there."""
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    return subprocess.run(
        command, input=text, cwd=folder, env=known, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
