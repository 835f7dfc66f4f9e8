"""The baseline of a training set and of scores: deciles, categories, and what lies outside of them."""

import json

import numpy as np
import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.features.baseline import MOST_BINS, write_baseline, write_score_baseline
from snowloop.lifecycle.features.feature import Feature, Subject
from snowloop.sql import identifier, run_script
from snowloop.workspace import Workspace
from snowloop_procedures.statistics.deciles import LEAST_ROWS, deciles, score_bins
from tests.support.tiny import tiny

FEATURES = (
    *(Feature(name, "FLOAT") for name in ("X", "FEW", "FLAG", "GAIN", "RARE", "NONE")),
    Feature("odd name", "VARCHAR"),
)
ROWS = 1000


@pytest.fixture(scope="module")
def workspace(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A training set with ties, NULL, NaN, infinity, and 70 categories; each tenth row is held out."""
    project = tiny(tmp_path_factory.mktemp("baseline"))
    split = project.split.model_copy(update={"by": "order", "order_by": "ID"})
    made = Workspace(session, project.model_copy(update={"split": split}), "bins")
    for statement in ("DATABASE", "SCHEMA"):
        where = identifier(made.database, *(["OPS"] if statement == "SCHEMA" else []))
        session.sql(f"CREATE {statement} IF NOT EXISTS {where}").collect()
    run_script(session, "monitoring/create_tables.sql", database=made.database)
    session.sql(f"""
        CREATE TABLE {identifier(made.database, "OPS", "ROWS_TO_BIN")} AS
        SELECT
            SEQ4() AS ID, SEQ4() AS SNOWLOOP_ORDER, MOD(SEQ4(), 10) = 9 AS IS_HOLDOUT,
            CASE WHEN SEQ4() < 20 THEN NULL WHEN SEQ4() = 20 THEN 'NaN'::FLOAT WHEN SEQ4() = 21 THEN 'inf'::FLOAT
                ELSE SQRT(SEQ4()) END AS X,
            MOD(SEQ4(), 3)::FLOAT AS FEW,
            IFF(MOD(SEQ4(), 40) = 0, 1, 0)::FLOAT AS FLAG,
            CASE MOD(SEQ4(), 20) WHEN 0 THEN SEQ4() WHEN 1 THEN -SEQ4() ELSE 0 END::FLOAT AS GAIN,
            IFF(MOD(SEQ4(), 200) = 0, 1, 0)::FLOAT AS RARE,
            IFF(MOD(SEQ4(), 7) = 0, NULL, 'it''s ' || FLOOR(SQRT(SEQ4() * 5))) AS "odd name",
            NULL::FLOAT AS NONE
        FROM TABLE(GENERATOR(ROWCOUNT => {ROWS}))
    """).collect()
    subject = Subject(identifier(made.database, "OPS", "ROWS_TO_BIN"), "f1", FEATURES)
    for _ in range(2):  # the second time nothing is written
        write_baseline(made, subject)
    return made


def bins_of(workspace: Workspace, column: str, version: str | None = None) -> list[dict[str, object]]:
    rows = workspace.session.sql(
        f"SELECT * FROM {identifier(workspace.database, 'OPS', 'BASELINES')} "
        f"WHERE COLUMN_NAME = '{column}' AND MODEL_VERSION IS NOT DISTINCT FROM ? ORDER BY POSITION, CATEGORY",
        params=[version],
    ).collect()
    return [row.as_dict() for row in rows]


def training(column: str, workspace: Workspace) -> np.ndarray:
    query = f'SELECT "{column}" FROM {identifier(workspace.database, "OPS", "ROWS_TO_BIN")} WHERE NOT IS_HOLDOUT'
    return np.array([row[0] for row in workspace.session.sql(query).collect()])


def test_numbers_are_binned_by_the_deciles_of_the_training_rows(workspace: Workspace):
    x = training("X", workspace).astype(float)
    rows = {str(row["BIN"]): row for row in bins_of(workspace, "X")}
    known = x[~np.isnan(x)]
    edges = deciles(known)
    assert [rows[f"B{place:02}"]["LOWER"] for place in range(2, 11)] == pytest.approx(edges[1:].tolist())
    assert rows["B01"]["LOWER"] is None
    assert rows["B10"]["UPPER"] is None
    counts = np.bincount(np.searchsorted(edges, known, side="right") - 1)
    assert [rows[f"B{place:02}"]["N"] for place in range(1, 11)] == counts.tolist()
    assert (rows["BELOW"]["N"], rows["ABOVE"]["N"], rows["NULL"]["N"]) == (0, 0, int(np.isnan(x).sum()))
    assert (rows["BELOW"]["UPPER"], rows["ABOVE"]["LOWER"]) == (known.min(), np.inf)
    assert (rows["BELOW"]["MEASURED_AS"], rows["ABOVE"]["MEASURED_AS"]) == ("B01", "B10")
    finite = known[np.isfinite(known)]
    assert rows["B05"]["MEAN"] == pytest.approx(finite.mean())
    assert rows["B05"]["DEVIATION"] == pytest.approx(finite.std(ddof=1))
    assert sum(float(str(row["SHARE"])) for row in rows.values()) == pytest.approx(1)


def test_few_values_have_few_bins_and_a_column_without_values_has_one(workspace: Workspace):
    few = bins_of(workspace, "FEW")
    assert [(row["BIN"], row["LOWER"], row["N"]) for row in few] == [
        *[("BELOW", None, 0), ("B01", None, 300), ("B02", 1, 300), ("B03", 2, 300)],
        *[("ABOVE", 2, 0), ("NULL", None, 0)],
    ]
    none = bins_of(workspace, "NONE")
    assert [(row["BIN"], row["N"]) for row in none] == [("BELOW", 0), ("B01", 0), ("ABOVE", 0), ("NULL", 900)]


def test_what_is_rare_next_to_a_tied_number_has_a_bin_of_its_own(workspace: Workspace):
    """A flag of few rows has all deciles at 0: with one bin no change of its share would ever be drift."""
    bins = {name: {row["BIN"]: (row["LOWER"], row["N"]) for row in bins_of(workspace, name)} for name in
            ("FLAG", "GAIN", "RARE")}  # fmt: skip
    assert (bins["FLAG"]["B01"], bins["FLAG"]["B02"]) == ((None, 875), (1, 25))
    gain = training("GAIN", workspace).astype(float)
    edges = deciles(gain)
    assert edges.tolist() == [-981, 0, 20], "below 0, 0 alone, and above 0"
    assert [bins["GAIN"][name][0] for name in ("B02", "B03")] == edges[1:].tolist()
    assert [bins["GAIN"][name][1] for name in ("B01", "B02", "B03")] == [
        int(np.sum(part)) for part in (gain < 0, gain == 0, gain > 0)
    ]
    assert set(bins["RARE"]) == {"BELOW", "B01", "ABOVE", "NULL"}, "5 rows are no share to compare with"


def test_frequent_categories_have_bins_and_the_others_are_known(workspace: Workspace):
    texts = training("odd name", workspace)
    rows = bins_of(workspace, "odd name")
    names, counts = np.unique(texts[texts != np.array(None)].astype(str), return_counts=True)
    assert len(rows) == len(names) + 2
    assert {row["CATEGORY"]: row["N"] for row in rows if row["CATEGORY"]} == dict(zip(names, counts, strict=True))
    own = int(np.sum(counts >= LEAST_ROWS))
    assert 20 < own < 50
    assert [row["BIN"] for row in rows[:own]] == [f"C{place:02}" for place in range(1, own + 1)]
    assert {row["BIN"] for row in rows[own:-2]} == {"OTHER"}
    assert [(row["BIN"], row["MEASURED_AS"]) for row in rows[-2:]] == [("UNSEEN", "OTHER"), ("NULL", "NULL")]
    assert rows[-1]["N"] == sum(text is None for text in texts)


def test_at_most_fifty_categories_have_bins(workspace: Workspace):
    table = identifier(workspace.database, "OPS", "MANY_CATEGORIES")
    workspace.session.sql(
        f"CREATE TABLE {table} AS SELECT SEQ4() AS ID, SEQ4() AS SNOWLOOP_ORDER, FALSE AS IS_HOLDOUT, "
        "MOD(SEQ4(), 60)::VARCHAR AS T FROM TABLE(GENERATOR(ROWCOUNT => 900))"
    ).collect()
    write_baseline(workspace, Subject(table, "f2", (Feature("T", "VARCHAR"),)))
    baselines = identifier(workspace.database, "OPS", "BASELINES")
    query = f"SELECT BIN, SUM(N) AS N FROM {baselines} WHERE TRAINING_SET = 'f2' GROUP BY BIN"
    rows = workspace.session.sql(query).collect()
    bins = {str(row["BIN"]): int(row["N"]) for row in rows}
    assert bins == {**{f"C{place:02}": 15 for place in range(1, MOST_BINS + 1)}, "OTHER": 150, "UNSEEN": 0, "NULL": 0}


def test_chunks_are_the_training_rows_in_order(workspace: Workspace):
    where = identifier(workspace.database, "OPS", "BASELINE_CHUNKS")
    query = f"SELECT CHUNK, SUM(N) AS N FROM {where} WHERE COLUMN_NAME = 'X' GROUP BY CHUNK"
    rows = workspace.session.sql(query).collect()
    assert {int(row["CHUNK"]): int(row["N"]) for row in rows} == dict.fromkeys(range(10), 90)
    first = workspace.session.sql(f"SELECT BIN, N FROM {where} WHERE COLUMN_NAME = 'X' AND CHUNK = 0").collect()
    # sorted by X: but for NULL and infinity, all rows of the first chunk are in the first deciles
    assert {row["BIN"] for row in first} == {"NULL", "B01", "B10"}
    totals = workspace.session.sql(f"SELECT SUM(TOTAL) FROM {where} WHERE COLUMN_NAME = 'X'").collect()[0][0]
    x = training("X", workspace).astype(float)
    assert totals == pytest.approx(x[np.isfinite(x)].sum())


def test_scores_have_bins_of_their_version(workspace: Workspace):
    scores = np.append(np.random.default_rng(1).beta(2, 5, 400), np.nan)
    write_score_baseline(workspace, "f1", "V1", score_bins(scores))
    write_score_baseline(workspace, "f1", "V1", score_bins(scores / 2))  # bins never move
    write_score_baseline(workspace, "f1", "V2", None)
    rows = {str(row["BIN"]): row for row in bins_of(workspace, "(score)", "V1")}
    assert len(rows) == 13
    assert [rows[name]["N"] for name in ("BELOW", "B01", "B10", "ABOVE", "NULL")] == [0, 39, 41, 0, 1]
    assert rows["ABOVE"]["LOWER"] == np.nanmax(scores)
    assert rows["B03"]["UPPER"] == rows["B04"]["LOWER"]
    assert not bins_of(workspace, "(score)", "V2")


def test_tied_deciles_leave_at_most_ten_bins_and_their_values_alone():
    assert deciles(np.repeat([0.0, 1.0], [97, 10])).tolist() == [0, 1]
    assert deciles(np.repeat([0.0, 1.0], [97, 9])).tolist() == [0], "too few to compare with"
    assert deciles(np.repeat([0.0, 1.0], [3, 97])).tolist() == [0, 1]
    steps = np.concatenate([np.repeat(np.arange(5.0), 200), np.random.default_rng(1).uniform(0, 5, 100)])
    edges = deciles(steps)
    assert len(edges) == 10
    assert set(range(5)) <= set(edges)
    for value in range(4):
        inside = steps[(steps >= value) & (steps < edges[edges > value][0])]
        assert set(inside) == {value}, "a tied value is not mixed with others"


def test_scores_that_are_all_the_same_have_one_bin_and_none_no_baseline():
    assert score_bins(np.array([np.nan, np.inf])) is None
    assert score_bins(np.array([])) is None
    one = score_bins(np.array([0.5, 0.5, np.nan]))
    assert one is not None
    assert (one["edges"], one["counts"], one["missing"]) == ([0.5], [2], 1)
    json.dumps(score_bins(np.array([0.5])))
    assert len(deciles(np.array([]))) == 0
