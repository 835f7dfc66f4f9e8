"""The statements of a text that holds several.

Source: https://docs.snowflake.com/en/developer-guide/sql-api/submitting-multiple-statements
"""

from local_snowflake.scripting.reading import BlockReader, is_block
from local_snowflake.sql.statement import Reader, tokenize

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
