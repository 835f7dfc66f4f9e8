"""A model of two versions in a database of its own, and rows to ask it about."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

DATABASE = "T_MODELS_INFERENCE"
ROWS = 5000
CALL = "M!PREDICT_PROBA(A, B, KIND)"
SCORE = f'{CALL}:"output_feature_1"::FLOAT'


def make_rows(count: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"A": rng.normal(size=count), "B": rng.normal(size=count)})
    frame["KIND"] = rng.choice(["x", "y", "z"], size=count)
    return frame


def pipeline(last: Any, frame: pd.DataFrame) -> Pipeline:
    columns = [("n", StandardScaler(), ["A", "B"]), ("k", OneHotEncoder(handle_unknown="ignore"), ["KIND"])]
    label = (frame.A + frame.B * (frame.KIND == "x") > 0).astype(int)
    return Pipeline([("columns", ColumnTransformer(columns)), ("model", last)]).fit(frame, label)


class Scene:
    """A session, a table T of rows, and a model M with versions V1 and V2."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows = make_rows()
        self.v1 = pipeline(LogisticRegression(), self.rows)
        self.v2 = pipeline(GradientBoostingClassifier(n_estimators=5), self.rows)
        self.scores = self.v1.predict_proba(self.rows)[:, 1]
        self.scores2 = self.v2.predict_proba(self.rows)[:, 1]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.session.sql(sql).collect()]

    def by_id(self, sql: str) -> np.ndarray:
        """The second column, ordered by the first, which counts from 0."""
        found = sorted(self.query(sql))
        assert [r[0] for r in found] == list(range(len(found)))
        return np.array([r[1] for r in found])


@contextmanager
def set_scene(snowflake_connection: dict[str, Any]) -> Iterator[Scene]:
    """The scene, which is gone afterwards."""
    warnings.filterwarnings("ignore")
    session = Session.builder.configs(snowflake_connection).create()
    for statement in (f"CREATE OR REPLACE DATABASE {DATABASE}", f"USE SCHEMA {DATABASE}.PUBLIC"):
        session.sql(statement).collect()
    made = Scene(session)
    registry = Registry(session, database_name=DATABASE, schema_name="PUBLIC")
    for version, model in (("V1", made.v1), ("V2", made.v2)):
        registry.log_model(
            model,
            model_name="M",
            version_name=version,
            sample_input_data=made.rows.head(20),
            target_platforms=["WAREHOUSE"],
        )
    session.sql("CREATE TABLE T (ID NUMBER, A FLOAT, B FLOAT, KIND VARCHAR)").collect()
    values = [(i, float(a), float(b), k) for i, (a, b, k) in enumerate(made.rows.itertuples(index=False))]
    session._conn._conn.cursor().executemany("INSERT INTO T VALUES (?, ?, ?, ?)", values)
    yield made
    session.sql(f"DROP DATABASE {DATABASE}").collect()
    session.close()
