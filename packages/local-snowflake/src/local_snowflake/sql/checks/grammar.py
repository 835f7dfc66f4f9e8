"""Operators, clauses and numbers of arguments that the parser reads and Snowflake's grammar has not.

Source: https://docs.snowflake.com/en/sql-reference/operators
"""

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import (
    SnowflakeError,
    compilation_error,
    syntax_error,
    too_few_arguments,
    too_many_arguments,
)

_FOREIGN = {TokenType.AMP, TokenType.PIPE, TokenType.CARET}
# twice, they shift bits
_DOUBLED = {TokenType.LT, TokenType.GT}
# what ends the name before a dot without another one behind it
_NO_NAMES = {
    TokenType.FROM,
    TokenType.WHERE,
    TokenType.GROUP_BY,
    TokenType.ORDER_BY,
    TokenType.COMMA,
    TokenType.R_PAREN,
}
# the arguments of functions that the parser takes more of, or fewer
_OPTIONAL: dict[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Min, exp.Max), ("expressions",)),
    exp.ArraySize: ("expression",),
    exp.Trim: ("position",),
}
_OF_OTHERS = (exp.Filter, exp.IntDiv, exp.Distinct, exp.Join, exp.WindowSpec, exp.Returning)
# what no VALUES clause takes: neither constants nor computed when a statement is compiled
_NO_CONSTANTS = (exp.ParseJSON, exp.Array, exp.Struct, exp.JSONObject)
_NEEDED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Coalesce: ("expressions",),
    exp.Count: ("this",),
    exp.If: ("false",),
}


def check_operators(tokens: Iterable[Token]) -> None:
    """Raise 001003 for an operator of other databases, as bits are combined by functions, and for a name cut off.

    Raises 002140 for IF as a function.
    """
    before: Token | None = None
    for token in tokens:
        kind = token.token_type
        if kind == TokenType.L_PAREN and before is not None and before.text.upper() == "IF" and _is_word(before):
            raise compilation_error("Unknown function IF.", 2140, "42601")
        doubled = kind in _DOUBLED and before is not None and before.token_type == kind
        # @~ is the user's stage
        turned = kind == TokenType.TILDE and (before is None or before.token_type != TokenType.PARAMETER)
        # the member of a path may be any word: no blank is in front of it
        cut_off = kind in _NO_NAMES and before is not None and before.token_type == TokenType.DOT
        cut_off = cut_off and before is not None and token.start > before.end + 1
        if doubled or turned or cut_off or kind in _FOREIGN or (kind == TokenType.EQ and token.text == "=="):
            where = f"line {token.line} at position {max(token.col - len(token.text), 0)}"
            raise syntax_error(f"syntax error {where} unexpected '{token.text}'.")
        before = token


def _is_word(token: Token) -> bool:
    return token.token_type not in {TokenType.IDENTIFIER, TokenType.STRING}


def check_tree(tree: exp.Expr) -> None:
    """Raise the error of the first call or clause that is not Snowflake's."""
    for node in tree.find_all(*_OF_OTHERS, *_OPTIONAL, *_NEEDED, *_NO_CONSTANTS):
        if error := _of_others(node) or _no_constant(node) or _error(node):
            raise error


def _of_others(node: exp.Expr) -> SnowflakeError | None:
    """The error of a clause or an operator that other databases have."""
    found = ""
    if isinstance(node, exp.Filter):
        found = "'FILTER': aggregates take no such clause"
    elif isinstance(node, exp.Returning):
        found = "'RETURNING': DML gives the numbers of its rows"
    elif isinstance(node, exp.IntDiv):
        found = "'DIV': TRUNC (a / b) gives whole quotients"
    elif isinstance(node, exp.Distinct) and node.args.get("on") is not None:
        found = "'ON': QUALIFY ROW_NUMBER () OVER (PARTITION BY …) = 1 takes one row of several"
    elif isinstance(node, exp.Join) and node.kind in {"SEMI", "ANTI"}:
        found = f"'{node.kind}': WHERE {'NOT ' * (node.kind == 'ANTI')}EXISTS takes the rows that have a match or none"
    elif isinstance(node, exp.WindowSpec) and node.text("kind").upper() == "GROUPS":
        found = "'GROUPS': frames are of ROWS or of a RANGE"
    return syntax_error(f"syntax error unexpected {found}.") if found else None


def _no_constant(node: exp.Expr) -> SnowflakeError | None:
    """The error of semi-structured values in VALUES: https://docs.snowflake.com/en/sql-reference/constructs/values."""
    # variables of Snowflake Scripting are written with TRY_PARSE_JSON
    is_written = isinstance(node, _NO_CONSTANTS) and not node.args.get("safe")
    holder = node.find_ancestor(exp.Values, exp.Query) if is_written else None
    if not isinstance(holder, exp.Values):
        return None
    value = node
    while value.parent is not None and not (isinstance(value.parent, exp.Tuple) and value.parent.parent is holder):
        value = value.parent
    text = f"Invalid expression [{value.sql(dialect='snowflake')}] in VALUES clause"
    return compilation_error(text, 2014, "22000")


def _error(node: exp.Expr) -> SnowflakeError | None:
    # LTRIM and RTRIM have a word in the place of TRIM's third argument
    if any((value := node.args.get(key)) and not isinstance(value, str) for key in _OPTIONAL.get(type(node), ())):
        return too_many_arguments(_name(node))
    # the columns behind * are counted when they are known
    is_open = isinstance(node.parent, exp.Case) or (isinstance(node, exp.Coalesce) and node.this.is_star)
    if not is_open and any(not node.args.get(key) for key in _NEEDED.get(type(node), ())):
        return too_few_arguments(_name(node))
    return None


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.If):
        return "IFF"
    return node.sql_name() if isinstance(node, exp.Func) else ""
