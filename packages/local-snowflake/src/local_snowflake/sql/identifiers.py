"""IDENTIFIER('name' | $variable), and TABLE(…) of them in FROM: a name that is written as a text.

Sources: https://docs.snowflake.com/en/sql-reference/identifier-literal and
https://docs.snowflake.com/en/sql-reference/literals-table
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlglot.tokens import TokenType

from local_snowflake.sql.statement import Edit, Statement, edited

# what a name in TABLE(…) is written as; a word is a function there
_NAMED = {TokenType.STRING, TokenType.PARAMETER}
_CALL = re.compile(r"\b(?:identifier|table)\s*\(\s*['$]", re.I)


def inline_identifiers(statement: Statement, variables: Mapping[str, Any]) -> str:
    """The statement's text with names for IDENTIFIER(…) and TABLE(…); ``variables`` are those of the session."""
    if not _CALL.search(statement.sql):
        return statement.sql
    tokens = statement.tokens
    edits: list[Edit] = []
    for i, (word, opening, name, closing) in enumerate(zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False)):
        if word.text.upper() not in {"IDENTIFIER", "TABLE"} or opening.text != "(":
            continue
        text, end = name.text, closing
        if name.token_type == TokenType.PARAMETER and closing.text.upper() in variables:
            text, end = str(variables[closing.text.upper()]), tokens[min(i + 4, len(tokens) - 1)]
        if end.text == ")" and (word.text.upper() == "IDENTIFIER" or name.token_type in _NAMED):
            edits.append((word.start, end.end + 1, text))
    return edited(statement.sql, edits)
