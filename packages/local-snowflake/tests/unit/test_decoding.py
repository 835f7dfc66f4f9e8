"""The bytes of staged files: compressions and encodings."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from local_snowflake.copy.decoding import as_text, read_bytes
from local_snowflake.errors import SnowflakeError
from local_snowflake.stages.formats import FileFormat, checked_options

TEXT = b"1,a\n"


def csv_format(**options: Any) -> FileFormat:
    return FileFormat("CSV", checked_options({"TYPE": "CSV", **options}))


def packed(method: str) -> bytes:
    return pa.Codec(method).compress(TEXT).to_pybytes()


@pytest.mark.parametrize(
    ("name", "data", "compression"),
    [
        ("a.csv", TEXT, None),
        ("a.csv", TEXT, "NONE"),
        ("a.csv", gzip.compress(TEXT, mtime=0), None),
        ("a.csv", gzip.compress(TEXT, mtime=0), "gzip"),
        ("a.csv", bz2.compress(TEXT), None),
        ("a.csv", packed("zstd"), None),
        ("a.csv.br", packed("brotli"), None),
        ("a.csv", packed("brotli"), "BROTLI"),
        ("a.csv.deflate", zlib.compress(TEXT), None),
        ("a.csv", zlib.compress(TEXT), "DEFLATE"),
        ("a.csv", zlib.compress(TEXT)[2:-4], "RAW_DEFLATE"),
    ],
)
def test_a_file_is_decompressed(tmp_path: Path, name: str, data: bytes, compression: str | None) -> None:
    (tmp_path / name).write_bytes(data)
    form = csv_format() if compression is None else csv_format(COMPRESSION=compression)
    assert read_bytes(tmp_path / name, form, name) == TEXT


def test_a_broken_archive_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x1f\x8bbroken")
    with pytest.raises(SnowflakeError, match=r"during decompression for file: 'st/a.csv', GZIP"):
        read_bytes(tmp_path / "a.csv", csv_format(), "st/a.csv")


@pytest.mark.parametrize(
    ("data", "options", "expected"),
    [
        ("é".encode(), {}, "é"),
        ("é".encode("latin-1"), {"ENCODING": "ISO-8859-1"}, "é"),
        ("é".encode("cp1252"), {"ENCODING": "WINDOWS1252"}, "é"),
        ("é".encode("utf-16-le"), {"ENCODING": "UTF16LE"}, "é"),
        (b"\xff\xfe" + "é".encode("utf-16-le"), {}, "é"),
        (b"\xef\xbb\xbfa", {}, "a"),
        (b"\xef\xbb\xbfa", {"SKIP_BYTE_ORDER_MARK": "FALSE"}, "\ufeffa"),
        (b"\xff", {"REPLACE_INVALID_CHARACTERS": "TRUE"}, "�"),
    ],
)
def test_text_is_decoded(data: bytes, options: dict[str, Any], expected: str) -> None:
    assert as_text(data, csv_format(**options)).decode() == expected


def test_invalid_text_and_unknown_encodings_are_errors() -> None:
    with pytest.raises(SnowflakeError, match="Invalid UTF8 detected in string '0xff'"):
        as_text(b"a\xff", FileFormat("JSON", checked_options({"TYPE": "JSON"})))
    assert as_text(b"a\xff", csv_format()) == b"a\xff"  # the record is an error, not the file
    with pytest.raises(SnowflakeError, match="ENCODING = NOPE"):
        as_text(b"\xff", csv_format(ENCODING="NOPE"))
