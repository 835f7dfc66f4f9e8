"""The whole path of the shipped credit sample on a running local Snowflake, each stage twice."""

import csv
import dataclasses
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from snowflake.ml.registry import Registry
from snowflake.snowpark import Session

from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.files import plan_files
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.scoring import await_scores, reconcile
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import load_project
from snowloop.sql import identifier, render_project
from snowloop.workspace import Workspace
from snowloop_procedures.statistics.metrics import inputs
from tests.support.world import TIMEOUT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def world(session: Session) -> World:
    made = World(session, load_project("credit_approval"), "lifecycle")
    made.promote_first()
    made.results["deployment"] = made.deploy()
    made.results["first"] = made.arrive("1")
    made.results["others"] = made.arrive("2", "3")
    made.results["reconciliation"] = reconcile(Workspace(session, made.project, made.target))
    return made


def test_environment_is_kept_the_second_time(world: World):
    first = world.results["environment"]
    assert first.created > 15
    assert first.kept <= 1  # the warehouse may be there
    again = create_environment(world.workspace)
    assert (again.created, again.kept) == (0, first.created + first.kept)


def test_counts_of_a_load_reconcile_and_rejected_lines_have_their_reason(world: World):
    report = world.results["load"]
    assert report.read == report.loaded + report.rejected
    assert report.rejected > 0
    rejected = world.rows("SELECT FILE, LINE, REASON, RECORD FROM {db}.RAW.REJECTED_LINES")
    with tempfile.TemporaryDirectory() as work:
        planned = {f"{file.path.name}.gz": file for file in plan_files(world.project, None, Path(work))}
        lines = {name: file.path.read_text().splitlines() for name, file in planned.items()}
        original = (world.project.data_dir / "application_record.csv").read_text().splitlines()
    for row in rejected:
        malformed = row["REASON"].startswith(f"application_record.csv:{row['LINE']}: ")
        line = (original if malformed else lines[row["FILE"]])[int(row["LINE"]) - 1]
        assert row["RECORD"].rstrip("\n") == line
        assert "n/a" in line or line.count(",") != 17
        assert row["REASON"]
    assert len(rejected) == 8
    for load in world.rows("SELECT * FROM {db}.OPS.LOADS"):
        assert load["ROWS_READ"] == load["ROWS_LOADED"] + load["ROWS_REJECTED"] == planned[load["FILE"]].rows


def test_a_file_is_loaded_once(world: World):
    count = "SELECT (SELECT COUNT(*) FROM {db}.RAW.APPLICATION_RECORD) + (SELECT COUNT(*) FROM {db}.RAW.CREDIT_RECORD)"
    before = world.value(count)
    again = world.load()
    assert all(file.kept for file in again.files)
    assert again.summary() == {"files": 0, "kept": 5, "read": 0, "loaded": 0, "rejected": 0}
    assert world.value(count) == before
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.REJECTED_LINES") == 8


def test_every_check_of_the_contract_is_recorded(world: World):
    report = world.results["contract"]
    assert report.failing > 0
    recorded = world.rows("SELECT SOURCE, CHECK_NAME, VALUE, BOUND, PASSED FROM {db}.OPS.CONTRACT_CHECKS")
    found = {(row["SOURCE"], row["CHECK_NAME"]): row for row in recorded}
    assert len(found) == len(report.checks)
    assert found["application_record", "AMT_INCOME_TOTAL_MIN"]["VALUE"] > 0
    assert all(row["PASSED"] for row in recorded)


def test_rows_that_break_the_contract_are_set_aside_with_their_reason(world: World):
    training_set = world.results["training_set"]
    aside = world.rows("SELECT ID, REASON FROM {db}.FEATURES.SET_ASIDE")
    assert len(aside) == training_set.set_aside > 0
    broken = [row["ID"] for row in aside if not row["REASON"].startswith("duplicate key")]
    keys = {row["ID"] for row in world.rows(f"SELECT ID FROM {training_set.table}")}
    assert not keys & set(broken)
    assert len(keys) == training_set.rows


def test_the_champion_has_its_facts(world: World):
    verdict = world.results["verdict"]
    registry = Registry(world.session, database_name=world.database, schema_name="MODELS")
    model = registry.get_model("CREDIT_APPROVAL")
    champion = model.version("CHAMPION")
    assert champion.version_name == model.default.version_name == verdict.version_name
    assert 0.65 < champion.get_metric("roc_auc") < 0.9
    assert verdict.training_set in champion.comment
    assert world.rows("SELECT * FROM {db}.OPS.LEDGER")[0]["TO_VERSION"] == verdict.version_name
    verdicts = world.rows("SELECT CHECK_NAME, PASSED, REASON FROM {db}.OPS.VERDICTS")
    assert {row["CHECK_NAME"] for row in verdicts} == {"TRAINED", *CHECKS}
    assert all(row["REASON"] for row in verdicts)
    not_asked = {row["CHECK_NAME"] for row in verdicts if row["PASSED"] is None}
    assert not_asked == {"NOT_WORSE_THAN_CHAMPION", "NOT_WORSE_THAN_REFERENCE", "NEWER_ROWS", "FAIRNESS", "CALIBRATION"}
    assert all(row["PASSED"] for row in verdicts if row["CHECK_NAME"] not in not_asked)


def test_training_the_same_again_keeps_the_versions(world: World):
    versions = f"SHOW VERSIONS IN MODEL {identifier(world.database, 'MODELS', 'CREDIT_APPROVAL')}"
    before = len(world.rows(versions))
    for candidate in world.results["candidates"]:
        again = train_candidate(world.workspace, world.results["training_set"], candidate.name)
        assert again == dataclasses.replace(candidate, kept=True)
    assert len(world.rows(versions)) == before == 2


