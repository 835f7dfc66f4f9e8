"""Bind values: as literals in the text, as a table of the rows of a batch, as markers of an INSERT that is prepared."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError
from local_snowflake.python.sandbox import zoned_times
from local_snowflake.python.sandbox.values import ARROW_TYPES
from local_snowflake.sql.names import literal
from local_snowflake.sql.statement import Edit, Reader, Statement, edited

BATCH_PREFIX = "$BINDS_"
# how the text begins that stands for a bind value while a statement is compiled
BIND_PREFIX = "$BIND_"
BATCH_COLUMN = "B"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_batch(bindings: dict[str, Any]) -> bool:
    """Whether the bindings hold a list of values each: one statement for many rows."""
    return any(isinstance(b["value"], list) for b in bindings.values())


def inline(statement: Statement, bindings: dict[str, Any]) -> str:
    """The statement's text with the values of ``?`` or ``:n`` placeholders as literals."""
    return fill(statement, {key: as_literal(b["type"], b["value"]) for key, b in bindings.items()})


def fill(statement: Statement, literals: dict[str, str]) -> str:
    """The statement's text with literals, by their numbers from ``1`` on, in the place of ``?`` or ``:n``.

    Raises 002049 if there are more ``?`` than literals.
    """
    return edited(statement.sql, _filled(statement.tokens, literals))


def _filled(tokens: list[Token], literals: Mapping[str, str]) -> list[Edit]:
    marks = _question_marks(tokens)
    if marks:
        if len(marks) > len(literals):
            raise SnowflakeError(2049, "42601", f"Bind variable :{len(literals) + 1} not set.")
        return [(t.start, t.start + 1, literals[str(i + 1)]) for i, t in enumerate(marks)]
    edits: list[Edit] = []
    for before, colon, number in zip([None, *tokens], tokens, tokens[1:], strict=False):
        named = colon.token_type == TokenType.COLON and number.text in literals and number.start == colon.end + 1
        if named and (before is None or before.token_type not in OPERANDS):
            edits.append((colon.start, number.end + 1, literals[number.text]))
    return edits


def fill_in_order(sql: str, literals: Sequence[str]) -> str:
    """A text with literals in the place of its placeholders, eg: those of USING; the same text without literals."""
    return fill(Statement(sql, ""), {str(i): v for i, v in enumerate(literals, 1)}) if literals else sql


OPERANDS = {TokenType.VAR, TokenType.IDENTIFIER, TokenType.R_PAREN, TokenType.R_BRACKET}


def batch(statement: Statement, bindings: dict[str, Any], table: str) -> tuple[str, pa.Table]:
    """Turn ``INSERT … VALUES (?, …)`` with a list of values for each placeholder into ``INSERT … SELECT … FROM table``.

    Returns the new text, and the rows that are to be registered as ``table``: columns B1, B2, …. Raises 000002 for
    another statement, 002049 if there are more ``?`` than lists.
    """
    sql, tokens = statement.sql, statement.tokens
    values = next((i for i, t in enumerate(tokens) if t.token_type == TokenType.VALUES), None)
    if values is None or tokens[0].token_type != TokenType.INSERT:
        raise SnowflakeError(
            2, "0A000", "Unsupported feature 'array bind': only INSERT … VALUES (?, …) takes many rows."
        )
    reader = Reader(sql, tokens)
    reader.at = values + 1
    reader.parenthesised()
    start, opening, end = tokens[values].start, tokens[values + 1].end + 1, reader.tokens[reader.at - 1].end + 1
    edits = [(start, opening, "SELECT "), (end - 1, end, f' FROM "{table}"')]
    edits += _filled(tokens, {number: f'"{BATCH_COLUMN}{number}"' for number in bindings})
    columns = [bindings[str(i + 1)] for i in range(len(bindings))]
    arrays = [_array(c["type"], c["value"]) for c in columns]
    return edited(sql, edits), pa.table(arrays, names=[f"{BATCH_COLUMN}{i + 1}" for i in range(len(arrays))])


def _question_marks(tokens: list[Token]) -> list[Token]:
    """The placeholders; ``?::`` is one token."""
    marks = {TokenType.PLACEHOLDER: "?", TokenType.QDCOLON: "?::"}
    return [t for t in tokens if marks.get(t.token_type) == t.text]


