"""What CREATE, ALTER and DROP of every kind of object share: names, IF [NOT] EXISTS, and what they answer."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import DATABASE, ROLE, SCHEMA, TABLE, WAREHOUSE, Kind, Object
from local_snowflake.errors import already_exists, compilation_error, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head

P = TypeVar("P")
_OF_ACCOUNT = {DATABASE, WAREHOUSE, ROLE}
_CASCADING = {DATABASE, SCHEMA, TABLE}


def read_name(ctx: Context, reader: Reader, kind: str) -> Name:
    """Read the name of an object of a kind; it has as many parts as the catalog has of such an object."""
    if kind in _OF_ACCOUNT:
        return Name("", "", reader.identifier())
    parts = reader.name_parts()
    return ctx.resolve_schema(parts) if kind == SCHEMA else ctx.resolve(parts)


def label(kind: str, name: Name) -> str:
    """A name as errors print it; those of databases, schemas and the like are not quoted there."""
    return ".".join(filter(None, name)) if kind in {*_OF_ACCOUNT, SCHEMA} else name.fqn


def read_new(ctx: Context, stmt: Statement) -> tuple[Reader, Name, bool]:
    """Read ``CREATE … kind [IF NOT EXISTS] name``; the reader behind it, the name, and whether IF NOT EXISTS is there.

    Databases and schemas may have IF NOT EXISTS behind the name, too.
    """
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    name = read_name(ctx, reader, stmt.kind)
    if stmt.kind in {DATABASE, SCHEMA}:
        if_not_exists = reader.accept("IF", "NOT", "EXISTS") or if_not_exists
    return reader, name, if_not_exists


def exists_already(kind: str, name: Name, *, if_not_exists: bool) -> Result:
    """The outcome of a CREATE whose object is there.

    Raises:
        SnowflakeError: 002002, without IF NOT EXISTS.
    """
    if not if_not_exists:
        raise already_exists(label(kind, name))
    return status(f"{name.name} already exists, statement succeeded.")


def find(ctx: Context, kind: Kind[P], name: Name, *, if_exists: bool) -> Object[P] | None:
    """The object that ALTER or DROP is about; a temporary table hides a permanent one.

    Raises:
        SnowflakeError: 002003, if it is not there and IF EXISTS neither.
    """
    temporary = ctx.session.temporary.get(name)
    found = temporary if kind.describes(temporary) else ctx.catalog.get(kind, name)
    if found is None and not if_exists:
        raise does_not_exist(kind, label(kind, name))
    return found


def read_existing(ctx: Context, reader: Reader, kind: Kind[P]) -> Object[P] | None:
    """Read ``[IF EXISTS] name``; None if the object is not there and need not be.

    Raises:
        SnowflakeError: 002003, if it has to be.
    """
    if_exists = reader.accept("IF", "EXISTS")
    return find(ctx, kind, read_name(ctx, reader, kind), if_exists=if_exists)


def drop(
    ctx: Context,
    stmt: Statement,
    kind: Kind[P],
    remove: Callable[[Change, Object[P]], object] = Change.drop,
    *,
    check: Callable[[Object[P]], object] = lambda _: None,
    after: Callable[[Object[P]], object] = lambda _: None,
) -> Result:
    """DROP kind [IF EXISTS] name; of a database, schema or table also CASCADE or RESTRICT behind it.

    Args:
        ctx: the statement's context.
        stmt: the statement.
        kind: the kind of the object.
        remove: takes the object away in the change of the statement, and what belongs to it.
        check: raises if the object may not be dropped.
        after: called once it is dropped.

    Raises:
        SnowflakeError: 002003, if the object is not there and IF EXISTS neither.
    """
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = read_name(ctx, reader, kind)
    if kind == TABLE:
        if_exists = reader.accept("IF", "EXISTS") or if_exists
    if kind in _CASCADING:
        reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    found = find(ctx, kind, name, if_exists=if_exists)
    if found is None:
        return status(f"Drop statement executed successfully ({name.name} already dropped).")
    check(found)
    with ctx.ddl(*([name] if kind == TABLE else [])) as change:
        remove(change, found)
    after(found)
    return status(f"{name.name} successfully dropped.")


def check_options(
    options: Iterable[str], known: set[str], kind: str, code: int = 1008, sqlstate: str = "22023"
) -> None:
    """Raise ``code`` if a statement sets an option that its kind of object does not have."""
    if unknown := set(options) - known:
        raise compilation_error(f"invalid property '{min(unknown)}' for '{kind}'", code, sqlstate)
