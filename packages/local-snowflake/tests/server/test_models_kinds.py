"""Models of other kinds than a pipeline over numbers: custom, partitioned, with parameters, arrays and texts."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from snowflake.ml.model import custom_model, model_signature
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

DATABASE = "T_MODELS_KINDS"


class Described(custom_model.CustomModel):
    """Gives a text, a list, a truth value, an integer and a missing value."""

    @custom_model.inference_api
    def describe(self, rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "WORDS": ["row " + str(n) for n in rows["N"]],
                "LISTED": [[float(n), float(n) * 2] for n in rows["N"]],
                "EVEN": rows["N"] % 2 == 0,
                "TWICE": rows["N"] * 2,
                "HALF": [n / 2 if n % 2 else None for n in rows["N"]],
            }
        )


class Partitioned(custom_model.CustomModel):
    """Gives one row a partition."""

    @custom_model.partitioned_api
    def total(self, rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"TOTAL": [float(rows["N"].sum())], "ROWS_": [len(rows)]})


class Shifted(custom_model.CustomModel):
    """Takes a parameter."""

    @custom_model.inference_api
    def shift(self, rows: pd.DataFrame, *, by: float = 10.0) -> pd.DataFrame:
        return pd.DataFrame({"SHIFTED": rows["N"] + by})


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    warnings.filterwarnings("ignore")
    opened = Session.builder.configs(snowflake_connection).create()
    for statement in (f"CREATE OR REPLACE DATABASE {DATABASE}", f"USE SCHEMA {DATABASE}.PUBLIC"):
        opened.sql(statement).collect()
    yield opened
    opened.sql(f"DROP DATABASE {DATABASE}").collect()
    opened.close()


@pytest.fixture(scope="module")
def registry(session: Session) -> Registry:
    return Registry(session, database_name=DATABASE, schema_name="PUBLIC")


def query(session: Session, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in session.sql(sql).collect()]


def test_results_of_every_type(session: Session, registry: Registry):
    rows = pd.DataFrame({"N": [1, 2, 3, 4]})
    version = registry.log_model(
        Described(custom_model.ModelContext()),
        model_name="DESCRIBED",
        version_name="V1",
        sample_input_data=rows,
        target_platforms=["WAREHOUSE"],
    )
    call = "DESCRIBED!DESCRIBE(N)"
    sql = f"""
        SELECT N, {call}:WORDS::VARCHAR, {call}:LISTED[1]::FLOAT, {call}:EVEN::BOOLEAN, {call}:TWICE::INT,
            {call}:HALF::FLOAT, {call}:LISTED, {call}
        FROM (SELECT COLUMN1 AS N FROM VALUES (1), (2), (3)) ORDER BY N"""
    found = query(session, sql)
    assert [r[:6] for r in found] == [
        (1, "row 1", 2.0, False, 2, 0.5),
        (2, "row 2", 4.0, True, 4, None),
        (3, "row 3", 6.0, False, 6, 1.5),
    ]
    assert [json.loads(r[6]) for r in found] == [[1, 2], [2, 4], [3, 6]]
    assert json.loads(found[1][7]) == {"WORDS": "row 2", "LISTED": [2, 4], "EVEN": True, "TWICE": 4, "HALF": None}
    frame = version.run(rows, function_name="describe")
    assert frame["WORDS"].tolist() == ["row 1", "row 2", "row 3", "row 4"]
    assert frame["TWICE"].tolist() == [2, 4, 6, 8]


def test_partitioned_model(session: Session, registry: Registry):
    rows = pd.DataFrame({"N": [1.0, 2.0], "G": ["a", "b"]})
    version = registry.log_model(
        Partitioned(custom_model.ModelContext()),
        model_name="PARTITIONED",
        version_name="V1",
        sample_input_data=rows,
        target_platforms=["WAREHOUSE"],
        options={"function_type": "TABLE_FUNCTION"},
    )
    session.sql(
        "CREATE OR REPLACE TABLE GROUPED AS SELECT * FROM VALUES (1, 'x'), (2, 'x'), (5, 'y') AS V (N, G)"
    ).collect()
    sql = """
        SELECT T.G, P.TOTAL, P.ROWS_
        FROM GROUPED AS T, TABLE(MODEL(PARTITIONED, V1)!TOTAL(T.N::FLOAT, T.G) OVER (PARTITION BY T.G)) AS P
        ORDER BY 1"""
    assert query(session, sql) == [("x", 3.0, 2), ("y", 5.0, 1)]
    frame = version.run(session.table("GROUPED"), function_name="total", partition_column="G").to_pandas()
    assert dict(zip(frame["G"], frame["TOTAL"], strict=True)) == {"x": 3.0, "y": 5.0}


def test_table_function_without_partitions(session: Session, registry: Registry):
    rows = pd.DataFrame({"N": [1.0, 2.0]})
    version = registry.log_model(
        Shifted(custom_model.ModelContext()),
        model_name="AS_TABLE",
        version_name="V1",
        signatures={"shift": model_signature.infer_signature(rows, pd.DataFrame({"SHIFTED": [1.0]}))},
        target_platforms=["WAREHOUSE"],
        options={"function_type": "TABLE_FUNCTION"},
    )
    found = version.run(rows, function_name="shift")
    assert found["SHIFTED"].tolist() == [11.0, 12.0]


def test_parameters(session: Session, registry: Registry):
    rows = pd.DataFrame({"N": [1.0, 2.0]})
    parameter = model_signature.ParamSpec("BY", model_signature.DataType.DOUBLE, default_value=10.0)
    inferred = model_signature.infer_signature(rows, pd.DataFrame({"SHIFTED": [1.0]}))
    signature = model_signature.ModelSignature(inputs=inferred.inputs, outputs=inferred.outputs, params=[parameter])

    class ByParameter(custom_model.CustomModel):
        @custom_model.inference_api
        def shift(self, rows: pd.DataFrame, *, BY: float = 10.0) -> pd.DataFrame:  # noqa: N803
            return pd.DataFrame({"SHIFTED": rows["N"] + BY})

    version = registry.log_model(
        ByParameter(custom_model.ModelContext()),
        model_name="SHIFTED",
        version_name="V1",
        signatures={"shift": signature},
        target_platforms=["WAREHOUSE"],
    )
    call = "SELECT SHIFTED!SHIFT({}):SHIFTED::FLOAT"
    assert query(session, call.format("1")) == [(11.0,)]
    assert query(session, call.format("1, 5")) == [(6.0,)]
    assert query(session, call.format("1, BY => 7")) == [(8.0,)]
    assert version.run(rows, function_name="shift", params={"BY": 2.0})["SHIFTED"].tolist() == [3.0, 4.0]


def test_missing_numbers_reach_the_model(session: Session, registry: Registry):
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"A": rng.normal(size=200), "B": rng.normal(size=200)})
    rows.loc[::3, "A"] = np.nan
    model = HistGradientBoostingRegressor(max_iter=5).fit(rows, rows.B)
    registry.log_model(
        model,
        model_name="MISSING",
        version_name="V1",
        sample_input_data=rows,
        target_platforms=["WAREHOUSE"],
    )
    found = query(session, "SELECT MISSING!PREDICT(NULL, 0.5):output_feature_0::FLOAT")
    assert found[0][0] == model.predict(pd.DataFrame({"A": [np.nan], "B": [0.5]}))[0]


@pytest.mark.slow
def test_taken_columns_equal_what_infer_returns(session: Session, registry: Registry, tmp_path: Path):
    """The generated function itself, run here over the same rows, gives the very values that SQL gives."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"A": rng.normal(size=300), "B": rng.normal(size=300)})
    rows.loc[::7, "B"] = np.nan
    model = HistGradientBoostingRegressor(max_iter=5).fit(rows, rows.A)
    version = registry.log_model(
        model, model_name="EXACT", version_name="V1", sample_input_data=rows, target_platforms=["WAREHOUSE"]
    )
    version.export(str(tmp_path), export_mode=__import__("snowflake.ml.model", fromlist=["ExportMode"]).ExportMode.FULL)
    expected = run_infer(tmp_path, rows)
    session.write_pandas(rows.reset_index(), "EXACT_ROWS", auto_create_table=True, overwrite=True)
    sql = """SELECT "index", EXACT!PREDICT("A", "B"):output_feature_0::FLOAT FROM EXACT_ROWS ORDER BY 1"""
    assert [r[1] for r in query(session, sql)] == [e["output_feature_0"] for e in expected]


