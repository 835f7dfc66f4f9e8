"""The declaration of a project's sources: files or tables, their columns, and the contract of the values."""

import codecs
import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from snowloop.project.base import Declaration, Identifier, PlaceBelow, Text, as_text, plain_name
from snowloop.project.durations import Duration

NUMBER_TYPES = (
    "NUMBER", "DECIMAL", "DEC", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT", "FLOAT",
    "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL",
)  # fmt: skip
TYPES = (
    *NUMBER_TYPES, "VARCHAR", "CHAR", "CHARACTER", "NCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "BINARY",
    "VARBINARY", "BOOLEAN", "DATE", "DATETIME", "TIME", "TIMESTAMP", "TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "TIMESTAMP_TZ",
    "VARIANT", "OBJECT", "ARRAY",
)  # fmt: skip
"""Snowflake's names of the types that can be loaded from a file (https://docs.snowflake.com/en/sql-reference/intro-summary-data-types)."""

ENCODINGS = {
    codecs.lookup(name).name: name
    for name in (
        "UTF-8", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "UTF-32BE", "UTF-32LE", "ISO-8859-1", "ISO-8859-2",
        "ISO-8859-5", "ISO-8859-6", "ISO-8859-7", "ISO-8859-8", "ISO-8859-9", "ISO-8859-15", "WINDOWS-1250",
        "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "CP874",
        "CP949", "KOI8-R", "BIG5", "EUC-JP", "EUC-KR", "GB18030", "ISO-2022-JP", "ISO-2022-KR", "SHIFT_JIS",
    )
}  # fmt: skip
"""By Python's name, the encodings that Snowflake loads and Python has (https://docs.snowflake.com/en/user-guide/intro-summary-loading)."""

RESERVED = frozenset({"REASON", "SOURCE", "RUN_ID", "QUARANTINED_AT", "TRAINING_SET", "SET_ASIDE_AT", "IS_HOLDOUT"})
"""Columns that Snowloop adds to those of the streamed source."""
RESERVED_KEYS = frozenset(
    {"SCORE", "PREDICTION", "PROBABILITIES", "MODEL_VERSION", "SCORED_AT", "EVENT_TIME", "FEATURES"}
)
"""Columns that Snowloop adds to those of the key."""
MAX_REJECTED_SHARE = 0.1
"""Share of a file's records that may be rejected by default: more are a wrong delimiter or type, not errors."""
MOMENT = re.compile(r"(DATE|DATETIME|TIMESTAMP|TIMESTAMP_NTZ)( ?\(\d+\))?")
LAST_SECOND = 86_399
"""Of a day: a DATE says no more than that its row was known by then."""
ROW_TIMESTAMP = "METADATA$ROW_LAST_COMMIT_TIME"
"""When a row was last committed (https://docs.snowflake.com/en/user-guide/data-engineering/row-timestamps)."""
OF_CSV = ("delimiter", "encoding", "header", "null_values", "row_id")
"""What is declared of CSV files, and means nothing for others; rows of all files on the machine can be numbered."""
UNUSED = {
    "file": ("pattern", "loaded_at"),
    "table": ("pattern", "format", "max_rejected_share", *OF_CSV),
    "stage": ("row_id", "loaded_at"),
}
"""What means nothing, by where the rows come from."""
PART = r'(?:"(?:[^"]|"")+"|[A-Za-z_{][\w${}]*)'
WITHOUT_ZONE = "times are compared in UTC, so name a column that holds UTC and is declared TIMESTAMP_NTZ or DATE"


def full_name(value: str) -> str:
    """A text that is the full name of a table.

    Raises:
        ValueError: if it is not.
    """
    if not re.fullmatch(rf"{PART}\.{PART}\.{PART}", value) or _other_braces(value):
        raise ValueError(
            f"'{value}' is not the full name of a table: write DATABASE.SCHEMA.NAME, parts that are not plain names in "
            "double quotes; {target} stands for the environment's name in capitals"
        )
    return value


