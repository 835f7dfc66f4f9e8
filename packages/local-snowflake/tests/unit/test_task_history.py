"""Records of runs: what is kept, for how long, and how a run goes on after the server's end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from local_snowflake.tasks.graph import Graph, Node
from local_snowflake.tasks.history import EXECUTE, History, TaskRecord
from local_snowflake.tasks.runs import Run, State, new_run, recovered_run

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CHAIN = {
    "R": Node("R", "id-R"),
    "A": Node("A", "id-A", predecessors=("R",)),
    "B": Node("B", "id-B", predecessors=("A",)),
}


@pytest.fixture
def duck(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(str(tmp_path / "x.duckdb"))
    made.execute("SET TimeZone = 'UTC'")
    made.execute('CREATE SCHEMA "$META"')
    return made


@pytest.fixture
def history(duck: duckdb.DuckDBPyConnection) -> History:
    return History(duck.cursor())


def begin(history: History, at: datetime = NOW, retries: int = 0) -> Run:
    run = new_run(Graph("D", "S", "R", CHAIN, retries=retries), "id-R", history.new_id(), at, EXECUTE, None)
    run.start_attempt(at)
    history.add(run.record)
    return run


def task(history: History, run: Run, name: str, state: str, attempt: int = 1, value: str | None = None) -> TaskRecord:
    record = TaskRecord(run.record.group_id, attempt, name, f"id-{name}", f"{name}-{attempt}", "SELECT 1", None, NOW)
    record.state, record.return_value = state, value
    history.add(record)
    return record


def test_history_is_kept_for_seven_days(history: History) -> None:
    old, young = begin(history, NOW - timedelta(days=7, minutes=1)), begin(history, NOW - timedelta(days=6))
    task(history, old, "R", "SUCCEEDED")
    task(history, young, "R", "SUCCEEDED")
    history.prune(NOW)
    assert [r["group_id"] for r in history.task_rows(10)] == [young.record.group_id]
    assert [r["group_id"] for r in history.graph_rows()] == [young.record.group_id]


def test_rows_can_be_asked_for(history: History) -> None:
    run = begin(history)
    for name, state in (("R", "SUCCEEDED"), ("A", "FAILED"), ("B", "SKIPPED")):
        task(history, run, name, state)
    assert [r["name"] for r in history.task_rows(10, name="a")] == ["A"]
    assert [r["name"] for r in history.task_rows(10, errors=True)] == ["A"]
    assert history.task_rows(10, root_id="other") == []
    assert history.task_rows(10, last=NOW - timedelta(seconds=1)) == []
    assert len(history.task_rows(2, first=NOW)) == 2


def test_numbers_of_runs_grow(history: History) -> None:
    numbers = [history.new_id() for _ in range(1000)]
    assert numbers == sorted(set(numbers))


def test_a_run_that_the_server_left_goes_on(history: History, duck: duckdb.DuckDBPyConnection) -> None:
    run = begin(history, retries=1)
    task(history, run, "R", "SUCCEEDED", value="seven")
    task(history, run, "A", "EXECUTING")
    [(record, tasks)] = History(duck.cursor()).unfinished()
    again, lost = recovered_run(record, tasks, NOW)
    assert [(t.name, t.state) for t in lost] == [("A", "FAILED")]
    assert "the server stopped" in str(lost[0].error_message)
    assert again.progress.states == {"R": State.SUCCEEDED, "A": State.FAILED, "B": State.WAITING}
    assert again.values == {"R": "seven"}
    assert again.progress.may_retry


def test_a_later_attempt_goes_on_with_what_it_has_done(history: History) -> None:
    run = begin(history, retries=2)
    task(history, run, "R", "SUCCEEDED")
    task(history, run, "A", "FAILED")
    history.next_attempt(run.next_attempt(NOW, "AUTOMATIC RETRY"), run.record)
    [(record, tasks)] = history.unfinished()
    assert record.attempt == 2
    again, lost = recovered_run(record, tasks, NOW)
    assert lost == []
    assert again.progress.ready() == ["A"]
    assert json.loads(record.graph)["retries"] == 2
