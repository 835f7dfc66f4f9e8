"""Snowflake's error codes and texts, and the translation of DuckDB's errors into them."""

import logging
import re
import traceback
from collections.abc import Callable

import duckdb


class SnowflakeError(Exception):
    """An error as Snowflake reports it: its number, eg: 2003, its SQL state, eg: ``02000``, and a text for a person.

    What is no valid Unicode in the text is escaped.
    """

    def __init__(self, code: int, sqlstate: str, message: str) -> None:
        message = message.encode(errors="backslashreplace").decode()
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message

    @property
    def is_impossible_cast(self) -> bool:
        """Whether it is DuckDB's error that no value of a type is cast to another, eg: of a DATE to a number."""
        return self.message.startswith("Unimplemented type for cast")


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


def nested_too_deeply() -> SnowflakeError:
    """A statement in which more is nested than can be read."""
    return compilation_error("the statement is nested too deeply: divide it, eg: by views or temporary tables", 1003)


def out_of_memory() -> SnowflakeError:
    """A statement that needs more memory than there is for it."""
    text = "The statement needs more memory than the local Snowflake may use: let it read or make less at once"
    return SnowflakeError(300_005, "XX000", f"Processing aborted: {text}; LOCAL_SNOWFLAKE_MEMORY raises the limit.")


def internal_error(query_id: str) -> SnowflakeError:
    """A statement at which the server itself failed: what Python reports of that is for its log."""
    text = f"the local Snowflake failed at this statement; its log has the reason, under {query_id}"
    return SnowflakeError(603, "XX000", f"SQL execution internal error: {text}")


