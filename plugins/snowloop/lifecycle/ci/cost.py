"""What a trial costs: the time and number of its statements, and the credits of its warehouse in that time."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from snowloop.lifecycle.versions import show
from snowloop.sql import literal
from snowloop.workspace import Workspace

CREDITS_PER_HOUR = {
    "X-Small": 1, "Small": 2, "Medium": 4, "Large": 8, "X-Large": 16, "2X-Large": 32, "3X-Large": 64, "4X-Large": 128,
}  # fmt: skip
"""By the size of a standard warehouse; https://docs.snowflake.com/en/user-guide/warehouses-overview."""


@dataclass(frozen=True)
class StageCost:
    """A stage of a trial.

    Args:
        stage: Its name.
        seconds: How long it took.
        statements: How many statements it sent.
    """

    stage: str
    seconds: float
    statements: int


@dataclass(frozen=True)
class Cost:
    """A trial's cost.

    Args:
        stages: Its stages, in order.
        warehouse: Its warehouse; None if the session has none.
        size: Size of the warehouse; None if it is not known.
        credits: Estimate: the seconds of all stages at the price of that size; None where it has no price.
    """

    stages: tuple[StageCost, ...]
    warehouse: str | None = None
    size: str | None = None
    credits: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds of all stages."""
        return sum(each.seconds for each in self.stages)

    @property
    def statements(self) -> int:
        """Statements of all stages."""
        return sum(each.statements for each in self.stages)


@dataclass
class Meter:
    """Measures the stages of a trial.

    Args:
        workspace: Whose session sends the statements.
    """

    workspace: Workspace
    stages: list[StageCost] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a block; one that fails is measured too."""
        began = time.monotonic()
        with self.workspace.session.query_history() as history:
            try:
                yield
            finally:
                self.stages.append(StageCost(name, time.monotonic() - began, len(history.queries)))

    def cost(self) -> Cost:
        """What the stages cost until now.

        Returns:
            The cost, at the size of the session's warehouse.
        """
        stages = tuple(self.stages)
        name = self.workspace.session.sql("SELECT CURRENT_WAREHOUSE() AS NAME").collect()[0]["NAME"]
        if name is None:
            return Cost(stages)
        rows = show(self.workspace.session, f"SHOW WAREHOUSES LIKE {literal(str(name))}")
        size = next((str(row["size"]) for row in rows if row["name"] == name), None)
        price = CREDITS_PER_HOUR.get(size or "")
        seconds = sum(each.seconds for each in stages)
        return Cost(stages, str(name), size, None if price is None else seconds * price / 3600)
