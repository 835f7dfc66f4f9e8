"""The syntax of lambdas: their parameters are columns, and may have types.

Source: https://docs.snowflake.com/en/sql-reference/functions/transform
"""

from typing import Any

from sqlglot import exp
from sqlglot.parsers.snowflake import SnowflakeParser
from sqlglot.tokens import TokenType

# names of lambdas' parameters end in it: macros of functions have lambdas, too, whose parameters would hide them
_OF_LAMBDA = "$"


def _parse_lambda(parser: Any, parameters: list[exp.Expr]) -> exp.Expr:
    """A lambda whose parameters are columns, cast to the parameters' types: sqlglot looks at the case of names."""
    types = {_folded(parameter): parameter.args.get("to") for parameter in parameters}
    # a copy has no node twice, as the parser lets ZEROIFNULL have its argument
    holder = exp.Paren(this=parser._parse_disjunction()).copy()
    for column in list(holder.find_all(exp.Column)):
        if column.table or not isinstance(column.this, exp.Identifier) or _folded(column.this) not in types:
            continue
        name = _folded(column.this)
        made = exp.column(exp.to_identifier(name + _OF_LAMBDA, quoted=True))
        column.replace(exp.Cast(this=made, to=kind.copy()) if (kind := types[name]) is not None else made)
    named = [exp.to_identifier(name + _OF_LAMBDA, quoted=True) for name in types]
    return exp.Lambda(this=holder.this.pop(), expressions=named)


def _folded(name: exp.Expr) -> str:
    identifier = name.this if isinstance(name, exp.Cast) else name
    return str(identifier.this if identifier.args.get("quoted") else identifier.this.upper())


# the parser is compiled: no class can inherit from it, and what it holds is there until the process ends, with all that
# its module imports; DuckDB would complain of that on the way out
SnowflakeParser.LAMBDAS[TokenType.ARROW] = _parse_lambda
