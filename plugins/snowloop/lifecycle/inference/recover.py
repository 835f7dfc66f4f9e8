"""Recovers from a stream that is stale, gone, or read by another: a new one is made, lost rows are scored once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop.errors import DeploymentError
from snowloop.lifecycle.inference.found import find_loop, is_stale
from snowloop.lifecycle.inference.health import recover_stream
from snowloop.lifecycle.inference.objects import stream_name
from snowloop.lifecycle.results import Result
from snowloop.project import Project

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Recovery(Result):
    """What ``recover_loop`` did.

    Args:
        stream: ``replaced``, or ``kept`` because it can be read.
        recovered: Rows that were lost, and are scored or quarantined now.
    """

    stream: str
    recovered: int


def recover_loop(session: "Session", project: Project, target: str) -> Recovery:
    """Replace a stream that is stale or gone, and see to it that the rows that were lost are scored, each once.

    Rows that another consumer took out of a stream that can be read are found as well. Broken off anywhere, it is
    completed by recovering again. The root task may be left suspended: apply starts it.

    Args:
        session: A Snowpark session.
        project: The project.
        target: The environment.

    Returns:
        What was done.

    Raises:
        ScoringError: if there is no champion, or features.sql does not give one row for each lost one.
        DeploymentError: if the loop never served here, or a running graph does not come to its end.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake refuses a statement.
    """
    found = find_loop(session, project, target)
    if "SERVING.BASELINE" not in found.tables:
        message = f"the scoring loop never served in {project.database(target)}: there is nothing to recover; run apply"
        raise DeploymentError(message)
    stream = found.streams.get(stream_name(project))
    mended = recover_stream(session, project, target, lost=True)
    return Recovery("replaced" if stream is None or is_stale(stream) else "kept", mended.rows)