def run_infer(folder: Path, rows: pd.DataFrame) -> list[dict[str, Any]]:
    import subprocess
    import sys

    rows.to_parquet(folder / "rows.parquet")
    program = """
import sys, types, json
import pandas as pd
stub = types.ModuleType("_snowflake")
stub.vectorized = lambda **_: lambda function: function
sys.modules["_snowflake"] = stub
sys.path.insert(0, sys.argv[1])
sys._xoptions["snowflake_import_directory"] = sys.argv[1] + "/"
from functions.predict import infer
print("answer", json.dumps(infer(pd.read_parquet(sys.argv[1] + "/rows.parquet"))))
"""
    done = subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True, text=True)
    answer = next(line for line in done.stdout.splitlines() if line.startswith("answer "))
    return list(json.loads(answer.removeprefix("answer ")))


def test_a_failing_model_says_where(session: Session, registry: Registry):
    class Failing(custom_model.CustomModel):
        @custom_model.inference_api
        def fail(self, rows: pd.DataFrame) -> pd.DataFrame:
            if len(rows) > 1:
                raise ValueError("this model never works")
            return pd.DataFrame({"R": rows["N"]})

    rows = pd.DataFrame({"N": [1.0]})
    registry.log_model(
        Failing(custom_model.ModelContext()),
        model_name="FAILING",
        version_name="V1",
        sample_input_data=rows,
        target_platforms=["WAREHOUSE"],
    )
    with pytest.raises(Exception, match="this model never works"):
        query(session, "SELECT FAILING!FAIL(COLUMN1):R FROM VALUES (1), (2)")
    assert query(session, "SELECT FAILING!FAIL(1):R::INT") == [(1,)]
