"""Functions and types that the local Snowflake has not are refused by name, and not called unknown."""

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.functions.absent import FUNCTIONS
from local_snowflake.functions.names import SNOWFLAKES


@pytest.fixture
def run(account: Account) -> Runner:
    return Runner(account, account.sessions.open("TEST", "D"))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function(run: Runner, name: str) -> None:
    assert name in SNOWFLAKES
    errors = []
    value = "PARSE_JSON('1')" if name.startswith(("AS_", "IS_")) else "'1'"
    for arguments in ("", value, f"{value}, '1'", f"{value}, '1', '1'"):
        with pytest.raises(SnowflakeError) as error:
            run(f"SELECT {name}({arguments})")
        errors.append(error.value.message)
    refused = [
        e for e in errors if e.startswith(("Unsupported feature 'the function", "Unsupported feature 'the type"))
    ]
    assert refused, errors
    assert all("many arguments" in e or "enough arguments" in e for e in errors if e not in refused)


@pytest.mark.parametrize("kind", ["GEOGRAPHY", "GEOMETRY", "VECTOR(FLOAT, 2)", "DECFLOAT", "FILE"])
def test_a_type(run: Runner, kind: str) -> None:
    name = kind.partition("(")[0]
    with pytest.raises(SnowflakeError, match=rf"Unsupported feature 'the type {name}'"):
        run(f"SELECT NULL::{kind}")


def test_a_name_that_is_none_is_unknown(run: Runner) -> None:
    with pytest.raises(SnowflakeError, match=r"Unknown function NO_SUCH\."):
        run("SELECT NO_SUCH('1')")
