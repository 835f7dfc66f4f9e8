"""The registry of sessions, and what ends idle ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.objects import DATABASE, SCHEMA, DatabaseProps, Object
from local_snowflake.catalog.storage import Storage
from local_snowflake.errors import SnowflakeError
from local_snowflake.sessions.idle import IdleLimits, IdleSessions
from local_snowflake.sessions.locks import LockTable, Resource
from local_snowflake.sessions.registry import SessionRegistry
from local_snowflake.sessions.session import Session
from local_snowflake.sql.names import Name

LOCKS = LockTable()


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[SessionRegistry]:
    storage = Storage(tmp_path / "snowflake.duckdb")
    catalog = Catalog(storage.cursor())
    with catalog.change(storage.cursor()) as change:
        change.put(Object(DATABASE, Name("", "", "D"), DatabaseProps()))
        change.put(Object(SCHEMA, Name("D", "", "PUBLIC"), DatabaseProps()))
    registry = SessionRegistry(catalog, lambda user: Session(storage.cursor(), LOCKS, user))
    yield registry
    registry.close_all(5.0)
    storage.close()


@pytest.mark.parametrize(
    ("database", "schema", "current"),
    [
        (None, None, (None, None)),
        ("D", None, ("D", None)),
        ("D", "PUBLIC", ("D", "PUBLIC")),
        ("D", "MISSING", ("D", None)),
        ("MISSING", "PUBLIC", (None, None)),
    ],
)
def test_a_session_begins_in_what_is_there(
    sessions: SessionRegistry, database: str | None, schema: str | None, current: tuple[str | None, str | None]
) -> None:
    session = sessions.open("someone", database, schema).session
    assert (session.database, session.schema) == current


def test_a_procedure_leaves_its_callers_session_open(sessions: SessionRegistry) -> None:
    caller = sessions.open("someone")
    caller.session.begin()
    inner = sessions.attach(caller)
    assert inner.session is caller.session
    assert inner.callers_transaction == caller.session.transaction
    assert sessions.by_session() == {caller.session: [caller, inner]}
    sessions.close(inner)
    assert sessions.find(inner.value) is None
    assert sessions.find(caller.value) is caller
    assert caller.session.in_transaction


def test_a_transaction_is_aborted_by_its_number(sessions: SessionRegistry) -> None:
    token = sessions.open("someone")
    token.session.begin()
    number = token.session.transaction
    assert number is not None
    assert not sessions.abort(number + 1_000_000)
    assert sessions.abort(number)
    assert not token.session.in_transaction
    reason = token.session.take_aborted()
    assert isinstance(reason, SnowflakeError)
    assert f"Transaction {number} was aborted and rolled back: SYSTEM$ABORT_TRANSACTION" in reason.message
    assert token.session.take_aborted() is None


def test_an_idle_session_ends_unless_a_statement_runs(sessions: SessionRegistry) -> None:
    busy, idle = sessions.open("busy"), sessions.open("idle")
    watch = IdleSessions(sessions, LOCKS, IdleLimits(transaction=1000.0, session=-1.0))
    with busy.lock:
        watch.end_idle()
    assert sessions.tokens() == [busy]
    assert sessions.find(idle.value) is None


def test_an_idle_transaction_is_rolled_back_only_if_others_wait(sessions: SessionRegistry) -> None:
    token = sessions.open("someone")
    token.session.begin()
    token.session.lock(Resource("D.PUBLIC.T"))
    watch = IdleSessions(sessions, LOCKS, IdleLimits(transaction=-1.0, session=1000.0))
    watch.end_idle()
    assert token.session.in_transaction
