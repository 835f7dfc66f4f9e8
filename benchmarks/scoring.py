"""Incremental scoring: new rows of a stream, scored by a model of the registry, in one transaction."""

from __future__ import annotations

import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from sklearn.pipeline import Pipeline
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from benchmarks.data import CATEGORIES, FEATURES, NUMERIC, fit, make_rows
from benchmarks.server import Memory, Server

DATABASE = "BENCH"
WARM_ROWS = 1000
BATCH = 1000
REPEATS = 5
_COLUMNS = ", ".join(["ID", *FEATURES])
# as the product does: rows that fail a check are set aside, the others are scored, and the run is noted
_CHECKED = f"""
ARRIVED AS (SELECT {_COLUMNS}, (N0 IS NULL OR ABS(N0) > 100) AS BROKEN FROM NEW_ROWS),
SEEN AS (SELECT S.ID FROM SCORED AS S JOIN (SELECT DISTINCT ID FROM ARRIVED) AS A ON A.ID = S.ID GROUP BY S.ID),
CHECKED AS (
    SELECT A.*, CASE WHEN A.BROKEN THEN 'out of range' WHEN S.ID IS NOT NULL THEN 'duplicate key' END AS REASON
    FROM ARRIVED AS A LEFT JOIN SEEN AS S ON S.ID = A.ID
)"""
_RUN = (
    "BEGIN",
    f"INSERT INTO QUARANTINE (ID, REASON) WITH {_CHECKED} SELECT ID, REASON FROM CHECKED WHERE REASON IS NOT NULL",
    f"""INSERT INTO SCORED (ID, SCORE, MODEL_VERSION)
    WITH {_CHECKED}, CLEAN AS (SELECT {_COLUMNS} FROM CHECKED WHERE REASON IS NULL)
    SELECT ID, MODEL(SCORER, V1)!PREDICT_PROBA({", ".join(FEATURES)}):"output_feature_1"::FLOAT, 'V1' FROM CLEAN""",
    "INSERT INTO RUNS SELECT SYSDATE(), COUNT(*) FROM NEW_ROWS",
    "COMMIT",
)


@dataclass
class Throughput:
    """One model's figures.

    Attributes:
        model: Which.
        rows: How many rows were scored.
        scored: Seconds of the scoring transaction.
        in_memory: Seconds of the same pipeline's predict_proba over the same rows in memory.
        difference: The largest difference between the two results.
        memory: Peaks while the transaction ran.
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
    """What a batch costs with few rows and with many rows already there, in seconds."""

    few_rows: int
    many_rows: int
    few: float
    many: float

    @property
    def ratio(self) -> float:
        """How much longer a batch takes with many rows there."""
        return self.many / self.few


class Bench:
    """A schema with the tables of a scoring loop."""

    def __init__(self, server: Server, folder: Path) -> None:
        """Connect to ``server``; files are made in ``folder``."""
        warnings.filterwarnings("ignore")
        self._server = server
        self._folder = folder
        self.session = Session.builder.configs(server.connection()).create()
        self.run(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # before the server stops: the client would go on calling it
        self.session.close()

    def run(self, *statements: str) -> None:
        """Send statements."""
        for statement in statements:
            self.session.sql(statement).collect()

    def prepare(self, schema: str, pipeline: Pipeline) -> None:
        """Make a schema with tables, a stream, and the pipeline as version V1 of model SCORER."""
        numbers = ", ".join(f"{name} FLOAT" for name in NUMERIC)
        texts = ", ".join(f"{name} VARCHAR" for name in CATEGORIES)
        self.run(
            f"CREATE OR REPLACE SCHEMA {DATABASE}.{schema}",
            f"USE SCHEMA {DATABASE}.{schema}",
            f"CREATE TABLE RAW_ROWS (ID NUMBER(38,0), {numbers}, {texts})",
            "CREATE STAGE LANDING",
            "CREATE STREAM NEW_ROWS ON TABLE RAW_ROWS APPEND_ONLY = TRUE",
            "CREATE TABLE SCORED (ID NUMBER(38,0), SCORE FLOAT, MODEL_VERSION VARCHAR)",
            "CREATE TABLE QUARANTINE (ID NUMBER(38,0), REASON VARCHAR)",
            "CREATE TABLE RUNS (AT TIMESTAMP_NTZ, N NUMBER(38,0))",
        )
        registry = Registry(self.session, database_name=DATABASE, schema_name=schema)
        sample = make_rows(50)[FEATURES]
        registry.log_model(
            pipeline,
            model_name="SCORER",
            version_name="V1",
            sample_input_data=sample,
            target_platforms=["WAREHOUSE"],
            options={"relax_version": False},
        )

    def load(self, rows: pd.DataFrame) -> None:
        """Let rows arrive: PUT of a file, COPY INTO the raw table."""
        file = self._folder / f"rows_{rows.ID.iloc[0]}.csv"
        pyarrow.csv.write_csv(pa.Table.from_pandas(rows, preserve_index=False), file)
        self.session.file.put(str(file), "@LANDING", auto_compress=False, overwrite=True)
        self.run(
            f"COPY INTO RAW_ROWS FROM @LANDING FILES = ('{file.name}') "
            "FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"')"
        )
        file.unlink()

    def score(self) -> float:
        """Score what the stream holds; returns the seconds."""
        started = time.perf_counter()
        self.run(*_RUN)
        return time.perf_counter() - started

    def scores(self, start: int, count: int) -> np.ndarray:
        """The stored scores of a range of keys, in their order."""
        sql = f"SELECT ID, SCORE FROM SCORED WHERE ID BETWEEN {start} AND {start + count - 1}"
        found = self.session.sql(sql).to_pandas().sort_values("ID")
        if found.ID.tolist() != list(range(start, start + count)):
            raise AssertionError(f"{len(found)} of {count} rows were scored")
        return found.SCORE.to_numpy()


def throughput(bench: Bench, server: Server, model: str, count: int) -> Throughput:
    """Score ``count`` new rows in one transaction, and in memory."""
    pipeline = fit(model)
    bench.prepare("THROUGHPUT", pipeline)
    bench.load(make_rows(WARM_ROWS))
    bench.score()
    rows = make_rows(count, WARM_ROWS)
    bench.load(rows)
    with server.watched() as memory:
        seconds = bench.score()
    stored = bench.scores(WARM_ROWS, count)
    pipeline.predict_proba(rows[FEATURES].head(WARM_ROWS))
    started = time.perf_counter()
    expected = pipeline.predict_proba(rows[FEATURES])[:, 1]
    in_memory = time.perf_counter() - started
    return Throughput(model, count, seconds, in_memory, float(np.abs(stored - expected).max()), memory)


def growth(bench: Bench, few: int, many: int) -> Growth:
    """Score batches of new rows when few, and when many rows have been scored before."""
    pipeline = fit("logistic")
    medians = []
    for already in (few, many):
        bench.prepare(f"GROWTH_{already}", pipeline)
        bench.load(make_rows(already))
        bench.score()
        seconds = []
        for i in range(REPEATS):
            bench.load(make_rows(BATCH, already + i * BATCH))
            seconds.append(bench.score())
        medians.append(statistics.median(seconds))
    return Growth(few, many, *medians)
