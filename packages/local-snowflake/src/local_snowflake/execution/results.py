"""What a statement gives back, and how it is encoded for the clients."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from local_snowflake.python.sandbox import zoned_times
from local_snowflake.python.sandbox.values import ARROW_TYPES
from local_snowflake.sql.types import MAX_BINARY, MAX_TEXT, SfType, from_duckdb

# statement type ids: SNOWFLAKE's SFStatementType; they show clients whether rows or row counts come back
SELECT, INSERT, UPDATE, DELETE, MERGE, COPY = 0x1000, 0x3100, 0x3200, 0x3300, 0x3400, 0x3600
MULTI_INSERT = 0x3500
SEVERAL = 0xA000
DML = 0x3000
OTHER = 0


@dataclass
class Column:
    """A result column."""

    name: str
    type: SfType
    nullable: bool = True

    def row_type(self) -> dict[str, Any]:
        """The column as the protocol describes it."""
        t = self.type
        timed = t.name == "TIME" or t.name.startswith("TIMESTAMP")
        text = t.name == "VARCHAR"
        return {
            "name": self.name,
            "database": "",
            "schema": "",
            "table": "",
            "nullable": self.nullable,
            "type": t.logical,
            "precision": t.precision if t.name == "NUMBER" else 0 if timed else None,
            "scale": t.scale if t.name == "NUMBER" or timed else None,
            "length": t.length or None,
            "byteLength": min(t.length * 4, MAX_TEXT) if text else t.length or None,
            "collation": None,
        }


@dataclass
class Result:
    """A statement's outcome."""

    table: pa.Table
    columns: list[Column]
    type_id: int = OTHER
    query_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    # a PUT or GET: what the client is to transfer instead of reading rows
    transfer: dict[str, Any] | None = None
    # of several statements: the ids and types of their results, as the protocol names them
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def named_table(self) -> pa.Table:
        """The rows under the names of the result's columns."""
        return self.table.rename_columns([column.name for column in self.columns])

    def value(self, column: int, row: int = 0) -> Any:
        """One value as Python has it: a TIMESTAMP_TZ with its offset. Column and row are counted from 0."""
        return zoned_times.value_at(self.table.column(column), row)

    @property
    def types(self) -> dict[str, SfType]:
        """The types of the columns by their names."""
        return {column.name: column.type for column in self.columns}


_STATUS_TYPE = SfType("VARCHAR", length=MAX_TEXT)
# the type of the times that SHOW and the like print
TIME = pa.timestamp("us", "UTC")


def status(message: str = "Statement executed successfully.") -> Result:
    """The result of a statement that gives no rows."""
    return Result(pa.table({"status": [message]}), [Column("status", _STATUS_TYPE)])


def several(query_id: str, query_ids: Sequence[str], type_ids: Sequence[str]) -> Result:
    """The result of a request of several statements, with the ids and the types of their results."""
    result = status("Multiple statements executed successfully.")
    result.columns[0].name = "multiple statement execution"
    result.query_id, result.type_id = query_id, SEVERAL
    result.parts = {"resultIds": ",".join(query_ids), "resultTypes": ",".join(type_ids)}
    return result


def counts(type_id: int, **rows: int) -> Result:
    """The result of a DML statement, eg: ``counts(INSERT, inserted=3)``."""
    names = {f"number of {_COUNT_LABELS.get(k, 'rows ' + k)}": v for k, v in rows.items()}
    columns = [Column(name, SfType("NUMBER", 38, 0), nullable=False) for name in names]
    return Result(pa.table({k: pa.array([v], pa.int64()) for k, v in names.items()}), columns, type_id)


_SEMI = {"VARIANT", "OBJECT", "ARRAY"}
_COUNT_LABELS = {"multi_joined": "multi-joined rows updated"}


Columns = Mapping[str, pa.DataType | None]


def rows(records: Sequence[Mapping[str, Any]], columns: Columns | Iterable[str]) -> Result:
    """A result made of records, eg: for SHOW.

    Args:
        records: one mapping a row; a missing column is NULL.
        columns: name -> arrow type, or only names; without a type they are texts, and ``created_on`` a time.
    """
    return from_arrow(record_table(records, columns))


