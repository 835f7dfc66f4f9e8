"""What all SHOW statements share: LIKE, IN, STARTS WITH, LIMIT, and the times they print."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from local_snowflake.catalog.objects import Kind, Object, P
from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import find_all
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement

T = TypeVar("T")


# what SHOW TERSE prints of an object
_TERSE = ("created_on", "name", "kind", "database_name", "schema_name")


def printed(stmt: Statement, columns: T) -> T | tuple[str, ...]:
    """The columns that a SHOW prints: fewer with TERSE."""
    return _TERSE if stmt.kind.startswith("TERSE ") else columns


@dataclass
class Clauses:
    """The clauses behind ``SHOW <kind>``."""

    like: str | None = None
    scope: str = ""
    parts: tuple[str, ...] = ()
    starts_with: str | None = None
    limit: int | None = None
    from_name: str | None = None


def read_clauses(reader: Reader) -> Clauses:
    """Read [HISTORY] [LIKE p] [IN ACCOUNT | DATABASE n | SCHEMA n | TABLE n | n] [STARTS WITH s] [LIMIT n [FROM s]]."""
    clauses = Clauses()
    reader.accept("HISTORY")
    if reader.accept("LIKE"):
        clauses.like = reader.string()
    if reader.accept_any("IN", "ON"):
        clauses.scope = reader.accept_any("ACCOUNT", "DATABASE", "SCHEMA", "TABLE", "VIEW", "SESSION", "MODEL") or ""
        is_named = reader.peek() not in {"STARTS", "LIMIT", "LIKE"} and clauses.scope not in {"ACCOUNT", "SESSION"}
        if is_named and not reader.done:
            clauses.parts = tuple(reader.name_parts())
    if reader.accept("STARTS", "WITH"):
        clauses.starts_with = reader.string()
    if reader.accept("LIMIT"):
        clauses.limit = int(reader.value())
        if reader.accept("FROM"):
            clauses.from_name = reader.string()
    reader.finish()
    return clauses


def like_filter(pattern: str | None) -> Callable[[str], bool]:
    """LIKE of SHOW: case-insensitive, ``%`` and ``_`` are wild, a backslash takes them literally."""
    if pattern is None:
        return lambda _: True
    parts = re.findall(r"\\.|%|_|[^%_\\]+|\\", pattern, re.S)
    wild = {"%": ".*", "_": "."}
    regex = "".join(wild.get(p) or re.escape(p[1:] if p.startswith("\\") and len(p) == 2 else p) for p in parts)
    compiled = re.compile(regex, re.I | re.S)
    return lambda text: bool(compiled.fullmatch(text))


def select(ctx: Context, clauses: Clauses, kind: Kind[P]) -> list[Object[P]]:
    """The objects of a kind in a schema that the clauses ask for.

    Without IN: those of the current schema, else of the current database, else of the account.
    """
    return pick(clauses, find_all(ctx, kind, *scope(ctx, clauses)))


def pick(
    clauses: Clauses, objects: list[Object[P]], name: Callable[[Object[P]], str] = lambda o: o.name.name
) -> list[Object[P]]:
    """Apply LIKE, STARTS WITH and LIMIT … FROM to the objects' names."""
    keep, start, after = like_filter(clauses.like), clauses.starts_with or "", clauses.from_name or ""
    found = [o for o in objects if keep(name(o)) and name(o).startswith(start) and name(o) > after]
    return found[: clauses.limit] if clauses.limit else found


def scope(ctx: Context, clauses: Clauses) -> tuple[str | None, str | None]:
    """The database and the schema to look in; None means any. Raises 002043 if they are not there."""
    parts, session = clauses.parts, ctx.session
    if clauses.scope == "ACCOUNT":
        return None, None
    if clauses.scope == "DATABASE":
        database = parts[0] if parts else ctx.current_database()
        _need(ctx, "DATABASE", Name("", "", database))
        return database, None
    if parts:
        name = ctx.resolve_schema(parts)
        if clauses.scope != "SCHEMA" and len(parts) == 1 and not ctx.catalog.get("SCHEMA", name):
            _need(ctx, "DATABASE", Name("", "", parts[0]))
            return parts[0], None
        _need(ctx, "SCHEMA", name)
        return name.database, name.name
    if clauses.scope == "SCHEMA":
        return ctx.current_database(), ctx.current_schema()
    return session.database, session.schema


def _need(ctx: Context, kind: str, name: Name) -> None:
    """Raise 002043, which clients look for, if what SHOW is to look in is not there."""
    if ctx.catalog.get(kind, name) is None:
        shown = ".".join(filter(None, name))
        text = f"Object does not exist, or operation cannot be performed: {kind.lower()} '{shown}'."
        raise compilation_error(text, 2043, "02000")


def common(o: Object) -> dict[str, Any]:
    """What SHOW prints of an object of any kind."""
    return {
        "created_on": o.created_on,
        "name": o.name.name,
        "database_name": o.name.database,
        "schema_name": o.name.schema,
        "owner": o.owner,
        "comment": o.comment,
        "owner_role_type": "ROLE",
    }
