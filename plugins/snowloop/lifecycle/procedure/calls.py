"""Calls of the procedures that train and evaluate: staged with the user's code, request and answer in JSON."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import LimitReached, ProcedureDied, TrainingError
from snowloop.lifecycle.procedure.code import ProcedureCode, model_code, stage_procedure
from snowloop.sql import literal
from snowloop.workspace import Workspace
from snowloop_procedures.requests import Request

if TYPE_CHECKING:
    from snowflake.snowpark import Session
    from snowflake.snowpark.exceptions import SnowparkSQLException

TIMED_OUT = "630"
"""Error code of a statement that ran longer than STATEMENT_TIMEOUT_IN_SECONDS."""
INSIDE = ("P0000", "XX000")
"""SQL states of errors inside a procedure, and inside Snowflake while it ran; of privileges, names, connections and
cancelled calls they are others."""
TRACEBACK = "Traceback (most recent call last)"
"""In the error of a procedure whose handler raised an exception; a process that dies leaves none."""


@dataclass(frozen=True)
class Handlers:
    """The modules of snowloop_procedures that a procedure runs.

    Args:
        prefix: What the procedure's name begins with.
        modules: The module whose ``run`` is called, then those that it imports.
    """

    prefix: str
    modules: tuple[str, ...]


TRAINING = Handlers("TRAIN", ("training", "folds", "metrics"))
REHEARSAL = Handlers("REHEARSE", ("rehearsal", "folds", "metrics", "training"))
EVALUATION = Handlers("EVALUATE", ("evaluation", "comparison", "curves", "leakage", "metrics", "details"))


def call(
    workspace: Workspace,
    handlers: Handlers,
    request: Request,
    seconds: int | None = None,
) -> Any:
    """Call the procedure of the project's present code; create it first if it is missing.

    Args:
        handlers: The procedure's modules.
        request: What it is to do.
        seconds: How long the call may take; None: as long as the session's own STATEMENT_TIMEOUT_IN_SECONDS.

    Returns:
        What it answers, with the ``query_id`` of the call.

    Raises:
        LimitReached: if the call took longer, or more memory than the warehouse has.
        ProcedureDied: if its process ended before it answered.
        TrainingError: if the call fails.
    """
    session, project = workspace.session, workspace.project
    from snowflake.snowpark.exceptions import SnowparkSQLException

    code = ProcedureCode(
        schema="MODELS",
        prefix=handlers.prefix,
        files=model_code(project),
        handler=f"snowloop_procedures.{handlers.modules[0]}.run",
        packages=project.packages,
        arguments="REQUEST VARCHAR",
    )
    procedure, _ = stage_procedure(workspace, code)
    try:
        with _at_most(session, seconds), session.query_history() as history:
            answer = session.sql(f"CALL {procedure}({literal(request.to_json())})").collect()[0][0]
    except SnowparkSQLException as error:
        limit = _limit(error, seconds)
        if limit:
            raise LimitReached(limit) from error
        message = f"procedure {procedure} could not {request.do}, project {project.name}: {error.message}"
        raise (ProcedureDied(message) if _process_ended(error) else TrainingError(message)) from error
    return {**json.loads(answer), "query_id": history.queries[-1].query_id}


@contextmanager
def _at_most(session: "Session", seconds: int | None) -> Iterator[None]:
    """Limit the time of the statements of a session (docs: STATEMENT_TIMEOUT_IN_SECONDS) for a while."""
    if seconds is None:
        yield
        return
    session.sql(f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {seconds}").collect()
    try:
        yield
    finally:
        session.sql("ALTER SESSION UNSET STATEMENT_TIMEOUT_IN_SECONDS").collect()


def _limit(error: "SnowparkSQLException", seconds: int | None) -> str | None:
    """In words, which limit ended a call; None if none did."""
    if str(error.sql_error_code) == TIMED_OUT and seconds is not None:
        return f"it took longer than the {seconds} seconds of limits.minutes: allow more, or train something smaller"
    if "memory exhausted" in error.message or "MemoryError" in error.message:
        return f"{error.message.strip()}: train something smaller, or on a larger environment.warehouse_size"
    return None


def _process_ended(error: "SnowparkSQLException") -> bool:
    """Whether a call ended without an exception of its handler: the process ended, such as by a crash of a library."""
    state = getattr(error.conn_error, "sqlstate", None)
    return state in INSIDE and TRACEBACK not in error.message
