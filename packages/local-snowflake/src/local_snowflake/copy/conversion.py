"""The content of a file -> rows of a table's types, and the faults of the rows that cannot be converted."""

import re
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from local_snowflake.copy.rejects import ROW, Fault, not_converted, null_value
from local_snowflake.functions.formats.times import ELEMENTS
from local_snowflake.sql.names import literal, quote
from local_snowflake.sql.types import MAX_TEXT, SfType, by_clock_sql
from local_snowflake.stages.formats import FileFormat

_BAD = "$BAD"
_TRUE = "('true', 't', 'yes', 'y', 'on', '1')"
_FALSE = "('false', 'f', 'no', 'n', 'off', '0')"
# what DuckDB takes for a date and Snowflake does not
_WORDS = "('epoch', 'inf', '-inf', 'infinity', '-infinity')"
_DATES = ["%m/%d/%Y", "%d-%b-%Y"]
_TIMES = ["%m/%d/%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z"]
_ZONED_TIMES = ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S.%f %z"]
# what COPY reads besides
_ELEMENTS = {
    **ELEMENTS,
    "HH": "%H",
    "FF": "%f",
    "TZH:TZM": "%z",
    "TZHTZM": "%z",
    "TZH": "%z",
    "TZD": "%Z",
}
# behind a time of day
_OFFSET = r"(\d:\d{2}(?:\.\d+)?)\s*(?:Z|[+-]\d{1,2}:?\d{0,2})$"
NTZ, LTZ = SfType("TIMESTAMP_NTZ", scale=9), SfType("TIMESTAMP_LTZ", scale=9)
_ELEMENT = re.compile("|".join([r'"[^"]*"', "%", r"FF\d", *_ELEMENTS]), re.I)


@dataclass(frozen=True)
class Column:
    """A column that is loaded."""

    name: str
    type: SfType
    nullable: bool
    position: int


@dataclass
class Converted:
    """The outcome of a conversion.

    Attributes:
        rows: the rows without errors, with "$ROW", the record's number.
        faults: record number, index of the column, what is wrong; by record and column.
    """

    rows: pa.Table
    faults: list[tuple[int, int, Fault]]


def convert(
    duck: duckdb.DuckDBPyConnection, source: str, columns: list[Column], form: FileFormat, *, truncate: bool
) -> Converted:
    """Convert all rows of a source at once: DuckDB's SQL of "$ROW", then one value a column, named S0, S1, ….

    A text that is too long is truncated, or the row is faulty.
    """
    kinds = {str(d[0]): str(d[1]) for d in duck.execute(f"DESCRIBE {source}").fetchall()}
    plans = [_plan(f'"S{i}"', kinds[f"S{i}"], c, form, truncate=truncate) for i, c in enumerate(columns)]
    prepared = ", ".join(f"{p.prepared} AS P{i}" for i, p in enumerate(plans))
    converted = ", ".join(f"{p.value.replace('$P', f'P{i}')} AS X{i}" for i, p in enumerate(plans))
    staged = f"SELECT *, {converted} FROM (SELECT {quote(ROW)}, {prepared} FROM ({source}))"
    bad = " OR ".join(p.check(i) for i, p in enumerate(plans) if p.bad) or "FALSE"
    names = ", ".join(f"X{i} AS {quote(c.name)}" for i, c in enumerate(columns))
    sql = f"SELECT {quote(ROW)}, {names}, ({bad}) AS {quote(_BAD)} FROM ({staged})"
    table: pa.Table = duck.sql(sql).to_arrow_table()
    mask = table.column(_BAD)
    rows = table.drop_columns([_BAD])
    if not pc.any(mask).as_py():
        return Converted(rows, [])
    faults = _faults(duck, staged, bad, plans, columns)
    return Converted(rows.filter(pc.invert(mask)), faults)


@dataclass(frozen=True)
class _Plan:
    """How one column is converted: $P is the prepared value, $X the converted one."""

    prepared: str
    value: str
    bad: str
    text: bool
    variant: bool

    def check(self, position: int) -> str:
        """DuckDB's condition of a row whose value cannot be converted; ``position`` is the column's."""
        return f"coalesce({self.bad.replace('$P', f'P{position}').replace('$X', f'X{position}')}, FALSE)"


