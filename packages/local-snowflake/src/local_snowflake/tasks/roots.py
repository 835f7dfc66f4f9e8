"""What runs do to the root of their graph: SUSPEND_TASK_AFTER_NUM_FAILURES."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import TASK, Task
from local_snowflake.catalog.storage import Storage
from local_snowflake.tasks.graphs_of_schema import STARTED, SUSPENDED
from local_snowflake.tasks.runs import Run


class Roots:
    """Counts failures in a row, in the roots' properties.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-task
    """

    def __init__(self, storage: Storage, catalog: Catalog) -> None:
        """Count in the roots of ``catalog``."""
        self._storage = storage
        self._catalog = catalog

    def count_failure(self, run: Run) -> bool:
        """Count a failed run of a root; returns whether it is suspended for it."""
        root = self._root(run)
        if root is None:
            return False
        failures = root.props.failures + 1
        if not (0 < run.graph.suspend_after <= failures and root.props.state == STARTED):
            self._change(run, failures=failures)
            return False
        reason, now = "SUSPENDED_DUE_TO_ERRORS", datetime.now(UTC)
        self._change(run, failures=0, state=SUSPENDED, suspended_on=now, suspended_reason=reason)
        return True

    def count_success(self, run: Run) -> None:
        """Begin to count anew."""
        root = self._root(run)
        if root and root.props.failures:
            self._change(run, failures=0)

    def _root(self, run: Run) -> Task | None:
        """The root of a run as it is now; None if it was dropped or replaced."""
        root = self._catalog.get(TASK, run.root)
        return root if root and root.props.id == run.record.root_id else None

    def _change(self, run: Run, **props: Any) -> None:
        """Change properties of a run's root, if it is still there."""
        cursor = self._storage.cursor()
        try:
            with self._catalog.change(cursor) as change:
                if root := self._root(run):
                    change.put(replace(root, props=replace(root.props, **props)))
        finally:
            cursor.close()
