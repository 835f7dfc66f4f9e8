"""Tables: create (also from a query), alter, drop."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from sqlglot import exp
from sqlglot.tokens import TokenType

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import TABLE, Column, Object, Table, TableProps
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.execution.context import Context, temporary_name
from local_snowflake.execution.objects import (
    action_of,
    drop,
    exists_already,
    keep_existing,
    refuse_both,
    refuse_other_case,
)
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.privileges.rules import OWNERSHIP
from local_snowflake.sessions.replay import StatementInputs
from local_snowflake.sql.columns.assignments import assigned_rows
from local_snowflake.sql.columns.outputs import Declared, declared_columns, outermost
from local_snowflake.sql.names import quote
from local_snowflake.sql.queries import compile_query, names_of_query
from local_snowflake.sql.resolve import table_name, upper_case
from local_snowflake.sql.statement import Reader, Statement, skip_head
from local_snowflake.sql.types import SfType, from_duckdb, parse_type
from local_snowflake.statements.clones import clone_table
from local_snowflake.statements.columns.changes import alter_to
from local_snowflake.statements.definitions import (
    column_definition,
    constrain,
    drop_table_data,
    place_of,
    read_definitions,
    refuse_repeated_names,
)

DAYS = ("DATA_RETENTION_TIME_IN_DAYS", "MAX_DATA_EXTENSION_TIME_IN_DAYS")
_MOST_DAYS = 90
# what the local Snowflake does in any case
_PLAIN = (exp.TransientProperty, exp.TemporaryProperty, exp.VolatileProperty, exp.CopyGrantsProperty, exp.LikeProperty)
_UNCHANGED = {"ENABLE_SCHEMA_EVOLUTION": ("FALSE",), "DEFAULT_DDL_COLLATION": ("",)}
_REPLACEMENT = f"temp.main.{quote('$REPLACEMENT')}"


@statement("CREATE", "TABLE")
def create_table(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY | TRANSIENT] TABLE [IF NOT EXISTS] name (columns) | AS query | LIKE table.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table
    """
    if cloned := _clone(ctx, stmt):
        return cloned
    tree = ctx.compiler.parse(ctx, _clean(stmt))
    if not isinstance(tree, exp.Create):
        raise not_supported("this form of CREATE TABLE")
    refuse_both(stmt, if_not_exists=bool(tree.args.get("exists")))
    schema = tree.this if isinstance(tree.this, exp.Schema) else None
    table = schema.this if schema else tree.this
    upper_case(table)
    name = table_name(ctx, table, action_of(stmt))
    ctx.require_schema(name)
    old = ctx.temporary(name) if stmt.temporary else ctx.catalog.relation(name)
    altered = TABLE.describes(old) and stmt.or_alter
    if not altered and (kept := keep_existing(stmt, name, old, if_not_exists=bool(tree.args.get("exists")))):
        return kept
    if old is not None and not TABLE.describes(old):
        raise already_exists(name.fqn)
    if not stmt.temporary:
        refuse_other_case(ctx, TABLE, name)
    options = _read_properties(tree)
    if "cluster_by" in options:
        options["cluster_by"] = _written_key(stmt)
    tracking = bool(options.pop("change_tracking", False))
    comment = str(options.pop("comment", ""))
    if schema is not None and tree.args.get("expression") is not None and _are_names(schema):
        tree.set("expression", _with_names(cast(exp.Query, tree.args["expression"]), schema.expressions))
        schema = None
    columns = tuple(_columns(ctx, tree, schema))
    if altered and TABLE.describes(old):
        _alter(ctx, stmt, tree, old, columns)
        return status(f"Table {name.name} successfully created.")
    ctx.copies_grants = tree.find(exp.CopyGrantsProperty) is not None
    props = TableProps(columns, transient="TRANSIENT" in stmt.modifiers, temporary=stmt.temporary, **options)
    query = tree.args.get("expression")
    declared = declared_columns(ctx, query) if query is not None else {}
    source = _source(ctx, query, columns) if query is not None else None
    refuse_repeated_names([c.name for c in columns] or names_of_query(ctx, source or ""))
    _make(ctx, Object(TABLE, name, props, ctx.session.role, comment), old, source, declared, tracking=tracking)
    return status(f"Table {name.name} successfully created.")


def _alter(ctx: Context, stmt: Statement, tree: exp.Create, table: Table, columns: Sequence[Column]) -> None:
    """CREATE OR ALTER of a table that is there. Raises 000002 for more than columns."""
    is_other = ("TRANSIENT" in stmt.modifiers) != table.props.transient or stmt.temporary
    # what a statement leaves out is unset
    is_other = is_other or bool(table.comment or table.props.cluster_by)
    if is_other or tree.args.get("properties") is not None or tree.args.get("expression") is not None:
        raise not_supported("CREATE OR ALTER TABLE with more than columns")
    refuse_repeated_names([column.name for column in columns])
    ctx.rights.require(table, OWNERSHIP)
    alter_to(ctx, table, columns)


