"""Columns and constraints of ALTER TABLE: added, dropped, altered.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column
"""

from __future__ import annotations

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change, Object
from local_snowflake.errors import compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.sql.names import normalise, quote
from local_snowflake.sql.statement import Reader
from local_snowflake.sql.types import SfType, parse_type
from local_snowflake.statements.definitions import (
    ColumnProps,
    column_definition,
    constrain,
    default_sql,
    drop_sequences,
    parse_definitions,
    place_of,
)

# the tokenizer makes one token of PRIMARY KEY and of FOREIGN KEY
_CONSTRAINTS = {"CONSTRAINT", "PRIMARY KEY", "UNIQUE", "FOREIGN KEY"}


def save(ctx: Context, change: Change, table: Object) -> None:
    """Catalogue a table that was changed; a temporary one is the session's."""
    if table.props.get("temporary"):
        ctx.session.temporary[table.name] = table
    else:
        change.put(table)


def find(table: Object, column: str) -> ColumnProps:
    """A table's column.

    Raises:
        SnowflakeError: 000904, if there is none of the name.
    """
    columns: list[ColumnProps] = table.props["columns"]
    for found in columns:
        if found["name"] == column:
            return found
    raise compilation_error(f"column '{column}' does not exist", 904, "42000")


def add(ctx: Context, reader: Reader, table: Object) -> None:
    """ADD [COLUMN] [IF NOT EXISTS] definition, [COLUMN] [IF NOT EXISTS] definition, … | ADD constraint.

    IF NOT EXISTS is said of each column.
    """
    if reader.peek() in _CONSTRAINTS:
        _add_constraint(ctx, reader, table)
        return
    known = {c["name"] for c in table.props["columns"]}
    new = []
    while True:
        reader.accept("COLUMN")
        if_not_exists = reader.accept("IF", "NOT", "EXISTS")
        columns, constraints = parse_definitions(ctx, _definition(reader))
        if constraints or len(columns) != 1:
            raise reader.unexpected("a column")
        if columns[0]["name"] not in known:
            new.append(columns[0])
            known.add(columns[0]["name"])
        elif not if_not_exists:
            raise compilation_error(f"column '{columns[0]['name']}' already exists", 1060, "42S21")
        if not reader.accept(","):
            break
    reader.finish()
    with ctx.ddl(table.name) as change:
        for column in new:
            _add_column(ctx, change, table, column)
            table.props["columns"].append(column)
        save(ctx, change, table)


def _definition(reader: Reader) -> str:
    """Read up to the next comma outside of brackets; returns the text."""
    start, depth = reader.position, 0
    while not reader.done and not (depth == 0 and reader.peek() == ","):
        depth += {"(": 1, ")": -1}.get(reader.peek(), 0)
        reader.next()
    return reader.sql[start : reader.position]


def _add_constraint(ctx: Context, reader: Reader, table: Object) -> None:
    """ADD [CONSTRAINT name] PRIMARY KEY | UNIQUE | FOREIGN KEY …."""
    columns, constraints = parse_definitions(ctx, reader.rest())
    if columns or len(constraints) != 1:
        raise reader.unexpected("a constraint")
    required = constrain(ctx, table.props["columns"], constraints[0])
    with ctx.ddl(table.name) as change:
        for column in required:
            target = f"ALTER TABLE {ctx.physical(table.name)} ALTER COLUMN {quote(column['name'])}"
            change.duck.execute(f"{target} SET NOT NULL")
        save(ctx, change, table)


def _add_column(ctx: Context, change: Change, table: Object, column: ColumnProps) -> None:
    physical = ctx.physical(table.name)
    if not column["nullable"] and column["default"] is None and not column.get("identity"):
        empty = not change.duck.execute(f"SELECT 1 FROM {physical} LIMIT 1").fetchone()
        if not empty:
            text = f"Non-nullable column '{column['name']}' cannot be added to non-empty table '{table.name.name}'"
            raise compilation_error(f"{text} unless it has a non-null default value.", 2260, "42601")
    place = place_of(table.name, temporary=bool(table.props.get("temporary")))
    nullable = column | {"nullable": True}
    definition = column_definition(ctx, change, place, nullable)
    column |= nullable | {"nullable": column["nullable"]}
    change.duck.execute(f"ALTER TABLE {physical} ADD COLUMN {definition}")
    for history in streams.version_tables(ctx, table)[1:]:
        kept = definition if not column.get("identity") else f"{quote(column['name'])} BIGINT"
        change.duck.execute(f"ALTER TABLE {history} ADD COLUMN {kept}")
    if not column["nullable"]:
        change.duck.execute(f"ALTER TABLE {physical} ALTER COLUMN {quote(column['name'])} SET NOT NULL")


def drop(ctx: Context, reader: Reader, table: Object) -> None:
    """DROP [COLUMN] [IF EXISTS] name, …."""
    if reader.accept("CLUSTERING", "KEY"):
        return
    if reader.peek() in _CONSTRAINTS:
        _drop_constraint(ctx, reader, table)
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
            gone = find(table, name)
            table.props["columns"].remove(gone)
            for physical in streams.version_tables(ctx, table):
                change.duck.execute(f"ALTER TABLE {physical} DROP COLUMN {quote(name)}")
            drop_sequences(change, table, [gone])
        save(ctx, change, table)


def _drop_constraint(ctx: Context, reader: Reader, table: Object) -> None:
    """DROP PRIMARY KEY | UNIQUE (c, …): the columns stay NOT NULL, as in Snowflake."""
    if reader.accept("PRIMARY KEY"):
        mark, columns = "primary_key", table.props["columns"]
    elif reader.accept("UNIQUE"):
        mark, columns = "unique", [find(table, normalise(name)) for name in reader.parenthesised().split(",")]
    else:
        raise not_supported(f"ALTER TABLE … DROP {reader.rest()}")
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    for column in columns:
        column.pop(mark, None)
    with ctx.ddl(table.name) as change:
        save(ctx, change, table)


def alter(ctx: Context, reader: Reader, table: Object) -> None:
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
        save(ctx, change, table)


def _alter_column(ctx: Context, reader: Reader, table: Object, change: Change) -> None:
    column = find(table, reader.identifier())
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


def _change_type(ctx: Context, change: Change, table: Object, column: ColumnProps, new: SfType) -> None:
    """Only a widening is allowed: https://docs.snowflake.com/en/sql-reference/sql/alter-table-column."""
    old = parse_type(column["type"])
    if old.name != new.name or old.scale != new.scale:
        text = f"cannot change column {column['name']} from type {old} to {new}"
        raise compilation_error(f"{text} because they have incompatible types.", 2238, "22000")
    if old.duckdb != new.duckdb:
        for physical in streams.version_tables(ctx, table):
            sql = f"ALTER TABLE {physical} ALTER COLUMN {quote(column['name'])} SET DATA TYPE {new.duckdb}"
            change.duck.execute(sql)
    column["type"] = str(new)
