"""Profiles the columns of a file: what the texts of each stand for, its nulls, and a name for SQL."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from snowloop.new.formats import Kind, Reading, recognize
from snowloop.new.table import Table
from snowloop.project.sources import RESERVED

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

ALWAYS_NULL = frozenset({"", "NULL", "null", "\\N", "#N/A", "N/A", "n/a"})
"""Texts that are null in every column, with or without blanks around them."""
SOMETIMES_NULL = frozenset({"NA", "NaN", "nan", "None", "none", "?", "-", ".", "na", "Null", "<NA>"})
"""Texts that may be values; they are nulls of a column whose other values are not text."""

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
ID_NAME = re.compile(r"ID$|(^|_)(KEY|UUID|GUID)$")
MOMENT_NAME = re.compile(r"(^|_)(TIME|TIMESTAMP|DATE|DATETIME|TS|EPOCH|AT|WHEN)(_|$)")
SECONDS = (631_152_000, 2_208_988_800)
"""From 1990 to 2040, in seconds since 1970."""
NOT_IDS = frozenset({"PAID", "UNPAID", "PREPAID", "BID", "GRID", "VALID", "INVALID", "SOLID", "ACID", "HUMID", "COVID"})
MOST_KNOWN_THINGS = 20
"""Different values up to which an identifier, as of a shop, may be a feature."""


@dataclass(frozen=True)
class ColumnProfile:
    """The content of a column of the file.

    Args:
        header: Its name in the file.
        name: Its name in SQL.
        texts: Its texts, row by row.
        reading: What its texts stand for; of text, themselves.
        counts: Number of rows with each text, without nulls.
        null_counts: Number of rows with each text that means null in this column.
        ordered: Whether the values never decrease from row to row.
    """

    header: str
    name: str
    texts: tuple[str, ...]
    reading: Reading
    counts: Counter[str]
    null_counts: Counter[str]
    ordered: bool

    @property
    def kind(self) -> Kind:
        """The kind of its values."""
        return self.reading.kind

    @property
    def expression(self) -> str | None:
        """SQL of what its texts stand for; None if COPY INTO reads them."""
        return self.reading.expression and self.reading.expression.format(self.name)

    @property
    def rows(self) -> int:
        """Number of rows with a value."""
        return self.counts.total()

    @property
    def nulls(self) -> int:
        """Number of rows without a value."""
        return self.null_counts.total()

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return not self.nulls and len(self.counts) == self.rows

    @cached_property
    def whole(self) -> bool:
        """Whether the values are whole numbers, however they are written: 1.0 is one too."""
        return self.kind == "integer" or (
            self.kind == "float" and all(self.number(text).is_integer() for text in self.counts)
        )

    @cached_property
    def numbers(self) -> tuple[float, float]:
        """The lowest and the highest value of a column of numbers."""
        read = self.reading.values
        values = [float(read.get(text, text)) for text in self.counts] if read else [*map(float, self.counts)]
        return min(values), max(values)

    @property
    def permutation(self) -> bool:
        """Whether its values are the numbers of the rows in some order, from 0, 1 or any other."""
        return self.unique and self.kind == "integer" and self._span == self.rows > 1

    @property
    def dense(self) -> bool:
        """Whether its whole numbers are at least half of those between the lowest and the highest."""
        return self.kind == "integer" and self._span <= 2 * self.rows

    @cached_property
    def _span(self) -> int:
        values = [int(self.value(text)) for text in self.counts]
        return max(values) - min(values) + 1

    @property
    def epoch(self) -> str:
        """SQL of the moment that its whole numbers count from 1970, in seconds or milliseconds; empty if none."""
        if not (self.kind == "integer" and MOMENT_NAME.search(self.words)):
            return ""
        low, high = self.numbers
        if low >= SECONDS[0] and high < SECONDS[1]:
            return f"TO_TIMESTAMP_NTZ({self.name})"
        milliseconds = low >= 1000 * SECONDS[0] and high < 1000 * SECONDS[1]
        return f"TO_TIMESTAMP_NTZ({self.name}, 3)" if milliseconds else ""

    @property
    def words(self) -> str:
        """The words of its name in capitals: ``CUSTOMER_ID`` for ``customerID``."""
        return re.sub(r"\W+", "_", re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", self.header)).strip("_").upper()

    @property
    def named_id(self) -> bool:
        """Whether its name says that it identifies something."""
        return bool(ID_NAME.search(self.words)) and self.words not in NOT_IDS

    @property
    def identifies(self) -> str:
        """Why its values say which row or thing it is, and nothing about it; empty if they do not."""
        if self.permutation:
            return "the numbers of the rows"
        many = len(self.counts) > MOST_KNOWN_THINGS
        return "an identifier, by its name" if self.named_id and many and (self.whole or self.kind == "text") else ""

    def value(self, text: str) -> str:
        """What a text stands for, in the form in which COPY reads it."""
        return self.reading.values.get(text, text)

    def number(self, text: str) -> float:
        """What a text of a column of numbers stands for."""
        return float(self.value(text))


def profile_columns(table: Table) -> tuple[ColumnProfile, ...]:
    """Profile each column of a file."""
    names = sql_names(table.header)
    columns = zip(table.header, names, table.columns, strict=True)
    return tuple(_profile(header, name, texts, table.delimiter) for header, name, texts in columns)


def _profile(header: str, name: str, texts: tuple[str, ...], delimiter: str) -> ColumnProfile:
    """Whether a text such as None is a value or null is decided in each column alone."""
    counts = Counter(texts)
    values = [text for text in counts if text.strip() not in ALWAYS_NULL]
    certain = [text for text in values if text.strip() not in SOMETIMES_NULL]
    reading = recognize(certain, delimiter) if certain else None
    present = set(certain).difference(reading.odd) if reading else set(values)
    null_counts = Counter({text: counts.pop(text) for text in counts.keys() - present})
    reading = reading or Reading("text" if values else "empty")
    return ColumnProfile(header, name, texts, reading, counts, null_counts, _ordered(texts, counts, reading))


def _ordered(texts: tuple[str, ...], counts: Counter[str], reading: Reading) -> bool:
    if reading.kind not in (*NUMBERS, *TIMES):
        return False
    present = (reading.values.get(text, text) for text in texts if text in counts)
    values = map(float, present) if reading.kind in NUMBERS else present
    return all(left <= right for left, right in pairwise(values))  # type: ignore[operator]


def sql_names(headers: Iterable[str]) -> tuple[str, ...]:
    """Unique names for the headers of a file that need no quotes in SQL and are not keywords.

    Returns:
        For example ``MEAN_RADIUS_MM`` for ``mean radius (mm)``, and ``ORDER_`` for ``order``.
    """
    names: list[str] = []
    for place, header in enumerate(headers, start=1):
        plain = unicodedata.normalize("NFKD", header.upper()).encode("ascii", "ignore").decode()
        name = re.sub(r"\W+", "_", plain).strip("_")[:MAX_NAME_LENGTH] or f"COLUMN_{place}"
        name = f"C_{name}" if name[0].isdigit() else name
        name = f"{name}_" if name in KEYWORDS or name in RESERVED else name
        number = 2
        while name in names:
            name, number = f"{name.removesuffix(f'_{number - 1}')}_{number}", number + 1
        names.append(name)
    return tuple(names)
