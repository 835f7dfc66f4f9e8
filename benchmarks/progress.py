"""Shows which measurement is running, and how long each one took, on the standard error."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """One line a measurement when it is done; on a terminal, the running one below.

    Args:
        total: How many measurements there are.
        console: Where to print; the standard error by default, so that the tables alone go to the standard output.
    """

    def __init__(self, total: int, console: Console | None = None) -> None:
        self._total = total
        self._done = 0
        self._console = console or Console(stderr=True, highlight=False)
        self._start = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one measurement.

        Args:
            name: What is measured.
        """
        began = time.monotonic()
        label = f"{self._done + 1}/{self._total} {name}"
        with self._console.status(f"{label} …"):
            yield
        self._done += 1
        now = time.monotonic()
        self._console.print(f"{label}: {now - began:.0f} s ({now - self._start:.0f} s in all)")
