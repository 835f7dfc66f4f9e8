"""COMMENT ON, and GET_DDL of what was created by a statement."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from local_snowflake.catalog.objects import (
    DATABASE,
    FILE_FORMAT,
    FUNCTION,
    KINDS,
    PROCEDURE,
    SCHEMA,
    TABLE,
    VIEW,
    Column,
    Object,
)
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import absent, find, put, read_name
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, status
from local_snowflake.routines.objects import ddl_of, routine_ddl
from local_snowflake.sql.names import Name, literal, shown, split_parts
from local_snowflake.sql.statement import Statement, skip_head


@statement("COMMENT")
def comment(ctx: Context, stmt: Statement) -> Result:
    """COMMENT [IF EXISTS] ON kind name IS 'text': https://docs.snowflake.com/en/sql-reference/sql/comment."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    reader.expect("ON")
    kind = reader.next().text.upper()
    if kind == "FILE":
        reader.expect("FORMAT")
        kind = "FILE FORMAT"
    column = None
    if kind == "COLUMN":
        *parts, column = reader.name_parts()
        kind, name = TABLE, ctx.resolve(parts)
    else:
        name = read_name(ctx, reader, kind)
    reader.expect("IS")
    text = reader.string()
    reader.finish()
    if (found := find(ctx, KINDS[kind], name) if kind in KINDS else None) is None:
        absent(kind, name, if_exists=if_exists)
        return status()
    if column and TABLE.describes(found):
        columns = tuple(replace(c, comment=text) if c.name == column else c for c in found.props.columns)
        put(ctx, replace(found, props=replace(found.props, columns=columns)))
    else:
        put(ctx, replace(found, comment=text))
    return status()


_ROUTINES = (FUNCTION, PROCEDURE)
# options of file formats whose values are words
_WORDS = ("TYPE", "COMPRESSION")


@system_function("GET_DDL")
def get_ddl(ctx: Context, kind: str, name: str, fully_qualified: bool = False) -> str:
    """GET_DDL(kind, 'name' [, fully_qualified]); of a procedure or function 'name(types)'.

    Raises 000002 for kinds of objects that it is not known of.

    Source: https://docs.snowflake.com/en/sql-reference/functions/get_ddl
    """
    word = kind.upper().replace("_", " ")
    if word in {*_ROUTINES}:
        return routine_ddl(ctx, word, name)
    parts = split_parts(name)
    if word == DATABASE:
        found = ctx.catalog.need(DATABASE, Name("", "", parts[0]))
        schemas = [
            _schema_ddl(ctx, o, fully_qualified)
            for o in ctx.catalog.all(SCHEMA, found.name.name)
            if o.name.name != "INFORMATION_SCHEMA"
        ]
        return "\n\n".join([f"create or replace database {shown(found.name.name)};", *schemas])
    if word == SCHEMA:
        return _schema_ddl(ctx, ctx.catalog.need(SCHEMA, ctx.resolve_schema(parts)), fully_qualified)
    full = ctx.resolve(parts)
    if word not in {TABLE, VIEW, FILE_FORMAT}:
        raise not_supported(f"GET_DDL of a {word.lower()}")
    return _ddl(ctx.temporary(full) or ctx.catalog.need(word, full), fully_qualified)


def _schema_ddl(ctx: Context, schema: Object[Any], fully_qualified: bool) -> str:
    database, name = schema.name.database, schema.name.name
    full = f"{shown(database)}.{shown(name)}" if fully_qualified else shown(name)
    kinds = (TABLE, VIEW, FILE_FORMAT)
    objects = [_ddl(o, fully_qualified) for kind in kinds for o in ctx.catalog.all(kind, database, name)]
    routines = [ddl_of(o) for kind in _ROUTINES for o in ctx.catalog.all(kind, database, name)]
    transient = "transient " if schema.props.transient else ""
    return "\n\n".join([f"create or replace {transient}schema {full};", *objects, *routines])


def _ddl(o: Object[Any], fully_qualified: bool) -> str:
    name = ".".join(map(shown, o.name if fully_qualified else (o.name.name,)))
    if VIEW.describes(o):
        return o.props.text.rstrip(";") + ";"
    if FILE_FORMAT.describes(o):
        options = "".join(
            f"\t{key} = {_option(value, plain=key in _WORDS)}\n" for key, value in o.props.options.items()
        )
        return f"CREATE OR REPLACE FILE FORMAT {name}\n{options};"
    word = "TEMPORARY " if o.props.temporary else "TRANSIENT " if o.props.transient else ""
    comment = f"COMMENT={literal(o.comment)}\n" if o.comment else ""
    lines = ",\n".join(f"\t{line}" for line in (*map(_column_ddl, o.props.columns), *_keys_ddl(o.props.columns)))
    key = f"cluster by ({o.props.cluster_by})" if o.props.cluster_by else ""
    return f"create or replace {word}TABLE {name} {key}(\n{lines}\n){comment};"


def _column_ddl(c: Column) -> str:
    start, step = c.identity or (0, 0)
    parts = (
        f"{shown(c.name)} {c.type}",
        "" if c.nullable else "NOT NULL",
        f"DEFAULT {c.default}" if c.default is not None else "",
        f"autoincrement start {start} increment {step} noorder" if c.identity else "",
        f"COMMENT {literal(c.comment)}" if c.comment else "",
    )
    return " ".join(filter(None, parts))


def _keys_ddl(columns: Sequence[Column]) -> Iterator[str]:
    if keys := [shown(c.name) for c in columns if c.primary_key]:
        yield f"primary key ({', '.join(keys)})"
    yield from (f"unique ({shown(c.name)})" for c in columns if c.unique)
    foreign: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for c in columns:
        if c.reference is not None:
            foreign.setdefault(c.reference[:4], []).append((shown(c.name), shown(c.reference[4])))
    for (_, *table), pairs in foreign.items():
        own, referred = (", ".join(names) for names in zip(*pairs, strict=True))
        yield f"foreign key ({own}) references {'.'.join(map(shown, table))}({referred})"


def _option(value: object, *, plain: bool = False) -> str:
    if isinstance(value, list):
        return f"({', '.join(map(_option, value))})"
    text = str(value)
    return text.upper() if plain or re.fullmatch(r"\d+|true|false|auto|none", text, re.I) else literal(text)


@system_function("SYSTEM$CANCEL_ALL_QUERIES", effective="VARCHAR")
def cancel_all_queries(ctx: Context, session_id: int | str) -> str:
    """SYSTEM$CANCEL_ALL_QUERIES(session): interrupt what another session runs; sent by Snowpark when it closes."""
    for token in ctx.services.sessions.tokens():
        if str(token.session.id) == str(session_id) and token.session is not ctx.session:
            token.session.interrupt()
    return "0 statements cancelled."
