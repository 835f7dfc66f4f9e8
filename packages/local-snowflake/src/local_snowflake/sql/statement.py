"""A statement: its text, its tokens, its first words, and a reader over the tokens."""

import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, TypeVar

from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import TokenError
from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError, syntax_error
from local_snowflake.sql.names import normalise

T = TypeVar("T")
_LEADING_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.S)
_MODIFIERS = {"TEMP", "TEMPORARY", "TRANSIENT", "SCOPED", "SECURE", "VOLATILE", "LOCAL", "GLOBAL", "RECURSIVE"}
# verbs whose text is not SQL (file://… would be read as a comment), so that it is never tokenized as a whole
RAW_VERBS = {"PUT", "GET", "LS", "LIST", "RM", "REMOVE"}
OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}


def strip_comments(sql: str) -> str:
    """The statement without leading comments and without the closing semicolon."""
    return _LEADING_COMMENTS.sub("", sql).rstrip().rstrip(";").rstrip()


_TAIL = re.compile(r";\s*(?:--|//|/\*)")


def _without_tail(text: str) -> str:
    """The statement without the comments behind its closing semicolon."""
    if not _TAIL.search(text):
        return text
    try:
        tokens = _Dialect().tokenize(text)
    except TokenError:
        return text
    closing = next((i for i, t in enumerate(tokens) if t.token_type == TokenType.SEMICOLON), None)
    if closing is None or any(t.token_type != TokenType.SEMICOLON for t in tokens[closing:]):
        closing = len(tokens) - 1
    is_closed = bool(tokens) and tokens[closing].token_type == TokenType.SEMICOLON
    return text[: tokens[closing].start].rstrip() if is_closed else text


# a change of a text: where it starts, where it ends, and what replaces that
Edit = tuple[int, int, str]


def edited(sql: str, edits: Iterable[Edit]) -> str:
    """A text with some of its parts replaced; the parts do not overlap."""
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def normal(token: Token) -> str:
    """The normalised form of an identifier's token."""
    return token.text.replace('""', '"') if token.token_type == TokenType.IDENTIFIER else token.text.upper()


