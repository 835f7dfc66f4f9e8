"""Sources that are tables which others fill: read where they are, through a view in RAW under the declared names."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop.errors import SourceError
from snowloop.project import Source
from snowloop.project.sources import ROW_TIMESTAMP
from snowloop.sql import identifier, literal
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark.exceptions import SnowparkSQLException
    from snowflake.snowpark.types import DataType

DIGITS, SCALE, LENGTH = 38, 0, 16_777_216
"""What NUMBER and VARCHAR mean without more (https://docs.snowflake.com/en/sql-reference/intro-summary-data-types)."""
EXACT = ("NUMBER", "DECIMAL", "DEC", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT")
FLOATS = ("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL")
TEXTS = ("VARCHAR", "CHAR", "CHARACTER", "NCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2")
SYNONYMS = {"DATETIME": "TIMESTAMP_NTZ", "TIMESTAMP": "TIMESTAMP_NTZ", "VARBINARY": "BINARY"}
HIDDEN = ("2003", "2043", "3001")
"""Errors of an object that is not there, or that the role may not see."""
ONE_CHARACTER = ("CHAR", "CHARACTER", "NCHAR")


@dataclass(frozen=True)
class Problem:
    """Why a table cannot be a source.

    Args:
        reason: What is wrong.
        remedy: What to do, or whom to ask for what.
    """

    reason: str
    remedy: str


@dataclass(frozen=True)
class FoundTable:
    """A table that is declared as a source, as it is.

    Args:
        kind: ``TABLE``, ``VIEW`` or ``DYNAMIC TABLE``, as CREATE STREAM takes it.
        unreadable: Why its rows cannot be read as declared.
        untracked: Why no stream can be on it.
    """

    kind: str = "TABLE"
    unreadable: Problem | None = None
    untracked: Problem | None = None


def find_table(workspace: Workspace, source: Source) -> FoundTable | None:
    """Look at the table that a source is; nothing is changed.

    Args:
        source: The source.

    Returns:
        The table; None if the source is of files.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    origin = source.origin(workspace.target)
    if origin is None:
        return None
    row, is_view = _shown(workspace, origin)
    name, role = ".".join(origin), workspace.session.sql("SELECT CURRENT_ROLE()").collect()[0][0]
    fields = _fields(workspace, origin) if row else None
    if row is None or fields is None:
        database, schema, _ = origin
        what = "VIEW" if is_view else "TABLE"
        remedy = (
            f"check the name, or ask its owner for GRANT USAGE ON DATABASE {identifier(database)} TO ROLE {role}; "
            f"GRANT USAGE ON SCHEMA {identifier(database, schema)} TO ROLE {role}; GRANT SELECT ON {what} "
            f"{identifier(*origin)} TO ROLE {role} (of a shared database GRANT IMPORTED PRIVILEGES ON DATABASE)"
        )
        return FoundTable(unreadable=Problem(f"{name} does not exist, or role {role} may not read it", remedy))
    kind = "VIEW" if is_view else "DYNAMIC TABLE" if _yes(row.get("is_dynamic")) else "TABLE"
    return FoundTable(kind, _misdeclared(source, name, fields), _untracked(origin, kind, row))


def load_time(source: Source, database: str, name: str, target: str) -> tuple[str, str] | None:
    """When the rows of a source that is a table were loaded: an expression in UTC, and what it is read from.

    Args:
        source: The source.
        database: The environment's database.
        name: Name of the source.
        target: The environment.

    Returns:
        Expression and quoted relation; None if it is not known.
    """
    origin = source.origin(target)
    if origin is None or source.loaded_at is None:
        return None
    if source.loaded_at == ROW_TIMESTAMP:
        return f"CONVERT_TIMEZONE('UTC', {ROW_TIMESTAMP})::TIMESTAMP_NTZ", identifier(*origin)
    return f"{identifier(source.loaded_at)}::TIMESTAMP_NTZ", identifier(database, "RAW", name.upper())


def check_tables(workspace: Workspace) -> None:
    """Insist that each source that is a table can be read as it is declared.

    Raises:
        SourceError: if one cannot; the message has what to ask for. Also if RAW holds something else of its name.
    """
    for name, source in workspace.project.sources.items():
        found = find_table(workspace, source)
        if found is None:
            continue
        if found.unreadable:
            message = (
                f"source {name} of project {workspace.project.name}: {found.unreadable.reason}; "
                f"to do: {found.unreadable.remedy}"
            )
            raise SourceError(message)
        if _holds_files(workspace, name):
            message = (
                f"source {name} of project {workspace.project.name} is the table {source.table} now, but "
                f"{workspace.database}.RAW.{name.upper()} holds rows that were loaded from files: give the source "
                "another name, or use another target"
            )
            raise SourceError(message)


def _holds_files(workspace: Workspace, name: str) -> bool:
    """Whether RAW has a table of the source's name; before the first run there is no database."""
    databases = workspace.session.sql(f"SHOW DATABASES LIKE {literal(workspace.database)}").collect()
    there = any(row["name"] == workspace.database for row in databases)
    return there and workspace.exists("TABLES", "RAW", name.upper())


def _shown(workspace: Workspace, origin: tuple[str, str, str]) -> tuple[Mapping[str, Any] | None, bool]:
    """The row of SHOW for a table or view, and whether it is a view; None if none is visible."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    *schema, name = origin
    where = identifier(*schema)
    for kind in ("TABLES", "VIEWS"):
        try:
            rows = workspace.session.sql(f"SHOW {kind} LIKE {literal(name)} IN SCHEMA {where}").collect()
        except SnowparkSQLException as error:
            if not hidden(error):
                raise
            return None, False
        for row in rows:
            shown = {column.strip('"'): value for column, value in row.as_dict().items()}
            if shown["name"] == name:
                return shown, kind == "VIEWS"
    return None, False


def hidden(error: "SnowparkSQLException") -> bool:
    """Whether an error says that an object is not there, or that the role may not see it."""
    return str(error.sql_error_code) in HIDDEN


def _fields(workspace: Workspace, origin: tuple[str, str, str]) -> dict[str, "DataType"] | None:
    """Columns and their types; None if the rows may not be read. No row is read: the query is only compiled."""
    from snowflake.snowpark.exceptions import SnowparkSQLException

    try:
        fields = workspace.session.sql(f"SELECT * FROM {identifier(*origin)}").schema.fields  # noqa: S608 - quoted
    except SnowparkSQLException as error:
        if not hidden(error):
            raise
        return None
    return {_unquoted(field.name): field.datatype for field in fields}


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _misdeclared(source: Source, table: str, fields: Mapping[str, "DataType"]) -> Problem | None:
    """Columns that are missing, or whose values the declared type does not hold."""
    spelled = source.spelled_columns
    lacking = [name for name in spelled.values() if name not in fields]
    if lacking:
        remedy = "declare the columns as they are; one whose name is not in capitals with `field`, as it is spelled"
        return Problem(f"{table} has no column {', '.join(lacking)} (it has {', '.join(fields)})", remedy)
    others = [
        f"{name} is {type_name(fields[spelled[name]])}, declared is {column.type}"
        for name, column in source.columns.items()
        if not holds(column.type, fields[spelled[name]])
    ]
    if others:
        remedy = "declare the type that the column has; or name a view that converts it, with TRY_CAST"
        return Problem(f"columns of {table} are of another type: {'; '.join(others)}", remedy)
    return None


def _untracked(origin: tuple[str, str, str], kind: str, row: Mapping[str, Any]) -> Problem | None:
    name, quoted = ".".join(origin), identifier(*origin)
    if _yes(row.get("is_materialized")) or _yes(row.get("is_external")):
        what = "a materialized view" if kind == "VIEW" else "an external table"
        return Problem(f"{name} is {what}, and no stream on it has what arrives", "name the tables or a view of them")
    if "change_tracking" in row and str(row["change_tracking"]).upper() != "ON":
        below = " and of each table below it" if kind == "VIEW" else ""
        remedy = f"ask its owner for ALTER {kind} {quoted} SET CHANGE_TRACKING = TRUE{below}"
        return Problem(f"changes of {name} are not tracked, which a stream needs", remedy)
    return None


def _yes(value: Any) -> bool:
    return str(value).upper() in ("Y", "YES", "TRUE")


def holds(declared: str, actual: "DataType") -> bool:
    """Whether each value of a column of the actual type is unchanged in one of the declared type.

    Args:
        declared: Such as ``NUMBER(38,0)``.
        actual: The Snowpark type.

    Returns:
        Whether it is; FLOAT holds exact numbers too, as numbers for a model.
    """
    name, _, sizes = declared.partition("(")
    name = SYNONYMS.get(name.strip(), name.strip())
    size = [int(each) for each in re.findall(r"\d+", sizes)]
    shown = type_name(actual)
    kind, _, rest = shown.partition("(")
    least = [int(each) for each in re.findall(r"\d+", rest)]
    if name in EXACT:
        digits, scale = [*size, *(DIGITS, SCALE)[len(size) :]]
        return kind == "NUMBER" and scale >= least[1] and digits - scale >= least[0] - least[1]
    if name in FLOATS:
        return kind in ("FLOAT", "NUMBER")
    if name in TEXTS:
        longest = size[0] if size else 1 if name in ONE_CHARACTER else LENGTH
        return kind == "VARCHAR" and (longest == LENGTH or longest >= (least or [LENGTH])[0])
    return kind == name


def type_name(actual: "DataType") -> str:
    """Snowflake's name of a Snowpark type, such as ``NUMBER(10,2)`` or ``TIMESTAMP_NTZ``."""
    from snowflake.snowpark import types

    match actual:
        case types.DecimalType():
            return f"NUMBER({actual.precision},{actual.scale})"
        case types.LongType() | types.IntegerType() | types.ShortType() | types.ByteType():
            return f"NUMBER({DIGITS},{SCALE})"
        case types.DoubleType() | types.FloatType():
            return "FLOAT"
        case types.StringType():
            return f"VARCHAR({actual.length})" if actual.length else "VARCHAR"
        case types.TimestampType():
            zone = {types.TimestampTimeZone.TZ: "TZ", types.TimestampTimeZone.LTZ: "LTZ"}
            return f"TIMESTAMP_{zone.get(actual.tz, 'NTZ')}"
    return type(actual).__name__.removesuffix("Type").upper().replace("MAP", "OBJECT")


def problems(found: FoundTable) -> Iterator[Problem]:
    """All that keeps a table from being streamed."""
    yield from (each for each in (found.unreadable, found.untracked) if each)
