"""Columns of results: named by their expressions, with the types that a query's text declares."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from sqlglot import exp
from sqlglot.tokens import Token, TokenType

from local_snowflake.catalog.objects import TABLE
from local_snowflake.execution.context import Context
from local_snowflake.execution.results import Column
from local_snowflake.sql.columns.nullability import is_never_null
from local_snowflake.sql.dialect import upper_case
from local_snowflake.sql.statement import Statement
from local_snowflake.sql.types import parse_type
from local_snowflake.sql.typing.function_types import of_function
from local_snowflake.sql.typing.static_types import StaticTypes

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_ENDS = {
    *(TokenType.FROM, TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.QUALIFY, TokenType.ORDER_BY),
    *(TokenType.LIMIT, TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT, TokenType.SEMICOLON),
}
_TEXTS = "texts"


def keep_texts(tree: exp.Expr, statement: Statement) -> None:
    """Keep the texts of the expressions of each SELECT with the statement's tree."""
    selects = list(_as_written(tree))
    if all(isinstance(p, (exp.Alias, exp.Column, exp.Star)) for select in selects for p in select.expressions):
        return
    texts = _projections(statement.tokens, statement.sql)
    if len(texts) == len(selects) and all(map(_fit, selects, texts)):
        for select, own in zip(selects, texts, strict=True):
            select.meta[_TEXTS] = own


def _as_written(tree: exp.Expr) -> Iterator[exp.Select]:
    """The SELECTs of a tree in the order of their first words."""
    # no recursion: a chain of operators is as deep as it is long
    waiting = [(tree, False)]
    while waiting:
        node, is_begun = waiting.pop()
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With) and not is_begun:
            waiting += [(node, True), (with_, False)]
            continue
        if isinstance(node, exp.Select):
            yield node
        waiting += [(child, False) for child in reversed([*node.iter_expressions()]) if child is not with_]


def _fit(select: exp.Select, texts: list[str]) -> bool:
    """Whether texts are those of a SELECT's expressions, as far as the names in them tell."""
    return len(texts) == len(select.expressions) and all(
        p.alias_or_name.upper() in text.upper()
        for p, text in zip(select.expressions, texts, strict=True)
        if isinstance(p, (exp.Alias, exp.Column)) and not p.is_star
    )


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
        if isinstance(inner, exp.CTE) or isinstance(inner.parent, (exp.From, exp.Join, exp.Lateral)):
            _name_outputs_of(inner.this)
    _name_outputs_of(tree)


def _name_outputs_of(query: exp.Expr) -> None:
    select = outermost(query)
    if select is None:
        return
    texts = select.meta.get(_TEXTS, [])
    for position, projection in enumerate(list(select.expressions)):
        if select.args.get("connect") and isinstance(projection, exp.Column) and projection.name.upper() == "LEVEL":
            # written out as a column of a recursive query
            projection.replace(exp.alias_(projection.copy(), "LEVEL", quoted=True))
            continue
        if isinstance(projection, (exp.Alias, exp.Star, exp.Aliases, exp.Column)) or projection.is_star:
            continue
        text = texts[position] if len(texts) == len(select.expressions) else projection.sql(dialect="snowflake")
        projection.replace(exp.alias_(projection.copy(), text.upper(), quoted=True))


@dataclasses.dataclass
class _Reading:
    """A SELECT whose expressions are read: how many brackets it stands in, and where the present one begins."""

    depth: int
    begun: int
    texts: list[str] = dataclasses.field(default_factory=list)
    ended: bool = False


def _projections(tokens: list[Token], sql: str) -> list[list[str]]:
    """The texts between each SELECT, its commas and what ends its list."""
    depth, found, around = 0, [], list[_Reading]()
    for position, token in enumerate(tokens):
        kind = token.token_type
        here = around[-1] if around and around[-1].depth == depth else None
        if kind == TokenType.SELECT:
            begun = position + 1
            if begun < len(tokens) and tokens[begun].token_type in {TokenType.DISTINCT, TokenType.ALL}:
                begun += 1
            while around and around[-1].depth >= depth:
                around.pop()
            around.append(_Reading(depth, begun))
            found.append(around[-1])
            continue
        if here is not None and not here.ended and (kind in _ENDS or kind in _CLOSING or kind == TokenType.COMMA):
            here.texts.append(_text(tokens, here.begun, position, sql))
            here.begun, here.ended = position + 1, kind != TokenType.COMMA
        depth += (kind in _OPENING) - (kind in _CLOSING)
        while around and around[-1].depth > depth:
            around.pop()
    for reading in found:
        if not reading.ended:
            reading.texts.append(_text(tokens, reading.begun, len(tokens), sql))
    return [reading.texts for reading in found]


