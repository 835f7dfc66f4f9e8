"""Scores that are kept: inference in DML, transactions, tables, views, and over a stream."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.server.scene import SCORE, Scene


def test_insert_update_merge_and_table_as(scene: Scene):
    scene.query(f"CREATE OR REPLACE TABLE S1 AS SELECT ID, {SCORE} AS S FROM T")
    assert np.array_equal(scene.by_id("SELECT ID, S FROM S1"), scene.scores)
    scene.query("CREATE OR REPLACE TABLE S2 (ID NUMBER, S FLOAT)")
    scene.query(f"INSERT INTO S2 (S, ID) WITH v AS MODEL M VERSION FIRST SELECT {SCORE.replace('M!', 'v!')}, ID FROM T")
    assert np.array_equal(scene.by_id("SELECT ID, S FROM S2"), scene.scores)
    scene.query("UPDATE S2 SET S = 0")
    scene.query(
        f"MERGE INTO S2 USING (SELECT ID, {SCORE} AS N FROM T) u ON S2.ID = u.ID WHEN MATCHED THEN UPDATE SET S = u.N"
    )
    assert np.array_equal(scene.by_id("SELECT ID, S FROM S2"), scene.scores)
    scene.query("ALTER TABLE S2 ADD COLUMN A FLOAT")
    scene.query("UPDATE S2 SET A = M!PREDICT_PROBA(S, 0, 'x'):output_feature_1::FLOAT")
    inner = pd.DataFrame({"A": scene.scores, "B": 0.0, "KIND": "x"})
    assert np.array_equal(scene.by_id("SELECT ID, A FROM S2"), scene.v1.predict_proba(inner)[:, 1])


def test_inside_a_transaction(scene: Scene):
    scene.query("CREATE OR REPLACE TABLE S3 (ID NUMBER, S FLOAT)")
    scene.query("BEGIN")
    scene.query(f"INSERT INTO S3 SELECT ID, {SCORE} FROM T WHERE ID < 10")
    with pytest.raises(Exception, match="is not recognized"):
        scene.query("INSERT INTO S3 SELECT 'x', 'y'")
    scene.query("INSERT INTO S3 SELECT ID + 10, S FROM S3")
    scene.query("COMMIT")
    assert np.array_equal(scene.by_id("SELECT ID, S FROM S3"), np.tile(scene.scores[:10], 2))


def test_view(scene: Scene):
    scene.query(f"CREATE OR REPLACE VIEW W AS SELECT ID, {SCORE} AS S FROM T")
    assert np.array_equal(scene.by_id("SELECT ID, S FROM W"), scene.scores)


def test_stream_is_consumed_once_with_its_scores(scene: Scene):
    scene.query("CREATE OR REPLACE TABLE ARRIVING (ID NUMBER, A FLOAT, B FLOAT, KIND VARCHAR)")
    scene.query("CREATE OR REPLACE STREAM NEW_ROWS ON TABLE ARRIVING APPEND_ONLY = TRUE")
    scene.query("CREATE OR REPLACE TABLE SCORED (ID NUMBER, S FLOAT)")
    scene.query("CREATE OR REPLACE TABLE SET_ASIDE (ID NUMBER)")
    scene.query("INSERT INTO ARRIVING SELECT * FROM T WHERE ID < 100")

    def run(end: str) -> None:
        scene.query("BEGIN")
        scene.query("INSERT INTO SET_ASIDE SELECT ID FROM NEW_ROWS WHERE KIND = 'z'")
        sql = f"INSERT INTO SCORED WITH F AS (SELECT * FROM NEW_ROWS WHERE KIND <> 'z') SELECT ID, {SCORE} FROM F"
        scene.query(sql)
        scene.query(end)

    run("ROLLBACK")
    assert scene.query("SELECT COUNT(*) FROM SCORED") == [(0,)]
    run("COMMIT")
    scene.query("INSERT INTO ARRIVING SELECT * FROM T WHERE ID BETWEEN 100 AND 149")
    run("COMMIT")
    run("COMMIT")
    known = {i: scene.scores[i] for i in range(150) if scene.rows.KIND[i] != "z"}
    assert sorted(scene.query("SELECT ID, S FROM SCORED")) == sorted(known.items())
    assert len(scene.query("SELECT ID FROM SET_ASIDE")) == 150 - len(known)
    scene.query("INSERT INTO ARRIVING SELECT * FROM T WHERE ID = 150")
    scene.query(f"CREATE OR REPLACE TABLE TAKEN AS SELECT ID, {SCORE} AS S FROM NEW_ROWS")
    assert scene.query("SELECT * FROM TAKEN") == [(150, scene.scores[150])]
    assert scene.query("SELECT SYSTEM$STREAM_HAS_DATA('NEW_ROWS')") == [(False,)]
