"""DuckDB expressions that turn what files hold into Snowflake's types; NULL where Snowflake would report an error."""

from __future__ import annotations

import re

from local_snowflake.sql.names import literal
from local_snowflake.sql.types import MAX_TEXT, SfType
from local_snowflake.stages.formats import FileFormat

_TRUE = "('true', 't', 'yes', 'y', 'on', '1')"
_FALSE = "('false', 'f', 'no', 'n', 'off', '0')"
_SEMI = {"VARIANT", "OBJECT", "ARRAY"}
# what DuckDB takes for a date and Snowflake does not
_WORDS = "('epoch', 'inf', '-inf', 'infinity', '-infinity')"
_DATES = ["%m/%d/%Y", "%d-%b-%Y"]
_TIMES = ["%m/%d/%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z"]
# Snowflake's elements of date and time formats -> strptime's
_ELEMENTS = {
    "YYYY": "%Y",
    "YY": "%y",
    "MMMM": "%B",
    "MON": "%b",
    "MM": "%m",
    "DD": "%d",
    "DY": "%a",
    "HH24": "%H",
    "HH12": "%I",
    "HH": "%H",
    "AM": "%p",
    "PM": "%p",
    "MI": "%M",
    "SS": "%S",
    "FF": "%f",
    "TZH:TZM": "%z",
    "TZHTZM": "%z",
    "TZH": "%z",
    "TZD": "%Z",
}
_ELEMENT = re.compile("|".join([r'"[^"]*"', r"FF\d", *_ELEMENTS]), re.I)


def strptime_format(text: str) -> str:
    """Snowflake's format of a date or time as strptime's: https://docs.snowflake.com/en/sql-reference/date-time-input-output."""

    def element(match: re.Match[str]) -> str:
        found = match[0].upper()
        return found[1:-1] if found.startswith('"') else _ELEMENTS["FF" if found.startswith("FF") else found]

    return "".join(
        part if i % 2 else part.replace("%", "%%")
        for i, part in enumerate(re.split(r"(\x00[^\x00]*\x00)", _ELEMENT.sub(lambda m: f"\0{element(m)}\0", text)))
    ).replace("\0", "")


def prepared_text(column: str, form: FileFormat) -> str:
    """A text as its format cleans it: spaces trimmed, NULL_IF made NULL."""
    value = f"trim({column}, ' \t')" if form.flag("TRIM_SPACE") else column
    nulls = form.null_if()
    if nulls:
        listed = ", ".join(literal(n) for n in nulls)
        value = f"(CASE WHEN {value} IN ({listed}) THEN NULL ELSE {value} END)"
    return value


def from_text(value: str, kind: SfType, form: FileFormat) -> str:
    """A text as a value of a type; NULL if it is none."""
    if kind.name == "VARCHAR":
        return value
    if kind.name in {"NUMBER", "FLOAT"}:
        wrong = "'_', 'x', 'X', 'b', 'B'" if kind.duckdb == "BIGINT" else "'_'"
        odd = " OR ".join(f"contains({value}, {w.strip()})" for w in wrong.split(","))
        return f"(CASE WHEN {odd} THEN NULL ELSE TRY_CAST({value} AS {kind.duckdb}) END)"
    if kind.name == "BOOLEAN":
        low = f"lower(trim({value}))"
        return f"(CASE WHEN {low} IN {_TRUE} THEN TRUE WHEN {low} IN {_FALSE} THEN FALSE END)"
    if kind.name == "BINARY":
        if form.kind == "CSV" and form.text("BINARY_FORMAT") == "BASE64":
            return f"TRY(from_base64({value}))"
        return f"TRY(unhex({value}))"
    if kind.name in {"VARIANT", "OBJECT", "ARRAY"}:
        return f"TRY_CAST({value} AS JSON)"
    return _moment(value, kind, form)


def _moment(value: str, kind: SfType, form: FileFormat) -> str:
    """A text as a date, a time or a timestamp."""
    option = {"DATE": "DATE_FORMAT", "TIME": "TIME_FORMAT"}.get(kind.name, "TIMESTAMP_FORMAT")
    given = form.text(option)
    if given.upper() not in {"", "AUTO"}:
        pattern, text = strptime_format(given), value
        if "%I" in pattern and "%p" not in pattern:
            pattern, text = pattern + " %p", f"({value} || ' AM')"
        return f"TRY_CAST(try_strptime({text}, {literal(pattern)}) AS {kind.duckdb})"
    plain = f"TRY_CAST({value} AS {kind.duckdb})"
    if kind.name == "TIME":
        return f"(CASE WHEN ascii(ltrim({value})) < 58 THEN {plain} END)"
    others = "[" + ", ".join(literal(f) for f in (_DATES if kind.name == "DATE" else _DATES + _TIMES)) + "]"
    number = f"TRY_CAST({value} AS BIGINT)"
    epoch = (
        f"(CASE WHEN NOT regexp_full_match({value}, '-?[0-9]+') THEN NULL "
        f"WHEN abs({number}) < 31536000000 THEN make_timestamp({number} * 1000000) "
        f"WHEN abs({number}) < 31536000000000 THEN make_timestamp({number} * 1000) "
        f"WHEN abs({number}) < 31536000000000000 THEN make_timestamp({number}) "
        f"ELSE make_timestamp({number} // 1000) END)"
    )
    parsed = f"TRY_CAST(try_strptime({value}, {others}) AS {kind.duckdb})"
    found = f"coalesce({plain}, {parsed}, TRY_CAST({epoch} AS {kind.duckdb}))"
    return f"(CASE WHEN lower(trim({value})) IN {_WORDS} THEN NULL ELSE {found} END)"


def from_native(value: str, source: str, kind: SfType, form: FileFormat) -> str:
    """A value that is no text, eg: of a Parquet file, as a value of a type; NULL if it cannot be.

    Args:
        value: DuckDB's expression.
        source: its DuckDB type.
        kind: the wanted type.
        form: the file's format.
    """
    if source == "VARCHAR" and (form.kind == "CSV" or kind.name not in _SEMI):
        return from_text(value, kind, form)
    if source == "JSON":
        if kind.name in _SEMI:
            return value
        return from_text(f"({value} ->> '$')", kind, form)
    if kind.name in _SEMI:
        return f"to_json({value})"
    if kind.name == "VARCHAR" and (source.endswith("]") or source.startswith(("STRUCT", "MAP"))):
        return f"CAST(to_json({value}) AS VARCHAR)"
    if source == "BLOB" and kind.name == "VARCHAR":
        return f"TRY(decode({value}))"
    if source in {"BIGINT", "INTEGER", "HUGEINT"} and kind.name.startswith(("TIMESTAMP", "DATE")):
        return from_text(f"CAST({value} AS VARCHAR)", kind, form)
    return value if source == kind.duckdb else f"TRY_CAST({value} AS {kind.duckdb})"


def too_long(value: str, kind: SfType) -> str | None:
    """Whether a text is longer than its column takes; None if it never can be."""
    if kind.name == "VARCHAR" and 0 < kind.length < MAX_TEXT:
        return f"length({value}) > {kind.length}"
    if kind.name == "BINARY" and 0 < kind.length < 8_388_608:
        return f"octet_length({value}) > {kind.length}"
    return None
