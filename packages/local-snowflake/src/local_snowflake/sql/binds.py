"""Bind values: written into the statement as literals, or, for a batch of rows, handed over as an arrow table."""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError
from local_snowflake.python.sandbox.values import ARROW_TYPES
from local_snowflake.sql.statement import Edit, Statement, edited

BATCH_PREFIX = "$BINDS_"
BATCH_COLUMN = "B"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_batch(bindings: dict[str, Any] | None) -> bool:
    """Whether the bindings hold a list of values each: one statement for many rows."""
    return bool(bindings) and any(isinstance(b["value"], list) for b in (bindings or {}).values())


def inline(statement: Statement, bindings: dict[str, Any]) -> str:
    """The statement's text with the values of ``?`` or ``:n`` placeholders as literals."""
    return fill(statement, {key: as_literal(b["type"], b["value"]) for key, b in bindings.items()})


def fill(statement: Statement, literals: dict[str, str]) -> str:
    """The statement's text with literals in the place of ``?`` or ``:n`` placeholders.

    Args:
        statement: the statement.
        literals: by the placeholders' numbers, from ``1`` on.

    Raises:
        SnowflakeError: 002049, if there are more ``?`` than literals.
    """
    sql, tokens = statement.sql, statement.tokens
    marks = _question_marks(tokens)
    if marks:
        if len(marks) > len(literals):
            raise SnowflakeError(2049, "42601", f"Bind variable :{len(literals) + 1} not set.")
        return edited(sql, [(t.start, t.start + 1, literals[str(i + 1)]) for i, t in enumerate(marks)])
    edits: list[Edit] = []
    for before, colon, number in zip([None, *tokens], tokens, tokens[1:], strict=False):
        named = colon.token_type == TokenType.COLON and number.text in literals and number.start == colon.end + 1
        if named and (before is None or before.token_type not in OPERANDS):
            edits.append((colon.start, number.end + 1, literals[number.text]))
    return edited(sql, edits)


def fill_in_order(sql: str, literals: Sequence[str]) -> str:
    """A text with literals in the place of its placeholders, eg: those of USING; the same text without literals."""
    return fill(Statement(sql, ""), {str(i): v for i, v in enumerate(literals, 1)}) if literals else sql


OPERANDS = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN, TokenType.R_BRACKET}


def batch(statement: Statement, bindings: dict[str, Any], table: str) -> tuple[str, pa.Table]:
    """Turn ``INSERT … VALUES (?, …)`` with a list of values for each placeholder into ``INSERT … SELECT … FROM table``.

    Args:
        statement: the statement.
        bindings: placeholder number -> {"type", "value": list}.
        table: the name under which the rows will be registered.

    Returns:
        The new text, and the rows: columns B1, B2, ….

    Raises:
        SnowflakeError: if the statement is not such an INSERT.
    """
    sql, tokens = statement.sql, statement.tokens
    values = next((i for i, t in enumerate(tokens) if t.token_type == TokenType.VALUES), None)
    if values is None or tokens[0].token_type != TokenType.INSERT:
        raise SnowflakeError(
            2, "0A000", "Unsupported feature 'array bind': only INSERT … VALUES (?, …) takes many rows."
        )
    start, end = tokens[values].start, _closing(tokens, values + 1).end + 1
    opening = tokens[values + 1].end + 1
    marks = _question_marks(tokens)
    edits = [(start, opening, "SELECT "), (end - 1, end, f' FROM "{table}"')]
    edits += [(t.start, t.start + 1, f'"{BATCH_COLUMN}{i + 1}"') for i, t in enumerate(marks)]
    columns = [bindings[str(i + 1)] for i in range(len(bindings))]
    arrays = [_array(c["type"], c["value"]) for c in columns]
    return edited(sql, edits), pa.table(arrays, names=[f"{BATCH_COLUMN}{i + 1}" for i in range(len(arrays))])


def _question_marks(tokens: list[Token]) -> list[Token]:
    """The placeholders; ``?::`` is one token."""
    marks = {TokenType.PLACEHOLDER: "?", TokenType.QDCOLON: "?::"}
    return [t for t in tokens if marks.get(t.token_type) == t.text]


