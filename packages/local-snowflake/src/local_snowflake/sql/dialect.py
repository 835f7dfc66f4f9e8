"""Snowflake's SQL -> DuckDB's SQL. The only importer of fakesnow's private parts: its version is pinned for that."""

import contextlib
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import snowflake.connector.errors
import sqlglot
from fakesnow import macros
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.transforms import stage
from fakesnow.variables import Variables
from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.errors import ParseError, TokenError
from sqlglot.expressions.core import POSITION_META_KEYS
from sqlglot.tokens import TokenType

from local_snowflake import functions
from local_snowflake.errors import (
    SnowflakeError,
    compilation_error,
    syntax_error,
    too_few_arguments,
    too_many_arguments,
)
from local_snowflake.functions import names
from local_snowflake.functions.absent import absent
from local_snowflake.sql.checks import grammar
from local_snowflake.sql.checks.counts import check_counts, check_lists
from local_snowflake.sql.statement import Statement, unreadable
from local_snowflake.sql.transforms import TransformedTree, nodes

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


class _Dialect(Snowflake):
    """Snowflake, whose formats of times stay as they are written."""

    @classmethod
    def format_time(cls, expression: str | exp.Expr | None) -> exp.Expr | None:
        """The format itself: ``functions.formats`` reads it; sqlglot's table knows some elements in one case only."""
        return exp.Literal.string(expression[1:-1]) if isinstance(expression, str) else expression


# stands for all columns in what the parser reads of MERGE … ALL BY NAME, which it does not know
BY_NAME = "$BY_NAME"
_BY_NAME = re.compile(r"\b(UPDATE|INSERT)\s+ALL\s+BY\s+NAME\b", re.I)
_BRANCHES = {"UPDATE": f'UPDATE SET "{BY_NAME}" = "{BY_NAME}"', "INSERT": f'INSERT ("{BY_NAME}") VALUES ("{BY_NAME}")'}
# names in Snowflake without quotes, and words of DuckDB's grammar
_WORDS_OF_DUCKDB = {
    *("ANALYSE", "ANALYZE", "ASYMMETRIC", "AT", "BOTH", "COLLATE", "DEFERRABLE", "DESC", "DESCRIBE", "DO", "END"),
    *("INITIALLY", "LAMBDA", "LEADING", "OFFSET", "ONLY", "PIVOT_LONGER", "PIVOT_WIDER", "PLACING", "RETURNING"),
    *("SHOW", "SUMMARIZE", "SYMMETRIC", "TRAILING", "VARIADIC", "WINDOW"),
}
# the tokens of a word that sqlglot reads as a command are not those that its parser expects
_UNLIKE_THE_PARSERS = Snowflake.Tokenizer.COMMANDS | {TokenType.SEMICOLON}


def parse(sql: str | Statement) -> exp.Expression:
    """Parse one Snowflake statement, or its text. Raises 001003 if it does not parse, 000900 if there is nothing."""
    text, tokens = (sql, []) if isinstance(sql, str) else (sql.sql, sql.tokens)
    if text[:5].upper() == "MERGE" and _BY_NAME.search(text):
        text, tokens = _BY_NAME.sub(lambda match: _BRANCHES[match[1].upper()], text), []
    if not text.strip():
        raise compilation_error("Empty SQL statement.", 900, "42601")
    check_lists(tokens)
    grammar.check_operators(tokens)
    check_counts(tokens, text)
    try:
        if tokens and _UNLIKE_THE_PARSERS.isdisjoint(token.token_type for token in tokens):
            tree = cast(exp.Expression, _Dialect().parser().parse(tokens, text)[0])
        else:
            tree = cast(exp.Expression, sqlglot.parse_one(text, read=_Dialect))
    except ParseError as error:
        raise _in_snowflakes_words(error) from None
    except IndexError:
        # sqlglot takes the arguments of OBJECT_CONSTRUCT and the like in pairs
        raise compilation_error("not enough arguments for a function: a key without a value", 938, "22023") from None
    except TokenError as error:
        raise unreadable(error, text) from None
    grammar.check_tree(tree)
    names.mark_foreign(tree)
    if _CLOCK_IN_UTC.search(text):
        tree = _clock_in_utc(tree)
    _forget_positions(tree)
    return tree


_CLOCK_IN_UTC = re.compile(r"\bSYSDATE\s*\(", re.I)


def _clock_in_utc(tree: exp.Expression) -> exp.Expression:
    """``SYSDATE()``, which sqlglot takes for CURRENT_TIMESTAMP, as what it is: a clock's time in UTC, without a zone.

    Source: https://docs.snowflake.com/en/sql-reference/functions/sysdate
    """

    def clock(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.CurrentTimestamp) or not node.args.get("sysdate"):
            return node
        return exp.UtcTimestamp()

    return cast(exp.Expression, tree.transform(clock, copy=False))


