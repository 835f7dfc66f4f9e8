"""Operators that check and repair: one call of a lifecycle function each, with what the form says."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from snowloop.airflow.operators import reprocess
from snowloop.lifecycle.scoring.health import StreamHealth
from snowloop.lifecycle.scoring.reprocess.backfill import Backfill, Rows
from snowloop.lifecycle.scoring.reprocess.recover import Recovery
from snowloop.lifecycle.scoring.reprocess.requeue import Requeue

MADE: dict[str, Any] = {"task_id": "stage", "project": "credit_approval", "target": "staging"}


def answering(monkeypatch, place, result):
    calls = []

    def record(workspace, **named):
        calls.append((workspace.project.name, workspace.target, named))
        return result

    monkeypatch.setattr(f"snowloop.lifecycle.scoring.{place}", record)
    return calls


def test_findings_fail_the_task_in_words(session, context, monkeypatch):
    found = ("the stream is stale: recover it", "task X is suspended: deploy")
    answering(monkeypatch, "health.stream_health", StreamHealth(True, 0.0, None, None, (), found))
    with pytest.raises(AirflowFailException, match=r"the stream is stale: recover it\ntask X is suspended"):
        reprocess.HealthOperator(**MADE).execute(context)


def test_no_findings_give_the_figures(session, context, monkeypatch):
    answering(monkeypatch, "health.stream_health", StreamHealth(False, 13.9, 4, 60, (), ()))
    reprocess.HealthOperator(**MADE).execute(context)
    figures = {"backlog": 4, "days to stale": 13.9, "oldest seconds": 60, "findings": 0}
    assert context["ti"].pushed["summary"] == figures


@pytest.mark.parametrize(("recover", "calls"), [("True", 1), (True, 1), ("False", 0)])
def test_recovery_only_when_it_is_asked_for(session, context, monkeypatch, recover, calls):
    called = answering(monkeypatch, "reprocess.recover.recover_loop", Recovery(recovered=True, rows=3, scored=3))
    done = reprocess.RecoverOperator(recover=recover, **MADE).execute(context)
    assert called == [("credit_approval", "staging", {"lost": False})] * calls
    assert done["recovered"] is bool(calls)


def test_a_backfill_is_named_after_its_dag_run(session, context, monkeypatch):
    called = answering(monkeypatch, "reprocess.backfill.backfill", Backfill("r", "v1", 2, 10, 10, 0))
    stage = reprocess.BackfillOperator(version="v1", start="2026-01-01", end="", batch_size="5", **MADE)
    stage.execute(context)
    ((_, _, named),) = called
    assert named == {
        "version": "v1",
        "rows": Rows(start="2026-01-01"),
        "batch_size": 5,
        "run_id": "credit_approval__train__manual__1",
    }


def test_requeue_takes_the_champion_unless_a_version_is_given(session, context, monkeypatch):
    called = answering(monkeypatch, "reprocess.requeue.requeue", Requeue("r", "v1", 3, 1))
    reprocess.RequeueOperator(version="", **MADE).execute(context)
    assert called == [("credit_approval", "staging", {"version": None})]
