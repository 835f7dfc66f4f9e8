"""Keeps the stack up: starts the local Snowflake and Airflow's parts, watches them, and stops them all together.

Airflow's own ``standalone`` is not used: it leaves its children behind on SIGTERM, and its two log servers listen on
all addresses. Here every part listens on loopback; the API server reads the task logs from the disk. A part of Airflow
that ends by itself is started again a few times: its state is in the metadata database.

Started by ``python -m stack up`` as a process of its own: ``python -m stack.supervisor STATE_DIR PORT``. It keeps the
lock of the state directory as long as the stack is up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from stack import snowflake
from stack.connections import write_connection_file
from stack.holder import Hold, hold
from stack.processes import ProcessId, end_session, on_end_signals, start, stop, tail
from stack.state import REPOSITORY, StackError, State, airflow_environment, local_url

AIRFLOW_PARTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
RESTARTS = 3  # of each part; one that ends more often has a fault that its log shows


class Stopped(Exception):  # noqa: N818 - not an error
    """A signal asked the supervisor to stop."""


class Supervisor:
    """The processes of a stack that is up.

    Args:
        hold: The hold of the directory where the stack keeps its state.
        port: Port of Airflow.
    """

    def __init__(self, hold: Hold, port: int) -> None:
        self.hold = hold
        self.state = hold.state
        self.port = port
        self.parts: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = dict.fromkeys(AIRFLOW_PARTS, 0)

    def run(self) -> None:
        """Start everything and watch it until a signal comes or a part ends for good; then stop everything.

        Raises:
            StackError: If a part cannot be started, or ends by itself again and again, or the local Snowflake ends.
        """
        try:
            with snowflake.running(self.hold) as server:
                write_connection_file(self.state, server)
                self.state.password()
                connection = server.airflow_connection()
                environment = airflow_environment(self.state, connection, server.ca_bundle, port=self.port)
                self._prepare_database(environment)
                for name in AIRFLOW_PARTS:
                    self._start_part(name, environment)
                self._watch(server, environment)
        except Stopped:
            print("asked to stop", flush=True)
        finally:
            self._stop_airflow()

    def _start_part(self, name: str, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "airflow", *AIRFLOW_PARTS[name]]
        preloaded = [str(REPOSITORY / "stack" / "scheduler_settings")] if name == "scheduler" else []
        path = os.pathsep.join([*preloaded, environment["PYTHONPATH"]])
        self.parts[name] = start(command, log=self._log(name), environment={**environment, "PYTHONPATH": path})
        self.hold.add(name, ProcessId.of(self.parts[name].pid))

    def _prepare_database(self, environment: Mapping[str, str]) -> None:
        log = self.state.logs / "database.log"
        process = start([sys.executable, "-m", "stack.airflow.database"], log=log, environment=environment)
        self.hold.add("database", ProcessId.of(process.pid))
        if process.wait() != 0:
            raise StackError(f"Airflow's metadata database could not be prepared; {log} says:\n{tail(log)}")

    def _watch(self, server: snowflake.Snowflake, environment: Mapping[str, str]) -> None:
        while True:
            for name, process in list(self.parts.items()):
                if process.poll() is not None:
                    self._restart(name, environment)
            if server.identity.process() is None:
                log = self._log("snowflake")
                raise StackError(f"the local Snowflake ended; {log} says:\n{tail(log)}")
            time.sleep(1)

    def _restart(self, name: str, environment: Mapping[str, str]) -> None:
        ended, log = self.parts[name], self._log(name)
        ending = f"{name} ended with code {ended.returncode}"
        end_session(ended.pid)  # its children would keep running next to its successor, or hold its port
        if self.restarts[name] == RESTARTS:
            raise StackError(f"{ending}, after {RESTARTS} restarts; {log} says:\n{tail(log)}")
        self.restarts[name] += 1
        print(f"{ending} and is started again ({self.restarts[name]} of {RESTARTS})", flush=True)
        self._start_part(name, environment)

    def _log(self, name: str) -> Path:
        return self.state.logs / f"{name}.log"

    def _stop_airflow(self) -> None:
        for name in reversed(AIRFLOW_PARTS):
            process = self.parts.get(name)
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self.parts.items():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                print(f"process {process.pid} did not end within 15 s and is killed", flush=True)
            stop(self.hold.holder.children[name], seconds=1)


def main(arguments: list[str]) -> int:
    """Supervise until stopped.

    Args:
        arguments: The state directory and Airflow's port.

    Returns:
        0 if it was asked to stop, 1 if something ended by itself.
    """
    directory, port = arguments
    on_end_signals(Stopped)
    try:
        with hold(State(Path(directory)), "up", url=local_url(int(port))) as held:
            Supervisor(held, int(port)).run()
    except StackError as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
