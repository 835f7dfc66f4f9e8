"""What the conformance tests of tasks share: an account that is asked in SQL, and tasks in a schema of each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

PATIENCE = 120
HISTORY = (
    "(SELECT * FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(RESULT_LIMIT => 1000)) "
    "WHERE DATABASE_NAME = CURRENT_DATABASE() AND SCHEMA_NAME = CURRENT_SCHEMA())"
)
GRAPHS = (
    "SELECT * FROM TABLE(INFORMATION_SCHEMA.COMPLETE_TASK_GRAPHS(ROOT_TASK_NAME => '{}')) "
    "WHERE DATABASE_NAME = CURRENT_DATABASE() AND SCHEMA_NAME = CURRENT_SCHEMA() ORDER BY COMPLETED_TIME DESC"
)
FINAL = ("SUCCEEDED", "FAILED", "FAILED_AND_AUTO_SUSPENDED", "SKIPPED", "CANCELLED")
Row = dict[str, Any]
Make = Callable[..., None]


class Account:
    """A connection that gives rows as dictionaries, and waits for graphs."""

    def __init__(self, connection: snowflake.connector.SnowflakeConnection) -> None:
        self._cursor = connection.cursor(snowflake.connector.DictCursor)

    def __call__(self, sql: str) -> list[Row]:
        return list(self._cursor.execute(sql).fetchall())  # type: ignore[union-attr]

    def refusal(self, sql: str) -> str:
        with pytest.raises(ProgrammingError) as caught:
            self(sql)
        return str(caught.value.raw_msg)

    def task(self, name: str) -> Row:
        return self(f"DESCRIBE TASK {name}")[0]

    def runs(self, *names: str) -> list[Row]:
        """Runs that ended, in the order in which they were due."""
        quoted = ", ".join(f"'{n}'" for n in names)
        return self(
            f"SELECT * FROM {HISTORY} WHERE NAME IN ({quoted}) AND STATE IN {FINAL} "
            "ORDER BY ATTEMPT_NUMBER, SCHEDULED_TIME, COMPLETED_TIME"
        )

    def states(self, *names: str) -> list[tuple[str, str]]:
        return [(r["NAME"], r["STATE"]) for r in self.runs(*names)]

    def graphs(self, root: str) -> list[Row]:
        """Graph runs that ended, the latest first."""
        return self(GRAPHS.format(root))

    def until(self, holds: Callable[[], Any], what: str) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (value := holds()):
            assert time.monotonic() < deadline, f"{what} did not come within {PATIENCE} s"
            time.sleep(0.1)
        return value

    def execute(self, root: str, more: str = "", attempts: int = 1) -> Row:
        """Execute a graph and wait until it is over; returns its last attempt."""
        before = len(self.graphs(root))
        self(f"EXECUTE TASK {root} {more}")
        self.until(lambda: len(self.graphs(root)) >= before + attempts, f"the end of {root}")
        return self.graphs(root)[0]


@pytest.fixture(scope="module")
def sql(snowflake_connection: dict[str, Any]) -> Iterator[Account]:
    with snowflake.connector.connect(**snowflake_connection) as connection:
        account = Account(connection)
        account("CREATE WAREHOUSE IF NOT EXISTS T_TASKS_WH WAREHOUSE_SIZE = XSMALL")
        account("CREATE OR REPLACE DATABASE T_TASKS")
        yield account
        account("DROP DATABASE T_TASKS")


@pytest.fixture
def make(sql: Account, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Create tasks in a schema of the test's own: ``make("A", "AFTER R", body="SELECT 1")``."""
    sql(f"CREATE OR REPLACE SCHEMA {request.node.name.upper()[:60]}")
    sql("CREATE TABLE LOG (T STRING)")

    def create(name: str, clauses: str = "", body: str | None = None) -> None:
        statement = body or f"INSERT INTO LOG VALUES ('{name}')"
        sql(f"CREATE TASK {name} WAREHOUSE = T_TASKS_WH {clauses} AS {statement}")

    return create


def resume(sql: Account, *names: str) -> None:
    for name in names:
        sql(f"ALTER TASK {name} RESUME")
