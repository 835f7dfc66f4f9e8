"""Training sets that give the label away are refused before anything is trained on them."""

import shutil
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import LeakageError, TrainingError
from snowloop.lifecycle.features.leakage import remarks
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.project import Leakage, Project, ProjectError, include_dir, load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DIABETES = "diabetes_progression"


def with_feature(folder: Path, expression: str) -> Project:
    """The project of the diabetes data with one more feature."""
    shutil.copytree(include_dir() / "projects" / DIABETES, folder / DIABETES, dirs_exist_ok=True)
    file = folder / DIABETES / "features.sql"
    file.write_text(file.read_text().replace("    S6\n", f"    S6,\n    {expression}\n"))
    return load_project(DIABETES, folder)


def open_declaration(project: Project, leakage: Leakage | None = None) -> Project:
    """The project, with nothing declared to be known only after the label."""
    columns = {name: column.model_copy(update={"known_after_label": False})
               for name, column in project.streamed.columns.items()}  # fmt: skip
    source = project.streamed.model_copy(update={"columns": columns})
    changed = {"sources": {project.source: source}, "leakage": leakage or project.leakage}
    return project.model_copy(update=changed)


@pytest.fixture(scope="module")
def world(session: Session) -> World:
    made = World(session, load_project(DIABETES), "leakage")
    made.data = made.project.data_dir
    made.results["honest"] = made.prepare()
    return made


def refusal(world: World, project: Project) -> str:
    sets = world.value("SELECT COUNT(*) FROM {db}.OPS.TRAINING_SETS")
    with pytest.raises(LeakageError) as caught:
        build_training_set(Workspace(world.session, project, world.target))
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.TRAINING_SETS") == sets
    assert not world.rows("SHOW TABLES LIKE 'BUILD_%' IN SCHEMA {db}.FEATURES")
    return str(caught.value)


def test_an_honest_training_set_has_the_answers_of_every_check(world: World):
    checks = world.results["honest"].leakage
    assert [check.name for check in checks] == [
        "KNOWN_AFTER_LABEL", "REPEATED_ROWS", "NEAR_REPEATED_ROWS", *["SINGLE_FEATURE"] * 10,
    ]  # fmt: skip
    recorded = world.rows("SELECT CHECK_NAME, FEATURE, VALUE, PASSED, REASON FROM {db}.OPS.LEAKAGE_CHECKS")
    assert len(recorded) == 13
    assert all(row["PASSED"] and row["REASON"] for row in recorded)
    build_training_set(world.workspace)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.LEAKAGE_CHECKS") == 13


@pytest.mark.parametrize(
    "expression",
    ["TARGET AS HINT", "COALESCE(SIN(TARGET), 0) AS HINT", "CASE WHEN TARGET IS NULL THEN 1 ELSE 0 END AS HINT"],
)
def test_a_column_known_after_the_label_is_found_in_any_expression(world: World, tmp_path: Path, expression: str):
    message = refusal(world, with_feature(tmp_path, expression))
    assert "column TARGET is declared known_after_label" in message
    assert "features.sql uses it for HINT (309 of 309 rows change): remove it" in message
    failed = world.rows("SELECT FEATURE, VALUE, BOUND FROM {db}.OPS.LEAKAGE_CHECKS WHERE NOT PASSED AND BOUND = 0")
    assert ("TARGET", 309.0, 0.0) in [tuple(row) for row in failed]


def test_another_last_digit_is_no_other_value(world: World, tmp_path: Path):
    """As a sum of floats has when its terms come in another order, here by chance and by an emptied column."""
    noise = "(AGE + 1e-14 * ASCII(UUID_STRING()))::FLOAT AS SHAKEN,\n    "
    project = with_feature(tmp_path, noise + "(AGE + COALESCE(TARGET, 0) * 1e-16)::FLOAT AS TOUCHED")
    made = build_training_set(Workspace(world.session, project, world.target))
    assert {"SHAKEN", "TOUCHED"} < {feature.name for feature in made.features}
    (check,) = (each for each in made.leakage if each.name == "KNOWN_AFTER_LABEL")
    assert check.reason == "no feature changes when column TARGET, known only after the label, is empty"
    shaken = with_feature(tmp_path, noise.replace("1e-14", "1e-6") + "AGE AS SAME")
    with pytest.raises(TrainingError, match="feature SHAKEN has another value in"):
        build_training_set(Workspace(world.session, open_declaration(shaken), world.target))


def test_rows_that_are_kept_by_a_column_known_after_the_label_are_found(world: World, tmp_path: Path):
    project = with_feature(tmp_path, "S1 AS AGAIN")
    file = project.directory / "features.sql"
    file.write_text(file.read_text().replace("FROM {{ source }}", "FROM {{ source }}\nWHERE TARGET > 100"))
    assert "column TARGET is declared known_after_label" in refusal(world, project)


def test_a_feature_that_alone_predicts_the_label_is_named_with_value_and_bound(world: World, tmp_path: Path):
    message = refusal(world, open_declaration(with_feature(tmp_path, "SQRT(TARGET) AS HINT")))
    assert "feature HINT alone predicts the label with R2 1.0" in message
    assert "at most 0.9 is expected: if it is known only after the label, remove it" in message


