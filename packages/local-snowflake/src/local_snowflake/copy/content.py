"""One staged file's content as a table, whatever its format, and where in the file each record stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from local_snowflake.copy.columnar_reader import read_columns
from local_snowflake.copy.csv_reader import CsvFile, read_csv
from local_snowflake.copy.decoding import read_bytes
from local_snowflake.copy.json_reader import read_json
from local_snowflake.copy.rejects import Fault, Reject
from local_snowflake.errors import SnowflakeError
from local_snowflake.stages.formats import FileFormat
from local_snowflake.stages.locations import StagedFile

ROW = "$ROW"
FIELD_PREFIX = "F:"


@dataclass(frozen=True)
class Place:
    """Where something stands in a file; None where the format has no such places."""

    line: int | None = None
    character: int | None = None
    byte_offset: int | None = None
    start_line: int | None = None
    record: str | None = None


@dataclass
class Content:
    """What a file holds.

    Attributes:
        table: the sound records: CSV has texts C1 … Cn, Parquet and ORC a column "F:name" for each of its own, JSON the
            column J; and "$ROW", the record's number from 1 on.
        records: how many there are, faulty ones included.
        fields: the names by which MATCH_BY_COLUMN_NAME and ``$1:name`` find a column: name -> DuckDB's expression.
        faults: record number -> what is wrong with its structure, and where in the text.
        place: where a record is, or one of its fields, or a position in the text.
    """

    table: pa.Table
    records: int
    fields: dict[str, str] = field(default_factory=dict)
    faults: dict[int, tuple[Fault, int | None]] = field(default_factory=dict)
    place: Callable[[int, int | None, int | None], Place] = lambda row, column, at: Place()

    def reject(
        self, file: str, row: int, fault: Fault, column: str | None, position: int | None, at: int | None
    ) -> Reject:
        """A fault as VALIDATE shows it.

        Args:
            file: the file's name.
            row: the record's number.
            fault: what is wrong.
            column: the column's label.
            position: which field of the record it is, from 0 on, if it is a field's fault.
            at: where in the text the fault shows, if it is the record's.
        """
        place = self.place(row, position, at)
        return Reject(
            fault.error,
            file,
            place.line,
            place.character,
            place.byte_offset,
            fault.category,
            fault.code,
            fault.sql_state,
            column,
            row,
            place.start_line,
            place.record,
        )


def open_file(file: StagedFile, form: FileFormat, width: int | None = None, *, strict: bool = False) -> Content:
    """Read a staged file.

    Args:
        file: the file.
        form: its format.
        width: how many fields a CSV record has; None for as many as there are.
        strict: whether a CSV record with another number of fields is faulty.

    Raises:
        SnowflakeError: if the file as a whole cannot be read.
    """
    if not file.path.is_file():
        text = f"Remote file '{file.name}' was not found. There are several potential causes. The file might not exist."
        raise SnowflakeError(91016, "22000", text)
    if form.is_columnar:
        table = read_columns(file, form)
        names = list(table.column_names)
        rows = pa.array(range(1, table.num_rows + 1), pa.int64())
        renamed = table.rename_columns([FIELD_PREFIX + n for n in names]).append_column(ROW, rows)
        quoted = {n: '"' + (FIELD_PREFIX + n).replace('"', '""') + '"' for n in names}
        return Content(renamed, table.num_rows, quoted)
    data = read_bytes(file.path, form, file.name)
    if form.kind == "JSON":
        found = read_json(data, form)
        lines = found.lines

        def in_json(row: int, column: int | None, at: int | None) -> Place:
            line, text = lines(row)
            return Place(line, 1, None, line, text)

        return Content(found.table, found.records, {}, found.faults, in_json)
    csv = read_csv(data, form, width, strict=strict)
    fields = {name: f'"C{i + 1}"' for i, name in enumerate(csv.header)}
    return Content(csv.table, csv.records, fields, csv.faults, _Places(csv))


class _Places:
    """Finds the places of a CSV file's records and fields."""

    def __init__(self, csv: CsvFile) -> None:
        self.csv = csv
        self._text: str | None = None

    def __call__(self, row: int, column: int | None, at: int | None) -> Place:
        if self._text is None:
            self._text = self.csv.text()
        text = self._text
        start, end = self.csv.start_of(row)
        if column is not None:
            spans = self.csv.fields_of(row).spans
            at = spans[column] if column < len(spans) else end
        at = start if at is None else at
        line_start = text.rfind("\n", 0, at) + 1
        return Place(
            text.count("\n", 0, at) + 1,
            at - line_start + 1,
            len(text[:at].encode()),
            text.count("\n", 0, start) + 1,
            text[start:end],
        )
