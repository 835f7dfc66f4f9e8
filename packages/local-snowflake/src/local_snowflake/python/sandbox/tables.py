"""Calls of table functions (UDTF) and aggregate functions (UDAF): a handler object a partition or group."""

import types
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from local_snowflake.python.sandbox.functions import (
    Call,
    batches,
    is_skipped,
    is_vectorized,
    rows_of,
    series_to_arrow,
    to_frame,
)
from local_snowflake.python.sandbox.values import SQL_NULL, arrow_type, from_python

# of a result row: the input row that it belongs to, and whether it came from end_partition
ROW, END = "$ROW", "$END"


def evaluate_table(handler: Any, call: Call, batch: pa.Table) -> pa.Table:
    """The rows that a table function returns for the partitions of its input.

    Args:
        handler: the class, with ``process`` and, or, ``end_partition``.
        call: inputs and outputs (name, type), partitions: how many rows each has, one behind the other.
        batch: one column an argument, in order.

    Returns:
        The output columns, and ROW and END.
    """
    fields = [(f"F{i}", arrow_type(kind)) for i, (_, kind) in enumerate(call["outputs"])]
    parts = [pa.schema([*fields, (ROW, pa.int64()), (END, pa.bool_())]).empty_table()]
    start = 0
    for size in call["partitions"]:
        instance = handler()
        parts += _process(instance, call, batch.slice(start, size), start, size)
        if hasattr(instance, "end_partition"):
            parts += _end_partition(instance, call, batch.slice(start, size), start + size - 1)
        start += size
    return pa.concat_tables(parts)


def _process(instance: Any, call: Call, part: pa.Table, start: int, size: int) -> Iterator[pa.Table]:
    process = getattr(instance, "process", None)
    if process is None:
        return
    if is_vectorized(process):
        for offset, batch in batches(process, part):
            positions = list(range(start + offset, start + offset + batch.num_rows))
            for columns in _frames(process(_named_frame(batch, call))):
                yield _table(columns, call, positions, end=False)
        return
    outputs: list[Any] = []
    rows: list[int] = []
    for i, values in enumerate(rows_of(part.columns, call, size)):
        before = len(outputs)
        if is_skipped(values, call):
            # NULL in every column
            outputs.append((SQL_NULL,) * len(call["outputs"]))
        else:
            outputs += _tuples(process(*values), call)
        rows += [start + i] * (len(outputs) - before)
    yield _row_table(outputs, call, rows, end=False)


def _end_partition(instance: Any, call: Call, part: pa.Table, last: int) -> Iterator[pa.Table]:
    end = instance.end_partition
    result = end(_named_frame(part, call)) if is_vectorized(end) else end()
    # the rows of what has a vectorized process are frames, too
    if is_vectorized(end) or is_vectorized(getattr(instance, "process", None)):
        for columns in _frames(result):
            yield _table(columns, call, None, end=True, last=last)
    else:
        outputs = _tuples(result, call)
        yield _row_table(outputs, call, [last] * len(outputs), end=True)


def _named_frame(part: pa.Table, call: Call) -> Any:
    frame = to_frame(part, [kind for _, kind in call["inputs"]], narrow=True)
    frame.columns = [name for name, _ in call["inputs"]]
    return frame


def _tuples(result: Iterable[Any] | None, call: Call) -> list[Any]:
    """The rows that a handler returned or yielded."""
    rows = [] if result is None else list(result)
    width = len(call["outputs"])
    for row in rows:
        if not isinstance(row, (tuple, list)) or len(row) != width:
            raise TypeError(
                f"a table function returns rows as tuples of {width} values, as it declares; this returned {row!r}"
            )
    return rows


def _row_table(outputs: list[Any], call: Call, rows: list[int], *, end: bool) -> pa.Table:
    columns = list(zip(*outputs, strict=True)) if outputs else [()] * len(call["outputs"])
    arrays = [from_python(values, kind) for values, (_, kind) in zip(columns, call["outputs"], strict=True)]
    return _with_rows(arrays, rows, end=end)


def _frames(result: Any) -> Iterator[list[Any]]:
    """The columns of each frame that a vectorized handler gave: a DataFrame, a tuple of columns, or several of them."""
    import pandas as pd

    if result is None:
        return
    if isinstance(result, types.GeneratorType):
        for one in result:
            yield from _frames(one)
    elif isinstance(result, pd.DataFrame):
        yield [result.iloc[:, i] for i in range(result.shape[1])]
    elif isinstance(result, (tuple, list)):
        yield [pd.Series(column) for column in result]
    else:
        yield [pd.Series(result)]


def _table(columns: list[Any], call: Call, rows: list[int] | None, *, end: bool, last: int = 0) -> pa.Table:
    if len(columns) != len(call["outputs"]):
        raise ValueError(f"the handler gave {len(columns)} columns and the function declares {len(call['outputs'])}")
    arrays = [series_to_arrow(c, kind) for c, (_, kind) in zip(columns, call["outputs"], strict=True)]
    count = len(arrays[0])
    if rows is not None and len(rows) != count:
        raise ValueError(
            f"a vectorized process returns one row for each of its {len(rows)} input rows; this returned {count}"
        )
    return _with_rows(arrays, rows if rows is not None else [last] * count, end=end)


def _with_rows(arrays: list[pa.Array], rows: list[int], *, end: bool) -> pa.Table:
    named = {f"F{i}": array for i, array in enumerate(arrays)}
    return pa.table({**named, ROW: pa.array(rows, pa.int64()), END: pa.array([end] * len(rows), pa.bool_())})


def evaluate_aggregate(handler: Any, call: Call, batch: pa.Table) -> pa.Table:
    """One result for each group; the batch has one column, for each group the list of its rows as structures."""
    results = []
    for group in batch.column(0).combine_chunks():
        instance = handler()
        if group.is_valid:
            columns = [group.values.field(k) for k in range(len(call["inputs"]))]
            for row in rows_of(columns, call, len(group.values)):
                instance.accumulate(*row)
        results.append(instance.finish())
    return pa.table({"RESULT": from_python(results, call["outputs"][0][1])})
