"""A workspace without a session, in place of the one that a command opens."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import pytest

from snowloop.project import load_project
from snowloop.workspace import Workspace


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(project: str, target: str, *_connection: Any, **_options: Any) -> AbstractContextManager[Workspace]:
        return nullcontext(Workspace(cast(Any, None), load_project(project), target))

    monkeypatch.setattr("snowloop.cli.options.open_workspace", opened)
