"""From a statement's text to what runs it on DuckDB; what was compiled before is not compiled again.

Three caches, each safe for a reason of its own:

- statements by text: tokens and first words follow from the text alone;
- syntax trees by text, after the rewrites of the text: parsing depends on nothing else; a tree is copied to be changed;
- plans by text, database, schema, rights and the catalog's version: only those of statements that consist of tables,
  operators and functions that DuckDB evaluates when the plan runs (see ``_is_repeatable`` and
  ``_is_bound_to_statement``).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, VIEW, Table
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.sessions.bounded_cache import BoundedCache
from local_snowflake.sessions.replay import RANDOM
from local_snowflake.sql.binds import BATCH_PREFIX
from local_snowflake.sql.columns.outputs import keep_texts
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import Name
from local_snowflake.sql.resolve import TABLE_FUNCTION_PREFIX, function_name
from local_snowflake.sql.statement import RAW_VERBS, Statement, parse_statement
from local_snowflake.sql.transforms import kinds

V = TypeVar("V")
TextRewrite = Callable[[Context, Statement], str]
TreeRewrite = Callable[[Context, exp.Expression], exp.Expression | None]
Step = tuple[TreeRewrite, tuple[type[exp.Expr], ...]]
# what a cache holds, in characters of SQL; a syntax tree takes some hundred bytes a character
_CHARACTERS = 500_000
# longer texts, eg: of a batch of rows, hardly come twice
_LONGEST = 20_000


@dataclass(frozen=True)
class Pipeline:
    """All rewrites of queries and DML, in the order in which they are applied.

    Attributes:
        text: for syntax that sqlglot does not know, before the statement is parsed. A rewrite returns the statement's
            text; the same text if there is nothing to do.
        tree: for what DuckDB does differently, once names are upper case and before tables are resolved. A rewrite
            may change the tree in place, and returns None if it has not changed it. Each with the kinds of nodes that
            it looks for: without any of them it is left out; none are named for one that is always applied. To see
            which kinds a tree has takes one walk over it, and most rewrites take several.
        block: those that follow; a block that one of them takes out of the tree needs these alone.
    """

    text: tuple[TextRewrite, ...]
    tree: tuple[Step, ...]
    block: tuple[Step, ...]


@dataclass(frozen=True)
class Plan:
    """A compiled statement: DuckDB's SQL of its parts, and what runs them in a statement's context.

    All that depends on the session or on the moment is in ``run``.
    """

    sql: tuple[str, ...]
    run: Callable[[Context, Sequence[str]], Result]


def _keep(cache: BoundedCache[V], value: V, sql: str, *surroundings: object) -> None:
    if len(sql) <= _LONGEST:
        cache.put((sql, *surroundings), value, len(sql) + 1)


class Compiler:
    """Compiles the statements of an account: the rewrites of ``pipeline`` apply to every query and DML statement."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._statements: BoundedCache[Statement] = BoundedCache(_CHARACTERS, _CHARACTERS)
        self._trees: BoundedCache[exp.Expression] = BoundedCache(_CHARACTERS, _CHARACTERS)
        # the texts that were parsed once: a tree is kept if its text comes again, because the copy costs time, too
        self._parsed: BoundedCache[bool] = BoundedCache(_CHARACTERS, _CHARACTERS)
        # with the tables that a plan reads
        self._plans: BoundedCache[tuple[Plan, dict[Name, Table]]] = BoundedCache(_CHARACTERS, _CHARACTERS)

    def statement(self, sql: str) -> Statement:
        """The statement of a text."""
        if cached := self._statements.get((sql,)):
            return cached
        statement = parse_statement(sql, registry.STATEMENTS)
        if statement.verb not in RAW_VERBS:
            _keep(self._statements, statement, sql)
        return statement

    def parse(self, ctx: Context, sql: str | Statement) -> exp.Expression:
        """The syntax tree of a query or DML statement, after the rewrites of its text; it may be changed.

        Raises 001003 if the text does not parse.
        """
        statement = self.statement(sql) if isinstance(sql, str) else sql
        for rewrite in self._pipeline.text:
            if (text := rewrite(ctx, statement)) != statement.sql:
                statement = self.statement(text)
        if (cached := self._trees.get((statement.sql,))) is not None:
            return cached.copy()
        tree = parse(statement)
        keep_texts(tree, statement)
        if self._parsed.get((statement.sql,)):
            _keep(self._trees, tree.copy(), statement.sql)
        else:
            _keep(self._parsed, True, statement.sql)
        return tree

    def rewrite(self, ctx: Context, tree: exp.Expression, *, is_block: bool = False) -> exp.Expression:
        """A tree after the rewrites of trees; it may be the same one, changed.

        ``is_block``: it is a block of a statement, taken out by one of the rewrites of blocks.
        """
        # empty: not known, as a rewrite has changed the tree
        present: set[type] = set()
        for rewrite, looked_for in (*(() if is_block else self._pipeline.tree), *self._pipeline.block):
            if looked_for:
                present = present or kinds(tree)
                if present.isdisjoint(looked_for):
                    continue
            if (changed := rewrite(ctx, tree)) is not None:
                tree, present = changed, set()
        return tree

    def plan(
        self, ctx: Context, statement: Statement, compile_: Callable[[Context, Statement, exp.Expression], Plan]
    ) -> Plan:
        """The plan of a query or DML statement, which ``compile_`` makes; the context notes what it reads."""
        key = (statement.sql, ctx.session.database, ctx.session.schema, ctx.catalog.version, ctx.rights.key)
        # a temporary table or view hides another one in its session alone
        shared = not any(kind in {TABLE, VIEW} for kind, _ in ctx.session.temporary_objects)
        if shared and (compiled := self._plans.get(key)):
            plan, reads = compiled
            ctx.reads.update(reads)
            return plan
        tree = self.parse(ctx, statement)
        repeatable = shared and _is_repeatable(ctx, tree)
        # a block of Snowflake Scripting evaluates all its expressions in one context
        earlier, ctx.reads = ctx.reads, {}
        try:
            plan = compile_(ctx, statement, tree)
            if repeatable and not _is_bound_to_statement(ctx, plan):
                _keep(self._plans, (plan, dict(ctx.reads)), *key)
        finally:
            ctx.reads = earlier | ctx.reads
        return plan


