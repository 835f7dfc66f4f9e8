"""A row is explained, a version is pulled, a population is scored: nothing that serves is changed by it."""

import json
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import pandas as pd
import pytest
from snowflake.ml.model import custom_model
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.errors import DeliveryError, ScoringError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.debugging.explain import explain_row
from snowloop.lifecycle.debugging.population import check_condition, score_population
from snowloop.lifecycle.debugging.pull import estimator, pull
from snowloop_procedures.scoring import score_new_rows
from tests.support.copies import Copies
from tests.support.tiny import Event, insertion, tiny
from tests.support.world import World

AT = "2026-01-01 00:00:00"
EVENTS = [Event(n, float(n), float(-n), "AB"[n % 2], AT, n) for n in range(1, 9)]
BROKEN = [Event(9, -1.0, 0.0, "A", AT, 9)]


class Additive(custom_model.CustomModel):
    """Gives the probability by a sum, and says what each part of it is."""

    @custom_model.inference_api
    def predict_proba(self, frame: pd.DataFrame) -> pd.DataFrame:
        one = (0.1 + 0.01 * frame["X"]).clip(0, 1)
        return pd.DataFrame({"output_feature_0": 1 - one, "output_feature_1": one})

    @custom_model.inference_api
    def explain(self, frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"X_explanation": 0.01 * frame["X"], "Y_explanation": 0.0 * frame["Y"]})


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """A champion that scored eight rows and quarantined one; one row waits."""
    made = Copies(session, tmp_path_factory.mktemp("debugging"), "looked_at", ["GOOD", "OTHER"])
    made.promote("GOOD")
    made.rows(insertion(EVENTS + BROKEN))
    done = json.loads(score_new_rows(session, made.request))
    assert (done["scored"], done["quarantined"]) == (8, 1)
    made.rows(insertion([Event(10, 1.0, 2.0, "B", AT, 10)]))
    yield made
    made.rows("DROP DATABASE {db}")


def served(world: Copies) -> list[object]:
    counts = "SELECT (SELECT COUNT(*) FROM {db}.SERVING.SCORED), (SELECT COUNT(*) FROM {db}.RAW.EVENTS_STREAM)"
    return [*world.rows(counts)[0], world.value("SELECT COUNT(*) FROM {db}.OPS.RECOVERY_ROWS")]


def test_a_row_is_explained_by_the_features_with_which_it_was_served(world: Copies):
    found = explain_row(world.workspace, {"id": "4"})
    (score,) = found.scores
    stored = world.value("SELECT SCORE FROM {db}.SERVING.SCORED WHERE ID = 4")
    assert (score.score, score.model_version) == (stored, "GOOD")
    assert score.features == {"X": 4, "Y": -4, "X_OF_A": 4}
    assert score.reasons is None
    assert "GOOD has no function explain" in found.text()
    assert (found.quarantined, [row.reason for row in found.source_rows]) == ((), [None])


def test_of_a_row_without_a_score_it_is_said_why(world: Copies):
    found = explain_row(world.workspace, {"ID": "9"})
    assert found.scores == ()
    assert [each.reason for each in found.quarantined] == ["X must be at least 0, it is -1"]
    assert [row.reason for row in found.source_rows] == ["X must be at least 0, it is -1"]
    assert "it waits for the loop" in explain_row(world.workspace, {"ID": "10"}).text()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ({"ID": "77"}, "has no row with ID 77"),
        ({"ID": "four"}, "has no row with ID four"),
        ({"X": "4"}, "the key of project tiny is ID, given is X"),
        ({}, "given is nothing: give each of its columns once, such as --key ID=VALUE"),
    ],
)
def test_a_key_that_is_not_there_is_one_message(world: Copies, key: dict[str, str], says: str):
    with pytest.raises(ScoringError, match=says):
        explain_row(world.workspace, key)


def test_reasons_are_those_of_the_version_that_has_explain(world: Copies):
    names = [feature.name for feature in world.features]
    comment = world.show()["GOOD"]["comment"]
    Registry(world.session, database_name=world.database, schema_name="MODELS").log_model(
        Additive(custom_model.ModelContext()),
        model_name=world.project.model_name,
        version_name="ADDITIVE",
        sample_input_data=pd.DataFrame([[1.0, 2.0, 3.0]], columns=names),
        target_platforms=["WAREHOUSE"],
        comment=comment,
    )
    world.rows("UPDATE {db}.SERVING.SCORED SET MODEL_VERSION = 'ADDITIVE' WHERE ID = 5")
    (score,) = explain_row(world.workspace, {"ID": "5"}).scores
    assert score.reasons == pytest.approx({"X_explanation": 0.05, "Y_explanation": 0.0})


def test_a_version_is_pulled_with_its_features_and_its_estimator(world: Copies, tmp_path: Path):
    done = pull(world.workspace, "CHAMPION", tmp_path / "good")
    assert done.model_version == "GOOD"
    assert (tmp_path / "good" / "features.sql").read_text().strip() == world.formula.text
    assert (tmp_path / "good" / "model" / "MANIFEST.yml").is_file()
    with (tmp_path / "good" / "estimator.pkl").open("rb") as file:
        pulled = cloudpickle.load(file)
    row = pd.DataFrame([[4.0, -4.0, 4.0]], columns=[feature.name for feature in world.features])
    stored = world.value("SELECT SCORE FROM {db}.SERVING.SCORED WHERE ID = 4")
    for fitted in (pulled, estimator(world.workspace, "GOOD")):
        assert fitted.predict_proba(row)[0, 1] == pytest.approx(stored)
    with pytest.raises(DeliveryError, match="not an empty folder, and nothing is overwritten"):
        pull(world.workspace, "GOOD", tmp_path / "good")
    with pytest.raises(ScoringError, match=r"has no version or alias 'BETTER': it has .*GOOD"):
        pull(world.workspace, "BETTER", tmp_path / "better")
    assert not (tmp_path / "better").exists()


