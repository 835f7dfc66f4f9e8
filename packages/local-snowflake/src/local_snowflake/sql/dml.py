"""INSERT, UPDATE, DELETE, MERGE and TRUNCATE on DuckDB, with Snowflake's row counts."""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.compute as pc
from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import not_supported, repeated_row
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import DELETE, INSERT, MERGE, UPDATE, Result, counts, status
from local_snowflake.functions.python_calls import call
from local_snowflake.sessions.replay import StatementInputs, changing_default, random_calls
from local_snowflake.sql import trees
from local_snowflake.sql.columns.assignments import assign_inserted, assign_merged, assign_updated, column_types
from local_snowflake.sql.columns.defaults import fill_assignments, fill_insert
from local_snowflake.sql.compiler import Plan
from local_snowflake.sql.dialect import BY_NAME, at_time, to_duckdb, translate, upper_case
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.resolve import resolve, table_name, target_table
from local_snowflake.sql.types import BEYOND, FAR
from local_snowflake.streams import rewrite
from local_snowflake.streams.capture import archive_deleted, archive_sql


def compile_dml(ctx: Context, tree: exp.Expression) -> Plan:
    """The plan of a parsed DML statement; it runs as a whole or not at all."""
    tree = upper_case(tree)
    if compile_ := _COMPILERS.get(type(tree)):
        return compile_(ctx, tree)
    raise not_supported(tree.key.upper())


def _compile(ctx: Context, tree: exp.Expression) -> str:
    tree = resolve(ctx, tree)
    ctx.random_calls |= random_calls(tree)
    return to_duckdb(at_time(translate(tree, ctx.session.duck), ctx.started))


def _count(ctx: Context, sql: str) -> int:
    return int(ctx.query(sql)[0][0])


# -- INSERT -----------------------------------------------------------------------------------------------------------


def _insert(ctx: Context, tree: exp.Insert) -> Plan:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table):
        raise not_supported("INSERT without a table")
    overwrite = bool(tree.args.get("overwrite"))
    tree.set("overwrite", None)
    table.set("alias", None)
    name = target_table(ctx, table, "INSERT", *(["DELETE"] if overwrite else []))
    _read_times(ctx, tree, name)
    assign_inserted(ctx, tree, name)
    target = streams.tracked(ctx, name)
    if target:
        rewrite.list_columns(tree, target)
    fill_insert(ctx, tree, name)

    def work(ctx: Context, sql: Sequence[str]) -> Result:
        if overwrite:
            _clear(ctx, name, target)
        return counts(INSERT, inserted=_count(ctx, sql[0]))

    return _plan(name, target, (_compile(ctx, tree),), work, inserts=True, reads_target=overwrite)


# what DuckDB reads as Snowflake does
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?")


def _read_times(ctx: Context, tree: exp.Insert, name: Name) -> None:
    """Constant texts for columns of dates and times are read as casts read them, eg: ``01/31/2024``."""
    table = ctx.relation(name)
    schema, source = tree.this, tree.expression
    if not TABLE.describes(table):
        return
    kinds = {c.name: c.type for c in table.props.columns}
    columns = [c.name for c in schema.expressions] if isinstance(schema, exp.Schema) else [*kinds]
    positions = [(i, kinds[c]) for i, c in enumerate(columns) if kinds.get(c, "").startswith(("DATE", "TIMESTAMP"))]
    if not positions:
        return
    rows = source.expressions if isinstance(source, exp.Values) else [source] if isinstance(source, exp.Select) else []
    for row in rows:
        for position, kind in positions:
            value = row.expressions[position] if position < len(row.expressions) else None
            value = value.this if isinstance(value, exp.Alias) else value
            is_text = isinstance(value, exp.Literal) and value.is_string
            if value is not None and is_text and not _ISO_TIME.fullmatch(value.name):
                value.replace(exp.cast(value.copy(), kind, dialect="snowflake"))


def _clear(ctx: Context, name: Name, target: streams.Tracked | None) -> int:
    streams.lock_rows(ctx, name)
    if target:
        ctx.query(archive_sql(target))
    return _count(ctx, f"DELETE FROM {ctx.physical(name)}")


def _truncate(ctx: Context, tree: exp.TruncateTable) -> Plan:
    missing = table_name(ctx, tree.expressions[0], "TRUNCATE")
    if tree.args.get("exists") and ctx.relation(missing) is None:
        return Plan((), lambda *_: status())
    name = target_table(ctx, tree.expressions[0], "TRUNCATE")
    target = streams.tracked(ctx, name)
    table = ctx.relation(name)

    def work(ctx: Context, _: Sequence[str]) -> Result:
        _clear(ctx, name, target)
        if TABLE.describes(table):
            for forget in registry.ON_TRUNCATE:
                forget(ctx, table)
        return status()

    return _plan(name, target, (), work)


def _plan(
    name: Name,
    target: streams.Tracked | None,
    sql: tuple[str, ...],
    work: Callable[[Context, Sequence[str]], Result],
    **inputs: bool,
) -> Plan:
    """The plan of a statement that writes into a table; ``inputs`` are those of ``_inputs``."""

    def run(ctx: Context, sql: Sequence[str]) -> Result:
        return streams.write_statement(ctx, name, target, lambda: work(ctx, sql), _inputs(ctx, name, **inputs))

    return Plan(sql, run)