def test_evaluation_by_sql_equals_the_training_procedures_own(world: World):
    for evaluation in world.results["evaluations"]:
        own = evaluation.candidate.metrics
        assert {name: pytest.approx(own[name]) for name in evaluation.metrics} == evaluation.metrics


def test_deciding_and_promoting_again_changes_nothing(world: World):
    verdict = world.results["verdict"]
    assert decide(world.workspace, world.results["evaluations"]) == verdict
    assert promote(world.workspace, verdict).kept
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.VERDICTS") == len(verdict.checks)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.LEDGER") == 1


def test_deploying_again_keeps_everything(world: World):
    assert set(world.results["deployment"].actions.values()) == {"created"}
    assert set(world.deploy().actions.values()) == {"kept"}


def arrived(world: World) -> Counter[int]:
    """Keys of the arriving files' readable rows, as the files have them."""
    keys: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as work:
        for file in plan_files(world.project, None, Path(work)):
            if file.batch:
                rows = list(csv.reader(file.path.open()))[1:]
                keys.update(int(row[0]) for row in rows if len(row) == 18 and row[5] != "n/a")
    return keys


def test_every_arrived_row_is_scored_or_quarantined_exactly_once(world: World):
    scored = Counter(row["ID"] for row in world.rows("SELECT ID FROM {db}.SERVING.SCORED"))
    quarantined = Counter(row["ID"] for row in world.rows("SELECT ID FROM {db}.SERVING.QUARANTINE"))
    assert scored + quarantined == arrived(world)
    assert set(scored.values()) == {1}
    reconciliation = world.results["reconciliation"]
    assert (reconciliation.scored, reconciliation.quarantined, reconciliation.pending) == (
        scored.total(),
        quarantined.total(),
        0,
    )


def test_quarantined_rows_have_their_reason(world: World):
    rows = world.rows(
        "SELECT ID, CODE_GENDER, AMT_INCOME_TOTAL, DAYS_BIRTH, REASON, SOURCE FROM {db}.SERVING.QUARANTINE"
    )
    reasons = {row["REASON"]: row for row in rows}
    assert {row["SOURCE"] for row in rows} == {"RAW.APPLICATION_RECORD"}
    assert "CODE_GENDER must be one of F, M, it is XNA" in reasons
    assert "DAYS_BIRTH must not be null" in reasons
    assert "duplicate key: another row of the same batch has it" in reasons
    (income,) = {row["AMT_INCOME_TOTAL"] for row in rows if "AMT_INCOME_TOTAL must be at least 0" in row["REASON"]}
    assert income < 0


def test_each_run_is_logged_by_the_procedure_and_by_the_finalizer(world: World):
    first, others = world.results["first"], world.results["others"]
    assert first.runs == 1
    runs = world.rows("SELECT * FROM {db}.OPS.RUNS ORDER BY STARTED_AT")
    assert sum(row["ROWS_READ"] for row in runs) == first.rows + others.rows == arrived(world).total()
    assert all(row["ROWS_READ"] == row["ROWS_SCORED"] + row["ROWS_QUARANTINED"] for row in runs)
    assert {row["MODEL_VERSION"] for row in runs} == {world.results["verdict"].version_name}
    logged = world.rows("SELECT STATE FROM {db}.OPS.TASK_RUNS WHERE TASK_NAME = 'SCORE_NEW_ROWS'")
    assert [row["STATE"] for row in logged].count("SUCCEEDED") >= 2


def test_scores_are_those_of_the_model_itself(world: World):
    registry = Registry(world.session, database_name=world.database, schema_name="MODELS")
    version = registry.get_model("CREDIT_APPROVAL").version(world.results["verdict"].version_name)
    model = version.load(force=True)
    features = render_project(world.project, "features.sql", source=f"{world.database}.RAW.APPLICATION_RECORD")
    scored = f"{world.database}.SERVING.SCORED"
    query = f"SELECT F.*, S.SCORE FROM ({features}) AS F JOIN {scored} AS S ON S.ID = F.ID ORDER BY F.ID"
    frame = world.session.sql(query).to_pandas()
    frame = frame.drop_duplicates("ID")
    expected = model.predict_proba(inputs(frame, world.results["training_set"].features))[:, 1]
    assert frame["SCORE"].to_numpy() == pytest.approx(expected, abs=1e-9)


def test_waiting_with_nothing_new_returns_at_once(world: World):
    load = world.load(part="arrivals")
    since = load.to_dict()["started_at"]
    scores = await_scores(world.workspace, timeout=TIMEOUT, since=since)
    assert scores.waited_seconds < 30
    assert scores.runs == 0


def test_an_empty_stream_is_a_run_of_no_rows(world: World):
    before = world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED")
    world.rows(f"CALL {world.results['deployment'].procedure}()")
    last = world.rows("SELECT ROWS_READ, STATE FROM {db}.OPS.RUNS ORDER BY FINISHED_AT DESC LIMIT 1")[0]
    assert (last["ROWS_READ"], last["STATE"]) == (0, "SUCCEEDED")
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == before


def test_new_labels_make_a_new_training_set_and_the_old_one_stays(world: World):
    old = world.results["training_set"]
    new = build_training_set(world.workspace)
    assert new.fingerprint != old.fingerprint
    assert new.rows > old.rows
    assert world.value(f"SELECT COUNT(*) FROM {old.table}") == old.rows
    again = build_training_set(world.workspace)
    assert again == dataclasses.replace(new, kept=True)
    left = world.rows("SHOW TABLES LIKE 'BUILD_%' IN SCHEMA {db}.FEATURES")
    assert not left
