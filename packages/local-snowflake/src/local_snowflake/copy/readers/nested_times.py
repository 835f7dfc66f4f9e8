"""Timestamps within the objects and arrays of a file: in a VARIANT they are texts with milliseconds.

Source: https://docs.snowflake.com/en/sql-reference/parameters#timestamp-output-format
"""

from datetime import datetime
from typing import Any

import pyarrow as pa


def times_as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of structs, lists or maps whose timestamps are texts; any other column stays as it is."""
    kind = _with_texts(column.type)
    if not pa.types.is_nested(column.type) or kind == column.type:
        return column
    return pa.chunked_array([pa.array([_text(v) for v in column.to_pylist()], kind)])


def _with_texts(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return pa.string()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_with_texts(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_with_texts(kind.key_type), _with_texts(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(kind.value_field.with_type(_with_texts(kind.value_type)))
    return kind


def _text(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, dict):
        return {key: _text(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_text(member) for member in value)
    return value
