"""The whole stack up: it answers on loopback alone, runs a DAG over the REST API, and goes down without a trace."""

from __future__ import annotations

import socket

import psutil
import pytest

from stack import holder
from stack.airflow.trigger import AirflowApi
from tests.stack.looking import addresses, descendants
from tests.support.commandline import Stack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    return Stack(tmp_path_factory.mktemp("up") / "state")


@pytest.fixture(scope="module")
def up(stack):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        ran = stack("up", "--port", str(port))
        assert ran.code == 0, ran.out + ran.err
        yield ran, port
    finally:
        stack("down")


def family(state):
    found = holder.read(state)
    assert found is not None
    return descendants([found.process, *found.children.values()])


def test_up_prints_address_and_login(stack, up):
    ran, port = up
    assert f"http://localhost:{port}" in ran.out
    assert f"admin / {stack.state.password()}" in ran.out


def test_up_again_says_that_it_is_up(stack, up):
    again = stack("up")
    assert again.code == 0
    assert "up already" in again.out


def test_everything_listens_on_loopback(stack, up):
    listening = addresses(family(stack.state))
    assert listening
    assert listening <= {"127.0.0.1", "::1"}


def test_a_dag_runs_over_the_rest_api_and_leaves_a_note(stack, up):
    _, port = up
    login = ["--url", f"http://localhost:{port}", "--password", stack.state.password()]
    for expected in ("created ", "kept "):
        ran = stack.trigger("--dag", "credit_approval__environment", *login)
        assert ran.code == 0, ran.out + ran.err
        assert "✓ create" in ran.out
        assert expected in ran.out
    api = AirflowApi(f"http://localhost:{port}", "admin", stack.state.password())
    runs = api.call("GET", "/dags/credit_approval__environment/dagRuns")["dag_runs"]
    assert all("environment.create" in run["note"] for run in runs)


def test_a_run_while_it_is_up_goes_over_the_rest_api(stack, up):
    ran = stack("run", "--dag", "environment")
    assert ran.code == 0, ran.out + ran.err
    assert "kept" in ran.line("stack")


def test_a_wrong_password_and_a_wrong_parameter_are_refused_in_words(stack, up):
    _, port = up
    url = ["--url", f"http://localhost:{port}"]
    ran = stack.trigger("--dag", "credit_approval__environment", *url, "--password", "wrong")
    assert ran.code == 1
    assert "refused the login of user admin" in ran.err
    conf = ["--conf", '{"target": "No Name"}', "--password", stack.state.password()]
    ran = stack.trigger("--dag", "credit_approval__environment", *url, *conf)
    assert ran.code == 1
    assert "target" in ran.err


def test_down_leaves_no_process_behind(stack, up):
    processes = family(stack.state)
    ran = stack("down")
    assert ran.code == 0, ran.out + ran.err
    _, alive = psutil.wait_procs(list(processes), timeout=5)
    assert alive == []
    assert "not up" in stack("down").out
