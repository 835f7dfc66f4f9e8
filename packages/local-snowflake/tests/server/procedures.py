"""What tests of procedures share: the statement that makes one, and its answer."""

from __future__ import annotations

from typing import Any

from snowflake.snowpark import Session

PYTHON = "LANGUAGE PYTHON RUNTIME_VERSION = '3.11' PACKAGES = ('snowflake-snowpark-python')"


def procedure(name: str, body: str, returns: str = "VARCHAR", options: str = "") -> str:
    return f"CREATE OR REPLACE PROCEDURE {name} RETURNS {returns} {PYTHON} HANDLER = 'run' {options} AS $$\n{body}\n$$"


def one(session: Session, sql: str) -> Any:
    return session.sql(sql).collect()[0][0]
