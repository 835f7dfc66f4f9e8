"""Tables: create (also from a query), alter, drop."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from local_snowflake import changes
from local_snowflake.catalog import Change, Object
from local_snowflake.context import Context, temporary_name
from local_snowflake.dialect import parse, to_duckdb, translate
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.names import Name, quote
from local_snowflake.parser import Statement, skip_head
from local_snowflake.registry import statement
from local_snowflake.relational import compile_query, parse_relational
from local_snowflake.resolve import resolve, table_name, upper_case
from local_snowflake.results import Result, status
from local_snowflake.statements.clones import clone_table
from local_snowflake.types import SfType, from_duckdb, parse_type

ColumnProps = dict[str, Any]
_REPLACEMENT = f"temp.main.{quote('$REPLACEMENT')}"


@statement("CREATE", "TABLE")
def create_table(ctx: Context, stmt: Statement) -> Result:
    """CREATE [OR REPLACE] [TEMPORARY | TRANSIENT] TABLE [IF NOT EXISTS] name (columns) | AS query | LIKE table.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-table
    """
    if cloned := _clone(ctx, stmt):
        return cloned
    tree = parse_relational(ctx, _clean(stmt))
    if not isinstance(tree, exp.Create):
        raise not_supported("this form of CREATE TABLE")
    schema = tree.this if isinstance(tree.this, exp.Schema) else None
    table = schema.this if schema else tree.this
    upper_case(table)
    name = table_name(ctx, table)
    ctx.require_schema(name)
    old = ctx.session.temporary.get(name) if stmt.temporary else ctx.catalog.relation(name)
    if old and not stmt.or_replace:
        if not tree.args.get("exists"):
            raise already_exists(name.fqn)
        return status(f"{name.name} already exists, statement succeeded.")
    if old and old.kind != "TABLE":
        raise already_exists(name.fqn)
    options = _options(tree)
    tracking = options.pop("change_tracking", "FALSE").upper() == "TRUE"
    props: dict[str, Any] = {"transient": "TRANSIENT" in stmt.modifiers, "temporary": stmt.temporary}
    props |= {key: int(value) for key, value in options.items()}
    columns = [read_column(c) for c in schema.expressions if isinstance(c, exp.ColumnDef)] if schema else []
    source = _source_query(ctx, tree)
    new = Object("TABLE", name, props, owner=ctx.session.role, comment=_comment(tree))
    _make(ctx, new, old, columns, source, tracking=tracking)
    return status(f"Table {name.name} successfully created.")


def _clone(ctx: Context, stmt: Statement) -> Result | None:
    """CREATE TABLE name CLONE source, or None for every other form."""
    reader = skip_head(stmt)
    reader.accept("IF", "NOT", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    if not reader.accept("CLONE"):
        return None
    ctx.require_schema(name)
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


def _comment(tree: exp.Create) -> str:
    found = tree.args.get("properties")
    comment = found.find(exp.SchemaCommentProperty) if found else None
    return comment.this.name if comment else ""


def _source_query(ctx: Context, tree: exp.Create) -> str | None:
    """DuckDB's SQL of the query that fills the table, if there is one."""
    if (query := tree.args.get("expression")) is not None:
        query = query.this if isinstance(query, exp.Subquery) else query
        return compile_query(ctx, query.copy())
    return None


def read_column(column: exp.ColumnDef) -> ColumnProps:
    """A column's definition as the catalog keeps it."""
    upper_case(column)
    kind = column.args.get("kind")
    text = str(read_type(kind)) if kind is not None else "VARCHAR(16777216)"
    found: ColumnProps = {"name": column.name, "type": text, "nullable": True, "default": None, "comment": ""}
    for constraint in column.args.get("constraints") or []:
        inner = constraint.args.get("kind")
        if isinstance(inner, exp.NotNullColumnConstraint):
            found["nullable"] = bool(inner.args.get("allow_null"))
        elif isinstance(inner, exp.PrimaryKeyColumnConstraint):
            found["primary_key"], found["nullable"] = True, False
        elif isinstance(inner, exp.UniqueColumnConstraint):
            found["unique"] = True
        elif isinstance(inner, exp.DefaultColumnConstraint):
            found["default"] = inner.this.sql(dialect="snowflake")
        elif isinstance(inner, exp.CommentColumnConstraint):
            found["comment"] = inner.this.name
        elif isinstance(inner, (exp.AutoIncrementColumnConstraint, exp.GeneratedAsIdentityColumnConstraint)):
            start, step = inner.args.get("start"), inner.args.get("increment")
            found["identity"] = [int(start.name) if start else 1, int(step.name) if step else 1]
    return found


def read_type(kind: exp.Expression) -> SfType:
    """The type that a syntax tree spells.

    Raises:
        SnowflakeError: 001003, for a type that the local Snowflake does not have.
    """
    text = kind.sql(dialect="snowflake")
    try:
        return parse_type(text)
    except ValueError as error:
        raise compilation_error(str(error), 2040, "42601") from None


