"""What names mean inside a block, and the statements' text with the variables' values in it.

Source: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/variables
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError, compilation_error
from local_snowflake.execution.results import Result
from local_snowflake.scripting.tree import DeclareException
from local_snowflake.sql.binds import OPERANDS, text_literal
from local_snowflake.sql.statement import Edit, edited, normal, tokenize
from local_snowflake.sql.types import SfType, parse_type


@dataclass
class Variable:
    """A variable: its value, the type of that, and the type that it was declared with, if any."""

    value: Any = None
    type: SfType | None = None
    declared: str | None = None

    @property
    def literal(self) -> str:
        """The value as Snowflake writes it in a statement."""
        value, kind = self.value, self.type
        is_json = kind is not None and kind.is_semi_structured
        if value is None:
            return "NULL" if kind is None or is_json else f"NULL::{kind}"
        if is_json:
            # VALUES takes a variable, but no PARSE_JSON
            return (
                f"TRY_PARSE_JSON({text_literal(value if isinstance(value, str) else json.dumps(value, default=str))})"
            )
        written = (write(value, kind) for types, write in _LITERALS if isinstance(value, types))
        return next(written, text_literal(str(value)))


# the row variable of a loop over a cursor: its fields
Row = dict[str, Variable]


@dataclass
class ResultSet:
    """The result of a query; None until one is assigned."""

    result: Result | None = None


@dataclass
class CursorState:
    """A cursor: its query, and while it is open its rows and how many were fetched."""

    query: str
    result: Result | None = None
    fetched: int = 0


Meaning = Variable | Row | ResultSet | CursorState | DeclareException


@dataclass
class Scope:
    """The names of a block, over those of the block around it."""

    outer: "Scope | None" = None
    names: dict[str, Meaning] = field(default_factory=dict)

    def find(self, name: str) -> Meaning | None:
        """What a name means; None if it means nothing here."""
        value = self.names.get(name)
        return value if value is not None or self.outer is None else self.outer.find(name)

    def need(self, name: str, kind: type[Any]) -> Any:
        """What a name means, which has to be of a kind.

        Raises:
            SnowflakeError: 000904, if it is not.
        """
        value = self.find(name)
        if not isinstance(value, kind):
            raise compilation_error(f"error line 1 at position 0\ninvalid identifier '{name}'", 904)
        return value


def variable_of(result: Result, column: int = 0, row: int = 0) -> Variable:
    """One value of a result."""
    return Variable(result.value(column, row), result.columns[column].type)


def row_of(result: Result, row: int) -> Row:
    """One row of a result."""
    return {c.name: variable_of(result, i, row) for i, c in enumerate(result.columns)}


def fill(text: str, scope: Scope, *, expression: bool) -> str:
    """Put the variables' values into a text.

    Args:
        text: a statement, in which a variable is ``:name``, or an expression, in which it also is ``name``.
        scope: what the names mean.
        expression: whether it is an expression; in its subqueries a bare name is a column.

    Raises:
        SnowflakeError: 002049, for ``:name`` that is no variable.
    """
    tokens = tokenize(text)
    edits: list[Edit] = []
    queries = [not expression or _starts_query(tokens, 0)]
    for i, token in enumerate(tokens):
        if token.token_type == TokenType.L_PAREN:
            queries.append(queries[-1] or _starts_query(tokens, i + 1))
        elif token.token_type == TokenType.R_PAREN and len(queries) > 1:
            queries.pop()
        elif edit := _edit(tokens, i, scope, bare=not queries[-1]):
            edits.append(edit)
    return edited(text, edits)


def is_query(text: str) -> bool:
    """Whether a text is a query and not an expression."""
    return _starts_query(tokenize(text), 0)


def _starts_query(tokens: list[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].token_type in {TokenType.SELECT, TokenType.WITH}


def _edit(tokens: list[Token], i: int, scope: Scope, *, bare: bool) -> Edit | None:
    """What takes the place of a variable that begins at a token."""
    token, before = tokens[i], tokens[i - 1] if i else None
    after = tokens[i + 1] if i + 1 < len(tokens) else None
    if token.token_type == TokenType.COLON:
        is_path = before is not None and before.token_type in OPERANDS and before.end + 1 == token.start
        if is_path or after is None or after.token_type == TokenType.NUMBER or after.start != token.end + 1:
            return None
        variable = _value(tokens, i + 1, scope)
        if variable is None:
            raise SnowflakeError(2049, "42601", f"SQL compilation error:\nBind variable :{after.text} not set.")
        return token.start, *variable
    # many words are keywords of their own to the tokenizer
    is_word = token.token_type != TokenType.STRING and token.text.isidentifier()
    is_name = is_word or token.token_type in {TokenType.VAR, TokenType.IDENTIFIER}
    if not bare or not is_name or (before is not None and before.text in {".", ":", "$"}):
        return None
    if after is not None and after.token_type in {TokenType.L_PAREN, TokenType.FARROW}:
        return None
    variable = _value(tokens, i, scope)
    return (token.start, *variable) if variable else None


def _value(tokens: list[Token], i: int, scope: Scope) -> tuple[int, str] | None:
    """The end and the literal of the variable, or of the row's field, that is named at a token."""
    token, value = tokens[i], scope.find(normal(tokens[i]))
    if isinstance(value, dict) and i + 2 < len(tokens) and tokens[i + 1].token_type == TokenType.DOT:
        name = normal(tokens[i + 2])
        if name not in value:
            raise compilation_error(f"error line 1 at position 0\ninvalid identifier '{token.text}.{name}'", 904)
        return tokens[i + 2].end + 1, value[name].literal
    return (token.end + 1, value.literal) if isinstance(value, Variable) else None


# how values are written by their Python types, first match first: a bool is an int, too
_LITERALS: tuple[tuple[type | tuple[type, ...], Callable[[Any, SfType | None], str]], ...] = (
    (bool, lambda value, kind: str(value).upper()),
    (int, lambda value, kind: str(value) if value >= 0 else f"({value})"),
    (Decimal, lambda value, kind: f"{value:f}::{kind}"),
    (float, lambda value, kind: f"{text_literal(repr(value))}::FLOAT"),
    (bytes, lambda value, kind: f"TO_BINARY({text_literal(value.hex())}, 'HEX')"),
    ((date, datetime, time), lambda value, kind: f"{text_literal(str(value))}::{kind.name if kind else 'VARCHAR'}"),
)


def converted(expression: str, kind: str) -> str:
    """An expression, converted to the type that is declared for it."""
    declared = parse_type(kind)
    if declared.is_semi_structured:
        return f"TO_VARIANT({expression})"
    # DuckDB's BLOB has no length
    return f"CAST({expression} AS {'BINARY' if declared.name == 'BINARY' else kind})"