def record_table(records: Sequence[Mapping[str, Any]], columns: Columns | Iterable[str]) -> pa.Table:
    """As ``rows``, an arrow table."""
    kinds = columns if isinstance(columns, Mapping) else dict.fromkeys(columns)
    plain = {"created_on": TIME}
    return pa.table(
        {n: pa.array([r.get(n) for r in records], kind or plain.get(n, pa.string())) for n, kind in kinds.items()}
    )


def from_arrow(table: pa.Table, type_id: int = OTHER) -> Result:
    """A result of an arrow table, its Snowflake types derived from arrow's."""
    return Result(table, [Column(f.name, _from_arrow_type(f.type), f.nullable) for f in table.schema], type_id)


# stands behind the name of a column in DuckDB's SQL whose own name differs from another one's by case only
_APART = "\u2063"


def kept_apart(name: str) -> str:
    """A name that DuckDB tells apart from all that differ from it by case only."""
    lower = "".join(str(int(letter.islower())) for letter in name)
    return f"{name}{_APART}{int(lower, 2):x}"


def own_name(name: str) -> str:
    """The name that a column had before it was ``kept_apart``."""
    return name.partition(_APART)[0]


def from_description(table: pa.Table, description: Sequence[Sequence[Any]]) -> Result:
    """A result of DuckDB's arrow table and its cursor's description."""
    names = [own_name(str(d[0])) for d in description]
    columns = [Column(name, from_duckdb(str(d[1]))) for name, d in zip(names, description, strict=True)]
    return Result(table.rename_columns(names), columns, SELECT)


_ARROW_TYPES: tuple[tuple[Callable[[pa.DataType], bool], SfType], ...] = (
    (pa.types.is_boolean, SfType("BOOLEAN")),
    (pa.types.is_integer, SfType("NUMBER", 38, 0)),
    (pa.types.is_floating, SfType("FLOAT")),
    (pa.types.is_date, SfType("DATE")),
    (pa.types.is_time, SfType("TIME", scale=9)),
    (pa.types.is_binary, SfType("BINARY", length=MAX_BINARY)),
    (pa.types.is_large_binary, SfType("BINARY", length=MAX_BINARY)),
)


def _from_arrow_type(kind: pa.DataType) -> SfType:
    if pa.types.is_decimal(kind):
        return SfType("NUMBER", kind.precision, kind.scale)
    if kind == zoned_times.ARROW:
        return SfType("TIMESTAMP_TZ", scale=9)
    if pa.types.is_timestamp(kind):
        return SfType("TIMESTAMP_LTZ" if kind.tz else "TIMESTAMP_NTZ", scale=9)
    return next((sf_type for fits, sf_type in _ARROW_TYPES if fits(kind)), _STATUS_TYPE)


# what a column of nothing but NULLs is sent as; a client reads the column by its Snowflake type
_OF_NULLS = {"NUMBER": pa.int64(), **ARROW_TYPES}
_INTEGERS = ((2, pa.int8()), (4, pa.int16()), (9, pa.int32()))


def wire_table(result: Result) -> pa.Table:
    """The rows with the arrow types in which clients read Snowflake's: a timestamp as its seconds and nanoseconds."""
    arrays, fields = [], []
    for column, data in zip(result.columns, result.table.columns, strict=True):
        array = _wire_array(data, column.type)
        arrays.append(array)
        metadata = {
            "logicalType": column.type.logical.upper(),
            "precision": str(column.type.precision or 38),
            "scale": str(column.type.scale),
            "charLength": str(column.type.length),
        }
        fields.append(pa.field(column.name, array.type, column.nullable, metadata))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _wire_array(data: pa.ChunkedArray, kind: SfType) -> pa.ChunkedArray | pa.Array:
    if data.null_count == len(data) and kind.name in _OF_NULLS:
        data = pa.chunked_array([pa.nulls(len(data), _OF_NULLS[kind.name])])
    if data.type == zoned_times.ARROW or pa.types.is_temporal(data.type):
        return _wire_time_of(data, kind)
    if pa.types.is_uint64(data.type):
        return _narrowed(data)
    if pa.types.is_float32(data.type):
        return data.cast(pa.float64())
    if pa.types.is_null(data.type):
        return data.cast(pa.string())
    if kind.name in _SEMI or pa.types.is_nested(data.type):
        return pa.array([None if v is None else _pretty(v) for v in data.to_pylist()], pa.string())
    if pa.types.is_decimal(data.type) and data.type.scale == 0:
        data = _narrowed(data)
    if kind.name == "NUMBER" and pa.types.is_integer(data.type):
        return _wire_integers(data, kind.precision)
    return data


