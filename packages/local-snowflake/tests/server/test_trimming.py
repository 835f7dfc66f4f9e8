"""The thread that trims the history of tables."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from local_snowflake.catalog.catalog import Catalog
from local_snowflake.catalog.storage import Storage
from local_snowflake.streams import prepare, trimming


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
    monkeypatch.setattr(trimming, "_PERIOD_SECONDS", 0.01)
    trimmer = trimming.Trimmer(storage, catalog)
    with caplog.at_level(logging.ERROR):
        trimmer.start()
        try:
            assert again.wait(60)
        finally:
            trimmer.stop()
            storage.close()
    assert "the disk is full" in caplog.text
