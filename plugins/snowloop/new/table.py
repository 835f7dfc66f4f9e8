"""Reads a CSV file as a load will: its delimiter, header and records as text, and which records will be rejected."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from snowloop.errors import NewProjectError
from snowloop.lifecycle.data.csv_reader import Record, read_records

DELIMITERS = ",;\t|"
MAX_ROWS = 200_000
SNIFFED_ROWS = 200


@dataclass(frozen=True)
class Table:
    """The content of a CSV file, as text.

    Args:
        file: The file.
        delimiter: What separates its fields.
        header: Its column names as they stand in the file, white space made single blanks.
        columns: For each of them the texts of the rows.
        rejected: Lines of the records that a load will reject: malformed, or with more or fewer fields than the header.
        whole: Whether all rows were read; if not, the first ``MAX_ROWS``.
    """

    file: Path
    delimiter: str
    header: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    rejected: tuple[int, ...]
    whole: bool

    @property
    def rows(self) -> int:
        """Number of rows in ``columns``."""
        return len(self.columns[0])


def read_table(file: Path) -> Table:
    """Read a CSV file with a header.

    Args:
        file: The file.

    Returns:
        Its content as text.

    Raises:
        NewProjectError: if it is not a CSV file with a header and rows; the message says why, and what to do.
    """
    if file.is_dir():
        raise NewProjectError(f"{file}: this is a folder: name one CSV file in it")
    if not file.is_file():
        raise NewProjectError(f"{file}: there is no such file: correct the path")
    _check_text(file)
    delimiter = _delimiter(file)
    records = read_records(file, delimiter)
    header = next(records)
    names = tuple(" ".join(name.split()) for name in header.fields)
    _check_header(f"{file}:{header.line}", header, names, delimiter)
    good: list[tuple[str, ...]] = []
    rejected: list[Record] = []
    for record in islice(records, MAX_ROWS):
        if len(record.fields) == len(names):
            good.append(record.fields)
        else:
            rejected.append(record)
    whole = next(records, None) is None
    if not good:
        message = (
            f"{file}: it has no rows: name a file with a header and rows, from which a declaration can be inferred"
        )
        if rejected:
            error = rejected[0].error or f"it has {len(rejected[0].fields)} fields, the header has {len(names)}"
            message = (
                f"{file}:{rejected[0].line}: {error}; none of its {len(rejected)} rows can be read: correct the file"
            )
        raise NewProjectError(message)
    lines = tuple(record.line for record in rejected)
    return Table(file, delimiter, names, tuple(zip(*good, strict=True)), lines, whole)


def _check_text(file: Path) -> None:
    """Every line must be UTF-8, as COPY expects, and one must not be blank."""
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
                message = f"{file}:{number}: it has a NUL byte: it may be UTF-16, or not text; save it as UTF-8"
                raise NewProjectError(message)
    if not filled:
        raise NewProjectError(f"{file}: the file is empty: name one with a header and rows")


def _delimiter(file: Path) -> str:
    """The delimiter with which the header and almost all of the first rows have the same and largest number of fields.

    Not csv.Sniffer, which takes a frequent letter or blank for the delimiter of a narrow file.
    """

    def width(delimiter: str) -> int:
        widths = [len(record.fields) for record in islice(read_records(file, delimiter), SNIFFED_ROWS)]
        regular = widths.count(widths[0]) >= 0.9 * len(widths)
        return widths[0] if regular else 1

    return max(DELIMITERS, key=width)


def _check_header(place: str, header: Record, names: tuple[str, ...], delimiter: str) -> None:
    if header.error:
        raise NewProjectError(f"{place}: {header.error}")
    if len(names) == 1:
        message = (
            f"{place}: with the delimiters , ; | and tab it has one column, '{names[0]}': a label and at least one "
            "feature are needed; convert another delimiter to a comma"
        )
        raise NewProjectError(message)
    repeated = list(dict.fromkeys(name for name in names if names.count(name) > 1))
    if repeated:
        places = [place for place, name in enumerate(names, start=1) if name == repeated[0]]
        message = (
            f"{place}: column '{repeated[0]}' appears {len(places)} times (columns {', '.join(map(str, places))}): "
            "give each column a name of its own"
        )
        raise NewProjectError(message)
    if all(_number(name) for name in names):
        message = (
            f"{place}: the first record has values, not names ({delimiter.join(names[:4])} ...): put a line with the "
            "names of the columns before it"
        )
        raise NewProjectError(message)


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
