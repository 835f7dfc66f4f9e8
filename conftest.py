"""How the tests are shared out between worker processes: what shares an expensive fixture runs in one of them."""

from __future__ import annotations

import faulthandler
import gc
import re
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# the tests of both distributions are one namespace package; imported before pytest imports a file of one of them
import tests
import tests.attack  # noqa: F401 (a folder of both)

# the time of an example is that of the machine
settings.register_profile("snowloop", deadline=None)
settings.load_profile("snowloop")

ROOT = Path(__file__).resolve().parent
# a fixture of the whole run that takes long to make: the files that use it stay together
DUELS = re.compile(r"\bduels?(_world)?\b")
# folders whose tests start Airflow or Docker: one at a time, and first, because they take the longest
STACKS = ("tests/compose", "tests/e2e")


@cache
def group(file: str) -> str:
    """Which files are run by the same process.

    Args:
        file: Path of a test file from the repository's root.

    Returns:
        The name of its group.
    """
    stack = next((folder for folder in STACKS if file.startswith(f"{folder}/")), None)
    if stack:
        return stack
    shared = file.startswith("tests/lifecycle/") and DUELS.search((ROOT / file).read_text())
    return "duels" if shared else file


class GroupScheduling(LoadScopeScheduling):
    """Gives each worker process a whole group of tests after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.split("::", 1)[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Share the tests out by groups."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that take the longest."""
    groups = {item: group(item.path.relative_to(ROOT).as_posix()) for item in items}
    items.sort(key=lambda item: (groups[item] not in (*STACKS, "duels"), item.get_closest_marker("slow") is None))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while files are imported: what they make grows and grows, and all of it is kept."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave a test that may take longer than all others alone: the deadline of its process is that of a hanging one."""
    marker = item.get_closest_marker("timeout")
    if marker and not 0 < marker.args[0] < float(item.config.getini("faulthandler_timeout")):
        faulthandler.cancel_dump_traceback_later()