def text_literal(value: str) -> str:
    """A text as Snowflake's literal: quotes doubled, backslashes too, since they escape there."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def as_literal(kind: str, value: str | None) -> str:
    """A bind value, as the protocol carries it, in Snowflake's SQL; ``kind`` is the client's name of its type."""
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
        nanoseconds, *minutes = value.split()
        moment = _EPOCH + timedelta(microseconds=int(nanoseconds) // 1000)
        # an offset is written as minutes + 1440
        return moment.astimezone(zoned_times.zone(int(minutes[0]) - 1440)) if minutes else moment
    return value


_CONVERTED: dict[str, Callable[[str], Any]] = {
    "BOOLEAN": lambda value: value.lower() == "true",
    "REAL": float,
    "BINARY": bytes.fromhex,
}


def _array(kind: str, values: list[str | None]) -> pa.Array:
    if kind == "FIXED":
        if not all(v is None or _WHOLE.fullmatch(v) for v in values):
            # Decimal in Python: as they are written, so that a text column gets 9.99, and not 9.990
            return pa.array(values, pa.string())
        integers = [None if v is None else int(v) for v in values]
        fits = all(v is None or -(2**63) <= v < 2**63 for v in integers)
        return pa.array(integers, pa.int64()) if fits else pa.array(values, pa.string())
    typed = [None if v is None else _typed(kind, v) for v in values]
    if kind == "TIMESTAMP_TZ":
        return zoned_times.from_datetimes(typed)
    return pa.array(typed, pa.float64() if kind == "REAL" else ARROW_TYPES.get(kind, pa.string()))


_EPOCHS = re.compile(r"-?\d+( \d{4})?")


def of_type(texts: pa.ChunkedArray, kind: str) -> pa.ChunkedArray | pa.Array:
    """Bind values that came as texts, as values for a column of a type, eg: ``DATE``.

    The connector calls a batch's column TEXT if its values are of several types, and None has one of its own. The
    values themselves are written as those of their types: times as numbers since 1970, bytes in hexadecimal digits.
    Raises 100115 for a value of a BINARY column that is not hexadecimal.
    """
    if kind == "BINARY":
        return pa.array([None if v is None else _bytes(v) for v in texts.to_pylist()], pa.binary())
    if kind != "DATE" and not kind.startswith("TIME"):
        return texts
    values = [_typed(kind, v) if v is not None and _EPOCHS.fullmatch(v) else v for v in texts.to_pylist()]
    if any(isinstance(v, str) for v in values):
        # a client may write dates as texts too
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return zoned_times.from_datetimes(values) if kind == "TIMESTAMP_TZ" else pa.array(values, ARROW_TYPES[kind])


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        message = f"The following string is not a legal hex-encoded value: '{text}'"
        raise SnowflakeError(100115, "22000", message) from None


# -- an INSERT that comes again and again is compiled once for all values of the same types ----------------------------

_INTEGER = re.compile(r"-?\d{1,18}")
_WHOLE = re.compile(r"-?\d+")
_IN_ROWS = {
    *(TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.PLACEHOLDER),
    *(TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE, TokenType.FALSE),
}


class Prepared:
    """A statement for which ``is_preparable`` holds, with markers for its values, and what replaces them.

    With markers in the place of the values the text is always the same; the values take the markers' places in the
    compiled SQL. That is only done where a value stands by itself in a row of VALUES: nothing there depends on it.
    """

    def __init__(self, statement: Statement, bindings: dict[str, Any]) -> None:
        # the value in DuckDB's SQL, by the marker as it stands there
        self._values: dict[str, str] = {}
        self.sql = fill(statement, {n: self._mark(n, b["type"], b["value"]) for n, b in bindings.items()})

    def _mark(self, number: str, kind: str, value: str | None) -> str:
        if value is None or kind == "BOOLEAN":
            return as_literal(kind, value)
        marker = f"731{int(number):06d}731" if kind == "FIXED" else f"'{BIND_PREFIX}{number}$'"
        self._values[marker] = value if kind == "FIXED" else literal(value)
        return f"{marker}::FLOAT" if kind == "REAL" else marker

    def fill(self, parts: Sequence[str]) -> tuple[str, ...] | None:
        """Compiled SQL with the values; None if a marker is not there exactly once."""
        (sql,) = parts
        if any(sql.count(marker) != 1 for marker in self._values):
            return None
        markers = "|".join(map(re.escape, self._values))
        return (re.sub(markers, lambda match: self._values[match[0]], sql) if markers else sql,)


def is_preparable(statement: Statement, bindings: dict[str, Any]) -> bool:
    """Whether a statement is an INSERT of rows in which nothing but constants and bind values stands."""
    if statement.verb != "INSERT" or not all(_is_simple(b["type"], b["value"]) for b in bindings.values()):
        return False
    tokens = statement.tokens
    rows = next((i for i, token in enumerate(tokens, 1) if token.token_type == TokenType.VALUES), len(tokens))
    if any(token.text.upper() == "IDENTIFIER" for token in tokens[:rows]):
        return False
    kinds = [token.token_type for token in tokens[rows:]]
    return _IN_ROWS.issuperset(kinds) and kinds.count(TokenType.PLACEHOLDER) == len(bindings)


def _is_simple(kind: str, value: str | None) -> bool:
    """Whether a value is a literal that the compiler leaves as it is."""
    if value is None or kind in {"TEXT", "REAL", "BOOLEAN"}:
        return True
    return kind == "FIXED" and _INTEGER.fullmatch(value) is not None
