"""SHOW PRIMARY KEYS, UNIQUE KEYS, IMPORTED KEYS and EXPORTED KEYS: keys are recorded, and not enforced.

Source: https://docs.snowflake.com/en/sql-reference/sql/show-primary-keys and the pages of the others
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from local_snowflake.catalog.objects import TABLE, Column, Table
from local_snowflake.errors import does_not_exist
from local_snowflake.execution.context import Context
from local_snowflake.execution.registry import statement
from local_snowflake.execution.results import TIME, Result, rows
from local_snowflake.execution.show_clauses import Clauses, read_clauses, scope
from local_snowflake.sql.names import Name
from local_snowflake.sql.statement import Statement, skip_head

_OF_TABLE = (
    *("created_on", "database_name", "schema_name", "table_name", "column_name", "key_sequence", "constraint_name"),
    *("rely", "comment"),
)
_BETWEEN_TABLES = (
    *("created_on", "pk_database_name", "pk_schema_name", "pk_table_name", "pk_column_name", "fk_database_name"),
    *("fk_schema_name", "fk_table_name", "fk_column_name", "key_sequence", "update_rule", "delete_rule", "fk_name"),
    *("pk_name", "deferrability", "rely", "comment"),
)
_TYPES: dict[str, pa.DataType | None] = {"created_on": TIME, "key_sequence": pa.int64()}
_KEYS = {"PRIMARY KEYS": "PK", "UNIQUE KEYS": "UQ"}


@statement("SHOW", *_KEYS, *(f"TERSE {kind}" for kind in _KEYS))
def show_keys(ctx: Context, stmt: Statement) -> Result:
    """SHOW PRIMARY KEYS | UNIQUE KEYS [IN …]; each column of a unique key of several shows as one of its own."""
    kind = stmt.kind.removeprefix("TERSE ")
    records = []
    for table in _tables(ctx, read_clauses(skip_head(stmt))):
        columns = [c for c in table.props.columns if (c.primary_key if kind == "PRIMARY KEYS" else c.unique)]
        for position, column in enumerate(columns, 1):
            sequence = position if kind == "PRIMARY KEYS" else 1
            name = _key_name(table, column, kind)
            values = (table.created_on, *table.name, column.name, sequence, name, "false", None)
            records.append(dict(zip(_OF_TABLE, values, strict=True)))
    return rows(records, dict.fromkeys(_OF_TABLE) | _TYPES)


def _key_name(table: Table, column: Column, kind: str) -> str:
    parts = (table.name.name,) if kind == "PRIMARY KEYS" else (table.name.name, column.name)
    return "_".join((f"SYS_{_KEYS[kind]}", *parts))


def constraints(table: Table) -> Iterator[tuple[str, str]]:
    """The kinds and names of a table's constraints, one for each of their columns."""
    for column in table.props.columns:
        if column.primary_key:
            yield "PRIMARY KEY", _key_name(table, column, "PRIMARY KEYS")
        if column.unique:
            yield "UNIQUE", _key_name(table, column, "UNIQUE KEYS")
    for _, (name, _) in _references(table):
        yield "FOREIGN KEY", name


@statement("SHOW", "IMPORTED KEYS", "EXPORTED KEYS")
def show_foreign_keys(ctx: Context, stmt: Statement) -> Result:
    """SHOW IMPORTED KEYS | EXPORTED KEYS [IN …]: the foreign keys of tables, or those that refer to them."""
    found = _tables(ctx, read_clauses(skip_head(stmt)))
    shown = {table.name for table in found}
    imported = stmt.kind == "IMPORTED KEYS"
    records = []
    for table in found if imported else ctx.catalog.all(TABLE):
        positions: dict[str, int] = {}
        for column, (name, referred) in _references(table):
            positions[name] = positions.get(name, 0) + 1
            if imported or Name(*referred[:3]) in shown:
                values: tuple[Any, ...] = (table.created_on, *referred, *table.name, column.name, positions[name])
                rules = ("NO ACTION", "NO ACTION", name, f"SYS_PK_{referred[2]}", "NOT DEFERRABLE", "false", None)
                records.append(dict(zip(_BETWEEN_TABLES, (*values, *rules), strict=True)))
    return rows(records, dict.fromkeys(_BETWEEN_TABLES) | _TYPES)


def _references(table: Table) -> Iterator[tuple[Column, tuple[str, tuple[str, ...]]]]:
    """The columns that refer to others: the constraint's name, and the database, schema, table and column."""
    for column in table.props.columns:
        if column.reference is not None:
            name, *referred = column.reference
            yield column, (f"SYS_FK_{table.name.name}_{name}", tuple(referred))


def _tables(ctx: Context, clauses: Clauses) -> list[Table]:
    """The tables that a statement is about. Raises 002003 if it names one that is not there."""
    if clauses.scope == "TABLE" or len(clauses.parts) == 3:
        name = ctx.resolve(list(clauses.parts))
        table = ctx.relation(name)
        if not TABLE.describes(table):
            raise does_not_exist("Table", name.fqn)
        return [table]
    return ctx.catalog.all(TABLE, *scope(ctx, clauses))
