"""Whether the machine lets Python handlers run isolated from the server, and what they see of its files if it does."""

import importlib.metadata
import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_snowflake.python.sandbox import namespaces

# https://man7.org/linux/man-pages/man1/unshare.1.html: the process ends with the one that started it
_COMMAND = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--")
_TRIAL_SECONDS = 30
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SSL_CERT_FILE", "OMP_NUM_THREADS")
SOURCES = Path(__file__).resolve().parents[2]
"""The folder of the server's own sources, which handlers do not import from."""


@dataclass(frozen=True)
class Isolation:
    """How worker processes are isolated.

    Attributes:
        refusal: why they are not, or nothing: they are.
        command: what stands before the command of the process that forks them.
        readable: what every worker can read, besides the system's directories and those that it imports from.
    """

    refusal: str
    command: tuple[str, ...] = ()
    readable: tuple[str, ...] = ()

    def description(self) -> str:
        """One line for people who run the server: what handlers can reach, and what to do about it."""
        if not self.refusal:
            return "Python handlers are isolated: they see no file of the server but their imports, and no process."
        return (
            f"Python handlers are not isolated from the server: {self.refusal}. They run as its user ({os.getuid()}): "
            "they can read its password and its data directory, write there and signal it. So can whoever may create "
            "a procedure, a function or a model. What to do: install util-linux and let this user make namespaces "
            "(user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0; in a container, "
            "profiles of seccomp and AppArmor that allow unshare and mount), or run the server as a user of its own."
        )


def worker_environment() -> dict[str, str]:
    """The variables of the server's environment that handlers may read: no secrets."""
    return {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}


def probe(environment: Mapping[str, str]) -> Isolation:
    """Try to isolate a process as workers are isolated, by doing it.

    Args:
        environment: the variables that workers get; PATH is where ``unshare`` is looked for.
    """
    program = shutil.which(_COMMAND[0], path=environment.get("PATH"))
    if sys.platform != "linux" or program is None:
        return Isolation("there is no command unshare here" if program is None else "this system has no namespaces")
    readable = _readable(environment)
    with tempfile.TemporaryDirectory(prefix="snowflake-") as folder:
        places = {name: str(Path(folder, name)) for name in ("place", "own")}
        for place in places.values():
            Path(place).mkdir()
        trial = json.dumps(
            {**places, "readable": readable, "hidden": [folder], "user": os.getuid(), "group": os.getgid()}
        )
        command = [*_COMMAND, sys.executable, "-I", "-S", namespaces.__file__, trial]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TRIAL_SECONDS, env=dict(environment))
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").strip().splitlines()
            return Isolation(lines[-1] if lines else f"unshare ended with exit code {error.returncode}")
        except (OSError, subprocess.TimeoutExpired) as error:
            return Isolation(str(error))
    return Isolation("", _COMMAND, readable)


def package_folders() -> list[str]:
    """The folders of packages outside of the environment, eg: on PYTHONPATH: PACKAGES may name those, too.

    Handlers do not see the folder of the server's own sources.
    """
    folders = {str(Path(str(d.locate_file(""))).resolve()) for d in importlib.metadata.distributions()}
    own = {str(Path(p).resolve()) for p in (*site.getsitepackages(), str(SOURCES))}
    return sorted(folders - own)


def _readable(environment: Mapping[str, str]) -> tuple[str, ...]:
    """What Python needs: each path as it is named, and where its links lead."""
    libraries = environment.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    found = [sys.prefix, sys.base_prefix, environment.get("SSL_CERT_FILE", ""), *libraries]
    paths = {Path(path) for path in found if path}
    paths |= {path.resolve() for path in paths} | {Path(sys.executable).resolve().parent}
    return tuple(sorted(str(path) for path in paths if path.is_absolute() and path.exists()))
