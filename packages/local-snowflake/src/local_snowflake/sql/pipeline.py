"""The order in which a statement is rewritten: first its text, then its syntax tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from local_snowflake.sql.statement import Statement

if TYPE_CHECKING:
    from local_snowflake.execution.context import Context

TextRewrite = Callable[["Context", Statement], str]
TreeRewrite = Callable[["Context", exp.Expression], exp.Expression]


@dataclass(frozen=True)
class Pipeline:
    """All rewrites of queries and DML, in the order in which they are applied.

    Attributes:
        text: for syntax that sqlglot does not know, before the statement is parsed. A rewrite returns the statement's
            text; the same text if there is nothing to do.
        tree: for what DuckDB does differently, once names are upper case and before tables are resolved. A rewrite
            may change the tree in place.
    """

    text: tuple[TextRewrite, ...]
    tree: tuple[TreeRewrite, ...]
