"""The stack's state directory and Airflow's environment."""

from __future__ import annotations

import json
import stat

import pytest

from stack import snowflake
from stack.processes import ProcessId
from stack.state import StackError, State, airflow_environment


@pytest.fixture
def state(tmp_path):
    return State(tmp_path / "state").prepare()


def test_password_and_secrets_are_made_once_and_only_the_owner_reads_them(state):
    assert state.password() == state.password()
    assert state.secret("jwt") == state.secret("jwt") != state.secret("api")
    for file in (state.password_file, state.airflow / "jwt.secret"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_everything_of_airflow_is_in_the_state_directory_and_listens_on_loopback(state, tmp_path):
    environment = airflow_environment(state, "{}", tmp_path / "ca.pem", port=8080)
    assert environment["AIRFLOW_HOME"].startswith(str(state.root))
    assert str(state.root) in environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["REQUESTS_CA_BUNDLE"] == str(tmp_path / "ca.pem")
    assert {"localhost", "127.0.0.1"} <= set(environment["NO_PROXY"].split(","))


def test_the_connection_is_that_of_the_stock_hook(tmp_path):
    server = snowflake.Snowflake(ProcessId(1, 0.0), 4711, 4712, "secret", tmp_path / "ca-bundle.pem", kept=True)
    connection = json.loads(server.airflow_connection())
    assert connection["conn_type"] == "snowflake"
    assert connection["password"] == "secret"
    assert (connection["extra"]["host"], connection["extra"]["port"]) == ("localhost", 4711)


def test_no_server_is_found_where_none_runs(state):
    assert snowflake.find(state) is None
    (state.snowflake / "server.json").write_text(json.dumps({"pid": 2**22 + 1, "port": 1}))
    assert snowflake.find(state) is None


def test_an_address_file_that_is_damaged_is_named(state):
    (state.snowflake / "server.json").write_text("{")
    with pytest.raises(StackError, match=r"server\.json"):
        snowflake.find(state)