def _closing(tokens: list[Token], opening: int) -> Token:
    depth = 0
    for token in tokens[opening:]:
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(token.token_type, 0)
        if depth == 0:
            return token
    raise SnowflakeError(1003, "42000", "SQL compilation error:\nsyntax error: a bracket is not closed.")


def text_literal(value: str) -> str:
    """A text as Snowflake's literal: quotes doubled, backslashes too, since they escape there."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def as_literal(kind: str, value: str | None) -> str:
    """A bind value in Snowflake's SQL.

    Args:
        kind: the type that the client names, eg: ``FIXED``.
        value: the value as the protocol carries it; None for NULL.
    """
    if value is None:
        return "NULL"
    if kind in {"FIXED", "REAL"}:
        return f"{value}" if kind == "FIXED" else f"{text_literal(value)}::FLOAT"
    if kind == "BOOLEAN":
        return value.upper()
    if kind == "BINARY":
        return f"TO_BINARY({text_literal(value)}, 'HEX')"
    typed = _typed(kind, value)
    if isinstance(typed, str):
        return text_literal(value)
    return f"{text_literal(str(typed))}::{kind}"


def _typed(kind: str, value: str) -> Any:
    """A value that is no whole number: the connector sends times as milliseconds or nanoseconds since 1970."""
    if kind in _CONVERTED:
        return _CONVERTED[kind](value)
    if kind == "DATE":
        return (_EPOCH + timedelta(milliseconds=int(value))).date()
    if kind == "TIME":
        return (_EPOCH + timedelta(microseconds=int(value) // 1000)).time()
    if kind == "TIMESTAMP_NTZ":
        return (_EPOCH + timedelta(microseconds=int(value) // 1000)).replace(tzinfo=None)
    if kind in {"TIMESTAMP_LTZ", "TIMESTAMP_TZ"}:
        return _EPOCH + timedelta(microseconds=int(value.split(maxsplit=1)[0]) // 1000)
    return value


_CONVERTED: dict[str, Callable[[str], Any]] = {
    "BOOLEAN": lambda value: value.lower() == "true",
    "REAL": float,
    "BINARY": bytes.fromhex,
}


def _array(kind: str, values: list[str | None]) -> pa.Array:
    if kind == "FIXED":
        integers = [None if v is None else int(v) for v in values]
        fits = all(v is None or -(2**63) <= v < 2**63 for v in integers)
        return pa.array(integers, pa.int64()) if fits else pa.array(values, pa.string())
    return pa.array([None if v is None else _typed(kind, v) for v in values], _arrow_type(kind))


def _arrow_type(kind: str) -> pa.DataType:
    return pa.float64() if kind == "REAL" else ARROW_TYPES.get(kind, pa.string())


_EPOCHS = re.compile(r"-?\d+( \d{4})?")


def of_type(texts: pa.ChunkedArray, kind: str) -> pa.ChunkedArray | pa.Array:
    """Bind values that came as texts, as values for a column.

    The connector calls a batch's column TEXT if its values are of several types, and None has one of its own. The
    values themselves are written as those of their types: times as numbers since 1970, bytes in hexadecimal digits.

    Args:
        texts: the values.
        kind: the name of the column's type, eg: ``DATE``.

    Raises:
        SnowflakeError: 100115 for a value of a BINARY column that is not hexadecimal.
    """
    if kind == "BINARY":
        return pa.array([None if v is None else _bytes(v) for v in texts.to_pylist()], pa.binary())
    if kind != "DATE" and not kind.startswith("TIME"):
        return texts
    values = [_typed(kind, v) if v is not None and _EPOCHS.fullmatch(v) else v for v in texts.to_pylist()]
    if any(isinstance(v, str) for v in values):
        # a client may write dates as texts too
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array(values, ARROW_TYPES[kind])


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        message = f"The following string is not a legal hex-encoded value: '{text}'"
        raise SnowflakeError(100115, "22000", message) from None
