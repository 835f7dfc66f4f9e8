"""The ids of a session's statements, by their numbers."""

from collections import deque

_LATEST = 10_000


class QueryIds:
    """The statements that ended, well or not; the latest ones are kept."""

    def __init__(self) -> None:
        self._ids: deque[str] = deque(maxlen=_LATEST)
        self._older = 0

    def append(self, query_id: str) -> None:
        """A statement ended."""
        self._older += len(self._ids) == _LATEST
        self._ids.append(query_id)

    def numbered(self, number: int) -> str | None:
        """The id of the session's first statement for 1, of its last for -1; None if there is none or it is too old."""
        index = number - 1 - self._older if number > 0 else number + len(self._ids)
        return self._ids[index] if 0 <= index < len(self._ids) else None
