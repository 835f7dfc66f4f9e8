"""Waiting for scores: one look, then the triggerer waits, and the figures are those of the answer."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from snowloop.airflow.operators.wait import AwaitScoresOperator
from snowloop.errors import ScoringError
from snowloop.lifecycle.data.load import LoadReport
from snowloop.lifecycle.scoring import Scores, wait

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ARRIVED = LoadReport((), 3, 3, 0, datetime(2026, 1, 1, tzinfo=UTC))
SCORES = Scores(1, 3, 2, 1, ("V1",), 4.0)


@pytest.fixture
def waiting(session, monkeypatch):
    """The operator, where the scores are as the test says."""
    monkeypatch.setattr("snowloop.sql.clock", lambda _session: NOW)

    def make(answer):
        def look(workspace, **moments):
            assert (workspace.session, workspace.project.name, workspace.target) == (
                session,
                "credit_approval",
                "staging",
            )
            assert moments == {"arrived": NOW, "since": ARRIVED.started_at}
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(wait, "scores_of", look)
        return AwaitScoresOperator(
            task_id="wait",
            project="credit_approval",
            target="staging",
            timeout="30",
            arrived=ARRIVED.to_dict(),
            poll_interval=2,
        )

    return make


def test_rows_that_are_scored_already_are_an_answer_at_once(waiting, context):
    assert waiting(SCORES).execute(context) == SCORES.to_dict()
    assert context["ti"].pushed["summary"] == SCORES.summary()


def test_rows_that_wait_are_waited_for_in_the_triggerer(waiting, context, session):
    operator = waiting(None)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context)
    assert session.closed == 1
    trigger = deferred.value.trigger
    assert (trigger.question, trigger.project, trigger.target) == ("scores_taken", "credit_approval", "staging")
    assert trigger.query_tag == session.tags[0]
    assert trigger.poll_interval == 2
    assert trigger.deadline == pytest.approx(time.time() + 30, abs=25)
    options = json.loads(json.dumps(trigger.serialize()[1]["options"]))
    ask = wait.QUESTIONS[trigger.question]
    with pytest.MonkeyPatch.context() as answered:
        answered.setattr(wait, "scores_of", lambda *_given, **moments: SCORES if moments["arrived"] == NOW else None)
        answer = json.loads(json.dumps(ask(cast(Any, None), **options)))
    assert getattr(operator, deferred.value.method_name)(context, {"answer": answer}) == SCORES.to_dict()
    assert context["ti"].pushed["summary"]["version"] == "V1"


def test_a_wait_without_an_answer_fails_with_its_reason_and_where_to_look(waiting, context):
    timed_out = "timed out after 30 s waiting for scores of credit_approval"
    with pytest.raises(AirflowFailException, match=rf"^{timed_out}; .*snowloop status --project credit_approval"):
        waiting(None).resume(context, {"timed_out": True})
    assert timed_out in context["ti"].pushed["reason"]


def test_tasks_that_failed_fail_the_wait_at_once(waiting, context):
    with pytest.raises(AirflowFailException, match="it is suspended"):
        waiting(ScoringError("it is suspended")).execute(context)
