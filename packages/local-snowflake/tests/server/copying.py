"""What the tests of COPY share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snowflake.snowpark import Row, Session

CSV = "FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"')"
GOOD = "ID,NAME,AMOUNT,DAY\n1,a,1.5,2020-01-01\n2,b,,\n"
Stage = Callable[[Mapping[str, str | bytes]], str]


def run(session: Session, sql: str) -> list[Row]:
    """Run a statement."""
    return session.sql(sql).collect()


def rows(session: Session, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    return [tuple(r) for r in run(session, sql)]
