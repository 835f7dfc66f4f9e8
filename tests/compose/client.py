"""A client of the compose stack: builds it, starts it, asks it, takes it down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 900


class ComposeStack:
    """The services of docker-compose.yaml, as one Compose project.

    Args:
        name: Compose project's name; its containers, volumes and images carry it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._environment = os.environ | {"COMPOSE_PROJECT_NAME": name, "SNOWLOOP_TAG": name, "AIRFLOW_PORT": "0"}

    def compose(self, *arguments: str, text: str | None = None, timeout: float = 120) -> str:
        """Run one ``docker compose`` command and return what it printed; a failure raises with its error output."""
        done = subprocess.run(
            ["docker", "compose", *arguments],
            cwd=ROOT,
            env=self._environment,
            input=text,
            stdin=None if text is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"docker compose {' '.join(arguments)}: {done.stderr[-4000:]}")
        return done.stdout

    def up(self) -> None:
        """Build the images and start the services until all are healthy; shows the logs when one is not."""
        try:
            self.compose("up", "--detach", "--build", "--wait", "--quiet-pull", timeout=UP_SECONDS)
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.compose('logs', '--no-color', '--tail', '40')}") from error

    def down(self) -> None:
        """Stop the services; delete their volumes and images."""
        self.compose("down", "--volumes", "--rmi", "local", "--timeout", "20", timeout=300)

    def services(self) -> dict[str, dict[str, Any]]:
        """What ``docker compose ps`` reports of each service, ended ones too."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        return {row["Service"]: row for row in map(json.loads, lines)}

    def address(self) -> str:
        """Airflow's address on this machine."""
        return f"http://{self.compose('port', 'api-server', '8080').strip()}"

    def password(self) -> str:
        """The password of Airflow's user admin."""
        return self.compose("exec", "-T", "api-server", "cat", "/secrets/admin-password")

    def query(self, sql: str) -> list[list[Any]]:
        """Send one query to the local Snowflake, from inside its container; values come back as JSON has them."""
        return json.loads(self.compose("exec", "-T", "local-snowflake", "python", "-c", _QUERY, text=sql))


_QUERY = """
import json, subprocess, sys
import snowflake.connector
printed = subprocess.check_output([sys.executable, "-m", "local_snowflake", "connection", "--data-dir", "/data"])
with snowflake.connector.connect(**json.loads(printed)) as connection:
    print(json.dumps(connection.cursor().execute(sys.stdin.read()).fetchall(), default=str))
"""


def compose_answers() -> bool:
    """Whether there is a Docker client with Compose; no daemon needed."""
    return shutil.which("docker") is not None and _succeeds("docker", "compose", "version")


def daemon_answers() -> bool:
    """Whether a Docker daemon answers, and there is Compose."""
    return compose_answers() and _succeeds("docker", "info")


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