class Reader:
    """Reads a statement token by token, with the text that each token came from."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether every token was read."""
        return self.at >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case; empty at the end, and for a quoted identifier or a text."""
        index = self.at + ahead
        if index >= len(self.tokens):
            return ""
        token = self.tokens[index]
        return "" if token.token_type in {TokenType.STRING, TokenType.IDENTIFIER} else token.text.upper()

    def accept(self, *words: str) -> bool:
        """Read ``words`` if they come next, all of them or none."""
        if all(self.peek(i) == word for i, word in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str | None:
        """Read one of ``words`` if it comes next, and return it."""
        if (word := self.peek()) in words and word:
            self.at += 1
            return word
        return None

    def expect(self, *words: str) -> None:
        """Read ``words``, or raise a syntax error that names what stands there instead."""
        if not self.accept(*words):
            raise self.unexpected(" ".join(words))

    def unexpected(self, expected: str = "") -> Exception:
        """The syntax error for what comes next, with what is expected there."""
        text = self.tokens[self.at].text if not self.done else "<EOF>"
        line = self.tokens[self.at].line if not self.done else 1
        hint = f", expected {expected}" if expected else ""
        return syntax_error(f"syntax error line {line} at position {self.position} unexpected '{text}'{hint}.")

    @property
    def position(self) -> int:
        """Where in the text the next token starts."""
        return self.tokens[self.at].start if not self.done else len(self.sql)

    def next(self) -> Token:
        """Read one token, whatever it is."""
        if self.done:
            raise self.unexpected()
        self.at += 1
        return self.tokens[self.at - 1]

    def identifier(self) -> str:
        """Read one identifier; returns its normalised form."""
        token = self.next()
        is_word = re.match(r"[\w$]+\Z", token.text) and token.token_type != TokenType.STRING
        if token.token_type != TokenType.IDENTIFIER and not is_word:
            self.at -= 1
            raise self.unexpected("an identifier")
        return normal(token)

    def name_parts(self) -> list[str]:
        """Read a dotted name, or ``IDENTIFIER('…')``; returns its normalised parts."""
        if self.peek() == "IDENTIFIER" and self.peek(1) == "(":
            self.at += 2
            parts = [normalise(p) for p in re.findall(r'"(?:[^"]|"")*"|[^.]+', self.next().text)]
            self.expect(")")
            return parts
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier() if self.peek() != "." else "PUBLIC")
        return parts

    def string(self) -> str:
        """Read a text literal, ``'…'`` or ``$$…$$``."""
        token = self.next()
        if token.token_type not in {TokenType.STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING}:
            self.at -= 1
            raise self.unexpected("a text in quotes")
        return token.text

    def value(self) -> str:
        """Read an option's value: a text, a number (signed), a word or a dotted name."""
        if self.peek() in {"-", "+"}:
            sign = self.next().text
            return sign + self.next().text
        token = self.next()
        if token.token_type == TokenType.STRING or self.peek() != ".":
            return token.text
        text = token.text
        while self.accept("."):
            text += "." + self.next().text
        return text

    def parenthesised(self) -> str:
        """Read ``( … )`` with balanced brackets; returns the text between them."""
        self.expect("(")
        start, depth = self.position, 1
        while depth:
            depth += {TokenType.L_PAREN: 1, TokenType.R_PAREN: -1}.get(self.next().token_type, 0)
        return self.sql[start : self.tokens[self.at - 1].start]

    def until(self, *ends: str) -> str:
        """Read the text up to the statement's end, or to a word outside of brackets and of CASE."""
        start, depth, cases = self.position, 0, 0
        while not self.done:
            kind, word = self.tokens[self.at].token_type, self.peek()
            if depth == 0 and (word == ";" or (cases == 0 and word in ends)):
                break
            depth += (kind in OPENING) - (kind in CLOSING)
            cases = max(cases + (kind == TokenType.CASE) - (kind == TokenType.END), 0)
            self.next()
        text = self.sql[start : self.position].strip()
        if not text:
            raise self.unexpected("an expression")
        return text

    def value_list(self) -> list[str]:
        """Read ``( 'a', b, … )``; returns the values."""
        self.expect("(")
        values: list[str] = []
        while not self.accept(")"):
            values.append(self.value())
            self.accept(",")
        return values

    def listed(self, read: Callable[[], T]) -> list[T]:
        """Read items, each with ``read``, with commas between them."""
        items = [read()]
        while self.accept(","):
            items.append(read())
        return items

    def options(self, *stop: str) -> dict[str, str | list[str]]:
        """Read ``KEY = value`` pairs up to the end or to one of the words ``stop``."""
        options: dict[str, str | list[str]] = {}
        while not self.done and self.peek() not in stop and self.peek(1) == "=":
            key = self.next().text.upper()
            self.expect("=")
            options[key] = self.value_list() if self.peek() == "(" else self.value()
            self.accept(",")
        return options

    def rest(self) -> str:
        """The text that was not read yet."""
        return self.sql[self.position :]

    def finish(self) -> None:
        """Raise a syntax error if something was not read."""
        if not self.done:
            raise self.unexpected("the end of the statement")


