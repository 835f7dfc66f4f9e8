"""What a handler in Python starts, and what it finds of the server."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from snowflake.snowpark import Session
from tests.server.procedures import one, procedure

STARTS = """
import subprocess, sys
def run(session, how, mark):
    command = [sys.executable, '-c', 'import time; time.sleep(3600)', mark]
    if how == 'child':
        subprocess.Popen(command)
    elif how == 'session':
        subprocess.Popen(command, start_new_session=True)
    elif how == 'waited':
        command[2] = 'print("done")'
        return subprocess.run(command, capture_output=True, text=True).stdout
    else:
        # a daemon: its parent has ended
        code = 'import subprocess as s, sys; s.Popen(sys.argv[1:], start_new_session=True, stdout=-3, stderr=-3)'
        subprocess.run([sys.executable, '-c', code, *command])
    return 'started'
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
        made.sql(procedure("P(HOW VARCHAR, MARK VARCHAR)", STARTS)).collect()
        made.sql(procedure("Q()", FINDS)).collect()
        yield made


def running(mark: str) -> list[psutil.Process]:
    """The processes with a mark among their arguments."""
    found = psutil.process_iter(["cmdline", "status"])
    return [p for p in found if mark in (p.info["cmdline"] or ()) and p.info["status"] != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("how", ["child", "session", "daemon"])
def test_nothing_that_a_handler_has_started_outlives_its_call(session: Session, how: str) -> None:
    mark = uuid.uuid4().hex
    assert one(session, f"CALL P('{how}', '{mark}')") == "started"
    until = time.monotonic() + 60
    while running(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(mark)


def test_a_handler_may_start_what_it_waits_for(session: Session) -> None:
    assert one(session, "CALL P('waited', 'x')") == "done\n"


def test_a_handler_finds_no_secret_in_its_environment(session: Session, snowflake_connection: dict[str, Any]) -> None:
    found = json.loads(one(session, "CALL Q()"))
    # the server was started with the environment of the tests
    own = {name for name in os.environ if name.startswith("PYTEST")}
    assert own
    assert not own & set(found)
    assert snowflake_connection["password"] not in json.dumps(found)
