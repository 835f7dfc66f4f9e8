"""What a staged file holds, and the errors in it, with Snowflake's messages and codes, as VALIDATE shows them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Self

import pyarrow as pa

from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.results import record_table
from local_snowflake.sql.types import SfType

ROW = "$ROW"
# a position in a file: the fields of a Reject that are about it; without those that the format does not have
Place = dict[str, int | str]


@dataclass(frozen=True)
class Fault:
    """What is wrong with one value or record, without its position."""

    error: str
    code: int
    sql_state: str = "22000"
    category: str = "parsing"


@dataclass(frozen=True)
class Reject:
    """One error in a file; the fields are the columns of VALIDATE, in its order."""

    error: str
    file: str
    line: int | None = None
    character: int | None = None
    byte_offset: int | None = None
    category: str = ""
    code: int = 0
    sql_state: str = ""
    column_name: str | None = None
    row_number: int | None = None
    row_start_line: int | None = None
    rejected_record: str | None = None

    @classmethod
    def of(cls, fault: Fault, file: str, **where: Any) -> Self:
        """A fault in a file, and the other fields as far as the place of the fault is clear."""
        return cls(fault.error, file, category=fault.category, code=fault.code, sql_state=fault.sql_state, **where)

    def as_error(self) -> SnowflakeError:
        """The error that ON_ERROR = ABORT_STATEMENT raises."""
        where = f"  File '{self.file}', line {self.line}, character {self.character}\n  Row {self.row_number}"
        if self.line is None:
            where = f"  File '{self.file}'"
        if self.column_name:
            where += f", column {self.column_name}"
        advice = (
            "  If you would like to continue loading when an error is encountered, use other values such as "
            "'SKIP_FILE' or 'CONTINUE' for the ON_ERROR option. For more information on loading options, please run "
            "'info loading_data' in a SQL client."
        )
        return SnowflakeError(self.code, self.sql_state, f"{self.error}\n{where}\n{advice}")


COLUMNS = {f.name.upper(): pa.int64() if f.type in (int, int | None) else pa.string() for f in fields(Reject)}


def as_table(rejects: Iterable[Reject]) -> pa.Table:
    """Errors as VALIDATE returns them."""
    return record_table([{name.upper(): value for name, value in vars(r).items()} for r in rejects], COLUMNS)


@dataclass
class Content:
    """What a file holds.

    Attributes:
        table: the records without errors: CSV has text columns C1 … Cn, Parquet and ORC a column
            "F:name" for each of its own, JSON the column J; and "$ROW", the record's number from 1 on.
        records: how many there are, faulty ones included.
        fields: the names by which MATCH_BY_COLUMN_NAME and ``$1:name`` find a column: name -> DuckDB's expression.
        faults: record number -> what is wrong with its structure, and where in the text.
        place: where a record is, or one of its fields, or a position in the text.
    """

    table: pa.Table
    records: int
    fields: dict[str, str] = field(default_factory=dict)
    faults: dict[int, tuple[Fault, int | None]] = field(default_factory=dict)
    place: Callable[[int, int | None, int | None], Place] = lambda row, column, at: {}

    def reject(
        self, file: str, row: int, fault: Fault, column: str | None, position: int | None, at: int | None
    ) -> Reject:
        """A fault as VALIDATE shows it: of the record, where it shows ``at`` in the text, or of its field ``position``.

        ``column`` is the column's label.
        """
        return Reject.of(fault, file, column_name=column, row_number=row, **self.place(row, position, at))


def column_count(actual: int, expected: int) -> Fault:
    """A record with too many or too few fields."""
    text = (
        f"Number of columns in file ({actual}) does not match that of the corresponding table ({expected}), "
        "use file format option error_on_column_count_mismatch=false to ignore this error"
    )
    return Fault(text, 100080)


def null_value(*, from_text: bool) -> Fault:
    """A NULL for a NOT NULL column."""
    text = "NULL result in a non-nullable column"
    if not from_text:
        return Fault(text, 100072)
    more = ". Use quotes if an empty field should be interpreted as an empty string instead of a null"
    return Fault(text + more, 100088)


def not_converted(value: str, kind: SfType, *, variant: bool = False) -> Fault:
    """A text, or the text in a VARIANT, that is not a value of a column's type."""
    shown = value if len(value) <= 200 else value[:200] + "..."
    if variant and kind.name != "VARCHAR" and not kind.is_semi_structured:
        name = {"NUMBER": "FIXED", "FLOAT": "REAL"}.get(kind.name, kind.name)
        return Fault(f'Failed to cast variant value "{shown}" to {name}', 100071, "22000", "conversion")
    if kind.is_semi_structured:
        return Fault(f"Error parsing JSON: {shown}", 100069, "22P02", "parsing")
    if kind.name == "NUMBER" and re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*", value, re.I):
        return Fault(f"Numeric value '{shown}' is out of range", 100039, "22003", "conversion")
    timestamp = f"Timestamp '{shown}' is not recognized", 100035, "22007"
    text, code, state = {
        "VARCHAR": (f"User character length limit ({kind.length}) exceeded by string '{shown}'", 100074, "22000"),
        "BINARY": (f"The following string is not a legal hex-encoded value: '{shown}'", 100115, "22000"),
        **dict.fromkeys(("NUMBER", "FLOAT"), (f"Numeric value '{shown}' is not recognized", 100038, "22018")),
        "BOOLEAN": (f"Boolean value '{shown}' is not recognized", 100037, "22018"),
        "DATE": (f"Date '{shown}' is not recognized", 100040, "22007"),
        "TIME": (f"Time '{shown}' is not recognized", 100108, "22007"),
    }.get(kind.name, timestamp)
    return Fault(text, code, state, "conversion")


def column_label(table: str, column: str, position: int) -> str:
    """How Snowflake names a column in load errors, eg: ``"T"["AMOUNT":3]``."""
    return f'"{table}"["{column}":{position}]'
