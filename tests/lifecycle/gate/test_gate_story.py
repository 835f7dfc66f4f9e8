"""The gate's story on the real bank calls: promoted, refused, promoted, rolled back; and leakage refused."""

import re
import shutil
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import GateRefused, LeakageError, OverrideError
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.evaluation.evaluate import Evaluation, evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.provenance import lock_hash
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import champion
from snowloop.project import Project, include_dir, load_project
from snowloop.workspace import Workspace
from tests.support.world import SHARED, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MODEL = '''"""A tree, or many."""

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

TEXT = make_column_selector(dtype_exclude="number")


def build_model(leaves=None, seed=0):
    """A tree of so many leaves, or a forest."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if leaves:
        model = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=200, random_state=seed)
    else:
        model = RandomForestClassifier(n_estimators=40, min_samples_leaf=50, random_state=seed)
    return make_pipeline(make_column_transformer((encoder, TEXT), remainder="passthrough"), model)
'''
CANDIDATES = """candidates:
  - {name: modest, params: {leaves: 16}}
  - {name: worse, params: {leaves: 2}}
  - {name: better}
  - {name: again}
"""


def bank(folder: Path) -> Project:
    """The shipped project with another model.py and its candidates."""
    copy = folder / "bank_marketing"
    shutil.copytree(include_dir() / "projects" / "bank_marketing", copy, dirs_exist_ok=True)
    (copy / "model.py").write_text(MODEL)
    declared = (copy / "project.yaml").read_text()
    (copy / "project.yaml").write_text(re.sub(r"^candidates:\n(  - .*\n)+", CANDIDATES, declared, flags=re.MULTILINE))
    project = load_project("bank_marketing", folder)
    plan = project.evaluation.model_copy(update={"importance_rows": 100})
    return project.model_copy(update={"evaluation": plan})


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    data = SHARED / "data" / "bank_marketing"
    if not data.is_dir():
        pytest.skip(f"the real data is not here: no folder {data} (set SNOWLOOP_SHARED)")
    made = World(session, bank(tmp_path_factory.mktemp("bank")), "story", data)
    made.prepare()
    return made


def measured(world: World, name: str, *, again: bool = False) -> Evaluation:
    """The evaluation of a candidate, which is trained first; once for each candidate, unless ``again``."""
    given = world.workspace
    if again or name not in world.results:
        world.results[name] = evaluate(given, train_candidate(given, world.results["training_set"], name))
    found: Evaluation = world.results[name]
    return found


def ledger(world: World) -> list[tuple[str, str, str]]:
    """Action, from and to of each entry; versions by the names of their candidates."""
    rows = world.rows("SELECT ACTION, FROM_VERSION, TO_VERSION FROM {db}.OPS.LEDGER ORDER BY ENTRY")
    return [(row[0], (row[1] or "-").split("_")[0].lower(), row[2].split("_")[0].lower()) for row in rows]


def champion_name(world: World) -> str:
    found = champion(world.workspace)
    assert found
    return found.name.split("_")[0].lower()


def test_promoted_refused_promoted_rolled_back_and_the_ledger_records_it(world: World):
    given = world.workspace
    first = decide(given, [measured(world, "modest")])
    promote(given, first)

    worse = measured(world, "worse")
    with pytest.raises(GateRefused, match=r"roc_auc is 0\.5.*champion MODEST_.* on the same rows: better by -0\.0"):
        decide(given, [worse])
    refused = world.rows("SELECT CHECK_NAME, BASELINE, REASON FROM {db}.OPS.VERDICTS WHERE NOT PASSED")
    assert {row["CHECK_NAME"] for row in refused} == {"NOT_WORSE_THAN_CHAMPION", "BASELINE_BEATEN"}
    assert champion_name(world) == "modest"

    better = measured(world, "better")
    assert better.differences["champion"].value > 0.02
    verdict = decide(given, [worse, better])
    promote(given, verdict)
    with pytest.raises(GateRefused, match=r"judged against no champion; now the champion of .* is BETTER_"):
        promote(given, first)
    assert champion_name(world) == "better"

    rollback(given)
    assert champion_name(world) == "modest"
    assert ledger(world) == [
        ("promote", "-", "modest"),
        ("promote", "modest", "better"),
        ("rollback", "better", "modest"),
    ]
    entries = world.rows("SELECT * FROM {db}.OPS.LEDGER ORDER BY ENTRY")
    assert entries[1]["VERDICT_ID"] == verdict.verdict_id
    assert entries[2]["VERDICT_ID"] == entries[0]["VERDICT_ID"]
    for entry in entries:
        assert entry["TRAINING_SET"] == world.results["training_set"].fingerprint
        assert entry["LOCK_HASH"] == lock_hash(world.project)
        assert entry["GIT_COMMIT"]
        assert entry["DONE_BY"]
        assert entry["OVERRIDE_BY"] is None


