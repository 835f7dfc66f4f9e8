"""Where the stack keeps its state, and the environment that Airflow gets from it."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
DEFAULT_DIRECTORY = REPOSITORY / ".local"
USER = "admin"


class StackError(Exception):
    """The stack could not do what was asked: what, why, and what to do about it."""


@dataclass(frozen=True)
class State:
    """The state directory and the files in it."""

    root: Path

    @property
    def snowflake(self) -> Path:
        """Data directory of the local Snowflake."""
        return self.root / "snowflake"

    @property
    def airflow(self) -> Path:
        """Airflow's home: metadata database, logs, secrets."""
        return self.root / "airflow"

    @property
    def logs(self) -> Path:
        """Logs of the processes that the stack starts."""
        return self.root / "logs"

    @property
    def lock_file(self) -> Path:
        """Locked by the command that uses the directory."""
        return self.root / "lock"

    @property
    def holder_file(self) -> Path:
        """Which command that is, and which processes it has started."""
        return self.root / "holder.json"

    @property
    def connections_file(self) -> Path:
        """How clients connect to the local Snowflake, in the format of Snowflake's connections.toml."""
        return self.root / "connections.toml"

    @property
    def start_file(self) -> Path:
        """Executable that has the local Snowflake running until its standard input is closed."""
        return self.root / "start-server"

    @property
    def password_file(self) -> Path:
        """Users and passwords of Airflow, in the form of its simple auth manager."""
        return self.airflow / "passwords.json"

    @property
    def data_roots_file(self) -> Path:
        """Lists the folders, one on each line, from which tasks may read data besides those of the projects."""
        return self.root / "data-roots"

    def add_data_root(self, folder: Path) -> None:
        """Let tasks read data from a folder, also those of a stack that is up."""
        listed = self.data_roots_file.read_text().splitlines() if self.data_roots_file.exists() else []
        write_private(self.data_roots_file, "".join(f"{line}\n" for line in dict.fromkeys([*listed, str(folder)])))

    def prepare(self) -> State:
        """Make the directories that are not there yet, and give this state."""
        for directory in (self.root, self.snowflake, self.airflow, self.logs):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def hint(self, command: str) -> str:
        """Tell how a person gives a command, which is a target of the Makefile too, in the folder of the repository."""
        if self.root == DEFAULT_DIRECTORY:
            return f"make {command}"
        return python_command("stack", command, "--state-dir", str(self.root))

    def status_hint(self, project: str, target: str = "dev") -> str:
        """Tell how a person looks at a project's scoring loop, in the folder of the repository."""
        where = (
            []
            if self.root == DEFAULT_DIRECTORY
            else [f"SNOWLOOP_CONNECTIONS={shlex.quote(str(self.connections_file))}"]
        )
        other = [] if target == "dev" else ["--target", target]
        return " ".join([*where, shlex.join([".venv/bin/snowloop", "status", "--project", project, *other])])

    def password(self) -> str:
        """Give Airflow's password for the user ``admin``; one is made at the first call."""
        if not self.password_file.exists():
            write_private(self.password_file, json.dumps({USER: secrets.token_urlsafe(12)}))
        return str(json.loads(self.password_file.read_text())[USER])

    def secret(self, name: str) -> str:
        """Give a secret that all parts of Airflow must share; it is made at the first call."""
        path = self.airflow / f"{name}.secret"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(48))
        return path.read_text()


def python_command(module: str, *arguments: str) -> str:
    """Tell how a person runs a module of the repository, in its folder, with this Python."""
    python = Path(sys.executable)
    if python.is_relative_to(REPOSITORY):
        python = python.relative_to(REPOSITORY)
    return shlex.join([str(python), "-m", module, *arguments])


def local_url(port: int) -> str:
    """Give the address of an Airflow on this machine, without a slash at its end."""
    return f"http://localhost:{port}"


def write_private(path: Path, text: str, *, executable: bool = False) -> None:
    """Write a file that only its owner can read (and execute), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700 if executable else 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def airflow_environment(state: State, connection: str, ca_bundle: Path, *, port: int | None = None) -> dict[str, str]:
    """Make the environment of every Airflow process of the stack: this process's own, with Airflow's settings added.

    Args:
        state: Where Airflow's home is.
        connection: The connection to Snowflake, as JSON.
        ca_bundle: Certificates to trust: the public ones and the local Snowflake's.
        port: Port of Airflow's UI and API; None where no server runs.
    """
    environment = dict(os.environ)
    environment.pop("AIRFLOW_CONFIG", None)
    settings = {
        "AIRFLOW_HOME": str(state.airflow),
        "AIRFLOW_CONN_SNOWFLAKE_DEFAULT": connection,
        "REQUESTS_CA_BUNDLE": str(ca_bundle),
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "plugins"), str(REPOSITORY)]),
        "NO_PROXY": _with_loopback(environment.get("NO_PROXY", "")),
        "no_proxy": _with_loopback(environment.get("no_proxy", "")),
        "PYTHONUNBUFFERED": "1",
        # threads of a training that wait must not spin: other tasks and the local Snowflake want the same cores
        "OMP_WAIT_POLICY": environment.get("OMP_WAIT_POLICY", "PASSIVE"),
        "SNOWLOOP_DATA_ROOTS": os.pathsep.join(
            [*filter(None, [environment.get("SNOWLOOP_DATA_ROOTS")]), str(state.data_roots_file)]
        ),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state.airflow / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(state.airflow / "logs"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__API_AUTH__JWT_SECRET": state.secret("jwt"),
        "AIRFLOW__API__SECRET_KEY": state.secret("api"),
    }
    if port is not None:
        settings |= {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": local_url(port),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state.password_file),
        }
    return environment | settings


def _with_loopback(hosts: str) -> str:
    return ",".join(dict.fromkeys([*filter(None, hosts.split(",")), "localhost", "127.0.0.1"]))
