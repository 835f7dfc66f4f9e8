"""Snowflake's SQL -> DuckDB's SQL. The only importer of fakesnow's private parts: its version is pinned for that."""

import contextlib
import logging
import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import snowflake.connector.errors
import sqlglot
from fakesnow import macros
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms import stage
from fakesnow.transforms import transforms as fs
from fakesnow.variables import Variables
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ParseError
from sqlglot.tokens import TokenType

from local_snowflake import functions
from local_snowflake.errors import SnowflakeError, compilation_error, syntax_error
from local_snowflake.sql.statement import Statement

logging.getLogger("sqlglot").setLevel(logging.ERROR)
# fakesnow makes a directory when it is imported and leaves it; nothing here uses it
with contextlib.suppress(OSError):
    Path(stage.LOCAL_BUCKET_PATH).rmdir()


class _Connection:
    """What fakesnow's transforms read of a connection: names are resolved before, so that nothing is current."""

    database: str | None = None
    schema: str | None = None
    db_path = None
    table_stages = None

    def __init__(self) -> None:
        self.variables = Variables()


def macro_definitions(catalog: str) -> str:
    """The DuckDB macros that translated statements call, eg: for FLATTEN; made in ``catalog``'s main schema."""
    schema = f'"{catalog}".main'
    own = (f"CREATE OR REPLACE MACRO {schema}.{macro};" for macro in functions.MACROS)
    return "\n".join([macros.creation_sql(schema), *own])


def parse(sql: str | Statement) -> exp.Expression:
    """Parse one Snowflake statement, or its text.

    Raises:
        SnowflakeError: 001003, if it does not parse.
    """
    try:
        parsed = _parse(sql) if isinstance(sql, Statement) else sqlglot.parse_one(sql, read="snowflake")
    except ParseError as error:
        text = re.sub(r"\x1b\[\d+m", "", str(error))
        raise syntax_error(text) from None
    except IndexError:
        # sqlglot takes the arguments of OBJECT_CONSTRUCT and the like in pairs
        raise compilation_error("not enough arguments for a function: a key without a value", 938, "22023") from None
    return cast(exp.Expression, parsed)


def _parse(statement: Statement) -> exp.Expr | None:
    """Parse a statement from its tokens; those of a word that sqlglot reads as a command are not what it expects."""
    kinds = {token.token_type for token in statement.tokens}
    if not kinds or kinds & (Snowflake.Tokenizer.COMMANDS | {TokenType.SEMICOLON}):
        return sqlglot.parse_one(statement.sql, read="snowflake")
    return Snowflake().parser().parse(statement.tokens, statement.sql)[0]


def upper_case(expression: exp.Expression) -> exp.Expression:
    """Unquoted identifiers are upper case: https://docs.snowflake.com/en/sql-reference/identifiers-syntax."""
    for pair in expression.find_all(exp.PropertyEQ):
        # the key of {'a': 1} is a text, which sqlglot keeps as an identifier
        if isinstance(pair.parent, exp.Struct) and isinstance(pair.this, exp.Identifier):
            pair.this.set("quoted", True)
    return cast(exp.Expression, expression.transform(fs.upper_case_unquoted_identifiers, copy=False))


def translate(expression: exp.Expression, duck: Any) -> exp.Expression:
    """Rewrite a resolved Snowflake syntax tree into one that prints as DuckDB's SQL.

    Args:
        expression: the tree; identifiers are upper case, tables are physical.
        duck: the session's DuckDB connection: a CREATE TABLE AS with types looks at its query's columns there.

    Raises:
        SnowflakeError: if fakesnow refuses a part of it, with the part's name.
    """
    cursor = FakeSnowflakeCursor(cast(Any, _Connection()), duck)
    functions.prepare(expression)
    try:
        translated = cast(exp.Expression, cursor._transform(expression, None))
    except snowflake.connector.errors.Error as error:
        raise SnowflakeError(error.errno or 1003, error.sqlstate or "42000", str(error.msg)) from None
    except NotImplementedError as error:
        raise SnowflakeError(2, "0A000", f"Unsupported feature '{error}'.") from None
    # the tree's root may itself be what is rewritten, eg: a default value
    holder = exp.Paren(this=translated)
    functions.finish(holder)
    return cast(exp.Expression, holder.this.pop())


def at_time(expression: exp.Expression, moment: datetime) -> exp.Expression:
    """Let a translated tree's current time be that of its statement; DuckDB's is that of the transaction.

    Source: https://docs.snowflake.com/en/sql-reference/functions/current_timestamp
    """

    def fixed(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtime)):
            return node
        now = exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), exp.DType.TIMESTAMPTZ)
        if isinstance(node, exp.CurrentTimestamp):
            return now
        kind = exp.DType.DATE if isinstance(node, exp.CurrentDate) else exp.DType.TIME
        # the date and the time of day in the session's time zone
        return exp.cast(exp.cast(now, exp.DType.TIMESTAMP), kind)

    return cast(exp.Expression, expression.transform(fixed, copy=False))


def to_duckdb(expression: exp.Expression) -> str:
    """Print a translated tree."""
    return expression.sql(dialect="duckdb")
