"""What backfill, requeue and recovery share: the version to score with, the scoring lock, and a paused loop."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.scoring.apply import wait_for_runs
from snowloop.lifecycle.scoring.desired import lock_statements, scoring_values
from snowloop.lifecycle.scoring.names import Names
from snowloop.lifecycle.scoring.task_runs import root_task
from snowloop.lifecycle.versions import CHAMPION, model, versions
from snowloop.workspace import Workspace
from snowloop_procedures import lock

if TYPE_CHECKING:
    from snowflake.snowpark import Session

QUERIES = "scoring/reprocess/queries.sql"
ROWS = "scoring/reprocess/rows.sql"


def version_to_score(workspace: Workspace, version: str | None) -> str:
    """The name of a version that takes the features that features.sql gives now.

    Args:
        workspace: Session, project and environment.
        version: Name or alias of the version; None: the champion.

    Returns:
        Its name.

    Raises:
        ScoringError: if there is no such version, or it takes other features or predicts other classes.
    """
    project, quoted_model = workspace.project, model(workspace.project, workspace.target)
    name, registered = version or CHAMPION, versions(workspace)
    match = next((each for each in registered if name in (each.name, *each.aliases)), None)
    if match is None:
        have = ", ".join(each.name for each in registered) or "none"
        message = f"{quoted_model} has no version or alias '{name}' to score with: it has {have}"
        raise ScoringError(message)
    features = [asdict(feature) for feature in describe_features(workspace)]
    if match.facts.get("features") != features:
        message = (
            f"version {match.name} of {quoted_model} takes other features "
            "than features.sql gives now: choose a version that was trained with it"
        )
        raise ScoringError(message)
    if match.classes != project.label.classes:
        message = (
            f"version {match.name} of {quoted_model} predicts the classes {list(match.classes)}, declared are "
            f"{list(project.label.classes)}: choose a version that was trained with them"
        )
        raise ScoringError(message)
    return match.name


def statement_values(workspace: Workspace, **rows: Any) -> dict[str, Any]:
    """What the scoring procedure's own statements are rendered with, over other rows than those of the stream."""
    return scoring_values(workspace.project, workspace.target, describe_features(workspace), **rows)


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
        session: A Snowpark session.
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
