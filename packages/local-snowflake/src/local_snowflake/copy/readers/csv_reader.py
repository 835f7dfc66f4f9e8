"""Reads staged CSV files: with pyarrow where a file is well-formed, else record by record."""

import io
import re
from collections import Counter
from collections.abc import Callable
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from local_snowflake.copy.decoding import as_text
from local_snowflake.copy.readers.csv_scanner import Dialect, scan, skip_lines
from local_snowflake.copy.rejects import ROW, Content, Fault, Place, column_count
from local_snowflake.stages.formats import FileFormat

_BLOCK = 64 << 20
_SAMPLE = 200
_INVALID = re.compile("[\udc80-\udcff]+")  # bytes that are not in the file's encoding
Positions = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def read_csv(data: bytes, form: FileFormat, width: int | None = None, *, strict: bool = False) -> Content:
    """Read a file's decompressed bytes, with ``width`` fields in a record, or as many as it has.

    A record with another number of fields is faulty if ``strict``; else it is filled with NULL or cut.
    """
    utf8 = as_text(data, form)
    dialect = Dialect.of(form)
    skip, fields = form.number("SKIP_HEADER"), {}
    if form.flag("PARSE_HEADER"):
        first = next(scan(utf8[: 1 << 20].decode("utf-8", "replace"), dialect), None)
        fields = {f or "": f'"C{i}"' for i, f in enumerate(first.fields if first else (), 1)}
        skip = 1
    offset = skip_lines(utf8, skip)
    invalid = _INVALID.search(utf8.decode("utf-8", "surrogateescape"))
    content = None if invalid else read_fast(utf8, offset, dialect, width, strict=strict)
    if content is None:
        content = _read_slowly(utf8, offset, dialect, width, strict=strict)
    content.fields = fields
    return content


def _place(
    text: Callable[[], str],
    span: Callable[[int], tuple[int, int]],
    dialect: Dialect,
    record: int,
    column: int | None,
    at: int | None,
) -> Place:
    """Where a record is, or one of its fields, or a position in the text; ``span`` is where it starts and ends."""
    whole, (start, end) = text(), span(record)
    if column is not None:
        spans = next(scan(whole, dialect, start)).spans
        at = spans[column] if column < len(spans) else end
    at = start if at is None else at
    return {
        "line": whole.count("\n", 0, at) + 1,
        "character": at - whole.rfind("\n", 0, at),
        "byte_offset": len(whole[:at].encode("utf-8", "surrogateescape")),
        "row_start_line": whole.count("\n", 0, start) + 1,
        "rejected_record": _INVALID.sub("\ufffd", whole[start:end]),
    }


# -- well-formed files: their structure is found in whole arrays, their values are read by pyarrow ---------------------


def read_fast(data: bytes, offset: int, dialect: Dialect, width: int | None, *, strict: bool) -> Content | None:
    """Read the records from ``offset`` on; None if the file is not well-formed."""
    text = data[offset:]
    if text and not text.endswith(b"\n"):
        # without it pyarrow takes an empty last field for an enclosed one if its record has one
        text += b"\n"
    body = np.frombuffer(text, np.uint8)
    if not _is_plain(text, dialect) or (quotes := _quotes(body, dialect)) is None:
        return None
    newlines, delimiters = (_outside(body, quotes, byte) for byte in (10, ord(dialect.delimiter)))
    starts = np.concatenate(([0], newlines + 1))[:-1].astype(np.int64)
    ends = newlines - ((newlines > starts) & (body[np.maximum(newlines - 1, 0)] == 13))
    sizes = np.searchsorted(delimiters, newlines) - np.searchsorted(delimiters, starts) + 1
    blank = ends == starts
    if dialect.skip_blank:
        starts, ends, sizes, blank = (a[~blank] for a in (starts, ends, sizes, blank))
    if width is None or not strict:
        width = next((size for size, _ in Counter(sizes[:_SAMPLE].tolist()).most_common(1)), width or 1)
    sound = sizes == width
    if (width == 1 and blank.any()) or not (strict or sound.all()):
        return None
    table = _values(text, width, dialect, enclosed=bool(len(quotes)))
    if table is None or table.num_rows != sound.sum():
        return None
    table = table.append_column(ROW, pa.array(np.flatnonzero(sound) + 1, pa.int64()))
    faults = {int(i) + 1: (column_count(int(sizes[i]), width), None) for i in np.flatnonzero(~sound)}

    @cache
    def whole() -> str:
        return data.decode("utf-8", "replace")

    def span(record: int) -> tuple[int, int]:
        start, end = int(starts[record - 1]) + offset, int(ends[record - 1]) + offset
        before = len(data[:start].decode("utf-8", "replace"))
        return before, before + len(data[start:end].decode("utf-8", "replace"))

    return Content(table, len(starts), faults=dict(faults), place=partial(_place, whole, span, dialect))


