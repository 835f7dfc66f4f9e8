"""The outcome of runs of tasks and of graphs: kept for seven days in the DuckDB file."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from local_snowflake.sql.names import META_SCHEMA, quote

RETENTION = timedelta(days=7)
SCHEDULE, EXECUTE, TRIGGER = "SCHEDULE", "EXECUTE TASK", "TRIGGER"
MANUAL_RETRY, AUTOMATIC_RETRY = "MANUAL RETRY", "AUTOMATIC RETRY"
_TASKS = f"{quote(META_SCHEMA)}.task_runs"
_GRAPHS = f"{quote(META_SCHEMA)}.task_graph_runs"


@dataclass
class GraphRecord:
    """One attempt to run a graph."""

    group_id: int
    attempt: int
    root_id: str
    name: str
    database: str
    schema: str
    version: int
    run_id: int
    scheduled_from: str
    scheduled_time: datetime
    next_scheduled_time: datetime | None = None
    started: datetime | None = None
    completed: datetime | None = None
    state: str = "EXECUTING"
    config: str | None = None
    # the graph as it is run, as JSON: a server that starts again goes on with it
    graph: str = "{}"


@dataclass
class TaskRecord:
    """One run of a task."""

    group_id: int
    attempt: int
    name: str
    task_id: str
    query_id: str
    query_text: str
    condition_text: str | None
    scheduled_time: datetime
    state: str = "SCHEDULED"
    query_start_time: datetime | None = None
    completed_time: datetime | None = None
    error_code: str | None = None
    error_message: str | None = None
    return_value: str | None = None


_TYPES = {"int": "BIGINT", "str": "VARCHAR", "datetime": "TIMESTAMPTZ"}
# where records are kept, what changes in them, and what tells them apart
_CHANGED = ("state", "query_start_time", "completed_time", "error_code", "error_message", "return_value")
_KEPT: dict[type, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    GraphRecord: (_GRAPHS, ("state", "started", "completed"), ("group_id", "attempt")),
    TaskRecord: (_TASKS, _CHANGED, ("query_id",)),
}


class History:
    """The records, through a DuckDB connection of its own: no session waits for them or sees them half done."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._duck = duck
        self._lock = threading.RLock()
        for record, (table, *_) in _KEPT.items():
            columns = ", ".join(f"{f.name} {_TYPES[str(f.type).split(' ')[0]]}" for f in fields(record))
            self._duck.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        self._last_id = 0

    def new_id(self) -> int:
        """A number for a run: grows with time."""
        with self._lock:
            self._last_id = max(self._last_id + 1, int(datetime.now(UTC).timestamp() * 1_000_000))
            return self._last_id

    def add(self, record: GraphRecord | TaskRecord) -> None:
        """Write a new record."""
        values = [getattr(record, f.name) for f in fields(record)]
        self.query(f"INSERT INTO {_KEPT[type(record)][0]} VALUES ({', '.join('?' * len(values))})", values)

    def save(self, record: GraphRecord | TaskRecord) -> None:
        """Write how a run goes on or ended."""
        table, changed, key = _KEPT[type(record)]
        sets, where = (separator.join(f"{c} = ?" for c in cs) for separator, cs in ((", ", changed), (" AND ", key)))
        self.query(f"UPDATE {table} SET {sets} WHERE {where}", [getattr(record, c) for c in (*changed, *key)])

    def next_attempt(self, ended: GraphRecord, begun: GraphRecord) -> None:
        """Write that one attempt ended and the next began, both or none."""
        with self._lock:
            self._duck.execute("BEGIN TRANSACTION")
            try:
                self.save(ended)
                self.add(begun)
            except BaseException:
                self._duck.execute("ROLLBACK")
                raise
            self._duck.execute("COMMIT")

    def prune(self, now: datetime) -> None:
        """Forget what is older than seven days."""
        old = f"SELECT group_id FROM {_GRAPHS} GROUP BY group_id HAVING max(scheduled_time) < ?"
        for table in (_TASKS, _GRAPHS):
            self.query(f"DELETE FROM {table} WHERE group_id IN ({old})", [now - RETENTION])

    def unfinished(self) -> list[tuple[GraphRecord, list[TaskRecord]]]:
        """The graph runs that the server left when it ended, each with the task runs of all its attempts."""
        rows = self.query(f"SELECT * FROM {_GRAPHS} WHERE state = 'EXECUTING' ORDER BY group_id")
        return [(GraphRecord(*row), self.tasks_of(row[0])) for row in rows]

    def tasks_of(self, group_id: int) -> list[TaskRecord]:
        """The task runs of a graph run, the latest last."""
        rows = self.query(f"SELECT * FROM {_TASKS} WHERE group_id = ? ORDER BY attempt, scheduled_time", [group_id])
        return [TaskRecord(*row) for row in rows]

    def last_run(self, root_id: str, state: str | None = None) -> GraphRecord | None:
        """The latest run of a root, its last attempt; or the latest that ended in ``state``."""
        where = "root_id = ?" + (" AND state = ?" if state else "")
        rows = self.query(
            f"SELECT * FROM {_GRAPHS} WHERE {where} ORDER BY group_id DESC, attempt DESC LIMIT 1",
            [root_id, *([state] if state else [])],
        )
        return GraphRecord(*rows[0]) if rows else None

    def task_rows(self, limit: int, **filters: Any) -> list[dict[str, Any]]:
        """Task runs with their graph's columns, the latest first, at most ``limit``.

        The filters: ``first`` and ``last`` scheduled time, ``name`` in any case, ``root_id``, ``errors`` only.
        """
        conditions = {
            "first": "t.scheduled_time >= ?",
            "last": "t.scheduled_time <= ?",
            "name": "upper(t.name) = upper(?)",
            "root_id": "g.root_id = ?",
            "errors": "(starts_with(t.state, 'FAILED') OR t.state = 'CANCELLED') = ?",
        }
        active = {k: v for k, v in filters.items() if v not in {None, False}}
        return self._records(
            f"SELECT t.*, g.root_id, g.name AS root_name, g.database, g.schema, g.version, g.run_id, g.scheduled_from, "
            f"g.config, g.next_scheduled_time FROM {_TASKS} t JOIN {_GRAPHS} g USING (group_id, attempt) "
            f"WHERE {' AND '.join(['true', *(conditions[k] for k in active)])} "
            f"ORDER BY t.scheduled_time DESC, t.query_start_time DESC LIMIT {int(limit)}",
            list(active.values()),
        )

    def graph_rows(self) -> list[dict[str, Any]]:
        """Every attempt of a graph with the first error in it, the latest first."""
        return self._records(
            f"""SELECT g.*, t.name AS first_error_task_name, t.error_code AS first_error_code,
                t.error_message AS first_error_message
            FROM {_GRAPHS} g LEFT JOIN {_TASKS} t ON t.group_id = g.group_id AND t.attempt = g.attempt
                AND starts_with(t.state, 'FAILED')
            QUALIFY row_number() OVER (PARTITION BY g.group_id, g.attempt ORDER BY t.completed_time) = 1
            ORDER BY g.group_id DESC, g.attempt DESC"""
        )

    def _records(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        with self._lock:
            cursor = self._duck.execute(sql, list(params))
            names = [d[0] for d in cursor.description or []]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement on the history's own connection."""
        with self._lock:
            return self._duck.execute(sql, list(params)).fetchall()

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._duck.close()
