"""Reads staged CSV files: with pyarrow where a file is well-formed, else record by record."""

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from local_snowflake.copy.csv_scanner import Dialect, Record, scan, skip_lines
from local_snowflake.copy.decoding import as_text
from local_snowflake.copy.rejects import Fault, Place, column_count
from local_snowflake.stages.formats import FileFormat

_BLOCK = 64 << 20
_SAMPLE = 200
Positions = npt.NDArray[np.int64]


@dataclass
class CsvFile:
    """The content of one file: table, records and faults as in ``Content``.

    ``header`` has the names in its first line, if PARSE_HEADER is set; ``start_of`` is where in the text a record
    starts and ends.
    """

    table: pa.Table
    records: int
    faults: dict[int, tuple[Fault, int | None]]
    header: list[str]
    text: Callable[[], str]
    start_of: Callable[[int], tuple[int, int]]
    dialect: Dialect

    def fields_of(self, record: int) -> Record:
        """A record with the positions of its fields."""
        start, _ = self.start_of(record)
        return next(scan(self.text(), self.dialect, start))

    def place(self, record: int, column: int | None, at: int | None) -> Place:
        """Where a record is, or one of its fields, or a position in the text."""
        text = self.text()
        start, end = self.start_of(record)
        if column is not None:
            spans = self.fields_of(record).spans
            at = spans[column] if column < len(spans) else end
        at = start if at is None else at
        return {
            "line": text.count("\n", 0, at) + 1,
            "character": at - text.rfind("\n", 0, at),
            "byte_offset": len(text[:at].encode()),
            "row_start_line": text.count("\n", 0, start) + 1,
            "rejected_record": text[start:end],
        }


def read_csv(data: bytes, form: FileFormat, width: int | None = None, *, strict: bool = False) -> CsvFile:
    """Read a file's decompressed bytes, with ``width`` fields in a record, or as many as it has.

    A record with another number of fields is faulty if ``strict``; else it is filled with NULL or cut.
    """
    utf8 = as_text(data, form)
    dialect = Dialect.of(form)
    header: list[str] = []
    skip = form.number("SKIP_HEADER")
    if form.flag("PARSE_HEADER"):
        first = next(scan(utf8[: 1 << 20].decode("utf-8", "replace"), dialect), None)
        header = [] if first is None else [str(f if f is not None else "") for f in first.fields]
        skip = 1
    fast = _Fast(utf8, dialect, skip)
    if fast.possible():
        file = fast.read(width, strict=strict)
        if file is not None:
            file.header = header
            return file
    return _slow(utf8.decode("utf-8", "replace"), dialect, skip, width, strict=strict, header=header)


