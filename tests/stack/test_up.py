"""The whole stack up: it answers on loopback alone, runs a DAG over the REST API, and goes down without a trace."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from stack import supervisor_file
from stack.state import REPOSITORY, State
from stack.trigger import AirflowApi

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    return State(tmp_path_factory.mktemp("up") / "state")


def stack(*arguments):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)])}
    command = [sys.executable, "-m", "stack", *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=400
    )


@pytest.fixture(scope="module")
def up(state):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ran = stack("up", "--state-dir", str(state.root), "--port", str(port))
    try:
        assert ran.returncode == 0, ran.stdout + ran.stderr
        yield ran, port
    finally:
        stack("down", "--state-dir", str(state.root))


def family(state):
    found = supervisor_file.read(state)
    assert found is not None
    parents = [psutil.Process(each.pid) for each in (found.supervisor, *found.children.values()) if each.process()]
    return {process for parent in parents for process in (parent, *parent.children(recursive=True))}


def test_up_tells_address_and_login(state, up):
    ran, port = up
    assert f"http://localhost:{port}" in ran.stdout
    assert f"admin / {state.password()}" in ran.stdout


def test_up_again_says_that_it_is_up(state, up):
    again = stack("up", "--state-dir", str(state.root))
    assert again.returncode == 0
    assert "up already" in again.stdout


def test_everything_listens_on_loopback(state, up):
    listening = [
        connection.laddr.ip
        for process in family(state)
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) <= {"127.0.0.1", "::1"}


def test_a_dag_runs_over_the_rest_api_and_leaves_a_note(state, up):
    _, port = up
    login = ["--url", f"http://localhost:{port}", "--password", state.password()]
    for expected in ("created ", "kept "):
        ran = stack("trigger", "--dag", "credit_approval__environment", *login)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "✓ create" in ran.stdout
        assert expected in ran.stdout
    api = AirflowApi(f"http://localhost:{port}", "admin", state.password())
    runs = api.call("GET", "/dags/credit_approval__environment/dagRuns")["dag_runs"]
    assert all("environment.create" in run["note"] for run in runs)


def test_a_wrong_password_and_a_wrong_parameter_are_refused_in_words(state, up):
    _, port = up
    url = ["--url", f"http://localhost:{port}"]
    ran = stack("trigger", "--dag", "credit_approval__environment", *url, "--password", "wrong")
    assert ran.returncode == 1
    assert "refused the login of user admin" in ran.stderr
    conf = ["--conf", '{"target": "No Name"}', "--password", state.password()]
    ran = stack("trigger", "--dag", "credit_approval__environment", *url, *conf)
    assert ran.returncode == 1
    assert "target" in ran.stderr


def test_down_leaves_no_process_behind(state, up):
    processes = family(state)
    ran = stack("down", "--state-dir", str(state.root))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    _, alive = psutil.wait_procs(list(processes), timeout=5)
    assert alive == []
    assert "not up" in stack("down", "--state-dir", str(state.root)).stdout
