"""Which connection a command uses where no option names one, and what it says when none can be used."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from snowloop.cli import connections
from snowloop.cli.connections import FILE, STARTER, chosen_connection, environment_options
from snowloop.errors import NoConnection
from tests.conftest import ROOT

CONTENT = (
    '[default]\naccount = "local"\nuser = "me"\npassword = "secret"\nhost = "127.0.0.1"\nport = 9\nprotocol = "http"\n'
)
STATUS = [sys.executable, "-m", "snowloop.cli.main", "status", "--project", "credit_approval"]


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment without a connection, in a directory without one, of a repository without one."""
    for name in [*(f"SNOWFLAKE_{each}" for each in connections.SETTINGS), connections.FILE_VARIABLE]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(connections, "_REPOSITORY", tmp_path / "repository")
    monkeypatch.chdir(tmp_path)


def write(folder: Path, content: str = CONTENT, starter: str | None = None) -> Path:
    file = folder / FILE
    file.parent.mkdir(parents=True)
    file.write_text(content)
    if starter is not None:
        executable = file.with_name(STARTER)
        executable.write_text(f"#!/bin/sh\n{starter}\n")
        executable.chmod(0o700)
    return file


def chosen() -> dict[str, Any]:
    with chosen_connection(None, None) as choice:
        return choice.arguments


@pytest.mark.parametrize("folder", [".", "repository"])
def test_the_file_of_the_directory_or_the_repository_is_used_and_named(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = write(tmp_path / folder)
    assert chosen()["options"] == {
        "account": "local",
        "user": "me",
        "password": "secret",
        "host": "127.0.0.1",
        "port": 9,
        "protocol": "http",
    }
    shown = capsys.readouterr().err
    assert shown == f"snowloop: no connection is named, so that of {file.relative_to(tmp_path)} is used\n"
    assert "secret" not in shown


def test_another_file_is_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path)
    file = write(tmp_path / "other", CONTENT.replace('"me"', '"somebody"'))
    monkeypatch.setenv(connections.FILE_VARIABLE, str(file))
    assert chosen()["options"]["user"] == "somebody"
    monkeypatch.setenv(connections.FILE_VARIABLE, "nowhere.toml")
    with pytest.raises(NoConnection, match=r"SNOWLOOP_CONNECTIONS names nowhere\.toml, which does not exist"):
        chosen()


def test_options_and_variables_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path)
    with chosen_connection("prod", None) as choice:
        assert choice.arguments == {"connection_name": "prod"}
    with chosen_connection(None, "snowflake_default") as choice:
        assert choice.arguments == {"airflow_connection": "snowflake_default"}
    monkeypatch.setenv("SNOWFLAKE_ACCOUNT", "here")
    assert chosen() == {"options": {"account": "here"}}
    with pytest.raises(NoConnection, match="not both"), chosen_connection("prod", "snowflake_default"):
        pass


def test_variables_without_an_account_are_named():
    with pytest.raises(NoConnection, match="SNOWFLAKE_USER, SNOWFLAKE_HOST set, but not SNOWFLAKE_ACCOUNT"):
        environment_options({"SNOWFLAKE_USER": "me", "SNOWFLAKE_HOST": "here"})


@pytest.mark.parametrize(
    ("content", "message"),
    [("[other]\nuser = 'me'\n", r"has no connection \[default\]"), ("[default", "is not TOML")],
)
def test_a_file_that_cannot_be_used_is_named(content: str, message: str, tmp_path: Path):
    write(tmp_path, content)
    with pytest.raises(NoConnection, match=message) as error:
        chosen()
    assert str(tmp_path / FILE) in str(error.value)


def test_where_nothing_names_a_connection_all_ways_are_told():
    with pytest.raises(NoConnection, match=r"--connection NAME.*SNOWFLAKE_ACCOUNT.*make run, or make up"):
        chosen()


def test_the_server_of_the_file_runs_for_the_time_of_the_command(tmp_path: Path):
    """The executable rewrites the file, says that it is ready, and ends when its input is closed."""
    starter = 'here=$(dirname "$0"); sed -i s/9/4711/ "$here/connections.toml"; echo ready; cat; touch "$here/ended"'
    file = write(tmp_path / "repository", starter=starter)
    with chosen_connection(None, None) as choice:
        assert choice.arguments["options"]["port"] == 4711
        assert not file.with_name("ended").exists()
    assert file.with_name("ended").exists()


def test_a_server_that_does_not_start_is_told_with_its_reason(tmp_path: Path):
    write(tmp_path / "repository", starter="echo 'run (pid 7) is using it: wait' >&2; exit 1")
    with pytest.raises(NoConnection, match=r"does not start: run \(pid 7\) is using it: wait$"):
        chosen()


def test_nothing_is_executed_in_a_directory_that_nobody_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = write(tmp_path, starter='touch "$(dirname "$0")/executed"; echo ready; cat')
    assert chosen()["options"]["port"] == 9
    assert not file.with_name("executed").exists()
    monkeypatch.setenv(connections.FILE_VARIABLE, str(file))
    assert chosen()["options"]["port"] == 9
    assert file.with_name("executed").exists()


def test_a_server_that_was_stopped_ends_the_command_in_one_sentence(tmp_path: Path):
    file = write(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins"), connections.FILE_VARIABLE: str(file)}
    ran = subprocess.run(STATUS, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    used, failed = ran.stderr.splitlines()
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "no connection is named" in used
    assert failed.startswith("snowloop: cannot connect: ")
    assert failed.endswith("check [default] in .local/connections.toml, and that its server is running: make up")


def test_variables_without_a_value_are_as_those_that_are_not_set():
    assert environment_options({"SNOWFLAKE_ACCOUNT": "", "SNOWFLAKE_USER": "  "}) == {}
    assert environment_options({"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_PRIVATE_KEY": ""}) == {"account": "a"}


class GitHub(BaseHTTPRequestHandler):
    """Gives a token to whoever has the right to ask, for the audience that is asked for."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer may-ask"
        audience = parse_qs(urlparse(self.path).query)["audience"][0]
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps({"value": f"token for {audience}"}).encode())

    def log_message(self, *_message: Any) -> None:
        """Print nothing."""


@pytest.fixture
def github() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), GitHub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/token?api-version=2"
    server.shutdown()
    thread.join()
    server.server_close()


WORKLOAD = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_AUTHENTICATOR": "WORKLOAD_IDENTITY"}


def test_a_job_of_github_signs_in_by_a_token_of_its_own(github: str):
    asked = {"ACTIONS_ID_TOKEN_REQUEST_URL": github, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "may-ask"}
    assert environment_options(WORKLOAD | asked) == {
        "account": "a",
        "authenticator": "WORKLOAD_IDENTITY",
        "workload_identity_provider": "OIDC",
        "token": "token for snowflakecomputing.com",
    }
    assert "token" not in environment_options({"SNOWFLAKE_ACCOUNT": "a"} | asked)
    assert environment_options(WORKLOAD | asked | {"SNOWFLAKE_TOKEN": "mine"})["token"] == "mine"


def test_a_job_without_the_permission_is_told_which(github: str):
    with pytest.raises(NoConnection, match="give the job the permission id-token: write"):
        environment_options(WORKLOAD | {"ACTIONS_ID_TOKEN_REQUEST_URL": github})
