"""Runs one DAG once, to its end, under Airflow in this process, and writes its events to a file descriptor.

Started by the stack as a process of its own: ``python -m stack.airflow.dag_run DAG_ID CONF_JSON EVENTS_FD``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from airflow.listeners import hookimpl
from airflow.sdk import TaskInstanceState, TriggerRule

from stack.airflow import database
from stack.events import RunEvent, StageEvent, StageState

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance


class EventListener:
    """An Airflow listener that writes an event each time a task instance starts or ends."""

    def __init__(self, events: TextIO) -> None:
        self.events = events
        self._started: dict[str, float] = {}

    @hookimpl
    def on_task_instance_running(self, task_instance: RuntimeTaskInstance) -> None:
        """Write that a stage has started."""
        self._started.setdefault(str(task_instance.id), time.monotonic())  # it runs again after a deferred wait
        self._write(task_instance, "running")

    @hookimpl
    def on_task_instance_success(self, task_instance: RuntimeTaskInstance) -> None:
        """Write what a stage has done."""
        figures = _pulled(task_instance, "summary") or {}
        self._write(task_instance, "success", figures=figures, result=_pulled(task_instance, "return_value"))

    @hookimpl
    def on_task_instance_failed(self, task_instance: RuntimeTaskInstance, error: Any) -> None:
        """Write why a stage has failed, or will be tried again."""
        state: StageState = "retry" if task_instance.state == TaskInstanceState.UP_FOR_RETRY else "failed"
        self._write(task_instance, state, reason=str(_pulled(task_instance, "reason") or error))
        if state == "failed":
            _fail_blocked_tasks(task_instance)

    def _write(self, task: RuntimeTaskInstance, state: StageState, **fields: Any) -> None:
        seconds = time.monotonic() - self._started.get(str(task.id), time.monotonic())
        label = task.rendered_map_index or (str(task.map_index) if (task.map_index or -1) >= 0 else "")
        event = StageEvent(task.task_id, state, label=label, seconds=round(seconds, 3), **fields)
        print(event.to_json(), file=self.events, flush=True)


def _pulled(task: RuntimeTaskInstance, key: str) -> Any:
    return task.xcom_pull(task_ids=task.task_id, map_indexes=task.map_index, key=key)


def _fail_blocked_tasks(task: RuntimeTaskInstance) -> None:
    """Mark at once what cannot run any more; `dag.test()` would mark one task a second."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    after = _blocked_tasks(task.task)
    unstarted = (
        TaskInstance.dag_id == task.dag_id,
        TaskInstance.run_id == task.run_id,
        TaskInstance.task_id.in_(after),
        TaskInstance.state.is_(None),
    )
    with create_session() as session:
        session.execute(update(TaskInstance).where(*unstarted).values(state=TaskInstanceState.UPSTREAM_FAILED))


def _blocked_tasks(task: Any) -> set[str]:
    """What comes after a failed task and runs only if all before it succeeded."""
    blocked: set[str] = set()
    waiting = list(task.downstream_list)
    while waiting:
        after = waiting.pop()
        if after.task_id not in blocked and after.trigger_rule == TriggerRule.ALL_SUCCESS:
            blocked.add(after.task_id)
            waiting += after.downstream_list
    return blocked


def main(arguments: list[str]) -> int:
    """Prepare the metadata database, run the DAG, and write how it ended.

    Args:
        arguments: The DAG's id, the run's conf as JSON, and the file descriptor for events.

    Returns:
        0 if the run succeeded, 1 otherwise.
    """
    dag_id, conf, descriptor = arguments
    with os.fdopen(int(descriptor), "w") as events:
        ended = _run(dag_id, json.loads(conf), events)
        print(ended.to_json(), file=events, flush=True)
    return 0 if ended.state == "success" else 1


def _run(dag_id: str, conf: dict[str, Any], events: TextIO) -> RunEvent:
    from airflow.sdk.listener import get_listener_manager

    began = time.monotonic()
    database.prepare()
    dag, reason = _find(dag_id)
    if dag is None:
        return RunEvent(run_id="", state="not started", reason=reason)
    ready = StageEvent("Airflow", "success", seconds=time.monotonic() - began, figures={"DAG": dag_id})
    print(ready.to_json(), file=events, flush=True)
    get_listener_manager().add_listener(EventListener(events))
    run = dag.test(run_conf=conf)
    return RunEvent(run_id=run.run_id, state=str(run.state))


def _find(dag_id: str) -> tuple[DAG | None, str]:
    from airflow.dag_processing.dagbag import BundleDagBag

    folder = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    dag = bag.dags.get(dag_id)
    if dag is not None:
        return dag, ""
    errors = "\n".join(f"{file}: {error.strip().splitlines()[-1]}" for file, error in bag.import_errors.items())
    suffix = f"__{dag_id.rpartition('__')[2]}"
    projects = ", ".join(sorted(each.removesuffix(suffix) for each in bag.dags if each.endswith(suffix))) or "none"
    return None, errors or f"there is no DAG {dag_id}: the declared projects are {projects}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
