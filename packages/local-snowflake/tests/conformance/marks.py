"""How a conformance test says that a semantic is not simply kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def deviates(how: str) -> Callable[[Any], Any]:
    """The local Snowflake answers otherwise than Snowflake in a part; the test holds what it does keep."""
    return pytest.mark.deviates(how)


def refused(why: str) -> Callable[[Any], Any]:
    """The local Snowflake refuses the statement by name; the test holds that it does."""
    return pytest.mark.refused(why)


def not_yet(reason: str, raises: type[BaseException]) -> Callable[[Any], Any]:
    """Not kept yet: the test fails with ``raises``; an unexpected pass is a failure, so that the mark is taken away."""
    return pytest.mark.xfail(reason=reason, raises=raises, strict=True)
