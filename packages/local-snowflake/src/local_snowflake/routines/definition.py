"""The text of CREATE PROCEDURE and CREATE FUNCTION -> the catalog's properties."""

import re
from dataclasses import replace
from typing import Any

from sqlglot.tokens import Token, TokenType

from local_snowflake.catalog.objects import Argument, RoutineProps
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.sql.names import normalise, shown
from local_snowflake.sql.statement import CLOSING, OPENING, Reader, tokenize
from local_snowflake.sql.types import SfType, parse_type

_FLAGS = {
    ("CALLED", "ON", "NULL", "INPUT"): ("strict", False),
    ("RETURNS", "NULL", "ON", "NULL", "INPUT"): ("strict", True),
    ("STRICT",): ("strict", True),
    ("VOLATILE",): ("volatility", "VOLATILE"),
    ("IMMUTABLE",): ("volatility", "IMMUTABLE"),
    ("MEMOIZABLE",): ("memoizable", True),
    ("NOT", "NULL"): ("not_null", True),
    ("NULL",): ("not_null", False),
    ("COPY", "GRANTS"): ("copy_grants", True),
    ("EXECUTE", "AS", "CALLER"): ("execute_as", "CALLER"),
    ("EXECUTE", "AS", "OWNER"): ("execute_as", "OWNER"),
    ("EXECUTE", "AS", "RESTRICTED", "CALLER"): ("execute_as", "RESTRICTED CALLER"),
}
_LISTS = {"IMPORTS", "PACKAGES", "ARTIFACT_REPOSITORY_PACKAGES"}
_OPTIONS = {
    *("RUNTIME_VERSION", "COMMENT", "HANDLER", "ARTIFACT_REPOSITORY", "RESOURCE_CONSTRAINT"),
    *("LOG_LEVEL", "TRACE_LEVEL", "METRIC_LEVEL", *_LISTS),
}
_REFUSED = {"SECRETS", "EXTERNAL_ACCESS_INTEGRATIONS", "TARGET_PATH", "API_INTEGRATION", "CONTEXT_HEADERS"}
PYTHON_VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def read_definition(reader: Reader, what: str, name: str) -> tuple[RoutineProps, str]:
    """Read everything from the arguments' opening bracket on; returns what the catalog keeps, and the comment.

    Raises:
        SnowflakeError: for a fault or for an option that the local Snowflake does not have.
    """
    values: dict[str, Any] = {"name": name, "args": tuple(read_arguments(reader.parenthesised()))}
    reader.accept("COPY", "GRANTS")
    reader.expect("RETURNS")
    values |= _read_returns(reader)
    while not reader.done and not reader.accept("AS"):
        _read_option(reader, values, what)
    comment = str(values.pop("comment", ""))
    props = RoutineProps(**values)
    if not reader.done:
        props = replace(props, body=_read_body(reader, props.language))
    reader.accept(";")
    reader.finish()
    _check(props, what)
    return props, comment


def _read_body(reader: Reader, language: str) -> str:
    """The code: a text in quotes; a block of Snowflake Scripting may stand there without."""
    if language != "SQL" or reader.peek() not in {"BEGIN", "DECLARE"}:
        return reader.string()
    body = reader.rest()
    reader.at = len(reader.tokens)
    return body


def read_arguments(text: str) -> list[Argument]:
    """The arguments ``name type [DEFAULT expression], …``: name, type, default (an expression's text or None)."""
    arguments = []
    for tokens, part in split_commas(text):
        words = [t.text.upper() if t.token_type != TokenType.STRING else "" for t in tokens]
        default = None
        at = words.index("DEFAULT") if "DEFAULT" in words else len(words)
        if at < len(words):
            default = part[tokens[at].end + 1 :].strip()
        if len(tokens) < 2:
            raise compilation_error(f"syntax error: argument '{part.strip()}' has no type.")
        first = tokens[0]
        name = normalise(part[first.start : first.end + 1])
        kind = read_type(part[first.end + 1 : tokens[at].start if at < len(tokens) else None])
        arguments.append(Argument(name, kind, default))
    return arguments


