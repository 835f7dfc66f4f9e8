"""Brings the whole stack up, prints where it answers, and takes it down again."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import NoReturn

from rich.console import Console
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_fixed

from stack import snowflake
from stack.airflow.health import unhealthy
from stack.holder import hold, in_use, read
from stack.processes import ProcessId, start, stop, tail
from stack.state import USER, StackError, State, local_url, python_command

START_SECONDS = 240.0
STOP_SECONDS = 60.0


def up(state: State, port: int, console: Console) -> None:
    """Bring the stack up, wait until it answers, and print address and login; one that is up already is left as it is.

    Raises:
        StackError: If the port is in use, a part does not come up, or another command uses the state directory.
    """
    state.prepare()
    running = read(state)
    if running is not None and running.url:
        missing = unhealthy(running.url)
        if missing:
            raise StackError(f"the stack is not healthy at {running.url} ({missing}): {in_use(state)}")
        console.print("The stack is up already.")
        _print_addresses(state, running.url, console)
        return
    url = local_url(port)
    process = _start(state, port)
    supervisor = ProcessId.of(process.pid)
    try:
        with console.status("starting the local Snowflake and Airflow …"):
            _wait(state, process, url)
    except BaseException:
        stop(supervisor, seconds=STOP_SECONDS)
        with hold(state, "up"):
            pass  # what a supervisor that had to be killed has left is ended
        raise
    _print_addresses(state, url, console)


def down(state: State, console: Console) -> None:
    """Stop the command that uses the state directory, whatever a killed one has left, and the local Snowflake.

    Raises:
        StackError: If yet another command uses the state directory, or the server's file cannot be read.
    """
    holder = read(state, dead=True)
    if holder is None and snowflake.process_of(state) is None:
        console.print("The stack is not up.")
        return
    with console.status("stopping Airflow and the local Snowflake …"):
        if holder is not None:
            stop(holder.process, seconds=STOP_SECONDS)
        with hold(state, "down"):
            server = snowflake.process_of(state)
            if server is not None:
                stop(server)
    console.print(f"The stack is down. Its state is kept in {state.root}.")


def _start(state: State, port: int) -> subprocess.Popen[bytes]:
    """Start the supervisor, which acquires the state directory's lock itself and keeps it while the stack is up."""
    log = state.logs / "supervisor.log"
    with hold(state, "up"):
        _check_free(port)
        log.write_text("")
    return start([sys.executable, "-m", "stack.supervisor", str(state.root), str(port)], log=log)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise StackError(
                f"port {port} is in use ({error.strerror}): free it, or choose another one: make up PORT={port + 1}"
            ) from error


def _wait(state: State, process: subprocess.Popen[bytes], url: str) -> None:
    def missing() -> str:
        if process.poll() is not None:
            log = state.logs / "supervisor.log"
            raise StackError(f"the stack did not come up; {log} says:\n{tail(log)}")
        return unhealthy(url)

    def give_up(attempts: RetryCallState) -> NoReturn:
        parts = attempts.outcome.result() if attempts.outcome else "everything"
        message = f"the stack did not come up within {START_SECONDS:.0f} s ({parts} not healthy); see {state.logs}"
        raise StackError(message)

    Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_delay(START_SECONDS),
        wait=wait_fixed(0.5),
        retry_error_callback=give_up,
    )(missing)


def _print_addresses(state: State, url: str, console: Console) -> None:
    snowflake_command, console_command = (
        python_command("local_snowflake", command, "--data-dir", str(state.snowflake))
        for command in ("connection", "console")
    )
    console.print(f"Airflow      {url}")
    console.print(f"login        {USER} / {state.password()}")
    console.print(f"Snowflake    {snowflake_command}")
    console.print(f"its console  {console_command}")
    console.print(f"look         {state.status_hint('credit_approval')}")
    console.print(f"logs         {state.logs}")
    console.print(f"stop it      {state.hint('down')}")