def log_failure(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log an error of the server's own: where it came from; its text, which may have a client's values, at DEBUG."""
    lines = traceback.format_list(traceback.extract_tb(error.__traceback__))
    logger.error("%s: %s at\n%s", what, type(error).__name__, "".join(lines))
    logger.debug("%s: %s", what, error)


def too_few_arguments(name: str) -> SnowflakeError:
    """A call of a function that lacks an argument."""
    return compilation_error(f"not enough arguments for function [{name}]", 938, "22023")


def too_many_arguments(name: str, counts: tuple[int, int] | None = None) -> SnowflakeError:
    """A call of a function with more arguments than it takes; ``counts`` are those that it takes and has."""
    expected = "" if counts is None else f" expected {counts[0]}, got {counts[1]}"
    return compilation_error(f"too many arguments for function [{name}]{expected}", 939, "22023")


def carried(error: SnowflakeError) -> str:
    """An error as a text that survives DuckDB, for one that is raised inside a function that DuckDB calls."""
    return f"{_CARRIED}{error.code}|{error.sqlstate}|{error.message}"


_CARRIED = "$SNOWFLAKE|"
# ends an error that a macro raises: as a text that it casts to a number or a time. DuckDB's error() would make the
# expression volatile, and windows are not ordered by such ones
_CARRIED_END = "|$"


def does_not_exist(kind: str, name: str) -> SnowflakeError:
    """An object that is not there, or that the role may not see: Snowflake does not say which."""
    label = kind.capitalize()
    return compilation_error(f"{label} '{name}' does not exist or not authorized.", 2003, "02000")


def insufficient_privileges(kind: str, name: str) -> SnowflakeError:
    """An object that the role may see, and on which it lacks the privilege that the statement needs."""
    text = f"SQL access control error:\nInsufficient privileges to operate on {kind.lower()} '{name}'."
    return SnowflakeError(3001, "42501", text)


def exists_unseen(kind: str, name: str) -> SnowflakeError:
    """The name of an object that exists already, and that the role may not see."""
    text = f"{kind.capitalize()} '{name}' already exists, but current role has no privileges on it. If this is "
    text += "unexpected and you cannot resolve this problem, contact your system administrator. ACCOUNTADMIN role may "
    return compilation_error(text + "be required to manage the privileges on the object.", 3041, "42710")


def already_exists(name: str) -> SnowflakeError:
    """The name of an object that exists already."""
    return compilation_error(f"Object '{name}' already exists.", 2002, "42710")


def not_supported(what: str) -> SnowflakeError:
    """A statement or option that the local Snowflake refuses, because a wrong answer would be worse."""
    return SnowflakeError(2, "0A000", f"Unsupported feature '{what}' in the local Snowflake: see COVERAGE.md.")


_Make = Callable[[re.Match[str]], SnowflakeError]


def repeated_row() -> SnowflakeError:
    """The error of a row that a statement would change by several others."""
    return execution_error("Duplicate row detected during DML action", 100090, "42P18")


def _compilation(template: str, code: int = 1003, sqlstate: str = "42000") -> _Make:
    return lambda match: compilation_error(match.expand(template), code, sqlstate)


def _execution(template: str, code: int, sqlstate: str) -> _Make:
    return lambda match: SnowflakeError(code, sqlstate, match.expand(template))


_NO_COLUMN = "error line 1 at position 0\ninvalid identifier "


def _no_number(text: str) -> SnowflakeError:
    """The error about a text that does not become a number of some type."""
    if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", text, re.I):
        return SnowflakeError(100039, "22003", f"Numeric value '{text}' is out of range")
    return SnowflakeError(100038, "22018", f"Numeric value '{text}' is not recognized")


_NO_TABLE = re.compile(r'Referenced table "(.+?)" not found!')
# the line of a statement that DuckDB shows with an error, and the marks below the part that is at fault
_MARKED = re.compile(r"\nLINE \d+: .*\n *(\^+)\s*\Z")


def _marked(message: str) -> str:
    """The name that DuckDB marks in the statement, as it is written; without its quotes where they mean nothing."""
    if (match := _MARKED.search(message)) is None:
        return ""
    line, marks = match[0].rstrip().rsplit("\n", 1)
    written = line[1:][marks.index("^") : len(marks)]
    return re.sub(r'"([A-Z_][A-Z0-9_$]*)"', r"\1", written)


# DuckDB's message -> Snowflake's error, first match first
_TRANSLATIONS: dict[type[duckdb.Error], dict[str, _Make]] = {
    duckdb.CatalogException: {
        r"(?:Scalar |Table |Aggregate )?(?:Function|Macro)(?: Function)? with name (\S+) does not exist": lambda m: (
            compilation_error(f"Unknown function {m[1].upper()}.", 2140, "42601")
        ),
        r"(?:Table|View) with name (\S+) does not exist": lambda m: does_not_exist("Object", m[1]),
        r"Schema with name (\S+) does not exist": lambda m: does_not_exist("Schema", m[1]),
        r"(.*)": _compilation(r"\1", 2003, "02000"),
    },
    duckdb.BinderException: {
        r'column "([^"]+)" (?:was not found|not found|does not have|that)': _compilation(
            rf"{_NO_COLUMN}'\1'", 904, "42000"
        ),
        r'"([^"]+)" does not have a column named "([^"]+)"': _compilation(rf"{_NO_COLUMN}'\1.\2'", 904, "42000"),
        r'(?:Table "[^"]+" does not have a column with name "([^"]+)")|(?:Referenced update column (\S+) not found)': (
            _compilation(rf"{_NO_COLUMN}'\1\2'", 904, "42000")
        ),
        r"(?:has|expected) (\d+) columns but (\d+) values were supplied": _compilation(
            r"Insert value list does not match column list expecting \1 but got \2", 2020, "21S01"
        ),
        r"No function matches the given name and argument types '([^(']+)\((.*?)\)'": lambda m: compilation_error(
            f"error line 1 at position 0\nInvalid argument types for function '{m[1].upper()}': ({m[2]})", 1044, "42P13"
        ),
        r'Ambiguous reference to column name "([^"]+)"': _compilation(r"ambiguous column name '\1'", 2028, "42601"),
        "WHERE clause cannot contain aggregates": _compilation(
            "Invalid aggregate function in where clause", 2131, "42601"
        ),
        "GROUP BY clause cannot contain aggregates": _compilation(
            "An aggregate is not a valid group by expression", 979, "42601"
        ),
        "GROUPING (?:statement cannot be used without groups|function is not supported here)": _compilation(
            "GROUPING function without a GROUP BY", 2100, "42601"
        ),
        r"(.*)": _compilation(r"\1"),
    },
    duckdb.OutOfMemoryException: {"": lambda _: out_of_memory()},
    duckdb.ParserException: {
        "Max expression depth limit": lambda _: nested_too_deeply(),
        r"[Ff]rame (?:starting|ending|start|end)\b(.*)": _compilation(
            r"Invalid window frame: frame starting\1", 2303, "42601"
        ),
        r"(.*)": _compilation(r"\1"),
    },
    duckdb.ConversionException: {
        r"Could not convert string ['\"](.*?)['\"] to (?:U?INT|DOUBLE|FLOAT|DECIMAL)": lambda m: _no_number(m[1]),
        r"Could not convert string '(.*?)' to BOOL": _execution(
            r"Boolean value '\1' is not recognized", 100037, "22018"
        ),
        r'(?:Could not cast value|Casting value) "?([^\s"]+)"? to (?:type )?DECIMAL\((\d+),\s*(\d+)\)': _execution(
            r"Number out of representable range: type FIXED(\2,\3), value \1", 100046, "22003"
        ),
        # of JSON; "numerical" is DOUBLE as well as BOOLEAN
        r"Failed to cast value to decimal: (.*?)(?: when casting from source column .*)?$": _execution(
            r"Failed to cast variant value \1 to FIXED", 100071, "22000"
        ),
        r"Failed to cast value to numerical: (.*?)(?: when casting from source column .*)?$": _execution(
            r"Failed to cast variant value \1", 100071, "22000"
        ),
        r"Type (?:DOUBLE|FLOAT|U?INT\d+|DECIMAL\S*) with value (\S+) can't be cast": _execution(
            r"Number out of representable range: type FIXED(38,0), value \1", 100046, "22003"
        ),
        r'(?:invalid date field format|date field value out of range): "(.*?)"': _execution(
            r"Date '\1' is not recognized", 100040, "22007"
        ),
        r'time field value out of range: "(.*?)", expected format is \(\[YYYY-MM-DD \]HH': _execution(
            r"Time '\1' is not recognized", 100108, "22007"
        ),
        r'(?:invalid timestamp field format|timestamp field value out of range): "(.*?)"': _execution(
            r"Timestamp '\1' is not recognized", 100035, "22007"
        ),
        'Could not decode string "(.*?)" as base64': _execution(
            r"The following string is not a legal base64-encoded value: '\1'", 100116, "22000"
        ),
        r"(.*)": _execution(r"\1", 100035, "22007"),
    },
    duckdb.ConstraintException: {
        "NOT NULL constraint failed": _execution("NULL result in a non-nullable column", 100072, "22000"),
        r"(.*)": _execution(r"\1", 200001, "22000"),
    },
    duckdb.Error: {
        r"((?:no argument for repetition operator|missing [\])]|invalid (?:escape|character class|perl operator)).*)": (
            _execution(r"Invalid regular expression: \1", 100048, "2201B")
        ),
        "MERGE INTO command cannot affect the same target row": lambda _: repeated_row(),
        # OBJECT_AGG and ARRAYS_TO_OBJECT
        "Map keys must be unique": _execution("Duplicate field key", 100112, "22000"),
        "Argument for ntile must be greater than zero": _execution(
            "NTILE argument must be at least 1", 100310, "22014"
        ),
        "Values were not provided for the following (?:prepared statement )?parameters": _compilation(
            "Bind variable ? not set.", 2049, "42601"
        ),
        r"Overflow in \w+ of (?:INT|DECIMAL)\w*[^(]*\((.*)\)": _execution(
            r"Number out of representable range: type FIXED(38,0), value \1", 100046, "22003"
        ),
        "More than one row returned by a subquery": _execution(
            "Single-row subquery returns more than one row.", 90150, "22000"
        ),
        r"Invalid UTF8 Codepoint (-?\d+)": _execution(r"Invalid character code \1 in the CHR input", 100132, "P0000"),
        "Division by zero": _execution("Division by zero", 100051, "22012"),
        r"(.*)": _execution(r"SQL execution internal error: \1", 603, "XX000"),
    },
}


# "Conflict on update!", "Attempting to modify table T but another transaction has altered this table"
_CONFLICT = re.compile(r"conflict|another transaction has (altered|dropped)|table state was reverted", re.I)


def is_conflict(error: Exception) -> bool:
    """Whether DuckDB refuses a write because of another transaction's: it may succeed in a new one."""
    return isinstance(error, duckdb.TransactionException) and bool(_CONFLICT.search(str(error)))


# "Binder Error: ", "Not implemented Error: "
_KIND = re.compile(r"\A[A-Z][A-Za-z]*(?: [A-Za-z]+){0,2} Error: ")


def from_duckdb(error: duckdb.Error) -> SnowflakeError:
    """Translate a DuckDB error into the one that Snowflake would report for the same fault."""
    if _CARRIED in str(error):
        code, sqlstate, message = str(error).split(_CARRIED, 1)[1].split("|", 2)
        return SnowflakeError(int(code), sqlstate, message.split(_CARRIED_END)[0])
    if isinstance(error, duckdb.InterruptException):
        return canceled()
    text = _KIND.sub("", str(error).split("\n\nLINE ")[0].strip())
    if table := _NO_TABLE.match(text):
        return compilation_error(f"{_NO_COLUMN}'{_marked(str(error)) or table[1]}'", 904, "42000")
    matches = (
        make(match)
        for kind, translations in _TRANSLATIONS.items()
        if isinstance(error, kind)
        for pattern, make in translations.items()
        if (match := re.search(pattern, text))
    )
    return next(matches)
