"""A model of 501 features: the Registry makes its function with one OBJECT in place of 501 arguments."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from snowflake.snowpark import Session

from snowloop.sql import identifier, render
from snowloop_procedures import training
from snowloop_procedures.requests import Feature, ModelVersion
from snowloop_procedures.statistics import metrics
from tests.procedures.test_folds import request

FEATURES = (*(Feature(f"F{place:03}", "FLOAT") for place in range(500)), Feature("LATE", "FLOAT"))
VERSION = ModelVersion("WIDE", "MODELS", "M", "V1")


@pytest.fixture
def table(session: Session) -> Iterator[str]:
    """120 rows of features and a label; the last feature is NULL in all of the first hundred."""
    session.sql("CREATE OR REPLACE DATABASE WIDE").collect()
    session.sql("CREATE SCHEMA WIDE.MODELS").collect()
    columns = ", ".join(f"UNIFORM(0, {place + 2}, RANDOM({place}))::FLOAT AS F{place:03}" for place in range(500))
    late, label = "IFF(ID > 100, ID::FLOAT, NULL) AS LATE", "F001 + 3 * F499 AS LABEL, ID > 110 AS IS_HOLDOUT"
    session.sql(
        f"CREATE TABLE WIDE.MODELS.T AS SELECT *, {late}, {label} FROM (SELECT SEQ4() + 1 AS ID, {columns} "
        "FROM TABLE(GENERATOR(ROWCOUNT => 120)))"
    ).collect()
    yield "WIDE.MODELS.T"
    session.sql("DROP DATABASE WIDE").collect()


def test_it_is_logged_and_its_served_scores_are_those_of_python(
    session: Session, table: str, monkeypatch: pytest.MonkeyPatch
):
    built = []

    def build_model() -> object:
        built.append(make_pipeline(SimpleImputer(), Ridge()))
        return built[-1]

    monkeypatch.setitem(sys.modules, "model", SimpleNamespace(build_model=build_model))
    names = {"table": table, "key": ("ID",), "features": FEATURES, "task": "regression", "classes": ()}
    asked = request(
        features=FEATURES, task="regression", cross_validation=None, version=VERSION,
        query=f"SELECT * FROM {table} ORDER BY ID",
        requirements=("scikit-learn==1.9.1",),
        artifact_repository="snowflake.snowpark.pypi_shared_repository",
    )  # fmt: skip
    outcome = training.train(session, asked)
    assert "error" not in outcome, outcome
    held_out = session.sql(f"SELECT * FROM {table} WHERE IS_HOLDOUT ORDER BY ID").to_pandas()
    expected = metrics.scores(built[0], metrics.inputs(held_out, FEATURES), "regression")
    model = identifier(VERSION.database, VERSION.schema, VERSION.model)
    query = render("evaluation/predict_held_out.sql", model=model, version=identifier(VERSION.version), **names)
    served = session.sql(query).to_pandas()["SCORE"].to_numpy()
    assert len(served) == 10
    assert np.isclose(served, expected).all()
    assert pd.Series(expected).nunique() == 10


@pytest.mark.slow
def test_its_repeated_rows_are_found_by_one_statement(session: Session, table: str):
    session.sql(
        f"CREATE TABLE {table}_TWICE AS SELECT * FROM {table} UNION ALL SELECT * REPLACE (-ID AS ID) FROM {table}"
    ).collect()
    names = {"table": f"{table}_TWICE", "key": ("ID",), "features": FEATURES, "label": "LABEL"}
    query = render("features/repeated_rows.sql", **names, most=1000, most_of_a_cell=50)
    cells = session.sql(query).to_pandas()["SNOWLOOP_CELL"].value_counts()
    assert set(cells) == {2}
    assert len(cells) == 120
