"""Objects' metadata: kept in the DuckDB file beside the data, mirrored in memory for fast look-ups."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from local_snowflake.errors import does_not_exist
from local_snowflake.names import META_SCHEMA, Name, quote

_OBJECTS = f"{quote(META_SCHEMA)}.objects"
# objects that share one name space in a schema
RELATIONS = ("TABLE", "VIEW", "STREAM")


@dataclass
class Object:
    """One object: a database, a schema, or anything in one. Account objects have empty database and schema."""

    kind: str
    name: Name
    props: dict[str, Any] = field(default_factory=dict)
    owner: str = "SYSADMIN"
    comment: str = ""
    created_on: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def key(self) -> tuple[str, Name]:
        """What identifies the object."""
        return self.kind, self.name


class Catalog:
    """Every object of the account. Changes are made inside ``change(...)`` together with DuckDB's own DDL."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Read all objects from the file."""
        self._lock = threading.RLock()
        self._objects: dict[tuple[str, Name], Object] = {}
        rows = duck.execute(f"SELECT * FROM {_OBJECTS}").fetchall()
        for kind, database, schema, name, created_on, owner, comment, props in rows:
            found = Object(kind, Name(database, schema, name), json.loads(props), owner, comment, created_on)
            self._objects[found.key] = found

    def get(self, kind: str, name: Name) -> Object | None:
        """The object, or None. Treat it as read-only: change a copy and ``put`` it."""
        return self._objects.get((kind, name))

    def need(self, kind: str, name: Name) -> Object:
        """The object.

        Raises:
            SnowflakeError: 002003, if it is not there.
        """
        if found := self.get(kind, name):
            return found
        raise does_not_exist(kind, ".".join(p for p in name if p))

    def relation(self, name: Name) -> Object | None:
        """The table, view or stream of this name."""
        return next((found for kind in RELATIONS if (found := self.get(kind, name))), None)

    def all(self, kind: str, database: str | None = None, schema: str | None = None) -> list[Object]:
        """The objects of a kind, by name, of one database or schema if given."""
        with self._lock:
            found = [
                o
                for o in self._objects.values()
                if o.kind == kind
                and (database is None or o.name.database == database)
                and (schema is None or o.name.schema == schema)
            ]
        return sorted(found, key=lambda o: o.name)

    def within(self, database: str, schema: str | None = None) -> list[Object]:
        """Everything in a database or in one of its schemas, the container itself not included."""
        with self._lock:
            return [
                o
                for o in self._objects.values()
                if o.name.database == database
                and (schema is None or o.name.schema == schema)
                and o.kind != "DATABASE"
                and (schema is None or o.kind != "SCHEMA")
            ]

    @contextmanager
    def change(self, duck: duckdb.DuckDBPyConnection) -> Iterator[Change]:
        """One atomic change of objects and data: a DuckDB transaction whose commit also updates the memory.

        Args:
            duck: a connection with no transaction open; statements run on it inside belong to the change.
        """
        with self._lock:
            duck.execute("BEGIN TRANSACTION")
            change = Change(duck)
            try:
                yield change
                duck.execute("COMMIT")
            except BaseException:
                # the transaction may be gone already, eg: when the commit itself failed
                with suppress(duckdb.TransactionException):
                    duck.execute("ROLLBACK")
                raise
            for key, value in change.staged:
                if value is None:
                    self._objects.pop(key, None)
                else:
                    self._objects[key] = value


class Change:
    """The object changes of one transaction."""

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Collect changes that are written through ``duck``."""
        self.duck = duck
        self.staged: list[tuple[tuple[str, Name], Object | None]] = []

    def put(self, new: Object) -> Object:
        """Write an object, new or changed."""
        self._delete(new.key)
        values = [new.kind, *new.name, new.created_on, new.owner, new.comment, json.dumps(new.props)]
        self.duck.execute(f"INSERT INTO {_OBJECTS} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        self.staged.append((new.key, copy.deepcopy(new)))
        return new

    def drop(self, old: Object) -> None:
        """Forget an object."""
        self._delete(old.key)
        self.staged.append((old.key, None))

    def drop_all(self, olds: Iterable[Object]) -> None:
        """Forget several objects."""
        for old in olds:
            self.drop(old)

    def rename(self, old: Object, name: Name) -> Object:
        """Give an object another name."""
        self.drop(old)
        return self.put(Object(old.kind, name, old.props, old.owner, old.comment, old.created_on))

    def _delete(self, key: tuple[str, Name]) -> None:
        kind, name = key
        self.duck.execute(
            f"DELETE FROM {_OBJECTS} WHERE kind = ? AND database = ? AND schema = ? AND name = ?", [kind, *name]
        )