def _text(tokens: list[Token], first: int, behind: int, sql: str) -> str:
    return sql[tokens[first].start : tokens[behind - 1].end + 1] if first < behind else ""


# -- types -------------------------------------------------------------------------------------------------------------

# clauses after which a column is not simply the table's
_OPAQUE = ("laterals", "group", "distinct", "pivots", "match")
Declared = dict[str, dict[str, Any]]
_NO_CTES: Mapping[str, Declared] = {}


def declared_columns(ctx: Context, tree: exp.Expr) -> Declared:
    """The columns of a query whose types follow from its text, by the names that they have in its result.

    They are catalogued columns, of queries over one table, what is cast, and ARRAYs, OBJECTs and VARIANTs wherever they
    come from: DuckDB has one type for these.

    Args:
        ctx: the statement's context.
        tree: a query that is not resolved yet; its names are upper case afterwards.
    """
    columns = _of_text(ctx, tree, _NO_CTES)
    for name, kind in (StaticTypes(ctx).output(upper_case(cast(exp.Expression, tree))) or {}).items():
        if kind is not None and kind.is_semi_structured:
            columns.setdefault(name, {"type": kind.name, "nullable": True})
    return columns


def _of_text(ctx: Context, tree: exp.Expr, ctes: Mapping[str, Declared]) -> Declared:
    if isinstance(tree, exp.Subquery):
        return _of_text(ctx, tree.this, ctes)
    if not isinstance(tree, exp.Select):
        return {}
    if with_ := tree.args.get("with_"):
        ctes = dict(ctes)
        for cte in with_.expressions:
            ctes[_name(cte.args["alias"].this)] = _of_text(ctx, cte.this, ctes)
    sources = _sources(ctx, tree, ctes)
    below = _merged(sources)
    columns: Declared = {}
    for projection in tree.expressions:
        if isinstance(projection, exp.Star) and not projection.args.get("except_"):
            columns |= below
        column = projection.this if isinstance(projection, exp.Alias) else projection
        plain = column.this if isinstance(column, exp.Column) and isinstance(column.this, exp.Identifier) else None
        label = projection.args["alias"] if isinstance(projection, exp.Alias) else plain
        source = _read_column(column, sources, below) if plain else _computed(column, sources, below)
        if source and label is not None:
            columns[_name(label)] = source
    return columns


def _read_column(column: exp.Column, sources: Mapping[str, Declared], below: Declared) -> dict[str, Any] | None:
    if not isinstance(column.this, exp.Identifier):
        return None
    table = column.args.get("table")
    return (sources.get(_name(table), {}) if table else below).get(_name(column.this))


def _computed(node: exp.Expr, sources: Mapping[str, Declared], below: Declared) -> dict[str, Any] | None:
    """What is declared of an expression, where its text tells the type, or that it is never NULL."""
    kind = expression_type(node) or _text_type(node)

    def is_declared_not_null(column: exp.Column) -> bool:
        found = _read_column(column, sources, below)
        return found is not None and not found["nullable"]

    select = node.find_ancestor(exp.Select)
    # what is grouped by may be NULL in the row of a total
    is_grouped = select is not None and select.args.get("group") is not None
    is_fixed = (not is_grouped or isinstance(node, exp.Count)) and is_never_null(node, is_declared_not_null)
    return {"type": kind, "nullable": not is_fixed} if kind or is_fixed else None


