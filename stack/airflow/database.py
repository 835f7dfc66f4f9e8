"""Airflow's metadata database of the stack: brought up to date, and freed of runs that were cut off.

Also a command, for processes that do not import Airflow themselves: ``python -m stack.airflow.database``.
"""

from __future__ import annotations

UNFINISHED = {None, "running", "queued", "scheduled", "up_for_retry"}


def prepare() -> None:
    """Create or migrate the database, and fail the runs whose process was killed.

    Without that, a scheduler that is started later on the same database would resume such a run. Only for the
    command that has the hold of the state directory (``stack.holder``): then no run of another one is alive.
    """
    from airflow.utils.db import initdb

    initdb()
    _fail_abandoned_runs()


def _fail_abandoned_runs() -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import select

    abandoned = select(DagRun).where(
        DagRun.state == DagRunState.RUNNING, DagRun.triggered_by == DagRunTriggeredByType.TEST
    )
    with create_session() as session:
        for run in session.scalars(abandoned):
            for task in run.get_task_instances(session=session):
                if task.state in UNFINISHED:
                    task.set_state("failed", session=session)
            run.set_state(DagRunState.FAILED)


if __name__ == "__main__":
    prepare()
