"""``*`` and ``t.*`` as arguments of functions, and in ``{*}``: the columns of what is read.

Sources: https://docs.snowflake.com/en/sql-reference/functions/hash,
https://docs.snowflake.com/en/sql-reference/data-types-semistructured#object-constants
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

from sqlglot import exp

from local_snowflake.errors import not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql import trees
from local_snowflake.sql.typing.static_types import Columns, StaticTypes

_OPTIONS = ("except_", "rename", "replace", "ilike")


def stars_as_arguments(ctx: Context, tree: exp.Expression) -> exp.Expression:
    """Write out the columns that ``*`` stands for within a call, with its EXCLUDE and ILIKE, in place.

    COUNT, OBJECT_CONSTRUCT and OBJECT_CONSTRUCT_KEEP_NULL take ``*`` alone themselves. Raises 000002 where the columns
    are not known, but for HASH and HASH_AGG, which DuckDB gives them.
    """
    types = StaticTypes(ctx)
    for star in list(tree.find_all(exp.Star)):
        holder = star.parent if isinstance(star.parent, exp.Column) else star
        call = holder.parent
        if not isinstance(call, (exp.Func, exp.StarMap)) or isinstance(call, exp.Count):
            continue
        options = any(star.args.get(option) for option in _OPTIONS) or _reads_binaries(types, call)
        if isinstance(call, exp.Struct) and len(call.expressions) == 1 and not options:
            call.replace(exp.StarMap(this=holder))
        elif isinstance(call, (exp.StarMap, exp.JSONObject)) and not options:
            continue
        elif (select := call.find_ancestor(exp.Select)) is not None:
            table = holder.table if isinstance(holder, exp.Column) else ""
            _write_out(call, holder, _columns(types, select, table, star))
    return tree


def _reads_binaries(types: StaticTypes, call: exp.Expr) -> bool:
    """Whether a binary is among the columns that a call may take: it becomes JSON in a way of its own."""
    select = call.find_ancestor(exp.Select)
    read = types.sources(select).values() if select is not None else ()
    return any(kind is not None and kind.name == "BINARY" for columns in read for kind in (columns or {}).values())


def _write_out(call: exp.Expr, star: exp.Expr, columns: list[exp.Expr] | None) -> None:
    if columns is None:
        if isinstance(call, exp.HashAgg) or (isinstance(call, exp.Anonymous) and call.name.upper() == "HASH"):
            return
        raise not_supported(f"{call.sql(dialect='snowflake')}, of columns that are not known")
    if isinstance(call, (exp.StarMap, exp.Struct, exp.JSONObject)):
        member = exp.JSONKeyValue if isinstance(call, exp.JSONObject) else exp.PropertyEQ
        members: list[exp.Expr] = [member(this=exp.Literal.string(c.name), expression=c) for c in columns]
        if isinstance(call, exp.StarMap):
            call.replace(exp.Struct(expressions=members))
            return
        columns = members
    if star.arg_key == "this":
        call.set("this", columns[0] if columns else exp.null())
        call.set("expressions", [*columns[1:], *call.expressions])
    else:
        call.set("expressions", [made for each in call.expressions for made in (columns if each is star else [each])])


def _columns(types: StaticTypes, select: exp.Select, table: str, star: exp.Expr) -> list[exp.Expr] | None:
    """The columns in their order; None if those of a source are not known."""
    sources = types.sources(select)
    read = {table: sources.get(table)} if table else sources
    excluded = {column.name for column in star.args.get("except_") or ()}
    pattern = star.args.get("ilike")
    found: list[exp.Expr] = []
    merged = set(_merged(select, sources)) if not table else set()
    for alias, columns in read.items():
        if columns is None:
            return None
        for name in columns:
            once = name in merged and any(column.name == name for column in found)
            if name not in excluded and not once and (pattern is None or _matches(pattern.name, name)):
                qualified = not alias.startswith("$") and name not in merged
                found.append(trees.column(name, alias if qualified else None))
    return found


def _merged(select: exp.Select, sources: Mapping[str, Columns | None]) -> Iterator[str]:
    """The columns that two tables share, by USING or a natural join."""
    for join in select.args.get("joins") or ():
        if join.args.get("method") == "NATURAL":
            yield from (name for name, times in Counter(chain(*filter(None, sources.values()))).items() if times > 1)
        yield from (name.name for name in join.args.get("using") or ())


def _matches(pattern: str, name: str) -> bool:
    translated = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return re.fullmatch(translated, name, re.I | re.S) is not None
