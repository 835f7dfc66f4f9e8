"""COMMENT ON, and GET_DDL of what was created by a statement."""

from dataclasses import replace

from local_snowflake.catalog.objects import KINDS, TABLE, VIEW
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import absent, find, put, read_name
from local_snowflake.execution.registry import statement, system_function
from local_snowflake.execution.results import Result, status
from local_snowflake.routines.objects import routine_ddl
from local_snowflake.sql.names import literal, shown, split_parts
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


@system_function("GET_DDL")
def get_ddl(ctx: Context, kind: str, name: str, *_: object) -> str:
    """GET_DDL(kind, 'name'); of a procedure or function 'name(types)'.

    Source: https://docs.snowflake.com/en/sql-reference/functions/get_ddl
    """
    if kind.upper() in {"PROCEDURE", "FUNCTION"}:
        return routine_ddl(ctx, kind.upper(), name)
    full = ctx.resolve(split_parts(name))
    found = ctx.temporary(full) or ctx.catalog.need(kind.upper(), full)
    if VIEW.describes(found):
        return found.props.text.rstrip(";") + ";"
    if not TABLE.describes(found):
        raise not_supported(f"GET_DDL of a {found.kind.lower()}")
    lines = []
    for c in found.props.columns:
        line = f"\t{shown(c.name)} {c.type}"
        line += "" if c.nullable else " NOT NULL"
        line += f" DEFAULT {c.default}" if c.default is not None else ""
        lines.append(line + (f" COMMENT {literal(c.comment)}" if c.comment else ""))
    word = "TEMPORARY " if found.props.temporary else "TRANSIENT " if found.props.transient else ""
    return f"create or replace {word}TABLE {shown(full.name)} (\n" + ",\n".join(lines) + "\n);"


@system_function("SYSTEM$CANCEL_ALL_QUERIES", effective="VARCHAR")
def cancel_all_queries(ctx: Context, session_id: int | str) -> str:
    """SYSTEM$CANCEL_ALL_QUERIES(session): interrupt what another session runs; sent by Snowpark when it closes."""
    for token in ctx.services.sessions.tokens():
        if str(token.session.id) == str(session_id) and token.session is not ctx.session:
            token.session.interrupt()
    return "0 statements cancelled."
