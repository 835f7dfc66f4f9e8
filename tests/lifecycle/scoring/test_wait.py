"""How a run of the graph ended, as reported to whoever waits for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ScoringError
from snowloop.lifecycle.scoring import task_runs as runs_of
from snowloop.lifecycle.scoring.names import MONITORING, ROOT
from snowloop.lifecycle.scoring.task_runs import UnderWay, graph_runs
from snowloop.lifecycle.scoring.wait import run_finished
from snowloop.project import Project, load_project
from snowloop.sql import clock
from snowloop.workspace import Workspace
from tests.support.graphs import LightGraph, until

NOW = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def project() -> Project:
    return load_project("credit_approval")


def test_a_run_fails_with_any_of_its_tasks(session: Session, project: Project):
    graph = LightGraph(session, project.database("watch_child"), {MONITORING: "SELECT * FROM GONE"})
    since = clock(session).isoformat()
    assert run_finished(Workspace(session, project, "watch_child"), since=since) is None
    graph.run()
    with pytest.raises(ScoringError, match=rf"(?s){MONITORING} FAILED: .*GONE"):
        run_finished(Workspace(session, project, "watch_child"), since=since)


def test_the_last_run_that_is_over_is_reported_while_the_next_is_under_way(session: Session, project: Project):
    graph = LightGraph(session, project.database("watch_next"), {ROOT: "CALL SYSTEM$WAIT(2)"})
    since = clock(session).isoformat()
    ended = graph.run()
    graph.execute()
    until(lambda: graph.tasks("EXECUTING"), "the next run")
    answer = run_finished(Workspace(session, project, "watch_next"), since=since)
    assert answer == {"graph_run": str(ended["GRAPH_RUN_GROUP_ID"]), "state": "SUCCEEDED"}
    later = clock(session) + timedelta(hours=1)
    assert run_finished(Workspace(session, project, "watch_next"), since=later.isoformat()) is None


def rows(*history: tuple[str, str, datetime | None]) -> list[dict[str, Any]]:
    """Rows of TASK_HISTORY of one run: task, state, and when it began."""
    shared = {"ERROR_MESSAGE": None, "GRAPH_RUN": "1", "ATTEMPT_NUMBER": 1, "SCHEDULED_TIME": NOW}
    return [
        {**shared, "NAME": name, "STATE": state, "QUERY_START_TIME": began, "COMPLETED_TIME": began}
        for name, state, began in history
    ]


class Row(dict[str, Any]):
    """A row of Snowpark."""

    def as_dict(self) -> dict[str, Any]:
        return self


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_run_that_failed_before_it_began_counts_by_when_it_was_due(monkeypatch: pytest.MonkeyPatch, state: str):
    answers = {"task_history": [Row(row) for row in rows((ROOT, state, None))], "runs_under_way": []}
    monkeypatch.setattr(runs_of, "run", lambda _session, file, **_: answers[file.partition("#")[2]])
    (run,) = graph_runs(None, "D", {"id": "x"})  # type: ignore[arg-type]
    assert (run.over, run.began) == (True, NOW)
    assert run.failure
    assert str(run.failure) == f"{ROOT} {state}"


def test_a_run_that_is_under_way_is_not_over_though_no_task_is_at_work(monkeypatch: pytest.MonkeyPatch):
    history = [Row(row) for row in rows((ROOT, "SUCCEEDED", NOW))]
    monkeypatch.setattr(runs_of, "run", lambda *_, **__: history)
    monkeypatch.setattr(runs_of, "under_way", lambda *_: [UnderWay("x", "1", NOW)])
    (run,) = graph_runs(None, "D", {"id": "x"})  # type: ignore[arg-type]
    assert not run.over