def split_commas(text: str) -> list[tuple[list[Token], str]]:
    """Split at the commas outside of brackets; each part with its tokens, whose positions are the part's own."""
    tokens = tokenize(text)
    parts: list[tuple[int, int]] = []
    depth, start = 0, 0
    for token in tokens:
        depth += (token.token_type in OPENING) - (token.token_type in CLOSING)
        if token.token_type == TokenType.COMMA and depth == 0:
            parts.append((start, token.start))
            start = token.end + 1
    parts.append((start, len(text)))
    pieces = [text[a:b] for a, b in parts]
    return [(tokenize(piece), piece) for piece in pieces if piece.strip()]


def read_type(text: str) -> str:
    """The canonical text of a type; NOT NULL behind it is ignored.

    Raises:
        SnowflakeError: for a type that the local Snowflake does not have.
    """
    text = re.sub(r"\s+NOT\s+NULL\s*\Z", "", text.strip(), flags=re.I)
    if match := re.match(r"(ARRAY|MAP|OBJECT)\s*\(", text, re.I):
        return "ARRAY" if match[1].upper() == "ARRAY" else "OBJECT"
    try:
        return str(parse_type(text))
    except ValueError as error:
        raise compilation_error(str(error), 2040, "42601") from None


def _read_returns(reader: Reader) -> dict[str, Any]:
    if reader.peek() == "TABLE":
        reader.next()
        columns = read_arguments(reader.parenthesised())
        listed = ", ".join(f"{shown(c.name)} {c.type}" for c in columns)
        return {"returns": f"TABLE ({listed})", "table_columns": tuple((c.name, c.type) for c in columns)}
    start = reader.position
    reader.next()
    if reader.peek() in {"PRECISION", "VARYING"}:
        reader.next()
    if reader.peek() == "(":
        reader.parenthesised()
    return {"returns": read_type(reader.sql[start : reader.position]), "table_columns": None}


def _read_option(reader: Reader, values: dict[str, Any], what: str) -> None:
    for words, (key, value) in _FLAGS.items():
        if reader.accept(*words):
            values[key] = value
            return
    if reader.accept("LANGUAGE"):
        values["language"] = reader.next().text.upper()
        return
    if reader.peek(1) != "=":
        raise reader.unexpected(f"an option of CREATE {what}")
    key = reader.next().text.upper()
    reader.expect("=")
    if key in _REFUSED:
        raise not_supported(f"{key} of CREATE {what}")
    if key not in _OPTIONS:
        raise compilation_error(f"syntax error: unknown option {key} of CREATE {what}.")
    if key == "RESOURCE_CONSTRAINT":
        reader.parenthesised()
    elif key in _LISTS:
        values[key.lower()] = tuple(reader.value_list())
    else:
        values[key.lower()] = reader.string() if key == "COMMENT" else reader.value()


def _check(props: RoutineProps, what: str) -> None:
    language = props.language
    if language not in {"PYTHON", "SQL"}:
        raise not_supported(f"LANGUAGE {language} of CREATE {what}")
    if language == "SQL":
        if props.body is None:
            raise compilation_error(f"syntax error: CREATE {what} … LANGUAGE SQL needs AS with a body.")
        return
    if not props.handler:
        raise compilation_error("HANDLER must be specified for a Python " + what.lower() + ".", 391516, "42601")
    version = props.runtime_version or ""
    if version not in PYTHON_VERSIONS:
        listed = ", ".join(PYTHON_VERSIONS)
        raise compilation_error(
            f"Unsupported Python runtime version '{version}'. RUNTIME_VERSION is one of: {listed}.", 391515, "42601"
        )
    if props.body is None and not props.imports:
        raise compilation_error(f"a Python {what.lower()} needs its code: AS $$…$$ or IMPORTS.")


def argument_types(props: RoutineProps) -> list[SfType]:
    """The types of the arguments."""
    return [parse_type(a.type) for a in props.args]


def type_names(types: list[SfType]) -> list[str]:
    """The types' names without sizes: what overloads differ by."""
    return [t.name for t in types]


def signature(props: RoutineProps) -> str:
    """The name under which an overload is catalogued, eg: ``F(NUMBER, VARCHAR)``."""
    return f"{props.name}({', '.join(type_names(argument_types(props)))})"