def name_parts(value: str) -> tuple[str, str, str]:
    """Database, schema and name of a full name, as they are spelled in Snowflake."""
    database, schema, name = (
        part[1:-1].replace('""', '"') if part.startswith('"') else part.upper() for part in re.findall(PART, value)
    )
    return database, schema, name


def _stage(value: str) -> str:
    if not re.fullmatch(rf"@{PART}\.{PART}\.{PART}(/[\w.=/-]*)?", value) or _other_braces(value):
        raise ValueError(
            f"'{value}' is not the full name of a stage: write @DATABASE.SCHEMA.STAGE/path, with letters, digits and "
            "_ . = - / in the path; {target} stands for the environment's name in capitals"
        )
    return value


def _other_braces(value: str) -> bool:
    return re.search(r"\{(?!target\})|(?<!\{target)\}", value) is not None


def _loaded_at(value: str) -> str:
    return value.upper() if value.upper() == ROW_TIMESTAMP else plain_name(value).upper()


def encoding_name(value: str) -> str:
    """The name of an encoding of which ``value`` is a name or an alias, such as ISO-8859-1 for latin-1.

    Raises:
        ValueError: if it is none of ``ENCODINGS``; the message names one that is written alike, or some.
    """
    try:
        return ENCODINGS[codecs.lookup(value).name]
    except (KeyError, LookupError, ValueError):
        near = get_close_matches(value.upper(), ENCODINGS.values(), n=3) or ["UTF-8", "ISO-8859-1", "WINDOWS-1252"]
        message = f"'{value}' is not an encoding that can be loaded: {', '.join(near)}?"
        raise ValueError(message) from None