def test_two_runs_with_one_seed_are_the_same(world: World):
    """Another candidate of the same parameters is trained again: only its name and the rows scored twice are others."""
    first, second = (measured(world, name) for name in ("better", "again"))
    assert first.candidate.metrics == second.candidate.metrics
    ignored = {"candidate", "cost", "evaluation_id", "skew"}
    contents = [
        {name: part for name, part in each.to_dict().items() if name not in ignored} for each in (first, second)
    ]
    assert contents[0] == contents[1]
    assert [each.skew and each.skew.max_difference for each in (first, second)] == [0.0, 0.0]
    training_set = world.results["training_set"]
    features = ", ".join(f'"{feature.name}"' for feature in training_set.features)
    scores = [
        world.rows(
            f"SELECT MODEL({{db}}.MODELS.BANK_MARKETING, {each.candidate.version_name})!PREDICT_PROBA({features})"
            f":output_feature_1::FLOAT AS S FROM {training_set.table} WHERE IS_HOLDOUT ORDER BY ROW_ID"
        )
        for each in (first, second)
    ]
    assert len(scores[0]) == 6803
    assert scores[0] == scores[1]


def test_what_was_measured_is_in_the_database(world: World):
    evaluation = measured(world, "better")
    rows = world.rows(f"SELECT * FROM {{db}}.OPS.EVALUATIONS WHERE EVALUATION_ID = '{evaluation.evaluation_id}'")
    found = {(row["NAME"], row["SLICE"]): row for row in rows}
    assert len(found) == len(rows)
    whole = found["roc_auc", None]
    assert (whole["VALUE"], whole["ROWS_MEASURED"]) == (evaluation.metrics["roc_auc"], 6803)
    interval = found["interval", None]
    assert interval["LOW"] < whole["VALUE"] < interval["HIGH"]
    ages = [row for (name, part), row in found.items() if name == "roc_auc" and str(part).startswith("AGE: ")]
    assert len(ages) == 4
    assert sum(row["ROWS_MEASURED"] for row in ages) == 6803
    assert found["skew", None]["VALUE"] < 1e-9
    assert found["dummy roc_auc", None]["VALUE"] == 0.5
    assert {name for name, _ in found} >= {"simple roc_auc", "calibration error", "true_positive", "model bytes"}
    assert len([name for name, _ in found if name == "importance"]) == 16
    before = world.value("SELECT COUNT(*) FROM {db}.OPS.EVALUATIONS")
    again = measured(world, "better", again=True)
    assert again.evaluation_id == evaluation.evaluation_id
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.EVALUATIONS") == before


@pytest.mark.parametrize("declared", [True, False])
def test_duration_put_back_in_is_refused(world: World, tmp_path: Path, declared: bool):
    """Whether or not anybody declared that it is known only after the call."""
    project = bank(tmp_path)
    file = project.directory / "features.sql"
    file.write_text(file.read_text().replace("    AGE,\n", "    AGE,\n    DURATION,\n"))
    if not declared:
        file = project.directory / "project.yaml"
        file.write_text(file.read_text().replace("min: 0, known_after_label: true}", "min: 0}"))
    project = load_project("bank_marketing", tmp_path)
    with pytest.raises(LeakageError) as caught:
        build_training_set(Workspace(world.session, project, world.target))
    message = str(caught.value)
    assert "feature DURATION alone predicts the label with ROC AUC 0.9" in message
    assert "at most 0.75 is expected" in message
    assert ("column DURATION is declared known_after_label" in message) == declared
    assert "feature AGE" not in message


def test_an_override_is_recorded_with_name_and_reason(world: World):
    given = world.workspace
    verdict = decide(
        given,
        [measured(world, "worse")],
        override=Override("Ada Lovelace", "it's a test", ("NOT_WORSE_THAN_CHAMPION", "BASELINE_BEATEN")),
    )
    rows = world.rows(f"SELECT * FROM {{db}}.OPS.VERDICTS WHERE VERDICT_ID = '{verdict.verdict_id}'")
    found = {row["CHECK_NAME"]: row for row in rows}
    assert not found["NOT_WORSE_THAN_CHAMPION"]["PASSED"]
    assert found["OVERRIDE"]["REASON"] == "Ada Lovelace: it's a test (NOT_WORSE_THAN_CHAMPION, BASELINE_BEATEN)"
    promote(given, verdict)
    last = world.rows("SELECT * FROM {db}.OPS.LEDGER ORDER BY ENTRY")[-1]
    assert (last["OVERRIDE_BY"], last["OVERRIDE_REASON"]) == ("Ada Lovelace", "it's a test")
    with pytest.raises(OverrideError, match="cannot override"):
        decide(given, [], override=Override("Ada Lovelace", "it's a test", ("BOUND",)))
