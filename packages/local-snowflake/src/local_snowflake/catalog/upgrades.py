"""What earlier versions wrote into a data directory otherwise, changed when it opens."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import duckdb

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.grants import GrantProps
from local_snowflake.catalog.objects import GRANT, ROLE, SCHEMA, TABLE, Column, Table
from local_snowflake.sql.names import META_SCHEMA, Name, history_name, physical_schema, quote, split_parts
from local_snowflake.sql.types import parse_type, zoned_sql

logger = logging.getLogger(__name__)
_FORMAT = f"{quote(META_SCHEMA)}.format"
# what this version writes; 0 has no number, and DuckDB schemas named by parts with dots between them; before 2 a
# TIMESTAMP_TZ had no offset
FORMAT = 2


def _drop_stored_defaults(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Drop the defaults that are in DuckDB's file: its macros could not be replaced for them."""
    sql = "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE column_default IS NOT NULL"
    stored = set(duck.execute(sql).fetchall())
    for table in catalog.all(TABLE):
        for schema in {table.name.physical_schema, _old_schema(table)}:
            for column in table.props.columns:
                if column.default is not None and (schema, table.name.name, column.name) in stored:
                    target = f"{quote(schema)}.{quote(table.name.name)}"
                    duck.execute(f"ALTER TABLE {target} ALTER COLUMN {quote(column.name)} DROP DEFAULT")


def _move_dotted_schemas(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Give schemas with dots in their names, or their databases', DuckDB schemas of their own: two could share one."""
    moves = [o.name for o in catalog.all(SCHEMA) if physical_schema(o.name.database, o.name.name) != _dotted(o.name)]
    # a new name is longer than the old one, and may be the old one of another schema
    for name in sorted(moves, key=lambda name: len(_dotted(name)), reverse=True):
        duck.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(physical_schema(name.database, name.name))}")
        for table in catalog.all(TABLE, name.database, name.name):
            _move(duck, table)


def _move(duck: duckdb.DuckDBPyConnection, table: Table) -> None:
    old, new = (quote(schema) for schema in (_old_schema(table), table.name.physical_schema))
    definition = duck.execute(
        "SELECT sql FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
        [_old_schema(table), table.name.name],
    ).fetchone()
    if definition is None:
        return
    sequences = [column for column in table.props.columns if column.sequence]
    for column in sequences:
        _copy_sequence(duck, old, new, column)
    duck.execute(str(definition[0]).replace(f"{old}.", f"{new}."))
    source = f"{old}.{quote(table.name.name)}"
    duck.execute(f"INSERT INTO {table.name.physical} SELECT * FROM {source}")
    duck.execute(f"DROP TABLE {source}")
    for column in sequences:
        duck.execute(f"DROP SEQUENCE {old}.{quote(str(column.sequence))}")


def _copy_sequence(duck: duckdb.DuckDBPyConnection, old: str, new: str, column: Column) -> None:
    sql = (
        "SELECT coalesce(last_value + increment_by, start_value), increment_by FROM duckdb_sequences() "
        "WHERE concat('\"', schema_name, '\"') = ? AND sequence_name = ?"
    )
    for start, step in duck.execute(sql, [old, column.sequence]).fetchall():
        duck.execute(f"CREATE SEQUENCE {new}.{quote(str(column.sequence))} START {start} INCREMENT {step}")


_GRANT = re.compile(
    r'(?P<privileges>.+?)(?: ON (?P<kind>ACCOUNT|.+?) ?(?P<name>(?:"[^"]*"|[^\s"])*))? '
    r"TO (?P<to>ROLE |USER )?(?P<grantee>.+?)(?P<option> WITH GRANT OPTION)?"
)
_FUTURE = re.compile(r"FUTURE (.+)S IN (?:SCHEMA|DATABASE)")


