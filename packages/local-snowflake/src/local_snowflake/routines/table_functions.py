"""Table functions in Python: the rows before them in FROM go to a worker and are joined with its result."""

import uuid
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions.bulk.scope import compile_select, describe, visible_ctes
from local_snowflake.python.handler_spec import HandlerSpec
from local_snowflake.python.sandbox.tables import END, ROW
from local_snowflake.python.sandbox.values import arrow_type
from local_snowflake.routines.binding import handler_spec
from local_snowflake.routines.calls import FunctionCall
from local_snowflake.routines.sql_functions import put_table
from local_snowflake.sessions.lazy_tables import PREFIX
from local_snowflake.sql import trees

_PARTITION = "$PARTITION"


@dataclass
class _Source:
    """One item of FROM before the call: its alias, its columns, and which of them are partitioned by."""

    alias: str
    columns: list[str]
    types: list[str]
    partition_keys: set[str] = field(default_factory=set)


def expand_table_function(ctx: Context, call: FunctionCall) -> None:
    """Put the rows of a Python table function, and those that they belong to, in the place of FROM.

    ``FROM t, TABLE(f(t.a) OVER (PARTITION BY t.b)) AS x, u`` becomes
    ``FROM (SELECT … FROM rows) AS t POSITIONAL JOIN (SELECT … FROM rows) AS x, u``, where ``rows`` is computed when
    the statement runs: for each row that the function returns, the row of ``t`` that it belongs to.
    """
    expand_in_from(ctx, call.node, call.arguments, handler_spec(ctx, call.function, "table"))


def expand_in_from(ctx: Context, node: exp.Expr, arguments: list[exp.Expr], spec: HandlerSpec) -> None:
    """Expand one call inside TABLE(…), whose arguments are cast to the declared types.

    Raises:
        SnowflakeError: if the call cannot be expanded at its place.
    """
    _Expansion(ctx, node, arguments, spec).run()


