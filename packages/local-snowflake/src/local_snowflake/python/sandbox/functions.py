"""Calls of functions over a table of arguments: by row, or vectorized over pandas frames."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pyarrow as pa

from local_snowflake.python.sandbox.values import (
    SEMI_STRUCTURED,
    SQL_NULL,
    Kind,
    arrow_type,
    from_python,
    plain,
    to_python,
)

Call = dict[str, Any]


def evaluate_scalar(handler: Any, call: Call, batch: pa.Table) -> pa.Table:
    """One result for each row; ``call["count"]`` is the number of rows, also where there are no arguments."""
    output = call["outputs"][0][1]
    if is_vectorized(handler):
        # a table of no columns has no rows either
        rows = batch if call["inputs"] else pa.table({"": pa.nulls(call["count"])})
        results = _vectorized(handler, [kind for _, kind in call["inputs"]], output, rows)
    else:
        arguments = rows_of(batch.columns, call, call["count"])
        results = from_python([SQL_NULL if is_skipped(row, call) else handler(*row) for row in arguments], output)
    return pa.table({"RESULT": results})


def rows_of(columns: Iterable[pa.ChunkedArray | pa.Array], call: Call, count: int) -> Iterable[tuple[Any, ...]]:
    """The arguments of each of ``count`` rows, as the handler of a function gets them."""
    values = []
    for column, (_, kind) in zip(columns, call["inputs"], strict=True):
        given = to_python(column, kind)
        if kind[0] == "VARIANT" and column.null_count:
            given = [v if valid else SQL_NULL for v, valid in zip(given, column.is_valid().to_pylist(), strict=True)]
        values.append(given)
    return zip(*values, strict=True) if values else ((),) * count


def is_skipped(row: tuple[Any, ...], call: Call) -> bool:
    """Whether a function is not called for a row, as it is strict and one of the arguments is SQL's NULL."""
    if not call["strict"]:
        return False
    arguments = zip(row, call["inputs"], strict=True)
    return any(v is SQL_NULL or (v is None and kind[0] != "VARIANT") for v, (_, kind) in arguments)


def batches(handler: Any, rows: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """The rows in parts of at most the handler's maximum batch size, each with the number of its first row."""
    size = int(getattr(handler, "_sf_max_batch_size", None) or rows.num_rows or 1)
    for start in range(0, rows.num_rows, size):
        yield start, rows.slice(start, size)


def is_vectorized(handler: Any) -> bool:
    """Whether a handler takes frames instead of rows."""
    return getattr(handler, "_sf_vectorized_input", None) is not None


def _vectorized(handler: Any, kinds: list[Kind], output: Kind, batch: pa.Table) -> pa.ChunkedArray:
    chunks = []
    for _, part in batches(handler, batch):
        frame = to_frame(part, kinds, flatten=bool(getattr(handler, "_sf_flatten_object_input", False)), narrow=True)
        results = series_to_arrow(handler(frame), output)
        if len(results) == 1:
            # one value stands for all rows of its batch: Snowpark's own tests of vectorized functions rely on it
            results = pa.repeat(results[0], part.num_rows) if part.num_rows else results[:0]
        if len(results) != part.num_rows:
            raise ValueError(f"the handler returned {len(results)} results for a batch of {part.num_rows} rows")
        chunks.append(results)
    return pa.chunked_array(chunks, arrow_type(output))


def to_frame(batch: pa.Table, kinds: list[Kind], *, flatten: bool = False, narrow: bool = False) -> Any:
    """The rows as a DataFrame whose columns are numbered.

    Args:
        batch: one column an argument.
        kinds: their Snowflake types.
        flatten: whether the members of a single object become the columns.
        narrow: whether whole numbers come in 16, 32 or 64 bits, as their values need, and booleans in pandas' own type:
            what a function gets; a model's signature says its types.

    Source: https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-batch#type-support
    """
    import pandas as pd

    if flatten and len(kinds) == 1 and kinds[0][0] in SEMI_STRUCTURED:
        objects = to_python(batch.columns[0], kinds[0])
        frame = pd.DataFrame.from_records(objects)
        frame.columns = range(frame.shape[1])
        return frame
    given = batch.columns[: len(kinds)]
    arrays = [_narrowed(c, k) if narrow else c for c, k in zip(given, kinds, strict=True)]
    columns = {i: _series(c, k, nullable=narrow) for i, (c, k) in enumerate(zip(arrays, kinds, strict=True))}
    return pd.DataFrame(columns, index=range(batch.num_rows))


def _narrowed(column: pa.ChunkedArray, kind: Kind) -> pa.ChunkedArray:
    """Whole numbers in the fewest of 16, 32 and 64 bits that hold all of them."""
    if kind[0] == "NUMBER" and not kind[2] and pa.types.is_int64(column.type):
        for width in (pa.int16(), pa.int32()):
            with suppress(pa.ArrowInvalid):
                return column.cast(width)
    return column


def _series(column: pa.ChunkedArray, kind: Kind, *, nullable: bool) -> Any:
    import pandas as pd

    name, _, scale = kind[:3]
    if name == "NUMBER" and scale:
        column = column.cast(pa.float64())
    elif name == "NUMBER" and pa.types.is_decimal(column.type):
        return pd.Series(to_python(column, kind), dtype=object)
    if name == "NUMBER" and not scale and column.null_count:
        dtypes = {pa.int16(): pd.Int16Dtype(), pa.int32(): pd.Int32Dtype(), pa.int64(): pd.Int64Dtype()}
        return column.to_pandas(types_mapper=dtypes.get)
    if name == "BOOLEAN" and (nullable or column.null_count):
        return column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    if name in {"DATE", "TIME"}:
        # a time is the span since midnight
        moments = column.cast(pa.int64() if name == "TIME" else pa.timestamp("ns"))
        return (moments.cast(pa.duration("us")) if name == "TIME" else moments).to_pandas()
    if name in SEMI_STRUCTURED or name == "TIMESTAMP_TZ":
        return pd.Series(to_python(column, kind), dtype=object)
    return column.to_pandas()


def series_to_arrow(result: Any, kind: Kind) -> pa.Array:
    """What a vectorized handler returned, as an arrow array of the declared type; NaN and NA are NULL."""
    import pandas as pd

    if isinstance(result, pd.DataFrame):
        if result.shape[1] != 1:
            raise ValueError(f"a vectorized function returns one column; its handler returned {result.shape[1]}")
        result = result.iloc[:, 0]
    kind_of = getattr(getattr(result, "dtype", None), "kind", "O")
    target = arrow_type(kind)
    rounded = kind_of == "f" and target == pa.int64()
    if kind_of in "iufb" and target in {pa.float64(), pa.int64(), pa.bool_()} and not rounded:
        return flat(pa.array(result, from_pandas=True).cast(target))
    if isinstance(result, (pd.Series, pd.Index)):
        result = result.astype(object).where(pd.notna(result), None) if kind[0] not in SEMI_STRUCTURED else result
        result = result.tolist()
    elif hasattr(result, "tolist"):
        result = result.tolist()
    return from_python([SQL_NULL if v is not None and plain(v) is None else plain(v) for v in result], kind)


def flat(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    """An array in one piece."""
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