def _are_names(schema: exp.Schema) -> bool:
    return all(isinstance(part, exp.Identifier) for part in schema.expressions)


def _with_names(query: exp.Query, names: Sequence[exp.Identifier]) -> exp.Query:
    """The query of ``CREATE TABLE t (a, b) AS`` with these names. Raises 002026 if it has another number of columns."""
    select = outermost(query)
    if select is None or select.is_star:
        alias = exp.TableAlias(this=exp.to_identifier("$NAMED", quoted=True), columns=[*names])
        return exp.select("*").from_(exp.Subquery(this=query, alias=alias))
    if len(select.expressions) != len(names):
        raise compilation_error("Invalid column definition list", 2026, "42601")
    pairs = zip(select.expressions, names, strict=True)
    select.set("expressions", [exp.Alias(this=value.unalias(), alias=name) for value, name in pairs])
    return query


def _source(ctx: Context, query: exp.Expression, columns: Sequence[Column]) -> str:
    """DuckDB's SQL of the query whose rows a table is made of; those of declared columns become what these hold."""
    inner = cast(exp.Expression, query.unnest().copy())
    if not columns:
        return compile_query(ctx, inner)
    if len(names_of_query(ctx, compile_query(ctx, inner.copy()))) != len(columns):
        raise compilation_error("Invalid column definition list", 2026, "42601")
    rows = assigned_rows(ctx, upper_case(inner), {column.name: parse_type(column.type) for column in columns})
    return compile_query(ctx, cast(exp.Expression, rows), outermost=False)


def _columns(ctx: Context, tree: exp.Create, schema: exp.Schema | None) -> list[Column]:
    """The columns of a statement or of the table that it is LIKE; none if its query determines them."""
    like = tree.find(exp.LikeProperty)
    if like is not None:
        name = table_name(ctx, upper_case(like).this)
        source = ctx.relation(name)
        if not TABLE.describes(source):
            raise does_not_exist("Table", name.fqn)
        ctx.rights.require(source, "SELECT")
        return [replace(column, sequence=None) for column in source.props.columns]
    if schema is None:
        if tree.args.get("expression") is None:
            raise not_supported("CREATE TABLE without columns, a query or LIKE")
        return []
    columns, constraints = read_definitions(ctx, schema)
    for constraint in constraints:
        columns = constrain(ctx, columns, constraint)
    return columns


def _clone(ctx: Context, stmt: Statement) -> Result | None:
    """CREATE TABLE name CLONE source, or None for every other form."""
    reader = skip_head(stmt)
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    parts = reader.name_parts()
    if not reader.accept("CLONE"):
        return None
    name = ctx.resolve(parts, action=action_of(stmt))
    ctx.require_schema(name)
    refuse_both(stmt, if_not_exists=if_not_exists)
    old = ctx.temporary(name) if stmt.temporary else ctx.catalog.relation(name)
    if old is not None and if_not_exists:
        return exists_already(TABLE, name, if_not_exists=True)
    return clone_table(ctx, name, reader, or_replace=stmt.or_replace, temporary=stmt.temporary)


def _clean(stmt: Statement) -> str:
    """Spellings that sqlglot does not read: SCOPED temporary tables, IF NOT EXISTS behind the name."""
    sql, reader = stmt.sql, skip_head(stmt)
    if not reader.accept("IF", "NOT", "EXISTS"):
        name = reader.position
        reader.name_parts()
        behind = reader.position
        if reader.accept("IF", "NOT", "EXISTS"):
            sql = f"{sql[:name]}IF NOT EXISTS {sql[name:behind]}{sql[reader.position :]}"
    words = sql.split(None, 6)
    return " ".join(w for i, w in enumerate(words) if not (i < 5 and w.upper() == "SCOPED"))


def _read_properties(tree: exp.Create) -> dict[str, Any]:
    """A table's options, by their names in lower case. Raises 000002 for an option that is not supported."""
    found: dict[str, Any] = {}
    properties = tree.args.get("properties")
    for option in properties.expressions if properties else ():
        if isinstance(option, exp.SchemaCommentProperty):
            found["comment"] = option.this.name
        elif isinstance(option, exp.ClusterProperty):
            found["cluster_by"] = ", ".join(e.sql(dialect="snowflake") for e in option.expressions)
        elif type(option) is exp.Property:
            found |= _read_option(option.name.upper(), str(option.args["value"].this))
        elif not isinstance(option, _PLAIN):
            raise not_supported(f"CREATE TABLE … {option.sql(dialect='snowflake')}")
    return found


