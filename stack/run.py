"""Runs a DAG once under Airflow with a local Snowflake, and shows its progress and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from snowloop.errors import LoadError, SnowloopError
from snowloop.lifecycle.data.files import check_files
from snowloop.project import load_project
from stack import snowflake
from stack.airflow import trigger
from stack.airflow.health import unhealthy
from stack.connections import write_connection_file
from stack.events import RunEvent, StageEvent, read_events
from stack.holder import Hold, Holder, hold, in_use, read
from stack.processes import ProcessId, start, stop, tail
from stack.progress import Progress
from stack.reports import bring_report
from stack.state import USER, StackError, State, airflow_environment
from stack.summary import print_summary

LOADING = ("life_cycle", "train", "score")
"""DAGs that load files."""


@dataclass(frozen=True)
class RunRequest:
    """What is to be run.

    Attributes:
        project: The declared project.
        dag: Which of its DAGs, such as ``life_cycle``.
        conf: Values of the DAG's parameters; ``target`` is among them, and ``data_dir`` if a folder is named.
        state: Where the stack keeps its state.
    """

    project: str
    dag: str
    conf: dict[str, Any]
    state: State

    @property
    def dag_id(self) -> str:
        """Airflow's id of the DAG."""
        return f"{self.project}__{self.dag}"


def run(request: RunRequest, console: Console) -> int:
    """Run a DAG to its end and print progress and summary.

    If the stack is up, the run is triggered there; otherwise the local Snowflake is started for it, and stopped after,
    and no other command may use the state directory meanwhile.

    Returns:
        0 if the run succeeded, 1 otherwise.

    Raises:
        StackError: If the stack cannot run it at all, as without its data, or another command uses the state directory.
    """
    _check_data(request)
    request.state.prepare()
    if "data_dir" in request.conf:
        request.state.add_data_root(Path(request.conf["data_dir"]))
    up = _up(request.state)
    with Progress(console) as progress:
        if up is not None:
            progress.line("stack", 0.0, f"up at {up.url} · kept")
            api = trigger.AirflowApi(up.url, USER, request.state.password())
            ended = trigger.trigger(api, request.dag_id, request.conf, progress)
            report = bring_report(request.state, progress.events)
        else:
            with hold(request.state, "run") as held:
                ended, report = _run_here(request, held, progress)
    where = {"page of the report": report} if report else {}
    print_summary(console, ended, progress.events, where | _where(request, up))
    return 0 if ended.state == "success" else 1


def _check_data(request: RunRequest) -> None:
    """What needs no Airflow is asked before the minutes that it takes to start."""
    if request.dag not in LOADING:
        return
    try:
        check_files(load_project(request.project), request.conf.get("data_dir"))
    except SnowloopError as error:
        data = "make run PROJECT=… DATA=folder, or --data" if isinstance(error, LoadError) else "--project"
        raise StackError(f"{error} ({data})") from error


def _up(state: State) -> Holder | None:
    """Find a stack that is up; one that does not answer yet is an error."""
    holder = read(state)
    if holder is None or not holder.url:
        return None
    if "api-server" in unhealthy(holder.url):
        raise StackError(f"Airflow does not answer yet at {holder.url}: {in_use(state)}")
    return holder


def _where(request: RunRequest, up: Holder | None) -> dict[str, str]:
    state = request.state
    status = {"scoring loop": state.status_hint(request.project, request.conf["target"])}
    if up is not None:
        return status | {"Airflow": up.url, "logs": str(state.logs)}
    return status | {
        "all is kept in": str(state.root),
        "Airflow's log": str(state.logs / "run.log"),
        "look around": f"{state.hint('up')}   (Airflow's UI and the local Snowflake, with this run in them)",
    }


def _run_here(request: RunRequest, held: Hold, progress: Progress) -> tuple[RunEvent, str | None]:
    began = time.monotonic()
    with snowflake.running(held) as server:
        write_connection_file(request.state, server)
        detail = f"on localhost:{server.port} · {'kept, was running' if server.kept else 'started'}"
        progress.line("local Snowflake", time.monotonic() - began, detail)
        ended = _run_dag(request, held, server, progress)
        return ended, bring_report(request.state, progress.events)


def _run_dag(request: RunRequest, held: Hold, server: snowflake.Snowflake, progress: Progress) -> RunEvent:
    log = request.state.logs / "run.log"
    environment = airflow_environment(request.state, server.airflow_connection(), server.ca_bundle)
    log.write_text("")
    ended: RunEvent | None = None
    watch = snowflake.Watch(server, request.state.logs / "snowflake.log")
    with _child(request, held, environment, log, watch) as (process, events):
        for event in events:
            if isinstance(event, RunEvent):
                ended = event
                break
            progress.show(event)
        if ended is None:
            code = process.wait()
            raise StackError(f"Airflow ended with code {code} before the run did; {log} says:\n{tail(log)}")
    if not ended.run_id:
        raise StackError(f"the run could not start: {ended.reason}")
    return ended


@contextmanager
def _child(
    request: RunRequest, held: Hold, environment: dict[str, str], log: Path, watch: snowflake.Watch
) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[StageEvent | RunEvent]]]:
    """Start the process that runs the DAG; it does not survive the block."""
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "stack.airflow.dag_run", request.dag_id, json.dumps(request.conf), str(writing)]
    try:
        process = start(command, log=log, environment=environment, pass_fds=[writing])
    finally:
        os.close(writing)
    identity = ProcessId.of(process.pid)
    held.add("Airflow", identity)
    try:
        yield process, read_events(reading, watch.check)
    finally:
        os.close(reading)
        stop(identity, seconds=1)
