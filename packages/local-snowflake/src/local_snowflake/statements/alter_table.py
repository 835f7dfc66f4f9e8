"""ALTER TABLE: columns and constraints, names, swaps and options.

Source: https://docs.snowflake.com/en/sql-reference/sql/alter-table, …/sql/alter-table-column
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_snowflake import streams
from local_snowflake.catalog.catalog import Change
from local_snowflake.catalog.objects import TABLE, Column, Table
from local_snowflake.errors import already_exists, compilation_error, not_supported
from local_snowflake.execution.context import Context
from local_snowflake.execution.objects import read_existing
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import Result, status
from local_snowflake.routines.definition import read_type
from local_snowflake.sql.dialect import parse, upper_case
from local_snowflake.sql.names import Name, normalise, quote
from local_snowflake.sql.statement import Reader, Statement
from local_snowflake.sql.types import parse_type
from local_snowflake.statements import definitions
from local_snowflake.statements.clones import copy_definition
from local_snowflake.statements.columns.changes import add_column, change_type, save, with_columns, without
from local_snowflake.statements.tables import DAYS, keeps_past, read_days, read_flag, written_key

_OPTIONS = (*DAYS, "CHANGE_TRACKING", "COMMENT")
# the tokenizer makes one token of PRIMARY KEY and of FOREIGN KEY
_CONSTRAINTS = {"CONSTRAINT", "PRIMARY KEY", "UNIQUE", "FOREIGN KEY"}


@statement("ALTER", "TABLE")
def alter_table(ctx: Context, stmt: Statement) -> Result:
    """ALTER TABLE [IF EXISTS] name action."""
    reader, table = read_existing(ctx, stmt, TABLE)
    if table is None:
        return status()
    action = reader.accept_any(*_ACTIONS)
    if action is None:
        raise not_supported(f"ALTER TABLE … {reader.peek()}")
    _ACTIONS[action](ctx, reader, table)
    return status()


def _rename(ctx: Context, reader: Reader, table: Table) -> None:
    """RENAME TO name | RENAME COLUMN a TO b."""
    if reader.accept("COLUMN"):
        old = reader.identifier()
        reader.expect("TO")
        new = reader.identifier()
        reader.finish()
        with ctx.ddl(table.name) as change:
            column = _find(table, old)
            for physical in streams.version_tables(ctx, table):
                change.duck.execute(f"ALTER TABLE {physical} RENAME COLUMN {quote(old)} TO {quote(new)}")
            save(ctx, change, _replace_column(table, column, replace(column, name=new)))
        return
    reader.expect("TO")
    name = ctx.resolve(reader.name_parts(), action="ALTER TABLE")
    reader.finish()
    if ctx.relation(name):
        raise already_exists(name.fqn)
    if table.props.temporary:
        raise not_supported("ALTER TABLE … RENAME of a temporary table")
    with ctx.ddl(table.name, name) as change:
        move_table(ctx, change, table, name)


def move_table(ctx: Context, change: Change, table: Table, name: Name) -> None:
    """Give a table another name, also in another schema or database."""
    old = table.name
    if (old.database, old.schema) == (name.database, name.schema):
        change.duck.execute(f"ALTER TABLE {old.physical} RENAME TO {quote(name.name)}")
    else:
        columns = copy_definition(ctx, change, table, name, name.physical)
        streams.move_rows(change, table, name)
        change.duck.execute(f"DROP TABLE {old.physical}")
        definitions.drop_sequences(change, table, table.props.columns)
        table = replace(table, props=replace(table.props, columns=columns))
    change.rename(table, name)


def _swap(ctx: Context, reader: Reader, table: Table) -> None:
    """SWAP WITH other."""
    reader.expect("WITH")
    name = ctx.resolve(reader.name_parts(), action="ALTER TABLE")
    other = ctx.catalog.need(TABLE, name)
    if table.props.temporary or (table.name.database, table.name.schema) != (name.database, name.schema):
        raise not_supported("ALTER TABLE … SWAP WITH across schemas or with a temporary table")
    with ctx.ddl(table.name, name) as change:
        interim = quote(f"$SWAP_{name.name}")
        change.duck.execute(f"ALTER TABLE {table.name.physical} RENAME TO {interim}")
        change.duck.execute(f"ALTER TABLE {name.physical} RENAME TO {quote(table.name.name)}")
        change.duck.execute(f"ALTER TABLE {quote(name.physical_schema)}.{interim} RENAME TO {quote(name.name)}")
        change.put(replace(other, name=table.name))
        change.put(replace(table, name=name))


def _set(ctx: Context, reader: Reader, table: Table) -> None:
    """SET option = value …: recorded and shown."""
    if reader.peek() == "TAG":
        raise not_supported("ALTER TABLE … SET TAG")
    options = reader.options()
    reader.finish()
    _change_options(ctx, table, "SET", options)


def _unset(ctx: Context, reader: Reader, table: Table) -> None:
    """UNSET option, …: the option has its default again, which for CHANGE_TRACKING is FALSE."""
    options = dict.fromkeys(reader.listed(reader.identifier))
    reader.finish()
    _change_options(ctx, table, "UNSET", options)


def _change_options(ctx: Context, table: Table, action: str, options: Mapping[str, object]) -> None:
    """Save a table's new options, of which None is the default, and switch its change tracking on or off with them."""
    if unknown := set(options) - set(_OPTIONS):
        raise not_supported(f"ALTER TABLE … {action} {', '.join(sorted(unknown))}")
    chosen = {key: value for key, value in options.items() if value is not None}
    days: dict[str, Any] = {k.lower(): read_days(k, chosen[k]) if k in chosen else None for k in DAYS if k in options}
    comment = str(chosen.get("COMMENT", "" if "COMMENT" in options else table.comment))
    tracked = "CHANGE_TRACKING" in chosen and read_flag("CHANGE_TRACKING", chosen["CHANGE_TRACKING"])
    table = replace(table, props=replace(table.props, **days), comment=comment)
    begins = keeps_past(table) and not streams.is_tracked(table)
    with ctx.ddl(table.name) as change:
        save(ctx, change, table)
        if "CHANGE_TRACKING" in options:
            set_tracking = streams.enable if tracked else streams.disable
            set_tracking(change, table)
        elif begins:
            streams.enable(change, table, for_time_travel=True)


