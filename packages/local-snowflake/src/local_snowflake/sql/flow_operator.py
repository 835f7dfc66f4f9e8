"""The flow operator: statements in a chain, each of which reads the results of those before it as $1, $2, ….

Source: https://docs.snowflake.com/en/sql-reference/operators-flow
"""

import re
from collections.abc import Sequence

from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import compilation_error
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.sql.queries import describe
from local_snowflake.sql.statement import Edit, Statement, edited

OPERATOR = "->>"
_READS_ONLY = re.compile(r"\s*(SHOW|DESC|DESCRIBE|SELECT|WITH)\b", re.I)


def split(statement: Statement) -> list[str]:
    """The statements of a chain; one that has no flow operator is the only one."""
    sql = statement.sql
    if OPERATOR not in sql:
        return [sql]
    operators = [t for t in statement.tokens if t.text == OPERATOR and t.token_type != TokenType.STRING]
    edges = [0, *(edge for t in operators for edge in (t.start, t.end + 1)), len(sql)]
    return [sql[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]


def run(ctx: Context, statements: list[str]) -> Result:
    """Run a chain; returns the last statement's result."""
    query_ids: list[str] = []
    result = None
    for sql in statements:
        result = ctx.execute(with_results(ctx.compiler.statement(sql), query_ids))
        query_ids.append(result.query_id)
    if result is None:
        raise compilation_error("syntax error: the flow operator has no statements.")
    return result


def describe_last(ctx: Context, statements: list[str]) -> Result:
    """The columns of a chain's result; a statement that reads those before it gets their columns without rows."""
    query_ids: list[str] = []
    for sql in statements[:-1]:
        if not _READS_ONLY.match(sql):
            return describe(ctx, sql)
        result = describe(ctx, with_results(ctx.compiler.statement(sql), query_ids))
        ctx.session.remember(result.query_id, result.named_table, result.types)
        query_ids.append(result.query_id)
    return describe(ctx, with_results(ctx.compiler.statement(statements[-1]), query_ids))


def with_results(statement: Statement, query_ids: Sequence[str]) -> str:
    """A statement's text with the rows of the n-th statement before it in the place of ``FROM $n``.

    ``query_ids`` are those of the statements before it in the chain. Raises 001003 if there are fewer.
    """
    if "$" not in statement.sql:
        return statement.sql
    tokens = statement.tokens
    edits: list[Edit] = []
    for i in range(1, len(tokens)):
        if tokens[i - 1].token_type != TokenType.PARAMETER or tokens[i].token_type != TokenType.NUMBER:
            continue
        if i < 2 or not _reads(tokens, i - 2):
            continue
        back = int(tokens[i].text)
        if not 1 <= back <= len(query_ids):
            text = f"${back} names no statement: {len(query_ids)} statements of the chain ran before this one."
            raise compilation_error(text)
        edits.append((tokens[i - 1].start, tokens[i].end + 1, f"TABLE(RESULT_SCAN('{query_ids[-back]}'))"))
    return edited(statement.sql, edits)


def _reads(tokens: list[Token], at: int) -> bool:
    """Whether a table is read where a parameter follows the token at a position."""
    if tokens[at].text.upper() in {"FROM", "JOIN"}:
        return True
    # FROM $1, $2
    return (
        tokens[at].text == ","
        and at >= 3
        and tokens[at - 2].token_type == TokenType.PARAMETER
        and _reads(tokens, at - 3)
    )
