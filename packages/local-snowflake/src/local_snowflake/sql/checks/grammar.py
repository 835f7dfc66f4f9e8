"""Operators, clauses and numbers of arguments that the parser reads and Snowflake's grammar has not.

Source: https://docs.snowflake.com/en/sql-reference/operators
"""

from collections.abc import Iterable

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from local_snowflake.errors import SnowflakeError, syntax_error, too_few_arguments, too_many_arguments

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
_NEEDED: dict[type[exp.Expr], tuple[str, ...]] = {
    exp.Coalesce: ("expressions",),
    exp.Count: ("this",),
    exp.If: ("false",),
}


def check_operators(tokens: Iterable[Token]) -> None:
    """Raise 001003 for an operator of other databases, as bits are combined by functions, and for a name cut off."""
    before: Token | None = None
    for token in tokens:
        kind = token.token_type
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


def check_tree(tree: exp.Expr) -> None:
    """Raise the error of the first call or clause that is not Snowflake's."""
    for node in tree.find_all(exp.Filter, *_OPTIONAL, *_NEEDED):
        if error := _error(node):
            raise error


def _error(node: exp.Expr) -> SnowflakeError | None:
    if isinstance(node, exp.Filter):
        return syntax_error("syntax error unexpected 'FILTER': aggregates take no such clause.")
    # LTRIM and RTRIM have a word in the place of TRIM's third argument
    if any((value := node.args.get(key)) and not isinstance(value, str) for key in _OPTIONAL.get(type(node), ())):
        return too_many_arguments(_name(node))
    of_case = isinstance(node.parent, exp.Case)
    if not of_case and any(not node.args.get(key) for key in _NEEDED.get(type(node), ())):
        return too_few_arguments(_name(node))
    return None


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.If):
        return "IFF"
    return node.sql_name() if isinstance(node, exp.Func) else ""
