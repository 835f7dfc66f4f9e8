"""A stack on a state directory of its own, and the real data where it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.commandline import REPOSITORY, Ran, Stack

PLANTED = {
    "SNOWFLAKE_PASSWORD": "planted-password-7f3a",
    "PRIVATE_KEY_PASSPHRASE": "planted-passphrase-c41d",
    "SNOWFLAKE_TOKEN": "planted-token-09be",
    "AIRFLOW_CONN_OTHER": '{"conn_type": "snowflake", "login": "ada", "password": "planted-connection-5512"}',
}
"""Secrets in the environment of the run; none of them is its own."""
SHARED = Path(os.environ.get("SNOWLOOP_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack(tmp_path_factory.mktemp("stack") / "state")


@pytest.fixture(scope="session")
def life_cycle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stack, Ran]:
    """The life cycle of the shipped project, run once on a state directory of its own, and what it printed.

    Who changes what is there takes a copy: ``Stack.copy``.
    """
    made = Stack(tmp_path_factory.mktemp("life_cycle") / "state")
    ran = made.run(made.command("run", "--project", "credit_approval"), 600, PLANTED)
    assert ran.code == 0, ran.out + ran.err
    return made, ran


@pytest.fixture(scope="session")
def shared_data():
    def folder(name: str) -> Path:
        found = SHARED / "data" / name
        if not found.is_dir():
            pytest.skip(f"needs the real data in {found}: set SNOWLOOP_SHARED to the folder that has data/{name}")
        return found

    return folder
