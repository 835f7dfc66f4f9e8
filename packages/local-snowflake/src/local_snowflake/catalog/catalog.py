"""Objects' metadata: stored in the DuckDB file with the data, mirrored in memory for fast look-ups."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from itertools import takewhile
from typing import overload

import duckdb

from local_snowflake.catalog.objects import (
    DATABASE,
    KINDS,
    SCHEMA,
    STREAM,
    TABLE,
    TASK,
    VIEW,
    Kind,
    Object,
    P,
    Relation,
    UnreadableObjectError,
    read_props,
)
from local_snowflake.errors import CatalogChangedError, SnowflakeError, does_not_exist, is_conflict
from local_snowflake.sql.names import META_SCHEMA, Name, quote

_OBJECTS = f"{quote(META_SCHEMA)}.objects"
_COLUMNS = "kind, database, schema, name, created_on, owner, comment, props"
WHAT_TO_DO = "`local-snowflake check` lists what is out of reach; a backup of the data directory has it."
# objects that share one name space in a schema
RELATIONS = (TABLE, VIEW, STREAM)
Key = tuple[str, Name]
# by kind and database: what a commit copies is small, however many databases there are
Objects = dict[tuple[str, str], dict[Name, Object]]
# a change that began before the oldest of them is repeated, whatever they changed
_COMMITS_LOGGED = 10_000


class Catalog:
    """Every object of the account. Changes are made inside ``change(...)`` together with DuckDB's own DDL.

    Reading needs no lock: a commit replaces the mapping. Changes run concurrently, only their commits wait for one
    another; a change that read what another one has changed meanwhile gets a CatalogChangedError, and is repeated.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection) -> None:
        self._committing = threading.RLock()
        self._logging = threading.Lock()
        # the number of the latest commit: who reads it first and objects then may ask later whether they changed
        self.version = 0
        # which objects the latest commits changed, by their versions
        self._log: deque[tuple[int, frozenset[Key]]] = deque(maxlen=_COMMITS_LOGGED)
        self._objects: Objects = {}
        # what is catalogued and out of reach, and why
        self.lost: dict[Key, str] = {}
        rows = duck.execute(f"SELECT {_COLUMNS} FROM {_OBJECTS}").fetchall()
        for kind, database, schema, name, created_on, owner, comment, text in rows:
            full = Name(database, schema, name)
            try:
                props = read_props(kind, full, text)
            except UnreadableObjectError as error:
                self.lost[kind, full] = str(error)
            else:
                found = Object(kind, full, props, owner, comment, created_on)
                self._objects.setdefault((kind, database), {})[full] = found
        # what else a commit changes, from what it stages: the grants on objects that it makes, renames or drops
        self.on_commit: Callable[[Change], Mapping[Key, Object | None]] = lambda _: {}
        # whether nothing is out of reach: only then is what seems unused really unused
        self.is_whole = not self.lost

    def lose_tables_without_rows(self, duck: duckdb.DuckDBPyConnection) -> None:
        """Take tables whose rows DuckDB does not have as out of reach."""
        there = set(duck.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall())
        for table in self.all(TABLE):
            old_schema = f"{table.name.database}.{table.name.schema}"
            if not there & {(schema, table.name.name) for schema in (table.name.physical_schema, old_schema)}:
                del self._objects[TABLE, table.name.database][table.name]
                self.lost[table.key] = f"The rows of table {table.name.fqn} are missing in the data directory."
                self.is_whole = False

    @overload
    def get(self, kind: Kind[P], name: Name) -> Object[P] | None: ...
    @overload
    def get(self, kind: str, name: Name) -> Object | None: ...
    def get(self, kind: str, name: Name) -> Object | None:
        """The object, or None.

        Raises:
            SnowflakeError: 000603, if it is there and out of reach.
        """
        found = self._objects.get((kind, name.database), {}).get(name)
        if found is None and (reason := self.lost.get((str(kind), name))):
            raise SnowflakeError(603, "XX000", f"SQL execution internal error: {reason} {WHAT_TO_DO}")
        return found

    @overload
    def need(self, kind: Kind[P], name: Name) -> Object[P]: ...
    @overload
    def need(self, kind: str, name: Name) -> Object: ...
    def need(self, kind: str, name: Name) -> Object:
        """The object.

        Raises:
            SnowflakeError: 002003, if it is not there.
        """
        if found := self.get(kind, name):
            return found
        raise does_not_exist(kind, ".".join(p for p in name if p))

    def relation(self, name: Name) -> Relation | None:
        """The table, view or stream of this name."""
        return self.get(TABLE, name) or self.get(VIEW, name) or self.get(STREAM, name)

    @overload
    def all(self, kind: Kind[P], database: str | None = None, schema: str | None = None) -> list[Object[P]]: ...
    @overload
    def all(self, kind: str, database: str | None = None, schema: str | None = None) -> list[Object]: ...
    def all(self, kind: str, database: str | None = None, schema: str | None = None) -> list[Object]:
        """The objects of a kind, sorted by name; of one database or schema, or of all."""
        objects = self._objects
        keys = [key for key in objects if key[0] == kind] if database is None else [(str(kind), database)]
        found = (o for key in keys for o in objects.get(key, {}).values())
        return sorted((o for o in found if schema is None or o.name.schema == schema), key=lambda o: o.name)

    def group(self, kind: str, database: str) -> Mapping[Name, Object]:
        """The objects of a kind in a database by their names, unsorted; do not change it."""
        return self._objects.get((kind, database), {})

    def __iter__(self) -> Iterator[Key]:
        """What identifies each object that is within reach."""
        return ((kind, name) for (kind, _), group in self._objects.items() for name in group)

    def within(self, database: str, schema: str) -> list[Object]:
        """Everything in a schema."""
        groups = [group for (_, of), group in self._objects.items() if of == database]
        return [o for group in groups for o in group.values() if o.name.schema == schema]

    def refuse_lost(self, database: str, schema: str | None = None) -> None:
        """Raise 000603 if something in a database or schema is out of reach: dropping it would drop that for good."""
        for (kind, name), reason in self.lost.items():
            if name.database == database and schema in (None, name.schema):
                text = (
                    f"{database}{f'.{schema}' if schema else ''} cannot be dropped: its {kind.lower()} {name.name} is"
                )
                raise SnowflakeError(603, "XX000", f"{text} out of reach. {reason} {WHAT_TO_DO}")

    # -- changes ------------------------------------------------------------------------------------------------------

    def changed_since(self, version: int, *concerned: Callable[[Key], bool]) -> bool:
        """Whether a commit after ``version`` changed an object for which one of the functions is true."""
        if version == self.version or not concerned:
            return False
        with self._logging:
            if self._log[0][0] > version + 1:
                return True
            later = takewhile(lambda commit: commit[0] > version, reversed(self._log))
            keys = {key for _, changed in later for key in changed}
        return any(concerns_it(key) for key in keys for concerns_it in concerned)

    def settle(self) -> None:
        """Wait until everything that is committed in the file is in the catalog, too."""
        with self._committing:
            pass

    @contextmanager
    def change(
        self,
        duck: duckdb.DuckDBPyConnection,
        since: int | None = None,
        check: Callable[[Change], object] = lambda _: None,
    ) -> Iterator[Change]:
        """One atomic change of objects and data: a DuckDB transaction whose commit also updates the memory.

        Args:
            duck: a connection with no transaction open; statements run on it inside belong to the change.
            since: the catalog's version when the caller began to read what it changes; without it no other change
                commits while this one runs, which has to be short.
            check: called right before the commit with all that is staged; raises if the change is not allowed.

        Raises:
            CatalogChangedError: another change was committed meanwhile: the caller reads again and repeats its own.
        """
        with self._committing if since is None else nullcontext():
            change = Change(self, duck, self.version if since is None else since)
            duck.execute("BEGIN TRANSACTION")
            try:
                yield change
                check(change)
                self._commit(change)
            except BaseException as error:
                # the transaction may be gone already, eg: when the commit itself failed
                with suppress(duckdb.TransactionException):
                    duck.execute("ROLLBACK")
                if isinstance(error, Exception) and (is_conflict(error) or change.outdated):
                    raise CatalogChangedError(str(error)) from error
                raise

    def _commit(self, change: Change) -> None:
        with self._committing:
            if change.outdated:
                raise CatalogChangedError("an object was changed by another session")
            staged = change.outcome() | dict(self.on_commit(change))
            for key, value in staged.items():
                kind, name = key
                replaces = name in self._objects.get((kind, name.database), {})
                _write(change.duck, key, value, replaces=replaces)
            change.duck.execute("COMMIT")
            if not staged:
                return
            self._objects = _changed(self._objects, staged)
            with self._logging:
                self._log.append((self.version + 1, frozenset(staged)))
                self.version += 1


