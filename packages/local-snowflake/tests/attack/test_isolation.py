"""Handlers that attack the server: its password, its files, its process; and that stay when their call has ended."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from tests.attack.test_handlers import running
from tests.server.procedures import one

from local_snowflake.testing import LocalSnowflake

FUNCTION = """CREATE OR REPLACE FUNCTION {name}(CODE VARCHAR) RETURNS VARCHAR LANGUAGE PYTHON RUNTIME_VERSION = '3.11'
HANDLER = 'f' AS
$$
import json
# {name}
state = {{}}
def f(code):
    known = {{'state': state}}
    try:
        exec(code, known)
    except OSError as error:
        return json.dumps([type(error).__name__, error.errno])
    return json.dumps(known.get('answer'))
$$"""
LIBRARY = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
Attack = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def isolated(local_snowflake: LocalSnowflake) -> None:
    """The running server says so: what is tried here would end the processes of the machine."""
    port = json.loads((local_snowflake.data_dir / "server.json").read_text())["http_port"]
    shown = requests.get(f"http://127.0.0.1:{port}/health", timeout=10).text
    if "Python handlers are isolated" not in shown:
        pytest.skip(shown)


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with Session.builder.configs(snowflake_connection).create() as made:
        made.sql("CREATE OR REPLACE DATABASE T_ISOLATION").collect()
        for name in ("F", "G"):
            made.sql(FUNCTION.format(name=name)).collect()
        yield made


@pytest.fixture
def attack(session: Session) -> Attack:
    """Runs Python in a handler: what it leaves in ``answer``, or the type and number of its OSError."""

    def run(code: str, name: str = "F") -> Any:
        return json.loads(session.sql(f"SELECT {name}(?)", params=[code]).collect()[0][0])

    return run


@pytest.fixture
def data(local_snowflake: LocalSnowflake) -> Path:
    return local_snowflake.data_dir.resolve()


def test_the_password_cannot_be_read(attack: Attack, data: Path) -> None:
    assert (data / "token").read_text()
    assert attack(f"answer = open({str(data / 'token')!r}).read()") == ["FileNotFoundError", 2]
    search = (
        "import os; answer = [p for p, _, files in os.walk('/') if {'token', 'key.pem'} & set(files) and p != '/usr']"
    )
    assert str(data) not in attack(search)


def test_of_the_data_directory_the_handler_sees_its_imports_alone(attack: Attack, data: Path) -> None:
    found = attack(f"import os; answer = [os.path.join(p, f) for p, _, fs in os.walk({str(data)!r}) for f in fs]")
    assert found == []
    (own,) = attack(f"import os; answer = os.listdir({str(data / 'workers' / 'imports')!r})")
    assert (data / "workers" / "imports" / own).is_dir()


@pytest.mark.parametrize("place", ["", "workers", "workers/imports", "workers/imports/<own>"])
def test_nothing_can_be_written_into_the_data_directory(attack: Attack, data: Path, place: str) -> None:
    if place.endswith("<own>"):
        folders = (
            f"import pathlib; answer = [p.name for p in pathlib.Path({str(data)!r}, 'workers/imports').glob('*/')]"
        )
        (own,) = attack(folders)
        place = place.replace("<own>", own)
    # where the directory is below /tmp there is one of that name in the handler's own /tmp
    attack(f"open({str(data / place / 'written')!r}, 'w').write('x')")
    assert not (data / place / "written").exists()


def test_the_temporary_directory_is_the_handlers_own(attack: Attack) -> None:
    mark = uuid.uuid4().hex
    assert attack(f"import os; open('/tmp/{mark}', 'w').close(); answer = os.path.exists('/tmp/{mark}')")
    assert attack(f"import os; answer = os.path.exists('/tmp/{mark}')", "G") is False
    assert not Path("/tmp", mark).exists()


def test_no_open_file_of_the_server_is_handed_on(attack: Attack) -> None:
    # the directory's own descriptor is closed by then
    numbers = "[n for n in os.listdir('/proc/self/fd') if os.path.lexists(f'/proc/self/fd/{n}')]"
    found = attack(f"import os; answer = [os.readlink(f'/proc/self/fd/{{n}}') for n in {numbers}]")
    assert any(name.startswith("socket:") for name in found)
    assert {name for name in found if name.startswith("/")} <= {"/dev/null"}


@pytest.mark.parametrize("number", [0, 15, 9])
def test_the_server_cannot_be_signalled(attack: Attack, local_snowflake: LocalSnowflake, number: int) -> None:
    assert attack(f"import os; os.kill({local_snowflake.pid}, {number})") == ["ProcessLookupError", 3]
    assert psutil.pid_exists(local_snowflake.pid)


def test_a_signal_to_every_process_reaches_no_other_handler(session: Session, attack: Attack) -> None:
    assert attack("state['mark'] = answer = 7", "G") == 7
    with pytest.raises(SnowparkSQLException, match="ended by signal SIGKILL"):
        attack("import os; os.kill(os.getpid(), 9)")
    assert attack("import glob; answer = glob.glob('/proc/[0-9]*')") == ["/proc/1", "/proc/2"]
    attack("import os; os.kill(-1, 9)")
    assert one(session, "SELECT 1") == 1
    assert attack("answer = state['mark']", "G") == 7


def test_no_process_of_others_is_seen(attack: Attack, local_snowflake: LocalSnowflake) -> None:
    assert attack(f"answer = open('/proc/{local_snowflake.pid}/environ').read()") == ["FileNotFoundError", 2]
    commands = attack("import glob; answer = [open(p).read() for p in glob.glob('/proc/[0-9]*/cmdline')]")
    assert commands
    assert not any("serve" in command.split("\0") for command in commands)


@pytest.mark.parametrize("path", ["/proc/1/mem", "/proc/1/root/etc/passwd", "/proc/1/environ"])
def test_the_process_that_supervises_a_handler_is_out_of_reach(attack: Attack, path: str) -> None:
    assert attack(f"answer = open({path!r}, 'rb').read(1).hex()") == ["PermissionError", 13]


def test_what_is_mounted_for_a_handler_stays(attack: Attack) -> None:
    unmount = "answer = [libc.umount2(p, 2) for p in (b'/', b'/usr', b'/proc', b'/tmp')]"
    assert attack(LIBRARY + unmount) == [-1, -1, -1, -1]
    # neither by a process with all rights in a namespace of its own
    inner = LIBRARY + (
        "pid = __import__('os').fork()\nif pid == 0:\n    libc.unshare(0x10020000); r = [{}]\n"
        "    __import__('os')._exit(0 if all(r) else 1)\nanswer = __import__('os').waitpid(pid, 0)[1]"
    )
    assert attack(inner.replace("{}", "libc.umount2(b'/usr', 2), libc.umount2(b'/proc/sys', 2)")) == 0
    assert attack(inner.replace("{}", "libc.mount(None, b'/usr', None, 32 | 4096, None)")) == 0
    assert attack("open('/usr/written', 'w')") == ["OSError", 30]
    assert attack("open('/proc/sys/kernel/core_pattern', 'w')") == ["OSError", 30]


def test_a_process_that_nobody_adopts_ends_with_its_call(attack: Attack) -> None:
    mark = uuid.uuid4().hex
    # the handler's process takes no orphans any more, and shows that it has no children
    code = LIBRARY + (
        "import os, sys; libc.prctl(36, 0, 0, 0, 0); os.waitid = None\n"
        "pid = os.fork()\nif pid == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        f"        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(3600)', '{mark}'])\n"
        "    os._exit(0)\nos.waitpid(pid, 0)\nimport time; time.sleep(1)"
    )
    attack(code)
    until = time.monotonic() + 30
    while running(mark) and time.monotonic() < until:
        time.sleep(0.05)
    assert not running(mark)


def test_a_thread_stands_still_when_its_call_has_ended(attack: Attack) -> None:
    count = (
        "import threading, time\n"
        "def count():\n    while True:\n        state['n'] += 1; time.sleep(0.005)\n"
        "state['n'] = 0; threading.Thread(target=count, daemon=True).start(); time.sleep(0.1); answer = state['n']"
    )
    assert attack(count)
    counted = attack("answer = state['n']")
    time.sleep(2)
    assert attack("answer = state['n']") - counted < 100


def test_the_handler_has_the_users_id_and_needs_no_other(attack: Attack) -> None:
    assert attack("import os; answer = [os.getuid(), os.getgid()]") == [os.getuid(), os.getgid()]
    assert attack("import os; answer = os.getcwd()") == "/tmp"
