"""From a statement's text to what runs it on DuckDB; what was compiled before is not compiled again.

Three caches, each safe for a reason of its own:

- statements by text: tokens and first words follow from the text alone;
- syntax trees by text, after the rewrites of the text: parsing depends on nothing else; a tree is copied to be changed;
- plans by text, database, schema and the catalog's version: only those of statements that consist of tables, operators
  and functions that DuckDB evaluates when the plan runs (see ``_is_repeatable`` and ``_is_bound_to_statement``).
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from cachetools import LRUCache
from sqlglot import exp

from local_snowflake.catalog.catalog import Object
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution import registry
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.sessions.replay import RANDOM
from local_snowflake.sql.binds import BATCH_PREFIX
from local_snowflake.sql.column_names import keep_texts
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.names import Name
from local_snowflake.sql.resolve import TABLE_FUNCTION_PREFIX, function_name
from local_snowflake.sql.statement import RAW_VERBS, Statement, parse_statement

V = TypeVar("V")
TextRewrite = Callable[[Context, Statement], str]
TreeRewrite = Callable[[Context, exp.Expression], exp.Expression]
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
            may change the tree in place.
    """

    text: tuple[TextRewrite, ...]
    tree: tuple[TreeRewrite, ...]


@dataclass(frozen=True)
class Plan:
    """A compiled statement.

    Attributes:
        sql: DuckDB's SQL of its parts.
        run: runs these parts, in a statement's context; all that depends on the session or on the moment is in there.
    """

    sql: tuple[str, ...]
    run: Callable[[Context, Sequence[str]], Result]


@dataclass(frozen=True)
class _Compiled:
    """A plan that may run again, and the tables that it reads."""

    plan: Plan
    reads: dict[Name, Object]


class _Cache(Generic[V]):
    """The values that were used last, by keys that start with a statement's text; for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: LRUCache = LRUCache(_CHARACTERS, getsizeof=lambda entry: entry[1])

    def get(self, sql: str, *surroundings: object) -> V | None:
        with self._lock:
            value, _ = self._entries.get((sql, *surroundings), (None, 0))
        return cast("V | None", value)

    def put(self, value: V, sql: str, *surroundings: object) -> None:
        if len(sql) <= _LONGEST:
            with self._lock:
                self._entries[sql, *surroundings] = value, len(sql) + 1


class Compiler:
    """Compiles the statements of an account: the rewrites of ``pipeline`` apply to every query and DML statement."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._statements: _Cache[Statement] = _Cache()
        self._trees: _Cache[exp.Expression] = _Cache()
        self._plans: _Cache[_Compiled] = _Cache()

    def statement(self, sql: str) -> Statement:
        """The statement of a text."""
        if cached := self._statements.get(sql):
            return cached
        statement = parse_statement(sql, registry.STATEMENTS)
        if statement.verb not in RAW_VERBS:
            self._statements.put(statement, sql)
        return statement

    def parse(self, ctx: Context, sql: str | Statement) -> exp.Expression:
        """The syntax tree of a query or DML statement, after the rewrites of its text; it may be changed.

        Raises:
            SnowflakeError: 001003, if the text does not parse.
        """
        statement = self.statement(sql) if isinstance(sql, str) else sql
        for rewrite in self._pipeline.text:
            if (text := rewrite(ctx, statement)) != statement.sql:
                statement = self.statement(text)
        if (cached := self._trees.get(statement.sql)) is not None:
            return cached.copy()
        tree = parse(statement)
        keep_texts(tree, statement)
        self._trees.put(tree.copy(), statement.sql)
        return tree

    def rewrite(self, ctx: Context, tree: exp.Expression) -> exp.Expression:
        """A tree after the rewrites of trees; it may be the same one, changed."""
        for rewrite in self._pipeline.tree:
            tree = rewrite(ctx, tree)
        return tree

    def plan(
        self, ctx: Context, statement: Statement, compile_: Callable[[Context, Statement, exp.Expression], Plan]
    ) -> Plan:
        """The plan of a query or DML statement.

        Args:
            ctx: the statement's context; the tables that the statement reads are noted there.
            statement: the statement.
            compile_: makes the plan of a parsed statement.
        """
        key = (statement.sql, ctx.session.database, ctx.session.schema, ctx.catalog.version)
        # a temporary table hides another one in its session alone
        shared = not ctx.session.temporary
        if shared and (compiled := self._plans.get(*key)):
            ctx.reads.update(compiled.reads)
            return compiled.plan
        tree = self.parse(ctx, statement)
        repeatable = shared and _is_repeatable(ctx, tree)
        # a block of Snowflake Scripting evaluates all its expressions in one context
        earlier, ctx.reads = ctx.reads, {}
        try:
            plan = compile_(ctx, statement, tree)
            if repeatable and not _is_bound_to_statement(ctx, plan):
                self._plans.put(_Compiled(plan, dict(ctx.reads)), *key)
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
    names = (*_OF_STATEMENT, ctx.started.isoformat(sep=" "))
    return bool(ctx.streams or ctx.points or ctx.random_calls) or any(n in sql for sql in plan.sql for n in names)
