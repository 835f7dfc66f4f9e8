"""Snowflake's data types: their canonical texts, DuckDB's counterparts, and the row types that clients read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

MAX_TEXT = 16_777_216
MAX_BINARY = 8_388_608
_INTEGERS = {"INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"}
_FLOATS = {"FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"}
_TEXTS = {"VARCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "CHAR VARYING", "NCHAR VARYING"}
_NTZ = {"DATETIME", "TIMESTAMP", "TIMESTAMPNTZ", "TIMESTAMP_NTZ", "TIMESTAMP WITHOUT TIME ZONE"}
_LTZ = {"TIMESTAMPLTZ", "TIMESTAMP_LTZ", "TIMESTAMP WITH LOCAL TIME ZONE"}
_TZ = {"TIMESTAMPTZ", "TIMESTAMP_TZ", "TIMESTAMP WITH TIME ZONE"}


@dataclass(frozen=True)
class SfType:
    """A Snowflake data type.

    Attributes:
        name: the canonical name: NUMBER, FLOAT, VARCHAR, BINARY, BOOLEAN, DATE, TIME, TIMESTAMP_NTZ, TIMESTAMP_LTZ,
            TIMESTAMP_TZ, VARIANT, OBJECT or ARRAY.
        precision: digits of a NUMBER, else 0.
        scale: digits behind the point of a NUMBER; of the second for a time.
        length: characters of a VARCHAR, bytes of a BINARY, else 0.
        held: the type of the value in a VARIANT, where the statement itself makes it of one; it makes no other type.
    """

    name: str
    precision: int = 0
    scale: int = 0
    length: int = 0
    held: "SfType | None" = field(default=None, compare=False)

    def __str__(self) -> str:
        """The canonical text, as DESCRIBE TABLE prints it, eg: ``NUMBER(38,0)``."""
        if self.name == "NUMBER":
            return f"NUMBER({self.precision},{self.scale})"
        if self.length:
            return f"{self.name}({self.length})"
        if self.name == "TIME" or self.name.startswith("TIMESTAMP"):
            return f"{self.name}({self.scale})"
        return self.name

    @property
    def duckdb(self) -> str:
        """The DuckDB type that stores the values."""
        if self.name == "NUMBER":
            if self.scale == 0 and (self.precision <= 18 or self.precision == 38):
                return "BIGINT"
            return f"DECIMAL({self.precision},{self.scale})"
        return _DUCKDB[self.name]

    @property
    def is_semi_structured(self) -> bool:
        """Whether the values are JSON."""
        return self.duckdb == "JSON"

    @property
    def key(self) -> tuple[str, int, int]:
        """Name, precision and scale: what decides how values travel."""
        return self.name, self.precision, self.scale

    @property
    def logical(self) -> str:
        """The type's name in the protocol's row type."""
        return {"NUMBER": "fixed", "FLOAT": "real", "VARCHAR": "text"}.get(self.name, self.name.lower())


_DUCKDB = {
    **{name: name for name in ("VARCHAR", "BOOLEAN", "DATE", "TIME")},
    "TIMESTAMP_LTZ": "TIMESTAMP WITH TIME ZONE",
    # with its offset: see below
    "TIMESTAMP_TZ": "INTERVAL",
    **dict.fromkeys(("VARIANT", "OBJECT", "ARRAY"), "JSON"),
    "FLOAT": "DOUBLE",
    "BINARY": "BLOB",
    "TIMESTAMP_NTZ": "TIMESTAMP",
}


@lru_cache(4096)
def parse_type(text: str) -> SfType:
    """The type that a statement spells, with Snowflake's defaults filled in, eg: NUMBER(38,0) for ``int``.

    Raises ValueError for a type that the local Snowflake does not have.
    """
    match = re.match(r"\s*([A-Za-z_][\w ]*?)\s*(?:\((.*)\))?\s*\Z", text, re.S)
    make = _SPELLINGS.get(re.sub(r"\s+", " ", match[1].upper())) if match else None
    if match is None or make is None:
        raise ValueError(f"Unsupported data type '{text.strip()}'.")
    return make([int(n) for n in re.findall(r"\d+", match[2] or "")])


_Maker = Callable[[list[int]], SfType]


def _number(sizes: list[int]) -> SfType:
    precision, scale = (*sizes, *((38, 0)[len(sizes) :]))[:2]
    return SfType("NUMBER", precision, scale)


def _sized(name: str, attribute: str, default: int) -> _Maker:
    def make(sizes: list[int]) -> SfType:
        size = sizes[0] if sizes else default
        return SfType(name, length=size) if attribute == "length" else SfType(name, scale=size)

    return make


def _plain(kind: SfType) -> _Maker:
    return lambda sizes: kind


_SPELLINGS: dict[str, _Maker] = {
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC", "DEC"), _number),
    **dict.fromkeys(_INTEGERS, _plain(SfType("NUMBER", 38, 0))),
    **dict.fromkeys(_FLOATS, _plain(SfType("FLOAT"))),
    **dict.fromkeys(_TEXTS, _sized("VARCHAR", "length", MAX_TEXT)),
    **dict.fromkeys(("CHAR", "CHARACTER", "NCHAR"), _sized("VARCHAR", "length", 1)),
    **dict.fromkeys(("BINARY", "VARBINARY"), _sized("BINARY", "length", MAX_BINARY)),
    **dict.fromkeys(_NTZ, _sized("TIMESTAMP_NTZ", "scale", 9)),
    **dict.fromkeys(_LTZ, _sized("TIMESTAMP_LTZ", "scale", 9)),
    **dict.fromkeys(_TZ, _sized("TIMESTAMP_TZ", "scale", 9)),
    "TIME": _sized("TIME", "scale", 9),
    **{name: _plain(SfType(name)) for name in ("BOOLEAN", "DATE", "VARIANT", "OBJECT", "ARRAY")},
    "MAP": _plain(SfType("OBJECT")),
}
_RESULTS: tuple[tuple[str, SfType], ...] = (
    (r"U?(BIG|HUGE|SMALL|TINY)?INT(EGER)?", SfType("NUMBER", 38, 0)),
    (r"DOUBLE|FLOAT", SfType("FLOAT")),
    (r"JSON", SfType("VARIANT")),
    (r".*\]", SfType("ARRAY")),
    (r"(STRUCT|MAP)\(.*", SfType("OBJECT")),
    (r"BLOB", SfType("BINARY", length=MAX_BINARY)),
    (r"TIMESTAMP WITH TIME ZONE", SfType("TIMESTAMP_LTZ", scale=9)),
    (r"TIMESTAMP.*", SfType("TIMESTAMP_NTZ", scale=9)),
    (r"INTERVAL", SfType("TIMESTAMP_TZ", scale=9)),
    (r"TIME.*", SfType("TIME", scale=9)),
    (r"BOOLEAN", SfType("BOOLEAN")),
    (r"DATE", SfType("DATE")),
)


def from_duckdb(text: str) -> SfType:
    """The Snowflake type that a result column of a DuckDB type has; a text for what has no counterpart."""
    if match := re.match(r"DECIMAL\((\d+),\s*(\d+)\)\Z", text):
        return SfType("NUMBER", int(match[1]), int(match[2]))
    kinds = (kind for pattern, kind in _RESULTS if re.fullmatch(pattern, text, re.S))
    return next(kinds, SfType("VARCHAR", length=MAX_TEXT))


# -- the form of a TIMESTAMP_TZ ----------------------------------------------------------------------------------------

# An INTERVAL whose days and microseconds count from the year 1 in UTC. The offset, in minutes + 1440 as in the
# protocol, is taken away in years and put back in days, 360 a year: DuckDB compares, sorts, groups, joins and hashes
# intervals by months of 30 days, so that values of one moment are equal whatever their offsets, and each keeps its own.
START, _MINUTES = "TIMESTAMP '0001-01-01'", 1440
# days to be added, whole months of them, and what all values are below without them
FAR, BEYOND = "to_days(36000000)", "to_days(30000000)"


def zoned_sql(time: str, minutes: str) -> str:
    """DuckDB's SQL of a value, of its time in UTC and its offset in minutes."""
    written = f"({minutes} + {_MINUTES})"
    years, days = f"to_years(CAST(-{written} AS INTEGER))", f"to_days(CAST(360 * {written} AS INTEGER))"
    return f"({time} - {START}) + {years} + {days}"


def by_clock_sql(clock: str, instant: str) -> str:
    """DuckDB's SQL of the value of a moment at which a clock shows a time: a TIMESTAMPTZ and a TIMESTAMP."""
    return zoned_sql(f"timezone('UTC', {instant})", f"((epoch_us({clock}) - epoch_us({instant})) // 60000000)")


def minutes_sql(value: str) -> str:
    """DuckDB's SQL of a value's offset in minutes."""
    return f"(CAST(-datepart('year', {value}) AS BIGINT) - {_MINUTES})"


def clock_sql(value: str) -> str:
    """DuckDB's SQL of what a clock at a value's offset shows."""
    return f"({START} + to_microseconds(epoch_us({value})) + to_minutes({minutes_sql(value)}))"


def offset_sql(minutes: str, separator: str = "") -> str:
    """DuckDB's SQL of the text of an offset, eg: +0200."""
    if separator:
        sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
        return f"format('{{}}{{:02d}}{separator}{{:02d}}', {sign}, abs({minutes}) // 60, abs({minutes}) % 60)"
    return f"format('{{:+05d}}', {minutes} + 40 * ({minutes} // 60))"