def _inputs(ctx: Context, target: Name, *, inserts: bool = False, reads_target: bool = True) -> StatementInputs:
    """What a compiled statement depends on; also the target's rows, and the defaults that an insert fills in."""
    table = ctx.relation(target)
    reads = dict(ctx.reads)
    if reads_target and TABLE.describes(table) and not ctx.is_temporary(target):
        reads[target] = table
    default = changing_default(table) if inserts and TABLE.describes(table) else None
    return StatementInputs(ctx.services.catalog, reads, frozenset(ctx.random_calls), default)


# -- UPDATE and DELETE ------------------------------------------------------------------------------------------------


def _update(ctx: Context, tree: exp.Update) -> Plan:
    name = _aliased_target(ctx, tree.this, "UPDATE")
    _bare_assignments(tree)
    fill_assignments(ctx, tree, name)
    assign_updated(ctx, tree.expressions, name)
    target = streams.tracked(ctx, name)
    several = _multi_joined(ctx, tree)
    settling = _settle_zoned(ctx, tree, name)
    archive = _archive_updated(ctx, tree, target) if target else ""

    def work(ctx: Context, sql: Sequence[str]) -> Result:
        several, archive, update, *settling = sql
        streams.lock_rows(ctx, name)
        multi_joined = _count(ctx, several) if several else 0
        is_error = bool(ctx.session.parameters.get("ERROR_ON_NONDETERMINISTIC_UPDATE"))
        if multi_joined and is_error:
            raise repeated_row()
        archived = _count(ctx, archive) if archive else None
        updated = _count(ctx, update)
        for settle in settling:
            ctx.query(settle)
        _check_archived(archived, updated)
        return counts(UPDATE, updated=updated, **({} if is_error else {"multi_joined": multi_joined}))

    return _plan(name, target, (several, archive, _compile(ctx, tree), *settling), work)


def _multi_joined(ctx: Context, tree: exp.Update) -> str:
    """SQL that counts the rows which an UPDATE changes and for which its FROM has several rows; empty without FROM.

    Source: https://docs.snowflake.com/en/sql-reference/sql/update
    """
    from_, where = tree.args.get("from_"), tree.args.get("where")
    if from_ is None:
        return ""
    rows = _compile(ctx, rewrite.matching_rows(tree.this, [from_.this], where.this if where else None))
    return f"SELECT COUNT(*) FROM (SELECT 1 FROM ({rows}) AS r(i) GROUP BY i HAVING COUNT(*) > 1)"


def _settle_zoned(ctx: Context, tree: exp.Update, name: Name) -> tuple[str, ...]:
    """SQL that ends an UPDATE of columns of TIMESTAMP_TZ, whose values are changed to be far in the future before.

    DuckDB's UPDATE leaves a row alone whose values are equal, so also if a value has the same moment at another offset.
    """
    columns, changed = column_types(ctx, name), []
    for assignment in tree.expressions:
        kind = columns.get(assignment.this.name) if isinstance(assignment, exp.EQ) else None
        if kind is not None and kind.name == "TIMESTAMP_TZ" and not isinstance(assignment.expression, exp.Null):
            assignment.set("expression", call("far_zoned", assignment.expression.copy()))
            changed.append(quote(assignment.this.name))
    return tuple(f"UPDATE {ctx.physical(name)} SET {c} = {c} - {FAR} WHERE {c} > {BEYOND}" for c in changed)


def _archive_updated(ctx: Context, tree: exp.Update, target: streams.Tracked) -> str:
    """SQL that archives the row versions which an UPDATE replaces; the UPDATE is changed to mark the new ones."""
    from_ = tree.args.get("from_")
    where = tree.args.get("where")
    rewrite.mark_update(tree)
    if not from_ and not where:
        return archive_sql(target)
    rows = rewrite.matching_rows(tree.this, [from_.this] if from_ else [], where.this if where else None)
    sql = archive_sql(target, _compile(ctx, rows))
    rewrite.restrict_to_archived(tree, target, instead=from_ is None)
    return sql


def _check_archived(archived: int | None, changed: int) -> None:
    """The rows were chosen twice, to archive them and to change them: both times the same ones have to come out."""
    if archived is not None and archived != changed:
        text = (
            "UPDATE or MERGE of a change-tracked table by a condition or source whose result changes from call to call"
        )
        raise not_supported(f"{text} ({archived} rows, then {changed}): put the source into a table first")


def _delete(ctx: Context, tree: exp.Delete) -> Plan:
    name = _aliased_target(ctx, tree.this, "DELETE")
    alias = quote(tree.this.alias)
    target = streams.tracked(ctx, name)

    def work(ctx: Context, sql: Sequence[str]) -> Result:
        streams.lock_rows(ctx, name)
        deleted = archive_deleted(ctx, target, sql[0], alias) if target else _count(ctx, sql[0])
        return counts(DELETE, deleted=deleted)

    return _plan(name, target, (_compile(ctx, tree),), work)


