"""Pieces of syntax trees that are needed again and again."""

from collections.abc import Iterator, Set

from sqlglot import exp

# what may follow a table in FROM, and belongs to what takes its place
_CLAUSES = ("joins", "pivots", "sample", "laterals")
# where a node has the role with whose rights it is read or called, if that is not the session's
OWNER = "owner"
# where a lambda's parameter has its type
KIND = "kind"


def identifier(name: str) -> exp.Identifier:
    """A name as it is, in quotes."""
    return exp.to_identifier(name, quoted=True)


def column(name: str, table: str | None = None) -> exp.Column:
    """A column, of a table if it is named."""
    return exp.column(identifier(name), table=None if table is None else identifier(table))


def named(expression: exp.Expr, name: str) -> exp.Expr:
    """An expression as a result column."""
    return exp.alias_(expression, name, quoted=True, copy=False)


def alias(name: str, *columns: str) -> exp.TableAlias:
    """The alias of a table, and of its columns."""
    return exp.TableAlias(this=identifier(name), columns=[identifier(c) for c in columns])


def as_json(expression: exp.Expr) -> exp.Expr:
    """A text that is JSON already, as DuckDB's type for it."""
    return exp.Cast(this=expression, to=exp.DataType(this=exp.DataType.Type.JSON))


def member(node: exp.Expr | None) -> str | None:
    """The name, if a node takes one member of an object by its name and nothing else: ``o:name`` or ``o['name']``."""
    if isinstance(node, exp.Bracket):
        only = node.expressions[0] if len(node.expressions) == 1 else None
        return str(only.this) if isinstance(only, exp.Literal) and only.is_string else None
    path = node.args.get("expression") if isinstance(node, exp.JSONExtract) else None
    keys = path.expressions[1:] if isinstance(path, exp.JSONPath) else []
    only = keys[0].this if len(keys) == 1 and isinstance(keys[0], exp.JSONPathKey) else None
    return only if isinstance(only, str) else None


def move_clauses(old: exp.Expr, new: exp.Expr) -> None:
    """Give what takes a table's place in FROM the joins and the like behind it."""
    for clause in _CLAUSES:
        if old.args.get(clause):
            new.set(clause, old.args[clause])


def ctes_around(node: exp.Expr) -> Iterator[list[exp.CTE]]:
    """The common table expressions in scope where a node stands, of the innermost WITH first."""
    own, child = node.args.get("with_"), node
    if isinstance(own, exp.With):
        yield own.expressions
    while parent := child.parent:
        with_ = parent.args.get("with_")
        if isinstance(parent, exp.With):
            ctes = parent.expressions
            yield ctes if parent.recursive else ctes[: next((i for i, cte in enumerate(ctes) if cte is child), 0)]
        elif isinstance(with_, exp.With) and child is not with_:
            yield with_.expressions
        child = parent


_SCOPES = (exp.Select, exp.Update, exp.Delete, exp.Merge)


def scopes_around(node: exp.Expr, name: str) -> Iterator[exp.Expr | None]:
    """The queries and DML statements around a node, the innermost first; None for a parameter of a lambda."""
    while parent := node.parent:
        if isinstance(parent, exp.Lambda) and any(p.name == name for p in parent.expressions):
            yield None
        if isinstance(parent, _SCOPES):
            yield parent
        node = parent


def is_bare(column: exp.Column, select: exp.Expr | None) -> bool:
    """Whether a column of a query, and of none of its subqueries, is named without its source."""
    return (
        isinstance(column.this, exp.Identifier)
        and not column.table
        and column.find_ancestor(exp.Select) is select
        and None not in scopes_around(column, column.name)
    )


def parameter(node: exp.Expr, name: str) -> exp.Expr | None:
    """The parameter of the innermost lambda around a node that has a name."""
    while (around := node.find_ancestor(exp.Lambda)) is not None:
        if found := next((p for p in around.expressions if p.name == name), None):
            return found
        node = around
    return None


def aliased(select: exp.Select, name: str) -> exp.Expr | None:
    """The expression that a query gives a name."""
    return next((p.this for p in select.expressions if isinstance(p, exp.Alias) and p.alias == name), None)


def slides(window: exp.Expr | None) -> bool:
    """Whether an expression is a window that does not grow from its first row to the present one."""
    if not isinstance(window, exp.Window):
        return False
    frame = window.args.get("spec")
    if frame is None:
        return window.args.get("order") is None
    return (frame.args.get("start"), frame.args.get("end") or "CURRENT ROW") != ("UNBOUNDED", "CURRENT ROW")


_OF_ONE_NUMBER = (exp.Abs, exp.Neg, exp.Nullif, exp.Round)


def is_float(node: exp.Expr | None) -> bool:
    """Whether an expression is a float by what stands there: a cast, or arithmetic with one.

    DuckDB binds what a macro does for each type that its argument could have: where the type is plain to see, a
    statement of many columns is planned several times as fast without.
    """
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Cast):
        return node.to.is_type(exp.DType.DOUBLE, exp.DType.FLOAT)
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div)):
        return is_float(node.this) or is_float(node.expression)
    return isinstance(node, _OF_ONE_NUMBER) and is_float(node.this)


def alternatives(node: exp.Expr) -> list[exp.Expr | None]:
    """The expressions one of which is the value of a conditional one; none of any other one."""
    if isinstance(node, (exp.Coalesce, exp.Greatest, exp.Least)):
        return [node.this, *node.expressions]
    if isinstance(node, (exp.If, exp.Nvl2)):
        return [node.args.get("true"), node.args.get("false")]
    if isinstance(node, exp.Case):
        return [*(i.args["true"] for i in node.args["ifs"]), node.args.get("default")]
    if isinstance(node, exp.DecodeCase):
        # a value, then pairs of a search and a result, and perhaps what else is given
        _, *pairs = node.expressions
        return [*pairs[1::2], *(pairs[-1:] if len(pairs) % 2 else ())]
    return [node.this, node.expression] if isinstance(node, exp.Uniform) else []


def null_places(query: exp.Expr | None) -> Set[int]:
    """The places of the columns of a query that are NULL as its text says."""
    if isinstance(query, exp.SetOperation):
        return null_places(query.this) & null_places(query.expression)
    if isinstance(query, exp.Subquery):
        return null_places(query.this)
    if not isinstance(query, exp.Select) or query.is_star:
        return frozenset()
    return {place for place, projection in enumerate(query.expressions) if isinstance(projection.unalias(), exp.Null)}
