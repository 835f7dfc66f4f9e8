"""Names of columns by their case: ``"a"`` and ``A`` are two columns, which are one to DuckDB.

Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from sqlglot import exp

from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.results import kept_apart
from local_snowflake.sql import trees
from local_snowflake.sql.typing.static_types import Columns, StaticTypes

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")


def check(types: StaticTypes, tree: exp.Expression) -> None:
    """Raise 000904 for a column that is there by another case only."""
    target = tree.this if isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Schema) else None
    if target is not None and (columns := types.columns_of(target.this)):
        for identifier in target.expressions:
            if identifier.name not in columns:
                raise invalid_identifier(identifier.name)
    for column in tree.find_all(exp.Column):
        if isinstance(column.this, exp.Identifier) and _is_there_in_another_case(types, column):
            parts = [part for part in (column.args.get("table"), column.this) if part is not None]
            raise invalid_identifier(*(part.name for part in parts))


def invalid_identifier(*parts: str) -> Exception:
    """The error 000904 for a name that nothing has."""
    name = ".".join(part if _PLAIN.match(part) else f'"{part}"' for part in parts)
    return compilation_error(f"error line 1 at position 0\ninvalid identifier '{name}'", 904, "42000")


def _is_there_in_another_case(types: StaticTypes, column: exp.Column) -> bool:
    name, found = column.name, False
    for scope in trees.scopes_around(column, name):
        if scope is None:
            return False
        sources = types.sources(scope)
        if column.table and column.table not in sources:
            found = found or column.table.upper() in {alias.upper() for alias in sources}
            continue
        read = [sources[column.table]] if column.table else [*sources.values(), _aliases(scope)]
        for columns in read:
            if columns is None or name in columns:
                return False
            found = found or name.upper() in {other.upper() for other in columns}
    return found


def _aliases(scope: exp.Expr) -> Columns:
    """What a query gives names to: other clauses may use them."""
    projections = scope.expressions if isinstance(scope, exp.Select) else []
    return {projection.alias: None for projection in projections if isinstance(projection, exp.Alias)}


def keep_apart(types: StaticTypes, tree: exp.Expression) -> bool:
    """Give names that differ by case only names that DuckDB tells apart, in place; returns whether there are such.

    A result's columns have their own names again. Raises 000002 where both names are those of an unknown source.
    """
    query = tree.expression if isinstance(tree, exp.Insert) else tree
    alike = _alike(types, query) if isinstance(query, exp.Query) else set()
    if not alike:
        return False
    for table in list(query.find_all(exp.Table)):
        if not any(cte.alias == table.name for ctes in trees.ctes_around(table) for cte in ctes):
            _rename(table, [name for name in types.columns_of(table) or () if name in alike])
    for identifier in _columns(query):
        if identifier.name in alike:
            identifier.set("this", kept_apart(identifier.name))
            identifier.set("quoted", True)
    return True


def _alike(types: StaticTypes, query: exp.Query) -> set[str]:
    """The names that are another one but for case; one of them keeps its own, that of an unknown column if there is."""
    spellings: defaultdict[str, set[str]] = defaultdict(set)
    for identifier in _columns(query):
        spellings[identifier.name.upper()].add(identifier.name)
    if query.find(exp.Star):
        for table in query.find_all(exp.Table):
            for name in types.columns_of(table) or ():
                spellings[name.upper()].add(name)
    groups = [names for names in spellings.values() if len(names) > 1]
    unknown = set(_unknown(types, query)) if groups else set()
    alike: set[str] = set()
    for names in groups:
        keep = sorted(names & unknown) or sorted(names)[:1]
        if len(keep) > 1:
            listed = ", ".join(f'"{name}"' for name in keep)
            raise not_supported(f"columns of an unknown source whose names differ by case only: {listed}")
        alike |= names - set(keep)
    return alike


def _unknown(types: StaticTypes, query: exp.Query) -> Iterator[str]:
    """The names that are read where the columns of a source are not known before it runs."""
    for column in query.find_all(exp.Column):
        select = column.find_ancestor(exp.Select)
        if select is None or (not column.table and trees.aliased(select, column.name) is not None):
            continue
        if None in types.sources(select).values():
            yield column.name


def _columns(query: exp.Expr) -> Iterator[exp.Identifier]:
    """The names that a query's columns have and get."""
    for identifier in query.find_all(exp.Identifier):
        parent, key = identifier.parent, identifier.arg_key
        read = isinstance(parent, (exp.Column, exp.Join)) and key in {"this", "using"}
        if read or key == "columns" or (isinstance(parent, (exp.Alias, exp.PivotAlias)) and key == "alias"):
            yield identifier


def _rename(table: exp.Table, names: list[str]) -> None:
    """Read a table with other names of columns."""
    if not names:
        return
    star = exp.Star(rename=[exp.alias_(trees.identifier(name), kept_apart(name), quoted=True) for name in names])
    subquery = exp.Subquery(alias=(table.args.get("alias") or trees.alias(table.name)).copy())
    trees.move_clauses(table, subquery)
    table.replace(subquery)
    subquery.set("this", exp.Select(expressions=[star], from_=exp.From(this=table)))
    table.set("alias", None)
    for clause in ("joins", "pivots", "sample", "laterals"):
        table.set(clause, None)
