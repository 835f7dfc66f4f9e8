"""Reads staged Avro files: an object container file's records as documents, and its schema.

Source: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

import bz2
import decimal
import io
import json
import lzma
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from local_snowflake.copy.readers.json_reader import JSON
from local_snowflake.copy.rejects import ROW, Content
from local_snowflake.errors import SnowflakeError, not_supported

_MAGIC = b"Obj\x01"
_FAULTS = (ValueError, KeyError, TypeError, EOFError, struct.error, zlib.error, OSError, RecursionError, lzma.LZMAError)
Read = Callable[[io.BytesIO], Any]


def read_avro(data: bytes, name: str) -> Content:
    """Read a file's records, each as one document: an object's members are in the order of their keys.

    A value of a union is the value itself, bytes are in hexadecimal, and a logical type other than a decimal has no
    effect: unverified on an account.

    Args:
        data: the file's content.
        name: what errors call the file.

    Raises:
        SnowflakeError: 100139, if it is no Avro file, or is damaged.

    Source: https://docs.snowflake.com/en/user-guide/semistructured-data-formats#avro
    """
    try:
        source, schema, codec, mark = _header(data)
        read = _Types().reader(schema, "")
        texts = [
            json.dumps(read(block), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            for count, block in _blocks(source, codec, mark)
            for _ in range(count)
        ]
    except _FAULTS as error:
        raise _damaged(name, error) from None
    documents = pa.ExtensionArray.from_storage(JSON, pa.array(texts, pa.string()))
    return Content(pa.table({"J": documents, ROW: pa.array(range(1, len(texts) + 1), pa.int64())}), len(texts))


def schema_of_avro(data: bytes, name: str) -> pa.Schema:
    """The columns of a file: the fields of its records, of arrow's types.

    Args:
        data: the file's content.
        name: what errors call the file.

    Raises:
        SnowflakeError: 100139, if it is no Avro file.
    """
    try:
        _, schema, _, _ = _header(data)
        fields = schema["fields"] if isinstance(schema, dict) else []
        return pa.schema([_field(f["name"], f["type"]) for f in fields])
    except _FAULTS as error:
        raise _damaged(name, error) from None


def _damaged(name: str, error: BaseException) -> SnowflakeError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return SnowflakeError(100139, "22000", f"Error parsing the avro file: {reason}\n  File '{name}'")


# -- the container -----------------------------------------------------------------------------------------------------


def _header(data: bytes) -> tuple[io.BytesIO, Any, str, bytes]:
    """What follows the header, the schema, the codec of the blocks, and the mark behind each of them."""
    source = io.BytesIO(data)
    if source.read(4) != _MAGIC:
        raise ValueError("it does not begin as an Avro file does")
    metadata = dict(_pairs(source, _bytes))
    codec = metadata.get("avro.codec", b"null").decode()
    return source, json.loads(metadata["avro.schema"]), codec, _exactly(source, 16)


def _blocks(source: io.BytesIO, codec: str, mark: bytes) -> Iterator[tuple[int, io.BytesIO]]:
    """The number of records of each block, and the block."""
    if codec not in _CODECS:
        raise not_supported(f"the codec {codec} of Avro files")
    while source.tell() < len(source.getbuffer()):
        count, block = _long(source), _bytes(source)
        if _exactly(source, 16) != mark:
            raise ValueError("a block does not end with the file's mark")
        yield count, io.BytesIO(_CODECS[codec](block))


def _snappy(block: bytes) -> bytes:
    # the length precedes a block of snappy as a number in base 128; a checksum of 4 bytes follows the block
    size = shift = 0
    for byte in block:
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return bytes(pa.Codec("snappy").decompress(block[:-4], size, asbytes=True))


def _zstandard(block: bytes) -> bytes:
    with pa.input_stream(pa.BufferReader(block), compression="zstd") as stream:
        return bytes(stream.read())


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": lambda block: zlib.decompress(block, -15),
    "bzip2": bz2.decompress,
    "xz": lzma.decompress,
    "snappy": _snappy,
    "zstandard": _zstandard,
}


# -- values ------------------------------------------------------------------------------------------------------------


def _exactly(source: io.BytesIO, count: int) -> bytes:
    data = source.read(count) if count >= 0 else b""
    if len(data) != count:
        raise EOFError("it ends within a value")
    return data


def _long(source: io.BytesIO) -> int:
    number = shift = 0
    while True:
        byte = _exactly(source, 1)[0]
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1)


def _bytes(source: io.BytesIO) -> bytes:
    return _exactly(source, _long(source))


def _text(source: io.BytesIO) -> str:
    return _bytes(source).decode("utf-8", "replace")


def _hexadecimal(source: io.BytesIO) -> str:
    return _bytes(source).hex().upper()


def _floating(layout: str) -> Read:
    size = struct.calcsize(layout)

    def read(source: io.BytesIO) -> float | str:
        value = float(struct.unpack(layout, _exactly(source, size))[0])
        # JSON has no such numbers
        return value if math.isfinite(value) else "NaN" if math.isnan(value) else str(value)

    return read


def _items(source: io.BytesIO, read: Read) -> Iterator[Any]:
    """The items of an array or a map: blocks with a number each; a negative one is followed by the block's size."""
    while count := _long(source):
        if count < 0:
            _long(source)
        for _ in range(abs(count)):
            yield read(source)


