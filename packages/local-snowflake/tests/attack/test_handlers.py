"""What a handler in Python starts, and what it finds of the server."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from snowflake.snowpark import Session
from tests.server.procedures import one, procedure

STARTS = """
import os, subprocess, sys
def run(session, how):
    command = [sys.executable, '-c', 'import time; time.sleep(3600)']
    if how == 'child':
        return str(subprocess.Popen(command).pid)
    if how == 'session':
        return str(subprocess.Popen(command, start_new_session=True).pid)
    if how == 'waited':
        command[-1] = 'import os; print(os.getpid())'
        return subprocess.run(command, capture_output=True, text=True).stdout
    # a daemon: its parent has ended
    code = 'import subprocess as s, sys; print(s.Popen(sys.argv[1:], start_new_session=True, stdout=-3, stderr=-3).pid)'
    return subprocess.run([sys.executable, '-c', code, *command], capture_output=True, text=True).stdout
"""
FINDS = """
import json, os
def run(session):
    return json.dumps(dict(os.environ))
"""


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with Session.builder.configs(snowflake_connection).create() as made:
        made.sql("CREATE OR REPLACE DATABASE T_HANDLERS").collect()
        made.sql(procedure("P(HOW VARCHAR)", STARTS)).collect()
        made.sql(procedure("Q()", FINDS)).collect()
        yield made


@pytest.mark.parametrize("how", ["child", "session", "daemon", "waited"])
def test_nothing_that_a_handler_has_started_outlives_its_call(session: Session, how: str) -> None:
    started = int(one(session, f"CALL P('{how}')"))
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(started).wait(60)
    assert not psutil.pid_exists(started) or psutil.Process(started).status() == psutil.STATUS_ZOMBIE
    assert int(one(session, "CALL P('waited')"))


def test_a_handler_finds_no_secret_in_its_environment(session: Session, snowflake_connection: dict[str, Any]) -> None:
    found = json.loads(one(session, "CALL Q()"))
    # the server was started with the environment of the tests
    own = {name for name in os.environ if name.startswith("PYTEST")}
    assert own
    assert not own & set(found)
    assert snowflake_connection["password"] not in json.dumps(found)
