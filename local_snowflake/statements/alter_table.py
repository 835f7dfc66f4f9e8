"""ALTER TABLE: columns, names, swaps and options."""

from __future__ import annotations

import copy
from typing import Any

from sqlglot import exp

from local_snowflake import changes
from local_snowflake.catalog import Change, Object
from local_snowflake.context import Context
from local_snowflake.dialect import parse
from local_snowflake.errors import already_exists, compilation_error, does_not_exist, not_supported
from local_snowflake.names import Name, quote
from local_snowflake.parser import Reader, Statement, skip_head
from local_snowflake.registry import statement
from local_snowflake.results import Result, status
from local_snowflake.statements.clones import copy_definition
from local_snowflake.statements.tables import column_definition, default_sql, keeps_past, read_column
from local_snowflake.types import SfType, parse_type

_RECORDED = ("DATA_RETENTION_TIME_IN_DAYS", "MAX_DATA_EXTENSION_TIME_IN_DAYS", "CHANGE_TRACKING", "COMMENT")


@statement("ALTER", "TABLE")
def alter_table(ctx: Context, stmt: Statement) -> Result:
    """ALTER TABLE [IF EXISTS] name action: https://docs.snowflake.com/en/sql-reference/sql/alter-table."""
    reader = skip_head(stmt)
    if_exists = reader.accept("IF", "EXISTS")
    name = ctx.resolve(reader.name_parts())
    table = ctx.session.temporary.get(name) or ctx.catalog.get("TABLE", name)
    if table is None:
        if if_exists:
            return status()
        raise does_not_exist("Table", name.fqn)
    changed = Object(table.kind, table.name, copy.deepcopy(table.props), table.owner, table.comment, table.created_on)
    action = reader.accept_any("ADD", "DROP", "RENAME", "ALTER", "MODIFY", "SWAP", "SET", "UNSET", "CLUSTER")
    handler = _ACTIONS.get(action or "")
    if handler is None:
        raise not_supported(f"ALTER TABLE … {reader.peek()}")
    handler(ctx, reader, changed)
    return status()


def _save(ctx: Context, change: Change, table: Object) -> None:
    if table.props.get("temporary"):
        ctx.session.temporary[table.name] = table
    else:
        change.put(table)