def test_of_large_data_some_rows_of_each_part_are_asked(world: World, tmp_path: Path):
    """The rows that are held out are those whose key has the smallest hash: a sample must not be of them alone."""
    project = open_declaration(with_feature(tmp_path, "TARGET AS HINT"), Leakage(single_feature_rows=60))
    assert "feature HINT alone predicts the label with R2 1.0" in refusal(world, project)


def test_what_cannot_be_asked_is_for_the_gate_to_refuse_with_what_the_rows_lack(world: World):
    split = world.project.split.model_copy(update={"holdout": 0.00002})
    made = build_training_set(Workspace(world.session, world.project.model_copy(update={"split": split}), world.target))
    (unknown,) = (check for check in made.leakage if not check.passed)
    assert (unknown.name, unknown.value) == ("SINGLE_FEATURE", None)
    assert unknown.reason.startswith("how well AGE, SEX, ")
    assert "there are 309 training rows with" in unknown.reason
    lacking = "and 0 held-out rows with 0 different labels; load more rows, or hold out another share (split.holdout)"
    assert lacking in unknown.reason


def test_the_bound_of_one_feature_is_declared(world: World):
    project = open_declaration(world.project, Leakage(max_single_feature=0.3))
    message = refusal(world, project)
    assert "feature S5 alone predicts the label with R2 0.48" in message
    assert "feature AGE" not in message


def test_rows_that_repeat_are_reported_and_their_share_is_judged_if_declared(world: World, tmp_path: Path):
    project = with_feature(tmp_path, "1 AS SAME")
    file = project.directory / "features.sql"
    file.write_text("SELECT PATIENT_ID, SEX FROM {{ source }}\n")
    checks = {
        check.name: check for check in build_training_set(Workspace(world.session, project, world.target)).leakage
    }
    assert "IDENTICAL_ROWS" not in checks
    assert checks["REPEATED_ROWS"].value == 0.0
    assert "88 of 88 held-out rows (100.0%) have the features of a training row" in checks["REPEATED_ROWS"].reason
    message = refusal(world, project.model_copy(update={"leakage": Leakage(max_identical_rows=0.5)}))
    assert "at most 50.0% may" in message


def test_an_honest_feature_is_allowed_with_its_reason(world: World, tmp_path: Path):
    allowed = Leakage.model_validate({"allowed": [{"feature": "HINT", "reason": "of the year before"}]})
    project = open_declaration(with_feature(tmp_path, "TARGET AS HINT"), allowed)
    made = build_training_set(Workspace(world.session, project, world.target))
    (check,) = (each for each in made.leakage if each.subject == "HINT")
    assert check.passed
    assert check.reason.endswith(
        "(by its equality with the label, beyond chance), at most 0.9 is expected; allowed: of the year before"
    )
    assert remarks(made.leakage) == [check.reason]
    with pytest.raises(
        ProjectError, match=r"HINT is not a feature of features\.sql \(AGE, SEX, .*\): name one of them"
    ):
        build_training_set(Workspace(world.session, open_declaration(world.project, allowed), world.target))


def test_columns_known_after_the_label_are_emptied_together_too(world: World, tmp_path: Path):
    """Either of them alone is replaced by the other."""
    world.rows("ALTER TABLE {db}.RAW.PATIENT ADD COLUMN TARGET_AGAIN FLOAT")
    try:
        world.rows("UPDATE {db}.RAW.PATIENT SET TARGET_AGAIN = TARGET")
        project = with_feature(tmp_path, "COALESCE(TARGET, TARGET_AGAIN) AS HINT")
        file = project.directory / "project.yaml"
        again = "      TARGET_AGAIN: {type: FLOAT, known_after_label: true}\n      TARGET: "
        file.write_text(file.read_text().replace("      TARGET: ", again))
        message = refusal(world, load_project(DIABETES, tmp_path))
        assert "columns TARGET_AGAIN, TARGET together are declared known_after_label" in message
        assert "uses them for HINT (309 of 309 rows change): remove them" in message
    finally:
        world.rows("ALTER TABLE {db}.RAW.PATIENT DROP COLUMN TARGET_AGAIN")


def test_rows_exported_again_under_new_keys_are_refused(world: World):
    world.rows("CREATE TABLE {db}.FEATURES.OLD AS SELECT * FROM {db}.RAW.PATIENT")
    try:
        world.rows(
            "INSERT INTO {db}.RAW.PATIENT SELECT * REPLACE (PATIENT_ID + 100000 AS PATIENT_ID) FROM {db}.FEATURES.OLD"
        )
        message = refusal(world, world.project)
        assert "have the features of a training row, and tell the label of" in message
        assert "at most 20.0% may: the same cases are in both parts" in message
    finally:
        world.rows("DELETE FROM {db}.RAW.PATIENT WHERE PATIENT_ID > 100000")
        world.rows("DROP TABLE {db}.FEATURES.OLD")


def test_a_key_is_never_known_after_the_label(tmp_path: Path):
    with_feature(tmp_path, "1 AS ONE")
    file = tmp_path / DIABETES / "project.yaml"
    old = 'PATIENT_ID: {type: "NUMBER(38,0)"'
    file.write_text(file.read_text().replace(old, old + ", known_after_label: true"))
    with pytest.raises(ProjectError, match="PATIENT_ID cannot be known_after_label"):
        load_project(DIABETES, tmp_path)
