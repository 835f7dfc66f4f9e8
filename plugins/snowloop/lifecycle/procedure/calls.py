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
class Handler:
    """What a procedure runs.

    Args:
        prefix: What the procedure's name begins with.
        module: The module of snowloop_procedures whose ``run`` is called.
    """

    prefix: str
    module: str


TRAINING = Handler("TRAIN", "training")
REHEARSAL = Handler("REHEARSE", "rehearsal")
EVALUATION = Handler("EVALUATE", "evaluation")
SMOKE = Handler("SMOKE", "smoke")


def call(
    workspace: Workspace,
    handler: Handler,
    request: Request,
    seconds: int | None = None,
) -> Any:
    """Call the procedure of the project's present code; create it first if it is missing.

    Args:
        handler: What the procedure runs.
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
        prefix=handler.prefix,
        files=model_code(project),
        handler=f"snowloop_procedures.{handler.module}.run",
        packages=project.packages,
        arguments="REQUEST VARCHAR",
    )
    procedure, _ = stage_procedure(workspace, code)
    try:
        with _on_warehouse(workspace, handler), _at_most(session, seconds), session.query_history() as history:
            answer = session.sql(f"CALL {procedure}({literal(request.to_json())})").collect()[0][0]
    except SnowparkSQLException as error:
        limit = _limit(error, seconds)
        if limit:
            raise LimitReached(limit) from error
        message = f"procedure {procedure} could not {request.do}, project {project.name}: {error.message}"
        raise (ProcedureDied(message) if _process_ended(error) else TrainingError(message)) from error
    return {**json.loads(answer), "query_id": history.queries[-1].query_id}


@contextmanager
def _on_warehouse(workspace: Workspace, handler: Handler) -> Iterator[None]:
    """Use the declared warehouse for a call that trains, and the session's own again afterwards."""
    warehouse = workspace.project.environment.training_warehouse
    if handler is not TRAINING or warehouse is None:
        yield
        return
    before = workspace.session.sql("SELECT CURRENT_WAREHOUSE() AS NAME").collect()[0]["NAME"]
    workspace.run("targets/queries.sql#use_warehouse", warehouse=warehouse)
    try:
        yield
    finally:
        if before is not None:
            workspace.run("targets/queries.sql#use_warehouse", warehouse=str(before))


@contextmanager
def _at_most(session: "Session", seconds: int | None) -> Iterator[None]:
    """Limit the time of the statements of a session (docs: STATEMENT_TIMEOUT_IN_SECONDS) for a while."""
    if seconds is None:
        yield
        return
    longest = session.connection.network_timeout
    if longest is not None and seconds > longest:
        message = (
            f"limits.minutes allows {seconds} seconds, but the connection ends a statement after {longest}: set "
            "SNOWLOOP_NETWORK_TIMEOUT to more seconds, or lower limits.minutes"
        )
        raise TrainingError(message)
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