class _Expansion:
    def __init__(self, ctx: Context, node: exp.Expr, arguments: list[exp.Expr], spec: HandlerSpec) -> None:
        self.ctx, self.node, self.arguments, self.spec = ctx, node, arguments, spec
        self.name = PREFIX + uuid.uuid4().hex.upper()
        window = node.parent
        self.window = window if isinstance(window, exp.Window) else None
        place = node.find_ancestor(exp.TableFromRows)
        if place is None:
            raise not_supported(f"the table function {spec.name} outside of FROM")
        self.outer: exp.Expr = place.parent if isinstance(place.parent, exp.Lateral) else place
        select = place.find_ancestor(exp.Select)
        if select is None:
            raise not_supported(f"the table function {spec.name} outside of a SELECT")
        self.select = select
        self.sources: list[_Source] = []

    def run(self) -> None:
        """Register the computed rows and rewrite the query block."""
        depends = self.window is not None or any(a.find(exp.Column) for a in self.arguments)
        if isinstance(self.outer.parent, exp.From) or not depends:
            self._register(exp.Select(), partitioned=False)
            put_table(self.node, self._outputs(), self.spec.name, lateral=False)
            return
        join = self.outer.parent
        if not isinstance(join, exp.Join) or join.side or join.args.get("on") not in (None, exp.true()):
            raise not_supported(f"the table function {self.spec.name} in an outer join or with a join condition")
        joins: list[exp.Join] = self.select.args["joins"]
        at = next(i for i, j in enumerate(joins) if j is join)
        before = exp.Select(from_=self.select.args["from_"].copy(), joins=[j.copy() for j in joins[:at]])
        self.sources = self._sources(before)
        self._register(before, partitioned=self.window is not None)
        self._replace_sources(joins, at)

    # -- what is computed ---------------------------------------------------------------------------------------------

    def _sources(self, before: exp.Select) -> list[_Source]:
        tables = [before.args["from_"].this, *(j.this for j in before.args["joins"])]
        sources = []
        ctes = visible_ctes(self.select)
        for table in tables:
            alias = table.alias_or_name
            probe = before.copy()
            probe.set("expressions", [exp.Column(this=exp.Star(), table=trees.identifier(alias))])
            relation = self.ctx.session.duck.sql(compile_select(self.ctx, probe, ctes))
            sources.append(_Source(alias, list(relation.columns), [str(t) for t in relation.types]))
        for key in self.window.args.get("partition_by") or [] if self.window else []:
            if isinstance(key, exp.Column):
                for source in sources:
                    if key.table in {"", source.alias} and key.name in source.columns:
                        source.partition_keys.add(key.name)
        return sources

    def _register(self, before: exp.Select, *, partitioned: bool) -> None:
        query = before.copy()
        for i, source in enumerate(self.sources):
            for j, column in enumerate(source.columns):
                of_table = trees.column(column, source.alias)
                query.append("expressions", trees.named(of_table, f"S{i}_{j}"))
        for k, argument in enumerate(self.arguments):
            query.append("expressions", trees.named(argument, f"A{k}"))
        if partitioned and self.window is not None:
            self._partition(query, self.window)
        if not query.expressions:
            query.append("expressions", trees.named(exp.Literal.number(1), "ONE"))
        ctes = visible_ctes(self.select)
        sql = compile_select(self.ctx, query, ctes)
        _, schema = describe(self.ctx, sql)
        source_fields = [f for f in schema if f.name.startswith("S")]
        outputs = [pa.field(f"F{i}", arrow_type(kind.key)) for i, (_, kind) in enumerate(self.spec.outputs)]
        placeholder = pa.schema([*source_fields, *outputs]).empty_table()
        session = self.ctx.session
        session.register_rows(self.name, placeholder)
        session.lazy_tables.register(self.name, placeholder, sql, lambda: self._compute(sql))

    @staticmethod
    def _partition(query: exp.Select, window: exp.Window) -> None:
        keys = [k.copy() for k in window.args.get("partition_by") or []] or [exp.Literal.number(1)]
        order = window.args.get("order")
        rank = exp.Window(
            this=exp.DenseRank(), order=exp.Order(expressions=[exp.Ordered(this=k, nulls_first=True) for k in keys])
        )
        query.append("expressions", trees.named(rank, _PARTITION))
        ordered = [exp.Ordered(this=trees.column(_PARTITION))]
        ordered += [o.copy() for o in order.expressions] if order else []
        query.set("order", exp.Order(expressions=ordered))

    def _compute(self, sql: str) -> pa.Table:
        session = self.ctx.session
        rows = session.duck.sql(sql).to_arrow_table()
        arguments = rows.select([f"A{k}" for k in range(len(self.arguments))])
        sizes = [rows.num_rows] if rows.num_rows else []
        if _PARTITION in rows.column_names:
            sizes = [v["counts"].as_py() for v in pc.value_counts(rows.column(_PARTITION).combine_chunks())]
        given = self.ctx.services.workers.evaluate_table(self.spec, arguments, sizes, session=session)
        at, ends = given.column(ROW).combine_chunks(), given.column(END).combine_chunks()
        inner_only = pc.if_else(ends, pa.scalar(None, pa.int64()), at)
        columns: dict[str, pa.ChunkedArray] = {}
        for i, source in enumerate(self.sources):
            for j, column in enumerate(source.columns):
                of = at if column in source.partition_keys else inner_only
                columns[f"S{i}_{j}"] = rows.column(f"S{i}_{j}").take(of)
        return pa.table(columns | {n: given.column(n) for n in given.column_names if n.startswith("F")})

    # -- the items of FROM --------------------------------------------------------------------------------------------

    def _outputs(self) -> exp.Select:
        expressions = []
        for i, (name, kind) in enumerate(self.spec.outputs):
            column: exp.Expr = trees.column(f"F{i}")
            expressions.append(trees.named(trees.as_json(column) if kind.is_semi_structured else column, name))
        return self._select(expressions)

    def _select(self, expressions: list[exp.Expr]) -> exp.Select:
        return exp.Select(
            expressions=expressions, from_=exp.From(this=exp.to_table(f'"{self.name}"', dialect="snowflake"))
        )

    def _replace_sources(self, joins: list[exp.Join], at: int) -> None:
        subqueries: list[exp.Subquery] = []
        for i, source in enumerate(self.sources):
            expressions = []
            for j, (column, kind) in enumerate(zip(source.columns, source.types, strict=True)):
                stored: exp.Expr = trees.column(f"S{i}_{j}")
                expressions.append(trees.named(trees.as_json(stored) if kind == "JSON" else stored, column))
            alias = trees.alias(source.alias)
            subqueries.append(exp.Subquery(this=self._select(expressions), alias=alias))
        place = self.outer.find(exp.TableFromRows) or self.outer
        declared_alias = place.args.get("alias") or self.outer.args.get("alias")
        alias = declared_alias.copy() if declared_alias else trees.alias(self.spec.name)
        subqueries.append(exp.Subquery(this=self._outputs(), alias=alias))
        self.select.set("from_", exp.From(this=subqueries[0]))
        self.select.set("joins", [*(exp.Join(this=m, method="POSITIONAL") for m in subqueries[1:]), *joins[at + 1 :]])
