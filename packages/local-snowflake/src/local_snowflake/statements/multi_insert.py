"""INSERT of a query's rows into several tables: INSERT ALL and INSERT FIRST.

Source: https://docs.snowflake.com/en/sql-reference/sql/insert-multi-table
"""

from dataclasses import dataclass, field

import pyarrow as pa
from sqlglot import exp

from local_snowflake import streams
from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import compilation_error, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import MULTI_INSERT, Column, Result
from local_snowflake.sessions.replay import StatementInputs
from local_snowflake.sql.dialect import upper_case
from local_snowflake.sql.dml import compile_dml
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.queries import compile_select
from local_snowflake.sql.rewrites.result_scans import put_result
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.sql.types import SfType

_COUNT = SfType("NUMBER", 38, 0)


@dataclass
class _Into:
    """``INTO table [(columns)] [VALUES (values)]``, for the rows of a condition.

    Attributes:
        condition: the rows that it takes; empty for all.
    """

    target: Name
    columns: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    condition: str = ""


@statement("INSERT", "ALL", "FIRST", "OVERWRITE ALL", "OVERWRITE FIRST")
def insert_into_several(ctx: Context, stmt: Statement) -> Result:
    """INSERT [OVERWRITE] {ALL | FIRST} [WHEN …] INTO … query: the query runs once, all tables change or none."""
    reader = stmt.reader
    reader.expect("INSERT")
    overwrite = reader.accept("OVERWRITE")
    first = reader.accept_any("ALL", "FIRST") == "FIRST"
    parts = _conditional(ctx, reader, first=first) if reader.peek() == "WHEN" else _intos(ctx, reader)
    source = compile_select(ctx, upper_case(ctx.compiler.parse(ctx, reader.rest())))

    def work() -> list[int]:
        # all before the first is written: the transaction goes on from what others had committed by then
        for part in parts:
            streams.lock_target(ctx, part.target)
        rows = source.run(ctx, source.sql)
        # by the last of several parts for one table the rows of the others are there
        cleared: set[Name] = set()
        counts = []
        for part in parts:
            counts.append(_insert(ctx, part, rows, overwrite=overwrite and part.target not in cleared))
            cleared.add(part.target)
        return counts

    inputs = StatementInputs(ctx.services.catalog, dict(ctx.reads), frozenset(ctx.random_calls), None)
    return _counted(parts, ctx.session.write(lambda: streams.consuming(ctx, work), inputs))


def _insert(ctx: Context, part: _Into, rows: Result, *, overwrite: bool) -> int:
    columns = f" ({', '.join(map(quote, part.columns))})" if part.columns else ""
    values = ", ".join(part.values) or "*"
    where = f" WHERE {part.condition}" if part.condition else ""
    target = ".".join(map(quote, part.target))
    into = "OVERWRITE INTO" if overwrite else "INTO"
    text = f"INSERT {into} {target}{columns} SELECT {values} FROM TABLE(RESULT_SCAN('')){where}"
    tree = upper_case(ctx.compiler.parse(ctx, text))
    scan = tree.find(exp.TableFromRows)
    if scan is None:
        raise compilation_error(f"the values of {part.target.fqn} cannot be read: {values}")
    put_result(ctx, scan, rows.named_table, rows.types)
    plan = compile_dml(ctx, tree)
    return int(plan.run(ctx, plan.sql).table.column(0)[0].as_py())


def _counted(parts: list[_Into], counts: list[int]) -> Result:
    """The numbers of inserted rows, a column for each table."""
    totals: dict[str, int] = {}
    for part, count in zip(parts, counts, strict=True):
        name = f"number of rows inserted into {part.target.name}"
        totals[name] = totals.get(name, 0) + count
    table = pa.table({name: pa.array([count], pa.int64()) for name, count in totals.items()})
    return Result(table, [Column(name, _COUNT, nullable=False) for name in totals], MULTI_INSERT)


# -- clauses ----------------------------------------------------------------------------------------------------------


def _conditional(ctx: Context, reader: Reader, *, first: bool) -> list[_Into]:
    """``WHEN condition THEN INTO … [ELSE INTO …]``; of FIRST a row goes to the first condition that it meets."""
    parts: list[_Into] = []
    earlier: list[str] = []
    while reader.accept("WHEN"):
        condition = f"COALESCE(({reader.until('THEN')}), FALSE)"
        reader.expect("THEN")
        taken = " AND ".join([*(f"NOT {e}" for e in earlier), condition]) if first else condition
        for part in _intos(ctx, reader):
            part.condition = taken
            parts.append(part)
        earlier.append(condition)
    if reader.accept("ELSE"):
        for part in _intos(ctx, reader):
            part.condition = " AND ".join(f"NOT {e}" for e in earlier)
            parts.append(part)
    return parts


def _intos(ctx: Context, reader: Reader) -> list[_Into]:
    reader.expect("INTO")
    parts = [_into(ctx, reader)]
    while reader.accept("INTO"):
        parts.append(_into(ctx, reader))
    return parts


def _into(ctx: Context, reader: Reader) -> _Into:
    part = _Into(ctx.resolve(reader.name_parts(), action="INSERT"))
    table = ctx.relation(part.target)
    if not TABLE.describes(table):
        raise does_not_exist("Table", part.target.fqn)
    # a bracket with a query in it is the source
    if reader.peek() == "(" and reader.peek(1) not in {"SELECT", "WITH"}:
        reader.next()
        part.columns = reader.listed(reader.identifier)
        reader.expect(")")
    if reader.accept("VALUES"):
        reader.expect("(")
        part.values = reader.listed(lambda: _value(reader))
        reader.expect(")")
        if "DEFAULT" in map(str.upper, part.values):
            named = part.columns or [column.name for column in table.props.columns]
            pairs = [(c, v) for c, v in zip(named, part.values, strict=False) if v.upper() != "DEFAULT"]
            part.columns, part.values = [c for c, _ in pairs], [v for _, v in pairs]
    return part


def _value(reader: Reader) -> str:
    return reader.until(",", ")")
