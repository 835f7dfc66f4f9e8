"""Views: stored as their query's text, expanded where they are read."""

import re

from local_snowflake.catalog.objects import VIEW, Column, Object, ViewProps
from local_snowflake.execution.context import Context
from local_snowflake.execution.ddl import drop, exists_already, read_new
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.names import normalise
from local_snowflake.sql.queries import describe
from local_snowflake.sql.statement import Statement


@statement("CREATE", "VIEW")
def create_view(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] VIEW [IF NOT EXISTS] name [(columns)] [options] AS query."""
    reader, name, if_not_exists = read_new(ctx, stmt)
    listed: list[str] = []
    if reader.peek() == "(":
        listed = [normalise(re.match(r'\s*("(?:[^"]|"")*"|\w+)', c)[1]) for c in reader.parenthesised().split(",")]  # type: ignore[index]
    reader.accept("COPY", "GRANTS")
    options = reader.options("AS")
    reader.expect("AS")
    query = reader.rest()
    ctx.require_schema(name)
    old = ctx.catalog.relation(name)
    if old and (not stmt.or_replace or old.kind != VIEW):
        return exists_already(VIEW, name, if_not_exists=if_not_exists)
    columns = describe(ctx, query).columns
    names = listed or [c.name for c in columns]
    described = tuple(Column(n, str(c.type)) for n, c in zip(names, columns, strict=True))
    props = ViewProps(query, stmt.sql, described, tuple(listed), secure="SECURE" in stmt.modifiers)
    with ctx.ddl() as change:
        change.put(Object(VIEW, name, props, owner=ctx.session.role, comment=str(options.get("COMMENT", ""))))
    return status(f"View {name.name} successfully created.")


@statement("DROP", "VIEW")
def drop_view(ctx: Context, stmt: Statement) -> Result:
    """DROP VIEW [IF EXISTS] name."""
    return drop(ctx, stmt, VIEW)
