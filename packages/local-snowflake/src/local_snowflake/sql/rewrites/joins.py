"""Joins: without a condition, NATURAL, the order of the columns of USING, and ASOF.

Source: https://docs.snowflake.com/en/sql-reference/constructs/join and
https://docs.snowflake.com/en/sql-reference/constructs/asof-join
"""

from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.errors import not_supported, syntax_error
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.typing.static_types import StaticTypes


def joins_of_snowflake(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Rewrite what DuckDB's joins do otherwise. Raises 000002 for MATCH_RECOGNIZE."""
    if tree.find(exp.MatchRecognize):
        raise not_supported("MATCH_RECOGNIZE")
    if natural := [join for join in tree.find_all(exp.Join) if join.args.get("method") == "NATURAL"]:
        types = StaticTypes(ctx)
        for join in natural:
            _name_common_columns(types, join)
    for join in tree.find_all(exp.Join):
        if join.args.get("method") == "NATURAL":
            continue
        if join.args.get("kind") == "INNER" and not (join.args.get("on") or join.args.get("using")):
            join.set("kind", "CROSS")
    for select in tree.find_all(exp.Select):
        _order_columns(select)
    for join in tree.find_all(exp.Join):
        if join.args.get("match_condition") is not None:
            _asof(join)
    return tree


def _joins(select: exp.Select) -> Iterator[exp.Join]:
    """The joins of a SELECT's FROM, also those in parentheses."""
    yield from select.args.get("joins") or []
    from_ = select.args.get("from_")
    source = from_.this if from_ is not None else None
    while source is not None:
        yield from source.args.get("joins") or []
        in_parentheses = isinstance(source, exp.Subquery) and not isinstance(
            source.this, (exp.Select, exp.SetOperation)
        )
        source = source.this if in_parentheses else None


def _name_common_columns(types: StaticTypes, join: exp.Join) -> None:
    """NATURAL -> USING the columns that both sides have, where they are known; without any all rows go together."""
    if join.args.get("kind") == "CROSS":
        raise syntax_error("syntax error: unexpected 'CROSS' behind NATURAL.")
    left, right = _columns_before(types, join), _columns(types, join.this)
    if left is None or right is None:
        return
    join.set("method", None)
    if common := [name for name in left if name in right]:
        join.set("using", [trees.identifier(name) for name in common])
    elif join.args.get("side"):
        join.set("on", exp.true())


def _columns_before(types: StaticTypes, join: exp.Join) -> list[str] | None:
    """The columns of what a join has on its left."""
    parent = join.parent
    if isinstance(parent, exp.Select):
        first = _columns(types, parent.args["from_"].this)
    else:
        first = _own_columns(types, parent) if parent is not None else None
    joins = parent.args["joins"][: join.index] if parent is not None else []
    return _together([first, *(_columns(types, earlier.this) for earlier in joins)])


def _columns(types: StaticTypes, source: exp.Expr) -> list[str] | None:
    """The columns of an item of FROM with its joins; None if they are not known."""
    joined = [_columns(types, join.this) for join in source.args.get("joins") or []]
    return _together([_own_columns(types, source), *joined])


def _own_columns(types: StaticTypes, source: exp.Expr) -> list[str] | None:
    if isinstance(source, exp.Subquery) and isinstance(source.this, (exp.Subquery, exp.Table)):
        return _columns(types, source.this)
    columns = types.columns_of(source)
    return None if columns is None else [*columns]


def _together(sources: list[list[str] | None]) -> list[str] | None:
    if None in sources:
        return None
    return list(dict.fromkeys(name for source in sources for name in source or ()))


def _order_columns(select: exp.Select) -> None:
    """``SELECT *`` over USING: its columns come first; of an ASOF JOIN they come from the left."""
    if len(select.expressions) != 1:
        return
    star = select.expressions[0]
    if not isinstance(star, exp.Star) or any(star.args.values()):
        return
    joins = [join for join in _joins(select) if join.args.get("using")]
    names = list(dict.fromkeys(name.name for join in joins for name in join.args["using"]))
    if len(joins) != 1 or not names:
        return
    is_asof = joins[0].args.get("match_condition") is not None
    sides = (_left_name(joins[0]), joins[0].this.alias_or_name) if is_asof else (None,)
    excluded = [trees.column(name, side) for name in names for side in sides]
    select.set("expressions", [*(trees.column(name, sides[0]) for name in names), exp.Star(except_=excluded)])


def _left_name(join: exp.Join) -> str:
    parent = join.parent
    source = parent.args["from_"].this if isinstance(parent, exp.Select) else parent
    return source.alias_or_name if source is not None else ""


def _asof(join: exp.Join) -> None:
    """``ASOF JOIN … MATCH_CONDITION (…)`` keeps every row of the left; DuckDB wants one condition."""
    conditions: list[exp.Expr] = [join.args["match_condition"].unnest().copy()]
    if join.args.get("on") is not None:
        conditions.append(join.args["on"].copy())
    if names := join.args.get("using"):
        sides = _left_name(join), join.this.alias_or_name
        conditions += [trees.column(n.name, sides[0]).eq(trees.column(n.name, sides[1])) for n in names]
    for part, value in {"on": exp.and_(*conditions), "using": None, "match_condition": None, "side": "LEFT"}.items():
        join.set(part, value)