def _is_plain(text: bytes, dialect: Dialect) -> bool:
    """Whether a file has newlines of one kind, a delimiter of one byte, and no escapes."""
    if len(dialect.delimiter.encode()) != 1 or not dialect.any_newline or (dialect.trim and dialect.enclosure):
        return False
    if any(e and e.encode() in text for e in {dialect.escape, dialect.unenclosed_escape}):
        return False
    return b"\0" not in text and (b"\r" not in text or text.count(b"\r") == text.count(b"\r\n"))


def _quotes(body: Bytes, dialect: Dialect) -> Positions | None:
    """Where enclosing characters are; None unless each opens a field, closes it, or is one of a pair within."""
    if not dialect.enclosure:
        return np.empty(0, np.int64)
    quote = ord(dialect.enclosure)
    quotes = np.flatnonzero(body == quote)
    if len(quotes) % 2:
        return None
    opening, closing = quotes[::2], quotes[1::2]
    around = [ord(dialect.delimiter), 10, quote]
    before = body[np.maximum(opening - 1, 0)]
    after = body[np.minimum(closing + 1, len(body) - 1)]
    sound_before = np.isin(before, around) | (opening == 0)
    sound_after = np.isin(after, [*around, 13]) | (closing == len(body) - 1)
    # a pair within a field: the closing quote of the pair is right before the opening one
    adjacent = np.zeros(len(opening), bool)
    adjacent[1:] = closing[:-1] == opening[1:] - 1
    return quotes if (sound_before & sound_after & ((before != quote) | adjacent)).all() else None


def _outside(body: Bytes, quotes: Positions, character: int) -> Positions:
    """The positions of a character outside of enclosed fields."""
    positions = np.flatnonzero(body == character)
    return positions[np.searchsorted(quotes, positions) % 2 == 0] if len(quotes) else positions


def _values(text: bytes, width: int, dialect: Dialect, *, enclosed: bool) -> pa.Table | None:
    """The values, trimmed, and NULL for what NULL_IF and EMPTY_FIELD_AS_NULL name."""
    names = [f"C{i + 1}" for i in range(width)]
    if not text.strip(b"\r\n"):
        return pa.table({n: pa.array([], pa.string()) for n in names})
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(text),
            pyarrow.csv.ReadOptions(use_threads=True, block_size=_BLOCK, column_names=names),
            pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.enclosure or False,
                newlines_in_values=enclosed,
                ignore_empty_lines=True,
                invalid_row_handler=lambda _: "skip",
            ),
            pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types={n: pa.string() for n in names},
                null_values=[""] if dialect.empty_is_null else [],
                strings_can_be_null=dialect.empty_is_null,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        # eg: a record longer than a block
        return None
    nulls = [n for n in dialect.null_if if n and n.encode() in text]
    if (dialect.trim and dialect.empty_is_null) or "" in dialect.null_if:
        nulls.append("")
    columns = [pc.utf8_trim(column, " \t") if dialect.trim else column for column in table.columns]
    if nulls:
        named = pa.array(nulls, pa.string())
        columns = [pc.if_else(pc.is_in(c, named), pa.scalar(None, pa.string()), c) for c in columns]
    return pa.table(columns, names=names)


# -- all others --------------------------------------------------------------------------------------------------------


def _read_slowly(data: bytes, offset: int, dialect: Dialect, width: int | None, *, strict: bool) -> Content:
    text = data.decode("utf-8", "surrogateescape")
    records = list(scan(text, dialect, len(data[:offset].decode("utf-8", "surrogateescape"))))
    if width is None:
        width = max((len(r.fields) for r in records if not r.fault), default=1)
    faults: dict[int, tuple[Fault, int | None]] = {}
    rows: list[int] = []
    values: list[list[str | None]] = []
    for number, record in enumerate(records, 1):
        size = len(record.fields)
        if record.fault:
            faults[number] = record.fault, record.fault_at
        elif invalid := _INVALID.search(text, record.start, record.end):
            shown = invalid[0].encode("utf-8", "surrogateescape").hex()
            faults[number] = Fault(f"Invalid UTF8 detected in string '0x{shown}'", 100144), invalid.start()
        elif strict and size != width:
            faults[number] = column_count(size, width), None
        else:
            rows.append(number)
            values.append((record.fields + [None] * (width - size))[:width])
    columns = list(zip(*values, strict=True)) if values else [()] * width
    arrays = {f"C{i + 1}": pa.array(c, pa.string()) for i, c in enumerate(columns)}
    table = pa.table({**arrays, ROW: pa.array(rows, pa.int64())})
    place = partial(_place, lambda: text, lambda n: (records[n - 1].start, records[n - 1].end), dialect)
    return Content(table, len(records), faults=faults, place=place)