class Change:
    """The object changes of one transaction of ``duck``, from what was read at version ``since`` or later."""

    def __init__(self, catalog: Catalog, duck: duckdb.DuckDBPyConnection, since: int) -> None:
        self.duck = duck
        self.staged: list[tuple[Key, Object | None]] = []
        self._catalog = catalog
        self._since = since
        self._concerns: list[Callable[[Key], bool]] = []
        # whether an object that replaces another one takes its grants over: COPY GRANTS
        self.copies_grants = False

    def outcome(self) -> dict[Key, Object | None]:
        """What the change makes of each object that it concerns; None: it is not there any more."""
        return dict(self.staged)

    def before(self, key: Key) -> Object | None:
        """The object as it was before the change."""
        kind, name = key
        return self._catalog.group(kind, name.database).get(name)

    def renamed(self) -> dict[Key, Key]:
        """The objects that have another name after the change, by the keys before it: -> those after it."""
        outcome = self.outcome()
        gone = [old for key, new in outcome.items() if new is None and (old := self.before(key))]
        made = {(o.kind, o.created_on): key for key, o in outcome.items() if o and self.before(key) is None}
        return {old.key: made[old.kind, old.created_on] for old in gone if (old.kind, old.created_on) in made}

    @property
    def outdated(self) -> bool:
        """Whether something that the change relies on was changed by another one."""
        return self._catalog.changed_since(self._since, *self._concerns)

    def rely_on(self, *relations: Name) -> None:
        """Repeat the change if tables, views or streams of these names are changed, created or dropped by others.

        Raises:
            CatalogChangedError: that has happened already.
        """
        self._rely([concerns(TABLE, name) for name in relations])

    def rely_on_all(self, database: str, schema: str | None = None) -> None:
        """Repeat the change if anything in a database, or in one of its schemas, is changed by others.

        Raises:
            CatalogChangedError: that has happened already.
        """
        self._rely([lambda key: key[1].database == database and schema in (None, key[1].schema)])

    def _rely(self, concerned: list[Callable[[Key], bool]]) -> None:
        self._concerns += concerned
        if self.outdated:
            raise CatalogChangedError("an object was changed by another session")

    def put(self, new: Object[P]) -> Object[P]:
        """Write an object, new or changed."""
        self._stage(new.key, new)
        return new

    def drop(self, old: Object) -> None:
        """Remove an object."""
        self._stage(old.key, None)

    def rename(self, old: Object[P], name: Name) -> Object[P]:
        """Give an object another name."""
        self.drop(old)
        return self.put(replace(old, name=name))

    def _stage(self, key: Key, value: Object | None) -> None:
        self._concerns.append(concerns(*key))
        self.staged.append((key, value))


