"""A Snowpark session whose process dies in the middle of a deployment."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from snowflake.snowpark import Session


class KilledError(Exception):
    """The process is gone."""


class Dying:
    """A session that dies at its n-th statement or upload: before it is sent, or before its answer comes."""

    def __init__(self, session: Session, at: int, *, sent: bool) -> None:
        self.session, self.at, self.sent, self.count = session, at, sent, 0
        self.file = self

    def sql(self, text: str) -> Any:
        return SimpleNamespace(collect=lambda: self._do(lambda: self.session.sql(text).collect()))

    def put_stream(self, *given: Any, **named: Any) -> Any:
        return self._do(lambda: self.session.file.put_stream(*given, **named))

    def _do(self, act: Callable[[], Any]) -> Any:
        self.count += 1
        if self.count != self.at:
            return act()
        if self.sent:
            act()
        raise KilledError