def _pairs(source: io.BytesIO, read: Read) -> Iterator[tuple[str, Any]]:
    return _items(source, lambda s: (_text(s), read(s)))


_PRIMITIVES: dict[str, Read] = {
    "null": lambda _: None,
    "boolean": lambda source: _exactly(source, 1) == b"\x01",
    "int": _long,
    "long": _long,
    "float": _floating("<f"),
    "double": _floating("<d"),
    "bytes": _hexadecimal,
    "string": _text,
}


class _Types:
    """The readers of a schema's types, by the names that it gives to some."""

    def __init__(self) -> None:
        self._named: dict[str, Read] = {}

    def reader(self, schema: Any, space: str) -> Read:
        """The reader of a type within a namespace.

        Raises:
            KeyError: for a type that the schema does not have.
        """
        if isinstance(schema, list):
            options = [self.reader(s, space) for s in schema]
            return lambda source: options[_long(source)](source)
        if isinstance(schema, str):
            return _PRIMITIVES.get(schema) or self._lookup(schema, space)
        if schema.get("logicalType") == "decimal":
            return self._decimal(schema, space)
        return self._complex(schema, space)

    def _complex(self, schema: Any, space: str) -> Read:
        kind = schema["type"]
        if kind in {"record", "error"}:
            return self._record(schema, space)
        if kind == "enum":
            symbols = schema["symbols"]
            return self._name(schema, space, lambda source: symbols[_long(source)])
        if kind == "fixed":
            return self._name(schema, space, lambda source: _exactly(source, schema["size"]).hex().upper())
        if kind == "array":
            item = self.reader(schema["items"], space)
            return lambda source: list(_items(source, item))
        if kind == "map":
            value = self.reader(schema["values"], space)
            return lambda source: dict(_pairs(source, value))
        return self.reader(kind, space)

    def _lookup(self, name: str, space: str) -> Read:
        full = name if "." in name or not space else f"{space}.{name}"

        def read(source: io.BytesIO) -> Any:
            # by now known also where a record holds records of its own type
            return self._named[full if full in self._named else name](source)

        return read

    def _name(self, schema: Any, space: str, read: Read) -> Read:
        name, space = schema["name"], schema.get("namespace", space)
        self._named[name if "." in name or not space else f"{space}.{name}"] = read
        return read

    def _record(self, schema: Any, space: str) -> Read:
        name = schema["name"]
        inner = name.rpartition(".")[0] if "." in name else schema.get("namespace", space)
        fields: list[tuple[str, Read]] = []

        def read(source: io.BytesIO) -> dict[str, Any]:
            return {key: field(source) for key, field in fields}

        self._name(schema, space, read)
        fields.extend((f["name"], self.reader(f["type"], inner)) for f in schema["fields"])
        return read

    def _decimal(self, schema: Any, space: str) -> Read:
        scale, size = schema.get("scale", 0), schema.get("size")

        def read(source: io.BytesIO) -> float:
            raw = _exactly(source, size) if schema["type"] == "fixed" else _bytes(source)
            whole = int.from_bytes(raw, "big", signed=True)
            return float(decimal.Decimal(whole).scaleb(-scale)) if scale else whole

        return self._name(schema, space, read) if "name" in schema else read


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
