"""Session parameters: their defaults, and which of them may be set to what.

A parameter that changes nothing here takes only the value that describes what the server does; one that the server does
not know is refused.

Source: https://docs.snowflake.com/en/sql-reference/parameters
"""

from typing import Any

import duckdb

from local_snowflake.errors import SnowflakeError, not_supported
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import literal

_NTZ_FORMAT = "YYYY-MM-DD HH24:MI:SS.FF3"
# what only clients look at, such as Snowpark's session.sql_simplifier_enabled
_OF_CLIENTS = ("CLIENT_", "PYTHON_SNOWPARK_")


# a default also says its type
_FREE: dict[str, bool | int | str] = {
    # these have an effect
    "AUTOCOMMIT": True,
    "ERROR_ON_NONDETERMINISTIC_UPDATE": False,
    "LOCK_TIMEOUT": 43200,
    "QUERY_TAG": "",
    "SNOWPARK_SKIP_TXN_COMMIT_IN_DDL": False,
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "TIMEZONE": "UTC",
    # these have none whatever they say: clients read them; nothing is queued, no result is cached; packages are those
    # installed with the server, whatever repository a statement names
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "ENABLE_DEFAULT_PYTHON_ARTIFACT_REPOSITORY": False,
    "ENABLE_EXTRACTION_PUSHDOWN_EXTERNAL_PARQUET_FOR_COPY_PHASE_I": "",
    "ENABLE_ROW_ACCESS_POLICY": True,  # a policy itself is refused where it is used
    "MULTI_STATEMENT_COUNT": 1,
    "PYTHON_SNOWPARK_USE_SCOPED_TEMP_OBJECTS": True,
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": 0,
    "USE_CACHED_RESULT": True,
}
# these say what the server does
_FIXED: dict[str, bool | int | str] = {
    "ABORT_DETACHED_QUERY": False,
    "BINARY_INPUT_FORMAT": "HEX",
    "BINARY_OUTPUT_FORMAT": "HEX",
    "DATE_INPUT_FORMAT": "AUTO",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "ERROR_ON_NONDETERMINISTIC_MERGE": True,
    "JSON_INDENT": 2,
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "ROWS_PER_RESULTSET": 0,
    "STRICT_JSON_OUTPUT": False,
    "TIME_INPUT_FORMAT": "AUTO",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "TIMESTAMP_DAY_IS_ALWAYS_24H": False,
    "TIMESTAMP_INPUT_FORMAT": "AUTO",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": _NTZ_FORMAT,
    "TIMESTAMP_OUTPUT_FORMAT": f"{_NTZ_FORMAT} TZHTZM",
    "TIMESTAMP_TYPE_MAPPING": "TIMESTAMP_NTZ",
    "TRANSACTION_ABORT_ON_ERROR": False,
    "TRANSACTION_DEFAULT_ISOLATION_LEVEL": "READ COMMITTED",
    "TWO_DIGIT_CENTURY_START": 1970,
    "WEEK_OF_YEAR_POLICY": 0,
    "WEEK_START": 0,
}

DEFAULT_PARAMETERS: dict[str, Any] = _FREE | _FIXED


def is_known(key: str) -> bool:
    """Whether a parameter may be set at all."""
    return key in DEFAULT_PARAMETERS or key.startswith(_OF_CLIENTS)


def read_parameter(key: str, value: object) -> bool | int | str:
    """The value of a parameter, whose name is in upper case, as its type.

    Raises 000002 if there is no such parameter here or it cannot have this value; 001006 if the value is none of its
    type.
    """
    if not is_known(key):
        raise not_supported(f"parameter {key}")
    if key not in DEFAULT_PARAMETERS:
        return value if isinstance(value, (bool, int)) else str(value)
    typed = _as_type(key, DEFAULT_PARAMETERS[key], str(value))
    if key in _FIXED and str(typed).upper() != str(_FIXED[key]).upper():
        raise not_supported(f"parameter {key} = {value}: it is always {shown(_FIXED[key])}")
    return typed


def set_parameter(session: Session, key: str, value: object) -> None:
    """Set a parameter, by its name in upper case, of a session in which no statement runs or the one that sets it.

    Raises as ``read_parameter`` does; 001006 if DuckDB does not know the time zone.
    """
    value = read_parameter(key, value)
    if key == "TIMEZONE":
        _set_time_zone(session, str(value))
    session.parameters[key] = value
    if key == "AUTOCOMMIT":
        session.commit()
        session.autocommit = bool(value)


def unset_parameter(session: Session, key: str) -> None:
    """Give a session parameter its default again. Raises 000002 if there is no such parameter here."""
    if not is_known(key):
        raise not_supported(f"parameter {key}")
    session.parameters.pop(key, None)
    if key == "TIMEZONE":
        _set_time_zone(session, DEFAULT_PARAMETERS[key])


def _set_time_zone(session: Session, name: str) -> None:
    """The zone that times without one are in: https://docs.snowflake.com/en/sql-reference/parameters#timezone."""
    try:
        session.duck.execute(f"SET TimeZone = {literal(name)}")
    except duckdb.Error:
        raise invalid_value("TIMEZONE", name) from None


def invalid_value(key: str, text: str) -> SnowflakeError:
    """The error of a value that a parameter cannot have."""
    return SnowflakeError(1006, "22023", f"invalid value [{text}] for parameter '{key}'")


def _as_type(key: str, default: bool | int | str, text: str) -> bool | int | str:
    if isinstance(default, str):
        return text
    if isinstance(default, bool) and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if not isinstance(default, bool) and text.isdigit():
        return int(text)
    raise invalid_value(key, text)


def shown(value: object) -> str:
    """A parameter's value as SHOW PARAMETERS prints it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