def _find(table: Object, column: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = table.props["columns"]
    for found in columns:
        if found["name"] == column:
            return found
    raise compilation_error(f"column '{column}' does not exist", 904, "42000")


def _add(ctx: Context, reader: Reader, table: Object) -> None:
    """ADD [COLUMN] [IF NOT EXISTS] definition, …; constraints are recorded by their columns only."""
    if reader.peek() in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"}:
        return
    reader.accept("COLUMN")
    if_not_exists = reader.accept("IF", "NOT", "EXISTS")
    tree = parse(f"CREATE TABLE T ({reader.rest()})")
    known = {c["name"] for c in table.props["columns"]}
    new = [read_column(c) for c in tree.this.expressions if isinstance(c, exp.ColumnDef)]
    with ctx.ddl(table.name) as change:
        for column in new:
            if column["name"] in known:
                if if_not_exists:
                    continue
                raise compilation_error(f"column '{column['name']}' already exists", 1060, "42S21")
            _add_column(ctx, change, table, column)
            table.props["columns"].append(column)
        _save(ctx, change, table)


def _add_column(ctx: Context, change: Change, table: Object, column: dict[str, Any]) -> None:
    if not column["nullable"] and column["default"] is None and not column.get("identity"):
        empty = not change.duck.execute(f"SELECT 1 FROM {ctx.physical(table.name)} LIMIT 1").fetchone()
        if not empty:
            text = f"Non-nullable column '{column['name']}' cannot be added to non-empty table '{table.name.name}'"
            raise compilation_error(f"{text} unless it has a non-null default value.", 2260, "42601")
    physical = ctx.physical(table.name)
    definition = column_definition(ctx, change, table.name, column | {"nullable": True})
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {definition}")
    for history in changes.images(ctx, table)[1:]:
        kept = definition if not column.get("identity") else f"{quote(column['name'])} BIGINT"
        change.duck.execute(f"ALTER TABLE {history} ADD COLUMN {kept}")
    if not column["nullable"]:
        change.duck.execute(f"ALTER TABLE {physical} ALTER COLUMN {quote(column['name'])} SET NOT NULL")


def _drop(ctx: Context, reader: Reader, table: Object) -> None:
    """DROP [COLUMN] [IF EXISTS] name, …."""
    if reader.accept("CLUSTERING", "KEY"):
        return
    if reader.peek() in {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"}:
        return
    reader.accept("COLUMN")
    if_exists = reader.accept("IF", "EXISTS")
    names = [reader.identifier()]
    while reader.accept(","):
        names.append(reader.identifier())
    reader.finish()
    with ctx.ddl(table.name) as change:
        for name in names:
            if if_exists and name not in {c["name"] for c in table.props["columns"]}:
                continue
            table.props["columns"].remove(_find(table, name))
            for physical in changes.images(ctx, table):
                change.duck.execute(f"ALTER TABLE {physical} DROP COLUMN {quote(name)}")
        _save(ctx, change, table)


def _rename(ctx: Context, reader: Reader, table: Object) -> None:
    """RENAME TO name | RENAME COLUMN a TO b."""
    if reader.accept("COLUMN"):
        old = reader.identifier()
        reader.expect("TO")
        new = reader.identifier()
        reader.finish()
        with ctx.ddl(table.name) as change:
            _find(table, old)["name"] = new
            for physical in changes.images(ctx, table):
                change.duck.execute(f"ALTER TABLE {physical} RENAME COLUMN {quote(old)} TO {quote(new)}")
            _save(ctx, change, table)
        return
    reader.expect("TO")
    name = ctx.resolve(reader.name_parts())
    reader.finish()
    if ctx.relation(name):
        raise already_exists(name.fqn)
    if table.props.get("temporary"):
        raise not_supported("ALTER TABLE … RENAME of a temporary table")
    with ctx.ddl(table.name, name) as change:
        move_table(ctx, change, table, name)


def move_table(ctx: Context, change: Change, table: Object, name: Name) -> None:
    """Give a table another name, also in another schema or database."""
    old = table.name
    if (old.database, old.schema) == (name.database, name.schema):
        change.duck.execute(f"ALTER TABLE {old.physical} RENAME TO {quote(name.name)}")
    else:
        copy_definition(ctx, change, table, name, name.physical)
        changes.move_rows(change, table, name)
        change.duck.execute(f"DROP TABLE {old.physical}")
    change.rename(table, name)


def _swap(ctx: Context, reader: Reader, table: Object) -> None:
    """SWAP WITH other: https://docs.snowflake.com/en/sql-reference/sql/alter-table."""
    reader.expect("WITH")
    name = ctx.resolve(reader.name_parts())
    other = ctx.catalog.need("TABLE", name)
    if table.props.get("temporary") or (table.name.database, table.name.schema) != (name.database, name.schema):
        raise not_supported("ALTER TABLE … SWAP WITH across schemas or with a temporary table")
    with ctx.ddl(table.name, name) as change:
        aside = quote(f"$SWAP_{name.name}")
        change.duck.execute(f"ALTER TABLE {table.name.physical} RENAME TO {aside}")
        change.duck.execute(f"ALTER TABLE {name.physical} RENAME TO {quote(table.name.name)}")
        change.duck.execute(f"ALTER TABLE {quote(name.physical_schema)}.{aside} RENAME TO {quote(name.name)}")
        first, second = table.name, name
        change.put(Object("TABLE", first, other.props, other.owner, other.comment, other.created_on))
        change.put(Object("TABLE", second, table.props, table.owner, table.comment, table.created_on))


def _alter_columns(ctx: Context, reader: Reader, table: Object) -> None:
    """ALTER | MODIFY [COLUMN] c action [, [COLUMN] c action …], with or without brackets around them."""
    reader.accept("(")
    with ctx.ddl(table.name) as change:
        while True:
            reader.accept("COLUMN")
            _alter_column(ctx, reader, table, change)
            if not reader.accept(","):
                break
        reader.accept(")")
        reader.finish()
        _save(ctx, change, table)


def _alter_column(ctx: Context, reader: Reader, table: Object, change: Change) -> None:
    column = _find(table, reader.identifier())
    target = f"ALTER TABLE {ctx.physical(table.name)} ALTER COLUMN {quote(column['name'])}"
    if reader.accept("DROP", "NOT", "NULL"):
        column["nullable"] = True
        change.duck.execute(f"{target} DROP NOT NULL")
    elif reader.accept("SET", "NOT", "NULL") or reader.accept("NOT", "NULL"):
        column["nullable"] = False
        change.duck.execute(f"{target} SET NOT NULL")
    elif reader.accept("DROP", "DEFAULT"):
        column["default"] = None
        change.duck.execute(f"{target} DROP DEFAULT")
    elif reader.accept("SET", "DEFAULT"):
        column["default"] = reader.rest()
        reader.at = len(reader.tokens)
        change.duck.execute(f"{target} SET DEFAULT ({default_sql(ctx, column['default'])})")
    elif reader.accept("COMMENT") or reader.accept("SET", "COMMENT"):
        column["comment"] = reader.string()
    elif reader.accept("UNSET", "COMMENT"):
        column["comment"] = ""
    else:
        reader.accept("SET", "DATA", "TYPE") or reader.accept("TYPE")
        _change_type(ctx, change, table, column, _read_type(reader))


def _read_type(reader: Reader) -> SfType:
    name = reader.next().text
    sizes = f"({reader.parenthesised()})" if reader.peek() == "(" else ""
    try:
        return parse_type(name + sizes)
    except ValueError as error:
        raise compilation_error(str(error), 2040, "42601") from None


def _change_type(ctx: Context, change: Change, table: Object, column: dict[str, Any], new: SfType) -> None:
    """Only a widening is allowed: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column."""
    old = parse_type(column["type"])
    if old.name != new.name or old.scale != new.scale:
        text = f"cannot change column {column['name']} from type {old} to {new}"
        raise compilation_error(f"{text} because they have incompatible types.", 2238, "22000")
    if old.duckdb != new.duckdb:
        for physical in changes.images(ctx, table):
            sql = f"ALTER TABLE {physical} ALTER COLUMN {quote(column['name'])} SET DATA TYPE {new.duckdb}"
            change.duck.execute(sql)
    column["type"] = str(new)


def _set(ctx: Context, reader: Reader, table: Object) -> None:
    """SET option = value …: recorded and shown."""
    if reader.peek() == "TAG":
        raise not_supported("ALTER TABLE … SET TAG")
    options = reader.options()
    reader.finish()
    if unknown := set(options) - set(_RECORDED):
        raise not_supported(f"ALTER TABLE … SET {', '.join(sorted(unknown))}")
    _apply_options(ctx, table, options)


def _apply_options(ctx: Context, table: Object, options: dict[str, Any]) -> None:
    if "COMMENT" in options:
        table.comment = str(options.pop("COMMENT"))
    tracking = options.pop("CHANGE_TRACKING", None)
    table.props |= {key.lower(): int(value) for key, value in options.items()}
    begins = keeps_past(table) and not changes.is_tracked(table)
    with ctx.ddl(table.name) as change:
        _save(ctx, change, table)
        if tracking is not None:
            set_tracking = changes.enable if str(tracking).upper() == "TRUE" else changes.disable
            set_tracking(change, table)
        elif begins:
            changes.enable(change, table, for_time_travel=True)


def _unset(ctx: Context, reader: Reader, table: Object) -> None:
    """UNSET option, …."""
    while not reader.done:
        option = reader.identifier()
        if option == "COMMENT":
            table.comment = ""
        table.props.pop(option.lower(), None)
        reader.accept(",")
    with ctx.ddl(table.name) as change:
        _save(ctx, change, table)


def _cluster(ctx: Context, reader: Reader, table: Object) -> None:
    """CLUSTER BY (…): recorded; a local table is not clustered."""
    reader.expect("BY")
    table.props["cluster_by"] = reader.parenthesised()
    with ctx.ddl(table.name) as change:
        _save(ctx, change, table)


_ACTIONS = {
    "ADD": _add,
    "DROP": _drop,
    "RENAME": _rename,
    "ALTER": _alter_columns,
    "MODIFY": _alter_columns,
    "SWAP": _swap,
    "SET": _set,
    "UNSET": _unset,
    "CLUSTER": _cluster,
}
