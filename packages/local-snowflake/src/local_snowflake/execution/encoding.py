"""The rows of a result as clients get them: as arrow, or in the format jsonv2, in which every value is a text.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from local_snowflake.execution.results import COPY, DML, OTHER, Result, wire_table
from local_snowflake.sql.types import SfType

_EPOCH = date(1970, 1, 1)
_SECOND = 10**9


def encode(result: Result) -> dict[str, Any]:
    """The rows as the protocol carries them: those of queries as arrow, as bytes; those of other statements as JSON.

    The connectors make no pandas or arrow of the latter:
    https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-pandas
    """
    if result.type_id == OTHER or (result.type_id >= DML and result.type_id != COPY):
        return {"queryResultFormat": "json", "rowset": _rowset(result)}
    if not result.table.num_rows:
        # clients make an empty table of the described columns; a stream without a batch they cannot read as one
        return {"queryResultFormat": "arrow", "rowsetBase64": b""}
    sink = pa.BufferOutputStream()
    table = wire_table(result)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=100_000)
    return {"queryResultFormat": "arrow", "rowsetBase64": sink.getvalue()}


def _rowset(result: Result) -> list[list[str | None]]:
    """The rows as texts, with a truth value as 1 or 0 and a time with the decimals of its type."""
    kinds = [column.type for column in result.columns]
    return [
        [text if text is None else _of_connectors(text, kind) for text, kind in zip(row, kinds, strict=True)]
        for row in text_rows(result)
    ]


def _of_connectors(text: str, kind: SfType) -> str:
    if kind.name == "BOOLEAN":
        return str(int(text == "true"))
    if kind.name == "TIME" or kind.name.startswith("TIMESTAMP"):
        time, *offset = text.split(" ")
        return " ".join([time[: len(time) - 9 + kind.scale].rstrip("."), *offset])
    return text


def text_rows(result: Result) -> list[list[str | None]]:
    """The rows, each value as a text; None for NULL.

    A DATE is the days since 1970, a TIME the seconds since midnight, a timestamp the seconds since 1970 with nine
    decimals; behind that of a TIMESTAMP_TZ stands its offset from UTC in minutes + 1440. Bytes are hexadecimal.
    """
    values = [
        [None if value is None else _text(value, column.type) for value in data.to_pylist()]
        for column, data in zip(result.columns, wire_table(result).columns, strict=True)
    ]
    return [list(row) for row in zip(*values, strict=True)]


def _text(value: Any, kind: SfType) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        seconds = _seconds(value["epoch"] * _SECOND + value["fraction"])
        return f"{seconds} {value['timezone']}" if "timezone" in value else seconds
    if kind.name == "TIME":
        return _seconds(value * 10 ** (9 - kind.scale))
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str((value - _EPOCH).days) if isinstance(value, date) else str(value)


def _seconds(nanoseconds: int) -> str:
    whole, fraction = divmod(abs(nanoseconds), _SECOND)
    return f"{'-' if nanoseconds < 0 else ''}{whole}.{fraction:09d}"
