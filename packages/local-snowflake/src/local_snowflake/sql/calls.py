"""Calls of functions in syntax trees: their names, and the tables that hold the rows of table functions."""

from __future__ import annotations

from sqlglot import exp

TABLE_FUNCTION_PREFIX = "$ROWS_"
"""What the name of a table begins with that holds the rows of a table function for the time of a statement."""


def function_name(node: exp.Expr) -> str:
    """A function call's name in upper case, whether sqlglot knows the function or not."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).upper()
    return node.sql_name() if isinstance(node, exp.Func) else ""
