"""Inference in SQL, in every place of a query where a call of a model's method may stand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from snowflake.ml.registry import Registry
from tests.server.scene import CALL, DATABASE, ROWS, SCORE, Scene


def test_field_with_cast(scene: Scene):
    assert np.array_equal(scene.by_id(f"SELECT ID, {SCORE} FROM T"), scene.scores)


def test_a_version_stays_as_it_is(scene: Scene):
    scene.query(f"SELECT {SCORE} FROM T LIMIT 1")
    files = [row[0] for row in scene.query(f"LIST 'snow://model/{DATABASE}.PUBLIC.M/versions/V1/'")]
    assert any(name.endswith(".py") for name in files)
    assert not [name for name in files if "__pycache__" in name]


def test_version_alias_in_with(scene: Scene):
    sql = 'WITH v AS MODEL M VERSION V2 SELECT ID, v!PREDICT_PROBA(A, B, KIND):"output_feature_1"::FLOAT FROM T'
    assert np.array_equal(scene.by_id(sql), scene.scores2)


def test_model_function_with_version(scene: Scene):
    sql = f"SELECT ID, MODEL({DATABASE}.PUBLIC.M, v2)!predict_proba(a, b, kind)['output_feature_1']::FLOAT FROM T"
    assert np.array_equal(scene.by_id(sql), scene.scores2)


def test_several_models_and_queries_in_with(scene: Scene):
    sql = """
        WITH one AS MODEL M VERSION V1, rows_ AS (SELECT * FROM T WHERE ID < 100), two AS MODEL M VERSION V2
        SELECT ID,
            one!PREDICT_PROBA(A, B, KIND):output_feature_1::FLOAT
            - two!PREDICT_PROBA(A, B, KIND):output_feature_1::FLOAT
        FROM rows_"""
    assert np.allclose(scene.by_id(sql), (scene.scores - scene.scores2)[:100], atol=0)


def test_object(scene: Scene):
    found = scene.query(f"SELECT ID, {CALL} FROM T WHERE ID < 3 ORDER BY ID")
    objects = [json.loads(row[1]) for row in found]
    expected = scene.v1.predict_proba(scene.rows.head(3))
    assert [[o["output_feature_0"], o["output_feature_1"]] for o in objects] == expected.tolist()


def test_star_order_and_names(scene: Scene):
    frame = scene.session.sql(f"SELECT B, T.*, {SCORE} AS S, ID * 2 AS D, KIND FROM T ORDER BY ID LIMIT 2")
    assert frame.columns == ["B", "ID", "A", "B", "KIND", "S", "D", "KIND"] or frame.columns[4:7] == ["KIND", "S", "D"]
    rows = scene.query(f"SELECT B AS X, T.*, {SCORE} AS S, ID * 2 AS D FROM T ORDER BY ID LIMIT 2")
    first = scene.rows.iloc[0]
    assert rows[0] == (first.B, 0, first.A, first.B, first.KIND, scene.scores[0], 0)


def test_two_stars(scene: Scene):
    score = SCORE.replace("(A, B, KIND)", "(r.A, r.B, r.KIND)")
    rows = scene.query(f"SELECT l.*, {score} AS S, r.* FROM T l JOIN T r ON l.ID = r.ID + 1 ORDER BY r.ID LIMIT 1")
    assert rows[0][0] == 1
    assert rows[0][4] == scene.scores[0]
    assert rows[0][5] == 0


def test_expressions_around_calls(scene: Scene):
    sql = f"SELECT ID, IFF({SCORE} > 0.5, A, -B) + {SCORE} AS V FROM T"
    expected = np.where(scene.scores > 0.5, scene.rows.A, -scene.rows.B) + scene.scores
    assert np.array_equal(scene.by_id(sql), expected)


def test_order_by_score_and_limit(scene: Scene):
    best = np.argsort(-scene.scores)[:5].tolist()
    assert [r[0] for r in scene.query(f"SELECT ID, {SCORE} AS S FROM T ORDER BY S DESC LIMIT 5")] == best
    assert [r[0] for r in scene.query(f"SELECT ID FROM T ORDER BY {SCORE} DESC LIMIT 5")] == best
    assert [r[0] for r in scene.query(f"SELECT ID, {SCORE} FROM T ORDER BY 2 DESC LIMIT 5")] == best


def test_where_on_alias_and_on_call(scene: Scene):
    expected = sum(scene.scores[:1000] > 0.7)
    assert len(scene.query(f"SELECT ID, {SCORE} AS S FROM T WHERE S > 0.7 AND ID < 1000")) == expected
    assert scene.query(f"SELECT COUNT(*) FROM T WHERE {SCORE} > 0.7 AND ID < 1000") == [(expected,)]


def test_alias_in_other_projection(scene: Scene):
    found = scene.by_id(f"SELECT ID, S * 2 AS D, {SCORE} AS S FROM T")
    assert np.array_equal(found, scene.scores * 2)


def test_qualify_and_window_over_scores(scene: Scene):
    sql = f"SELECT KIND, ID, {SCORE} AS S FROM T QUALIFY ROW_NUMBER() OVER (PARTITION BY KIND ORDER BY S DESC) = 1"
    frame = scene.rows.assign(S=scene.scores)
    expected = sorted((k, int(i)) for k, i in frame.groupby("KIND").S.idxmax().items())
    assert sorted((k, i) for k, i, _ in scene.query(sql)) == expected


def test_qualify_without_scores(scene: Scene):
    sql = f"SELECT ID, {SCORE} AS S FROM T QUALIFY ROW_NUMBER() OVER (PARTITION BY KIND ORDER BY ID) = 1 ORDER BY ID"
    ids = sorted(scene.rows.groupby("KIND").head(1).index.tolist())
    assert scene.query(sql) == [(i, scene.scores[i]) for i in ids]


def test_grouped_by_scores(scene: Scene):
    sql = f"SELECT KIND, AVG({SCORE}), COUNT(*) FROM T GROUP BY KIND ORDER BY KIND"
    expected = scene.rows.assign(S=scene.scores).groupby("KIND").S.agg(["mean", "size"])
    found = scene.query(sql)
    assert [(k, n) for k, _, n in found] == [(k, int(r["size"])) for k, r in expected.iterrows()]
    assert np.allclose([m for _, m, _ in found], expected["mean"])


def test_group_by_position_of_a_call(scene: Scene):
    sql = "SELECT M!PREDICT(A, B, KIND):output_feature_0::INT AS P, COUNT(*) FROM T GROUP BY 1 ORDER BY 1"
    predicted = scene.v1.predict(scene.rows)
    assert scene.query(sql) == [(0, int(sum(predicted == 0))), (1, int(sum(predicted == 1)))]


def test_arguments_that_are_aggregates(scene: Scene):
    score = SCORE.replace("(A, B, KIND)", "(AVG(A), MAX(B), KIND)")
    sql = f"SELECT KIND, {score} FROM T GROUP BY KIND"
    grouped = scene.rows.groupby("KIND").agg(A=("A", "mean"), B=("B", "max")).reset_index()
    expected = dict(zip(grouped.KIND, scene.v1.predict_proba(grouped[["A", "B", "KIND"]])[:, 1], strict=True))
    assert {k: pytest.approx(v) for k, v in scene.query(sql)} == expected


def test_distinct(scene: Scene):
    sql = "SELECT DISTINCT M!PREDICT(A, B, KIND):output_feature_0::INT AS P FROM T ORDER BY P"
    assert scene.query(sql) == [(0,), (1,)]


def test_union_and_nested_blocks(scene: Scene):
    sql = f"""
        SELECT ID, S FROM (SELECT *, {SCORE} AS S FROM T WHERE ID < 10) WHERE S >= 0
        UNION ALL SELECT ID, {SCORE} FROM (SELECT * FROM T) q WHERE ID BETWEEN 10 AND 19"""
    assert np.array_equal(scene.by_id(sql), scene.scores[:20])


def test_call_in_cte_read_twice(scene: Scene):
    sql = (
        f"WITH s AS (SELECT ID, {SCORE} AS S FROM T WHERE ID < 50) SELECT a.ID, a.S + b.S FROM s a JOIN s b USING (ID)"
    )
    assert np.array_equal(scene.by_id(sql), scene.scores[:50] * 2)


def test_nested_calls(scene: Scene):
    sql = f"SELECT ID, M!PREDICT_PROBA({SCORE}, B, KIND):output_feature_1::FLOAT FROM T"
    inner = scene.rows.assign(A=scene.scores)
    assert np.array_equal(scene.by_id(sql), scene.v1.predict_proba(inner)[:, 1])


def test_call_of_another_calls_alias(scene: Scene):
    sql = f"SELECT ID, M!PREDICT_PROBA(S, B, KIND):output_feature_1::FLOAT AS R, {SCORE} AS S FROM T"
    inner = scene.rows.assign(A=scene.scores)
    assert np.array_equal(scene.by_id(f"SELECT ID, R FROM ({sql})"), scene.v1.predict_proba(inner)[:, 1])


def test_correlated_subquery_and_join_condition(scene: Scene):
    sql = f"SELECT ID, (SELECT MAX({SCORE}) FROM T i WHERE i.ID = o.ID) FROM T o WHERE ID < 10"
    assert np.array_equal(scene.by_id(sql), scene.scores[:10])
    on = SCORE.replace("(A, B, KIND)", "(l.A, l.B, l.KIND)")
    sql = f"SELECT l.ID FROM T l JOIN T r ON l.ID = r.ID AND {on} > 0.5 WHERE l.ID < 100"
    assert len(scene.query(sql)) == sum(scene.scores[:100] > 0.5)


def test_no_rows_and_nulls(scene: Scene):
    assert scene.query(f"SELECT {SCORE} FROM T WHERE ID < 0") == []
    sql = "SELECT M!PREDICT(1, 2, NULL):output_feature_0, M!PREDICT(1, 2, 'x'):nothing::FLOAT"
    assert scene.query(sql)[0][1] is None


def test_run_of_the_registry(scene: Scene):
    version = Registry(scene.session, database_name=DATABASE, schema_name="PUBLIC").get_model("M").version("V2")
    found = version.run(scene.session.table("T"), function_name="predict_proba").order_by("ID").to_pandas()
    assert np.array_equal(found["output_feature_1"], scene.scores2)
    assert found.columns.tolist()[:4] == ["ID", "A", "B", "KIND"]


def test_errors_name_what_is_wrong(scene: Scene):
    with pytest.raises(Exception, match=r"Model 'T_MODELS_INFERENCE.PUBLIC.NONE' does not exist"):
        scene.query("SELECT MODEL(NONE)!PREDICT(1)")
    with pytest.raises(Exception, match=r"Version 'V9' does not exist"):
        scene.query("SELECT MODEL(M, V9)!PREDICT(1)")
    with pytest.raises(Exception, match=r"Unknown user-defined function GUESS"):
        scene.query("SELECT MODEL(M, V1)!GUESS(1)")
    with pytest.raises(Exception, match=r"Invalid argument types for function 'PREDICT'"):
        scene.query("SELECT MODEL(M, V1)!PREDICT(1)")
    with pytest.raises(Exception, match=r"is not recognized"):
        scene.query("SELECT M!PREDICT('one', 2, 'x')")


def test_alias_that_is_a_source_column_too(scene: Scene):
    expected = {i for i in range(100) if scene.rows.A[i] > 0}
    found = scene.query(f"SELECT ID, {SCORE} AS A FROM T WHERE A > 0 AND ID < 100")
    assert {r[0] for r in found} == expected
    assert dict(found) == {i: scene.scores[i] for i in expected}


def test_more_rows_than_one_chunk(scene: Scene):
    sql = f"SELECT COUNT(*), COUNT(DISTINCT S), MIN(S), MAX(S) FROM (SELECT {SCORE} AS S, N FROM T, "
    sql += "(SELECT COLUMN1 AS N FROM VALUES (1), (2), (3), (4), (5), (6)), "
    sql += "(SELECT COLUMN1 AS M FROM VALUES (1), (2), (3), (4), (5), (6), (7)))"
    ((count, distinct, low, high),) = scene.query(sql)
    assert (count, distinct) == (ROWS * 42, len(set(scene.scores)))
    assert (low, high) == (scene.scores.min(), scene.scores.max())
