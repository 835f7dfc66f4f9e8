"""Syntax trees of DML on a tracked table: hidden columns are added, the replaced row versions are selected."""

from collections.abc import Sequence

from sqlglot import exp

from local_snowflake.streams.layout import INSERTED, ROW, VALID_FROM, VALID_TO, VERSION
from local_snowflake.streams.tracking import Tracked


def list_columns(tree: exp.Insert, target: Tracked) -> None:
    """Give an INSERT without a column list the table's own columns, so that the hidden ones take their defaults."""
    if not isinstance(tree.this, exp.Schema) and not tree.args.get("by_name"):
        columns = [exp.to_identifier(c, quoted=True) for c in target.columns]
        tree.set("this", exp.Schema(this=tree.this, expressions=columns))


def mark_update(update: exp.Update) -> None:
    """Let an UPDATE, or that of a MERGE, mark the row versions that it makes."""
    update.append("expressions", exp.EQ(this=_column(VALID_FROM), expression=version()))
    update.append("expressions", exp.EQ(this=_column(INSERTED), expression=exp.false()))


def mark_merge(tree: exp.Merge, target: Tracked) -> None:
    """Let a MERGE mark the row versions that it makes."""
    for when in tree.find_all(exp.When):
        then = when.args["then"]
        if isinstance(then, exp.Update):
            mark_update(then)
        elif isinstance(then, exp.Insert) and then.args.get("this") is None:
            then.set("this", exp.Tuple(expressions=[_column(c) for c in target.columns]))


def restrict_to_archived(update: exp.Update, target: Tracked, *, instead: bool) -> None:
    """Let an UPDATE change only rows whose old version the same statement has archived.

    That replaces its condition if ``instead``, so that the condition is evaluated once; otherwise both have to hold.
    """
    archived = (
        exp.select(_column(ROW))
        .from_(history_table(target))
        .where(exp.EQ(this=_column(VALID_TO), expression=version()))
    )
    condition = exp.In(this=_column(ROW, update.this.alias), query=exp.Subquery(this=archived))
    where = None if instead else update.args.get("where")
    update.set("where", exp.Where(this=exp.and_(where.this, condition) if where else condition))


def matching_rows(table: exp.Table, sources: Sequence[exp.Expr], condition: exp.Expr | None) -> exp.Select:
    """The query for DuckDB's row numbers of a statement's target, physical and with an alias, that it concerns.

    ``sources`` are the tables and subqueries that are joined to it, ``condition`` is what has to hold, if anything.
    """
    rowid = exp.column(exp.to_identifier("rowid", quoted=True), table=exp.to_identifier(table.alias, quoted=True))
    query = exp.select(rowid).from_(table.copy())
    for source in sources:
        query = query.join(source.copy(), join_type="cross", copy=False)
    return query.where(condition.copy(), copy=False) if condition is not None else query


def matched_condition(tree: exp.Merge) -> exp.Expr | None:
    """When a row of a MERGE's target is updated or deleted; None if none ever is."""
    matched = [w for w in tree.find_all(exp.When) if w.args.get("matched")]
    if not matched:
        return None
    conditions = [w.args.get("condition") for w in matched]
    on = tree.args["on"]
    parts = [on.copy()]
    if all(conditions):
        parts.append(exp.or_(*(c.copy() for c in conditions if c is not None)))
    return exp.and_(*parts)


def history_table(target: Tracked) -> exp.Table:
    """A tracked table's history as a syntax tree that is resolved already."""
    table = exp.to_table(target.history, dialect="duckdb")
    table.meta["physical"] = True
    return table


def version() -> exp.Expression:
    """The running statement's version as a syntax tree."""
    return exp.maybe_parse(VERSION, dialect="duckdb")


def _column(name: str, table: str | None = None) -> exp.Column:
    of = exp.to_identifier(table, quoted=True) if table else None
    return exp.column(exp.to_identifier(name, quoted=True), table=of)
