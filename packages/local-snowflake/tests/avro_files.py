"""Avro files for tests, written by the specification.

Source: https://avro.apache.org/docs/1.12.0/specification/#object-container-files
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_MARK = b"sixteen bytes 16"


def long(value: int) -> bytes:
    """A number as Avro writes it: of variable length, in zigzag order."""
    rest = (value << 1) ^ (value >> 63)
    data = bytearray()
    while rest > 0x7F:
        data.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*data, rest])


def text(value: str) -> bytes:
    """A text: its length and its bytes."""
    return long(len(value.encode())) + value.encode()


def avro_file(
    schema: Any, records: list[bytes], *, codec: str = "null", compress: Callable[[bytes], bytes] = bytes
) -> bytes:
    """A file of records that are bytes already, in one block that ``compress`` makes by the codec."""
    metadata = {"avro.schema": json.dumps(schema), "avro.codec": codec}
    header = long(len(metadata)) + b"".join(text(k) + text(v) for k, v in metadata.items()) + long(0)
    block = compress(b"".join(records))
    body = long(len(records)) + long(len(block)) + block + _MARK if records else b""
    return b"Obj\x01" + header + _MARK + body