def _wire_time_of(data: pa.ChunkedArray, kind: SfType) -> pa.ChunkedArray | pa.Array:
    if data.type == zoned_times.ARROW:
        return _wire_zoned(data)
    if pa.types.is_timestamp(data.type):
        return _wire_timestamp(data)
    return _wire_time(data, kind) if pa.types.is_time(data.type) else data


def _narrowed(data: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers in 64 bits if they fit, as Snowflake sends them: pandas then makes numbers of them, not objects."""
    try:
        return data.cast(pa.int64())
    except pa.ArrowInvalid:
        return data.cast(pa.decimal128(38, 0))


def _wire_integers(data: pa.ChunkedArray, precision: int) -> pa.ChunkedArray:
    """Integers as wide as their type needs, which clients show: a NUMBER(4,0) is an int16 in pandas.

    Source: https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-pandas
    """
    width = next((kind for digits, kind in _INTEGERS if precision <= digits), pa.int64())
    try:
        return data.cast(width)
    except pa.ArrowInvalid:
        # a value of an expression whose type was derived too small
        return data


def _pretty(value: Any) -> str:
    """A VARIANT, an OBJECT or an ARRAY as a result shows it: its keys in order, indented by JSON_INDENT's default.

    Source: https://docs.snowflake.com/en/sql-reference/parameters#json-indent
    """
    if isinstance(value, str):
        if value[:1] not in {"{", "["}:
            return value
        value = json.loads(value)
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2, sort_keys=True)


def _plain(value: Any) -> Any:
    """A value of a list of DuckDB's as JSON has it."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.hex().upper() if isinstance(value, bytes) else str(value)


def _wire_time(data: pa.ChunkedArray, kind: SfType) -> pa.ChunkedArray:
    """The time since midnight, in units of the column's scale: those of TIME(3) are milliseconds."""
    micros = data.cast(pa.time64("us")).cast(pa.int64())
    if kind.scale >= 6:
        return pc.multiply(micros, 10 ** (kind.scale - 6))
    return pc.divide(micros, 10 ** (6 - kind.scale))


def _wire_timestamp(data: pa.ChunkedArray) -> pa.Array:
    """Seconds and nanoseconds."""
    nanos = data.combine_chunks().cast(pa.timestamp("us", data.type.tz)).cast(pa.int64())
    if isinstance(nanos, pa.ChunkedArray):
        nanos = nanos.combine_chunks()
    # rounds towards zero; a fraction is never negative
    whole = pc.divide(nanos, 1_000_000)
    before = pc.less(pc.subtract(nanos, pc.multiply(whole, 1_000_000)), 0).cast(pa.int64())
    epoch = pc.subtract(whole, before)
    fraction = pc.multiply(pc.subtract(nanos, pc.multiply(epoch, 1_000_000)), 1000).cast(pa.int32())
    children = [epoch.fill_null(0), fraction.fill_null(0)]
    fields = [pa.field("epoch", pa.int64(), nullable=False), pa.field("fraction", pa.int32(), nullable=False)]
    return pa.StructArray.from_arrays(children, fields=fields, mask=nanos.is_null())


def _wire_zoned(data: pa.ChunkedArray) -> pa.Array:
    """A TIMESTAMP_TZ: seconds, nanoseconds, and the offset from UTC in minutes + 1440."""
    moments, offsets = zoned_times.moments_and_offsets(data)
    seconds = moments // 1_000_000
    arrays = {
        "epoch": pa.array(seconds, pa.int64()),
        "fraction": pa.array((moments - seconds * 1_000_000) * 1000, pa.int32()),
        "timezone": pa.array(offsets + 1440, pa.int32()),
    }
    fields = [pa.field(name, array.type, nullable=False) for name, array in arrays.items()]
    return pa.StructArray.from_arrays([*arrays.values()], fields=fields, mask=data.combine_chunks().is_null())
