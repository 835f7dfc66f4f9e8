"""The declaration of a project's sources: files, their columns, and the contract of the values."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from snowloop.project.durations import Duration

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

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

RESERVED = frozenset({"REASON", "SOURCE", "RUN_ID", "QUARANTINED_AT", "TRAINING_SET", "SET_ASIDE_AT", "IS_HOLDOUT"})
"""Columns that Snowloop adds to those of the streamed source."""
RESERVED_KEYS = frozenset(
    {"SCORE", "PREDICTION", "PROBABILITIES", "MODEL_VERSION", "SCORED_AT", "EVENT_TIME", "FEATURES"}
)
"""Columns that Snowloop adds to those of the key."""
MOMENT = re.compile(r"(DATE|DATETIME|TIMESTAMP|TIMESTAMP_NTZ)( ?\(\d+\))?")
WITHOUT_ZONE = "times are compared in UTC, so name a column that holds UTC and is declared TIMESTAMP_NTZ or DATE"


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        message = f"'{value}' is not a plain name: use letters, digits and _, starting with a letter"
        raise ValueError(message)
    return value


def _text(value: Any) -> Any:
    """YAML reads yes, no, on, off and numbers as other types than text: ask for quotes rather than guess."""
    if isinstance(value, bool | int | float):
        message = f"{value!r} is not text to YAML: put it in quotes"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports a ValueError with its place
    return value


Name = Annotated[str, AfterValidator(_name)]
Identifier = Annotated[str, AfterValidator(_name), AfterValidator(str.upper)]
Text = Annotated[str, BeforeValidator(_text)]


class Declaration(BaseModel):
    """Base of every part of a declaration: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(Declaration):
    """One column of a source: its type, and the contract of its values."""

    type: Annotated[str, AfterValidator(str.upper)] = Field(description="Such as NUMBER(38,0), FLOAT, VARCHAR or DATE.")
    field: str | None = Field(None, description="Its name in the header of the file, if that differs.")
    nullable: bool = Field(True, description="Whether a row may have no value.")
    unique: bool = Field(
        False, description="Whether each value must be unique; in the scored source, only for the key."
    )
    min: float | None = Field(None, description="Lowest allowed number.")
    max: float | None = Field(None, description="Highest allowed number.")
    allowed: tuple[Text, ...] | None = Field(None, description="All allowed values.")
    known_after_label: bool = Field(
        False, description="Whether it is known only with the label; then no feature may use it."
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            message = f"min {self.min:g} is above max {self.max:g}: no value could pass; swap them"
            raise ValueError(message)
        kind = re.fullmatch(r"([A-Z0-9_]+(?: PRECISION)?)( ?\(\d+(, ?\d+)?\))?", self.type)
        if not kind or kind[1] not in TYPES:
            near = get_close_matches(kind[1] if kind else self.type, TYPES, n=1)
            message = f"type '{self.type}' is not a column type such as NUMBER(38,0), FLOAT, VARCHAR or DATE"
            raise ValueError(message + (f": {near[0]}?" if near else ""))
        if (self.min is not None or self.max is not None) and not self.is_number:
            message = f"min and max are for numbers, this is a {self.type}: remove them, or correct the type"
            raise ValueError(message)
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
    """Files with the same columns, and the RAW table into which they are loaded."""

    file: Text = Field(description="Name of its files in the data folder, or a pattern with *.")
    delimiter: str = Field(",", min_length=1, max_length=1, description="The character that separates the fields.")
    header: bool = Field(True, description="Whether the first record has the names of the columns.")
    null_values: tuple[Text, ...] = Field(("",), description="Texts that mean a missing value.")
    row_id: RowId | None = Field(None, description="For files without a key: number the rows.")
    event_time: Identifier | None = Field(
        None, description="The column with the time of a row's event: a DATE or TIMESTAMP_NTZ in UTC."
    )
    known_after: Duration | None = Field(
        None, description="For as-of joins: how long after its event time a row is known; null: at once."
    )
    freshness: Freshness | None = Field(None, description="How old the newest row may be; null: no limit.")
    columns: dict[Identifier, Column] = Field(min_length=1, description="Its columns, in the order of the file.")

    @field_validator("columns", mode="before")
    @classmethod
    def _once(cls, columns: Any) -> Any:
        """Names are compared without case: a second one would silently replace the first."""
        names = [str(name).upper() for name in columns] if isinstance(columns, dict) else []
        for name in names:
            if names.count(name) > 1:
                message = (
                    f"column {name} appears twice (case is ignored): rename one, and declare the file's name as `field`"
                )
                raise ValueError(message)
        return columns

    @model_validator(mode="after")
    def _dated(self) -> Self:
        column = self.freshness.column if self.freshness else None
        if column and not self.is_moment(column):
            message = (
                f"freshness.column {column} is not one of the source's columns of type DATE or TIMESTAMP without a "
                f"zone: {WITHOUT_ZONE}; or leave it out to count from the last load"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.known_after and self.event_time is None:
            message = "known_after counts from the source's event time: declare its `event_time`, or remove it"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _numbered(self) -> Self:
        if self.row_id and self.row_id.column in self.columns:
            message = (
                f"row_id {self.row_id.column} is also a column of the file: choose another name, or make it the key"
            )
            raise ValueError(message)
        return self

    def is_moment(self, column: str) -> bool:
        """Whether it is one of the columns of type DATE or TIMESTAMP that have no zone."""
        return column in self.columns and bool(MOMENT.fullmatch(self.columns[column].type))

    @property
    def table_columns(self) -> dict[str, Column]:
        """Columns of the RAW table, in order: the row number, if declared, then those of the file."""
        if self.row_id is None:
            return self.columns
        return {self.row_id.column: Column(type="NUMBER(38,0)", nullable=False, unique=True), **self.columns}
