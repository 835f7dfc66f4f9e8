"""What handles a statement, a function or an object in FROM: the modules that do register themselves here."""

from collections.abc import Callable
from typing import Any, TypeVar

import pyarrow as pa
from sqlglot import exp

from local_snowflake.catalog.objects import Object
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Result
from local_snowflake.sql.statement import Statement

K = TypeVar("K")
F = TypeVar("F")
Handler = Callable[[Context, Statement], Result]
Describer = Callable[[Context, str], Result]
SystemFunction = Callable[..., Any]
TableFunction = Callable[..., pa.Table]
SourceExpander = Callable[[Context, Object, exp.Table], exp.Expression]
SourceColumns = Callable[[Context, Object], dict[str, str]]

STATEMENTS: dict[tuple[str, str], Handler] = {}
DESCRIBERS: dict[str, Describer] = {}
SYSTEM_FUNCTIONS: dict[str, SystemFunction] = {}
# the types of the results of those that do something besides
EFFECTIVE_FUNCTIONS: dict[str, str] = {}
TABLE_FUNCTIONS: dict[str, TableFunction] = {}
SOURCES: dict[str, SourceExpander] = {}
SOURCE_COLUMNS: dict[str, SourceColumns] = {}
# what is kept about a table's rows elsewhere: forgotten when all rows are deleted
ON_TRUNCATE: list[Callable[[Context, Object], None]] = []


def _put_into(table: dict[K, F], *keys: K) -> Callable[[F], F]:
    def register(function: F) -> F:
        table.update(dict.fromkeys(keys, function))
        return function

    return register


def statement(verb: str, *kinds: str) -> Callable[[Handler], Handler]:
    """Handle statements that start with ``verb`` and one of ``kinds``, eg: ``@statement("CREATE", "STREAM")``."""
    return _put_into(STATEMENTS, *((verb, kind) for kind in kinds or ("",)))


def describer(verb: str) -> Callable[[Describer], Describer]:
    """Tell the columns of statements that start with ``verb``, without running them: ``f(ctx, sql) -> no rows``."""
    return _put_into(DESCRIBERS, verb)


def system_function(*names: str, effective: str = "") -> Callable[[SystemFunction], SystemFunction]:
    """A function of the session or the account, evaluated once a statement: ``f(ctx, *literal arguments) -> value``.

    The value replaces the call as a literal; a text, a number, a bool or None. A function that changes something, or
    waits, is ``effective`` and names the type of its result: it is not called for a statement that is only described.
    """
    if effective:
        EFFECTIVE_FUNCTIONS.update(dict.fromkeys(names, effective))
    return _put_into(SYSTEM_FUNCTIONS, *names)


def table_function(*names: str) -> Callable[[TableFunction], TableFunction]:
    """A function in FROM, ``TABLE(f(…))``: ``f(ctx, *positional, **named in lower case) -> pa.Table``, all literals."""
    return _put_into(TABLE_FUNCTIONS, *names)


def source(kind: str) -> Callable[[SourceExpander], SourceExpander]:
    """How an object of a kind is read in FROM: ``f(ctx, object, table node) -> what stands there``, not aliased."""
    return _put_into(SOURCES, kind)


def source_columns(kind: str) -> Callable[[SourceColumns], SourceColumns]:
    """The columns of an object of a kind in FROM: ``f(ctx, object) -> the texts of their types by name``."""
    return _put_into(SOURCE_COLUMNS, kind)
