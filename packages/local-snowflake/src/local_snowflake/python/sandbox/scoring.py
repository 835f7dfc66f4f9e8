"""Calls of a model's methods over many rows at once.

The function that the Registry generates for a method (functions/<method>.py, ``infer``) prepares its input, runs the
model and turns the resulting frame into one dict a row, which costs more than most models. Here ``infer`` itself
runs, but it is handed an empty result, and the model's frame is read by column instead.
"""

import ast
import inspect
import json
import os
import sys
import textwrap
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from local_snowflake.python.sandbox.functions import batches, flat, to_frame
from local_snowflake.python.sandbox.values import SEMI_STRUCTURED, json_text, plain

# the whole result of a method, as JSON text; and that of a method whose result is a single value
OBJECT, VALUE = "*", ""
_RUN = "predictions_df = runner(input_df, **method_params)"
_RECORDS = "return predictions_df.replace({pd.NA: None, np.nan: None}).to_dict('records')"
_SINGLE = "return predictions_df.replace({pd.NA: None, np.nan: None}).iloc[:, 0]"
# a chunk of a statement that is evaluated by two processes at once
_MANY_ROWS = 50_000
_INTEGER = r"^(-?\d+)$"


def evaluate_model(infer: Any, call: dict[str, Any], batch: pa.Table) -> pa.Table:
    """The results of a method.

    Args:
        infer: the method's generated function.
        call: inputs (name, type), and as outputs the requested results: a field's name, ``OBJECT`` or ``VALUE``; a
            field of a semi-structured type is returned as JSON text.
        batch: one column an argument, in order.

    Returns:
        One column for each requested result.
    """
    kinds = [kind for _, kind in call["inputs"]]
    flatten = bool(getattr(infer, "_sf_flatten_object_input", False))
    parts = []
    with _threads(batch.num_rows):
        for _, part in batches(infer, batch):
            results = _run(infer, to_frame(part, kinds, flatten=flatten))
            if len(results) != part.num_rows:
                raise ValueError(f"the model returned {len(results)} results for a batch of {part.num_rows} rows")
            parts.append(pa.table({name: _column(results, name, kind[0]) for name, kind in call["outputs"]}))
    return pa.concat_tables(parts, promote_options="permissive")


def _threads(rows: int) -> AbstractContextManager[Any]:
    """Leave cores to the other process that works on the same statement, if it has many rows."""
    if rows < _MANY_ROWS:
        return nullcontext()
    limited: AbstractContextManager[Any] = _controller().limit(limits=max(1, (os.cpu_count() or 1) // 2))
    return limited


@lru_cache(maxsize=1)
def _controller() -> Any:
    """The thread pools of the libraries that are loaded: found once, the models' libraries are there by then."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _run(infer: Any, frame: Any) -> Any:
    """The model's frame, or what ``infer`` returned if it is not the function that is expected."""
    import pandas as pd

    module: Any = sys.modules.get(infer.__module__)
    if not _is_generated(infer) or module is None:
        return infer(frame)
    if module.runner is None:
        module.load_model()
    runner, caught = module.runner, []

    def catching(*arguments: Any, **named: Any) -> Any:
        result = runner(*arguments, **named)
        caught.append(result)
        return result.iloc[:0] if isinstance(result, pd.DataFrame) else result

    module.runner = catching
    try:
        answer = infer(frame)
    finally:
        module.runner = runner
    return caught[0] if isinstance(caught[0], pd.DataFrame) else answer


@lru_cache(maxsize=64)
def _is_generated(infer: Any) -> bool:
    """Whether a function ends as the generated ones do: it runs the model, and converts what comes back."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(infer))).body[0]
    except (OSError, TypeError, SyntaxError):
        return False
    if not isinstance(body, ast.FunctionDef):
        return False
    *_, run, end = (ast.unparse(statement) for statement in body.body) if len(body.body) > 1 else ("", "")
    return run == _RUN and end in {_RECORDS, _SINGLE} and hasattr(sys.modules.get(infer.__module__), "runner")


def _column(results: Any, name: str, kind: str) -> pa.Array:
    """One requested result of all rows."""
    import pandas as pd

    if isinstance(results, pd.DataFrame):
        if name == OBJECT:
            return _objects(results)
        series = results.iloc[:, 0] if name == VALUE else results[name] if name in results.columns else None
    elif name == OBJECT:
        return pa.array([json_text(r) for r in results], pa.string())
    else:
        series = results if name == VALUE else [r.get(name) for r in results]
    if series is None:
        return pa.nulls(len(results), pa.string())
    return _json_texts(series) if kind in SEMI_STRUCTURED else _scalars(series)


def _scalars(series: Any) -> pa.Array:
    """A column of numbers, text, …; NaN and NA are NULL."""
    try:
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _json_texts(series)
    array = flat(array)
    if pa.types.is_nested(array.type):
        return _json_texts(series)
    return array.cast(pa.float64()) if pa.types.is_floating(array.type) else array


def _json_texts(series: Any) -> pa.Array:
    return pa.array([None if (value := plain(v)) is None else json_text(value) for v in series], pa.string())


def _objects(frame: Any) -> pa.Array:
    """Each row of a frame as the JSON text of an object."""
    columns = [frame.iloc[:, i] for i in range(frame.shape[1])]
    if frame.shape[1] and all(getattr(c.dtype, "kind", "O") in "iufb" for c in columns):
        columns_of_text = [_number_text(pa.array(c, from_pandas=True)) for c in columns]
        if all(t is not None for t in columns_of_text):
            pieces: list[Any] = []
            for i, (name, text) in enumerate(zip(frame.columns, columns_of_text, strict=True)):
                pieces += [("{" if i == 0 else ", ") + json.dumps(str(name)) + ": ", text]
            return pc.binary_join_element_wise(*pieces, "}", "")
    names = [str(name) for name in frame.columns]
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return pa.array([json_text(dict(zip(names, map(plain, row), strict=True))) for row in rows], pa.string())


def _number_text(column: pa.Array) -> pa.Array | None:
    """Numbers as JSON; None if some have no form in JSON."""
    floating = pa.types.is_floating(column.type)
    if floating:
        column = column.cast(pa.float64())
        if not pc.all(pc.is_finite(column), min_count=0).as_py():
            return None
    text = column.cast(pa.string())
    if floating:
        # a whole number stays one with a fraction
        text = pc.replace_substring_regex(text, _INTEGER, r"\1.0")
    return text.fill_null("null")
