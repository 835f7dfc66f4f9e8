"""Profiles the columns of a file: the type as which COPY INTO reads each, its nulls, and a name for SQL."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Literal

from snowloop.new.table import Table
from snowloop.project.sources import RESERVED

Kind = Literal["integer", "float", "boolean", "date", "timestamp", "timestamp with zone", "text", "empty"]
TYPES: dict[Kind, str] = {
    "integer": "NUMBER(38,0)",
    "float": "FLOAT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP_NTZ",
    "timestamp with zone": "TIMESTAMP_TZ",
    "text": "VARCHAR",
    "empty": "VARCHAR",
}
NUMBERS: tuple[Kind, ...] = ("integer", "float")
TIMES: tuple[Kind, ...] = ("date", "timestamp", "timestamp with zone")

# A leading zero makes 00123 a code, not a number: pandas and Arrow would drop the zeros.
INTEGER = re.compile(r"[+-]?(?:0|[1-9]\d{0,37})")
FLOAT = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?")
ZONE = re.compile(r"(?:Z| ?[+-]\d{2}:?\d{2})$")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
LOCAL_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}")

ALWAYS_NULL = ("", "NULL", "null", "\\N", "#N/A", "N/A", "n/a")
"""Texts that are null in every column."""
SOMETIMES_NULL = ("NA", "NaN", "nan", "None", "none", "?", "-", ".", "na", "Null", "<NA>")
"""Texts that may be values; they are nulls if the other values of some column are not text."""

# https://docs.snowflake.com/en/sql-reference/reserved-keywords, and words that other engines reserve
KEYWORDS = frozenset({
    "ACCOUNT", "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "BETWEEN", "BOTH", "BY", "CASE", "CAST", "CHECK",
    "COLLATE", "COLUMN", "CONNECT", "CONNECTION", "CONSTRAINT", "CREATE", "CROSS", "CURRENT", "CURRENT_DATE",
    "CURRENT_TIME", "CURRENT_TIMESTAMP", "CURRENT_USER", "DATABASE", "DEFAULT", "DELETE", "DESC", "DISTINCT",
    "DROP", "ELSE", "END", "EXCEPT", "EXISTS", "FALSE", "FETCH", "FOLLOWING", "FOR", "FOREIGN", "FROM", "FULL",
    "GRANT", "GROUP", "GSCLUSTER", "HAVING", "ILIKE", "IN", "INNER", "INSERT", "INTERSECT", "INTERVAL", "INTO",
    "IS", "ISSUE", "JOIN", "LATERAL", "LEADING", "LEFT", "LIKE", "LIMIT", "LOCALTIME", "LOCALTIMESTAMP",
    "MINUS", "NATURAL", "NOT", "NULL", "OF", "OFFSET", "ON", "ONLY", "OR", "ORDER", "ORGANIZATION", "PRIMARY",
    "QUALIFY", "REFERENCES", "REGEXP", "REVOKE", "RIGHT", "RLIKE", "ROW", "ROWS", "SAMPLE", "SCHEMA", "SELECT",
    "SET", "SOME", "START", "TABLE", "TABLESAMPLE", "THEN", "TO", "TRAILING", "TRIGGER", "TRUE", "TRY_CAST",
    "UNION", "UNIQUE", "UPDATE", "USING", "VALUES", "VIEW", "WHEN", "WHENEVER", "WHERE", "WINDOW", "WITH",
})  # fmt: skip
MAX_NAME_LENGTH = 48


@dataclass(frozen=True)
class ColumnProfile:
    """The content of a column of the file.

    Args:
        header: Its name in the file.
        name: Its name in SQL.
        kind: The kind of its values.
        counts: Number of rows with each value, without nulls.
        nulls: Number of rows without a value.
        ordered: Whether the values never decrease from row to row.
    """

    header: str
    name: str
    kind: Kind
    counts: Counter[str]
    nulls: int
    ordered: bool

    @property
    def rows(self) -> int:
        """Number of rows with a value."""
        return self.counts.total()

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return not self.nulls and len(self.counts) == self.rows

    @property
    def whole(self) -> bool:
        """Whether the values are whole numbers, however they are written: 1.0 is one too."""
        return self.kind == "integer" or (
            self.kind == "float" and all(float(value).is_integer() for value in self.counts)
        )

    @property
    def numbers(self) -> tuple[float, float]:
        """The lowest and the highest value of a column of numbers."""
        values = [float(value) for value in self.counts]
        return min(values), max(values)


def profile_columns(table: Table) -> tuple[tuple[ColumnProfile, ...], tuple[str, ...]]:
    """Profile each column of a file.

    Args:
        table: The file.

    Returns:
        The profiles, and the texts that mean null somewhere in the file.
    """
    counts = [Counter(column) for column in table.columns]
    nulls = _null_texts(counts)
    names = sql_names(table.header)
    profiles = []
    for header, name, column, counted in zip(table.header, names, table.columns, counts, strict=True):
        present = Counter({value: number for value, number in counted.items() if value not in nulls})
        kind = _kind(present)
        ordered = kind in (*NUMBERS, *TIMES) and _ordered(column, kind, nulls)
        profiles.append(ColumnProfile(header, name, kind, present, table.rows - present.total(), ordered))
    return tuple(profiles), tuple(text for text in nulls if any(text in counted for counted in counts))


def _null_texts(counts: list[Counter[str]]) -> tuple[str, ...]:
    """Texts of the file that mean null: those that always do, and those without which a column is not text."""
    meant = [
        text
        for text in SOMETIMES_NULL
        if any(
            text in counted and _kind(set(counted) - set(ALWAYS_NULL) - set(SOMETIMES_NULL)) not in ("text", "empty")
            for counted in counts
        )
    ]
    return (*ALWAYS_NULL, *meant)


def _kind(values: Iterable[str]) -> Kind:
    stripped = {value.strip() for value in values}
    if not stripped:
        return "empty"
    if all(map(INTEGER.fullmatch, stripped)):
        return "integer"
    if all(map(FLOAT.fullmatch, stripped)):
        return "float"
    if {value.lower() for value in stripped} <= {"true", "false"}:
        return "boolean"
    return _time_kind(stripped) or "text"


def _time_kind(values: set[str]) -> Kind | None:
    zones = {bool(ZONE.search(value)) and not DATE.fullmatch(value) for value in values}
    bare = {value if DATE.fullmatch(value) else ZONE.sub("", value) for value in values}
    try:
        if all(map(DATE.fullmatch, values)):
            _ = [date.fromisoformat(value) for value in values]
            return "date"
        if all(map(TIMESTAMP.fullmatch, bare)) and len(zones) == 1:
            _ = [datetime.fromisoformat(value[:26]) for value in bare]
            return "timestamp with zone" if zones == {True} else "timestamp"
    except ValueError:
        return None
    return None


def _ordered(column: tuple[str, ...], kind: Kind, nulls: tuple[str, ...]) -> bool:
    present = [value for value in column if value not in nulls]
    values: list[float] | list[str] = [float(value) for value in present] if kind in NUMBERS else present
    return all(left <= right for left, right in pairwise(values))  # type: ignore[operator]


def sql_names(headers: Iterable[str]) -> tuple[str, ...]:
    """Unique names for headers that need no quotes in SQL and are not keywords.

    Args:
        headers: Names as they stand in a file.

    Returns:
        For example ``MEAN_RADIUS_MM`` for ``mean radius (mm)``, and ``ORDER_`` for ``order``.
    """
    names: list[str] = []
    for place, header in enumerate(headers, start=1):
        plain = unicodedata.normalize("NFKD", header).encode("ascii", "ignore").decode().upper()
        name = re.sub(r"\W+", "_", plain).strip("_")[:MAX_NAME_LENGTH] or f"COLUMN_{place}"
        name = f"C_{name}" if name[0].isdigit() else name
        name = f"{name}_" if name in KEYWORDS or name in RESERVED else name
        number = 2
        while name in names:
            name, number = f"{name.removesuffix(f'_{number - 1}')}_{number}", number + 1
        names.append(name)
    return tuple(names)
