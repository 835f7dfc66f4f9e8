"""The flow operator: statements in a chain, each of which reads the results of those before it as $1, $2, ….

Source: https://docs.snowflake.com/en/sql-reference/operators-flow
"""

from __future__ import annotations

import re

from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.sql.queries import describe
from local_snowflake.sql.statement import tokenize

OPERATOR = "->>"
_READS_ONLY = re.compile(r"\s*(SHOW|DESC|DESCRIBE|SELECT|WITH)\b", re.I)


def split(sql: str) -> list[str]:
    """The statements of a chain; one that has no flow operator is the only one."""
    if OPERATOR not in sql:
        return [sql]
    starts = [t for t in tokenize(sql) if t.text == OPERATOR and t.token_type != TokenType.STRING]
    edges = [0, *(edge for t in starts for edge in (t.start, t.end + 1)), len(sql)]
    return [sql[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]


def run(ctx: Context, statements: list[str]) -> Result:
    """Run a chain; returns the last statement's result."""
    done: list[str] = []
    result = None
    for statement in statements:
        result = ctx.execute(_with_results(statement, done))
        done.append(result.query_id)
    if result is None:
        raise compilation_error("syntax error: the flow operator has no statements.")
    return result


def describe_last(ctx: Context, statements: list[str]) -> Result:
    """The columns of a chain's result; a statement that reads those before it gets their columns without rows."""
    done: list[str] = []
    for statement in statements[:-1]:
        if not _READS_ONLY.match(statement):
            return describe(ctx, statement)
        found = describe(ctx, _with_results(statement, done))
        ctx.session.remember(found.query_id, found.named_table)
        done.append(found.query_id)
    return describe(ctx, _with_results(statements[-1], done))


def _with_results(sql: str, done: list[str]) -> str:
    """Replace ``FROM $n`` by the rows of the n-th statement before."""
    tokens = tokenize(sql)
    for i in range(len(tokens) - 1, 0, -1):
        if tokens[i - 1].token_type != TokenType.PARAMETER or tokens[i].token_type != TokenType.NUMBER:
            continue
        if i < 2 or not _reads(tokens, i - 2):
            continue
        back = int(tokens[i].text)
        if not 1 <= back <= len(done):
            text = f"${back} names no statement: {len(done)} statements of the chain ran before this one."
            raise compilation_error(text)
        sql = f"{sql[: tokens[i - 1].start]}TABLE(RESULT_SCAN('{done[-back]}')){sql[tokens[i].end + 1 :]}"
    return sql


def _reads(tokens: list[Token], at: int) -> bool:
    """Whether the token before a parameter says that a table is read there."""
    if tokens[at].text.upper() in {"FROM", "JOIN"}:
        return True
    # FROM $1, $2
    return (
        tokens[at].text == ","
        and at >= 3
        and tokens[at - 2].token_type == TokenType.PARAMETER
        and _reads(tokens, at - 3)
    )
