"""Polls a project's scoring loop, without blocking the triggerer, until a question about it has an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from snowflake.snowpark import Session


def why_unanswered(event: Mapping[str, Any], *, awaited: str, project: str, timeout: float) -> str:
    """Say why a wait ended without an answer.

    Args:
        event: The event of a ``LoopTrigger``.
        awaited: What was waited for.
        timeout: The longest wait in seconds.

    Returns:
        The reason; empty if there is an answer.
    """
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
        snowflake_conn_id: Airflow connection to Snowflake.
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
        snowflake_conn_id: str = "snowflake_default",
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
        """Give the class and the arguments that make an equal trigger.

        Returns:
            The class's path and its keyword arguments.
        """
        arguments = {
            "question": self.question,
            "project": self.project,
            "target": self.target,
            "options": self.options,
            "snowflake_conn_id": self.snowflake_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "query_tag": self.query_tag,
        }
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
                    if not self._is_transient(error):
                        yield TriggerEvent({"error": self._reason(error)})
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
        from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

        session: Session = SnowflakeHook(snowflake_conn_id=self.snowflake_conn_id).get_snowpark_session()
        session.update_query_tag(self.query_tag)
        return session

    def _ask(self, session: Session) -> Any:
        from snowloop.lifecycle.scoring import wait
        from snowloop.project import load_project
        from snowloop.workspace import Workspace

        workspace = Workspace(session, load_project(self.project), self.target)
        return wait.QUESTIONS[self.question](workspace, **self.options)

    async def _close(self, session: Session | None) -> None:
        if session is None:
            return
        try:
            await asyncio.to_thread(session.close)
        except Exception as error:  # noqa: BLE001 - the answer stands; the session times out by itself
            self.log.warning("the session could not be closed: %s", error)

    @staticmethod
    def _is_transient(error: BaseException) -> bool:
        from snowloop.airflow.failures import is_connection_error

        return is_connection_error(error)

    @staticmethod
    def _reason(error: BaseException) -> str:
        from snowloop.airflow.failures import reason_of

        return reason_of(error)