def _forget_positions(tree: exp.Expr) -> None:
    """Drop where each name stands in the text: nobody asks, and it is most of what a copy of a tree costs."""
    for node in tree.walk():
        # fakesnow names the column of an unnamed STDDEV by the length of its name
        if node._meta and not isinstance(node, exp.Stddev):
            node._meta = {key: value for key, value in node._meta.items() if key not in POSITION_META_KEYS} or None


_LACKING = re.compile(r"Required keyword: '\w+' missing for <class '[\w.]+\.(\w+)'>")
_TOO_MANY = "The number of provided arguments"


def _in_snowflakes_words(error: ParseError) -> SnowflakeError:
    """What is wrong with a text: sqlglot's own words are about its classes."""
    first: dict[str, Any] = error.errors[0] if error.errors else {}
    description, found = str(first.get("description") or error), str(first.get("highlight") or "")
    near = f"{first.get('start_context') or ''}{found}"
    if lacking := _LACKING.match(description):
        kind = getattr(exp, lacking[1], None)
        if kind and issubclass(kind, exp.Func) and (name := _called(near)):
            return too_few_arguments(name)
    if description.startswith(_TOO_MANY):
        return too_many_arguments(_called(near))
    where = f"line {first.get('line') or 1} at position {max(int(first.get('col') or 1) - len(found), 0)}"
    hint = expected[0].lower() if (expected := re.match(r"Expect(?:ed|ing) [^<\n]{1,30}", description)) else ""
    hint = re.sub(r"\s+but got.*", "", hint)
    return syntax_error(f"syntax error {where} unexpected '{found or '<EOF>'}'{f', {hint}' if hint else ''}.")


def _called(text: str) -> str:
    """The name of the function whose closing bracket ends a text; empty if that is not clear."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[at], 0)
        if depth == 0 and text[at] == "(":
            name = re.search(r"[\w$]+\s*\Z", text[:at])
            return name[0].strip().upper() if name else ""
    return ""


def upper_case(expression: exp.Expression) -> exp.Expression:
    """Unquoted identifiers are upper case: https://docs.snowflake.com/en/sql-reference/identifiers-syntax."""
    for pair in expression.find_all(exp.PropertyEQ):
        # the key of {'a': 1} is a text, which sqlglot keeps as an identifier
        if isinstance(pair.parent, exp.Struct) and isinstance(pair.this, exp.Identifier):
            pair.this.set("quoted", True)
    for dot in expression.find_all(exp.Dot):
        # so is the member in v[0].name, whose case counts
        if isinstance(dot.expression, exp.Identifier) and isinstance(dot.this, (exp.Bracket, exp.Dot)):
            dot.expression.set("quoted", dot.expression.quoted or is_member(dot))
    for node in nodes(expression):
        if isinstance(node, exp.Identifier) and not node.quoted and isinstance(node.this, str):
            node.set("this", node.this.upper())
            node.set("quoted", node.this in _WORDS_OF_DUCKDB)
    return expression


def is_member(node: exp.Expr) -> bool:
    """Whether a dot follows a subscript, so that what is behind it is a member of an object."""
    while isinstance(node, exp.Dot):
        node = node.this
    return isinstance(node, exp.Bracket)


def translate(expression: exp.Expression, duck: Any) -> exp.Expression:
    """Rewrite a resolved Snowflake syntax tree into one that prints as DuckDB's SQL.

    Identifiers are upper case, tables are physical; a CREATE TABLE AS with types looks at its query's columns in
    ``duck``, the session's connection. What fakesnow refuses is an error that names it, and so is a function that is
    neither Snowflake's nor a routine of the account, or absent here.
    """
    if refused := names.unknown_function(expression) or absent(expression):
        raise refused
    cursor = FakeSnowflakeCursor(cast(Any, _Connection()), duck)
    functions.prepare(expression)
    try:
        translated = cast(TransformedTree, cursor._transform(cast(Any, TransformedTree(expression)), None)).root
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
        if not isinstance(
            node, (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtime, exp.UtcTimestamp)
        ):
            return node
        if isinstance(node, exp.UtcTimestamp):
            clock = moment.astimezone(UTC).replace(tzinfo=None)
            return exp.cast(exp.Literal.string(clock.isoformat(sep=" ")), exp.DType.TIMESTAMP)
        now = exp.cast(exp.Literal.string(moment.isoformat(sep=" ")), exp.DType.TIMESTAMPTZ)
        if isinstance(node, exp.CurrentTimestamp):
            return now
        kind = exp.DType.DATE if isinstance(node, exp.CurrentDate) else exp.DType.TIME
        # the date and the time of day in the session's time zone
        return exp.cast(exp.cast(now, exp.DType.TIMESTAMP), kind)

    return cast(exp.Expression, expression.transform(fixed, copy=False))


def to_duckdb(expression: exp.Expression) -> str:
    """Print a translated tree, which is of no use afterwards."""
    return expression.sql(dialect="duckdb", copy=False)