def _written_key(stmt: Statement) -> str:
    reader = stmt.reader
    # one token for sqlglot
    while reader.next().token_type != TokenType.CLUSTER_BY:
        pass
    return written_key(reader)


def written_key(reader: Reader) -> str:
    """The text between the brackets behind CLUSTER BY, with its blanks: GET_DDL gives it as it is written."""
    opening = reader.position
    reader.parenthesised()
    return reader.sql[opening + 1 : reader.tokens[reader.at - 1].start]


def _read_option(key: str, value: str) -> dict[str, Any]:
    if key == "CHANGE_TRACKING":
        return {"change_tracking": read_flag(key, value)}
    if key in DAYS:
        return {key.lower(): read_days(key, value)}
    if value.upper() not in _UNCHANGED.get(key, ()):
        raise not_supported(f"CREATE TABLE … {key} = {value}")
    return {}


def read_flag(key: str, value: object) -> bool:
    """An option's TRUE or FALSE. Raises 001008 if it is neither."""
    if str(value).upper() not in {"TRUE", "FALSE"}:
        raise compilation_error(f"invalid value [{value}] for parameter '{key}'", 1008, "22023")
    return str(value).upper() == "TRUE"


def read_days(key: str, value: object) -> int:
    """An option's number of days, from 0 to 90. Raises 001008 if it is none."""
    if not str(value).isdigit() or int(str(value)) > _MOST_DAYS:
        raise compilation_error(f"invalid value [{value}] for parameter '{key}'", 1008, "22023")
    return int(str(value))


def _make(
    ctx: Context, new: Table, old: Table | None, source: str | None, declared: Declared, *, tracking: bool
) -> None:
    def make(change: Change) -> Table:
        streams.consume_in_ddl(ctx)
        return _fill(ctx, change, new, old, source, declared, tracking=tracking)

    if new.props.temporary and ctx.stays_in_transaction and not ctx.streams:
        inputs = StatementInputs(ctx.services.catalog, dict(ctx.reads), frozenset(ctx.random_calls), None)
        made = ctx.change_of_session(make, inputs)
    else:
        with ctx.ddl(new.name, locks=streams.stream_locks(ctx)) as change:
            made = make(change)
    ctx.session.drop_rows()
    if made.props.temporary:
        ctx.session.set_temporary(made.key, made)


def _fill(
    ctx: Context,
    change: Change,
    new: Table,
    old: Table | None,
    source: str | None,
    declared: Declared,
    *,
    tracking: bool,
) -> Table:
    temporary, columns = new.props.temporary, new.props.columns
    if old and source:
        # the query may read the table that it replaces, or a stream on it
        change.duck.execute(f"CREATE TEMP TABLE {_REPLACEMENT} AS {source}")
        source = f"SELECT * FROM {_REPLACEMENT}"
    if old:
        drop_table_data(ctx, change, old)
    physical = f"temp.main.{quote(temporary_name(new.name))}" if temporary else new.name.physical
    if not columns and source:
        change.duck.execute(f"CREATE {'TEMP ' * temporary}TABLE {physical} AS {source}")
        described = change.duck.execute(f"DESCRIBE {physical}").fetchall()
        columns = tuple(_made_column(str(d[0]), from_duckdb(str(d[1])), declared) for d in described)
    else:
        place = place_of(new.name, temporary=temporary)
        columns, definitions = zip(*(column_definition(ctx, change, place, c) for c in columns), strict=True)
        change.duck.execute(f"CREATE {'TEMP ' * temporary}TABLE {physical} ({', '.join(definitions)})")
        if source:
            change.duck.execute(f"INSERT INTO {physical} {source}")
    change.duck.execute(f"DROP TABLE IF EXISTS {_REPLACEMENT}")
    new = replace(new, props=replace(new.props, columns=columns))
    if not temporary:
        change.put(new)
    if tracking:
        streams.enable(change, new)
    elif keeps_past(new):
        streams.enable(change, new, for_time_travel=True)
    return new


def _made_column(name: str, kind: SfType, declared: Declared) -> Column:
    """A column that a query makes: with the length and the digits of a second that the query's text names."""
    named = parse_type(text) if (text := declared.get(name, {}).get("type")) else kind
    same = named.name == kind.name or (named.is_semi_structured and kind.is_semi_structured)
    return Column(name, str(named if same and named.name != "NUMBER" else kind))


def keeps_past(table: Table) -> bool:
    """Whether a table's past is stored: only if its retention time is set, since that makes writing slower."""
    return not table.props.temporary and bool(table.props.data_retention_time_in_days)


@statement("DROP", "TABLE")
def drop_table(ctx: Context, stmt: Statement) -> Result:
    """DROP TABLE [IF EXISTS] name."""
    return drop(ctx, stmt, TABLE, partial(drop_table_data, ctx))
