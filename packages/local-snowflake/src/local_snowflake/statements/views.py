"""Views: stored as their query's text, expanded where they are read."""

from dataclasses import replace
from functools import partial

from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import VIEW, Column, Object, View, ViewProps
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import check_options, drop, exists_already, put, read_existing, read_target
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.sql.queries import describe
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.statements.definitions import refuse_repeated_names
from local_snowflake.statements.tables import read_flag


@statement("CREATE", "VIEW")
def create_view(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY] VIEW [IF NOT EXISTS] name [(columns)] [options] AS query.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-view
    """
    reader, name, if_not_exists = read_target(ctx, stmt)
    declared = _read_columns(reader) if reader.peek() == "(" else []
    listed, comments = [name for name, _ in declared], dict(declared)
    ctx.copies_grants = reader.accept("COPY", "GRANTS")
    options = reader.options("AS")
    check_options(options, {"COMMENT", "CHANGE_TRACKING"}, VIEW)
    tracking = read_flag("CHANGE_TRACKING", options.get("CHANGE_TRACKING", "FALSE"))
    reader.expect("AS")
    query = reader.rest()
    ctx.require_schema(name)
    old = ctx.temporary(name) if stmt.temporary else ctx.catalog.relation(name)
    if old and (not stmt.or_replace or old.kind != VIEW):
        return exists_already(VIEW, name, if_not_exists=if_not_exists)
    columns = describe(ctx, query).columns
    names = listed or [c.name for c in columns]
    if len(names) != len(columns):
        raise compilation_error("Invalid column definition list", 2026, "42601")
    refuse_repeated_names(names)
    described = tuple(Column(n, str(c.type), comment=comments.get(n, "")) for n, c in zip(names, columns, strict=True))
    props = ViewProps(query, stmt.sql, described, tuple(listed), secure="SECURE" in stmt.modifiers)
    props = replace(props, change_tracking=tracking, temporary=stmt.temporary)
    view = Object(VIEW, name, props, owner=ctx.session.role, comment=str(options.get("COMMENT", "")))
    if not (stmt.temporary and ctx.stays_in_transaction):
        with ctx.ddl() as change:
            if not stmt.temporary:
                change.put(view)
    if stmt.temporary:
        ctx.session.set_temporary(view.key, view)
    return status(f"View {name.name} successfully created.")


def _read_columns(reader: Reader) -> list[tuple[str, str]]:
    """Read ``(name [COMMENT 'text'], …)``; returns the names with their comments."""
    found = []
    reader.expect("(")
    while True:
        name, comment = reader.identifier(), ""
        if reader.accept("COMMENT"):
            reader.accept("=")
            comment = reader.string()
        found.append((name, comment))
        if not reader.accept(","):
            reader.expect(")")
            return found


@statement("ALTER", "VIEW")
def alter_view(ctx: Context, stmt: Statement) -> Result:
    """ALTER VIEW [IF EXISTS] name SET CHANGE_TRACKING = TRUE: https://docs.snowflake.com/en/sql-reference/sql/alter-view.

    The tables below it are tracked once a stream is on it, or by ALTER TABLE.
    """
    reader, view = read_existing(ctx, stmt, VIEW)
    if view is None:
        return status()
    if not reader.accept("SET") or reader.peek() != "CHANGE_TRACKING":
        raise not_supported(f"ALTER VIEW … {reader.peek()}")
    options = reader.options()
    reader.finish()
    check_options(options, {"CHANGE_TRACKING"}, VIEW)
    if not read_flag("CHANGE_TRACKING", options["CHANGE_TRACKING"]):
        raise not_supported("ALTER VIEW … SET CHANGE_TRACKING = FALSE")
    put(ctx, replace(view, props=replace(view.props, change_tracking=True)))
    return status()


@statement("DROP", "VIEW")
def drop_view(ctx: Context, stmt: Statement) -> Result:
    """DROP VIEW [IF EXISTS] name."""
    return drop(ctx, stmt, VIEW, partial(_remove, ctx))


def _remove(ctx: Context, change: Change, view: View) -> None:
    if view.props.temporary:
        ctx.session.set_temporary(view.key, None)
    else:
        change.drop(view)
