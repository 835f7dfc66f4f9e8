"""EXPLAIN: the operations that make a query's rows, which does not run.

The operations are DuckDB's, with the names of an account's: the plan of an account may have others, and its own costs.

Source: https://docs.snowflake.com/en/sql-reference/sql/explain
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import TABLE
from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, rows
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.queries import describe, plan_of_query
from local_snowflake.sql.statement import Statement, skip_head

_OPERATIONS = {
    "SEQ_SCAN": "TableScan",
    "FILTER": "Filter",
    "PROJECTION": "Projection",
    "HASH_GROUP_BY": "Aggregate",
    "PERFECT_HASH_GROUP_BY": "Aggregate",
    "UNGROUPED_AGGREGATE": "Aggregate",
    "ORDER_BY": "Sort",
    "TOP_N": "SortWithLimit",
    "LIMIT": "Limit",
    "STREAMING_LIMIT": "Limit",
    "WINDOW": "WindowFunction",
    "STREAMING_WINDOW": "WindowFunction",
    "UNION": "UnionAll",
    "CROSS_PRODUCT": "CartesianJoin",
    "COLUMN_DATA_SCAN": "ValuesClause",
    "UNNEST": "Flatten",
    "CTE": "WithClause",
    "CTE_SCAN": "WithReference",
    "DUMMY_SCAN": "Generator",
    "EMPTY_RESULT": "Generator",
}
_JOINS = {"INNER": "InnerJoin", "LEFT": "LeftOuterJoin", "RIGHT": "RightOuterJoin", "OUTER": "FullOuterJoin"}
_EXPRESSIONS = ("Projections", "Filters", "Expression", "Conditions", "Groups", "Aggregates", "Order By")
_NUMBERED = re.compile(r"#\[?[\d.]+\]?")
_TEXT = dict.fromkeys(("parentOperators", "operation", "objects", "alias", "expressions"), pa.string())
_COUNTS = dict.fromkeys(("partitionsTotal", "partitionsAssigned", "bytesAssigned"), pa.int64())
_COLUMNS: Mapping[str, pa.DataType | None] = {"step": pa.int64(), "id": pa.int64()} | _TEXT | _COUNTS


@dataclass(frozen=True)
class Operation:
    """An operation: its number, that of the one that takes its rows, its name, and what it reads or computes."""

    number: int
    parent: int | None
    name: str
    table: str | None
    expressions: tuple[str, ...]


@statement("EXPLAIN")
def explain(ctx: Context, stmt: Statement) -> Result:
    """EXPLAIN [USING TABULAR, JSON or TEXT]: 000002 for a statement that is no query."""
    reader = skip_head(stmt)
    form = reader.next().text.upper() if reader.accept("USING") else "TABULAR"
    if form not in _FORMS:
        reader.at -= 1
        raise reader.unexpected("TABULAR, JSON or TEXT")
    tree = ctx.compiler.parse(ctx, reader.rest())
    if not isinstance(tree, exp.Query):
        raise not_supported(f"EXPLAIN of {tree.key.upper()}")
    top = Operation(0, None, "Result", None, tuple(c.name for c in describe(ctx, reader.rest()).columns))
    plan = plan_of_query(ctx, tree)
    tables: dict[tuple[str, ...], str] = {
        (t.name.physical_schema, t.name.name): t.name.fqn for t in ctx.services.catalog.all(TABLE)
    }
    return _FORMS[form]([top, *_operations(plan, tables, 0, itertools.count(1))])


def _operations(
    node: Mapping[str, Any], tables: Mapping[tuple[str, ...], str], parent: int, numbers: Iterator[int]
) -> Iterator[Operation]:
    """An operation of DuckDB's plan, and those below it."""
    number, about = next(numbers), node.get("extra_info") or {}
    kind, join = str(node["name"]).strip(), str(about.get("Join Type", ""))
    name = _JOINS.get(join, join.title() + "Join") if join else _OPERATIONS.get(kind, kind.title().replace("_", ""))
    table = tables.get(tuple(split_parts(about["Table"])[-2:])) if "Table" in about else None
    texts = [about[key] for key in _EXPRESSIONS if key in about]
    expressions = itertools.chain.from_iterable(text if isinstance(text, list) else [text] for text in texts)
    # what comes from below has a number only
    yield Operation(number, parent, name, table, tuple(e for e in expressions if e and not _NUMBERED.fullmatch(e)))
    for child in node.get("children") or []:
        yield from _operations(child, tables, number, numbers)


def _as_rows(operations: Sequence[Operation]) -> Result:
    records: list[dict[str, Any]] = [{"operation": "GlobalStats"}]
    for each in operations:
        parents = f"[{each.parent}]" if each.parent is not None else None
        texts = ", ".join(each.expressions) or None
        records.append(
            {"step": 1, "id": each.number, "parentOperators": parents, "operation": each.name, "objects": each.table}
            | {"expressions": texts}
        )
    return rows(records, _COLUMNS)


def _as_json(operations: Sequence[Operation]) -> Result:
    found = []
    for each in operations:
        about = {"parentOperators": [each.parent] if each.parent is not None else None}
        lists = {"objects": [each.table] if each.table else None, "expressions": list(each.expressions)}
        entry = {"id": each.number, "operation": each.name, **about, **lists}
        found.append({key: value for key, value in entry.items() if value not in (None, [])})
    return _content(json.dumps({"GlobalStats": {}, "Operations": [found]}, ensure_ascii=False))


def _as_text(operations: Sequence[Operation]) -> Result:
    depths: dict[int | None, int] = {None: -1}
    lines = ["GlobalStats:", "Operations:"]
    for each in operations:
        depths[each.number] = depths[each.parent] + 1
        words = [each.name, each.table or "", ", ".join(each.expressions)]
        lines.append(f"1:{each.number}{' ' * (5 * depths[each.number] + 5)}->{'  '.join(w for w in words if w)}")
    return _content("\n".join(lines) + "\n")


def _content(text: str) -> Result:
    return rows([{"content": text}], ["content"])


_FORMS: dict[str, Callable[[Sequence[Operation]], Result]] = {
    "TABULAR": _as_rows,
    "JSON": _as_json,
    "TEXT": _as_text,
}
