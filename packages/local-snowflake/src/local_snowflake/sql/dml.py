"""INSERT, UPDATE, DELETE, MERGE and TRUNCATE on DuckDB, with Snowflake's row counts."""

from __future__ import annotations

import uuid

import pyarrow.compute as pc
from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import TABLE
from local_snowflake.copy import load_history
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import DELETE, INSERT, MERGE, UPDATE, Result, counts, status
from local_snowflake.sessions.replay import Repetition, note_functions
from local_snowflake.sql.dialect import at_time, to_duckdb, translate, upper_case
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.resolve import resolve, table_name, target_table
from local_snowflake.streams import rewrite
from local_snowflake.streams.capture import bury, copy_images


def run_dml(ctx: Context, tree: exp.Expression) -> Result:
    """Run a parsed DML statement, all of it or nothing."""
    tree = upper_case(tree)
    try:
        if isinstance(tree, exp.Insert):
            return _insert(ctx, tree)
        if isinstance(tree, exp.Update):
            return _update(ctx, tree)
        if isinstance(tree, exp.Delete):
            return _delete(ctx, tree)
        if isinstance(tree, exp.Merge):
            return _merge(ctx, tree)
        if isinstance(tree, exp.TruncateTable):
            return _truncate(ctx, tree)
        raise not_supported(tree.key.upper())
    finally:
        ctx.session.drop_rows()


def _compile(ctx: Context, tree: exp.Expression) -> str:
    tree = resolve(ctx, tree)
    note_functions(ctx, tree)
    return to_duckdb(at_time(translate(tree, ctx.session.duck), ctx.started))


def _count(ctx: Context, sql: str) -> int:
    return int(ctx.query(sql)[0][0])


# -- INSERT -----------------------------------------------------------------------------------------------------------


def _insert(ctx: Context, tree: exp.Insert) -> Result:
    table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if not isinstance(table, exp.Table):
        raise not_supported("INSERT without a table")
    overwrite = bool(tree.args.get("overwrite"))
    tree.set("overwrite", None)
    table.set("alias", None)
    name = target_table(ctx, table)
    target = streams.tracked(ctx, name)
    if target:
        rewrite.list_columns(tree, target)
    sql = _compile(ctx, tree)

    def work() -> Result:
        if overwrite:
            _clear(ctx, name, target)
        return counts(INSERT, inserted=_count(ctx, sql))

    repetition = Repetition(ctx, name, inserts=True, reads_target=overwrite)
    return streams.write_statement(ctx, name, target, work, repetition)


def _clear(ctx: Context, name: Name, target: streams.Tracked | None) -> int:
    streams.lock_rows(ctx, name)
    if target:
        ctx.query(copy_images(target))
    return _count(ctx, f"DELETE FROM {ctx.physical(name)}")


def _truncate(ctx: Context, tree: exp.TruncateTable) -> Result:
    name = target_table(ctx, tree.expressions[0])
    target = streams.tracked(ctx, name)
    table = ctx.relation(name)

    def work() -> Result:
        _clear(ctx, name, target)
        if TABLE.describes(table):
            load_history.forget(ctx, table)
        return status()

    return streams.write_statement(ctx, name, target, work, _changing(ctx, name))


def _changing(ctx: Context, name: Name) -> Repetition:
    return Repetition(ctx, name, inserts=False, reads_target=True)


# -- UPDATE and DELETE ------------------------------------------------------------------------------------------------


def _update(ctx: Context, tree: exp.Update) -> Result:
    name = _aliased_target(ctx, tree.this)
    _bare_assignments(tree)
    target = streams.tracked(ctx, name)
    before = _images_to_update(ctx, tree, target) if target else None
    sql = _compile(ctx, tree)

    def work() -> Result:
        streams.lock_rows(ctx, name)
        kept = _count(ctx, before) if before else None
        updated = _count(ctx, sql)
        _check_kept(kept, updated)
        return counts(UPDATE, updated=updated, multi_joined=0)

    return streams.write_statement(ctx, name, target, work, _changing(ctx, name))


def _images_to_update(ctx: Context, tree: exp.Update, target: streams.Tracked) -> str:
    """SQL that keeps the images which an UPDATE replaces; the UPDATE is changed to mark the new ones, in place."""
    from_ = tree.args.get("from_")
    where = tree.args.get("where")
    rewrite.mark_update(tree)
    if not from_ and not where:
        return copy_images(target)
    rows = rewrite.matching_rows(tree.this, [from_.this] if from_ else [], where.this if where else None)
    sql = copy_images(target, _compile(ctx, rows))
    rewrite.restrict_to_buried(tree, target, instead=from_ is None)
    return sql


