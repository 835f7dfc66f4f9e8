"""What the unnamed columns of a result are called: by the text of their expressions, in upper case."""

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from local_snowflake.sql.statement import Statement

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_ENDS = {
    *(TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY, TokenType.ORDER_BY),
    *(TokenType.LIMIT, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.SEMICOLON),
}
_TEXTS = "texts"


def keep_texts(tree: exp.Expr, statement: Statement) -> None:
    """Keep the texts of the outermost SELECT's expressions with the statement's tree."""
    select = outermost(tree)
    if select is None or all(isinstance(p, (exp.Alias, exp.Column, exp.Star)) for p in select.expressions):
        return
    texts = _projections(statement.tokens, statement.sql)
    if len(texts) == len(select.expressions):
        select.meta[_TEXTS] = texts


def outermost(tree: exp.Expr) -> exp.Select | None:
    """The SELECT that names a query's columns."""
    query: exp.Expr | None = tree
    while isinstance(query, (exp.SetOperation, exp.Subquery)):
        query = query.this
    return query if isinstance(query, exp.Select) else None


def name_outputs(tree: exp.Expr) -> None:
    """Give unnamed result columns Snowflake's names; DuckDB's would show otherwise, eg: ``count_star()``."""
    for inner in tree.find_all(exp.Subquery, exp.CTE):
        # its columns may be referred to by these names
        if isinstance(inner, exp.CTE) or isinstance(inner.parent, (exp.From, exp.Join)):
            _name_outputs_of(inner.this)
    _name_outputs_of(tree)


def _name_outputs_of(query: exp.Expr) -> None:
    select = outermost(query)
    if select is None:
        return
    texts = select.meta.get(_TEXTS, [])
    for position, projection in enumerate(list(select.expressions)):
        if isinstance(projection, (exp.Alias, exp.Star, exp.Aliases, exp.Column)) or projection.is_star:
            continue
        text = texts[position] if len(texts) == len(select.expressions) else projection.sql(dialect="snowflake")
        projection.replace(exp.alias_(projection.copy(), text.upper(), quoted=True))


def _projections(tokens: list[Token], sql: str) -> list[str]:
    """The texts between SELECT, its commas and what ends the list."""
    # the brackets around a whole query do not count, those of common table expressions do
    leading = next((i for i, t in enumerate(tokens) if t.token_type != TokenType.L_PAREN), 0)
    depth, begun, texts = 0, None, []
    for position, token in enumerate(tokens[leading:], leading):
        kind = token.token_type
        if depth == 0 and begun is None and kind == TokenType.SELECT:
            begun = position + 1
            if begun < len(tokens) and tokens[begun].token_type in {TokenType.DISTINCT, TokenType.ALL}:
                begun += 1
            continue
        ends = depth == 0 and begun is not None and (kind in _ENDS or kind in _CLOSING)
        if ends or (depth == 0 and begun is not None and kind == TokenType.COMMA):
            texts.append(_text(tokens, begun or 0, position, sql))
            begun = position + 1
        if ends:
            return texts
        depth += (kind in _OPENING) - (kind in _CLOSING)
    return [*texts, _text(tokens, begun, len(tokens), sql)] if begun is not None else []


def _text(tokens: list[Token], first: int, behind: int, sql: str) -> str:
    return sql[tokens[first].start : tokens[behind - 1].end + 1] if first < behind else ""
