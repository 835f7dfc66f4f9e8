"""Fills the table that a split block reads: the block's rows, and the results of its calls, chunk by chunk."""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from local_snowflake.execution.context import Context
from local_snowflake.functions.bulk.calls import Function
from local_snowflake.functions.bulk.scope import describe

CHUNK = 100_000
# chunks that are evaluated at once, and those that wait for it or for their turn to be appended
_AT_ONCE = 2
_IN_FLIGHT = 4


@dataclass
class Evaluation:
    """One function over the same arguments, whose columns are at ``position``; the results that the calls need."""

    function: Function
    prefix: str
    arguments: list[exp.Expr]
    results: dict[str, pa.DataType]
    position: int = 0

    def column(self, result: str) -> str:
        """The name of a result's column in the filled table."""
        return self.prefix + result

    def run(self, rows: pa.Table) -> pa.Table:
        """The results for a chunk of the block's rows."""
        columns = rows.columns[self.position : self.position + len(self.arguments)]
        arguments = pa.Table.from_arrays(columns, [f"A{i}" for i in range(len(columns))])
        if not columns:
            # a table without columns does not know how many rows it has
            arguments = pa.table({"": pa.nulls(rows.num_rows)})
        table = self.function.evaluate(arguments, list(self.results))
        return table.select(list(self.results)).rename_columns([self.column(r) for r in self.results])


@dataclass(frozen=True)
class BulkTable:
    """The table that stands in FROM instead of a block's own sources.

    Attributes:
        ctx: the statement's context.
        name: how the block calls it.
        sql: DuckDB's SQL of the block's rows: the columns of the table, then the arguments.
        columns: names for the first columns, which the table has too.
        evaluations: what is computed of the arguments.
    """

    ctx: Context
    name: str
    sql: str
    columns: list[str]
    evaluations: list[Evaluation]

    def register(self) -> None:
        """Let the statement read the table; it is filled when the statement runs."""
        session = self.ctx.session
        _, schema = describe(self.ctx, self.sql)
        fields = [field.with_name(name) for name, field in zip(self.columns, schema, strict=False)]
        for evaluation in self.evaluations:
            fields += [pa.field(evaluation.column(r), kind) for r, kind in evaluation.results.items()]
        placeholder = pa.schema(fields).empty_table()
        session.register_rows(self.name, placeholder)
        session.lazy_tables.register(self.name, placeholder, self.sql, lambda: self._compute(placeholder))

    def _compute(self, placeholder: pa.Table) -> pa.Table:
        """Run the block's SQL and the functions; the next chunks are read while functions work on the former."""
        tables: list[pa.Table] = []
        waiting: deque[tuple[pa.Table, list[Future[pa.Table]]]] = deque()
        chunks = self._chunks()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                for rows in chunks:
                    chunk = rows.select(range(len(self.columns))).rename_columns(self.columns)
                    waiting.append((chunk, [pool.submit(e.run, rows) for e in self.evaluations]))
                    if len(waiting) >= _IN_FLIGHT:
                        tables.append(_append_results(*waiting.popleft()))
                tables += [_append_results(*filled) for filled in waiting]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                # the connection takes no other statement while it has rows to give
                chunks.close()
                raise
        return pa.concat_tables(tables, promote_options="permissive") if tables else placeholder

    def _chunks(self) -> Generator[pa.Table]:
        """The block's rows in chunks of one size; DuckDB's own batches vary."""
        gathered: list[pa.Table] = []
        size = 0
        with self.ctx.session.duck.sql(self.sql).to_arrow_reader(CHUNK) as reader:
            # a column's name may occur twice
            names = [str(i) for i in range(len(reader.schema))]
            for batch in reader:
                gathered.append(pa.Table.from_batches([batch]).rename_columns(names))
                size += batch.num_rows
                while size >= CHUNK:
                    together = pa.concat_tables(gathered)
                    yield together.slice(0, CHUNK)
                    gathered, size = [together.slice(CHUNK)], size - CHUNK
        if size:
            yield pa.concat_tables(gathered)


def _append_results(rows: pa.Table, results: list[Future[pa.Table]]) -> pa.Table:
    for result in results:
        for field, column in zip(result.result().schema, result.result().columns, strict=True):
            rows = rows.append_column(field, column)
    return rows
