"""Tables in FROM: as they are, as they were AT or BEFORE a point, and their CHANGES.

Source: https://docs.snowflake.com/en/sql-reference/constructs/at-before, …/constructs/changes
"""

from datetime import UTC, datetime, timedelta

from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import Table
from local_snowflake.errors import SnowflakeError, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import source
from local_snowflake.streams import delta
from local_snowflake.streams.freshness import not_tracked_then, retention_days
from local_snowflake.streams.layout import offset_variable, read_variable
from local_snowflake.streams.points import Point, make_point, version_at
from local_snowflake.streams.tracking import of

_HOW = "set DATA_RETENTION_TIME_IN_DAYS or CHANGE_TRACKING on it before it is written"


@source("TABLE")
def read_table(ctx: Context, table: Table, node: exp.Table) -> exp.Expression:
    """A table in FROM: itself, the visible columns of a tracked one, its rows in the past, or its changes."""
    if node.args.get("changes"):
        return exp.var(_changes_sql(ctx, table, node.args["changes"]))
    if (past := node.args.get("when")) is not None:
        point = _point(ctx, past)
        rows = past_rows(ctx, table, point)
        if point.kind == "STREAM":  # resolved when the statement runs: until then another may consume the stream
            ctx.points.add(point.value)
            rows = delta.rows_at(of(table), read_variable(offset_variable(point.value, of(table).id)))
        return exp.var(f"SELECT {of(table).listed()} FROM ({rows})")
    if not streams.is_tracked(table):
        return node
    target = of(table)
    return exp.var(f"SELECT {target.listed()} FROM {target.physical}")


def refuse_past(node: exp.Table, what: str) -> None:
    """Raise 000002 if the past or the changes are asked for of something that has none here."""
    for clause, name in (("when", "AT | BEFORE"), ("changes", "CHANGES")):
        if node.args.get(clause):
            raise not_supported(f"{name} of {what}")


def past_rows(ctx: Context, table: Table, point: Point) -> str:
    """DuckDB's SQL of a table's rows at a point, with their hidden ids.

    Raises:
        SnowflakeError: 000707, if the point lies outside what is kept; 000002, if the table keeps nothing here.
    """
    if not streams.is_tracked(table):
        raise not_supported(f"AT | BEFORE of table {table.name.fqn}, which keeps no past: {_HOW}")
    oldest = datetime.now(UTC) - timedelta(days=retention_days(table))
    if point.kind == "TIMESTAMP" and point.value < oldest:
        raise _not_available(table)
    target = of(table)
    ctx.session.refresh()
    try:
        version = version_at(ctx, ctx.session.duck, target, point)
    except SnowflakeError as error:
        raise _not_available(table) if error.code == not_tracked_then(table.name).code else error from None
    return delta.rows_at(target, str(version))


def _not_available(table: Table) -> SnowflakeError:
    text = f"Time travel data is not available for table {table.name.name}. The requested time is either beyond the "
    return compilation_error(text + "allowed time travel period or before the object creation time.", 707, "02000")


def _point(ctx: Context, clause: exp.Expression) -> Point:
    expression = clause.args["expression"].sql(dialect="snowflake")
    return make_point(ctx, str(clause.args["kind"]).upper(), expression, before=clause.name.upper() == "BEFORE")


def _changes_sql(ctx: Context, table: Table, clause: exp.Expression) -> str:
    """The net or the appended changes of CHANGES (INFORMATION => …) AT | BEFORE (…) [END (…)]."""
    if not streams.shows_changes(table):
        raise not_tracked_then(table.name)
    target, duck = of(table), ctx.session.duck
    ctx.session.refresh()
    after = version_at(ctx, duck, target, _point(ctx, clause.args["at_before"]))
    end = clause.args.get("end")
    upto = version_at(ctx, duck, target, _point(ctx, end) if end is not None else None)
    append_only = clause.args["information"].name.upper() == "APPEND_ONLY"
    return delta.changes_sql(target, str(after), str(upto), append_only=append_only)
