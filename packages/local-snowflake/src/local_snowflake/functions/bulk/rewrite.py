"""Finds the SELECT blocks that call bulk functions and has each read a table of results instead."""

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.functions.bulk.block import Block, NotInBulk
from local_snowflake.functions.bulk.calls import Call, find_calls
from local_snowflake.functions.bulk.scope import top_of


def rewrite(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Replace every call of a bulk function.

    A block's calls are replaced together, innermost block first: the block's rows are computed once, with the calls'
    arguments, the functions are evaluated over chunks of them, and the block becomes a SELECT from the results. Calls
    that cannot be taken out of their block (eg: in a correlated subquery, in JOIN … ON) become DuckDB functions. Raises
    000002 for a call in LIMIT or OFFSET, which take constants only.
    """
    while calls := find_calls(ctx, tree):
        select, of_block = _innermost(calls)
        if select is None:
            _by_vector(of_block)
            continue
        for call in of_block:
            if (clause := _clause(call.node, select)) in {"limit", "offset"}:
                text = f"{call.node.sql(dialect='snowflake')} in {clause.upper()}, which takes a constant"
                raise not_supported(text)
        movable = [call for call in of_block if _is_movable(call, select)]
        _by_vector([call for call in of_block if call not in movable])
        if not movable:
            continue
        try:
            Block(ctx, select, movable).rewrite()
        except NotInBulk:
            _by_vector(movable)
    return tree


def _by_vector(calls: list[Call]) -> None:
    for call in calls:
        call.node.replace(call.by_vector())


def _innermost(calls: list[Call]) -> tuple[exp.Select | None, list[Call]]:
    """The deepest block that has calls, and its calls; no block for calls that stand outside of any."""
    blocks = [call.node.find_ancestor(exp.Select) for call in calls]
    deepest = max(blocks, key=lambda block: -1 if block is None else block.depth)
    return deepest, [call for call, block in zip(calls, blocks, strict=True) if block is deepest]


def _is_movable(call: Call, select: exp.Select) -> bool:
    """Whether a call may be evaluated outside its block's SELECT."""
    return _stands_by_itself(select) and _clause(call.node, select) not in {"joins", "from_", "laterals", "connect"}


def _clause(node: exp.Expr, select: exp.Select) -> str:
    """The clause of a block that a node belongs to."""
    return str(top_of(node, select).arg_key)


def _stands_by_itself(select: exp.Select) -> bool:
    """Whether a block is certain not to refer to columns outside of it: a statement's query, a CTE, a derived table."""
    node: exp.Expr = select
    while parent := node.parent:
        if isinstance(parent, exp.With) and parent.recursive:
            return False
        if isinstance(node, exp.Select) and isinstance(parent, exp.Create):
            return True
        inner = isinstance(parent, (exp.CTE, exp.With, exp.SetOperation, exp.Subquery, exp.From, exp.Join, exp.Select))
        outermost = isinstance(parent, (exp.Insert, exp.Create, exp.Merge))
        if isinstance(parent, exp.Select) and node.arg_key not in {"from_", "joins", "with_"}:
            return False
        if isinstance(parent, exp.Join) and node.arg_key != "this":
            return False
        if not inner and not outermost:
            return False
        node = parent
    return True
