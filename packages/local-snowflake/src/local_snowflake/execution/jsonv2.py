"""The rows of a result as the SQL API carries them, in the format jsonv2: every value is a text.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/handling-responses
"""

from datetime import date
from decimal import Decimal
from typing import Any

from local_snowflake.execution.results import Result, wire_table
from local_snowflake.sql.types import SfType

_EPOCH = date(1970, 1, 1)
_SECOND = 10**9


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
