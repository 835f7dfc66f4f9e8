"""The clauses of CREATE TASK and ALTER TASK SET, read from a statement's tokens."""

from dataclasses import dataclass, field
from typing import Any

from sqlglot.tokens import TokenType

from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.sessions.parameters import DEFAULT_PARAMETERS, read_parameter
from local_snowflake.sql.names import split_parts
from local_snowflake.sql.statement import Reader

# each with the values that it may have, if that is checked here
_SETTINGS: dict[str, set[str] | None] = {
    "ALLOW_OVERLAPPING_EXECUTION": {"TRUE", "FALSE"},
    "OVERLAP_POLICY": {"NO_OVERLAP", "ALLOW_CHILD_OVERLAP", "ALLOW_ALL_OVERLAP"},
    **dict.fromkeys(("CONFIG", "SERVERLESS_TASK_MAX_STATEMENT_SIZE", "SERVERLESS_TASK_MIN_STATEMENT_SIZE")),
    **dict.fromkeys(("SUSPEND_TASK_AFTER_NUM_FAILURES", "TARGET_COMPLETION_INTERVAL", "TASK_AUTO_RETRY_ATTEMPTS")),
    **dict.fromkeys(("USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE", "USER_TASK_TIMEOUT_MS")),
    "USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS": None,
}
_UNSUPPORTED = {"ERROR_INTEGRATION", "SUCCESS_INTEGRATION", "LOG_LEVEL"}


@dataclass
class Clauses:
    """What a statement says about a task; None where it says nothing."""

    definition: str = ""
    condition: str | None = None
    schedule: str | None = None
    warehouse: str | None = None
    after: list[list[str]] = field(default_factory=list)
    finalize: list[str] | None = None
    comment: str | None = None
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


def read_definition(reader: Reader) -> Clauses:
    """Read the clauses behind a task's name, in any order, up to the body behind AS."""
    clauses = Clauses()
    while not reader.accept("AS"):
        if reader.accept("AFTER"):
            clauses.after = read_names(reader)
        elif reader.accept("WHEN"):
            clauses.condition = reader.until("AS")
        elif reader.accept("COPY", "GRANTS"):
            continue
        elif reader.accept("EXECUTE", "AS", "USER"):
            raise not_supported("EXECUTE AS USER of a task")
        elif reader.accept("WITH") or reader.peek() == "TAG":
            reader.expect("TAG")
            reader.parenthesised()
        elif reader.peek(1) == "=":
            _read_setting(reader, clauses)
        else:
            raise reader.unexpected("a clause of CREATE TASK, or AS")
        reader.accept(",")
    quoted = not reader.done and reader.tokens[reader.at].token_type in {TokenType.RAW_STRING, TokenType.HEREDOC_STRING}
    clauses.definition = (reader.string() if quoted else reader.rest()).strip().rstrip(";").rstrip()
    return clauses


def read_settings(reader: Reader) -> Clauses:
    """Read ``KEY = value`` pairs up to the end."""
    clauses = Clauses()
    while not reader.done:
        if reader.peek(1) != "=":
            raise reader.unexpected("a property and =")
        _read_setting(reader, clauses)
        reader.accept(",")
    return clauses


def read_names(reader: Reader) -> list[list[str]]:
    """Read names with commas between them; a name may stand in quotes as a text, too."""
    names = [_name(reader)]
    while reader.accept(","):
        names.append(_name(reader))
    return names


def _name(reader: Reader) -> list[str]:
    if not reader.done and reader.tokens[reader.at].token_type == TokenType.STRING:
        return split_parts(reader.string())
    return reader.name_parts()


def _read_setting(reader: Reader, clauses: Clauses) -> None:
    key = reader.next().text.upper()
    reader.expect("=")
    if key == "WAREHOUSE":
        clauses.warehouse = _name(reader)[-1]
    elif key == "FINALIZE":
        if reader.peek().isdigit():
            raise compilation_error(f"invalid value [{reader.peek()}] for parameter 'FINALIZE'", 1008, "22023")
        clauses.finalize = _name(reader)
    elif key in {"SCHEDULE", "COMMENT"}:
        setattr(clauses, key.lower(), reader.string())
    elif key in _SETTINGS:
        clauses.settings[key] = value = reader.value()
        allowed = _SETTINGS[key]
        if allowed and value.upper() not in allowed:
            raise compilation_error(f"invalid value [{value}] for parameter '{key}'", 1008, "22023")
    elif key in _UNSUPPORTED:
        raise not_supported(f"{key} of a task")
    elif key == "SEARCH_PATH" or (key == "AUTOCOMMIT" and reader.peek() == "FALSE"):
        raise compilation_error(
            f"Invalid parameter {key} for a task: AUTOCOMMIT has to be TRUE and SEARCH_PATH cannot be set."
        )
    elif key in DEFAULT_PARAMETERS:
        clauses.parameters[key] = str(read_parameter(key, reader.value()))
    else:
        raise compilation_error(f"invalid property '{key}' for 'TASK'", 1008, "22023")