def test_of_several_classes_the_predicted_one_and_all_probabilities_are_shown(session: Session, tmp_path: Path):
    project = tiny(tmp_path / "tiny")
    label = project.label.model_copy(update={"task": "multiclass", "classes": ("low", "high", "none")})
    several = World(session, project.model_copy(update={"label": label}), "several_looked_at")
    create_environment(several.workspace)
    several.rows(
        """INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, PREDICTION, PROBABILITIES)
        SELECT 1, 0.7, COLUMN1, 'r', COLUMN2::TIMESTAMP_NTZ, 'low', PARSE_JSON('{"low": 0.7, "high": 0.2, "none": 0.1}')
        FROM VALUES ('OLD', '2026-01-01'), ('NEW', '2026-01-02')"""
    )
    found = explain_row(several.workspace, {"ID": "1"})
    assert [score.model_version for score in found.scores] == ["NEW", "OLD"]
    assert found.scores[0].prediction == "low"
    assert found.scores[0].probabilities == {"low": 0.7, "high": 0.2, "none": 0.1}
    assert "score low, 0.7 by NEW at 2026-01-02 00:00:00 UTC" in found.text()
    assert "features: not kept" in found.text()
    several.rows("DROP DATABASE {db}")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_population_is_scored_into_a_file_and_nothing_else_is_changed(world: Copies, tmp_path: Path, suffix: str):
    before, file = served(world), tmp_path / f"scores.{suffix}"
    done = score_population(world.workspace, "X < 4 OR KIND = 'what?'", to=file)
    assert (done.rows, done.broken, done.unscorable, done.scored) == (5, 1, 0, 4)
    frame = pd.read_csv(file) if suffix == "csv" else pd.read_parquet(file)
    assert sorted(frame["ID"]) == [1, 2, 3, 10]
    stored = world.value("SELECT SCORE FROM {db}.SERVING.SCORED WHERE ID = 2")
    assert frame.set_index("ID")["SCORE"][2] == pytest.approx(stored)
    assert served(world) == before
    assert world.rows("SHOW TABLES LIKE 'POPULATION%' IN SCHEMA {db}.SERVING") == []
    with pytest.raises(ScoringError, match="is there already, and nothing is overwritten"):
        score_population(world.workspace, "TRUE", to=file)


def test_a_population_is_scored_into_a_table_with_any_version(world: Copies):
    table = f"{world.database}.OPS.WHAT_IF"
    done = score_population(world.workspace, "KIND = 'B; DROP' OR ID IN (1, (3))", table=table, version="OTHER")
    assert (done.scored, done.model_version, done.place) == (2, "OTHER", table)
    assert [row["ID"] for row in world.rows("SELECT ID FROM {db}.OPS.WHAT_IF ORDER BY ID")] == [1, 3]
    with pytest.raises(ScoringError, match=r"cannot be created: .*exists"):
        score_population(world.workspace, "TRUE", table=table)


def test_a_condition_that_snowflake_cannot_read_is_one_message(world: Copies, tmp_path: Path):
    with pytest.raises(ScoringError, match="cannot read the condition 'NO_COLUMN > 1'"):
        score_population(world.workspace, "NO_COLUMN > 1", to=tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ({}, "a file or a table, one of the two"),
        ({"to": Path("a.csv"), "table": "A.B.C"}, "a file or a table, one of the two"),
        ({"to": Path("a.xlsx")}, "ends in one of .csv, .parquet"),
        ({"to": Path("no/such/folder/a.csv")}, "no such folder"),
        ({"table": "SCORES"}, "not the full name of a table"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_message(world: Copies, places: dict[str, object], says: str):
    with pytest.raises(ScoringError, match=says):
        score_population(world.workspace, "TRUE", **places)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["TRUE", " X > 3 ", "NAME = 'a;b -- c' AND (X IN (1, 2) OR Y IS NULL)", '"SELECT" = 1', "V:a.select > 1",
             "EXTRACT(YEAR FROM D) = 2026", "NOTE = $$it's; open($$"],
)  # fmt: skip
def test_one_expression_is_a_condition(text: str):
    assert check_condition(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("", "nothing"),
        ("  ", "nothing"),
        ("TRUE; DROP TABLE T", "';' at character 5"),
        ("TRUE) OR (TRUE", "')' at character 5 without its opening bracket"),
        ("(X > 1", "'(' that is not closed"),
        ("X IN (1, 2]", "']' at character 11 without its opening bracket"),
        ("TRUE -- the rest", "a comment at character 6"),
        ("TRUE /* */", "a comment at character 6"),
        ("X = 'open", "a quote at character 5 that is not closed"),
        ('"X = 1', "a quote at character 1 that is not closed"),
        ("X = ?", "'?' at character 5"),
        ("X IN (SELECT X FROM T)", "SELECT at character 7"),
        ("TRUE UNION ALL TABLE T", "UNION at character 6"),
        ("SYSTEM$CANCEL_ALL_QUERIES(1) = ''", "SYSTEM$CANCEL_ALL_QUERIES at character 1"),
    ],
)
def test_what_is_more_than_one_expression_is_refused(text: str, has: str):
    with pytest.raises(ScoringError) as caught:
        check_condition(text)
    assert f"has {has}: give one expression" in str(caught.value)
