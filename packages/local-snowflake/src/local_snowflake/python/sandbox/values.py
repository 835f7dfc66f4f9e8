"""Column values: arrow <-> what a handler gets and returns, by Snowflake type."""

import datetime as dt
import decimal
import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa

from local_snowflake.python.sandbox import zoned_times

Kind = Sequence[Any]  # name, precision, scale
SEMI_STRUCTURED = {"VARIANT", "OBJECT", "ARRAY", "MAP", "VECTOR", "GEOGRAPHY", "GEOMETRY"}
_DECIMALS = decimal.Context(prec=76)


class SqlNull:
    """SQL's NULL as a VARIANT argument of a function, where None is JSON's null.

    Source: https://docs.snowflake.com/en/developer-guide/udf/python/udf-python-designing#null-values
    """

    is_sql_null = True


SQL_NULL = SqlNull()


def arrow_type(kind: Kind) -> pa.DataType:
    """The arrow type in which values of a Snowflake type travel."""
    name, precision, scale = kind[:3]
    if name == "NUMBER":
        return pa.int64() if scale == 0 and (precision <= 18 or precision == 38) else pa.decimal128(precision, scale)
    return ARROW_TYPES.get(name, pa.string())


ARROW_TYPES = {
    "FLOAT": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
    "TIMESTAMP_LTZ": pa.timestamp("us", "UTC"),
    "TIMESTAMP_TZ": zoned_times.ARROW,
    "BINARY": pa.binary(),
}


def to_python(column: pa.ChunkedArray | pa.Array, kind: Kind) -> list[Any]:
    """The Python values that a handler is called with.

    Source: https://docs.snowflake.com/en/developer-guide/udf-stored-procedure-data-type-mapping
    """
    name, _, scale = kind[:3]
    if name == "TIMESTAMP_TZ" and column.type == zoned_times.ARROW:
        return list(zoned_times.to_datetimes(column))
    values: list[Any] = column.to_pylist()
    if name in SEMI_STRUCTURED:
        return [None if v is None else json.loads(v) for v in values]
    if name == "NUMBER" and scale == 0 and not pa.types.is_integer(column.type):
        return [None if v is None else int(v) for v in values]
    return values


def from_python(values: Iterable[Any], kind: Kind, *, none_is_json: bool = True) -> pa.Array:
    """An arrow array of what a handler returned.

    Args:
        values: its results; what has the attribute ``is_sql_null`` is NULL, as is None but in a VARIANT.
        kind: the declared type.
        none_is_json: whether None is JSON's null in a VARIANT, as functions return it.

    Raises:
        TypeError: for a value that is not of the declared type.
        ValueError: for one that does not fit into it.
    """
    convert = _CONVERTERS.get(kind[0], _text)
    none = "null" if none_is_json and kind[0] == "VARIANT" else None
    converted: list[Any] = [
        none if v is None else None if hasattr(v, "is_sql_null") else convert(v, kind) for v in values
    ]
    if kind[0] == "TIMESTAMP_TZ":
        return zoned_times.from_datetimes(converted)
    try:
        return pa.array(converted, arrow_type(kind))
    except (pa.ArrowInvalid, OverflowError) as error:
        raise ValueError(f"a returned value does not fit into {kind[0]}({kind[1]},{kind[2]}): {error}") from None


def _number(value: Any, kind: Kind) -> Any:
    if isinstance(value, int):
        return int(value) if arrow_type(kind) == pa.int64() else decimal.Decimal(value)
    if isinstance(value, str) or not hasattr(value, "__float__"):
        raise TypeError(f"the function is declared to return NUMBER and returned {type(value).__name__} {value!r}")
    if not isinstance(value, decimal.Decimal):
        value = value.item() if hasattr(value, "item") else value
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"the function is declared to return NUMBER and returned {value}")
        value = decimal.Decimal(str(value))
    rounded = value.quantize(decimal.Decimal(1).scaleb(-kind[2]), decimal.ROUND_HALF_UP, _DECIMALS)
    return int(rounded) if arrow_type(kind) == pa.int64() else rounded


def _text(value: Any, _: Kind) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _instant(value: Any, kind: Kind) -> dt.datetime:
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    elif not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    if kind[0] == "TIMESTAMP_NTZ":
        return value.replace(tzinfo=None)
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _date(value: Any, _: Kind) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _time(value: Any, _: Kind) -> dt.time:
    if isinstance(value, dt.timedelta):
        return (dt.datetime.combine(dt.date.min, dt.time()) + value).time()
    return value if isinstance(value, dt.time) else dt.time.fromisoformat(value)


def _boolean(value: Any, _: Kind) -> bool:
    if isinstance(value, str):
        raise TypeError(f"the function is declared to return BOOLEAN and returned str {value!r}")
    return bool(value)


def plain(value: Any) -> Any:
    """A value without NaN, NA and NumPy's types at its top."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return None if isinstance(value, float) and math.isnan(value) else value


def json_text(value: Any) -> str:
    """A value as the JSON text of a VARIANT: dates as strings, decimals as numbers, NaN as the string "NaN"."""
    try:
        return json.dumps(value, allow_nan=False, default=_jsonable)
    except ValueError:
        return json.dumps(_finite(value), default=_jsonable)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return value


def _jsonable(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex().upper()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be stored in a VARIANT")


_CONVERTERS: dict[str, Callable[[Any, Kind], Any]] = {
    "NUMBER": _number,
    "FLOAT": lambda v, _: float(v),
    "BOOLEAN": _boolean,
    "DATE": _date,
    "TIME": _time,
    **dict.fromkeys(("TIMESTAMP_NTZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ"), _instant),
    "BINARY": lambda v, _: bytes(v),
    **dict.fromkeys(SEMI_STRUCTURED, lambda v, _: json_text(v)),
}
