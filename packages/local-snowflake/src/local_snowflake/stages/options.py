"""Options as stages, file formats and COPY spell them: ``KEY = value``, lists, and options within brackets."""

from collections.abc import Collection

from sqlglot.tokens import TokenType

from local_snowflake.errors import compilation_error
from local_snowflake.sql.statement import Reader

Value = str | list[str] | dict[str, "Value"]
Options = dict[str, Value]
_LISTS = {"NULL_IF", "FILES"}


def read_options(reader: Reader) -> Options:
    """Read ``KEY = value`` pairs, commas between them allowed, as far as there are any."""
    options: Options = {}
    while reader.peek(1) == "=":
        key = reader.next().text.upper()
        reader.expect("=")
        options[key] = _value(reader, key)
        reader.accept(",")
    return options


def _value(reader: Reader, key: str) -> Value:
    if not reader.accept("("):
        return _scalar(reader)
    if reader.peek(1) == "=" and key not in _LISTS:
        nested = read_options(reader)
        reader.expect(")")
        return nested
    values: list[str] = []
    while not reader.accept(")"):
        values.append(_scalar(reader))
        reader.accept(",")
    return values


def _scalar(reader: Reader) -> str:
    """A text's content; a number, a word or a dotted name as it is written, so that quotes of identifiers stay."""
    token = reader.next()
    if token.token_type in {TokenType.STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING}:
        return token.text
    start, end = token.start, token.end
    if token.text in {"-", "+"}:
        end = reader.next().end
    while reader.accept("."):
        end = reader.next().end
    return reader.sql[start : end + 1]


def is_true(value: Value | None, *, default: bool = False) -> bool:
    """An option's value as a truth value."""
    return default if value is None else str(value).strip().upper() in {"TRUE", "1", "YES", "ON"}


def refuse_unknown(options: Options, allowed: Collection[str]) -> None:
    """Raise 001423 for an option that a statement does not have."""
    if unknown := sorted(set(options).difference(allowed)):
        raise compilation_error(f"invalid parameter '{unknown[0]}'", 1423, "22023")
