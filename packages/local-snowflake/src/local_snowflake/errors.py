"""Snowflake's error codes and texts, and the translation of DuckDB's errors into them."""

import re
from collections.abc import Callable

import duckdb


class SnowflakeError(Exception):
    """An error as Snowflake reports it to a client: a code, an SQL state and a text."""

    def __init__(self, code: int, sqlstate: str, message: str) -> None:
        """Make an error.

        Args:
            code: Snowflake's error number, eg: 2003.
            sqlstate: the five characters of the SQL state, eg: ``02000``.
            message: what went wrong, for a person; what is no valid Unicode in it is escaped.
        """
        message = message.encode(errors="backslashreplace").decode()
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message


class CatalogChangedError(Exception):
    """What a statement read of the catalog was changed before the statement could rely on it: it has to run again."""


def compilation_error(message: str, code: int = 1003, sqlstate: str = "42000") -> SnowflakeError:
    """An error in a statement that has not begun to run."""
    return SnowflakeError(code, sqlstate, f"SQL compilation error:\n{message}")


def syntax_error(message: str) -> SnowflakeError:
    """A statement that does not parse."""
    return compilation_error(message)


def execution_error(message: str, code: int = 100132, sqlstate: str = "P0000") -> SnowflakeError:
    """An error of a statement that runs."""
    return SnowflakeError(code, sqlstate, message)


def canceled() -> SnowflakeError:
    """A statement that was stopped by its client or by SYSTEM$CANCEL_QUERY."""
    return SnowflakeError(604, "57014", "SQL execution canceled")


def timed_out(seconds: float) -> SnowflakeError:
    """A statement that ran longer than STATEMENT_TIMEOUT_IN_SECONDS."""
    text = f"Statement reached its statement or warehouse timeout of {seconds:g} second(s) and was canceled."
    return SnowflakeError(630, "57014", text)


def carried(error: SnowflakeError) -> str:
    """An error as a text that survives DuckDB, for one that is raised inside a function that DuckDB calls."""
    return f"{_CARRIED}{error.code}|{error.sqlstate}|{error.message}"


_CARRIED = "$SNOWFLAKE|"


def does_not_exist(kind: str, name: str) -> SnowflakeError:
    """An object that is not there, or that the role may not see: Snowflake does not say which."""
    label = kind.capitalize()
    return compilation_error(f"{label} '{name}' does not exist or not authorized.", 2003, "02000")


def already_exists(name: str) -> SnowflakeError:
    """The name of an object that exists already."""
    return compilation_error(f"Object '{name}' already exists.", 2002, "42710")


def not_supported(what: str) -> SnowflakeError:
    """A statement or option that the local Snowflake refuses, because a wrong answer would be worse."""
    return SnowflakeError(2, "0A000", f"Unsupported feature '{what}' in the local Snowflake: see COVERAGE.md.")


