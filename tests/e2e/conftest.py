"""A stack on a state directory of its own, and the real data where it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.commandline import REPOSITORY, Stack

SHARED = Path(os.environ.get("SNOWLOOP_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return Stack(tmp_path_factory.mktemp("stack") / "state")


@pytest.fixture(scope="session")
def shared_data():
    def folder(name: str) -> Path:
        found = SHARED / "data" / name
        if not found.is_dir():
            pytest.skip(f"needs the real data in {found}: set SNOWLOOP_SHARED to the folder that has data/{name}")
        return found

    return folder
