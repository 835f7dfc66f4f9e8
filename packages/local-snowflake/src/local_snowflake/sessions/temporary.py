"""The temporary objects of a session."""

from collections.abc import Iterator
from contextlib import contextmanager

from local_snowflake.catalog.objects import Object
from local_snowflake.sql.names import Name

Key = tuple[str, Name]


class TemporaryObjects(dict[Key, Object]):
    """Tables, stages and the like that belong to a session, by kind and name; a rollback takes tables back."""

    def __init__(self) -> None:
        super().__init__()
        # those that the open transaction has made or dropped, as they were before it
        self._before: dict[Key, Object | None] = {}

    def change(self, key: Key, new: Object | None, *, in_transaction: bool) -> None:
        """Have an object, or have it no more; as a part of the open transaction if there is one."""
        if in_transaction:
            self._before.setdefault(key, self.get(key))
        self._set(key, new)

    def end(self, *, undo: bool) -> None:
        """Note that the transaction ended; ``undo`` what it did to them."""
        for key, old in self._before.items() if undo else ():
            self._set(key, old)
        self._before.clear()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Be the same as before if what is done inside the open transaction fails."""
        before = dict(self)
        try:
            yield
        except BaseException:
            # otherwise nothing was changed, or the whole transaction is undone already
            if self._before:
                self.clear()
                self.update(before)
            raise

    def _set(self, key: Key, new: Object | None) -> None:
        self.pop(key, None)
        if new is not None:
            self[key] = new
