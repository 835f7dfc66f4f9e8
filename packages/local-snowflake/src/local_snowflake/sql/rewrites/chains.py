"""Long concatenations as balanced trees.

A parser reads ``a || b || c`` from the left, each operator around all that stands before it. What looks at the
operands of each operator then takes the square of their number, and DuckDB refuses a tree that is more than 1,000
operators deep. The operator is associative, also for NULL.
"""

from collections.abc import Sequence

from sqlglot import exp

from local_snowflake.execution.context import Context

# shorter ones are not worth another tree
_LONG = 8


def balanced_concatenations(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """``a || b || c || d`` -> ``(a || b) || (c || d)``, where there are many operands."""
    for node in list(tree.find_all(exp.DPipe)):
        if isinstance(node.parent, exp.DPipe) and node.arg_key == "this":
            continue
        operands = _operands(node)
        if len(operands) < _LONG:
            continue
        left, right = _halves([operand.pop() for operand in operands], dict(node.args))
        node.set("this", left)
        node.set("expression", right)
    return tree


def _operands(node: exp.DPipe) -> list[exp.Expr]:
    operands, left = [node.expression], node.this
    while isinstance(left, exp.DPipe):
        operands.append(left.expression)
        left = left.this
    return [left, *reversed(operands)]


def _halves(operands: Sequence[exp.Expr], arguments: dict[str, object]) -> tuple[exp.Expr, exp.Expr]:
    middle = len(operands) // 2
    left, right = (_balanced(part, arguments) for part in (operands[:middle], operands[middle:]))
    # what stands on the right is read as one operand
    return left, exp.Paren(this=right) if isinstance(right, exp.DPipe) else right


def _balanced(operands: Sequence[exp.Expr], arguments: dict[str, object]) -> exp.Expr:
    if len(operands) == 1:
        return operands[0]
    left, right = _halves(operands, arguments)
    return exp.DPipe(**(arguments | {"this": left, "expression": right}))
