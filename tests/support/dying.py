"""A Snowpark session whose process dies in the middle of its work, or in which others come in between."""

from collections.abc import Callable, Iterator
from typing import Any

from snowflake.snowpark import Session

from snowloop.sql import plain


class KilledError(Exception):
    """The process was killed."""


class Statement:
    """One that is not sent yet; its columns may be asked for."""

    def __init__(self, owner: "Dying", text: str, params: Any) -> None:
        self.owner, self.text, self.params = owner, text, params

    def _of_session(self) -> Any:
        return self.owner.session.sql(self.text, params=self.params)

    @property
    def schema(self) -> Any:
        return self._of_session().schema

    def collect(self) -> Any:
        return self.owner.send(self.text, lambda: self._of_session().collect())


class Dying:
    """A session that dies at its n-th statement or upload: before it is sent, or before its answer comes.

    Nothing is sent afterwards. With ``after``, statements count from the first one that begins so.
    """

    def __init__(self, session: Session, at: int, *, sent: bool, after: str = "") -> None:
        self.session, self.at, self.sent, self.after, self.count = session, at, sent, after, 0
        self.file = self

    def sql(self, text: str, params: Any = None) -> Any:
        return Statement(self, text, params)

    def put_stream(self, *values: Any, **named: Any) -> Any:
        return self.send("PUT", lambda: self.session.file.put_stream(*values, **named))

    def get(self, *values: Any, **named: Any) -> Any:
        return self.session.file.get(*values, **named)

    def query_history(self) -> Any:
        return self.session.query_history()

    def send(self, text: str, act: Callable[[], Any]) -> Any:
        self.count += bool(self.count or text.startswith(self.after))
        if self.count < self.at:
            return act()
        if self.sent and self.count == self.at:
            act()
        raise KilledError


class DyingWriter(Dying):
    """A session that dies when its n-th change was made, by COMMIT or ALTER; with 0, before the first one."""

    def __init__(self, session: Session, at: int) -> None:
        super().__init__(session, at or 1, sent=at > 0)

    def send(self, text: str, act: Callable[[], Any]) -> Any:
        return super().send(text, act) if text.startswith(("COMMIT", "ALTER")) else act()


class Interrupted(Dying):
    """A session in which something else happens once, just before the n-th of its statements that hold a text."""

    def __init__(self, session: Session, text: str, happens: Callable[[], Any], at: int = 1) -> None:
        super().__init__(session, at, sent=False)
        self.text, self.happens = text, happens

    def send(self, text: str, act: Callable[[], Any]) -> Any:
        if self.text in plain(text):
            self.count += 1
            if self.count == self.at:
                self.happens()
        return act()


def killed_at_each(open_session: Callable[[], Session], act: Callable[[Any], Any]) -> Iterator[int]:
    """Do something in processes that are killed at one statement after the other, until it comes through.

    Statements count from the first BEGIN on, because what only reads before it leaves nothing behind.

    Yields:
        After each kill, the number of the statement.
    """
    for at in range(1, 200):
        session = open_session()
        try:
            act(Dying(session, at, sent=at % 2 == 0, after="BEGIN"))
        except KilledError:
            pass
        else:
            return
        finally:
            session.close()
        yield at
    raise AssertionError("it never came through")