def _check_kept(kept: int | None, changed: int) -> None:
    """The rows were chosen twice, to keep them and to change them: both times the same ones have to come out."""
    if kept is not None and kept != changed:
        text = (
            "UPDATE or MERGE of a change-tracked table by a condition or source whose result changes from call to call"
        )
        raise not_supported(f"{text} ({kept} rows, then {changed}): put the source into a table first")


def _delete(ctx: Context, tree: exp.Delete) -> Result:
    name = _aliased_target(ctx, tree.this)
    alias = quote(tree.this.alias)
    target = streams.tracked(ctx, name)
    sql = _compile(ctx, tree)

    def work() -> Result:
        streams.lock_rows(ctx, name)
        return counts(DELETE, deleted=bury(ctx, target, sql, alias) if target else _count(ctx, sql))

    return streams.write_statement(ctx, name, target, work, _changing(ctx, name))


# -- MERGE ------------------------------------------------------------------------------------------------------------


def _merge(ctx: Context, tree: exp.Merge) -> Result:
    name = _aliased_target(ctx, tree.this)
    for update in tree.find_all(exp.Update):
        _bare_assignments(update)
    whens = list(tree.find_all(exp.When))
    kinds = [kind for kind in ("inserted", "updated", "deleted") if any(_effect(w) == kind for w in whens)]
    target = streams.tracked(ctx, name)
    setup, before, cleanup = _images_to_merge(ctx, tree, target) if target else ("", None, "")
    sql = _compile(ctx, tree) + " RETURNING merge_action"

    def work() -> Result:
        streams.lock_rows(ctx, name)
        if setup:
            ctx.query(setup)
        kept = _count(ctx, before) if before else None
        actions = pc.value_counts(ctx.arrow(sql).column(0).combine_chunks()).to_pylist()
        done = {str(found["values"]).upper(): int(found["counts"]) for found in actions}
        if cleanup:
            ctx.query(cleanup)
        of = {"inserted": "INSERT", "updated": "UPDATE", "deleted": "DELETE"}
        _check_kept(kept, done.get("UPDATE", 0) + done.get("DELETE", 0))
        return counts(MERGE, **{kind: done.get(of[kind], 0) for kind in kinds})

    repetition = Repetition(ctx, name, inserts="inserted" in kinds, reads_target=True)
    return streams.write_statement(ctx, name, target, work, repetition)


def _images_to_merge(ctx: Context, tree: exp.Merge, target: streams.Tracked) -> tuple[str, str | None, str]:
    """What a MERGE needs around it: SQL that evaluates its source once, SQL that keeps images, SQL that cleans up."""
    if any(w.args.get("source") for w in tree.find_all(exp.When)):
        raise not_supported("MERGE … WHEN NOT MATCHED BY SOURCE on a change-tracked table")
    setup = cleanup = ""
    condition = rewrite.matched_condition(tree)
    before = None
    if condition is not None:
        using = tree.args["using"]
        rows = quote(f"$MERGE_{uuid.uuid4().hex.upper()}")
        setup = f"CREATE TEMP TABLE {rows} AS {_compile(ctx, exp.select('*').from_(using.copy()))}"
        cleanup = f"DROP TABLE {rows}"
        source = exp.to_table(f"temp.main.{rows}", dialect="duckdb")
        source.set("alias", exp.TableAlias(this=exp.to_identifier(using.alias_or_name, quoted=True)))
        source.meta["physical"] = True
        using.replace(source)
        matching = rewrite.matching_rows(tree.this, [source], condition)
        before = copy_images(target, _compile(ctx, matching))
    rewrite.mark_merge(tree, target)
    return setup, before, cleanup


def _effect(when: exp.When) -> str:
    then = when.args["then"]
    if isinstance(then, exp.Insert):
        return "inserted"
    return "updated" if isinstance(then, exp.Update) else "deleted"


def _bare_assignments(update: exp.Update) -> None:
    """``SET t.c = …`` -> ``SET c = …``."""
    for assignment in update.expressions:
        if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column):
            assignment.this.set("table", None)


def _aliased_target(ctx: Context, table: exp.Table) -> Name:
    """Make a target physical that other parts of the statement refer to by its own name."""
    if not table.args.get("alias"):
        name = table_name(ctx, table).name
        table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
    return target_table(ctx, table)