def _structure_grants(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Give a grant that has only a name, eg: ``SELECT ON TABLE D.S.T TO ROLE R``, what the name says.

    What it says of all objects of a kind is dropped: it had no effect, and did not say which they were.
    """
    named = [grant for grant in catalog.all(GRANT) if not grant.props.privilege]
    if not named:
        return
    with catalog.change(duck) as change:
        for grant in named:
            change.drop(grant)
            if (found := _GRANT.fullmatch(grant.name.name)) and not (found["kind"] or "").startswith("ALL "):
                for props in _grants_of(found):
                    change.put(replace(grant, name=props.name, props=props))


def _grants_of(found: re.Match[str]) -> Iterator[GrantProps]:
    kind, parts, privileges = found["kind"] or "", split_parts(found["name"] or ""), found["privileges"].split(", ")
    if not kind and privileges[0].startswith("ROLE "):
        kind, parts, privileges = ROLE, split_parts(privileges[0].removeprefix("ROLE ")), ["USAGE"]
    future = _FUTURE.fullmatch(kind)
    if kind == SCHEMA and len(parts) == 2:
        parts.insert(1, "")
    target = Name(*(*parts, "", "")[:3]) if future else Name(*("", "", "", *parts)[-3:])
    to, grantee = (found["to"] or ROLE).strip(), split_parts(found["grantee"])[0]
    for privilege in privileges:
        on = future[1] if future else kind
        yield GrantProps(
            privilege, on, target, to, grantee, grant_option=bool(found["option"]), future=future is not None
        )


def _old_schema(table: Table) -> str:
    return _dotted(Name(table.name.database, "", table.name.schema))


def _dotted(schema: Name) -> str:
    return f"{schema.database}.{schema.name}"


def _give_offsets(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Let each TIMESTAMP_TZ have an offset, that of UTC: the one with which it was written is not known."""
    sql = "SELECT schema_name, table_name, column_name FROM duckdb_columns() WHERE data_type = ?"
    stored = set(duck.execute(sql, ["TIMESTAMP WITH TIME ZONE"]).fetchall())
    for table in catalog.all(TABLE):
        places = [(table.name.physical_schema, table.name.name)]
        if table.props.change_tracking:
            places.append((META_SCHEMA, history_name(table.props.change_tracking.id)))
        zoned = [c.name for c in table.props.columns if parse_type(c.type).name == "TIMESTAMP_TZ"]
        for schema, name, column in [(*place, column) for place in places for column in zoned]:
            if (schema, name, column) in stored:
                value = zoned_sql(f"timezone('UTC', {quote(column)})", "0")
                target = f"{quote(schema)}.{quote(name)} ALTER COLUMN {quote(column)}"
                duck.execute(f"ALTER TABLE {target} SET DATA TYPE INTERVAL USING {value}")


def upgrade(duck: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
    """Bring a directory to the present format; an interrupted one is brought there at the next start."""
    number = read_format(duck)
    if number > FORMAT:
        logger.warning(
            "a later version of the local Snowflake wrote the directory (format %d, this version knows %d): what this "
            "version does not know is out of reach. Serve it with that version",
            *(number, FORMAT),
        )
        catalog.is_whole = False
        return
    _drop_stored_defaults(duck, catalog)
    _structure_grants(duck, catalog)
    if number < FORMAT:
        duck.execute("BEGIN TRANSACTION")
        if number < 1:
            _move_dotted_schemas(duck, catalog)
        _give_offsets(duck, catalog)
        duck.execute(f"CREATE TABLE IF NOT EXISTS {_FORMAT} (number BIGINT NOT NULL)")
        duck.execute(f"INSERT INTO {_FORMAT} VALUES ({FORMAT})")
        duck.execute("COMMIT")


def read_format(duck: duckdb.DuckDBPyConnection) -> int:
    """The number of a directory's format; a later version may have written a higher one than ``FORMAT``."""
    there = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = ? AND table_name = 'format'"
    if duck.execute(there, [META_SCHEMA]).fetchall() == [(0,)]:
        return 0
    ((number,),) = duck.execute(f"SELECT coalesce(max(number), 0) FROM {_FORMAT}").fetchall()
    return int(number)
