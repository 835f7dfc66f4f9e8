"""The statements of a text that holds several.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-multiple-statements
"""

from typing import Any

from sqlglot.tokens import TokenType

from local_snowflake.errors import SnowflakeError
from local_snowflake.scripting.reading import BlockReader, is_block
from local_snowflake.sql.statement import Reader, tokenize

# the parameter that says how many statements a request has
COUNT = "MULTI_STATEMENT_COUNT"
_BLOCK_WORDS = {"BEGIN", "DECLARE"}


def split_statements(sql: str) -> list[str]:
    """The statements that semicolons separate, without them; those inside of a block belong to it.

    Raises:
        SnowflakeError: 001003 if the text cannot be split into tokens or a block does not parse.
    """
    reader = Reader(sql, tokenize(sql))
    statements = []
    while not reader.done:
        start = reader.position
        _skip(reader)
        statements.append(sql[start : reader.position].strip())
        reader.accept(";")
    return [statement for statement in statements if statement]


def counted_statements(sql: str, wanted: object) -> list[str]:
    """The statements of a request, as many as its MULTI_STATEMENT_COUNT says; any number if that is 0.

    Raises:
        SnowflakeError: 000008 if there are more or less; 001003 if the text does not parse.
    """
    statements = split_statements(sql)
    if str(wanted) not in {"0", str(max(len(statements), 1))}:
        text = f"Actual statement count {len(statements)} did not match the desired statement count {wanted}."
        raise SnowflakeError(8, "0A000", text)
    return statements


def failed_statement(sql: str, error: SnowflakeError) -> SnowflakeError:
    """The error of a request of several statements, of which one has failed: 100132."""
    text = f'Execution of multiple statements failed on statement "{sql}".\n{error.message}'
    return SnowflakeError(100132, "P0000", text)


def bindings_of(statements: list[str], bindings: dict[str, Any]) -> list[dict[str, Any]]:
    """The bind values of each of several statements: those of the request in the order of its question marks."""
    values = [bindings[key] for key in sorted(bindings, key=int)]
    parts, at = [], 0
    for statement in statements:
        count = sum(token.token_type == TokenType.PLACEHOLDER for token in tokenize(statement))
        parts.append({str(i): value for i, value in enumerate(values[at : at + count], 1)})
        at += count
    return parts


def _skip(reader: Reader) -> None:
    """Read up to the statement's end."""
    first, before = reader.peek(), ""
    # a block is a statement, or the body of what one creates
    while not reader.done and (word := reader.peek()) != ";":
        may_be_block = not before or (first == "CREATE" and before == "AS")
        if may_be_block and word in _BLOCK_WORDS and is_block(reader.rest()):
            block = BlockReader(reader.rest())
            block.block()
            reader.at += block.at
        else:
            reader.next()
        before = word or "'"
