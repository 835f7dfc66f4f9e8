"""Fixtures: a session in a database of its own; staged files and a table for COPY; a model and its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from snowflake.snowpark import Session
from tests.server.copying import Stage, run

if TYPE_CHECKING:
    from tests.server.scene import Scene


@pytest.fixture(scope="module")
def session(request: pytest.FixtureRequest, snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    """A session in a database with the name of the test module, eg: T_BASICS."""
    made = Session.builder.configs(snowflake_connection).create()
    made.sql(f"CREATE OR REPLACE DATABASE T_{request.module.__name__.rpartition('.')[2].partition('_')[2]}").collect()
    yield made
    made.close()


@pytest.fixture
def stage(session: Session, tmp_path: Path) -> Stage:
    """Stages texts or bytes as files: ``stage({"a.csv": "…"})`` gives the location."""
    run(session, "CREATE OR REPLACE STAGE ST")

    def put(files: Mapping[str, str | bytes]) -> str:
        for name, content in files.items():
            path = tmp_path / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            session.file.put(str(path), "@ST", auto_compress=False, overwrite=True)
        return "@ST"

    return put


@pytest.fixture
def table(session: Session) -> str:
    """The table T."""
    columns = "ID INT NOT NULL, NAME VARCHAR(5), AMOUNT NUMBER(10,2), DAY DATE"
    run(session, f"CREATE OR REPLACE TABLE T ({columns})")
    return "T"


@pytest.fixture(scope="session")
def scene(snowflake_connection: dict[str, Any]) -> Iterator[Scene]:
    """A session, a table T of rows, and a model M with versions V1 and V2."""
    from tests.server.scene import set_scene

    with set_scene(snowflake_connection) as made:
        yield made
