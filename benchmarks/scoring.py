"""Incremental scoring: the product's own procedure over the new rows of a stream, in one transaction."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from benchmarks.data import FEATURES, make_rows
from benchmarks.project import FILE, WINDOW_SECONDS, declare
from benchmarks.server import Memory, Server
from snowloop.errors import MonitoringError
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.monitoring.monitor import monitor
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.training.train import train_candidate
from snowloop.sql import identifier
from snowloop.workspace import Workspace

TARGET = "bench"
TRAINING_ROWS = 20_000
WARM_ROWS = 1000
BATCH = 1000
REPEATS = 5
PAST_DAYS = 170
"""Scored rows that are there already happened over so many days, all within monitoring.performance.history."""


@dataclass
class Throughput:
    """One model's figures.

    Attributes:
        model: Which.
        rows: How many rows were scored.
        scored: Seconds of the call of the scoring procedure.
        in_memory: Seconds of the same version's predict_proba over the same rows in memory.
        difference: The largest difference between the two results.
        memory: Peaks while the procedure ran.
    """

    model: str
    rows: int
    scored: float
    in_memory: float
    difference: float
    memory: Memory

    @property
    def ratio(self) -> float:
        """Throughput in the local Snowflake by throughput in memory."""
        return self.in_memory / self.scored


@dataclass
class Growth:
    """What a batch costs with few rows and with many rows already there, to score it, and to monitor it.

    Seconds are processor time of the server, its workers and the client, so that a busy machine gives the same ones.
    """

    few_rows: int
    many_rows: int
    few: float
    many: float
    few_monitored: float
    many_monitored: float

    @property
    def ratio(self) -> float:
        """How much longer a batch takes with many rows there."""
        return self.many / self.few

    @property
    def ratio_monitored(self) -> float:
        """How much longer its monitoring takes with many rows there."""
        return self.many_monitored / self.few_monitored


class Loop:
    """A project with a champion and a deployed scoring loop, whose root is suspended and procedure called directly."""

    def __init__(self, server: Server, folder: Path, name: str, kind: str, *, keep_features: bool = True) -> None:
        """Go through the life cycle up to a deployed loop; files are made in ``folder``."""
        warnings.filterwarnings("ignore")
        self._server = server
        self._files = folder / "files" / name
        self._files.mkdir(parents=True)
        self.project = declare(folder / "projects", name, kind, keep_features=keep_features)
        self.session = Session.builder.configs(server.connection()).create()
        self._next = 0
        workspace = Workspace(self.session, self.project, TARGET)
        create_environment(workspace)
        self.arrive(TRAINING_ROWS, labelled=True)
        check_contract(workspace)
        training_set = build_training_set(workspace)
        candidate = train_candidate(workspace, training_set, "only")
        promote(workspace, decide(workspace, [evaluate(workspace, candidate)]))
        self._procedure = deploy_scoring(workspace).procedure
        self.session.sql(f"ALTER TASK {names(self.project, TARGET).root} SUSPEND").collect()
        self.arrive(WARM_ROWS)
        self.score()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.sql(f"DROP DATABASE {self.project.database(TARGET)}").collect()
        # before the server stops: the client would go on calling it
        self.session.close()

    def arrive(self, count: int, *, labelled: bool = False, past_days: int = 0) -> pd.DataFrame:
        """Let so many new rows arrive in a file, as the product loads them; returns them."""
        rows = make_rows(count, self._next, labelled=labelled, past_days=past_days)
        self._next += count
        file = self._files / f"{FILE}_{self._next:09}.csv"
        pyarrow.csv.write_csv(pa.Table.from_pandas(rows, preserve_index=False), file)
        load_files(Workspace(self.session, self.project, TARGET), self._files)
        file.unlink()
        return rows

    def score(self) -> float:
        """Score what the stream holds; returns the seconds."""
        started = time.perf_counter()
        self.session.sql(f"CALL {self._procedure}()").collect()
        return time.perf_counter() - started

    def scores(self, keys: pd.Series) -> np.ndarray:
        """The stored scores of a run of keys, in their order."""
        table = f"{self.project.database(TARGET)}.SERVING.SCORED"
        sql = f"SELECT ID, SCORE FROM {table} WHERE ID BETWEEN {keys.min()} AND {keys.max()}"
        rows = self.session.sql(sql).to_pandas().sort_values("ID")
        if rows.ID.tolist() != keys.tolist():
            raise AssertionError(f"{len(rows)} of {len(keys)} rows were scored")
        return rows.SCORE.to_numpy()

    def processor(self, work: Callable[[], object]) -> float:
        """The seconds of processor time that something takes."""
        before = self._server.cpu_seconds()
        work()
        return self._server.cpu_seconds() - before

    def age(self) -> None:
        """As if what was measured so far had been so when its window was over, and all was looked at this hour."""
        table = identifier(self.project.database(TARGET), "OPS", "PERFORMANCE")
        self.session.sql(f"UPDATE {table} SET MEASURED_AT = LEAST(MEASURED_AT, WINDOW_END)").collect()

    def monitor(self) -> None:
        """Monitor the champion."""
        with suppress(MonitoringError):  # some windows are over a bound by chance, or runs on a busy machine are slow
            monitor(Workspace(self.session, self.project, TARGET))

    def monitored(self) -> float:
        """Monitor once the window of the last batch is over; returns the seconds of processor time that it took."""
        measured = "SELECT COUNT(DISTINCT WINDOW_END) FROM {}"
        table = identifier(self.project.database(TARGET), "OPS", "DRIFT")
        before = self.session.sql(measured.format(table)).collect()[0][0]
        time.sleep(2 * WINDOW_SECONDS)
        seconds = self.processor(self.monitor)
        if self.session.sql(measured.format(table)).collect()[0][0] == before:
            raise RuntimeError("no window was measured")
        return seconds

    def champion(self) -> Any:
        """The estimator of the version that serves."""
        registry = Registry(self.session, database_name=self.project.database(TARGET), schema_name="MODELS")
        return registry.get_model(self.project.model_name).version("CHAMPION").load(force=True)


def throughput(server: Server, folder: Path, model: str, count: int, *, keep_features: bool = True) -> Throughput:
    """Score ``count`` new rows in one transaction, and in memory."""
    name = f"bench_{model.replace(' ', '_')}_{'full' if keep_features else 'lean'}"
    with Loop(server, folder, name, model, keep_features=keep_features) as loop:
        rows = loop.arrive(count)
        with server.watched() as memory:
            seconds = loop.score()
        stored, estimator = loop.scores(rows.ID), loop.champion()
    estimator.predict_proba(rows[FEATURES].head(WARM_ROWS))
    started = time.perf_counter()
    expected = estimator.predict_proba(rows[FEATURES])[:, 1]
    in_memory = time.perf_counter() - started
    return Throughput(model, count, seconds, in_memory, float(np.abs(stored - expected).max()), memory)


def growth(server: Server, folder: Path, few: int, many: int) -> Growth:
    """Score batches of new rows when few, and when many rows have been scored before, whose labels are known."""
    scored: list[float] = []
    monitored: list[float] = []
    with Loop(server, folder, "bench_growth", "logistic") as loop:
        there = WARM_ROWS
        for already in (few, many):
            loop.arrive(already - there, labelled=True, past_days=PAST_DAYS)
            loop.score()
            loop.monitored()
            loop.age()
            seconds, seconds_of_monitor = [], []
            for _ in range(REPEATS):
                loop.arrive(BATCH)
                seconds.append(loop.processor(loop.score))
                seconds_of_monitor.append(loop.monitored())
            there = already + REPEATS * BATCH
            scored.append(statistics.median(seconds))
            monitored.append(statistics.median(seconds_of_monitor))
    return Growth(few, many, *scored, *monitored)
