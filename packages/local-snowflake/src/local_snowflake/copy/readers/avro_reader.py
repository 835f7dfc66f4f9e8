"""Reads staged Avro files with fastavro: a file's records as documents, and the columns of its schema.

Source: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

import io
import json
import lzma
import math
import struct
import zlib
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import pyarrow as pa

# not fastavro.reader: that one is compiled and ends the whole process at records that are nested some thousands deep
from fastavro._read_py import reader

from local_snowflake.copy.readers.json_reader import JSON
from local_snowflake.copy.rejects import ROW, Content
from local_snowflake.errors import SnowflakeError, not_supported

_FAULTS = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RecursionError, TypeError, ValueError)
_DAMAGE = (*_FAULTS, lzma.LZMAError, struct.error, zlib.error)
# what fastavro reads each codec with: a package of that name, or Python itself
_CODECS = {
    **dict.fromkeys(("null", "deflate", "bzip2", "xz"), None),
    "snappy": "cramjam",
    "zstandard": "zstandard",
}


def read_avro(data: bytes, name: str) -> Content:
    """Read a file's records, each as one document: an object's members are in the order of their keys.

    A value of a union is the value itself, bytes are in hexadecimal, and a logical type other than a decimal has no
    effect: unverified on an account.

    Args:
        data: the file's content.
        name: what errors call the file.

    Raises:
        SnowflakeError: 100139, if it is no Avro file, or is damaged; 2, if its blocks have a codec that is not
            supported.

    Source: https://docs.snowflake.com/en/user-guide/semistructured-data-formats#avro
    """
    try:
        records = _opened(data, name)
        texts = [json.dumps(_plain(r), ensure_ascii=False, separators=(",", ":"), sort_keys=True) for r in records]
    except _DAMAGE as error:
        raise _damaged(name, error) from None
    documents = pa.ExtensionArray.from_storage(JSON, pa.array(texts, pa.string()))
    return Content(pa.table({"J": documents, ROW: pa.array(range(1, len(texts) + 1), pa.int64())}), len(texts))


def schema_of_avro(data: bytes, name: str) -> pa.Schema:
    """The columns of a file: the fields of its records, of arrow's types.

    Args:
        data: the file's content.
        name: what errors call the file.

    Raises:
        SnowflakeError: as for :func:`read_avro`.
    """
    try:
        schema = _opened(data, name).writer_schema
        fields = schema.get("fields", []) if isinstance(schema, dict) else []
        return pa.schema([_field(f["name"], f["type"]) for f in fields])
    except _DAMAGE as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: BaseException) -> SnowflakeError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SnowflakeError(100139, "22000", f"Error parsing the avro file: {reason}\n  File '{name}'")


def _opened(data: bytes, name: str) -> Any:
    """The file behind its header.

    Raises:
        SnowflakeError: 2, if nothing reads its codec.
    """
    records = reader(io.BytesIO(data))
    codec = records.codec
    needed = _CODECS.get(codec, codec)
    if codec not in _CODECS or (needed and not find_spec(needed)):
        how = f"install the package {needed} in the server's environment, or write" if codec in _CODECS else "write"
        raise not_supported(f"the codec {codec} of the Avro file '{name}' ({how} the file with the codec deflate)")
    _without_logical_types(records.writer_schema)
    return records


def _without_logical_types(schema: Any) -> None:
    """Have the reader give the values that are in the file, but decimals, whose bytes mean nothing alone."""
    if isinstance(schema, list):
        for part in schema:
            _without_logical_types(part)
    elif isinstance(schema, dict):
        if schema.get("logicalType") != "decimal":
            schema.pop("logicalType", None)
        for part in (schema.get("type"), schema.get("items"), schema.get("values"), schema.get("fields")):
            _without_logical_types(part)


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if isinstance(value, bytes):
        return value.hex().upper()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else str(value)
    return value


# -- columns -----------------------------------------------------------------------------------------------------------

_ARROW = {
    **dict.fromkeys(("int", "long"), pa.int64()),
    **dict.fromkeys(("float", "double"), pa.float64()),
    **dict.fromkeys(("bytes", "fixed"), pa.binary()),
    **dict.fromkeys(("record", "map"), pa.struct([])),
    "boolean": pa.bool_(),
    "array": pa.list_(pa.string()),
}


def _field(name: str, schema: Any) -> pa.Field:
    """A field of a record: a union with null may be NULL, a union of several types has none of its own."""
    options = schema if isinstance(schema, list) else [schema]
    kinds = [o for o in options if o != "null"]
    kind = kinds[0] if len(kinds) == 1 else "string"
    if isinstance(kind, dict) and kind.get("logicalType") == "decimal":
        arrow = pa.decimal128(kind["precision"], kind.get("scale", 0))
    else:
        arrow = _ARROW.get(kind["type"] if isinstance(kind, dict) else kind, pa.string())
    return pa.field(name, arrow, nullable=len(kinds) < len(options))
