"""Where the machine lets no handler be isolated: why, what it means, and what to do; handlers run nevertheless."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest
from tests.unit.in_process import Runner

import local_snowflake
from local_snowflake.__main__ import main
from local_snowflake.account import Account
from local_snowflake.python.isolation import Isolation, probe, worker_environment

SERVER = Path(local_snowflake.__file__).parent
# of the standard library and others: each runs code that is in what it reads
UNPICKLES = {"pickle", "_pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}


def fake_unshare(folder: Path, script: str) -> dict[str, str]:
    """An environment whose ``unshare`` is a script."""
    (folder / "unshare").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "unshare").chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1",
            "unshare failed: Operation not permitted",
        ),
        ("exit 3", "unshare ended with exit code 3"),
        # the namespace is there, and nothing can be mounted in it
        ('shift 6; exec "$@"', "refused"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_machine_that_refuses_says_why(tmp_path: Path, script: str, reason: str) -> None:
    if script.startswith("shift") and os.geteuid() == 0:
        script = 'shift 6; exec /usr/bin/setpriv --bounding-set=-all --inh-caps=-all "$@"'  # as another user has it
    found = probe(fake_unshare(tmp_path, script))
    assert reason in found.refusal
    assert (found.command, found.readable) == ((), ())


def test_a_machine_without_unshare(tmp_path: Path) -> None:
    assert probe({"PATH": str(tmp_path)}).refusal in {
        "there is no command unshare here",
        "this system has no namespaces",
    }


def test_what_handlers_can_do_is_said_with_the_reason_and_a_remedy() -> None:
    text = Isolation("unshare failed").description()
    assert text.startswith("Python handlers are not isolated from the server: unshare failed. They run as its user (")
    for part in ("read its password", "write there", "signal it", "What to do: install util-linux"):
        assert part in text
    assert Isolation("").description().startswith("Python handlers are isolated")


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_snowflake.python.process.probe", lambda _: Isolation("nothing is allowed here"))
    monkeypatch.setattr("local_snowflake.__main__.probe", lambda _: Isolation("nothing is allowed here"))


@pytest.mark.usefixtures("refusing")
def test_it_is_said_once_at_the_start_and_handlers_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    account = Account(tmp_path / "data")
    try:
        account.start({})
        run = Runner(account, account.sessions.open("TEST"))
        run("CREATE DATABASE D")
        run(
            "CREATE FUNCTION F() RETURNS VARCHAR LANGUAGE PYTHON RUNTIME_VERSION = '3.11' HANDLER = 'f' AS "
            "$$\nimport os, tempfile\ndef f():\n    return f'{os.getppid()} {tempfile.mkdtemp()}'\n$$"
        )
        ((answer,),) = run("SELECT F()")
        _, folder = answer.split()
        # in the file system of the server, which it shares
        assert Path(folder).is_dir()
        assert account.isolation.description().count("nothing is allowed here") == 1
    finally:
        account.close()
    shown = [r.getMessage() for r in caplog.records if "not isolated" in r.getMessage()]
    assert shown == [Isolation("nothing is allowed here").description()]
    assert not Path(folder).exists()


@pytest.mark.usefixtures("refusing")
def test_a_check_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Account(tmp_path / "data").close()
    assert main(["check", "--data-dir", str(tmp_path / "data")]) == 0
    assert "Python handlers are not isolated from the server: nothing is allowed here." in capsys.readouterr().out


def test_the_environment_of_handlers_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", "secret")
    assert "SNOWFLAKE_PASSWORD" not in worker_environment()
    assert worker_environment()["PATH"] == os.environ["PATH"]


def test_the_server_itself_unpickles_nothing() -> None:
    imported = {
        (path.relative_to(SERVER).as_posix(), name.split(".")[0])
        for path in SERVER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert ("python/process.py", "multiprocessing") in imported
    assert not {(path, name) for path, name in imported if name in UNPICKLES}
    # the connection's own recv() unpickles: bytes are received instead
    assert not [p for p in SERVER.rglob("*.py") if "connection.recv()" in p.read_text()]
