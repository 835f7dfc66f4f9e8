"""Names of objects: how they are written, compared and stored."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")
META_SCHEMA = "$META"


def normalise(identifier: str) -> str:
    """The stored form of an identifier: upper case unless quoted.

    Source: https://docs.snowflake.com/en/sql-reference/identifiers-syntax
    """
    identifier = identifier.strip()
    if len(identifier) >= 2 and identifier[0] == '"' == identifier[-1]:
        return identifier[1:-1].replace('""', '"')
    return identifier.upper()


def quote(identifier: str) -> str:
    """An identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def shown(identifier: str) -> str:
    """An identifier as Snowflake prints it: quoted only where it must be."""
    return identifier if _PLAIN.match(identifier) else quote(identifier)


def literal(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


class Name(NamedTuple):
    """The full name of an object in a schema."""

    database: str
    schema: str
    name: str

    @property
    def fqn(self) -> str:
        """The name as Snowflake prints it, eg: ``DB.PUBLIC."t"``."""
        return ".".join(shown(part) for part in self)

    @property
    def physical_schema(self) -> str:
        """The DuckDB schema that holds the objects of this Snowflake schema."""
        return physical_schema(self.database, self.schema)

    @property
    def physical(self) -> str:
        """The DuckDB table, quoted."""
        return f"{quote(self.physical_schema)}.{quote(self.name)}"


def physical_schema(database: str, schema: str) -> str:
    """One DuckDB file holds every Snowflake database, so that a transaction may span them: DB.SCHEMA is one schema."""
    return joined((database, schema))


def joined(parts: Iterable[str]) -> str:
    """One name for the parts of another one, with dots between them; different parts never give the same."""
    return ".".join(part.replace("%", "%25").replace(".", "%2E") for part in parts)


def split_parts(text: str) -> list[str]:
    """Split a dotted name into its normalised parts, eg: ``db."s.x".t`` -> [DB, s.x, T]."""
    return [normalise(part) for part in re.findall(r'"(?:[^"]|"")*"|[^.\s]+', text.strip())]


def history_name(tracked_id: int) -> str:
    """The name of the DuckDB table of a tracked table's archived row versions, in ``META_SCHEMA``."""
    return f"$HISTORY_{tracked_id}"
