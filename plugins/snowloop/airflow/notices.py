"""Tells the declared notifiers what tasks and DAGs report: a failure, a waiting approval, a missed deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseNotifier

from snowloop.airflow.failures import reason_of
from snowloop.airflow.params import default_target
from snowloop.errors import MonitoringError
from snowloop.markdown import message_line
from snowloop.project import Notifier, Project, load_project

if TYPE_CHECKING:
    from airflow.sdk import Context

Notice = Literal["failure", "approval", "deadline"]


def notifiers(project: Project, target: str) -> list[Notifier]:
    """The declared notifiers of an environment."""
    declared = project.monitoring.alerts.notify
    return [each for each in declared if not each.targets or target.lower() in each.targets]


def send(declared: Notifier, alert: Mapping[str, Any], context: Mapping[str, Any]) -> None:
    """Make a declared notifier, and have it send.

    Args:
        declared: Its class and arguments.
        alert: What its templates know as ``alert``: subject, text, project, target and events.
        context: What else they know.

    Raises:
        Exception: whatever the notifier raises.
    """
    module, _, name = declared.notifier.rpartition(".")
    notifier = resolve_name(f"{module}:{name}")(**declared.arguments)
    notifier({**context, "alert": dict(alert)})


class ProjectNotifier(BaseNotifier):
    """Sends a notice by the notifiers that a project declares; one that fails is logged, the others send.

    Args:
        project: Name of the project.
        notice: What is reported: ``failure`` of a task, a waiting ``approval``, or a missed ``deadline``.
    """

    def __init__(self, *, project: str, notice: Notice, context: Context | None = None) -> None:
        super().__init__(context)
        self.project = project
        self.notice: Notice = notice

    def notify(self, context: Context) -> None:
        """Send, unless there is nothing new to say."""
        given: Mapping[str, Any] = context
        if self.notice == "failure" and (_is_an_alert(given.get("exception")) or _failed_before(given)):
            return
        project, target = load_project(self.project), _target(given)
        subject, text = _words(self.notice, given)
        subject, text = message_line(subject), message_line(text)
        where, at = f"{self.project} in {target}", datetime.now(UTC)
        event = {"signal": self.notice, "severity": "error", "event": self.notice, "at": at, "text": text}
        alert = {
            "subject": f"{where}: {subject}",
            "text": f"{where}: {text}",
            "events": [event],
            "project": self.project,
            "target": target,
        }
        for declared in notifiers(project, target):
            try:
                send(declared, alert, given)
            except Exception:  # a notifier may raise anything; the task and the other notifiers go on
                self.log.exception(
                    "%s could not send '%s': correct monitoring.alerts.notify or the Airflow connection",
                    declared.notifier,
                    alert["subject"],
                )


def failure_callbacks(project: Project) -> Sequence[ProjectNotifier]:
    """What each task of a project's DAGs calls when it fails; nothing without declared notifiers."""
    return _notifiers(project, "failure")


def approval_notifiers(project: Project) -> Sequence[ProjectNotifier]:
    """What a task that waits for a person calls; nothing without declared notifiers."""
    return _notifiers(project, "approval")


def _notifiers(project: Project, notice: Notice) -> Sequence[ProjectNotifier]:
    return [ProjectNotifier(project=project.name, notice=notice)] if project.monitoring.alerts.notify else []


def _is_an_alert(error: BaseException | str | None) -> bool:
    """Whether a failure is one of monitoring, which alerts report with its state."""
    return isinstance(error, BaseException) and isinstance(error.__cause__ or error, MonitoringError)


def _failed_before(context: Mapping[str, Any]) -> bool:
    """Whether the task has failed in the scheduled run before too: only the first failure in a row is sent."""
    if str(getattr(context["dag_run"], "run_type", "")).rpartition(".")[2].lower() != "scheduled":
        return False
    before = context["ti"].get_previous_ti(map_index=context["ti"].map_index)
    return before is not None and str(before.state) == "failed"


def _target(context: Mapping[str, Any]) -> str:
    """The environment of a run: by its form, or of a missed deadline by what its run was started with."""
    params = context.get("params")
    if params is not None:
        return str(params["target"])
    return str((context["dag_run"].get("conf") or {}).get("target") or default_target())


def _words(notice: Notice, context: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a notice."""
    if notice == "deadline":
        run = context["dag_run"]
        name, at = f"{run['dag_id']}, run {run['dag_run_id']}", context["deadline"]["deadline_time"]
        return f"{run['dag_id']} is late", f"{name}, is not done at its deadline, {at:%Y-%m-%d %H:%M} UTC"
    task = context["ti"]
    name = f"task {task.task_id} of {task.dag_id}, run {task.run_id}"
    if notice == "approval":
        asked = context["task"].subject
        return f"{asked} waits for an answer", f"{asked} Answer {name}"
    error = context.get("exception")
    reason = reason_of(error) if isinstance(error, BaseException) else str(error or "no reason is known")
    return f"{task.dag_id} failed", f"{name}, failed: {reason}"
