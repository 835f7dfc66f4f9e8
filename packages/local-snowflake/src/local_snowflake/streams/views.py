"""Changes of a view, from those of its tables: dL*R + L*dR + dL*dR for a join, their sum for UNION ALL.

Every relation of the view's query has three readings: as it was at the start of the stream's offset range, as it is at
its end, and its signed changes. A reading has the relation's columns, an id of each row made of the ids of the rows it
comes from, and for changes a sign.

Source: https://docs.snowflake.com/en/user-guide/streams-intro#streams-on-views
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from local_snowflake.catalog.objects import TABLE, VIEW, Stream, Table, View
from local_snowflake.errors import SnowflakeError, compilation_error, does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.routines.calls import function_calls
from local_snowflake.sessions.replay import RANDOM
from local_snowflake.sql.columns.outputs import name_outputs
from local_snowflake.sql.dialect import parse, to_duckdb, translate, upper_case
from local_snowflake.sql.names import Name, quote
from local_snowflake.sql.resolve import function_name, is_cte, resolve, table_name
from local_snowflake.streams.delta import (
    ACTION,
    ISUPDATE,
    ROW_ID,
    inserted_rows,
    latest_versions,
    replaced_versions,
    rows_at,
)
from local_snowflake.streams.freshness import not_tracked_then
from local_snowflake.streams.layout import ROW, initial_version, lower_bound, read_variable, upper_bound
from local_snowflake.streams.tracking import Tracked, is_tracked, of

_ID, _SIGN = "$ID", "$SIGN"
_OLD, _NEW, _CHANGES = "old", "new", "changes"
_REFUSED = {
    "group": "GROUP BY",
    "having": "HAVING",
    "distinct": "DISTINCT",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "order": "ORDER BY",
    "qualify": "QUALIFY",
    "with_": "WITH",
    "laterals": "LATERAL",
    "pivots": "PIVOT",
    "connect": "CONNECT BY",
    "sample": "SAMPLE",
    "when": "AT | BEFORE",
    "changes": "CHANGES",
}
_REFUSED_PARTS: tuple[tuple[type[exp.Expr] | tuple[type[exp.Expr], ...], str], ...] = (
    (exp.AggFunc, "an aggregate"),
    (exp.Window, "a window function"),
    (exp.Query, "a subquery"),
    (exp.ModelAttribute, "a model's function"),
    # their values do not follow from the rows: what they were before is unknown
    (RANDOM, "a random function"),
    ((exp.Seq1, exp.Seq2, exp.Seq4, exp.Seq8), "a sequence"),
)


@dataclass(frozen=True)
class Relation:
    """A view, or a part of one, whose changes can be read.

    Attributes:
        tables: the catalogued tables below it.
        read: gives DuckDB's SQL of a reading, by ``_OLD``, ``_NEW`` or ``_CHANGES``.
    """

    tables: tuple[Table, ...]
    read: Callable[[str], str]


def base_tables(ctx: Context, view: View) -> list[Table]:
    """The tables below a view, each once.

    Raises:
        SnowflakeError: 001003, if changes of such a view cannot be tracked: it names the part of its query.
    """
    tables = _view(ctx, view, 0, append_only=False).tables
    return list({t.name: t for t in tables}.values())


def view_stream_sql(ctx: Context, view: View, stream: Stream, sources: list[Tracked]) -> str:
    """DuckDB's SQL of the rows of a stream on a view that has offsets of ``sources``.

    The offset ranges are read from the session's DuckDB variables.

    Raises:
        SnowflakeError: 000707, if the view reads another table by now.
    """
    number = stream.props.id
    relation = _view(ctx, view, number, append_only=stream.props.mode == "APPEND_ONLY")
    for table in relation.tables:
        if not is_tracked(table) or of(table) not in sources:
            raise not_tracked_then(table.name)
    columns = ", ".join(quote(c.name) for c in view.props.columns)
    net = (
        f'SELECT {columns}, "{_ID}", sum("{_SIGN}") AS "{_SIGN}" FROM ({relation.read(_CHANGES)}) AS c '
        f'GROUP BY {columns}, "{_ID}" HAVING sum("{_SIGN}") <> 0'
    )
    sql = (
        f"SELECT {columns}, CASE WHEN \"{_SIGN}\" > 0 THEN 'INSERT' ELSE 'DELETE' END AS {quote(ACTION)}, "
        f'count(*) OVER (PARTITION BY "{_ID}") > 1 AS {quote(ISUPDATE)}, sha1("{_ID}") AS {quote(ROW_ID)} '
        f"FROM ({net}) AS n"
    )
    if stream.props.initial_rows:
        due = f"{read_variable(initial_version(number, sources[0].id))} IS NOT NULL"
        shown = f"SELECT {columns}, 'INSERT', FALSE, sha1(\"{_ID}\")"
        sql += f" UNION ALL {shown} FROM ({relation.read(_NEW)}) AS i WHERE {due}"
    return sql


def _view(ctx: Context, view: View, stream: int, *, append_only: bool) -> Relation:
    session = ctx.session
    saved = session.database, session.schema
    session.database, session.schema = view.name.database, view.name.schema
    try:
        with ctx.rights.of_owner(view.owner):
            relation = _query(_Builder(ctx, stream, append_only), upper_case(parse(view.props.query)))
    finally:
        session.database, session.schema = saved
    columns = ", ".join(quote(c.name) for c in view.props.columns)

    def read(reading: str) -> str:
        # the hidden columns come first: a column that a table has got since does not disturb the view's own
        hidden = f'"{_ID}", "{_SIGN}"' if reading == _CHANGES else f'"{_ID}"'
        return f"SELECT {hidden}, {columns} FROM ({relation.read(reading)}) AS v({hidden}, {columns})"

    return Relation(relation.tables, read)


@dataclass(frozen=True)
class _Builder:
    ctx: Context
    stream: int
    append_only: bool


def _query(builder: _Builder, tree: exp.Expression) -> Relation:
    while isinstance(tree, exp.Subquery):
        tree = tree.this
    if isinstance(tree, exp.Union) and not tree.args.get("distinct") and not _refused_clause(tree):
        return _union([_query(builder, tree.this), _query(builder, tree.expression)])
    if not isinstance(tree, exp.Select):
        raise _refused(tree.key.upper())
    _check_select(builder.ctx, tree)
    sources = [tree.args["from_"].this, *(join.this for join in tree.args.get("joins") or [])]
    return _select(builder, tree, [_source(builder, s) for s in sources])


def _union(branches: list[Relation]) -> Relation:
    def read(reading: str) -> str:
        parts = (
            f'SELECT * REPLACE (\'{i} \' || "{_ID}" AS "{_ID}") FROM ({branch.read(reading)}) AS b'
            for i, branch in enumerate(branches)
        )
        return " UNION ALL ".join(parts)

    return Relation(tuple(t for b in branches for t in b.tables), read)


def _source(builder: _Builder, node: exp.Expression) -> Relation:
    if isinstance(node, exp.Subquery):
        _check_source(node)
        return _query(builder, node)
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier) or is_cte(node):
        raise _refused(node.sql(dialect="snowflake"))
    _check_source(node)
    name: Name = table_name(builder.ctx, node)
    found = builder.ctx.catalog.relation(name)
    if found is None:
        raise does_not_exist("Object", name.fqn)
    if VIEW.describes(found):
        return _view(builder.ctx, found, builder.stream, append_only=builder.append_only)
    if not TABLE.describes(found):
        raise _refused(f"{found.kind} {name.fqn}")
    return Relation((found,), lambda reading: _read_table(of(found), builder, reading))


def _check_source(node: exp.Expression) -> None:
    if clause := _refused_clause(node):
        raise _refused(clause)
    if (alias := node.args.get("alias")) and alias.args.get("columns"):
        raise _refused(f"the column names of {alias.sql(dialect='snowflake')}")


def _read_table(target: Tracked, builder: _Builder, reading: str) -> str:
    after = read_variable(lower_bound(builder.stream, target.id))
    upto = read_variable(upper_bound(builder.stream, target.id))

    def shown(rows: str, sign: int | None = None) -> str:
        signed = "" if sign is None else f', {sign} AS "{_SIGN}"'
        return f'SELECT CAST({quote(ROW)} AS VARCHAR) AS "{_ID}"{signed}, {target.listed()} FROM ({rows}) AS t'

    if reading != _CHANGES:
        return shown(rows_at(target, after if reading == _OLD else upto))
    if builder.append_only:
        return shown(inserted_rows(target, after, upto), 1)
    latest, replaced = latest_versions(target, after, upto), replaced_versions(target, after, upto)
    return f"{shown(latest, 1)} UNION ALL {shown(replaced, -1)}"


def _select(builder: _Builder, tree: exp.Select, sources: list[Relation]) -> Relation:
    def read(reading: str) -> str:
        if reading != _CHANGES:
            return _compile(builder.ctx, tree, [s.read(reading) for s in sources], None)
        # the sources before the changing one as they are, those behind it as they were: the sum is dL*R + L*dR + dL*dR
        terms = (
            [s.read(_NEW if j < i else _CHANGES if j == i else _OLD) for j, s in enumerate(sources)]
            for i in range(len(sources))
        )
        return " UNION ALL ".join(_compile(builder.ctx, tree, term, i) for i, term in enumerate(terms))

    return Relation(tuple(t for s in sources for t in s.tables), read)


def _compile(ctx: Context, tree: exp.Select, readings: list[str], changing: int | None) -> str:
    """A SELECT over readings of its sources; the ids of its rows are made of theirs."""
    query = tree.copy()
    nodes = [query.args["from_"].this, *(join.this for join in query.args.get("joins") or [])]
    hidden = [f"{_ID}{i}" for i in range(len(nodes))]
    for i, (node, reading) in enumerate(zip(nodes, readings, strict=True)):
        alias = exp.TableAlias(this=exp.to_identifier(node.alias_or_name, quoted=True))
        renamed = exp.var(f'SELECT * RENAME ("{_ID}" AS "{hidden[i]}") FROM ({reading}) AS r')
        subquery = exp.Subquery(this=renamed, alias=alias)
        if node.args.get("joins"):
            raise _refused("a join in brackets")
        node.replace(subquery)
    _hide_from_stars(query, [*hidden, *([_SIGN] if changing is not None else [])])
    name_outputs(query)
    ids = exp.var(" || '|' || ".join(quote(h) for h in hidden))
    first: list[exp.Expr] = [exp.alias_(ids, _ID, quoted=True)]
    if changing is not None:
        first.append(exp.column(exp.to_identifier(_SIGN, quoted=True)))
    query.set("expressions", [*first, *query.expressions])
    return to_duckdb(translate(resolve(ctx, query), ctx.session.duck))


def _hide_from_stars(query: exp.Select, hidden: list[str]) -> None:
    for projection in query.expressions:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if not isinstance(star, exp.Star):
            continue
        if isinstance(projection, exp.Column) and len(query.args.get("joins") or []):
            raise _refused(f"{projection.sql(dialect='snowflake')} of a join: name the columns")
        for column in hidden:
            star.append("except_", exp.column(exp.to_identifier(column, quoted=True)))


def _check_select(ctx: Context, tree: exp.Select) -> None:
    if tree.args.get("from_") is None:
        raise _refused("SELECT without FROM")
    if clause := _refused_clause(tree):
        raise _refused(clause)
    joins = tree.args.get("joins") or []
    for join in joins:
        if join.side or join.args.get("method") or join.kind not in {"", "INNER", "CROSS"}:
            raise _refused(f"{join.args.get('method') or ''} {join.side} JOIN".strip())
    conditions = [join.args.get("on") for join in joins]
    for part in (*tree.expressions, tree.args.get("where"), *conditions):
        if part is not None:
            _check_part(ctx, part)


def _check_part(ctx: Context, part: exp.Expression) -> None:
    """What a row shows has to follow from the rows that it is made of, by Snowflake's own functions."""
    text = part.sql(dialect="snowflake")
    for kind, label in _REFUSED_PARTS:
        if part.find(*kind) if isinstance(kind, tuple) else part.find(kind):
            raise _refused(f"{label}: {text}")
    for call in function_calls(ctx, part):
        raise _refused(f"the user-defined function {call.function.props.name}: {text}")
    for called in part.find_all(exp.Func):
        if function_name(called).startswith("SYSTEM$"):
            raise _refused(f"{function_name(called)}: {text}")


def _refused_clause(tree: exp.Expression) -> str | None:
    return next((text for key, text in _REFUSED.items() if tree.args.get(key)), None)


def _refused(what: str) -> SnowflakeError:
    return compilation_error(f"Change tracking is not supported on queries with '{what}'.", 2203, "02000")
