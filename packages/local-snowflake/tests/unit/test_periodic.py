"""The thread that repeats work in the background, eg: trimming the history of tables."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.storage import Storage
from local_snowflake.periodic import PeriodicThread
from local_snowflake.streams import prepare
from local_snowflake.streams.trimming import trim_all


def test_trimming_goes_on_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    storage = Storage(tmp_path / "snowflake.duckdb")
    catalog = Catalog(storage.cursor())
    prepare(storage.cursor(), catalog)
    rounds: list[int] = []
    again = threading.Event()

    def settle() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise OSError("the disk is full")
        again.set()

    monkeypatch.setattr(catalog, "settle", settle)
    thread = PeriodicThread("trim history", 0.01, lambda: trim_all(storage, catalog))
    with caplog.at_level(logging.ERROR):
        thread.start()
        try:
            assert again.wait(60)
        finally:
            thread.stop()
            storage.close()
    assert "trim history failed" in caplog.text
    assert "the disk is full" in caplog.text


def test_stopping_waits_for_the_call_that_is_under_way() -> None:
    begun, finish, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        finish.wait(60)
        done.set()

    thread = PeriodicThread("work", 60.0, work)
    thread.start()
    assert begun.wait(60)
    threading.Timer(0.05, finish.set).start()
    thread.stop()
    assert done.is_set()


def test_a_thread_that_was_never_started_can_be_stopped() -> None:
    PeriodicThread("idle", 60.0, lambda: None).stop()
