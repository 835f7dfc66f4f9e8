"""Reads a file as a load will: its names and records as text, and which records will be rejected."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Literal

from snowloop.errors import LoadError, NewProjectError
from snowloop.lifecycle.data.csv_reader import (
    REPEATS_HEADER,
    UNDECODABLE,
    Record,
    not_in_encoding,
    open_content,
    read_lines,
    read_records,
)
from snowloop.lifecycle.data.named_records import PARQUET, json_records, parquet_names, parquet_rows
from snowloop.project.sources import encoding_name

DELIMITERS = ",;\t|"
OTHER_DELIMITERS = "^~\x01\x1f "
"""Looked at where those give one column alone."""
MAGIC = {
    b"PK\x03\x04": "it is a workbook or a ZIP archive: export the sheet as CSV, or unpack the archive",
    b"\xd0\xcf\x11\xe0": "it is a workbook of Excel: export the sheet as CSV",
    b"SQLite format 3": "it is a database of SQLite: export a table as CSV",
    b"%PDF": "it is a PDF: export its table as CSV",
    b"ORC": "it is an ORC file: write it as Parquet or CSV",
    b"Obj\x01": "it is an Avro file: write it as Parquet or JSON lines",
    b"ARROW1": "it is a Feather or Arrow file: write it as Parquet, as by pandas' to_parquet",
    b"\x80\x04\x95": "it is a pickle of Python: write its table as Parquet or CSV, as by pandas' to_parquet",
    b"\x80\x05\x95": "it is a pickle of Python: write its table as Parquet or CSV, as by pandas' to_parquet",
    b"\x89HDF": "it is an HDF5 file: write its table as Parquet or CSV, as by pandas' to_parquet",
}
"""First bytes of files that are not text, and what to do with each."""
MARKUP = {
    "<": "it is HTML or XML, as of a page in place of a file: download the file itself, or export its table as CSV",
    "@relation": "it is an ARFF file: write it as CSV, as by scipy.io.arff and pandas' to_csv",
    "[": "it is one JSON array: write one object a line, as by jq -c '.[]'",
    "sep=": "its first line is for a spreadsheet alone: remove it, as by tail -n +2",
}
"""How the first line of a text begins that is no CSV, and what to do with each."""
MAX_ROWS = 200_000
SNIFFED_ROWS = 200
COMMENTS = ("#", "%", "//")
TWO_CHARACTERS = ("::", "||", "\t\t", ";;", "~~", "~|~", "|~|")
MANY_LINES = 20
"""Fewer lines than these may stand before a header; of fewer rows none is compared with the others."""
MANY_NAMES = 3
"""Numbers in equal steps that are names of columns, such as years; fewer are by chance."""


@dataclass(frozen=True)
class Table:
    """The content of a file, as text.

    Args:
        file: The file.
        format: What it is, as it is declared.
        encoding: Its encoding.
        delimiter: What separates its fields; a comma, if it is no CSV file.
        header: Its column names as they stand in the file, white space made single blanks; or COLUMN_1 and so on.
        has_header: Whether they stand in the file.
        columns: For each of them the texts of the rows.
        rejected: Lines of the records that a load will reject: malformed, or with more or fewer fields than the header.
        whole: Whether all rows were read; if not, the first ``MAX_ROWS``.
    """

    file: Path
    format: Literal["csv", "parquet", "json"]
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    has_header: bool
    columns: tuple[tuple[str, ...], ...]
    rejected: tuple[int, ...]
    whole: bool

    @property
    def rows(self) -> int:
        """Number of rows in ``columns``."""
        return len(self.columns[0])


def read_table(file: Path, encoding: str = "UTF-8", *, header: bool = True) -> Table:
    """Read a CSV file, compressed or not, a Parquet file, or JSON lines as text; its content says which of them it is.

    Args:
        encoding: Any name of its encoding, of a CSV file.
        header: Whether the first record of a CSV file has the names of the columns.

    Raises:
        NewProjectError: if it is none of them, or has no rows, or no header if there has to be one; the message says
            why, and what to do.
    """
    if file.is_dir():
        raise NewProjectError(f"{file}: this is a folder: name one file in it")
    if not file.is_file():
        raise NewProjectError(f"{file}: there is no such file: correct the path")
    try:
        encoding = encoding_name(encoding)
    except ValueError as error:
        raise NewProjectError(f"--encoding: {error}") from error
    with open_content(file) as content:
        start = content.read(max(map(len, (*MAGIC, PARQUET))))
    if start.startswith(PARQUET):
        return _of_parquet(file)
    _check_format(file, start, encoding)
    _check_text(file, encoding)
    if start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{"):
        return _of_json(file)
    return _of_csv(file, encoding, header=header)


def _of_csv(file: Path, encoding: str, *, header: bool) -> Table:
    delimiter = _delimiter(file, encoding)
    records = read_records(file, delimiter, encoding)
    first = next(records)
    names = tuple(" ".join(name.split()) for name in first.fields)
    if not header:
        names = tuple(f"COLUMN_{place}" for place in range(1, len(first.fields) + 1))
        records = chain([first], records)
    _check_names(file, first, names, delimiter, encoding)
    good: list[tuple[str, ...]] = []
    rejected: list[Record] = []
    for record in islice(records, MAX_ROWS):
        if header and record.fields == first.fields:
            rejected.append(replace(record, error=REPEATS_HEADER))
        elif len(record.fields) == len(names):
            good.append(record.fields)
        else:
            rejected.append(record)
    whole = next(records, None) is None
    if not good:
        raise NewProjectError(_no_rows(file, names, rejected))
    columns = tuple(zip(*good, strict=True))
    if header:
        seen = tuple(column[:SNIFFED_ROWS] for column in columns)
        _check_header(f"{file}:{first.line}", names, seen)
        _check_second_header(f"{file}:{first.line + 1}", seen)
    lines = tuple(record.line for record in rejected)
    return Table(file, "csv", encoding, delimiter, names, header, columns, lines, whole)


def _of_parquet(file: Path) -> Table:
    try:
        names = parquet_names(file)
        read = parquet_rows(file, names)
        rows = [tuple(text or "" for text in row) for row in islice(read, MAX_ROWS)]
    except LoadError as error:
        raise NewProjectError(str(error)) from error
    return _named(file, "parquet", names, rows, (), whole=next(read, None) is None)


def _of_json(file: Path) -> Table:
    read = json_records(file)
    records = [*islice(read, MAX_ROWS)]
    objects = [record for _, record in records if not isinstance(record, Record)]
    names = [*dict.fromkeys(name for record in objects for name in record)]
    rows = [tuple(record.get(name) or "" for name in names) for record in objects]
    rejected = tuple(line for line, record in records if isinstance(record, Record))
    return _named(file, "json", names, rows, rejected, whole=next(read, None) is None)


def _named(
    file: Path,
    format_: Literal["parquet", "json"],
    names: Sequence[str],
    rows: Sequence[tuple[str, ...]],
    rejected: tuple[int, ...],
    *,
    whole: bool,
) -> Table:
    """The table of a file whose records have names; an empty text is no value, as in CSV."""
    if not rows or len(names) < 2:
        has = "no rows" if not rows else f"one column, '{names[0]}'"
        raise NewProjectError(f"{file}: it has {has}: a label and at least one feature are needed")
    header = tuple(" ".join(name.split()) for name in names)
    _check_repeated(str(file), header)
    return Table(file, format_, "UTF-8", ",", header, True, tuple(zip(*rows, strict=True)), rejected, whole)


def _no_rows(file: Path, names: tuple[str, ...], rejected: list[Record]) -> str:
    """Why no record of a file is a row, and what to do."""
    if not rejected:
        return f"{file}: it has no rows: name a file with a header and rows, from which a declaration can be inferred"
    place = f"{file}:{rejected[0].line}"
    if all(len(record.fields) == len(names) + 1 for record in rejected):
        if not any(record.fields[-1] for record in rejected):
            return (
                f"{place}: every row ends with a delimiter, the header does not: add one to the end of line 1, or "
                "remove it from the rows, as by sed '2,$s/.$//'"
            )
        return (
            f"{place}: every row has one field more than the header, as where R writes row names: put a name for them, "
            f"such as row_name, before '{names[0]}' in the header"
        )
    reason = rejected[0].error or f"it has {len(rejected[0].fields)} fields, the header has {len(names)}"
    return f"{place}: {reason}; none of its {len(rejected)} rows can be read: correct the file"


def _check_format(file: Path, start: bytes, encoding: str) -> None:
    """Refuse a file that its first bytes show to be no text, or one in UTF-16, with the way to make it one.

    Raises:
        NewProjectError: if it is one.
    """
    for magic, advice in MAGIC.items():
        if start.startswith(magic):
            raise NewProjectError(f"{file}: {advice}")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not encoding.startswith(("UTF-16", "UTF-32")):
        raise NewProjectError(f"{file}: it is UTF-16: say so with --encoding UTF-16")


def _check_text(file: Path, encoding: str) -> None:
    """Every line must be in the encoding, and one must not be blank."""
    filled = False
    for number, line in enumerate(read_lines(file, encoding), start=1):
        filled = filled or bool(line.strip())
        if byte := UNDECODABLE.search(line):
            message = (
                f"{file}:{number}: {not_in_encoding(byte, encoding)} with --encoding, such as --encoding windows-1252; "
                "a workbook has to be exported as CSV"
            )
            raise NewProjectError(message)
        if "\0" in line:
            big = "BE" if line.startswith("\0") else "LE"  # the first byte of a Latin letter in UTF-16BE
            message = f"{file}:{number}: it has a NUL byte: if it is UTF-16, say so with --encoding UTF-16{big}"
            raise NewProjectError(message)
    if not filled:
        raise NewProjectError(f"{file}: the file is empty: name one with a header and rows")


def _delimiter(file: Path, encoding: str) -> str:
    """The delimiter with which the header and almost all of the first rows have the same and largest number of fields.

    Tabs go before all others: a text has commas and semicolons, hardly tabs.

    Not csv.Sniffer, which takes a frequent letter or blank for the delimiter of a narrow file.
    """

    def width(delimiter: str) -> int:
        widths = [len(record.fields) for record in islice(read_records(file, delimiter, encoding), SNIFFED_ROWS)]
        regular = widths.count(widths[0]) >= 0.9 * len(widths)
        return widths[0] if regular else 1

    best = "\t" if width("\t") > 1 else max(DELIMITERS, key=width)
    if width(best) > 1:
        return best
    other = max(OTHER_DELIMITERS, key=width)
    names = next(read_records(file, other, encoding)).fields
    return other if width(other) > 2 and all(names) else best


def _lines_before_header(file: Path, encoding: str, names: tuple[str, ...]) -> int:
    """The line of the header if lines of one field stand before it; 0 if there are none."""
    if len([name for name in names if name]) > 1:
        return 0
    for delimiter in DELIMITERS:
        records = [*islice(read_records(file, delimiter, encoding), SNIFFED_ROWS)]
        filled = [sum(map(bool, record.fields)) for record in records]
        start = next((place for place, count in enumerate(filled) if count > 1), 0)
        widths = [len(record.fields) for record in records[start:]]
        if 0 < start < MANY_LINES and len(widths) > 1 and widths.count(widths[0]) >= 0.9 * len(widths):
            return records[start].line
    return 0


def _check_second_header(place: str, columns: tuple[tuple[str, ...], ...]) -> None:
    """The first row must not be names too, as where a sheet has two lines of them.

    Raises:
        NewProjectError: if in two columns or more, and in half of them, it alone is no number.
    """
    if len(columns[0]) < MANY_LINES:
        return
    odd = [texts[0] for texts in columns if texts[0] and not _number(texts[0]) and _numbers(texts[1:])]
    if len(odd) >= max(2, len(columns) / 2):
        raise NewProjectError(
            f"{place}: the first row has names too ({', '.join(odd[:3])} ...), above numbers: keep one line of names, "
            "as by sed 1d, which removes the first"
        )


def _check_names(file: Path, first: Record, names: tuple[str, ...], delimiter: str, encoding: str) -> None:
    place = f"{file}:{first.line}"
    if first.error:
        raise NewProjectError(f"{place}: {first.error}")
    markup = next((advice for begin, advice in MARKUP.items() if first.text.lstrip().lower().startswith(begin)), None)
    if markup and (len(names) == 1 or first.text.lstrip().startswith("[{")):
        raise NewProjectError(f"{place}: {markup}")
    if first.text.lstrip().startswith(COMMENTS):
        raise NewProjectError(
            f"{place}: this is a comment, not a header: remove the lines before the header, as by "
            f"tail -n +{first.line + 1}, and other comments"
        )
    two = next((each for each in TWO_CHARACTERS if each in first.text), None)
    if two and len(names) in (1, (len(set(two)) == 1) + len(two) * first.text.count(two)):
        raise NewProjectError(
            f"{place}: its fields are separated by two characters, {two!r}, but only one is possible: write the file "
            "with another delimiter"
        )
    title = _lines_before_header(file, encoding, names)
    if title:
        raise NewProjectError(
            f"{place}: what stands before the header is no record, such as a title: remove it, as by tail -n +{title}"
        )
    if len(names) == 1:
        raise NewProjectError(
            f"{place}: with the delimiters , ; | and tab it has one column, '{names[0]}': a label and at least one "
            "feature are needed; convert another delimiter, such as a blank, to a comma"
        )


def _check_header(place: str, names: tuple[str, ...], columns: tuple[tuple[str, ...], ...]) -> None:
    """The first record must have names, each once, and not values like those of the other records."""
    if _has_values(names, columns):
        raise NewProjectError(
            f"{place}: the first record has values, not names ({', '.join(names[:4])} ...): put a line with the names "
            "of the columns before it, or use --no-header to have them numbered"
        )
    _check_repeated(place, tuple(filter(None, names)))  # columns without a name are known by their place


def _check_repeated(place: str, names: tuple[str, ...]) -> None:
    repeated = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if repeated:
        places = [place for place, name in enumerate(names, start=1) if name == repeated[0]]
        raise NewProjectError(
            f"{place}: column '{repeated[0]}' appears {len(places)} times (columns {', '.join(map(str, places))}): "
            "give each column a name of its own"
        )


def _has_values(names: tuple[str, ...], columns: tuple[tuple[str, ...], ...]) -> bool:
    """Whether the first record is like the others: numbers above numbers, or texts that come again below.

    Numbers in equal steps above numbers are names, such as years.
    """
    numeric = [name for name, texts in zip(names, columns, strict=True) if sum(map(_number, texts)) > len(texts) / 2]
    textual = {name: texts for name, texts in zip(names, columns, strict=True) if name not in numeric and name}
    if any(name and not _number(name) for name in numeric):
        return False
    again = sum(name in {" ".join(text.split()) for text in texts} for name, texts in textual.items())
    numbers = [float(name) for name in numeric if name]
    steps = {right - left for left, right in pairwise(numbers)}
    if numbers and (len(numbers) < MANY_NAMES or len(steps) > 1):
        return not textual or again > 0 or len(numbers) >= MANY_NAMES
    return again > len(textual) / 2


def _numbers(texts: Sequence[str]) -> bool:
    """Whether texts are numbers, or blank, most of them numbers."""
    filled = [text for text in texts if text.strip()]
    return len(filled) > len(texts) / 2 and all(map(_number, filled))


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
