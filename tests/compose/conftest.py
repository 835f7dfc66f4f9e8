"""The compose stack, built and started once for the tests that want it, under a name and port of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.compose.client import ComposeStack, daemon_answers


@pytest.fixture(scope="module")
def compose_stack() -> Iterator[ComposeStack]:
    """The stack, up and healthy; taken down with its volumes at the end."""
    if not daemon_answers():
        pytest.skip("no Docker daemon with Compose answers on this machine")
    stack = ComposeStack(f"snowloop-test-{os.getpid()}")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