# -- MERGE ------------------------------------------------------------------------------------------------------------


def _merge(ctx: Context, tree: exp.Merge) -> Plan:
    effects = {_EFFECTS.get(type(when.args["then"]), "deleted") for when in tree.find_all(exp.When)}
    name = _aliased_target(ctx, tree.this, *sorted(_PRIVILEGES[effect] for effect in effects))
    _merge_by_name(ctx, tree, name)
    for update in tree.find_all(exp.Update):
        _bare_assignments(update)
        fill_assignments(ctx, update, name)
    for insert in tree.find_all(exp.Insert):
        fill_insert(ctx, insert, name)
    assign_merged(ctx, tree, name)
    kinds = [kind for kind in ("inserted", "updated", "deleted") if kind in effects]
    target = streams.tracked(ctx, name)
    around = _archive_merged(ctx, tree, target) if target else ("", "", "")

    def work(ctx: Context, sql: Sequence[str]) -> Result:
        setup, archive, cleanup, merge = sql
        streams.lock_rows(ctx, name)
        if setup:
            ctx.query(setup)
        archived = _count(ctx, archive) if archive else None
        actions = pc.value_counts(ctx.arrow(merge).column(0).combine_chunks()).to_pylist()
        rows = {str(action["values"]).upper(): int(action["counts"]) for action in actions}
        if cleanup:
            ctx.query(cleanup)
        _check_archived(archived, rows.get("UPDATE", 0) + rows.get("DELETE", 0))
        return counts(MERGE, **{kind: rows.get(_MERGE_ACTIONS[kind], 0) for kind in kinds})

    sql = (*around, _compile(ctx, tree) + " RETURNING merge_action")
    return _plan(name, target, sql, work, inserts="inserted" in kinds)


def _merge_by_name(ctx: Context, tree: exp.Merge, name: Name) -> None:
    """``UPDATE ALL BY NAME`` and ``INSERT ALL BY NAME``: each column of the target takes that of the source.

    Source: https://docs.snowflake.com/en/sql-reference/sql/merge
    """
    table = ctx.relation(name)
    names = [column.name for column in table.props.columns] if TABLE.describes(table) else []
    source = tree.args["using"].alias_or_name
    for when in tree.find_all(exp.When):
        then = when.args["then"]
        if not any(node.name == BY_NAME for node in then.find_all(exp.Column)):
            continue
        values = [trees.column(column, source) for column in names]
        if isinstance(then, exp.Update):
            pairs = zip(names, values, strict=True)
            then.set("expressions", [exp.EQ(this=trees.column(c), expression=v) for c, v in pairs])
        else:
            then.set("this", exp.Tuple(expressions=[trees.column(column) for column in names]))
            then.set("expression", exp.Tuple(expressions=values))


_PRIVILEGES = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
_EFFECTS: dict[type, str] = {exp.Insert: "inserted", exp.Update: "updated"}
_MERGE_ACTIONS = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}


def _archive_merged(ctx: Context, tree: exp.Merge, target: streams.Tracked) -> tuple[str, str, str]:
    """What a tracked MERGE needs: SQL that evaluates its source once, SQL that archives rows, SQL that cleans up.

    The MERGE is changed to mark the row versions that it makes.
    """
    if any(w.args.get("source") for w in tree.find_all(exp.When)):
        raise not_supported("MERGE … WHEN NOT MATCHED BY SOURCE on a change-tracked table")
    setup = archive = cleanup = ""
    condition = rewrite.matched_condition(tree)
    if condition is not None:
        using = tree.args["using"]
        rows = quote(f"$MERGE_{uuid.uuid4().hex.upper()}")
        setup = f"CREATE TEMP TABLE {rows} AS {_compile(ctx, exp.select('*').from_(using.copy()))}"
        cleanup = f"DROP TABLE {rows}"
        source = exp.to_table(f"temp.main.{rows}", dialect="duckdb")
        source.set("alias", trees.alias(using.alias_or_name))
        source.meta["physical"] = True
        using.replace(source)
        matching = rewrite.matching_rows(tree.this, [source], condition)
        archive = archive_sql(target, _compile(ctx, matching))
    rewrite.mark_merge(tree, target)
    return setup, archive, cleanup


def _bare_assignments(update: exp.Update) -> None:
    """``SET t.c = …`` -> ``SET c = …``."""
    for assignment in update.expressions:
        if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column):
            assignment.this.set("table", None)


def _aliased_target(ctx: Context, table: exp.Table, *privileges: str) -> Name:
    """Make a target physical that other parts of the statement refer to by its own name."""
    if not table.args.get("alias"):
        name = table_name(ctx, table).name
        table.set("alias", trees.alias(name))
    return target_table(ctx, table, *privileges)


_COMPILERS: dict[type[exp.Expr], Callable[[Context, Any], Plan]] = {
    exp.Insert: _insert,
    exp.Update: _update,
    exp.Delete: _delete,
    exp.Merge: _merge,
    exp.TruncateTable: _truncate,
}
