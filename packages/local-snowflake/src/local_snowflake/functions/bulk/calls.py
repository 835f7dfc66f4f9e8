"""Calls of bulk functions, and the functions that find them in a statement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from local_snowflake.execution.context import Context


@dataclass(frozen=True)
class Function:
    """A function that takes many rows at once.

    Attributes:
        key: identifies it: calls with the same key and the same arguments are evaluated once.
        evaluate: the work: a table with one column an argument, and the names of the results that are needed ->
            a table with these columns, as many rows, in the same order. It is called with one chunk after the other,
            from several threads.
    """

    key: str
    evaluate: Callable[[pa.Table, Sequence[str]], pa.Table]


@dataclass
class Call:
    """One call in a statement's tree.

    Attributes:
        node: what is replaced: the call, or the expression that takes a field of its result.
        function: what is called.
        arguments: the arguments' expressions, cast to the types that the function expects.
        result: the column of the function's results that stands in the node's place.
        type: the column's type, as far as it is clear before the function runs.
        from_column: makes of that column, as DuckDB reads it, what stands in the node's place.
        by_vector: makes the slow form: an expression that calls a DuckDB function, which takes 2,048 rows at most.
    """

    node: exp.Expr
    function: Function
    arguments: list[exp.Expr]
    result: str
    type: pa.DataType
    from_column: Callable[[exp.Expr], exp.Expr]
    by_vector: Callable[[], exp.Expr]


Finder = Callable[["Context", exp.Expr], list[Call]]
FINDERS: list[Finder] = []


def register(finder: Finder) -> Finder:
    """Let ``finder`` find the bulk calls of a statement's tree; nested ones may be left for the next time."""
    FINDERS.append(finder)
    return finder


def find_calls(ctx: Context, tree: exp.Expr) -> list[Call]:
    """The calls that have no other call among their arguments."""
    calls = [call for finder in FINDERS for call in finder(ctx, tree)]
    if len(calls) < 2:
        return calls
    nodes = {id(call.node) for call in calls}
    return [call for call in calls if not any(id(n) in nodes for a in call.arguments for n in a.walk())]
