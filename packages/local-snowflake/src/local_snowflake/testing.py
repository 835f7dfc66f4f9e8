"""A server for tests: started on a free port over a data directory, and stopped, killed or started again at will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local_snowflake.protocol.connection import connection_arguments


class LocalSnowflake:
    """A server process over a data directory; it may be stopped, killed and started again.

    It finds packages in ``packages``, besides those of its environment; ``options`` are those of the command line. With
    ``enforce_privileges`` a session may only do what is granted to its roles.
    """

    def __init__(
        self,
        data_dir: Path,
        packages: Path | None = None,
        options: Sequence[str] = (),
        *,
        enforce_privileges: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self._options = [*options, *(["--enforce-privileges"] if enforce_privileges else [])]
        self._packages = packages
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process.pid

    def start(self) -> LocalSnowflake:
        """Start the server and wait until it is ready."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        log = (self.data_dir / "server.log").open("a")
        command = [sys.executable, "-m", "local_snowflake", "serve", "--data-dir", str(self.data_dir), *self._options]
        environment = dict(os.environ)
        if self._packages:
            environment["PYTHONPATH"] = os.pathsep.join([str(self._packages), os.environ.get("PYTHONPATH", "")])
        self._process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line.startswith("ready"):
            raise RuntimeError(f"the local Snowflake did not start: {line!r}; see {self.data_dir / 'server.log'}")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        """Send a signal (SIGTERM: a clean stop; SIGKILL: as a power cut) and wait for the end; its exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)
        if self._process.stdout:
            self._process.stdout.close()
        return self._process.returncode

    def connection(self) -> dict[str, Any]:
        """Keyword arguments for the connector, as the command line prints them."""
        return connection_arguments(self.data_dir)
