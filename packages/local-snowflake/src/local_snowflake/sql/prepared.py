"""INSERT … VALUES with bind values that comes again and again: it is compiled once for all values of the same types.

Markers are put in the place of the values, so that the text is always the same; the values take the markers' places in
the compiled SQL. That is only done where a value stands by itself in a row of VALUES: nothing there depends on it.
"""

import re
from collections.abc import Sequence
from typing import Any

from sqlglot.tokens import TokenType

from local_snowflake.sql import binds
from local_snowflake.sql.names import literal
from local_snowflake.sql.statement import Statement

_INTEGER = re.compile(r"-?\d{1,18}")
_IN_ROWS = {
    *(TokenType.L_PAREN, TokenType.R_PAREN, TokenType.COMMA, TokenType.PLACEHOLDER),
    *(TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE, TokenType.FALSE),
}


class Prepared:
    """A statement for which ``is_preparable`` holds, with markers for its values, and what replaces them."""

    def __init__(self, statement: Statement, bindings: dict[str, Any]) -> None:
        # the value in DuckDB's SQL, by the marker as it stands there
        self._values: dict[str, str] = {}
        self.sql = binds.fill(statement, {n: self._mark(n, b["type"], b["value"]) for n, b in bindings.items()})

    def _mark(self, number: str, kind: str, value: str | None) -> str:
        if value is None or kind == "BOOLEAN":
            return binds.as_literal(kind, value)
        marker = f"731{int(number):06d}731" if kind == "FIXED" else f"'$BIND_{number}$'"
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
