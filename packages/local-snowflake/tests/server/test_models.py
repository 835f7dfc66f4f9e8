"""Models as objects: what changes them, what shows them, what survives."""

from __future__ import annotations

import json
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException

from local_snowflake.testing import LocalSnowflake

DATABASE = "T_MODELS"


def open_session(connection: dict[str, Any]) -> Session:
    warnings.filterwarnings("ignore")
    session = Session.builder.configs(connection).create()
    session.sql(f"CREATE DATABASE IF NOT EXISTS {DATABASE}").collect()
    session.sql(f"USE SCHEMA {DATABASE}.PUBLIC").collect()
    return session


def log(session: Session, model: str, version: str, slope: float = 2.0) -> Any:
    rows = pd.DataFrame({"A": np.arange(5.0)})
    registry = Registry(session, database_name=DATABASE, schema_name="PUBLIC")
    return registry.log_model(
        LinearRegression().fit(rows, rows.A * slope),
        model_name=model,
        version_name=version,
        sample_input_data=rows,
        target_platforms=["WAREHOUSE"],
    )


def query(session: Session, sql: str) -> list[dict[str, Any]]:
    return [{k.strip('"'): v for k, v in row.as_dict().items()} for row in session.sql(sql).collect()]


def refusal(session: Session, sql: str) -> str:
    with pytest.raises(SnowparkSQLException) as caught:
        query(session, sql)
    return str(caught.value.message)


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    opened = open_session(snowflake_connection)
    log(opened, "M", "V1")
    yield opened
    opened.sql(f"DROP DATABASE {DATABASE}").collect()
    opened.close()


def test_show_models_tells_versions_and_aliases(session: Session):
    log(session, "SHOWN", "A1")
    log(session, "SHOWN", "A2")
    query(session, "ALTER MODEL SHOWN VERSION A2 SET ALIAS = PROD")
    (shown,) = query(session, f"SHOW MODELS LIKE 'shown' IN DATABASE {DATABASE}")
    assert shown["default_version_name"] == "A1"
    assert json.loads(shown["versions"]) == ["A1", "A2"]
    assert json.loads(shown["aliases"]) == {"DEFAULT": "A1", "FIRST": "A1", "LAST": "A2", "PROD": "A2"}
    assert (shown["database_name"], shown["schema_name"], shown["name"]) == (DATABASE, "PUBLIC", "SHOWN")


def test_show_functions(session: Session):
    (shown,) = query(session, "SHOW FUNCTIONS IN MODEL M VERSION V1")
    assert shown["name"] == "PREDICT"
    assert shown["arguments"] == "PREDICT(FLOAT) RETURN OBJECT"
    assert (shown["min_num_arguments"], shown["max_num_arguments"], shown["language"]) == ("1", "1", "PYTHON")


def test_rename_moves_to_another_schema(session: Session):
    log(session, "OLD", "V1", slope=4.0)
    query(session, f"CREATE SCHEMA IF NOT EXISTS {DATABASE}.ELSEWHERE")
    query(session, f"USE SCHEMA {DATABASE}.PUBLIC")
    query(session, f"ALTER MODEL OLD RENAME TO {DATABASE}.ELSEWHERE.NEW")
    assert "does not exist" in refusal(session, "SHOW VERSIONS IN MODEL OLD")
    found = query(session, f"SELECT MODEL({DATABASE}.ELSEWHERE.NEW, V1)!PREDICT(1):output_feature_0::INT AS P")
    assert found == [{"P": 4}]


def test_names_that_need_quotes(session: Session):
    query(session, 'CREATE MODEL "my model" WITH VERSION "v 1" FROM MODEL M VERSION V1')
    found = query(session, 'SELECT MODEL("my model", "v 1")!PREDICT(3):"output_feature_0"::INT AS P')
    assert found == [{"P": 6}]
    assert [v["name"] for v in query(session, 'SHOW VERSIONS IN MODEL "my model"')] == ["v 1"]


def test_reserved_and_taken_names_are_refused(session: Session):
    assert "reserved" in refusal(session, "ALTER MODEL M ADD VERSION LAST FROM MODEL M VERSION V1")
    assert "reserved" in refusal(session, "ALTER MODEL M VERSION V1 SET ALIAS = DEFAULT")
    assert "already exists" in refusal(session, "CREATE MODEL M WITH VERSION V2 FROM MODEL M VERSION V1")
    assert "already exists" in query(session, "CREATE MODEL IF NOT EXISTS M WITH VERSION V2 FROM MODEL M")[0]["status"]


