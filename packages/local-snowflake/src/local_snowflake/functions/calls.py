"""How a call is written in a syntax tree."""

from __future__ import annotations

from sqlglot import exp


def call(function: str, *arguments: exp.Expr) -> exp.Anonymous:
    """A call of a macro or of one of DuckDB's functions, which sqlglot leaves as it is."""
    return exp.Anonymous(this=function, expressions=list(arguments))
