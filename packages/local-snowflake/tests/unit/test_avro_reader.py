"""Avro files: every type of value, the codecs of blocks, the columns of a schema, and what is damaged."""

from __future__ import annotations

import bz2
import json
import lzma
import struct
import sys
import zlib
from importlib.util import find_spec
from typing import Any

import pyarrow as pa
import pytest
from tests.avro_files import avro_file, long, text

from local_snowflake.copy.readers.avro_reader import read_avro, schema_of_avro
from local_snowflake.errors import SnowflakeError

# a value's schema, its bytes, and the value as JSON
VALUES = [
    ("null", b"", None),
    ("boolean", b"\x01", True),
    ("boolean", b"\x00", False),
    ("int", long(-3), -3),
    ("long", long(2**62), 2**62),
    ("float", struct.pack("<f", 1.5), 1.5),
    ("double", struct.pack("<d", float("nan")), "NaN"),
    ("double", struct.pack("<d", float("-inf")), "-inf"),
    ("string", text("Grüße"), "Grüße"),
    ("bytes", long(2) + b"\x01\xab", "01AB"),
    ({"type": "fixed", "name": "F", "size": 2}, b"\x01\xab", "01AB"),
    ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, long(1), "B"),
    (["null", "string"], long(0), None),
    (["null", "string"], long(1) + text("x"), "x"),
    ({"type": "array", "items": "int"}, long(2) + long(1) + long(2) + long(0), [1, 2]),
    # a block of two items with its size, then one of a single item
    (
        {"type": "array", "items": "int"},
        long(-2) + long(2) + long(1) + long(2) + long(1) + long(3) + long(0),
        [1, 2, 3],
    ),
    ({"type": "map", "values": "int"}, long(2) + text("b") + long(1) + text("a") + long(2) + long(0), {"a": 2, "b": 1}),
    ({"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}, long(1) + b"\x85", -1.23),
    ({"type": "int", "logicalType": "date"}, long(3), 3),
]


@pytest.mark.parametrize(("schema", "data", "expected"), VALUES)
def test_values(schema: Any, data: bytes, expected: Any) -> None:
    fields = {"type": "record", "name": "R", "fields": [{"name": "v", "type": schema}, {"name": "e", "type": "string"}]}
    content = read_avro(avro_file(fields, [data + text("end")]), "a.avro")
    assert [json.loads(t) for t in content.table.column("J").to_pylist()] == [{"v": expected, "e": "end"}]
    assert content.records == 1


def test_a_type_that_holds_itself_by_its_name_in_a_namespace() -> None:
    node = {
        "type": "record",
        "name": "Node",
        "namespace": "lists",
        "fields": [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
    }
    data = long(1) + long(1) + long(2) + long(0)
    content = read_avro(avro_file(node, [data]), "a.avro")
    assert content.table.column("J").to_pylist() == ['{"next":{"next":null,"v":2},"v":1}']


def _raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def _snappy(data: bytes) -> bytes:
    return bytes(pa.Codec("snappy").compress(data, asbytes=True)) + struct.pack(">I", zlib.crc32(data))


def _zstandard(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


@pytest.mark.parametrize(
    ("codec", "compress"),
    [
        ("null", bytes),
        ("deflate", _raw_deflate),
        ("bzip2", bz2.compress),
        ("xz", lzma.compress),
        pytest.param("snappy", _snappy, marks=pytest.mark.skipif(not find_spec("cramjam"), reason="needs cramjam")),
        pytest.param(
            "zstandard", _zstandard, marks=pytest.mark.skipif(not find_spec("zstandard"), reason="needs zstandard")
        ),
    ],
)
def test_codecs(codec: str, compress: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "v", "type": "string"}]}
    values = [f"value {i}" for i in range(100)]
    file = avro_file(schema, [text(v) for v in values], codec=codec, compress=compress)
    content = read_avro(file, "a.avro")
    assert [json.loads(t)["v"] for t in content.table.column("J").to_pylist()] == values
    assert content.table.column("$ROW").to_pylist() == list(range(1, 101))


def test_the_columns_of_a_schema() -> None:
    fields = [
        {"name": "i", "type": "int"},
        {"name": "l", "type": ["null", "long"]},
        {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}},
        {"name": "t", "type": "string"},
        {"name": "a", "type": {"type": "array", "items": "int"}},
        {"name": "two", "type": ["null", "int", "string"]},
    ]
    schema = schema_of_avro(avro_file({"type": "record", "name": "R", "fields": fields}, []), "a.avro")
    assert [(f.name, f.type, f.nullable) for f in schema] == [
        ("i", pa.int64(), False),
        ("l", pa.int64(), True),
        ("d", pa.decimal128(5, 2), False),
        ("t", pa.string(), False),
        ("a", pa.list_(pa.string()), False),
        ("two", pa.string(), True),
    ]


SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "v", "type": "string"}]}
WHOLE = avro_file(SCHEMA, [text("x")])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no avro",
        WHOLE[:-1],
        WHOLE[:-16] + b"another mark 16b",
        WHOLE[:40],
        avro_file(SCHEMA, [long(2**40)]),
        avro_file({"type": "record", "name": "R", "fields": [{"name": "v", "type": "Unknown"}]}, [text("x")]),
    ],
)
def test_a_damaged_file(data: bytes) -> None:
    with pytest.raises(SnowflakeError, match=r"Error parsing the avro file: .*\n  File 'a.avro'") as caught:
        read_avro(data, "a.avro")
    assert caught.value.code == 100139


def test_records_nested_too_deep_are_refused() -> None:
    fields = [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "Node"]}]
    data = (long(1) + long(1)) * 100_000 + long(1) + long(0)
    with pytest.raises(SnowflakeError, match=r"Error parsing the avro file: .*recursion"):
        read_avro(avro_file({"type": "record", "name": "Node", "fields": fields}, [data]), "a.avro")


def test_a_date_beyond_the_dates_of_python_is_its_number() -> None:
    fields = [{"name": "v", "type": ["null", {"type": "int", "logicalType": "date"}]}]
    data = avro_file({"type": "record", "name": "R", "fields": fields}, [long(1) + long(2**30)])
    assert read_avro(data, "a.avro").table.column("J").to_pylist() == ['{"v":1073741824}']


def test_an_unknown_codec_is_refused_by_name() -> None:
    message = r"the codec lzo of the Avro file 'a.avro' \(write the file with the codec deflate\)"
    with pytest.raises(SnowflakeError, match=message):
        read_avro(avro_file(SCHEMA, [text("x")], codec="lzo"), "a.avro")


def test_a_codec_whose_package_is_missing_is_refused_by_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cramjam", None)
    with pytest.raises(SnowflakeError, match=r"the codec snappy .* \(install the package cramjam in"):
        schema_of_avro(avro_file(SCHEMA, [text("x")], codec="snappy"), "a.avro")
