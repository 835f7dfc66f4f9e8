"""How the tests are shared out between worker processes: what shares an expensive fixture runs in one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

# the tests of both distributions are one namespace package; imported before pytest imports a file of one of them
import tests  # noqa: F401

ROOT = Path(__file__).resolve().parent
# fixtures of the whole run that take long to make: the tests that need one stay together
SHARED_FIXTURES = ("duels",)
# folders whose tests start Airflow or Docker: one at a time, and first, because they take the longest
STACKS = ("tests/compose", "tests/e2e")


def _group(item: pytest.Item) -> str:
    file = item.path.relative_to(ROOT).as_posix()
    for fixture in SHARED_FIXTURES:
        if fixture in getattr(item, "fixturenames", ()):
            return fixture
    return next((folder for folder in STACKS if file.startswith(folder)), file)


@pytest.hookimpl(tryfirst=True)  # before the workers read the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of each test for ``--dist loadgroup``, and begin with those that take the longest."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(
        key=lambda item: (_group(item) not in (*STACKS, *SHARED_FIXTURES), item.get_closest_marker("slow") is None)
    )
