"""Brings the whole stack up, tells where it answers, and takes it down again."""

from __future__ import annotations

import socket
import sys
import time

import requests
from rich.console import Console

from stack import supervisor_file
from stack.processes import ProcessId, start, stop, tail
from stack.state import USER, StackError, State

START_SECONDS = 240.0
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def up(state: State, port: int, console: Console) -> None:
    """Bring the stack up and wait until it answers; one that is up already is left as it is.

    Args:
        state: Where the stack keeps its state.
        port: Port of Airflow.
        console: Where to print the address and the login.

    Raises:
        StackError: If the port is taken, or a part does not come up.
    """
    state.prepare()
    running = supervisor_file.read(state)
    if running is not None and _unhealthy(running.url) == "":
        console.print("The stack is up already.")
        _tell(state, running.url, console)
        return
    if running is None:
        down(state, Console(quiet=True))
        _start(state, port)
    with console.status("starting the local Snowflake and Airflow …"):
        url = _wait(state)
    _tell(state, url, console)


def down(state: State, console: Console) -> None:
    """Stop everything that ``up`` has started.

    Args:
        state: Where the stack keeps its state.
        console: Where to print what was done.
    """
    found = supervisor_file.read(state, dead=True)
    if found is None:
        console.print("The stack is not up.")
        return
    with console.status("stopping Airflow and the local Snowflake …"):
        stop(found.supervisor, seconds=60)
        for child in reversed(found.children.values()):
            stop(child)
    supervisor_file.remove(state)
    console.print(f"The stack is down. Everything it knows is kept in {state.root}.")


def _start(state: State, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"port {port} is taken ({error.strerror}): free it, or choose another one with --port"
            raise StackError(message) from error
    log = state.logs / "supervisor.log"
    log.write_text("")
    process = start([sys.executable, "-m", "stack.supervisor", str(state.root), str(port)], log=log)
    supervisor_file.write(state, supervisor_file.Up(ProcessId.of(process.pid), f"http://localhost:{port}"))


def _wait(state: State) -> str:
    deadline = time.monotonic() + START_SECONDS
    missing = "everything"
    while time.monotonic() < deadline:
        running = supervisor_file.read(state)
        if running is None:
            log = state.logs / "supervisor.log"
            supervisor_file.remove(state)
            raise StackError(f"the stack did not come up; {log} says:\n{tail(log)}")
        missing = _unhealthy(running.url)
        if not missing:
            return running.url
        time.sleep(0.5)
    down(state, Console(quiet=True))
    message = f"the stack did not come up within {START_SECONDS:.0f} s ({missing} not healthy); see {state.logs}"
    raise StackError(message)


def _unhealthy(url: str) -> str:
    """Name the parts that are not healthy; empty when all are."""
    try:
        with requests.Session() as http:
            http.trust_env = False
            health = http.get(f"{url}/api/v2/monitor/health", timeout=5).json()
    except (requests.RequestException, ValueError):
        return "api-server"
    return ", ".join(part for part in PARTS if (health.get(part) or {}).get("status") != "healthy")


def _tell(state: State, url: str, console: Console) -> None:
    console.print(f"Airflow      {url}")
    console.print(f"login        {USER} / {state.password()}")
    console.print(f"Snowflake    python -m local_snowflake connection --data-dir {state.snowflake}")
    console.print(f"logs         {state.logs}")
    console.print("stop it      make down   (python -m stack down)")
