"""SYSTEM$REFERENCE: a name that means a table or view in a session's statements."""

from collections.abc import Iterator

import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError


@pytest.fixture(scope="module")
def run(account: Account) -> Iterator[Runner]:
    runner = Runner(account, account.sessions.open("TEST", "D", "PUBLIC"))
    yield runner
    runner("DROP TABLE REFERRED")


def test_a_reference_stands_for_its_table(run: Runner) -> None:
    run("CREATE OR REPLACE TABLE REFERRED AS SELECT 1 AS A")
    ((name,),) = run("SELECT SYSTEM$REFERENCE('TABLE', 'referred', 'SESSION', 'SELECT', 'INSERT')")
    assert name.startswith("ENT_REF_TABLE_")
    run(f"INSERT INTO {name} VALUES (2)")
    assert run(f"SELECT COUNT(*) FROM {name}") == run("SELECT COUNT(*) FROM REFERRED") == [(2,)]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("'TABLE', 'no_such_table', 'SESSION'", 2003),
        ("'VIEW', 'referred', 'SESSION'", 2003),
        ("'TABLE', 'referred', 'EVER'", 1003),
        ("'TABLE', 'referred'", 2),
        ("'TABLE', 'referred', 'PERSISTENT'", 2),
        ("'WAREHOUSE', 'w', 'SESSION'", 2),
    ],
)
def test_what_no_reference_is_made_of(run: Runner, arguments: str, code: int) -> None:
    run("CREATE OR REPLACE TABLE REFERRED AS SELECT 1 AS A")
    with pytest.raises(SnowflakeError) as caught:
        run(f"SELECT SYSTEM$REFERENCE({arguments})")
    assert caught.value.code == code
