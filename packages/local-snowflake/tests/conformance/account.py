"""A connection of the conformance tests."""

from __future__ import annotations

import json
from typing import Any

import pytest
import snowflake.connector
from snowflake.connector.errors import ProgrammingError

PYTHON = "LANGUAGE PYTHON RUNTIME_VERSION = '3.11'"


class Account:
    """A connection that gives rows as tuples."""

    def __init__(self, connection: snowflake.connector.SnowflakeConnection) -> None:
        self.cursor = connection.cursor()

    def __call__(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.cursor.execute(sql).fetchall()]  # type: ignore[union-attr]

    def one(self, sql: str) -> Any:
        return self(sql)[0][0]

    def json(self, expression: str) -> Any:
        return json.loads(self.one(f"SELECT {expression} AS V"))

    def refusal(self, sql: str) -> ProgrammingError:
        with pytest.raises(ProgrammingError) as caught:
            self(sql)
        return caught.value

    def procedure(self, name: str, body: str, returns: str = "VARCHAR", options: str = "") -> None:
        packages = "PACKAGES = ('snowflake-snowpark-python')"
        head = f"CREATE OR REPLACE PROCEDURE {name} RETURNS {returns} {PYTHON} {packages}"
        self(f"{head} HANDLER = 'run' {options} AS $$\n{body}\n$$")

    def function(self, name: str, returns: str, body: str, kind: str = "FUNCTION", options: str = "") -> None:
        self(f"CREATE OR REPLACE {kind} {name} RETURNS {returns} {PYTHON} HANDLER = 'f' {options} AS $$\n{body}\n$$")