def _plan(value: str, source: str, column: Column, form: FileFormat, *, truncate: bool) -> _Plan:
    kind, prepared, native = column.type, value, source
    if source == "JSON" and not kind.is_semi_structured:
        prepared, native = f"({value} ->> '$')", "VARCHAR"
    if native == "VARCHAR" and form.kind != "CSV":
        prepared = prepared_text(prepared, form)
    converted = from_native("$P", native, kind, form)
    checks = []
    if converted != "$P":
        checks.append("($P IS NOT NULL AND $X IS NULL)")
    if long := too_long("$X", kind):
        if truncate:
            converted = f"left({converted}, {kind.length})"
        else:
            checks.append(f"({long})")
    if too_many := too_many_digits("$X", kind):
        checks.append(f"({too_many})")
    if not column.nullable:
        checks.append("$P IS NULL")
    variant = form.kind != "CSV" and source in {"JSON", "VARCHAR"}
    return _Plan(prepared, converted, " OR ".join(checks), form.kind == "CSV", variant)


def _faults(
    duck: duckdb.DuckDBPyConnection, staged: str, bad: str, plans: list[_Plan], columns: list[Column]
) -> list[tuple[int, int, Fault]]:
    faults: list[tuple[int, int, Fault]] = []
    checked = [i for i, p in enumerate(plans) if p.bad]
    selected = ", ".join(f"CAST(P{i} AS VARCHAR), {plans[i].check(i)}" for i in checked)
    sql = f"SELECT {quote(ROW)}, {selected} FROM ({staged}) WHERE {bad} ORDER BY 1"
    for row, *values in duck.execute(sql).fetchall():
        for i, text, is_bad in zip(checked, values[::2], values[1::2], strict=True):
            if is_bad and text is None:
                faults.append((int(row), i, null_value(from_text=plans[i].text)))
            elif is_bad:
                faults.append((int(row), i, not_converted(text, columns[i].type, variant=plans[i].variant)))
    return faults


# -- DuckDB's expressions of values; NULL where Snowflake would report an error ----------------------------------------


def strptime_format(text: str) -> str:
    """Snowflake's format of a date or time as strptime's: https://docs.snowflake.com/en/sql-reference/date-time-input-output."""

    def element(match: re.Match[str]) -> str:
        word = match[0].upper()
        if word.startswith(('"', "%")):
            return match[0].strip('"').replace("%", "%%")
        return _ELEMENTS["FF" if word.startswith("FF") else word]

    return _ELEMENT.sub(element, text)


def prepared_text(column: str, form: FileFormat) -> str:
    """DuckDB's SQL of a text after TRIM_SPACE and NULL_IF of its format."""
    value = f"trim({column}, ' \t')" if form.flag("TRIM_SPACE") else column
    if listed := ", ".join(map(literal, form.null_if())):
        value = f"(CASE WHEN {value} IN ({listed}) THEN NULL ELSE {value} END)"
    return value


def from_text(value: str, kind: SfType, form: FileFormat) -> str:
    """A text as a value of a type; NULL if it is none."""
    if kind.name == "VARCHAR":
        return value
    if kind.name in {"NUMBER", "FLOAT"}:
        odd = " OR ".join(f"contains({value}, '{w}')" for w in ("_xXbB" if kind.duckdb == "BIGINT" else "_"))
        return f"(CASE WHEN {odd} THEN NULL ELSE TRY_CAST({value} AS {kind.duckdb}) END)"
    if kind.name == "BOOLEAN":
        low = f"lower(trim({value}))"
        return f"(CASE WHEN {low} IN {_TRUE} THEN TRUE WHEN {low} IN {_FALSE} THEN FALSE END)"
    if kind.name == "BINARY":
        if form.kind == "CSV" and form.text("BINARY_FORMAT") == "BASE64":
            return f"TRY(from_base64({value}))"
        return f"TRY(unhex({value}))"
    if kind.is_semi_structured:
        return f"TRY_CAST({value} AS JSON)"
    return _moment(value, kind, form)