def _sources(ctx: Context, select: exp.Select, ctes: Mapping[str, Declared]) -> dict[str, Declared]:
    """The columns of what a SELECT reads, by alias; none where they are not simply those of the tables."""
    from_ = select.args.get("from_")
    if from_ is None or any(select.args.get(clause) for clause in _OPAQUE):
        return {}
    joins = select.args.get("joins") or []
    if any(j.args.get("side") or j.kind.upper() not in {"", "INNER", "CROSS"} or j.method for j in joins):
        return {}
    read = [from_.this, *(join.this for join in joins)]
    named = [(_name(alias) if (alias := _alias(s)) is not None else f"${i}", s) for i, s in enumerate(read)]
    return {name: _source(ctx, source, ctes) for name, source in named} if len(dict(named)) == len(named) else {}


def _alias(source: exp.Expr) -> exp.Identifier | None:
    alias = source.args.get("alias")
    found = alias.this if alias is not None else source.this
    return found if isinstance(found, exp.Identifier) else None


def _merged(sources: Mapping[str, Declared]) -> Declared:
    """The columns of all that is read; none that two declare differently, or that one of unknown columns may have."""
    found: Declared = {}
    if len(sources) > 1 and not all(sources.values()):
        return found
    clashing = set()
    for source in sources.values():
        clashing |= {name for name in source if name in found and found[name] != source[name]}
        found = found | source
    return {name: kind for name, kind in found.items() if name not in clashing}


def _text_type(node: exp.Expr) -> str | None:
    """A text that is written out has its length."""
    is_text = isinstance(node, exp.Literal) and node.is_string and node.this
    return f"VARCHAR({len(node.this)})" if is_text else None


def _source(ctx: Context, source: exp.Expr, ctes: Mapping[str, Declared]) -> Declared:
    alias = source.args.get("alias")
    if any(source.args.get(clause) for clause in ("joins", *_OPAQUE)) or (
        alias is not None and alias.args.get("columns")
    ):
        return {}
    if isinstance(source, exp.Subquery):
        return _of_text(ctx, source.this, ctes)
    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        return {}
    identifiers = [p for p in (source.args.get("catalog"), source.args.get("db"), source.this) if p is not None]
    parts = [_name(p) if isinstance(p, exp.Identifier) else str(p) for p in identifiers]
    if len(parts) == 1 and parts[0] in ctes:
        return ctes[parts[0]]
    if ctx.session.database is None and len(parts) < 3:
        return {}
    table = ctx.relation(ctx.resolve(parts))
    columns = table.props.columns if TABLE.describes(table) else ()
    return {c.name: {"type": c.type, "nullable": c.nullable} for c in columns}


def _name(identifier: exp.Identifier) -> str:
    return str(identifier.this) if identifier.quoted else str(identifier.this).upper()


def as_declared(columns: list[Column], declared: Declared) -> list[Column]:
    """A result's columns with their declared types, where these are of the same kind."""
    found = []
    repeated = {name for name, times in Counter(column.name for column in columns).items() if times > 1}
    for column in columns:
        if (typed := declared.get(column.name)) and column.name not in repeated:
            kind = parse_type(typed["type"]) if typed["type"] else column.type
            same = kind.name == column.type.name or (kind.is_semi_structured and column.type.is_semi_structured)
            column = dataclasses.replace(column, type=kind if same else column.type, nullable=bool(typed["nullable"]))  # noqa: PLW2901
        found.append(column)
    return found


# -- the types of expressions ------------------------------------------------------------------------------------------


def expression_type(node: exp.Expr) -> str | None:
    """The type of a cast, or of a function that makes a semi-structured value; None for another expression.

    Source: https://docs.snowflake.com/en/sql-reference/data-types-semistructured
    """
    while isinstance(node, (exp.Paren, exp.WithinGroup, exp.Filter)):
        node = node.this
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return _cast_type(node.to)
    kind = of_function(node)
    return kind.name if kind is not None and kind.is_semi_structured else None


def _cast_type(kind: exp.DataType) -> str | None:
    """A cast's type as Snowflake spells it; the element types of a structured one are left out."""
    text = kind.sql(dialect="snowflake")
    if kind.this in {exp.DataType.Type.ARRAY, exp.DataType.Type.MAP, exp.DataType.Type.OBJECT}:
        text = text.split("(", 1)[0]
    try:
        return str(parse_type(text))
    except ValueError:
        return None
