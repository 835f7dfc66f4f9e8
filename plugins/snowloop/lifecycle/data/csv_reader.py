"""The one reader of CSV files: records as RFC 4180 has them, each with its text, its line, or why it is no record."""

import bz2
import codecs
import csv
import errno
import gzip
import lzma
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

LONGEST_FIELD = 16 * 1024 * 1024
"""In characters, as of a VARCHAR of Snowflake; also how far an unclosed quote is followed before its line is given up.
"""
REPEATS_HEADER = "the header once more, as where files were put together: remove the line"
"""Why a record that equals the header is no row."""
UNDECODABLE = re.compile("[\udc00-\udcff]")
"""What stands for a byte that is not in a file's encoding: no decoder gives these code points for text."""


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """Like Python's ``surrogateescape``, which leaves out bytes below 128: UTF-16 and multibyte encodings need them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("snowloop.surrogates", _as_surrogates)


@dataclass(frozen=True)
class Record:
    r"""One record of a CSV file.

    Args:
        line: The physical line on which it begins, from 1.
        text: The record as it stands in the file, without its line end; U+FFFD for bytes that are not in the encoding.
        fields: Its fields, unquoted; empty if it is malformed.
        error: Why it is malformed; None if it is not.
    """

    line: int
    text: str
    fields: tuple[str, ...] = ()
    error: str | None = None


class _Lines:
    """The physical lines of a file, of which the last ones read can be put back.

    Args:
        lines: The lines, with their ends.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self.consumed: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.consumed.append(line)
        return line

    def accept(self, count: int) -> str:
        """Drop the first lines of those consumed, put back the others, and return the text of the first."""
        accepted = self.consumed[:count]
        self._ahead.extendleft(reversed(self.consumed[count:]))
        self.consumed.clear()
        return "".join(accepted)


def _zstd(file: Path) -> IO[bytes]:
    import pyarrow as pa

    return pa.input_stream(str(file), compression="zstd")


COMPRESSED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
"""By its first bytes, what opens a compressed file: gzip (RFC 1952), zstd (RFC 8878), bzip2 and xz."""


@contextmanager
def open_content(file: Path) -> Iterator[IO[bytes]]:
    """Open a file; of one that is compressed, whatever its name says, what is in it.

    Raises:
        OSError: if the file cannot be read, or its content is damaged.
    """
    with file.open("rb") as opened:
        start = opened.read(max(map(len, COMPRESSED)))
    opens = next((each for magic, each in COMPRESSED.items() if start.startswith(magic)), None)
    try:
        with opens(file) if opens else file.open("rb") as content:
            yield content
    except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
        if getattr(error, "filename", None):
            raise
        raise OSError(errno.EIO, f"its compressed content cannot be read to its end ({error})", str(file)) from error


def read_lines(file: Path, encoding: str) -> Iterator[str]:
    """The lines of a text file with their ends, without a byte order mark.

    Args:
        file: The file, which may be compressed; lines end in LF, CRLF or CR.
        encoding: Its encoding, as Python's codecs know it.

    Yields:
        The lines; each byte that is not in the encoding is a character that ``UNDECODABLE`` matches.

    Raises:
        OSError: if the file cannot be read.
    """
    with (
        open_content(file) as content,
        TextIOWrapper(content, encoding=encoding, errors="snowloop.surrogates", newline="") as lines,
    ):
        yield next(lines, "").removeprefix("\ufeff")
        yield from lines


def read_records(file: Path, delimiter: str, encoding: str = "UTF-8") -> Iterator[Record]:
    """Read the records of a CSV file, the header among them; blank lines are skipped.

    A quote opens a field only where the field begins; elsewhere it is data, as in ``5" pipe``. A quoted field may hold
    delimiters, line ends and doubled quotes. A record that breaks these rules is malformed by its first line alone: the
    next record begins on the next line, so a quote that is never closed costs one line, not the rest of the file. A
    record with a byte that is not in the encoding is malformed too.

    Args:
        file: The file, with or without a byte order mark; lines end in LF, CRLF or CR.
        delimiter: What separates the fields, one character.
        encoding: The file's encoding, as Python's codecs know it.

    Yields:
        The records in order.

    Raises:
        OSError: if the file cannot be read.

    Source: RFC 4180, section 2 (https://www.rfc-editor.org/rfc/rfc4180).
    """
    csv.field_size_limit(LONGEST_FIELD)
    lines, number = _Lines(read_lines(file, encoding)), 1
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        fields: list[str] = []
        error = None
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as broken:
            error = _reason(broken, spans_lines=len(lines.consumed) > 1)
        count = 1 if error else len(lines.consumed)
        text = lines.accept(count).rstrip("\r\n")
        if not text.isascii() and (byte := UNDECODABLE.search(text)):
            error = not_in_encoding(byte, encoding)
            text = UNDECODABLE.sub("\ufffd", text)
        if error or fields:
            yield Record(number, text, () if error else tuple(fields), error)
        number += count


def not_in_encoding(byte: re.Match[str], encoding: str) -> str:
    """Why a text is not in its encoding; ``byte`` is what ``UNDECODABLE`` matched in it."""
    return (
        f"byte 0x{ord(byte[0]) - 0xDC00:02x} is not {encoding}: correct the byte, or declare the `encoding` of the "
        "source's files"
    )


def _reason(error: csv.Error, *, spans_lines: bool) -> str:
    unclosed = "a quote opens a field and is not closed: close it, or quote the field and double the quotes within"
    if spans_lines or "unexpected end of data" in str(error):
        return unclosed
    if "expected after" in str(error):
        return "text follows the closing quote of a field: double the quotes within a quoted field"
    return f"{error}"
