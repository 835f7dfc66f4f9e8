"""The command `snowloop` where Snowflake cannot be reached, or refuses: the reason and what to do, no traceback."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from snowloop.cli.connections import SETTINGS
from snowloop.cli.options import FAILED
from tests.conftest import ROOT

SNOWLOOP = [sys.executable, "-m", "snowloop.cli.main"]
PROJECT = ["--project", "credit_approval", "--target", "nowhere"]


@pytest.fixture
def failed(tmp_path) -> Callable[..., str]:
    """What the command says when it fails, with a connection told by variables or by an option."""

    def told(*arguments: str, command: str = "status", **connection: Any) -> str:
        outer = {name: value for name, value in os.environ.items() if not name.startswith("SNOWFLAKE_")}
        given = {name.upper(): str(value) for name, value in connection.items() if name.upper() in SETTINGS}
        environment = outer | {f"SNOWFLAKE_{name}": value for name, value in given.items()}
        environment |= {"PYTHONPATH": str(ROOT / "plugins"), "SNOWFLAKE_HOME": str(tmp_path)}
        asked = [*SNOWLOOP, command, *PROJECT, *arguments]
        ran = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == FAILED
        assert "Traceback" not in ran.stdout + ran.stderr
        return ran.stderr.splitlines()[-1]

    return told


def test_a_connection_that_connections_toml_does_not_have(failed):
    told = failed("--connection", "nope")
    assert told.startswith("snowloop: cannot connect: Invalid connection_name 'nope'")
    assert "check [nope] in Snowflake's connections.toml" in told


@pytest.mark.slow
def test_a_connection_that_airflow_does_not_have(failed):
    told = failed("--airflow-connection", "nope")
    assert "cannot connect: The conn_id `nope` isn't defined" in told
    assert "check the connection nope in Airflow" in told


def test_variables_that_are_not_enough(failed):
    told = failed(account="here")
    assert "User is empty" in told
    assert "check SNOWFLAKE_ACCOUNT, SNOWFLAKE_USER" in told


def test_a_key_that_is_not_there(failed, tmp_path):
    key = tmp_path / "none.p8"
    told = failed(account="here", user="me", private_key_file=key, authenticator="SNOWFLAKE_JWT")
    assert told.startswith("snowloop: cannot connect: ")
    assert str(key) in told


def test_a_wrong_password(failed, snowflake_connection):
    assert failed(**snowflake_connection | {"password": "wrong"}).startswith("snowloop: cannot connect: ")


def test_a_statement_that_snowflake_refuses(failed, snowflake_connection):
    told = failed(command="score-card", **snowflake_connection)
    assert told.startswith("snowloop: Snowflake rejected the statement: ")
    assert "CREDIT_APPROVAL_NOWHERE" in told
    assert "the DAG credit_approval__environment creates it" in told