def _moment(value: str, kind: SfType, form: FileFormat) -> str:
    """A text as a date, a time or a timestamp."""
    if kind.name == "TIMESTAMP_TZ":
        return _zoned(value, form)
    option = {"DATE": "DATE_FORMAT", "TIME": "TIME_FORMAT"}.get(kind.name, "TIMESTAMP_FORMAT")
    declared = form.text(option)
    if declared.upper() not in {"", "AUTO"}:
        pattern, text = strptime_format(declared), value
        if "%I" in pattern and "%p" not in pattern:
            pattern, text = pattern + " %p", f"({value} || ' AM')"
        return f"TRY_CAST(try_strptime({text}, {literal(pattern)}) AS {kind.duckdb})"
    plain = f"TRY_CAST({value} AS {kind.duckdb})"
    if kind.name == "TIME":
        return f"(CASE WHEN ascii(ltrim({value})) < 58 THEN {plain} END)"
    formats = _DATES if kind.name == "DATE" else _DATES + _TIMES
    if kind.name == "TIMESTAMP_LTZ":
        formats = formats + _ZONED_TIMES
    others = "[" + ", ".join(literal(f) for f in formats) + "]"
    number = f"TRY_CAST({value} AS BIGINT)"
    epoch = (
        f"(CASE WHEN NOT regexp_full_match({value}, '-?[0-9]+') THEN NULL "
        f"WHEN abs({number}) < 31536000000 THEN make_timestamp({number} * 1000000) "
        f"WHEN abs({number}) < 31536000000000 THEN make_timestamp({number} * 1000) "
        f"WHEN abs({number}) < 31536000000000000 THEN make_timestamp({number}) "
        f"ELSE make_timestamp({number} // 1000) END)"
    )
    parsed = f"TRY_CAST(try_strptime({value}, {others}) AS {kind.duckdb})"
    parsed_value = f"coalesce({plain}, {parsed}, TRY_CAST({epoch} AS {kind.duckdb}))"
    return f"(CASE WHEN lower(trim({value})) IN {_WORDS} THEN NULL ELSE {parsed_value} END)"


def _zoned(value: str, form: FileFormat) -> str:
    """A text as a TIMESTAMP_TZ: the clock shows the time that stands before the offset."""
    without = f"regexp_replace({value}, '{_OFFSET}', '\\1')"
    return _by_clock(_moment(without, NTZ, _without_offset(form)), _moment(value, LTZ, form))


def _without_offset(form: FileFormat) -> FileFormat:
    """A format whose TIMESTAMP_FORMAT does not end with an offset."""
    declared = re.sub(r"\s*(TZH:?TZM|TZH)\s*\Z", "", form.text("TIMESTAMP_FORMAT"), flags=re.I)
    return replace(form, options={**form.options, "TIMESTAMP_FORMAT": declared})


def _by_clock(clock: str, instant: str) -> str:
    zoned = by_clock_sql("v.t", "v.i")
    # a lambda, because each is needed more than once
    return f"list_extract(list_transform([{{'t': {clock}, 'i': {instant}}}], lambda v: {zoned}), 1)"


def from_native(value: str, source: str, kind: SfType, form: FileFormat) -> str:
    """A value of a DuckDB type, ``source``, eg: of a Parquet file, as a value of another type; NULL if it cannot be."""
    if source == "VARCHAR" and (form.kind == "CSV" or not kind.is_semi_structured):
        return from_text(value, kind, form)
    if source == "JSON":
        if kind.is_semi_structured:
            return value
        return from_text(f"({value} ->> '$')", kind, form)
    if kind.is_semi_structured:
        return f"to_json({value})"
    if kind.name == "VARCHAR" and (source.endswith("]") or source.startswith(("STRUCT", "MAP"))):
        return f"CAST(to_json({value}) AS VARCHAR)"
    if source == "BLOB" and kind.name == "VARCHAR":
        return f"TRY(decode({value}))"
    if source in {"BIGINT", "INTEGER", "HUGEINT"} and kind.name.startswith(("TIMESTAMP", "DATE")):
        return from_text(f"CAST({value} AS VARCHAR)", kind, form)
    return value if source == kind.duckdb else _cast(value, source, kind)


def _cast(value: str, source: str, kind: SfType) -> str:
    if kind.name == "TIMESTAMP_TZ" and source in {"TIMESTAMP", "DATE", "TIMESTAMP WITH TIME ZONE"}:
        return _by_clock(f"CAST({value} AS TIMESTAMP)", f"CAST({value} AS TIMESTAMPTZ)")
    return f"TRY_CAST({value} AS {kind.duckdb})"


def too_long(value: str, kind: SfType) -> str | None:
    """Whether a text is longer than its column takes; None if it never can be."""
    if kind.name == "VARCHAR" and 0 < kind.length < MAX_TEXT:
        return f"length({value}) > {kind.length}"
    if kind.name == "BINARY" and 0 < kind.length < 8_388_608:
        return f"octet_length({value}) > {kind.length}"
    return None


def too_many_digits(value: str, kind: SfType) -> str | None:
    """Whether a whole number has more digits than its column; None if DuckDB's own type says so."""
    if kind.name == "NUMBER" and kind.duckdb == "BIGINT" and kind.precision <= 18:
        return f"abs({value}) >= {10**kind.precision}"
    return None