def concerns(kind: str, name: Name) -> Callable[[Key], bool]:
    """The test whether a changed object matters to a change of the object of this kind and name.

    It is the object itself, another one that takes its name, or its schema or database. The tasks of a schema belong
    together: what one of them may be depends on the others.
    """
    around = {(DATABASE, Name("", "", name.database)), (SCHEMA, Name(name.database, "", name.schema))}

    def concerned(key: Key) -> bool:
        if key in around:
            return True
        if kind == key[0] == TASK:
            return (key[1].database, key[1].schema) == (name.database, name.schema)
        return key[1] == name and (kind == key[0] or (kind in RELATIONS and key[0] in RELATIONS))

    return concerned


def _changed(objects: Objects, staged: dict[Key, Object | None]) -> Objects:
    """The objects after a change. Who reads the old ones goes on doing so: what differs is copied."""
    groups = {(kind, name.database) for kind, name in staged}
    changed = objects | {group: dict(objects.get(group, {})) for group in groups}
    for (kind, name), value in staged.items():
        # what is replaced becomes the last, as in a file that is read again
        changed[kind, name.database].pop(name, None)
        if value is not None:
            changed[kind, name.database][name] = value
    return {group: within for group, within in changed.items() if within}


def _write(duck: duckdb.DuckDBPyConnection, key: Key, value: Object | None, *, replaces: bool) -> None:
    kind, name = key
    if replaces:
        where = "kind = ? AND database = ? AND schema = ? AND name = ?"
        duck.execute(f"DELETE FROM {_OBJECTS} WHERE {where}", [kind, *name])
    if value is not None:
        values = [kind, *name, value.created_on, value.owner, value.comment, KINDS[kind].to_json(value.props)]
        duck.execute(f"INSERT INTO {_OBJECTS} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
