"""Objects that are made with CREATE, also a session's temporary ones: found, written, and dropped in the same way."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pyarrow as pa

from local_snowflake.catalog.objects import Kind, Object, P
from local_snowflake.errors import already_exists, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import TIME, Result, from_arrow, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head

T = TypeVar("T")


def find(ctx: Context, kind: Kind[P], name: Name) -> Object[P] | None:
    """The object of a name; the session's temporary one hides a permanent one."""
    return ctx.session.temporary_objects.get((kind, name)) or ctx.catalog.get(kind, name)


def find_all(ctx: Context, kind: Kind[P], database: str | None, schema: str | None = None) -> list[Object[P]]:
    """The objects of a kind in a database or schema, or in all of them, the session's temporary ones included."""
    temporary = [
        o
        for o in ctx.session.temporary_objects.values()
        if kind.describes(o) and database in (None, o.name.database) and schema in (None, o.name.schema)
    ]
    return sorted([*ctx.catalog.all(kind, database, schema), *temporary], key=lambda o: o.name)


def put(ctx: Context, new: Object[Any], *, replaces: Object[Any] | None = None) -> None:
    """Write an object into the catalog, or into its session if it is temporary; ``replaces`` may have another name."""
    if new.props.temporary:
        if replaces:
            del ctx.session.temporary_objects[replaces.key]
        ctx.session.temporary_objects[new.key] = new
        return
    with ctx.ddl() as change:
        if replaces:
            change.drop(replaces)
        change.put(new)


def drop(ctx: Context, old: Object[Any]) -> Result:
    """Remove an object."""
    if old.props.temporary:
        del ctx.session.temporary_objects[old.key]
    else:
        with ctx.ddl() as change:
            change.drop(old)
    return status(f"{old.name.name} successfully dropped.")


def read_target(ctx: Context, stmt: Statement) -> tuple[Reader, Name, bool]:
    """Read ``[IF [NOT] EXISTS] name`` behind the kind of CREATE, ALTER or DROP; whether IF is there comes last."""
    reader = skip_head(stmt)
    conditional = reader.accept("IF", "NOT", "EXISTS") if stmt.verb == "CREATE" else reader.accept("IF", "EXISTS")
    return reader, ctx.resolve(reader.name_parts()), conditional


def keep_existing(stmt: Statement, name: Name, old: object, *, if_not_exists: bool) -> Result | None:
    """The result of a CREATE that leaves an object as it is; None if it is to be made.

    Raises:
        SnowflakeError: 002002, if there is one, and the statement says neither OR REPLACE nor IF NOT EXISTS.
    """
    if not old or stmt.or_replace:
        return None
    if not if_not_exists:
        raise already_exists(name.fqn)
    return status(f"{name.name} already exists, statement succeeded.")


def absent(kind: str, name: Name, *, if_exists: bool) -> Result:
    """The result of a DROP of an object that is not there.

    Raises:
        SnowflakeError: 002003, if the statement does not say IF EXISTS.
    """
    if not if_exists:
        raise does_not_exist(kind, name.fqn)
    return status(f"Drop statement executed successfully ({name.name} already dropped).")


def tabulate(
    items: Iterable[T], columns: Mapping[str, Callable[[T], Any]], types: Mapping[str, pa.DataType]
) -> pa.Table:
    """A table with a row for each item.

    Args:
        items: eg: the objects of a kind.
        columns: the columns in their order: name -> what an item has there.
        types: the types of the columns that are not texts.
    """
    listed = list(items)
    return pa.table({n: pa.array(map(get, listed), types.get(n, pa.string())) for n, get in columns.items()})


def listing(items: Iterable[T], columns: Mapping[str, Callable[[T], Any]]) -> Result:
    """The result of a SHOW statement: texts, but for the time ``created_on``."""
    return from_arrow(tabulate(items, columns, {"created_on": TIME}))
