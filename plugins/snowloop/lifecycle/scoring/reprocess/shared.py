"""What backfill, requeue and recovery share: the version to score with, the scoring lock, and a paused loop."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.champion.fit import Scorer
from snowloop.lifecycle.champion.standing import Role, refusal
from snowloop.lifecycle.data.contract import row_fails
from snowloop.lifecycle.scoring.apply import wait_for_runs
from snowloop.lifecycle.scoring.desired import lock_statements, scoring_values
from snowloop.lifecycle.scoring.names import Names, names
from snowloop.lifecycle.scoring.task_runs import root_task
from snowloop.workspace import Workspace
from snowloop_procedures import lock

if TYPE_CHECKING:
    from snowflake.snowpark import Session

QUERIES = "scoring/reprocess/queries.sql"
ROWS = "scoring/reprocess/rows.sql"


def statement_values(workspace: Workspace, scorer: Scorer, **rows: Any) -> dict[str, Any]:
    """What the scoring procedure's own statements are rendered with, over other rows than those of the stream.

    The features are those of the features.sql that the version was trained with.
    """
    return scoring_values(workspace.project, workspace.target, scorer.formula, scorer.features, **rows)


def source_values(workspace: Workspace) -> dict[str, Any]:
    """What statements about the source's rows are rendered with: its table, now and at the offset, key and contract."""
    project = workspace.project
    named = names(project, workspace.target)
    return {
        "table": named.table,
        "at_offset": named.at_offset,
        "columns": list(project.streamed.table_columns),
        "key": project.row_key,
        "fails": row_fails(project),
        "corrections": project.serving.corrections,
    }


def check_judged(workspace: Workspace, version: str, role: Role) -> None:
    """Refuse a version that the gate does not let serve: what is scored here is served as what the loop scores.

    Args:
        version: Name of the version.
        role: ``challenger``, if it was named and need not be as good as the champion.

    Raises:
        ScoringError: if its verdict does not let it serve.
    """
    project = workspace.project
    reason = refusal(workspace, version, role, expire=project.champion.expired_override == "refuse")["REASON"]
    if reason:
        message = (
            f"version {version} of project {project.name} must not serve: {reason}; choose another version, or have "
            f"the gate judge it: by {project.name}__train, or `snowloop challenge --judge`"
        )
        raise ScoringError(message)


@contextmanager
def scoring_lock(workspace: Workspace) -> Iterator[None]:
    """A transaction in which no run of the loop, requeue or recovery scores.

    Raises:
        ScoringError: if the lock could not be acquired.
    """
    session = workspace.session
    try:
        lock.acquire(session, lock_statements(workspace.database), uuid.uuid4().hex)
    except RuntimeError as error:
        raise ScoringError(str(error)) from error
    try:
        yield
        session.sql("COMMIT").collect()
    except BaseException:
        session.sql("ROLLBACK").collect()
        raise


@contextmanager
def paused(session: "Session", named: Names, *, resume: bool = True, after_failure: bool = True) -> Iterator[None]:
    """Pause the loop: suspend its root, and wait for a run that is under way.

    A process that is killed inside leaves the root suspended: deploying scoring resumes it.

    Args:
        named: Names of the loop's objects.
        resume: Whether to resume a root that was started before.
        after_failure: Whether to resume it also if the block fails.

    Raises:
        DeploymentError: if a run under way does not end.
    """
    root = root_task(session, named.database)
    started = root is not None and str(root["state"]).lower() == "started"
    if started:
        session.sql(f"ALTER TASK {named.root} SUSPEND").collect()
    try:
        wait_for_runs(session, named.root)
        yield
    except BaseException:
        if started and after_failure:
            session.sql(f"ALTER TASK {named.root} RESUME").collect()
        raise
    if started and resume:
        session.sql(f"ALTER TASK {named.root} RESUME").collect()
