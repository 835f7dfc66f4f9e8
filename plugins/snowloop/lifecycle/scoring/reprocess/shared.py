"""What backfill, requeue and recovery share: a version to score with, the loop at rest, a transaction, filled texts."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from snowloop.errors import ScoringError
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.scoring.apply import wait_until_quiet
from snowloop.lifecycle.scoring.desired import scoring_texts, turn_texts
from snowloop.lifecycle.scoring.names import ROOT, Names
from snowloop.lifecycle.versions import CHAMPION, model, show, versions
from snowloop.sql import identifier
from snowloop.workspace import Workspace
from snowloop_procedures import lock as turns

if TYPE_CHECKING:
    from snowflake.snowpark import Session


def version_to_score(workspace: Workspace, version: str | None) -> str:
    """The name of a version that takes the features that features.sql gives now.

    Args:
        workspace: Session, project and environment.
        version: Name or alias of the version; None: the champion.

    Returns:
        Its name.

    Raises:
        ScoringError: if there is no such version, or it takes other features or tells other classes.
    """
    project = workspace.project
    wanted, known = version or CHAMPION, versions(workspace)
    found = next((each for each in known if wanted in (each.name, *each.aliases)), None)
    if found is None:
        have = ", ".join(each.name for each in known) or "none"
        message = f"{model(project, workspace.target)} has no version or alias '{wanted}' to score with: it has {have}"
        raise ScoringError(message)
    features = [asdict(feature) for feature in describe_features(workspace)]
    if found.facts.get("features") != features:
        message = (
            f"version {found.name} of {model(project, workspace.target)} takes other features "
            "than features.sql gives now: choose a version that was trained with it"
        )
        raise ScoringError(message)
    if found.classes != project.label.classes:
        message = (
            f"version {found.name} of {model(project, workspace.target)} tells the classes {list(found.classes)}, "
            "declared are "
            f"{list(project.label.classes)}: choose a version that was trained with them"
        )
        raise ScoringError(message)
    return found.name


def texts(workspace: Workspace, **other: Any) -> dict[str, Any]:
    """The scoring procedure's own statements, over other rows than those of the stream."""
    return scoring_texts(workspace.project, workspace.target, describe_features(workspace), **other)


def execute(session: "Session", text: str, **values: str | int) -> int:
    """Execute one of the scoring statements with a run's own values; the number that it answers is returned."""
    for name, value in values.items():
        text = text.replace(f"<<{name}>>", str(value))
    return int(session.sql(text).collect()[0][0])


@contextmanager
def transaction(session: "Session") -> Iterator[None]:
    """Commit what is done inside, or roll it back if it fails."""
    session.sql("BEGIN").collect()
    with _ended(session):
        yield


@contextmanager
def turn(session: "Session", database: str) -> Iterator[None]:
    """The same, in a transaction beside which no run of the loop, requeue or recovery scores.

    Raises:
        ScoringError: if it never is this one's turn.
    """
    try:
        turns.take(session, turn_texts(database), uuid.uuid4().hex)
    except RuntimeError as error:
        raise ScoringError(str(error)) from error
    with _ended(session):
        yield


@contextmanager
def _ended(session: "Session") -> Iterator[None]:
    try:
        yield
        session.sql("COMMIT").collect()
    except BaseException:
        session.sql("ROLLBACK").collect()
        raise


@contextmanager
def paused(session: "Session", named: Names, *, resume: bool = True, after_failure: bool = True) -> Iterator[None]:
    """Let the loop rest: its root is suspended, and a run under way is waited for.

    A process that is killed inside leaves the root suspended: deploying scoring resumes it.

    Args:
        session: A Snowpark session.
        named: Names of the loop's objects.
        resume: Whether a root that ran before runs again afterwards.
        after_failure: Whether it does so if what is done inside fails.

    Raises:
        DeploymentError: if a run under way does not come to its end.
    """
    schema = identifier(named.database, "SERVING")
    found = show(session, f"SHOW TASKS LIKE '{ROOT}' IN SCHEMA {schema}")
    started = bool(found) and str(found[0]["state"]).lower() == "started"
    if started:
        session.sql(f"ALTER TASK {named.root} SUSPEND").collect()
    try:
        wait_until_quiet(session, named.root)
        yield
    except BaseException:
        if started and after_failure:
            session.sql(f"ALTER TASK {named.root} RESUME").collect()
        raise
    if started and resume:
        session.sql(f"ALTER TASK {named.root} RESUME").collect()
