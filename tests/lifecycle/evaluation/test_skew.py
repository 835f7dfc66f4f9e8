"""A feature that means another thing when it is served than when it was trained on is refused by the gate."""

import shutil
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from include.data.generators import diabetes_progression
from snowloop.errors import GateRefused, ProjectError
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.project import EvaluationPlan, Slice, include_dir, load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
DIABETES = "diabetes_progression"


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A feature over all rows of the batch: while training the batch is the table, while serving a few new rows."""
    folder: Path = tmp_path_factory.mktemp("skew")
    shutil.copytree(include_dir() / "projects" / DIABETES, folder / DIABETES)
    file = folder / DIABETES / "features.sql"
    file.write_text(file.read_text().replace("    BMI,\n", "    BMI - AVG(BMI) OVER () AS BMI_ABOVE_OTHERS,\n"))
    made = World(session, load_project(DIABETES, folder), "skew")
    made.data = diabetes_progression.write(folder / "data").parent
    made.prepare()
    return made


def test_the_gate_refuses_a_feature_that_depends_on_the_other_rows(world: World):
    with pytest.raises(GateRefused, match=r"88 rows by SQL and by Python differ by \d"):
        world.judge(world.results["training_set"], "ridge")
    refused = world.rows("SELECT CHECK_NAME, VALUE, BOUND FROM {db}.OPS.VERDICTS WHERE NOT PASSED")
    assert [row["CHECK_NAME"] for row in refused] == ["SKEW"]
    assert refused[0]["VALUE"] > 0.1 > refused[0]["BOUND"]


def test_a_slice_of_an_unknown_column_is_named(world: World):
    plan = EvaluationPlan(slices=(Slice(column="SHOE_SIZE"),))
    project = world.project.model_copy(update={"evaluation": plan})
    with pytest.raises(ProjectError, match=r"SHOE_SIZE is neither a feature of features\.sql nor a column"):
        evaluate(Workspace(world.session, project, world.target), world.results["candidates"][0])
