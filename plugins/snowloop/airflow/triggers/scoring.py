"""Polls a project's scoring loop, without blocking the triggerer, until a question about it has an answer."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from snowloop.airflow.connections import connection_id
from snowloop.airflow.failures import is_connection_error, reason_of

if TYPE_CHECKING:
    from snowflake.snowpark import Session

POLL = 300
"""Longest time of one question, in seconds."""


def why_unanswered(event: Mapping[str, Any], *, awaited: str, project: str, timeout: float) -> str:
    """Why a wait of some seconds ended without an answer, by the event of a ``LoopTrigger``; empty if it has one."""
    if "timed_out" in event:
        return f"timed out after {timeout:g} s waiting for {awaited} of {project}"
    return str(event.get("error", ""))


class LoopTrigger(BaseTrigger):
    """Wait until a question about the scoring loop has an answer.

    All of its state is in its arguments, so another triggerer can resume it. A lost connection is tried again at the
    next poll; every other error ends the wait with its reason.

    Args:
        question: A key of ``snowloop.lifecycle.scoring.wait.QUESTIONS``, such as ``stream_has_data``.
        project: Name of the declared project.
        options: Further arguments of the question, such as ``since`` or ``rows``.
        snowflake_conn_id: Airflow connection to Snowflake; None: as for the operators.
        poll_interval: Seconds between two polls.
        deadline: When to give up, in seconds since 1970.
        query_tag: What Snowflake keeps with each query: the Airflow task that waits.
    """

    def __init__(
        self,
        *,
        question: str,
        project: str,
        target: str,
        deadline: float,
        options: dict[str, Any] | None = None,
        snowflake_conn_id: str | None = None,
        poll_interval: float = 30.0,
        query_tag: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.question = question
        self.project = project
        self.target = target
        self.options = dict(options or {})
        self.snowflake_conn_id = snowflake_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.query_tag = dict(query_tag or {})

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class's path and the arguments that make an equal trigger."""
        names = inspect.signature(type(self)).parameters
        arguments = {name: getattr(self, name) for name in names}
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll, in a thread, until there is an answer, an error that a retry cannot cure, or the deadline.

        Yields:
            One event: ``{"answer": …}``, ``{"error": …}`` or ``{"timed_out": True}``.
        """
        session: Session | None = None
        try:
            while True:
                try:
                    if session is None:
                        session = await asyncio.to_thread(self._connect)
                    answer = await asyncio.to_thread(self._ask, session)
                except Exception as error:  # noqa: BLE001 - the task fails with it
                    if not is_connection_error(error):
                        yield TriggerEvent({"error": reason_of(error)})
                        return
                    self.log.warning("the connection was lost, polling again in %g s: %s", self.poll_interval, error)
                    session, lost = None, session
                    await self._close(lost)
                else:
                    if answer is not None:
                        yield TriggerEvent({"answer": answer})
                        return
                if time.time() >= self.deadline:
                    yield TriggerEvent({"timed_out": True})
                    return
                await asyncio.sleep(self.poll_interval)
        finally:
            await self._close(session)

    def _connect(self) -> Session:
        from snowloop.project import load_project
        from snowloop.session import airflow_session
        from snowloop.timeouts import Timeouts

        declared = Timeouts.declared()
        # its questions are short, and its own deadline is looked at between two of them
        connection = connection_id(load_project(self.project), self.target, self.snowflake_conn_id)
        session = airflow_session(connection, replace(declared, network=min(declared.network, POLL)))
        session.update_query_tag(self.query_tag)
        return session

    def _ask(self, session: Session) -> Any:
        from snowloop.lifecycle.scoring import wait
        from snowloop.project import load_project
        from snowloop.workspace import Workspace

        workspace = Workspace.open(session, load_project(self.project), self.target)
        return wait.QUESTIONS[self.question](workspace, **self.options)

    async def _close(self, session: Session | None) -> None:
        if session is None:
            return
        try:
            await asyncio.to_thread(session.close)
        except Exception as error:  # noqa: BLE001 - the answer stands; the session times out by itself
            self.log.warning("the session could not be closed: %s", error)
