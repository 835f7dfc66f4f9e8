"""Does exactly what a plan says, in its order; broken off anywhere, planning and applying again completes it."""

import time
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from snowloop.errors import DeploymentError, PlanRefused
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.scoring.blockers import corrections_wait
from snowloop.lifecycle.scoring.observed import has_data
from snowloop.lifecycle.scoring.plan import Change, Plan
from snowloop.lifecycle.scoring.task_runs import under_way

if TYPE_CHECKING:
    from snowflake.snowpark import Session

QUIET_SECONDS = 900.0
DONE = {"create": "created", "change": "changed", "resume": "resumed", "keep": "kept", "drop": "dropped"}


@dataclass(frozen=True)
class Deployment(Result):
    """What applying a plan did.

    Args:
        procedure: The scoring procedure, whose name carries the hash of its code.
        actions: For stream, procedure and each task: created, changed, kept or resumed; for an old procedure: dropped.
        sent: Number of statements and uploads.
    """

    procedure: str
    actions: dict[str, str]
    sent: int = 0

    def summary(self) -> dict[str, int | float | str]:
        """Number of objects by action."""
        actions = list(self.actions.values())
        return {action: actions.count(action) for action in sorted(set(actions))}


def apply_plan(session: "Session", plan: Plan) -> Deployment:
    """Send the steps of a plan, one after the other.

    Args:
        session: A Snowpark session.
        plan: The plan.

    Returns:
        What was done.

    Raises:
        PlanRefused: if the plan holds a refusal; nothing is sent. Also if a stream that has to be empty got changes
            since it was made; the graph, which is as it was, goes on.
        DeploymentError: if a running graph does not come to its end.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake refuses a statement; planning and applying
            again goes on from there.
    """
    plan.check()
    for step in plan.steps:
        if step.kind == "put":
            content = BytesIO(b64decode(plan.files[step.file]))
            session.file.put_stream(content, step.text, auto_compress=False, overwrite=True)
        elif step.kind == "wait":
            wait_until_quiet(session, step.text)
        elif step.kind == "empty":
            _insist_on_empty(session, plan, step.text)
        else:
            session.sql(step.text).collect()
    told = [change for change in plan.changes if change.kind in ("stream", "procedure", "task")]
    actions = {_key(change): DONE[change.action] for change in told}
    return Deployment(plan.procedure, actions, sum(step.kind in ("sql", "put") for step in plan.steps))


def _insist_on_empty(session: "Session", plan: Plan, stream: str) -> None:
    """Let the loop go on as it was, and refuse, if a stream holds changes that its other kind would not tell."""
    if not has_data(session, stream):
        return
    for root in (step.text for step in plan.steps if step.kind == "wait"):
        session.sql(f"ALTER TASK {root} RESUME").collect()
    refused = corrections_wait(".".join(stream.replace('"', "").split(".")[-2:]))
    message = f"the scoring loop of {plan.project} in {plan.target} is not changed, it goes on: {refused.words()}"
    raise PlanRefused(message)


def _key(change: Change) -> str:
    """Of stream and present procedure there is one each; tasks and what is dropped are told by name."""
    return change.name.partition(".")[2] if change.kind == "task" or change.action == "drop" else change.kind


def wait_until_quiet(session: "Session", root: str) -> None:
    """Wait for the end of a run of the graph that is under way.

    The whole run counts: also while no task of it executes, because the next one has not begun, or is tried again.

    Args:
        session: A Snowpark session.
        root: The quoted, qualified name of the root task.

    Raises:
        DeploymentError: if it takes longer than 15 minutes.
    """
    database = root.split(".", 1)[0].strip('"')
    deadline = time.monotonic() + QUIET_SECONDS
    while under_way(session, database):
        if time.monotonic() > deadline:
            message = (
                f"a run of {root} is still under way after {QUIET_SECONDS:g} s: wait for it, or cancel it "
                f"(SELECT SYSTEM$USER_TASK_CANCEL_ONGOING_EXECUTIONS('{root}')), then apply again"
            )
            raise DeploymentError(message)
        time.sleep(0.5)