# what is evaluated while a statement is compiled, reads the session's variables, or is a function of the account
_EVALUATED = (
    *(exp.Anonymous, exp.Command, exp.Explode, exp.Lateral, exp.Parameter, exp.Pivot, exp.Placeholder),
    *(exp.SessionParameter, exp.TableFromRows, *RANDOM),
)


def _is_repeatable(ctx: Context, tree: exp.Expression) -> bool:
    """Whether a statement means the same as long as its names do: it reads tables alone, as they are now."""
    ctes = {cte.alias.upper() for cte in tree.find_all(exp.CTE)}
    for node in tree.walk():
        if isinstance(node, _EVALUATED) or function_name(node) in registry.SYSTEM_FUNCTIONS:
            return False
        if isinstance(node, exp.Table) and not _is_plain_table(ctx, node, ctes):
            return False
    return True


def _is_plain_table(ctx: Context, table: exp.Table, ctes: set[str]) -> bool:
    parts = [p for p in (table.args.get("catalog"), table.args.get("db"), table.this) if p is not None]
    if table.args.get("when") or table.args.get("changes") or not all(isinstance(p, exp.Identifier) for p in parts):
        return False
    try:
        relation = ctx.relation(ctx.resolve([p.this if p.quoted else p.this.upper() for p in parts]))
    except SnowflakeError:
        return False
    if relation is None:
        return len(parts) == 1 and table.name.upper() in ctes
    return relation.kind == "TABLE"


_OF_STATEMENT = (TABLE_FUNCTION_PREFIX, BATCH_PREFIX, "_PYTHON_", "$MERGE_")


def _is_bound_to_statement(ctx: Context, plan: Plan) -> bool:
    """Whether a plan holds something of the statement that it was made for: registered rows, a stream, the time."""
    names = (*_OF_STATEMENT, ctx.started.replace(tzinfo=None).isoformat(sep=" "))
    return bool(ctx.streams or ctx.points or ctx.random_calls) or any(n in sql for sql in plan.sql for n in names)
