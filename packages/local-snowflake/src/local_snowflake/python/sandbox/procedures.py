"""Calls of procedures: the handler gets a Snowpark session that works in its caller's session."""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from local_snowflake.python.sandbox.functions import Call, rows_of
from local_snowflake.python.sandbox.values import SQL_NULL, from_python


def call_procedure(handler: Any, call: Call, batch: pa.Table) -> pa.Table:
    """Call a procedure once, with a session before its arguments.

    ``call["connection"]`` has the connector's keyword arguments, ``call["table"]`` is whether a table comes back
    instead of one row RESULT.
    """
    (arguments,) = rows_of(batch.columns, call, 1)
    with _session(call["connection"]) as session:
        # the documentation of NULL in a VARIANT is about functions
        result = handler(session, *(None if a is SQL_NULL else a for a in arguments))
        if inspect.iscoroutine(result):
            import asyncio

            result = asyncio.run(result)
        if call["table"]:
            return _rows(session, result)
    return pa.table({"RESULT": from_python([result], call["outputs"][0][1], none_is_json=False)})


@contextmanager
def _session(connection: dict[str, Any]) -> Iterator[Any]:
    from snowflake.snowpark import Session
    from snowflake.snowpark import session as sessions

    session = Session.builder.configs(connection).create()
    try:
        yield session
    finally:
        # Session.close() would cancel every statement of the session, so the CALL itself too
        sessions._remove_session(session)
        session.connection.close(retry=False)


def _rows(session: Any, result: Any) -> pa.Table:
    from snowflake.snowpark import DataFrame

    if isinstance(result, DataFrame):
        table = result.to_arrow()
        plain = [n[1:-1].replace('""', '"') if n[:1] == '"' == n[-1:] else n for n in table.column_names]
        return table.rename_columns(plain)
    if "pandas" in sys.modules:
        import pandas as pd

        if isinstance(result, pd.DataFrame):
            return pa.Table.from_pandas(result, preserve_index=False)
    if isinstance(result, pa.Table):
        return result
    kind = type(result).__name__
    raise TypeError(f"the procedure is declared to return a table: its handler has to return a DataFrame, not {kind}")
