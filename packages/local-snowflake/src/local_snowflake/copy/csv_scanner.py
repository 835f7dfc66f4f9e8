"""A CSV reader that follows Snowflake's rules record by record, for files that the fast reader cannot read.

Source: https://docs.snowflake.com/en/sql-reference/sql/create-file-format#type-csv
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
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


def skip_lines(text: str, count: int) -> int:
    """The position after a number of lines."""
    position = 0
    for _ in range(count):
        match = re.compile(r"\r\n|\n|\r").search(text, position)
        if not match:
            return len(text)
        position = match.end()
    return position


def scan(text: str, dialect: Dialect, start: int = 0) -> Iterator[Record]:
    """Read the records of a text from ``start`` on."""
    position = start
    while position < len(text):
        record, position = _record(text, position, dialect)
        blank = record.end == record.start
        if blank and dialect.skip_blank:
            continue
        yield record


def _record(text: str, start: int, dialect: Dialect) -> tuple[Record, int]:
    end_match = dialect.record_end.search(text, start)
    end = end_match.start() if end_match else len(text)
    line = text[start:end]
    special = (dialect.enclosure and dialect.enclosure in line) or (
        dialect.unenclosed_escape and dialect.unenclosed_escape in line
    )
    if not special:
        values = line.split(dialect.delimiter) if dialect.delimiter else [line]
        spans, at = [], start
        for value in values:
            spans.append(at)
            at += len(value) + len(dialect.delimiter)
        return Record(start, end, [_plain(v, dialect) for v in values], spans), end_match.end() if end_match else end
    return _careful(text, start, dialect)


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
        if fault:
            record.fault, record.fault_at = fault, position
            match = dialect.record_end.search(text, position)
            record.end = match.start() if match else len(text)
            return record, match.end() if match else len(text)
        if dialect.delimiter and text.startswith(dialect.delimiter, position):
            position += len(dialect.delimiter)
            continue
        record.end = position
        match = dialect.record_end.match(text, position)
        return record, match.end() if match else len(text)


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
            return (
                None,
                len(text),
                Fault(f"End of file reached while expecting the closing character '{quote}'", 100067),
            )
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
