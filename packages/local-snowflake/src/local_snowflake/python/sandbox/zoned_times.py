"""TIMESTAMP_TZ in arrow: an interval as ``functions.zoned_times`` describes it <-> datetimes, moments and offsets."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

ARROW = pa.month_day_nano_interval()
_LAYOUT = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])
_DAYS_TO_1970 = (dt.date(1970, 1, 1) - dt.date(1, 1, 1)).days
_MICROSECONDS_OF_DAY = 86_400_000_000
# an offset is written in months of 30 days, in whole years
_MONTHS, _DAYS = 12, 360
_MINUTES_OF_DAY = 1440
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def moments_and_offsets(column: pa.Array | pa.ChunkedArray) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Microseconds since 1970 and minutes from UTC, one of each a value (n,); what a NULL has is of no meaning."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [_raw(chunk) for chunk in chunks] or [np.empty(0, _LAYOUT)]
    raw = np.concatenate(parts)
    written = -(raw["months"].astype(np.int64) // _MONTHS)
    days = raw["days"].astype(np.int64) - _DAYS * written - _DAYS_TO_1970
    return days * _MICROSECONDS_OF_DAY + raw["nanoseconds"] // 1000, written - _MINUTES_OF_DAY


def _raw(chunk: pa.Array) -> np.ndarray[Any, Any]:
    values = np.frombuffer(chunk.buffers()[1] or b"", _LAYOUT)[chunk.offset : chunk.offset + len(chunk)]
    if not chunk.null_count:
        return values
    values = values.copy()
    values[np.asarray(chunk.is_null())] = 0
    return values


def to_datetimes(column: pa.Array | pa.ChunkedArray) -> list[dt.datetime | None]:
    """The values with their offsets; None for NULL."""
    moments, offsets = moments_and_offsets(column)
    return [
        None if null else (_EPOCH + dt.timedelta(microseconds=int(m))).astimezone(zone(int(o)))
        for m, o, null in zip(moments, offsets, column.is_null().to_pylist(), strict=True)
    ]


def value_at(column: pa.ChunkedArray, row: int) -> Any:
    """One value of a column of any type, as Python has it."""
    return to_datetimes(column.slice(row, 1))[0] if column.type == ARROW else column[row].as_py()


def zone(minutes: int) -> dt.timezone:
    """The time zone of an offset."""
    return dt.timezone(dt.timedelta(minutes=minutes))


def from_datetimes(values: Iterable[dt.datetime | None]) -> pa.Array:
    """Datetimes that have an offset, or None, as an arrow array."""
    return pa.array([None if value is None else _interval(value) for value in values], ARROW)


def _interval(value: dt.datetime) -> tuple[int, int, int]:
    written = int((value.utcoffset() or dt.timedelta()).total_seconds() // 60) + _MINUTES_OF_DAY
    since = value - _EPOCH
    nanoseconds = (since.seconds * 1_000_000 + since.microseconds) * 1000
    return -_MONTHS * written, since.days + _DAYS_TO_1970 + _DAYS * written, nanoseconds
