"""What CREATE, ALTER, DROP and SHOW of every kind of object share, of a session's temporary objects too."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pyarrow as pa

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import DATABASE, ROLE, SCHEMA, TABLE, USER, VIEW, WAREHOUSE, Kind, Object, P
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import TIME, Result, from_arrow, status
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement, skip_head

T = TypeVar("T")
_OF_ACCOUNT = {DATABASE, WAREHOUSE, ROLE, USER}
# those of which the condition may stand behind the name, too
_CONDITION_BEHIND = {("CREATE", DATABASE), ("CREATE", SCHEMA), ("DROP", TABLE)}


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
    if getattr(new.props, "temporary", False):
        if replaces:
            del ctx.session.temporary_objects[replaces.key]
        ctx.session.temporary_objects[new.key] = new
        return
    with ctx.ddl() as change:
        if replaces:
            change.drop(replaces)
        change.put(new)


def discard(ctx: Context, old: Object[Any]) -> Result:
    """Remove an object."""
    if old.props.temporary:
        del ctx.session.temporary_objects[old.key]
    else:
        with ctx.ddl() as change:
            change.drop(old)
    return status(f"{old.name.name} successfully dropped.")


# -- names and conditions ---------------------------------------------------------------------------------------------


def read_name(ctx: Context, reader: Reader, kind: str, action: str | None = None) -> Name:
    """Read the name of an object of a kind; it has as many parts as the catalog has of such an object.

    ``action`` is what DDL does with the object; it needs a current schema for a name without one.
    """
    if kind in _OF_ACCOUNT:
        return Name("", "", reader.identifier())
    parts = reader.name_parts()
    return ctx.resolve_schema(parts, action=action) if kind == SCHEMA else ctx.resolve(parts, action=action)


def _label(kind: str, name: Name) -> str:
    """A name as errors print it; those of databases, schemas and the like are not quoted there."""
    return ".".join(filter(None, name)) if kind in {*_OF_ACCOUNT, SCHEMA} else name.fqn


def action_of(stmt: Statement) -> str:
    """What a CREATE, ALTER or DROP does, as errors print it: ``CREATE TABLE``, but ``DROP``."""
    return stmt.verb if stmt.verb == "DROP" else f"{stmt.verb} {stmt.kind}"


def read_target(ctx: Context, stmt: Statement) -> tuple[Reader, Name, bool]:
    """Read ``[IF [NOT] EXISTS] name`` behind the kind of CREATE, ALTER or DROP; whether IF is there comes last."""
    reader = skip_head(stmt)
    condition = ("IF", "NOT", "EXISTS") if stmt.verb == "CREATE" else ("IF", "EXISTS")
    conditional = reader.accept(*condition)
    name = read_name(ctx, reader, stmt.kind, action_of(stmt))
    if (stmt.verb, stmt.kind) in _CONDITION_BEHIND:
        conditional = reader.accept(*condition) or conditional
    refuse_both(stmt, if_not_exists=conditional)
    return reader, name, conditional


def refuse_both(stmt: Statement, *, if_not_exists: bool) -> None:
    """Raise 001003 for OR REPLACE with IF NOT EXISTS: https://docs.snowflake.com/en/sql-reference/sql/create-table."""
    if stmt.verb == "CREATE" and stmt.or_replace and if_not_exists:
        raise compilation_error("options IF NOT EXISTS and OR REPLACE are incompatible.")


def read_existing(ctx: Context, stmt: Statement, kind: Kind[P]) -> tuple[Reader, Object[P] | None]:
    """As ``read_target``; None if the object is not there and need not be. Raises 002003 if it has to be."""
    reader, name, if_exists = read_target(ctx, stmt)
    if (found := find(ctx, kind, name)) is None:
        absent(kind, name, if_exists=if_exists)
    return reader, found


def exists_already(kind: str, name: Name, *, if_not_exists: bool) -> Result:
    """The outcome of a CREATE whose object is there. Raises 002002 without IF NOT EXISTS."""
    if not if_not_exists:
        raise already_exists(_label(kind, name))
    return status(f"{name.name} already exists, statement succeeded.")


def keep_existing(stmt: Statement, name: Name, old: object, *, if_not_exists: bool) -> Result | None:
    """The result of a CREATE that leaves an object as it is; None if it is to be made.

    Raises 002002 if there is one, and the statement says neither OR REPLACE nor IF NOT EXISTS.
    """
    keeps = old and not stmt.or_replace
    return exists_already(stmt.kind, name, if_not_exists=if_not_exists) if keeps else None


def absent(kind: str, name: Name, *, if_exists: bool) -> Result:
    """The result of a DROP of an object that is not there. Raises 002003 if the statement does not say IF EXISTS."""
    if not if_exists:
        raise does_not_exist(kind, _label(kind, name))
    return status(f"Drop statement executed successfully ({name.name} already dropped).")


def refuse_other_case(ctx: Context, kind: str, name: Name) -> None:
    """Raise 000002 if the name differs from that of another object only by case: DuckDB does not tell them apart."""
    for other in ctx.services.catalog.all(kind, name.database, name.schema):
        # as DuckDB compares names
        if other.name != name and other.name.name.encode().lower() == name.name.encode().lower():
            text = f"{kind.lower()} {_label(kind, name)}, whose name differs only by case from"
            raise not_supported(f"{text} {_label(kind, other.name)}, which exists: choose another name")


def drop(
    ctx: Context,
    stmt: Statement,
    kind: Kind[P],
    remove: Callable[[Change, Object[P]], object] = Change.drop,
    *,
    check: Callable[[Object[P]], object] = lambda _: None,
    after: Callable[[Object[P]], object] = lambda _: None,
) -> Result:
    """DROP kind [IF EXISTS] name; of a database, schema, table or view also CASCADE or RESTRICT behind it.

    ``remove`` takes the object away in the statement's change, and what belongs to it; ``check`` raises if it may not
    be dropped; ``after`` is called at the end. Raises 002003 if it is not there and IF EXISTS neither.
    """
    reader, name, if_exists = read_target(ctx, stmt)
    if kind in {DATABASE, SCHEMA, TABLE, VIEW}:
        reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    if (found := find(ctx, kind, name)) is None:
        return absent(kind, name, if_exists=if_exists)
    check(found)
    if ctx.stays_in_transaction and kind in {TABLE, VIEW} and getattr(found.props, "temporary", False):
        ctx.change_of_session(lambda change: remove(change, found))
    else:
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


# -- lists ------------------------------------------------------------------------------------------------------------


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
