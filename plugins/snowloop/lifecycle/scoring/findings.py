"""What is wrong with the task graph, in words: tasks gone or suspended, runs that failed, rows that wait too long."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from snowloop.lifecycle.scoring.consumers import is_own
from snowloop.lifecycle.scoring.names import GRAPH, ROOT, Names
from snowloop.lifecycle.scoring.task_runs import GraphRun, TaskRun, graph_runs
from snowloop.project import Project
from snowloop.project.durations import in_words

if TYPE_CHECKING:
    from snowflake.snowpark import Session


def task_findings(session: "Session", project: Project, named: Names, tasks: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the tasks and with the last run of the graph.

    The runs are those that TASK_HISTORY tells: a run that ran out of time, was cancelled, or could not begin leaves no
    row in OPS.RUNS.

    Args:
        session: A Snowpark session.
        project: The project.
        named: Names of the loop's objects.
        tasks: Rows of SHOW TASKS, of other projects too.

    Returns:
        The findings; none if all is well.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    own = {str(each["name"]): each for each in tasks if is_own(each, named.database)}
    runs = graph_runs(session, named.database, own.get(ROOT))
    findings = [f"task {name} is not there: deploy scoring" for name in GRAPH if name not in own]
    for name in GRAPH:
        if name not in own or str(own[name]["state"]).lower() == "started":
            continue
        why, error = own[name].get("last_suspended_reason"), _last_error(runs)
        text = f"task {name} is suspended{f' ({why})' if why else ''}, its rows wait"
        text += f"; last error: {error.words()}" if error else ""
        findings.append(f"{text}: mend the cause, then deploy scoring of {project.name}, which resumes it")
    failure = next((each.failure for each in runs if each.over), None)
    if failure and not findings:
        findings.append(_failed(failure, named))
    return findings


def _last_error(runs: Sequence[GraphRun]) -> TaskRun | None:
    """The failure that came last; runs of earlier graphs are none of this one."""
    failed = [task for each in runs for task in each.tasks if task.failed]
    return max(failed, key=lambda task: task.ended or task.began, default=None)


def _failed(failure: TaskRun, named: Names) -> str:
    if failure.name == ROOT:
        return f"the last scoring run failed, its rows wait in {named.stream}: {failure.words()}"
    return f"the last run of the graph scored its rows, but what follows failed: {failure.words()}: mend the cause"


def backlog_findings(project: Project, named: Names, age: int | None) -> list[str]:
    """Whether rows wait longer than is declared.

    Args:
        project: The project.
        named: Names of the loop's objects.
        age: Seconds for which the oldest load waits, where known.

    Returns:
        The finding, or none.
    """
    most = project.monitoring.max_backlog_age
    if age is None or age <= most.total_seconds():
        return []
    text = f"rows wait in {named.stream} for {age / 3600:.1f} hours, monitoring.max_backlog_age allows {in_words(most)}"
    return [f"{text}: see with `snowloop status` whether the tasks run; if they may take longer, declare more"]