class _Fast:
    """A well-formed file: its structure is found in whole arrays, its values are read by pyarrow."""

    def __init__(self, data: bytes, dialect: Dialect, skip: int) -> None:
        self.dialect = dialect
        self.offset = _line_start(data, skip)
        self.data = data
        self.body = data[self.offset :] if self.offset else data
        if self.body and not self.body.endswith(b"\n"):
            # without it pyarrow takes an empty last field for an enclosed one if its record has one
            self.body += b"\n"
        self.quotes: Positions = np.empty(0, np.int64)

    def possible(self) -> bool:
        d = self.dialect
        if len(d.delimiter.encode()) != 1 or not d.any_newline or (d.trim and d.enclosure):
            return False
        if any(e and e.encode() in self.body for e in {d.escape, d.unenclosed_escape}):
            return False
        if b"\r" in self.body and self.body.count(b"\r") != self.body.count(b"\r\n"):
            return False
        return b"\0" not in self.body and self._well_enclosed()

    def _well_enclosed(self) -> bool:
        """Whether every enclosing character opens a field, closes it, or is one of a pair within."""
        quote = self.dialect.enclosure.encode()
        if not quote or quote not in self.body:
            return True
        body = np.frombuffer(self.body, np.uint8)
        quotes = np.flatnonzero(body == quote[0])
        if len(quotes) % 2:
            return False
        opening, closing = quotes[::2], quotes[1::2]
        around = {self.dialect.delimiter.encode()[0], 10, quote[0]}
        before = body[np.maximum(opening - 1, 0)]
        after = body[np.minimum(closing + 1, len(body) - 1)]
        sound_before = np.isin(before, list(around)) | (opening == 0)
        sound_after = np.isin(after, [*around, 13]) | (closing == len(body) - 1)
        # a pair within a field: the closing quote of the pair is right before the opening one
        paired_before = before == quote[0]
        adjacent = np.zeros(len(opening), bool)
        adjacent[1:] = closing[:-1] == opening[1:] - 1
        if not (sound_before.all() and sound_after.all() and (paired_before <= adjacent).all()):
            return False
        self.quotes = quotes
        return True

    def _outside(self, character: int) -> Positions:
        """The positions of a character outside of enclosed fields."""
        positions = np.flatnonzero(np.frombuffer(self.body, np.uint8) == character)
        if len(self.quotes):
            positions = positions[np.searchsorted(self.quotes, positions) % 2 == 0]
        return positions

    def read(self, width: int | None, *, strict: bool) -> CsvFile | None:
        body = np.frombuffer(self.body, np.uint8)
        newlines = self._outside(10)
        starts = np.concatenate(([0], newlines + 1)).astype(np.int64)
        ends = np.append(newlines, len(body)).astype(np.int64)
        if starts[-1] >= len(body):
            starts, ends = starts[:-1], ends[:-1]
        stripped = ends - ((ends > starts) & (body[np.maximum(ends - 1, 0)] == 13) if len(body) else 0)
        delimiters = self._outside(self.dialect.delimiter.encode()[0])
        sizes = np.searchsorted(delimiters, ends) - np.searchsorted(delimiters, starts) + 1
        blank = stripped == starts
        if self.dialect.skip_blank:
            starts, stripped, sizes, blank = (a[~blank] for a in (starts, stripped, sizes, blank))
        if width is None or not strict:
            usual = Counter(sizes[:_SAMPLE].tolist()).most_common(1)
            expected = usual[0][0] if usual else width or 1
        else:
            expected = width
        sound = (sizes == expected) & ~blank if expected > 1 else sizes == expected
        if (expected == 1 and blank.any()) or (not strict and (~sound).any()):
            return None
        if (not strict and width is not None and width > expected) or width is None:
            width = expected
        return self._finish(starts, stripped, sizes, sound, expected, strict=strict)

    def _finish(
        self,
        starts: Positions,
        ends: Positions,
        sizes: Positions,
        sound: npt.NDArray[np.bool_],
        width: int,
        *,
        strict: bool,
    ) -> CsvFile | None:
        rows = np.flatnonzero(sound) + 1
        table = self._values(width)
        if table is None or table.num_rows != len(rows):
            return None
        table = self._cleaned(table)
        table = table.append_column("$ROW", pa.array(rows, pa.int64()))
        faulty = np.flatnonzero(~sound)
        faults: dict[int, tuple[Fault, int | None]] = {}
        if strict:
            faults = {int(i) + 1: (column_count(int(sizes[i]), width), None) for i in faulty}

        @cache
        def text() -> str:
            return self.data.decode("utf-8", "replace")

        def start_of(record: int) -> tuple[int, int]:
            start, end = int(starts[record - 1]) + self.offset, int(ends[record - 1]) + self.offset
            before = len(self.data[:start].decode("utf-8", "replace"))
            return before, before + len(self.data[start:end].decode("utf-8", "replace"))

        return CsvFile(table, len(starts), faults, [], text, start_of, self.dialect)

    def _cleaned(self, table: pa.Table) -> pa.Table:
        """The values without spaces around them, and NULL for what NULL_IF and EMPTY_FIELD_AS_NULL name."""
        d = self.dialect
        nulls = [n for n in d.null_if if n and n.encode() in self.body]
        if (d.trim and d.empty_is_null) or "" in d.null_if:
            nulls.append("")
        columns = []
        for column in table.columns:
            values = pc.utf8_trim(column, " \t") if d.trim else column
            if nulls:
                missing = pc.is_in(values, pa.array(nulls, pa.string()))
                values = pc.if_else(missing, pa.scalar(None, pa.string()), values)
            columns.append(values)
        return pa.table(columns, names=table.column_names)

    def _values(self, width: int) -> pa.Table | None:
        names = [f"C{i + 1}" for i in range(width)]
        nullable = self.dialect.empty_is_null
        if not self.body.strip(b"\r\n"):
            return pa.table({n: pa.array([], pa.string()) for n in names})
        try:
            return pyarrow.csv.read_csv(
                io.BytesIO(self.body),
                pyarrow.csv.ReadOptions(use_threads=True, block_size=_BLOCK, column_names=names),
                pyarrow.csv.ParseOptions(
                    delimiter=self.dialect.delimiter,
                    quote_char=self.dialect.enclosure or False,
                    newlines_in_values=bool(len(self.quotes)),
                    ignore_empty_lines=True,
                    invalid_row_handler=lambda _: "skip",
                ),
                pyarrow.csv.ConvertOptions(
                    check_utf8=False,
                    column_types={n: pa.string() for n in names},
                    null_values=[""] if nullable else [],
                    strings_can_be_null=nullable,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid:
            # eg: a record longer than a block
            return None


def _line_start(data: bytes, skip: int) -> int:
    position = 0
    for _ in range(skip):
        newline = data.find(b"\n", position)
        if newline < 0:
            return len(data)
        position = newline + 1
    return position


def _slow(text: str, dialect: Dialect, skip: int, width: int | None, *, strict: bool, header: list[str]) -> CsvFile:
    records = list(scan(text, dialect, skip_lines(text, skip)))
    if width is None:
        width = max((len(r.fields) for r in islice(records, None) if not r.fault), default=1)
    faults: dict[int, tuple[Fault, int | None]] = {}
    rows: list[int] = []
    values: list[list[str | None]] = []
    for number, record in enumerate(records, 1):
        size = len(record.fields)
        if record.fault:
            faults[number] = record.fault, record.fault_at
        elif strict and size != width:
            faults[number] = column_count(size, width), None
        else:
            rows.append(number)
            values.append(record.fields if size == width else (record.fields + [None] * (width - size))[:width])
    columns = list(zip(*values, strict=True)) if values else [()] * width
    arrays = {f"C{i + 1}": pa.array(c, pa.string()) for i, c in enumerate(columns)}
    table = pa.table({**arrays, "$ROW": pa.array(rows, pa.int64())})

    def start_of(record: int) -> tuple[int, int]:
        return records[record - 1].start, records[record - 1].end

    return CsvFile(table, len(records), faults, header, lambda: text, start_of, dialect)
