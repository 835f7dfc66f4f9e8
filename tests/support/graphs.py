"""A graph with the names of the scoring loop's tasks, whose bodies a test chooses: no model and no stream."""

import time
from collections.abc import Callable
from typing import Any

from snowflake.snowpark import Session

from snowloop.lifecycle.scoring.names import FINALIZER, GRAPH, MONITORING, ROOT

PATIENCE = 120


class LightGraph:
    """The three tasks in a database of their own, which are run by hand.

    Args:
        session: A session.
        database: Name of the database; it is replaced.
        bodies: What the tasks do, by name; the others do nothing.
        options: Clauses of the root.
    """

    def __init__(
        self, session: Session, database: str, bodies: dict[str, str] | None = None, options: str = ""
    ) -> None:
        self.session, self.database = session, database
        self.root = f'"{database}"."SERVING"."{ROOT}"'
        for statement in (
            "CREATE WAREHOUSE IF NOT EXISTS SNOWLOOP_WH WAREHOUSE_SIZE = XSMALL",
            f"CREATE OR REPLACE DATABASE {database}",
            *(f"CREATE SCHEMA {database}.{name}" for name in ("SERVING", "OPS")),
        ):
            self.sql(statement)
        places = {ROOT: options, MONITORING: f"AFTER {self.root}", FINALIZER: f"FINALIZE = {self.root}"}
        for name in GRAPH:
            body = (bodies or {}).get(name, "SELECT 1")
            self.sql(f"CREATE TASK {database}.SERVING.{name} WAREHOUSE = SNOWLOOP_WH {places[name]} AS {body}")
        for name in (MONITORING, FINALIZER):
            self.sql(f"ALTER TASK {database}.SERVING.{name} RESUME")

    def sql(self, statement: str) -> list[Any]:
        return self.session.sql(statement).collect()

    def execute(self) -> None:
        self.sql(f"EXECUTE TASK {self.root}")

    def ended(self) -> list[Any]:
        """Runs of the graph that are over, the latest first."""
        return self.sql(
            f"SELECT * FROM TABLE({self.database}.INFORMATION_SCHEMA.COMPLETE_TASK_GRAPHS(ROOT_TASK_NAME => '{ROOT}')) "
            f"WHERE DATABASE_NAME = '{self.database}' ORDER BY COMPLETED_TIME DESC"
        )

    def run(self, attempts: int = 1) -> Any:
        """Run the graph to its end; the row of COMPLETE_TASK_GRAPHS is returned."""
        before = len(self.ended())
        self.execute()
        until(lambda: len(self.ended()) >= before + attempts, "the end of the run")
        return self.ended()[0]

    def tasks(self, state: str) -> list[str]:
        """Names of the tasks that have a run in a state."""
        rows = self.sql(
            f"SELECT NAME FROM TABLE({self.database}.INFORMATION_SCHEMA.TASK_HISTORY(RESULT_LIMIT => 10000)) "
            f"WHERE DATABASE_NAME = '{self.database}' AND STATE = '{state}'"
        )
        return [row["NAME"] for row in rows]


def until(holds: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (value := holds()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.1)
    return value
