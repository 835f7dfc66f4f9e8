"""The command `snowloop` where Snowflake cannot be reached, or refuses: the reason and what to do, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import typer
from snowflake.connector.vendored.requests.exceptions import ChunkedEncodingError

from snowloop.cli.connections import SETTINGS
from snowloop.cli.options import FAILED, open_session
from tests.conftest import ROOT

SNOWLOOP = [sys.executable, "-m", "snowloop.cli.main"]
PROJECT = ["--project", "credit_approval", "--target", "nowhere"]


@pytest.fixture
def failed(tmp_path) -> Callable[..., str]:
    """What the command says when it fails, with a connection in variables or in an option."""

    def run(*arguments: str, command: str = "status", **connection: Any) -> str:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("SNOWFLAKE_")}
        given = {name.upper(): str(value) for name, value in connection.items() if name.upper() in SETTINGS}
        environment = outer | {f"SNOWFLAKE_{name}": value for name, value in given.items()}
        environment |= {"PYTHONPATH": str(ROOT / "plugins"), "SNOWFLAKE_HOME": str(tmp_path)}
        asked = [*SNOWLOOP, command, *PROJECT, *arguments]
        ran = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == FAILED
        assert "Traceback" not in ran.stdout + ran.stderr
        return ran.stderr.splitlines()[-1]

    return run


def test_a_connection_that_connections_toml_does_not_have(failed):
    message = failed("--connection", "nope")
    assert message.startswith("snowloop: cannot connect: Invalid connection_name 'nope'")
    assert "check [nope] in Snowflake's connections.toml" in message


@pytest.mark.slow
def test_a_connection_that_airflow_does_not_have(failed):
    message = failed("--airflow-connection", "nope")
    assert "cannot connect: The conn_id `nope` isn't defined" in message
    assert "check the connection nope in Airflow" in message


def test_variables_that_are_not_enough(failed):
    message = failed(account="here")
    assert "User is empty" in message
    assert "check SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER" in message


def test_a_key_that_is_not_there(failed, tmp_path):
    key = tmp_path / "none.p8"
    message = failed(account="here", user="me", private_key_file=key, authenticator="SNOWFLAKE_JWT")
    assert message.startswith("snowloop: cannot connect: ")
    assert str(key) in message


def test_a_wrong_password(failed, snowflake_connection):
    assert failed(**snowflake_connection | {"password": "wrong"}).startswith("snowloop: cannot connect: ")


def test_a_statement_that_snowflake_refuses(failed, snowflake_connection):
    message = failed(command="score-card", **snowflake_connection)
    assert message.startswith("snowloop: Snowflake rejected the statement: ")
    assert "CREDIT_APPROVAL_NOWHERE" in message
    assert "the DAG credit_approval__environment creates it" in message


def test_a_connection_that_is_lost_in_the_middle_of_an_answer(snowflake_connection, monkeypatch, capsys):
    for name, value in snowflake_connection.items():
        if name.upper() in SETTINGS:
            monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(value))
    with pytest.raises(typer.Exit) as ended, open_session("credit_approval", None, None, None):
        raise ChunkedEncodingError("incomplete read")
    assert ended.value.exit_code == FAILED
    words = "the connection to Snowflake was lost: incomplete read; run the same command again"
    assert words in capsys.readouterr().err
