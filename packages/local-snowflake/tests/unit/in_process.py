"""Statements in an account that runs in the process of the tests: no server, no protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError
from local_snowflake.execution.results import Result
from local_snowflake.sessions.token import SessionToken


class Runner:
    """Runs statements in a session; ``translated`` and ``compiled`` count its compilations and keep the last."""

    def __init__(self, account: Account, token: SessionToken) -> None:
        self.account = account
        self.token = token
        self.translated = 0
        self.compiled = ""

    def result(self, sql: str) -> Result:
        """A statement's result, with the types of its columns."""
        return self.account.execute(self.token, sql)

    def describe(self, sql: str) -> list[tuple[str, str]]:
        """The names and types of the columns that a statement would give."""
        return [(column.name, column.type.name) for column in self.account.describe(self.token, sql).columns]

    def __call__(self, sql: str, **values: tuple[str, str | None]) -> list[tuple[Any, ...]]:
        """A statement's rows; bind values are named ``_1``, ``_2``, …: a type of the protocol and a value."""
        bindings = {number[1:]: {"type": kind, "value": value} for number, (kind, value) in values.items()}
        table = self.account.execute(self.token, sql, bindings).table
        return [tuple(row.values()) for row in table.to_pylist()]

    def duck(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of DuckDB's own SQL."""
        return self.account.context(self.token).query(sql)


class Directory:
    """A data directory that is opened and closed in the process of the tests."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "snowflake.duckdb"
        self._opened: Account | None = None

    def open(self) -> Runner:
        """Open the directory, after what was open before is closed: a session in D.PUBLIC."""
        self.close()
        self._opened = Account(self.path)
        run = Runner(self._opened, self._opened.sessions.open("TEST"))
        run("CREATE DATABASE IF NOT EXISTS D")
        run("USE SCHEMA D.PUBLIC")
        return run

    def close(self) -> None:
        """Close what is open."""
        if self._opened is not None:
            self._opened.close()
        self._opened = None


# DuckDB's own text that the file may hold: what needs nothing of the server
_OWN_DEFAULTS = r"nextval\(.*\)|getvariable\('\$VERSION'\)|CAST\('t' AS BOOLEAN\)|true"
_DEPENDING = """
SELECT 'default', table_name, column_name, column_default FROM duckdb_columns()
WHERE database_name = current_database() AND NOT regexp_full_match(column_default, ?, 'i')
UNION ALL SELECT 'view', schema_name, view_name, sql FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal
UNION ALL SELECT 'index', schema_name, index_name, sql FROM duckdb_indexes() WHERE database_name = current_database()
UNION ALL SELECT constraint_type, schema_name, table_name, constraint_text FROM duckdb_constraints()
WHERE database_name = current_database() AND constraint_type <> 'NOT NULL'
UNION ALL SELECT 'macro', schema_name, function_name, macro_definition FROM duckdb_functions()
WHERE database_name = current_database() AND schema_name <> 'main' AND NOT internal
UNION ALL SELECT 'type', schema_name, type_name, '' FROM duckdb_types()
WHERE database_name = current_database() AND schema_name <> 'main' AND NOT internal
"""


def depending(account: Account) -> list[tuple[Any, ...]]:
    """What the DuckDB file holds that could need the server's macros, functions or settings when it opens."""
    run = Runner(account, account.sessions.open("LOOK"))
    try:
        return run.account.context(run.token).query(_DEPENDING, [_OWN_DEFAULTS])
    finally:
        account.sessions.close(run.token)


def code(run: Runner, sql: str) -> int | None:
    """The code of a statement's error; None if it runs."""
    try:
        run(sql)
    except SnowflakeError as error:
        return error.code
    return None
