"""The one reader of CSV files: records as RFC 4180 has them, each with its text, its line, or why it is no record."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_FIELD = 16 * 1024 * 1024
"""In characters, as of a VARCHAR of Snowflake; also how far an unclosed quote is followed before its line is given up.
"""


@dataclass(frozen=True)
class Record:
    r"""One record of a CSV file.

    Args:
        line: The physical line on which it begins, from 1.
        text: The record as it stands in the file, without its line end; bytes that are no UTF-8 are surrogates.
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


def read_records(file: Path, delimiter: str) -> Iterator[Record]:
    """Read the records of a CSV file, the header among them; blank lines are skipped.

    A quote opens a field only where the field begins; elsewhere it is data, as in ``5" pipe``. A quoted field may hold
    delimiters, line ends and doubled quotes. A record that breaks these rules is malformed by its first line alone: the
    next record begins on the next line, so a quote that is never closed costs one line, not the rest of the file.

    Args:
        file: The file, in UTF-8 with or without a byte order mark; lines end in LF, CRLF or CR.
        delimiter: What separates the fields, one character.

    Yields:
        The records in order.

    Raises:
        OSError: if the file cannot be read.

    Source: RFC 4180, section 2 (https://www.rfc-editor.org/rfc/rfc4180).
    """
    csv.field_size_limit(LONGEST_FIELD)
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        lines, number = _Lines(text), 1
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                reason = _reason(error, spans_lines=len(lines.consumed) > 1)
                yield Record(number, lines.accept(1).rstrip("\r\n"), error=reason)
                number += 1
                continue
            count = len(lines.consumed)
            record = lines.accept(count)
            if fields:
                yield Record(number, record.rstrip("\r\n"), tuple(fields))
            number += count


def _reason(error: csv.Error, *, spans_lines: bool) -> str:
    unclosed = "a quote opens a field and is not closed: close it, or quote the field and double the quotes within"
    if spans_lines or "unexpected end of data" in str(error):
        return unclosed
    if "expected after" in str(error):
        return "text follows the closing quote of a field: double the quotes within a quoted field"
    return f"{error}"