def test_create_from_a_stage_without_a_model_is_refused(session: Session, tmp_path: Path):
    query(session, "CREATE OR REPLACE STAGE EMPTY_STAGE")
    assert "There is no file" in refusal(session, "CREATE MODEL BROKEN WITH VERSION V1 FROM @EMPTY_STAGE/model")
    (tmp_path / "other.txt").write_text("not a model")
    session.file.put(str(tmp_path / "other.txt"), "@EMPTY_STAGE/model", auto_compress=False)
    assert "MANIFEST.yml" in refusal(session, "CREATE MODEL BROKEN WITH VERSION V1 FROM @EMPTY_STAGE/model")
    assert query(session, "SHOW MODELS LIKE 'BROKEN'") == []


def test_metadata_has_to_be_json(session: Session):
    assert "JSON" in refusal(session, "ALTER MODEL M MODIFY VERSION V1 SET METADATA = $$nothing$$")


def test_tags(session: Session):
    model = Registry(session, database_name=DATABASE, schema_name="PUBLIC").get_model("M")
    query(session, "CREATE TAG IF NOT EXISTS LIVE ALLOWED_VALUES 'yes', 'no'")
    model.set_tag("LIVE", "yes")
    assert model.get_tag("LIVE") == "yes"
    assert model.show_tags() == {f"{DATABASE}.PUBLIC.LIVE": "yes"}
    assert "not allowed" in refusal(session, "ALTER MODEL M SET TAG LIVE = 'perhaps'")
    assert "does not exist" in refusal(session, "ALTER MODEL M SET TAG OTHER = 'x'")
    model.unset_tag("LIVE")
    assert model.get_tag("LIVE") is None
    model.set_tag("LIVE", "no")
    assert [t["name"] for t in query(session, "SHOW TAGS IN SCHEMA")] == ["LIVE"]
    query(session, "DROP TAG LIVE")
    assert model.show_tags() == {}


def test_export_and_load(session: Session, tmp_path: Path):
    version = Registry(session, database_name=DATABASE, schema_name="PUBLIC").get_model("M").version("V1")
    version.export(str(tmp_path))
    assert (tmp_path / "model.yaml").exists() or list(tmp_path.rglob("model.yaml"))
    assert version.load(force=True).predict(pd.DataFrame({"A": [1.5]})).tolist() == [3.0]


def test_flow_operator(session: Session):
    sql = (
        """SHOW VERSIONS IN MODEL M ->> SELECT "name" AS N, "is_default_version" AS D FROM $1 WHERE "name" LIKE 'V%'"""
    )
    assert query(session, sql) == [{"N": "V1", "D": "true"}]
    chain = "SELECT 1 AS X ->> SELECT X + 1 AS Y FROM $1 ->> SELECT X, Y FROM $2, $1"
    assert query(session, chain) == [{"X": 1, "Y": 2}]
    assert "$3 names no statement" in refusal(session, "SELECT 1 AS X ->> SELECT * FROM $3")


@pytest.mark.slow
def test_model_survives_restart_and_kill(own_snowflake: LocalSnowflake):
    first = open_session(own_snowflake.connection())
    log(first, "KEPT", "V1", slope=7.0)
    log(first, "KEPT", "V2", slope=8.0)
    query(first, "ALTER MODEL KEPT VERSION V2 SET ALIAS = CHAMPION")
    log(first, "DROPPED", "V1")
    query(first, "DROP MODEL DROPPED")
    # a client that is left open would go on calling the dead server
    first.close()
    own_snowflake.stop(signal.SIGKILL)
    orphan = own_snowflake.data_dir / "models" / ".new-left-by-the-kill"
    orphan.mkdir()
    own_snowflake.start()
    second = open_session(own_snowflake.connection())
    found = query(second, "SELECT MODEL(KEPT, CHAMPION)!PREDICT(1):output_feature_0::INT AS P, CURRENT_SCHEMA() AS S")
    assert found == [{"P": 8, "S": "PUBLIC"}]
    assert [m["name"] for m in query(second, "SHOW MODELS")] == ["KEPT"]
    assert len(list((own_snowflake.data_dir / "models").iterdir())) == 2
    second.close()