def _cluster(ctx: Context, reader: Reader, table: Table) -> None:
    """CLUSTER BY (…): recorded; a local table is not clustered."""
    props = replace(table.props, cluster_by=written_key(reader))
    reader.finish()
    with ctx.ddl(table.name) as change:
        save(ctx, change, replace(table, props=props))


# -- columns and constraints ------------------------------------------------------------------------------------------


def _find(table: Table, column: str) -> Column:
    """A table's column. Raises 000904 if there is none of the name."""
    for found in table.props.columns:
        if found.name == column:
            return found
    raise compilation_error(f"column '{column}' does not exist", 904, "42000")


def _replace_column(table: Table, old: Column, new: Column) -> Table:
    return with_columns(table, (new if c is old else c for c in table.props.columns))


def _add(ctx: Context, reader: Reader, table: Table) -> None:
    """ADD [COLUMN] [IF NOT EXISTS] definition, [COLUMN] [IF NOT EXISTS] definition, … | ADD constraint.

    IF NOT EXISTS is for one column.
    """
    if reader.peek() in _CONSTRAINTS:
        _add_constraint(ctx, reader, table)
        return
    names = {c.name for c in table.props.columns}
    new: list[Column] = []
    while True:
        reader.accept("COLUMN")
        if_not_exists = reader.accept("IF", "NOT", "EXISTS")
        columns, constraints = definitions.parse_definitions(ctx, _definition(reader))
        if constraints or len(columns) != 1:
            raise reader.unexpected("a column")
        if columns[0].name not in names:
            new.append(columns[0])
            names.add(columns[0].name)
        elif not if_not_exists:
            raise compilation_error(f"column '{columns[0].name}' already exists", 1060, "42S21")
        if not reader.accept(","):
            break
    reader.finish()
    with ctx.ddl(table.name) as change:
        added = [add_column(ctx, change, table, column) for column in new]
        save(ctx, change, with_columns(table, (*table.props.columns, *added)))


def _definition(reader: Reader) -> str:
    """Read up to the next comma outside of brackets; returns the text."""
    start, depth = reader.position, 0
    while not reader.done and not (depth == 0 and reader.peek() == ","):
        depth += {"(": 1, ")": -1}.get(reader.peek(), 0)
        reader.next()
    return reader.sql[start : reader.position]