_Make = Callable[[re.Match[str]], SnowflakeError]
# DuckDB's message -> Snowflake's error, first match first
_TRANSLATIONS: tuple[tuple[type[duckdb.Error], str, _Make], ...] = (
    (
        duckdb.CatalogException,
        r"(?:Scalar |Table |Aggregate )?(?:Function|Macro)(?: Function)? with name (\S+) does not exist",
        lambda m: compilation_error(f"Unknown function {m[1].upper()}.", 2140, "42601"),
    ),
    (
        duckdb.CatalogException,
        r"(?:Table|View) with name (\S+) does not exist",
        lambda m: does_not_exist("Object", m[1]),
    ),
    (duckdb.CatalogException, r"Schema with name (\S+) does not exist", lambda m: does_not_exist("Schema", m[1])),
    (duckdb.CatalogException, r"(.*)", lambda m: compilation_error(m[1], 2003, "02000")),
    (
        duckdb.BinderException,
        r'column "([^"]+)" (?:was not found|not found|does not have|that)',
        lambda m: compilation_error(f"error line 1 at position 0\ninvalid identifier '{m[1]}'", 904, "42000"),
    ),
    (
        duckdb.BinderException,
        r'"([^"]+)" does not have a column named "([^"]+)"',
        lambda m: compilation_error(f"error line 1 at position 0\ninvalid identifier '{m[1]}.{m[2]}'", 904, "42000"),
    ),
    (
        duckdb.BinderException,
        r'(?:Table "[^"]+" does not have a column with name "([^"]+)")|(?:Referenced update column (\S+) not found)',
        lambda m: compilation_error(f"error line 1 at position 0\ninvalid identifier '{m[1] or m[2]}'", 904, "42000"),
    ),
    (
        duckdb.BinderException,
        r"(?:has|expected) (\d+) columns but (\d+) values were supplied",
        lambda m: compilation_error(
            f"Insert value list does not match column list expecting {m[1]} but got {m[2]}", 2020, "21S01"
        ),
    ),
    (
        duckdb.BinderException,
        r"WHERE clause cannot contain aggregates",
        lambda m: compilation_error("Invalid aggregate function in where clause", 2131, "42601"),
    ),
    (
        duckdb.BinderException,
        r"GROUP BY clause cannot contain aggregates",
        lambda m: compilation_error("An aggregate is not a valid group by expression", 979, "42601"),
    ),
    (
        duckdb.BinderException,
        r"GROUPING statement cannot be used without groups",
        lambda m: compilation_error("GROUPING function without a GROUP BY", 2100, "42601"),
    ),
    (duckdb.BinderException, r"(.*)", lambda m: compilation_error(m[1])),
    (
        duckdb.ParserException,
        r"[Ff]rame (?:starting|ending|start|end)\b(.*)",
        lambda m: compilation_error(f"Invalid window frame: frame starting{m[1]}", 2303, "42601"),
    ),
    (duckdb.ParserException, r"(.*)", lambda m: syntax_error(m[1])),
    (
        duckdb.ConversionException,
        r"Could not convert string ['\"](.*?)['\"] to (?:U?INT|DOUBLE|FLOAT|DECIMAL)",
        lambda m: SnowflakeError(100038, "22018", f"Numeric value '{m[1]}' is not recognized"),
    ),
    (
        duckdb.ConversionException,
        r'invalid date field format: "(.*?)"',
        lambda m: SnowflakeError(100040, "22007", f"Date '{m[1]}' is not recognized"),
    ),
    (
        duckdb.ConversionException,
        r'invalid timestamp field format: "(.*?)"',
        lambda m: SnowflakeError(100035, "22007", f"Timestamp '{m[1]}' is not recognized"),
    ),
    (duckdb.ConversionException, r"(.*)", lambda m: SnowflakeError(100035, "22007", m[1])),
    (
        duckdb.ConstraintException,
        r"NOT NULL constraint failed",
        lambda m: SnowflakeError(100072, "22000", "NULL result in a non-nullable column"),
    ),
    (duckdb.ConstraintException, r"(.*)", lambda m: SnowflakeError(200001, "22000", m[1])),
    (duckdb.InterruptException, r"", lambda m: SnowflakeError(604, "57014", "SQL execution canceled")),
    (
        duckdb.Error,
        r"((?:no argument for repetition operator|missing [\])]|invalid (?:escape|character class|perl operator)).*)",
        lambda m: SnowflakeError(100048, "2201B", f"Invalid regular expression: {m[1]}"),
    ),
    (
        duckdb.Error,
        r"Argument for ntile must be greater than zero",
        lambda m: SnowflakeError(100310, "22014", "NTILE argument must be at least 1"),
    ),
    (duckdb.Error, r"Division by zero", lambda m: SnowflakeError(100051, "22012", "Division by zero")),
    (duckdb.Error, r"(.*)", lambda m: SnowflakeError(603, "XX000", f"SQL execution internal error: {m[1]}")),
)


# "Conflict on update!", "Attempting to modify table T but another transaction has altered this table"
_CONFLICT = re.compile(r"conflict|another transaction has (altered|dropped)|table state was reverted", re.I)


def is_conflict(error: Exception) -> bool:
    """Whether DuckDB refuses a write because of another transaction's: it may succeed in a new one."""
    return isinstance(error, duckdb.TransactionException) and bool(_CONFLICT.search(str(error)))


def from_duckdb(error: duckdb.Error) -> SnowflakeError:
    """Translate a DuckDB error into the one that Snowflake would report for the same fault."""
    if _CARRIED in str(error):
        code, sqlstate, message = str(error).split(_CARRIED, 1)[1].split("|", 2)
        return SnowflakeError(int(code), sqlstate, message)
    if isinstance(error, duckdb.InterruptException):
        return canceled()
    text = str(error).split("\n\nLINE ")[0].strip()
    matches = (
        make(match)
        for kind, pattern, make in _TRANSLATIONS
        if isinstance(error, kind) and (match := re.search(pattern, text))
    )
    return next(matches)
