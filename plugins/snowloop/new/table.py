"""Reads a CSV file as COPY INTO will: its delimiter, header and records as text; what it cannot read is told."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from snowloop.errors import NewProjectError

DELIMITERS = ",;\t|"
MOST_ROWS = 200_000
SNIFFED_ROWS = 200


@dataclass(frozen=True)
class Table:
    """A file that was looked at.

    Args:
        file: The file.
        delimiter: What separates its fields.
        header: Its column names as they stand in the file.
        columns: For each of them the texts of the rows.
        ragged: Lines with more or fewer fields than the header, which COPY will reject.
        whole: Whether all rows were looked at; if not, the first ``MOST_ROWS``.
    """

    file: Path
    delimiter: str
    header: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    ragged: tuple[int, ...]
    whole: bool

    @property
    def rows(self) -> int:
        """How many rows were looked at."""
        return len(self.columns[0])


def read_table(file: Path) -> Table:
    """Read a CSV file with a header.

    Args:
        file: The file.

    Returns:
        Its content as text.

    Raises:
        NewProjectError: if it is no CSV file with a header and rows; the message says why, and what to do.
    """
    if file.is_dir():
        raise NewProjectError(f"{file}: this is a folder: name one CSV file in it")
    if not file.is_file():
        raise NewProjectError(f"{file}: there is no such file: mend the path")
    _check_text(file)
    delimiter = _delimiter(file)
    records = _records(file, delimiter)
    _, header = next(records)
    names = tuple(name.strip() for name in header)
    _check_header(file, names, delimiter)
    good: list[list[str]] = []
    ragged: list[int] = []
    for line, record in islice(records, MOST_ROWS):
        if len(record) == len(names):
            good.append(record)
        else:
            ragged.append(line)
    whole = next(records, None) is None
    if not good:
        why = (
            f"all its {len(ragged)} rows have another number of fields than the header" if ragged else "it has no rows"
        )
        message = f"{file}: {why}: Snowloop looks at rows to write a declaration; name a file with a header and rows"
        raise NewProjectError(message)
    return Table(file, delimiter, names, tuple(zip(*good, strict=True)), tuple(ragged), whole)


def _check_text(file: Path) -> None:
    """Each line is UTF-8, as COPY expects, and there is at least one."""
    filled = False
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            filled = filled or bool(line.strip().removeprefix(b"\xef\xbb\xbf"))
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                message = (
                    f"{file}:{number}: byte {error.start + 1} of the line is not UTF-8: convert the file, for example "
                    f"`iconv -f WINDOWS-1252 -t UTF-8 {file.name} > utf8.csv`; a workbook has to be exported as CSV"
                )
                raise NewProjectError(message) from error
            if "\0" in text:
                message = f"{file}:{number}: it holds a NUL byte: is it UTF-16, or no text at all? Save it as UTF-8"
                raise NewProjectError(message)
    if not filled:
        raise NewProjectError(f"{file}: the file is empty: name one with a header and rows")


def _records(file: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, with the numbers of the lines on which they end."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=delimiter)
        try:
            yield from ((reader.line_num, record) for record in reader if record)
        except csv.Error as error:
            message = f"{file}:{reader.line_num}: this is not CSV ({error}): look for a quote that is not closed"
            raise NewProjectError(message) from error


def _delimiter(file: Path) -> str:
    """The delimiter that gives the header and almost all of the first rows the same number of fields, and the most.

    Not csv.Sniffer, which takes a frequent letter or blank for the delimiter of a narrow file.
    """

    def width(delimiter: str) -> int:
        widths = [len(record) for _, record in islice(_records(file, delimiter), SNIFFED_ROWS)]
        regular = widths.count(widths[0]) >= 0.9 * len(widths)
        return widths[0] if regular else 1

    return max(DELIMITERS, key=width)


def _check_header(file: Path, names: tuple[str, ...], delimiter: str) -> None:
    if len(names) == 1:
        message = (
            f"{file}: with the delimiters , ; | and tab it has one column, '{names[0]}': a label and at least one "
            "feature are needed; convert another delimiter to a comma"
        )
        raise NewProjectError(message)
    repeated = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if repeated:
        places = [place for place, name in enumerate(names, start=1) if name == repeated[0]]
        message = (
            f"{file}:1: column '{repeated[0]}' is there {len(places)} times (columns {', '.join(map(str, places))}): "
            "give each column a name of its own"
        )
        raise NewProjectError(message)
    if all(_number(name) for name in names):
        message = (
            f"{file}:1: the first line holds values, not names ({delimiter.join(names[:4])} ...): put a line with the "
            "names of the columns before it"
        )
        raise NewProjectError(message)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
