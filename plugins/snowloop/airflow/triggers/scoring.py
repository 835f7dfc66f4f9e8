"""Looks at a project's scoring loop again and again, without blocking the triggerer, until what is awaited is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from snowflake.snowpark import Session


class LoopTrigger(BaseTrigger):
    """Wait until a question about the scoring loop is answered by something.

    All of its state is in its arguments, so another triggerer goes on with it. A lost connection is tried again at
    the next look; every other error ends the wait with its reason.

    Args:
        question: One of the functions of ``inference.watch.QUESTIONS``, such as ``stream_has_data``.
        project: Name of the declared project.
        target: The environment.
        options: What the question takes besides, such as ``since`` or ``rows``.
        snowflake_conn_id: Airflow connection to Snowflake.
        poll_interval: Seconds between two looks.
        deadline: When to give up, in seconds since 1970; None: never.
        query_tag: What Snowflake keeps with each query: the Airflow task that waits.
    """

    def __init__(
        self,
        *,
        question: str,
        project: str,
        target: str,
        options: dict[str, Any] | None = None,
        snowflake_conn_id: str = "snowflake_default",
        poll_interval: float = 30.0,
        deadline: float | None = None,
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
        """Look, in a thread, until there is an answer, an error that stays, or the deadline.

        Yields:
            One event: ``{"answer": …}`` or ``{"error": …}``.
        """
        session: Session | None = None
        try:
            while True:
                try:
                    if session is None:
                        session = await asyncio.to_thread(self._connect)
                    answer = await asyncio.to_thread(self._look, session)
                except Exception as error:  # noqa: BLE001 - told to the task, which fails with it
                    if not self._is_transient(error):
                        yield TriggerEvent({"error": self._reason(error)})
                        return
                    self.log.warning("the connection was lost, looking again in %g s: %s", self.poll_interval, error)
                    session, lost = None, session
                    await self._close(lost)
                else:
                    if answer is not None:
                        yield TriggerEvent({"answer": answer})
                        return
                if self.deadline is not None and time.time() >= self.deadline:
                    yield TriggerEvent({"error": f"the time is over: {self.question} of {self.project} is not so yet"})
                    return
                await asyncio.sleep(self.poll_interval)
        finally:
            await self._close(session)

    def _connect(self) -> Session:
        from airflow.providers.snowflake.hooks.snowflake import SnowflakeHook

        session: Session = SnowflakeHook(snowflake_conn_id=self.snowflake_conn_id).get_snowpark_session()
        session.update_query_tag(self.query_tag)
        return session

    def _look(self, session: Session) -> Any:
        from snowloop.lifecycle.scoring import wait
        from snowloop.project import load_project
        from snowloop.workspace import Workspace

        where = Workspace(session, load_project(self.project), self.target)
        return wait.QUESTIONS[self.question](where, **self.options)

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