@dataclass
class Statement:
    """One statement. Threads may share it, so it is not changed; one with a verb of ``RAW_VERBS`` is not shared.

    Attributes:
        sql: the text, without leading comments and without the closing semicolon.
        verb: the first word, in upper case.
        kind: the words behind it that name what the statement is about, eg: ``FILE FORMAT``.
        or_replace: whether OR REPLACE follows the verb.
        or_alter: whether OR ALTER follows the verb.
        modifiers: words before the kind, eg: TEMPORARY.
        binds: the bind values of a statement whose text is not SQL.
    """

    sql: str
    verb: str
    kind: str = ""
    or_replace: bool = False
    or_alter: bool = False
    modifiers: frozenset[str] = frozenset()
    binds: list[object] = field(default_factory=list)

    @cached_property
    def tokens(self) -> list[Token]:
        """The text's tokens; do not change the list.

        Raises 001003 if the text cannot be split into tokens, eg: because a quote is not closed.
        """
        return tokenize(self.sql)

    @property
    def reader(self) -> Reader:
        """A reader at the statement's first token."""
        return Reader(self.sql, self.tokens)

    @property
    def temporary(self) -> bool:
        """Whether the object belongs to the session only."""
        return bool(self.modifiers & {"TEMP", "TEMPORARY", "VOLATILE"})


class _Dialect(Snowflake):
    """Snowflake, every word of which is a token of its own."""

    class Tokenizer(Snowflake.Tokenizer):
        """Without "command" words such as SHOW: the rest of a statement that starts with one would be one token."""

        COMMANDS: ClassVar[set[TokenType]] = set()


def tokenize(sql: str) -> list[Token]:
    """Snowflake's tokens of a text, or Snowflake's syntax error."""
    try:
        return _Dialect().tokenize(sql)
    except TokenError as error:
        raise unreadable(error, sql) from None


def unreadable(error: TokenError, sql: str) -> SnowflakeError:
    """The error about a text that cannot be split into tokens, eg: because a quote is not closed.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax; unverified on an account: its words.
    """
    lacking = re.match(r"Missing (\S+) from (\d+):", str(error.__cause__ or error.__context__ or error))
    line = int(lacking[2]) if lacking else sql.count("\n") + 1
    hint = f": the closing {lacking[1]} is missing" if lacking else ""
    return syntax_error(f"parse error line {line} at position {len(sql)} near '<EOF>'{hint}.")


def parse_statement(sql: str, kinds: Container[tuple[str, str]]) -> Statement:
    """Recognise a statement by its first words.

    ``kinds`` are the (verb, kind) pairs that have a handler; a kind may have several words, eg: ``FILE FORMAT``.
    """
    text = _without_tail(strip_comments(sql))
    verb = (re.match(r"[A-Za-z]+", text) or [""])[0].upper()
    verb = {"DESC": "DESCRIBE", "LIST": "LS", "REMOVE": "RM"}.get(verb, verb)
    if verb in RAW_VERBS:
        return Statement(text, verb)
    words = [w.upper() for w in re.findall(r'"|[A-Za-z_$]+', re.sub(r"/\*.*?\*/", " ", text[:400], flags=re.S))][1:]
    statement = Statement(text, verb)
    if words[:2] == ["OR", "REPLACE"]:
        statement.or_replace, words = True, words[2:]
    elif words[:2] == ["OR", "ALTER"]:
        statement.or_alter, words = True, words[2:]
    modifiers = set()
    while words and words[0] in _MODIFIERS and verb in {"CREATE", "DROP"}:
        modifiers.add(words.pop(0))
    statement.modifiers = frozenset(modifiers)
    for length in (4, 3, 2, 1):
        kind = " ".join(words[:length])
        if (verb, kind) in kinds:
            statement.kind = kind
            break
    return statement


def skip_head(statement: Statement) -> Reader:
    """A fresh reader placed behind the verb, the modifiers and the kind."""
    reader = statement.reader
    reader.next()
    reader.accept("OR", "REPLACE") or reader.accept("OR", "ALTER")
    while reader.peek() in _MODIFIERS and statement.verb in {"CREATE", "DROP"}:
        reader.next()
    # the tokenizer makes one token of some kinds, eg: FILE FORMAT
    if not (" " in statement.kind and reader.accept(statement.kind)):
        for word in statement.kind.split():
            reader.expect(word)
    return reader
