"""SQL's syntax for calls of models' methods, made readable for the parser.

``MODEL(db.s.m, v)!PREDICT(a)`` and ``WITH mv AS MODEL m VERSION v SELECT mv!PREDICT(a)`` become calls of a function
whose quoted name holds everything: ``"MODEL(db.s.m, v)!PREDICT"(a)``.

Source: https://docs.snowflake.com/en/sql-reference/commands-model-function
"""

from dataclasses import dataclass

from sqlglot.tokens import Token, TokenType

from local_snowflake.execution.context import Context
from local_snowflake.sql.names import quote
from local_snowflake.sql.statement import Edit, Reader, Statement, edited, normal, tokenize

_PREFIX = "MODEL("


@dataclass(frozen=True)
class ModelCall:
    """What a call names: the model's normalised name parts, the version or alias if there is one, and the method."""

    model: tuple[str, ...]
    version: str | None
    method: str


@dataclass(frozen=True)
class _Alias:
    """``name AS MODEL … VERSION …`` in a WITH: the model's text, and where in the tokens it holds."""

    name: str
    target: str
    start: int
    end: int


def rewrite_calls(_: Context, statement: Statement) -> str:
    """Write the calls of models' methods in a statement as function calls."""
    sql = statement.sql
    if "!" not in sql:
        return sql
    tokens = statement.tokens
    if not any(t.token_type == TokenType.EXCLAMATION for t in tokens):
        return sql
    edits: list[Edit] = []
    aliases = _read_aliases(sql, tokens, edits)
    for i, token in enumerate(tokens):
        if token.token_type == TokenType.EXCLAMATION and 0 < i < len(tokens) - 2 and tokens[i + 2].text == "(":
            start, target = _callee(sql, tokens, i, aliases)
            method = tokens[i + 1]
            name = quote(f"{_PREFIX}{target})!{sql[method.start : method.end + 1]}")
            edits.append((start, method.end + 1, name))
    return edited(sql, edits)


def parse_name(name: str) -> ModelCall | None:
    """Read a function's name as it was written by ``rewrite_calls``; None for another function's."""
    if not name.startswith(_PREFIX):
        return None
    reader = Reader(name, tokenize(name))
    reader.expect("MODEL", "(")
    model = tuple(reader.name_parts())
    version = reader.identifier() if reader.accept(",") else None
    reader.expect(")", "!")
    method = reader.identifier()
    reader.finish()
    return ModelCall(model, version, method)


def _read_aliases(sql: str, tokens: list[Token], edits: list[Edit]) -> list[_Alias]:
    """Find ``name AS MODEL m [VERSION v]`` in every WITH; they are cut out of the text."""
    aliases = []
    for i in range(1, len(tokens) - 3):
        word, as_, kind = tokens[i : i + 3]
        before = tokens[i - 1].text.upper()
        if as_.text.upper() != "AS" or kind.text.upper() != "MODEL" or before not in {"WITH", ",", "RECURSIVE"}:
            continue
        reader = Reader(sql, tokens)
        reader.at = i + 3
        start = reader.position
        reader.name_parts()
        target = sql[start : tokens[reader.at - 1].end + 1]
        if reader.accept("VERSION"):
            target += ", " + sql[reader.position : tokens[reader.at].end + 1]
            reader.identifier()
        aliases.append(_Alias(normal(word), target, i, _end_of_scope(tokens, i)))
        _cut(sql, tokens, i, reader.at, edits)
    return aliases


def _cut(sql: str, tokens: list[Token], first: int, behind: int, edits: list[Edit]) -> None:
    """Take a WITH's item out: with the comma behind it; the last one with the comma, or the WITH, before it."""
    if behind < len(tokens) and tokens[behind].text == ",":
        edits.append((tokens[first].start, tokens[behind].end + 1, " "))
        return
    start = tokens[first].start
    # items that were cut before this one were cut with their commas
    while edits and edits[-1][1] <= start and not sql[edits[-1][1] : start].strip():
        start = edits.pop()[0]
    before = max(i for i in range(first) if tokens[i].end < start)
    edits.append((tokens[before].start, tokens[behind - 1].end + 1, " "))


def _end_of_scope(tokens: list[Token], start: int) -> int:
    """The index of the bracket that closes the query whose WITH is at ``start``; the end if none does."""
    depth = 0
    for i in range(start, len(tokens)):
        depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(tokens[i].token_type, 0)
        if depth < 0:
            return i
    return len(tokens)


def _callee(sql: str, tokens: list[Token], exclamation: int, aliases: list[_Alias]) -> tuple[int, str]:
    """Where the text before ``!`` starts, and which model and version it means."""
    i = exclamation - 1
    if tokens[i].text == ")":
        depth = 0
        while i >= 0:
            depth += {TokenType.R_PAREN: 1, TokenType.L_PAREN: -1}.get(tokens[i].token_type, 0)
            if depth == 0:
                break
            i -= 1
        return tokens[i - 1].start, sql[tokens[i].end + 1 : tokens[exclamation - 1].start].strip()
    start = i
    while start >= 2 and tokens[start - 1].text == ".":
        start -= 2
    if start == i:
        in_scope = [a for a in aliases if a.name == normal(tokens[i]) and a.start < i < a.end]
        if in_scope:
            return tokens[i].start, in_scope[-1].target
    return tokens[start].start, sql[tokens[start].start : tokens[i].end + 1]
