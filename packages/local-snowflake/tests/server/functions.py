"""What tests of user-defined functions share: a session with a table and a function, and statements that make one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from snowflake.snowpark import Session

PYTHON = "LANGUAGE PYTHON RUNTIME_VERSION = '3.11'"


@contextmanager
def functions_session(connection: dict[str, Any], database: str) -> Iterator[Session]:
    """A session in a database of its own, with the table T and the function ADD1."""
    made = Session.builder.configs(connection).create()
    made.sql(f"CREATE OR REPLACE DATABASE {database}").collect()
    made.sql("CREATE TABLE T (A INT, B VARCHAR, C FLOAT, K INT)").collect()
    made.sql(
        "INSERT INTO T SELECT SEQ4(), 'x' || SEQ4(), SEQ4() / 2, SEQ4() % 3 FROM TABLE(GENERATOR(ROWCOUNT => 9))"
    ).collect()
    made.sql(function("ADD1(A INT)", "INT", "def f(a):\n    return None if a is None else a + 1")).collect()
    yield made
    made.close()


def function(
    name: str, returns: str, body: str, *, kind: str = "FUNCTION", options: str = "", handler: str = "f"
) -> str:
    return (
        f"CREATE OR REPLACE {kind} {name} RETURNS {returns} {PYTHON} HANDLER = '{handler}' {options} AS $$\n{body}\n$$"
    )


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(r) for r in session.sql(sql).collect()]


def one(session: Session, sql: str) -> Any:
    return rows(session, sql)[0][0]
