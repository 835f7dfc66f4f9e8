"""Where the modules of ``statements/`` announce what they handle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

if TYPE_CHECKING:
    from local_snowflake.catalog.objects import Object
    from local_snowflake.execution.context import Context
    from local_snowflake.execution.results import Result
    from local_snowflake.sql.statement import Statement

Handler = Callable[["Context", "Statement"], "Result"]
SystemFunction = Callable[..., Any]
TableFunction = Callable[..., pa.Table]
SourceExpander = Callable[["Context", "Object", exp.Table], exp.Expression]

STATEMENTS: dict[tuple[str, str], Handler] = {}
SYSTEM_FUNCTIONS: dict[str, SystemFunction] = {}
# the types of the results of those that do something besides
EFFECTIVE_FUNCTIONS: dict[str, str] = {}
TABLE_FUNCTIONS: dict[str, TableFunction] = {}
SOURCES: dict[str, SourceExpander] = {}
TEXT_REWRITERS: list[Callable[[Context, str], str]] = []
TREE_REWRITERS: list[Callable[[Context, exp.Expression], exp.Expression]] = []


def statement(verb: str, *kinds: str) -> Callable[[Handler], Handler]:
    """Handle statements that start with ``verb`` and one of ``kinds``, eg: ``@statement("CREATE", "STREAM")``."""

    def register(handler: Handler) -> Handler:
        for kind in kinds or ("",):
            STATEMENTS[verb, kind] = handler
        return handler

    return register


def system_function(*names: str, effective: str = "") -> Callable[[SystemFunction], SystemFunction]:
    """A function of the session or the account, evaluated once a statement: ``f(ctx, *literal arguments) -> value``.

    The value replaces the call as a literal; a text, a number, a bool or None. A function that changes something, or
    waits, is ``effective`` and names the type of its result: it is not called for a statement that is only described.
    """

    def register(function: SystemFunction) -> SystemFunction:
        SYSTEM_FUNCTIONS.update(dict.fromkeys(names, function))
        if effective:
            EFFECTIVE_FUNCTIONS.update(dict.fromkeys(names, effective))
        return function

    return register


def table_function(*names: str) -> Callable[[TableFunction], TableFunction]:
    """A function in FROM, ``TABLE(f(…))``: ``f(ctx, *positional, **named in lower case) -> pa.Table``, all literals."""

    def register(function: TableFunction) -> TableFunction:
        TABLE_FUNCTIONS.update(dict.fromkeys(names, function))
        return function

    return register


def source(kind: str) -> Callable[[SourceExpander], SourceExpander]:
    """How an object of a kind is read in FROM: ``f(ctx, object, table node) -> what stands there``, not aliased."""

    def register(expander: SourceExpander) -> SourceExpander:
        SOURCES[kind] = expander
        return expander

    return register


def text_rewriter(rewrite: Callable[[Context, str], str]) -> Callable[[Context, str], str]:
    """Rewrite a relational statement's text before it is parsed: for syntax that sqlglot does not know."""
    TEXT_REWRITERS.append(rewrite)
    return rewrite


def tree_rewriter(
    rewrite: Callable[[Context, exp.Expression], exp.Expression],
) -> Callable[[Context, exp.Expression], exp.Expression]:
    """Rewrite a relational statement's tree once names are upper case and before tables are resolved."""
    TREE_REWRITERS.append(rewrite)
    return rewrite
