"""The catalog as a statement's roles see it: what they have no privilege on is not there for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import duckdb

from local_snowflake.catalog.catalog import Catalog, Change
from local_snowflake.catalog.objects import Object


class VisibleCatalog(Catalog):
    """A catalog of which some objects are hidden, and whose changes are checked before they are committed."""

    def __init__(self, everything: Catalog, sees: Callable[[Object], bool], check: Callable[[Change], object]) -> None:
        """Show of ``everything`` what is ``sees``; ``check`` raises if a change is not allowed."""
        self._everything = everything
        self._sees = sees
        self._check = check

    def __getattr__(self, name: str) -> Any:
        # what a catalog keeps is in the whole one
        return getattr(self._everything, name)

    def get(self, kind: str, name: Any) -> Any:
        """The object, or None if it is not there or hidden."""
        found = self._everything.get(kind, name)
        return found if found is not None and self._sees(found) else None

    def all(self, kind: str, database: str | None = None, schema: str | None = None) -> Any:
        """The objects of a kind that are not hidden, sorted by name."""
        return [found for found in self._everything.all(kind, database, schema) if self._sees(found)]

    @contextmanager
    def change(
        self,
        duck: duckdb.DuckDBPyConnection,
        since: int | None = None,
        check: Callable[[Change], object] = lambda _: None,
    ) -> Iterator[Change]:
        """One atomic change, as of the whole catalog; it is undone if the roles may not make it."""

        def check_both(change: Change) -> None:
            check(change)
            self._check(change)

        with self._everything.change(duck, since, check_both) as change:
            yield change