def _add_constraint(ctx: Context, reader: Reader, table: Table) -> None:
    """ADD [CONSTRAINT name] PRIMARY KEY | UNIQUE | FOREIGN KEY …."""
    columns, constraints = definitions.parse_definitions(ctx, reader.rest())
    if columns or len(constraints) != 1:
        raise reader.unexpected("a constraint")
    constrained = definitions.constrain(ctx, table.props.columns, constraints[0])
    with ctx.ddl(table.name) as change:
        for old, new in zip(table.props.columns, constrained, strict=True):
            if old.nullable and not new.nullable:
                target = f"ALTER TABLE {ctx.physical(table.name)} ALTER COLUMN {quote(old.name)}"
                change.duck.execute(f"{target} SET NOT NULL")
        save(ctx, change, with_columns(table, constrained))


def _drop(ctx: Context, reader: Reader, table: Table) -> None:
    """DROP [COLUMN] [IF EXISTS] name, …."""
    if reader.accept("CLUSTERING", "KEY"):
        reader.finish()
        with ctx.ddl(table.name) as change:
            save(ctx, change, replace(table, props=replace(table.props, cluster_by=None)))
        return
    if reader.peek() in _CONSTRAINTS:
        _drop_constraint(ctx, reader, table)
        return
    reader.accept("COLUMN")
    if_exists = reader.accept("IF", "EXISTS")
    names = reader.listed(reader.identifier)
    reader.finish()
    with ctx.ddl(table.name) as change:
        for name in names:
            if not if_exists or name in {c.name for c in table.props.columns}:
                table = without(ctx, change, table, _find(table, name))
        save(ctx, change, table)


def _drop_constraint(ctx: Context, reader: Reader, table: Table) -> None:
    """DROP PRIMARY KEY | UNIQUE (c, …): the columns stay NOT NULL, as in Snowflake."""
    columns = table.props.columns
    if reader.accept("PRIMARY KEY"):
        columns = tuple(replace(c, primary_key=False) for c in columns)
    elif reader.accept("UNIQUE"):
        free = [_find(table, normalise(name)) for name in reader.parenthesised().split(",")]
        columns = tuple(replace(c, unique=False) if c in free else c for c in columns)
    else:
        raise not_supported(f"ALTER TABLE … DROP {reader.rest()}")
    reader.accept_any("CASCADE", "RESTRICT")
    reader.finish()
    with ctx.ddl(table.name) as change:
        save(ctx, change, with_columns(table, columns))


def _alter(ctx: Context, reader: Reader, table: Table) -> None:
    """ALTER | MODIFY [COLUMN] c action [, [COLUMN] c action …], with or without brackets around them."""
    reader.accept("(")
    with ctx.ddl(table.name) as change:
        while True:
            reader.accept("COLUMN")
            column = _find(table, reader.identifier())
            table = _replace_column(table, column, _alter_column(ctx, reader, table, column, change))
            if not reader.accept(","):
                break
        reader.accept(")")
        reader.finish()
        save(ctx, change, table)


def _alter_column(ctx: Context, reader: Reader, table: Table, column: Column, change: Change) -> Column:
    """Read what is to change of a column, change DuckDB's table; returns the column as the catalog is to have it."""
    target = f"ALTER TABLE {ctx.physical(table.name)} ALTER COLUMN {quote(column.name)}"
    for action, words in (("DROP", ("DROP",)), ("SET", ("SET",)), ("SET", ())):
        if reader.accept(*words, "NOT", "NULL"):
            change.duck.execute(f"{target} {action} NOT NULL")
            return replace(column, nullable=action == "DROP")
    if reader.accept("DROP", "DEFAULT"):
        return replace(column, default=None)
    if reader.accept("SET", "DEFAULT"):
        default = definitions.read_default(ctx, upper_case(parse(f"SELECT {reader.rest()}")).expressions[0])
        reader.at = len(reader.tokens)
        column = replace(column, default=default)
        definitions.check_default(ctx, change, column)
        return column
    if reader.accept("COMMENT") or reader.accept("SET", "COMMENT"):
        return replace(column, comment=reader.string())
    if reader.accept("UNSET", "COMMENT"):
        return replace(column, comment="")
    reader.accept("SET", "DATA", "TYPE") or reader.accept("TYPE")
    name = reader.next().text
    sizes = f"({reader.parenthesised()})" if reader.peek() == "(" else ""
    return change_type(ctx, change, table, column, parse_type(read_type(name + sizes)))


_ACTIONS = {
    "ADD": _add,
    "DROP": _drop,
    "RENAME": _rename,
    "ALTER": _alter,
    "MODIFY": _alter,
    "SWAP": _swap,
    "SET": _set,
    "UNSET": _unset,
    # one token for sqlglot
    "CLUSTER BY": _cluster,
}
