"""The bytes of a staged file: decompressed, and in UTF-8."""

import bz2
import codecs
import gzip
import re
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa

from local_snowflake.errors import SnowflakeError, not_supported
from local_snowflake.stages.formats import FileFormat

_EXTENSIONS = {**dict.fromkeys((".gz", ".gzip"), "GZIP"), ".bz2": "BZ2", ".zst": "ZSTD", ".br": "BROTLI"}
_EXTENSIONS |= {".deflate": "DEFLATE", ".raw_deflate": "RAW_DEFLATE"}
_MAGIC = {b"\x1f\x8b": "GZIP", b"BZh": "BZ2", b"\x28\xb5\x2f\xfd": "ZSTD"}
_MARKS = {codecs.BOM_UTF8: "UTF8", codecs.BOM_UTF16_LE: "UTF16LE", codecs.BOM_UTF16_BE: "UTF16BE"}
# what Python calls encodings otherwise
_CODECS = {r"UTF(\d+)(LE|BE)?": r"utf-\1-\2", r"ISO8859(\d+)": r"iso-8859-\1", r"WINDOWS(\d+)": r"cp\1"}


def read_bytes(path: Path, form: FileFormat, name: str) -> bytes:
    """A file's content, decompressed as COMPRESSION of its format says: AUTO goes by the content and the name.

    Errors call the file by ``name``.

    Raises:
        SnowflakeError: 100069, if it cannot be decompressed.
    """
    data = path.read_bytes()
    method = form.text("COMPRESSION")
    if method == "AUTO":
        method = next((m for magic, m in _MAGIC.items() if data.startswith(magic)), "")
        method = method or _EXTENSIONS.get(path.suffix.lower(), "")
    if method not in _DECOMPRESS:
        raise not_supported(f"COMPRESSION = {method}")
    try:
        return _DECOMPRESS[method](data)
    except (OSError, EOFError, zlib.error, ValueError, pa.ArrowException) as error:
        text = f"Invalid data encountered during decompression for file: '{name}', {method}: {error}"
        raise SnowflakeError(100069, "22000", text) from None


def _by_arrow(method: str, data: bytes) -> bytes:
    with pa.input_stream(pa.BufferReader(data), compression=method) as stream:
        return bytes(stream.read())


_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "GZIP": gzip.decompress,
    "BZ2": bz2.decompress,
    "DEFLATE": zlib.decompress,
    "RAW_DEFLATE": lambda data: zlib.decompress(data, -15),
    **{method: partial(_by_arrow, method.lower()) for method in ("ZSTD", "BROTLI")},
    **dict.fromkeys(("", "NONE"), bytes),
}


def as_text(data: bytes, form: FileFormat) -> bytes:
    """A text's bytes in UTF-8, without a byte order mark; in a CSV file, a byte that is not in its ENCODING stays.

    Raises:
        SnowflakeError: 100144, if it is not in the format's ENCODING as a whole.
    """
    encoding = form.text("ENCODING").replace("-", "").upper() if form.kind == "CSV" else "UTF8"
    lenient = form.flag("REPLACE_INVALID_CHARACTERS") or (form.kind == "JSON" and form.flag("IGNORE_UTF8_ERRORS"))
    mark = next((m for m in _MARKS if data.startswith(m)), b"") if form.flag("SKIP_BYTE_ORDER_MARK") else b""
    data, encoding = data[len(mark) :], _MARKS.get(mark, encoding)
    if encoding == "UTF8" and data.isascii():
        return data
    spelled = (re.sub(rf"{p}\Z", name, encoding) for p, name in _CODECS.items() if re.fullmatch(p, encoding))
    try:
        name = codecs.lookup(next(spelled, encoding).rstrip("-")).name
    except LookupError:
        raise not_supported(f"ENCODING = {encoding}") from None
    try:
        text = data.decode(name, "replace" if lenient else "surrogateescape" if form.kind == "CSV" else "strict")
    except UnicodeDecodeError as error:
        shown = data[error.start : error.start + 16].hex()
        raise SnowflakeError(100144, "22000", f"Invalid UTF8 detected in string '0x{shown}'") from None
    return data if name == "utf-8" and not lenient else text.encode("utf-8", "surrogateescape")
