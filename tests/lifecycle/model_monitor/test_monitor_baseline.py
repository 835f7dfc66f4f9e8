"""The baseline of a model monitor: each held-out row that has a score, and no other."""

import json

import pandas as pd
import pytest
from snowflake.ml.model import custom_model
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.lifecycle.model_monitor.desired import desired_monitor
from snowloop.lifecycle.versions import Version
from tests.support.copies import Copies
from tests.support.loops import monitored

HELD_OUT = {1: 0.2, 2: 0.9, 3: -1.0, 4: -2.0}
"""X of the held-out rows, by their key."""
TRAINED = {5: 0.3, 6: -3.0}


class Sometimes(custom_model.CustomModel):
    """Gives X as the probability, and none where that is below 0: such as a root or a logarithm of what is negative."""

    @custom_model.inference_api
    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        one = frame["X"].where(frame["X"] >= 0)
        return pd.DataFrame({"output_feature_0": 1 - one, "output_feature_1": one})


@pytest.mark.slow
def test_held_out_rows_are_in_it_unless_the_model_gives_them_no_score(
    session: Session, tmp_path_factory: pytest.TempPathFactory
):
    world = Copies(session, tmp_path_factory.mktemp("monitored"), "monitored", ["SURE"])
    facts = json.loads(world.show()["SURE"]["comment"])
    names = [feature.name for feature in world.features]
    Registry(session, database_name=world.database, schema_name="MODELS").log_model(
        Sometimes(custom_model.ModelContext()),
        model_name=world.project.model_name,
        version_name="SOMETIMES",
        sample_input_data=pd.DataFrame([[0.5, 0.5, 0.5]], columns=names),
        target_platforms=["WAREHOUSE"],
    )
    rows = ", ".join(
        f"({key}, {x}, {key in HELD_OUT}, {key % 2})" for key, x in sorted({**HELD_OUT, **TRAINED}.items())
    )
    features = ", ".join(f'COLUMN2::FLOAT AS "{name}"' for name in names)
    world.rows(
        f"CREATE TABLE {{db}}.FEATURES.TRAINING_SET_COPIES AS SELECT COLUMN1 AS ID, {features}, COLUMN3 AS IS_HOLDOUT, "
        f"COLUMN4 AS LATE FROM VALUES {rows}"
    )
    found = {}
    for version in ("SURE", "SOMETIMES"):
        made = desired_monitor(monitored(world.project), world.target, Version(version, facts=facts), world.features)
        assert made is not None
        world.rows(made.statements[1])
        scores = world.rows("SELECT ID, SNOWLOOP_SCORE FROM {db}.FEATURES.MODEL_MONITOR_BASELINE ORDER BY ID")
        found[version] = {row["ID"]: row["SNOWLOOP_SCORE"] for row in scores}
    assert set(found["SURE"]) == set(HELD_OUT)
    assert found["SOMETIMES"] == {key: x for key, x in HELD_OUT.items() if x >= 0}
    world.rows("DROP DATABASE {db}")