class Column(Declaration):
    """One column of a source: its type, and the contract of its values."""

    type: Annotated[str, AfterValidator(str.upper)] = Field(description="Such as NUMBER(38,0), FLOAT, VARCHAR or DATE.")
    field: str | None = Field(
        None, description="Its name in the header of the file, or in the table as it is spelled there, if that differs."
    )
    nullable: bool = Field(True, description="Whether a row may have no value.")
    unique: bool = Field(
        False, description="Whether each value must be unique; in the scored source, only for the key."
    )
    min: float | None = Field(None, description="Lowest allowed number.")
    max: float | None = Field(None, description="Highest allowed number.")
    allowed: tuple[Text, ...] | None = Field(None, description="All allowed values.")
    null_values: tuple[Text, ...] = Field(
        (), description="Texts of the file that mean a missing value in this column, besides those of the source."
    )
    value: Text | None = Field(
        None,
        description="For text: SQL of what it stands for, NULL where it cannot be read, such as "
        "TRY_TO_DATE(PAID, 'DD.MM.YYYY'). A text that gives NULL breaks the contract; min and max are of the result.",
    )
    known_after_label: bool = Field(
        False, description="Whether it is known only with the label; then no feature may use it."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.allowed is not None and len(set(self.allowed)) < max(1, len(self.allowed)):
            raise ValueError(
                f"allowed names {'a value twice: remove one' if self.allowed else 'no value, so no row could pass'}"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value could pass; swap them")
        kind = re.fullmatch(r"([A-Z0-9_]+(?: PRECISION)?)( ?\(\d+(, ?\d+)?\))?", self.type)
        if not kind or kind[1] not in TYPES:
            near = get_close_matches(kind[1] if kind else self.type, TYPES, n=1)
            message = f"type '{self.type}' is not a column type such as NUMBER(38,0), FLOAT, VARCHAR or DATE"
            raise ValueError(message + (f": {near[0]}?" if near else ""))
        if (self.min is not None or self.max is not None) and not (self.is_number or self.value):
            raise ValueError(f"min and max are for numbers, this is a {self.type}: remove them, or correct the type")
        if self.value is not None and "TRY_" not in self.value.upper():
            raise ValueError(
                f"value {self.value!r} may fail on one row and stop all others: use a function that gives NULL where "
                "it cannot read a text, such as TRY_TO_DOUBLE, TRY_TO_DATE or TRY_TO_TIMESTAMP"
            )
        return self

    @property
    def is_number(self) -> bool:
        """Whether its type is numeric."""
        return self.type.split("(")[0].strip() in NUMBER_TYPES


class RowId(Declaration):
    """A key for files without one: the number of the row in the original file, added as the first column."""

    column: Identifier = Field("ROW_ID", description="Name of the column.")


class Freshness(Declaration):
    """How old the newest row of a source may be when the contract is checked."""

    max_age: Duration = Field(description="Maximum age, such as 24h or 7 days.")
    column: Identifier | None = Field(
        None, description="Column with the time of a row, in UTC; null: the time of its load."
    )


class Source(Declaration):
    """Rows with the same columns: of files that are loaded into a RAW table, or of a table that others fill."""

    file: Annotated[PlaceBelow, BeforeValidator(as_text)] | None = Field(
        None, description="Name of its files in the data folder, or a pattern with *."
    )
    table: Annotated[Text, AfterValidator(full_name)] | None = Field(
        None,
        description="A table or view that others fill, as DATABASE.SCHEMA.NAME; it is read where it is. {target} "
        "stands for the environment's name in capitals.",
    )
    stage: Annotated[Text, AfterValidator(_stage)] | None = Field(
        None,
        description="Files on a stage, internal or external, as @DATABASE.SCHEMA.STAGE/path; the load stage copies "
        "each of them once. {target} stands for the environment's name in capitals.",
    )
    pattern: Text | None = Field(None, description="Of a stage: a regular expression that its files' paths match.")
    format: Literal["csv", "parquet", "json"] = Field(
        "csv", description="What its files are; json: one record a line. CSV and JSON may be compressed."
    )
    loaded_at: Annotated[Text, AfterValidator(_loaded_at)] | None = Field(
        None,
        description="Of a table: the column with the time at which a row was loaded, in UTC, or "
        f"{ROW_TIMESTAMP}; null: it is not known, and rows that wait have no age.",
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="The character that separates the fields.")
    encoding: Annotated[Text, AfterValidator(encoding_name)] = Field(
        "UTF-8", description="Encoding of its files, such as latin-1, windows-1252 or UTF-16."
    )
    header: bool = Field(True, description="Whether the first record has the names of the columns.")
    null_values: tuple[Text, ...] = Field(("",), description="Texts that mean a missing value in every column.")
    max_rejected_share: float = Field(
        MAX_REJECTED_SHARE,
        ge=0,
        le=1,
        description="Share of a file's records that may be rejected; of more the load is refused.",
    )
    row_id: RowId | None = Field(None, description="For files without a key: number the rows.")
    event_time: Identifier | None = Field(
        None, description="The column with the time of a row's event: a DATE or TIMESTAMP_NTZ in UTC."
    )
    known_after: Duration | None = Field(
        None, description="For as-of joins: how long after its event time a row is known; null: at once."
    )
    known_at: Identifier | None = Field(
        None,
        description="For as-of joins: the column with the time at which a row became known, such as that of its load; "
        "a DATE or TIMESTAMP_NTZ in UTC. null: the event time says it.",
    )
    wait_for: Duration | None = Field(
        None,
        description="For as-of joins: how long after its event a new row of the scored source waits until this source "
        "has come as far as the event; null: it does not wait.",
    )
    freshness: Freshness | None = Field(None, description="How old the newest row may be; null: no limit.")
    columns: dict[Identifier, Column] = Field(min_length=1, description="Its columns, in the order of the file.")

    @model_validator(mode="after")
    def _values_name_their_column(self) -> Self:
        for name, column in self.columns.items():
            if column.value is not None and not re.search(rf"\b{name}\b", column.value, re.IGNORECASE):
                raise ValueError(
                    f"the value of column {name} does not use {name}: {column.value!r}; write it of {name}"
                )
        return self

    @field_validator("columns", mode="before")
    @classmethod
    def _once(cls, columns: Any) -> Any:
        """Names are compared without case: a second one would silently replace the first."""
        names = [str(name).upper() for name in columns] if isinstance(columns, dict) else []
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"column {name} appears twice (case is ignored): rename one, and declare the file's name as `field`"
                )
        return columns

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        places = {"file": self.file, "table": self.table, "stage": self.stage}
        declared = [place for place, name in places.items() if name is not None]
        if len(declared) != 1:
            raise ValueError("declare one of `file`, `table` and `stage`: where the rows come from")
        (place,) = declared
        of_csv = () if self.format == "csv" else OF_CSV if place == "stage" else OF_CSV[:-1]
        for name in (*UNUSED[place], *of_csv):
            if name in self.model_fields_set:
                what = f"{self.format} files on the stage" if place == "stage" else f"the {place}"
                what = f"the {self.format} file" if place == "file" and self.format != "csv" else what
                raise ValueError(f"{name} does not apply to a source that is {what} {places[place]}: remove it")
        for name, column in self.columns.items():
            if self.file is None and column.null_values:
                raise ValueError(
                    f"null_values of column {name} are for files on the machine: declare its `value` instead"
                )
        if self.table is None:
            return self
        if self.loaded_at not in (None, ROW_TIMESTAMP) and not self.is_moment(str(self.loaded_at)):
            raise ValueError(
                f"loaded_at {self.loaded_at} is not one of the source's columns of type DATE or TIMESTAMP without a "
                f"zone: {WITHOUT_ZONE}"
            )
        if self.freshness and self.freshness.column is None and self.loaded_at is None:
            raise ValueError(
                f"freshness needs the time of a row, and when rows of the table {self.table} were loaded is not known: "
                "declare freshness.column, or loaded_at"
            )
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        column = self.freshness.column if self.freshness else None
        if column and not self.is_moment(column):
            raise ValueError(
                f"freshness.column {column} is not one of the source's columns of type DATE or TIMESTAMP without a "
                f"zone: {WITHOUT_ZONE}; or leave it out to count from the last load"
            )
        if self.known_after and self.event_time is None:
            raise ValueError("known_after counts from the source's event time: declare its `event_time`, or remove it")
        if self.known_at and self.known_after:
            raise ValueError("known_after and known_at both say when a row is known: keep one of them")
        if self.known_at and not self.is_moment(self.known_at):
            raise ValueError(
                f"known_at {self.known_at} is not one of the source's columns of type DATE or TIMESTAMP without a "
                f"zone: {WITHOUT_ZONE}"
            )
        if self.wait_for and self.known_by is None:
            raise ValueError(
                "wait_for needs to know how far the source has come: declare its `event_time` or `known_at`"
            )
        if self.row_id and self.row_id.column in self.columns:
            raise ValueError(
                f"row_id {self.row_id.column} is also a column of the file: choose another name, or make it the key"
            )
        return self

    @property
    def known_by(self) -> str | None:
        """The column that says since when a row is known in as-of joins; None if none does."""
        return self.known_at or self.event_time

    @property
    def known_delay(self) -> int:
        """Seconds from the time in ``known_by`` until a row is known; by default 0, of a DATE until its day is over."""
        if self.known_after:
            return int(self.known_after.total_seconds())
        return LAST_SECOND if self.known_by and self.columns[self.known_by].type == "DATE" else 0

    def is_moment(self, column: str) -> bool:
        """Whether it is one of the columns of type DATE or TIMESTAMP that have no zone."""
        return column in self.columns and bool(MOMENT.fullmatch(self.columns[column].type))

    def origin(self, target: str) -> tuple[str, str, str] | None:
        """Database, schema and name of the table in an environment, as they are spelled; None for files.

        Args:
            target: The environment.
        """
        if self.table is None:
            return None
        return name_parts(self.table.replace("{target}", target.upper()))

    def location(self, target: str) -> str:
        """The stage and path of its files in an environment; only of a source that is a stage."""
        return str(self.stage).replace("{target}", target.upper())

    @property
    def spelled_columns(self) -> dict[str, str]:
        """For each column its name in the table that is there."""
        return {name: name if column.field is None else column.field for name, column in self.columns.items()}

    @property
    def table_columns(self) -> dict[str, Column]:
        """Columns of the RAW table, in order: the row number, if declared, then those of the file."""
        if self.row_id is None:
            return self.columns
        return {self.row_id.column: Column(type="NUMBER(38,0)", nullable=False, unique=True), **self.columns}
