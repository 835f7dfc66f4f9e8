"""A features.sql or label.sql that Snowflake cannot use, or that lacks what is declared, stops before it is built."""

import shutil
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import ProjectError, TrainingError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.project import Project, include_dir, load_project
from snowloop.workspace import Workspace

DIABETES = "diabetes_progression"
TARGET = "queries"


@pytest.fixture(scope="module")
def environment(session: Session) -> Session:
    create_environment(Workspace(session, load_project(DIABETES), TARGET))
    return session


@pytest.fixture
def project(tmp_path: Path) -> Project:
    shutil.copytree(include_dir() / "projects" / DIABETES, tmp_path / DIABETES)
    return load_project(DIABETES, tmp_path)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        (
            "features.sql",
            "    BMI,",
            "    SHOE_SIZE,",
            "Snowflake cannot compile the query: .*SHOE_SIZE.*; correct it",
        ),
        ("features.sql", "    BMI,", "    BMI + ,", "Snowflake cannot compile the query: .*; correct it"),
        ("features.sql", "    PATIENT_ID,\n", "", "the key column PATIENT_ID is missing from its result: select it"),
        (
            "features.sql",
            "    BMI,",
            "    CURRENT_DATE() AS DAY,",
            "feature DAY is of type .*: cast it to a number or to text",
        ),
        (
            "label.sql",
            "TARGET AS PROGRESSION",
            "TARGETT AS PROGRESSION",
            "cannot compile the query: .*TARGETT",
        ),
        (
            "label.sql",
            "TARGET AS PROGRESSION",
            "TARGET",
            r"label PROGRESSION is missing from its result \(PATIENT_ID, TARGET\)",
        ),
        ("label.sql", "    PATIENT_ID,\n", "", "the key column PATIENT_ID is missing from its result: select it"),
    ],
)
def test_a_query_that_cannot_be_used_is_reported(environment: Session, project: Project, file, old, new, says):
    path = project.directory / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(TrainingError, match=says) as caught:
        build_training_set(Workspace(environment, project, TARGET))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_slice_of_an_unknown_feature_is_reported_with_its_line(environment: Session, project: Project):
    path = project.directory / "project.yaml"
    text = path.read_text()
    path.write_text(text.replace("slices: [{column: SEX", "slices: [{column: SHOE_SIZE}, {column: SEX"))
    line = text[: text.index("slices:")].count("\n") + 1
    with pytest.raises(ProjectError, match="slice column SHOE_SIZE is neither a feature of") as caught:
        build_training_set(Workspace(environment, load_project(DIABETES, project.directory.parent), TARGET))
    assert str(caught.value).startswith(f"{path}:{line}: ")


def test_edges_on_a_feature_of_texts_are_reported_with_their_line(environment: Session, project: Project):
    path = project.directory / "project.yaml"
    text = path.read_text()
    path.write_text(text.replace("slices: [{column: SEX", "slices: [{column: WORD, edges: [1]}, {column: SEX"))
    features = project.directory / "features.sql"
    features.write_text(features.read_text().replace("    S6\n", "    S6,\n    'w' || SEX AS WORD\n"))
    line = text[: text.index("slices:")].count("\n") + 1
    with pytest.raises(ProjectError, match="slice column WORD has edges, which are for numbers; features") as caught:
        build_training_set(Workspace(environment, load_project(DIABETES, project.directory.parent), TARGET))
    assert str(caught.value).startswith(f"{path}:{line}: ")
