"""A CSV reader that follows Snowflake's rules record by record, for files that the fast reader cannot read.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-file-format#type-csv
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Self

from local_snowflake.copy.rejects import Fault
from local_snowflake.stages.formats import FileFormat

_NEWLINES = {"\n", "\r\n", "\r"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}


@dataclass
class Record:
    """One record of a file.

    Attributes:
        start: where it starts in the text.
        end: where it ends, its delimiter not included.
        fields: its values; None for NULL.
        spans: where each field starts.
        fault: what is wrong with its structure.
        fault_at: where in the text that shows.
    """

    start: int
    end: int
    fields: list[str | None]
    spans: list[int] = field(default_factory=list)
    fault: Fault | None = None
    fault_at: int = 0


@dataclass(frozen=True)
class Dialect:
    """The characters that structure a file."""

    delimiter: str
    record: str
    enclosure: str
    escape: str
    unenclosed_escape: str
    trim: bool
    empty_is_null: bool
    skip_blank: bool
    null_if: frozenset[str]

    @classmethod
    def of(cls, form: FileFormat) -> Self:
        """The dialect of a file format."""
        return cls(
            form.text("FIELD_DELIMITER"),
            form.text("RECORD_DELIMITER"),
            form.text("FIELD_OPTIONALLY_ENCLOSED_BY"),
            form.text("ESCAPE"),
            form.text("ESCAPE") or form.text("ESCAPE_UNENCLOSED_FIELD"),
            form.flag("TRIM_SPACE"),
            form.flag("EMPTY_FIELD_AS_NULL"),
            form.flag("SKIP_BLANK_LINES"),
            frozenset(form.null_if()),
        )

    @property
    def any_newline(self) -> bool:
        """Whether a record ends at a newline, of any kind."""
        return self.record in _NEWLINES

    @cached_property
    def record_end(self) -> re.Pattern[str]:
        """What ends a record."""
        if not self.record:
            return re.compile(r"\Z")
        return re.compile(r"\r\n|\n|\r" if self.any_newline else re.escape(self.record))


def skip_lines(data: bytes, count: int) -> int:
    """The position after a number of lines."""
    match = re.match(rb"(?>[^\r\n]*(?>\r\n|\n|\r)){%d}" % count, data)
    return match.end() if match else len(data)


def scan(text: str, dialect: Dialect, start: int = 0) -> Iterator[Record]:
    """Read the records of a text from ``start`` on."""
    position = start
    while position < len(text):
        record, position = _record(text, position, dialect)
        if not (dialect.skip_blank and record.end == record.start):
            yield record


def _record(text: str, start: int, dialect: Dialect) -> tuple[Record, int]:
    end, behind = _record_end(text, start, dialect)
    line = text[start:end]
    if any(special and special in line for special in (dialect.enclosure, dialect.unenclosed_escape)):
        return _careful(text, start, dialect)
    values = line.split(dialect.delimiter) if dialect.delimiter else [line]
    sizes = (len(value) + len(dialect.delimiter) for value in values[:-1])
    return Record(start, end, [_plain(v, dialect) for v in values], list(accumulate(sizes, initial=start))), behind


def _record_end(text: str, position: int, dialect: Dialect) -> tuple[int, int]:
    """Where the record at a position ends, without and with its delimiter."""
    match = dialect.record_end.search(text, position)
    return match.span() if match else (len(text), len(text))


def _plain(value: str, dialect: Dialect) -> str | None:
    if dialect.trim:
        value = value.strip(" \t")
    return None if (value == "" and dialect.empty_is_null) or value in dialect.null_if else value


def _careful(text: str, start: int, dialect: Dialect) -> tuple[Record, int]:
    """A record with enclosed fields or escapes: field by field."""
    record = Record(start, start, [])
    position = start
    while True:
        record.spans.append(position)
        value, position, fault = _field(text, position, dialect)
        record.fields.append(value)
        if not fault and dialect.delimiter and text.startswith(dialect.delimiter, position):
            position += len(dialect.delimiter)
            continue
        # a field without a fault ends where the record does
        record.fault, record.fault_at = fault, position if fault else 0
        record.end, behind = _record_end(text, position, dialect)
        return record, behind


def _field(text: str, start: int, dialect: Dialect) -> tuple[str | None, int, Fault | None]:
    position = start
    if dialect.trim:
        while position < len(text) and text[position] in " \t" and not text.startswith(dialect.delimiter, position):
            position += 1
    if dialect.enclosure and text.startswith(dialect.enclosure, position):
        return _enclosed(text, position, dialect)
    return _unenclosed(text, start, dialect)


def _enclosed(text: str, start: int, dialect: Dialect) -> tuple[str | None, int, Fault | None]:
    quote, parts, position = dialect.enclosure, [], start + 1
    stop = re.compile(f"[{re.escape(quote + dialect.escape)}]")
    while True:
        match = stop.search(text, position)
        if not match:
            fault = Fault(f"End of file reached while expecting the closing character '{quote}'", 100067)
            return None, len(text), fault
        parts.append(text[position : match.start()])
        position = match.end()
        if text.startswith(quote, position) and match[0] == quote:
            parts.append(quote)
            position += 1
        elif dialect.escape and match[0] == dialect.escape:
            value, position = _escaped(text, position)
            parts.append(value)
        else:
            break
    while dialect.trim and text[position : position + 1] in {" ", "\t"}:
        position += 1
    value = "".join(parts)
    ended = position == len(text) or dialect.record_end.match(text, position)
    if not ended and not (dialect.delimiter and text.startswith(dialect.delimiter, position)):
        shown = f"Found character '{text[position]}' instead of field delimiter '{dialect.delimiter}'"
        return value, position, Fault(shown, 100066)
    return (None if value in dialect.null_if else value), position, None


def _unenclosed(text: str, start: int, dialect: Dialect) -> tuple[str | None, int, Fault | None]:
    ends = [re.escape(t) for t in (dialect.delimiter, dialect.unenclosed_escape) if t]
    stop = re.compile("|".join([*ends, dialect.record_end.pattern]))
    parts, position = [], start
    while True:
        match = stop.search(text, position)
        end = match.start() if match else len(text)
        parts.append(text[position:end])
        if not match or match[0] != dialect.unenclosed_escape or not match[0]:
            break
        value, position = _escaped(text, match.end())
        parts.append(value)
    raw = text[start:end]
    if raw in dialect.null_if:
        return None, end, None
    return _plain("".join(parts), dialect), end, None


def _escaped(text: str, position: int) -> tuple[str, int]:
    """The character that an escape sequence means, and the position after it."""
    if match := re.compile(r"x([0-9a-fA-F]{2})|([0-7]{3})").match(text, position):
        return chr(int(match[1], 16) if match[1] else int(match[2], 8)), match.end()
    character = text[position : position + 1]
    return _ESCAPES.get(character, character), position + 1