def _options(tree: exp.Create) -> dict[str, str]:
    """The table's recorded options, by their names in lower case."""
    found = tree.args.get("properties")
    plain = [p for p in found.expressions if type(p) is exp.Property] if found else []
    given = {p.name.lower(): str(p.args["value"].this) for p in plain}
    known = ("data_retention_time_in_days", "max_data_extension_time_in_days", "change_tracking")
    return {key: value for key, value in given.items() if key in known}


def _make(
    ctx: Context, new: Object, old: Object | None, columns: list[ColumnProps], source: str | None, *, tracking: bool
) -> None:
    temporary = bool(new.props["temporary"])
    with ctx.ddl(new.name, locks=changes.stream_locks(ctx)) as change:
        changes.consume_in_ddl(ctx)
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
            columns = [_described(str(d[0]), str(d[1])) for d in described]
        else:
            definitions = ", ".join(column_definition(ctx, change, new.name, c) for c in columns)
            change.duck.execute(f"CREATE {'TEMP ' * temporary}TABLE {physical} ({definitions})")
            if source:
                change.duck.execute(f"INSERT INTO {physical} {source}")
        change.duck.execute(f"DROP TABLE IF EXISTS {_REPLACEMENT}")
        new.props["columns"] = columns
        if not temporary:
            change.put(new)
        if tracking:
            changes.enable(change, new)
        elif keeps_past(new):
            changes.enable(change, new, for_time_travel=True)
    ctx.session.drop_rows()
    if temporary:
        ctx.session.temporary[new.name] = new


def keeps_past(table: Object) -> bool:
    """Whether a table says for how long its past is kept: only then it is, since that makes writing slower."""
    return not table.props.get("temporary") and int(table.props.get("data_retention_time_in_days", 0)) > 0


def _described(name: str, duck_type: str) -> ColumnProps:
    kind = str(from_duckdb(duck_type))
    return {"name": name, "type": kind, "nullable": True, "default": None, "comment": ""}


def column_definition(ctx: Context, change: Change, table: Name, column: ColumnProps) -> str:
    """DuckDB's definition of a column; makes the sequence of an identity column."""
    text = f"{quote(column['name'])} {parse_type(column['type']).duckdb}"
    if identity := column.get("identity"):
        sequence = _sequence(table, column["name"])
        change.duck.execute(f"CREATE OR REPLACE SEQUENCE {sequence} START {identity[0]} INCREMENT {identity[1]}")
        text += f" DEFAULT nextval('{sequence}')"
    elif column["default"] is not None:
        text += f" DEFAULT ({default_sql(ctx, column['default'])})"
    return text + ("" if column["nullable"] else " NOT NULL")


def next_identity(ctx: Context, change: Change, table: Object, column: ColumnProps) -> int:
    """The value that an identity column gives next; its sequence has the name under which the table was made."""
    physical = ctx.physical_table(table.name)
    found = change.duck.execute(
        "SELECT coalesce(s.last_value + s.increment_by, s.start_value) FROM duckdb_columns() c "
        "JOIN duckdb_sequences() s ON contains(c.column_default, s.sequence_name) AND contains(c.column_default, "
        "s.schema_name) WHERE c.schema_name = ? AND c.table_name = ? AND c.column_name = ?",
        [physical.db, physical.name, column["name"]],
    ).fetchone()
    return int(found[0]) if found else int(column["identity"][0])


def _sequence(table: Name, column: str) -> str:
    return f"{quote(table.physical_schema)}.{quote('$SEQ_' + table.name + '_' + column)}"


def default_sql(ctx: Context, expression: str) -> str:
    """DuckDB's SQL of a column default."""
    tree = parse(f"SELECT {expression}")
    return to_duckdb(translate(resolve(ctx, tree), ctx.session.duck)).removeprefix("SELECT ")


def drop_table_data(ctx: Context, change: Change, table: Object) -> None:
    """Drop a table's rows; its catalog entry too unless it is temporary."""
    changes.forget(change, table)
    change.duck.execute(f"DROP TABLE {ctx.physical(table.name)} CASCADE")
    for column in table.props.get("columns", []):
        if column.get("identity") and not table.props.get("temporary"):
            change.duck.execute(f"DROP SEQUENCE IF EXISTS {_sequence(table.name, column['name'])}")
    if table.props.get("temporary"):
        ctx.session.temporary.pop(table.name, None)
    else:
        change.drop(table)


@statement("DROP", "TABLE")
def drop_table(ctx: Context, stmt: Statement) -> Result:
    """DROP TABLE [IF EXISTS] name."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    if_exists = reader.accept("IF", "EXISTS") or if_exists
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    found = ctx.session.temporary.get(name) or ctx.catalog.get("TABLE", name)
    if found is None:
        if if_exists:
            return status(f"Drop statement executed successfully ({name.name} already dropped).")
        raise does_not_exist("Table", name.fqn)
    with ctx.ddl(name) as change:
        drop_table_data(ctx, change, found)
    return status(f"{name.name} successfully dropped.")
