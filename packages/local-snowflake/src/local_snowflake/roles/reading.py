"""The text of GRANT and REVOKE."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from local_snowflake.catalog.grants import ACCOUNT
from local_snowflake.catalog.objects import DATABASE, FUNCTION, PROCEDURE, ROLE, SCHEMA, TABLE, USER, VIEW, WAREHOUSE
from local_snowflake.errors import does_not_exist, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.privileges.rules import PRIVILEGES
from local_snowflake.routines.objects import read_overload
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Reader, Statement

_OF_ACCOUNT = {DATABASE, WAREHOUSE, ROLE, USER, "INTEGRATION"}
DATABASE_ROLE = "DATABASE ROLE"


@dataclass(frozen=True)
class Target:
    """What a privilege is on.

    Attributes:
        kind: the kind of object.
        name: its full name; of all or of future objects the database and the schema that they are in.
        everything: whether it is all objects of the kind there.
        future: whether it is those that will be there.
    """

    kind: str
    name: Name
    everything: bool = False
    future: bool = False


@dataclass(frozen=True)
class Request:
    """What a GRANT or REVOKE says.

    Attributes:
        privileges: their names; ``ALL`` alone for all of the kind's.
        to: ``ROLE`` or ``USER``, the kind of the grantee.
        grant_option: whether the grantee may grant them.
        option_only: whether REVOKE takes only that back.
        current_grants: ``COPY`` or ``REVOKE``: what GRANT OWNERSHIP makes of other grants.
    """

    privileges: tuple[str, ...]
    target: Target
    to: str
    grantee: str
    grant_option: bool = False
    option_only: bool = False
    current_grants: str | None = None


def see_to_grant(ctx: Context) -> None:
    """Let the rest of a statement see every object if its roles manage grants: they do so for all of them."""
    if ctx.rights.manages_grants():
        ctx.catalog = ctx.services.catalog


def read_request(ctx: Context, stmt: Statement, preposition: str) -> Request:
    """Read a GRANT … TO or a REVOKE … FROM.

    Args:
        ctx: the statement's context.
        stmt: the statement.
        preposition: ``TO`` or ``FROM``.

    Raises:
        SnowflakeError: 001003 for what is no such statement; 000002 for grantees that are neither roles nor users;
            002003 for an overload of a function or procedure that is not there.
    """
    reader = stmt.reader
    reader.next()
    option_only = reader.accept("GRANT", "OPTION", "FOR")
    privileges: tuple[str, ...] = ("USAGE",)
    if reader.accept("ROLE"):
        target = Target(ROLE, Name("", "", reader.identifier()))
    elif reader.accept("DATABASE", "ROLE"):
        target = Target(DATABASE_ROLE, _padded(reader.name_parts()))
    else:
        privileges = tuple(reader.listed(lambda: _words(reader, "ON", ",")))
        if privileges == ("ALL PRIVILEGES",):
            privileges = ("ALL",)
        reader.expect("ON")
        target = read_target(ctx, reader)
    reader.expect(preposition)
    if other := reader.accept_any("SHARE", "DATABASE", "APPLICATION"):
        raise not_supported(f"GRANT … {preposition} {other}")
    to = reader.accept_any(ROLE, USER) or ROLE
    request = Request(privileges, target, to, reader.identifier(), option_only=option_only)
    if reader.accept("WITH", "GRANT", "OPTION"):
        request = replace(request, grant_option=True)
    if current := reader.accept_any("COPY", "REVOKE"):
        reader.expect("CURRENT", "GRANTS")
        request = replace(request, current_grants=current)
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    return request


def _words(reader: Reader, *ends: str) -> str:
    words = [reader.next().text.upper()]
    while not reader.done and reader.peek() not in ends:
        words.append(reader.next().text.upper())
    return " ".join(words)


def read_target(ctx: Context, reader: Reader) -> Target:
    """Read what stands behind ON: ACCOUNT, kind name, or ALL | FUTURE kinds IN SCHEMA | DATABASE name.

    Raises:
        SnowflakeError: 002003 for an overload of a function or procedure that is not there.
    """
    if reader.accept(ACCOUNT):
        return Target(ACCOUNT, Name("", "", ""))
    if which := reader.accept_any("ALL", "FUTURE"):
        kind = _singular(_words(reader, "IN"))
        reader.expect("IN")
        return Target(kind, read_place(ctx, reader), everything=which == "ALL", future=which == "FUTURE")
    return _named(ctx, reader, _kind(reader))


def read_place(ctx: Context, reader: Reader) -> Name:
    """Read SCHEMA | DATABASE name: the database and the schema that objects are in."""
    scope = reader.accept_any(SCHEMA, DATABASE)
    if scope is None:
        raise reader.unexpected("SCHEMA or DATABASE")
    parts = reader.name_parts()
    if scope == DATABASE:
        return Name(parts[0], "", "")
    schema = ctx.resolve_schema(parts)
    return Name(schema.database, schema.name, "")


def _singular(kind: str) -> str:
    return kind.removesuffix("S")


def _kind(reader: Reader) -> str:
    """Read the kind of an object, of one or more words: one that the server does not have ends before the name."""
    for kind in (*PRIVILEGES, ROLE, USER):
        if reader.accept(kind) or (" " in kind and reader.accept(*kind.split())):
            return kind
    words = [reader.next().text.upper()]
    while reader.peek(1) not in {".", "TO", "FROM", ""}:
        words.append(reader.next().text.upper())
    return " ".join(words)


def _named(ctx: Context, reader: Reader, kind: str) -> Target:
    if kind in {FUNCTION, PROCEDURE}:
        name, found = read_overload(ctx, reader, kind)
        if found is None:
            raise does_not_exist(kind, name.fqn)
        return Target(kind, found.name)
    parts = reader.name_parts()
    if kind in _OF_ACCOUNT:
        return Target(kind, Name("", "", parts[0]))
    if kind == SCHEMA:
        return Target(kind, ctx.resolve_schema(parts))
    if kind not in PRIVILEGES:
        return Target(kind, _padded(parts))
    name = ctx.resolve(parts)
    # ON TABLE may name a view
    is_view = kind == TABLE and VIEW.describes(ctx.services.catalog.relation(name))
    return Target(VIEW if is_view else kind, name)


def _padded(parts: Sequence[str]) -> Name:
    return Name(*("", "", "", *parts)[-3:])
