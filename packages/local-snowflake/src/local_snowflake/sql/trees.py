"""Pieces of syntax trees that are needed again and again."""

from sqlglot import exp

# what may follow a table in FROM, and belongs to what takes its place
_CLAUSES = ("joins", "pivots", "sample", "laterals")


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


def move_clauses(old: exp.Expr, new: exp.Expr) -> None:
    """Give what takes a table's place in FROM the joins and the like behind it."""
    for clause in _CLAUSES:
        if old.args.get(clause):
            new.set(clause, old.args[clause])
