"""Writes a note on every run of a Snowloop DAG when it ends: what happened, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from snowloop.airflow import REASON_KEY, SUMMARY_KEY, TAG
from snowloop.figures import format_figures
from snowloop.markdown import escaped

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy.orm import Session

MAX_NOTE = 1000
"""Longest note that Airflow stores."""
MARKS = {"success": "✓", "failed": "✗", "upstream_failed": "·", "skipped": "·"}


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Note what the stages of a successful run did."""
    write_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Note what the stages of a failed run did, and why one failed."""
    write_note(dag_run)


def write_note(dag_run: DagRun) -> None:
    """Set the run's note from the figures and reasons that its tasks pushed; runs of other DAGs are left alone.

    A task cannot write its run's note through the task SDK; the scheduler, which calls this, can.
    """
    from airflow.utils.session import create_session
    from sqlalchemy.orm import object_session

    if dag_run.dag is None or TAG not in dag_run.dag.tags:
        return
    session = object_session(dag_run)
    if session is not None:
        _write(dag_run, session)
        return
    with create_session() as own:  # a run that `dag.test()` drives belongs to no session when it ends
        stored = own.get(type(dag_run), dag_run.id)
        if stored is not None:
            _write(stored, own)


def _write(dag_run: DagRun, session: Session) -> None:
    tasks = dag_run.get_task_instances(session=session)
    tasks.sort(key=lambda task: (task.end_date is None, task.end_date, task.task_id, task.map_index))
    dag_run.note = compose_note(tasks, _pushed(dag_run, session))


def compose_note(tasks: Iterable[TaskInstance], pushed: Mapping[tuple[str, int, str], Any]) -> str:
    """Put a run into words: one line of Markdown a stage, no longer than Airflow allows.

    Failures come first, since the end is what is cut off.

    Args:
        tasks: The run's task instances, in the order in which they ended.
        pushed: Their XComs ``summary`` and ``reason``, by task, map index and key.
    """
    failed: list[str] = []
    others: list[str] = []
    for task in tasks:
        state = str(task.state)
        seconds = f" {task.duration:.1f} s" if task.duration else ""
        figures = pushed.get((task.task_id, task.map_index, SUMMARY_KEY)) or {}
        reason = pushed.get((task.task_id, task.map_index, REASON_KEY)) if state == "failed" else None
        words = escaped(reason or format_figures(figures))
        name = escaped(f"{task.task_id} {task.rendered_map_index or ''}".strip())
        line = f"- {MARKS.get(state, '·')} **{name}**{seconds}{f': {words}' if words else ''}"
        (failed if state == "failed" else others).append(line)
    note = "\n".join(failed + others)
    return note if len(note) <= MAX_NOTE else f"{note[: MAX_NOTE - 1]}…"


def _pushed(dag_run: DagRun, session: Session) -> dict[tuple[str, int, str], Any]:
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    conditions = (
        XComModel.dag_id == dag_run.dag_id,
        XComModel.run_id == dag_run.run_id,
        XComModel.key.in_((SUMMARY_KEY, REASON_KEY)),
    )
    rows = session.scalars(select(XComModel).where(*conditions))
    return {(row.task_id, row.map_index, row.key): XComModel.deserialize_value(row) for row in rows}
