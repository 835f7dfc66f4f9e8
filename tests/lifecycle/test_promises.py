"""The promises of README on one small loop: each is tested at length elsewhere, in tests that are slow."""

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_snowflake.testing import LocalSnowflake
from snowloop.errors import GateRefused
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.model_files import present_digest, recorded_files
from snowloop.lifecycle.scoring import await_scores, deploy_scoring
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import champion
from tests.support.proof import prove
from tests.support.trial import Trial

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def trial(local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A champion that serves, and a second version that may be promoted."""
    made = Trial(tmp_path_factory.mktemp("promises"), 1, local_snowflake, "promises")
    made.prepare()
    yield made
    made.world.session.close()


def test_every_stage_can_be_run_again_with_the_same_end_state(trial: Trial):
    workspace, now = trial.workspace, champion(trial.workspace)
    assert now
    create_environment(workspace)
    assert all(file.kept for file in trial.world.load(part="initial").files)
    training_set = build_training_set(workspace)
    registered = recorded_files(workspace)
    assert registered[now.name] == present_digest(workspace, now.name)
    trial.world.rows("DELETE FROM {db}.OPS.MODEL_FILES")  # as if it had been killed before it was recorded
    assert train_candidate(workspace, training_set, "loose").version_name == now.name
    assert recorded_files(workspace) == {now.name: registered[now.name]}
    assert deploy_scoring(workspace).sent == 0
    trial.promote("loose")
    assert [entry.to_version for entry in ledger.entries(workspace)].count(now.name) == 1


def test_nothing_serves_that_the_gate_has_not_let_pass(trial: Trial):
    workspace, now = trial.workspace, champion(trial.workspace)
    strict = trial.project.model_copy(update={"metric": trial.project.metric.model_copy(update={"at_least": 0.9999})})
    training_set = build_training_set(workspace)
    measured = evaluate(workspace, train_candidate(workspace, training_set, "tight"))
    trial.world.project = strict
    try:
        with pytest.raises(GateRefused, match=r"at least 0\.9999"):
            decide(trial.workspace, [measured])
    finally:
        trial.world.project = trial.project
    checks = trial.world.rows("SELECT CHECK_NAME, PASSED, REASON FROM {db}.OPS.VERDICTS WHERE NOT PASSED")
    assert "BOUND" in {row["CHECK_NAME"] for row in checks if row["PASSED"] is False}
    assert all(row["REASON"] for row in checks)
    after = champion(workspace)
    assert after == now


def test_the_ledger_and_each_row_say_what_was_live_and_rollback_reads_it(trial: Trial):
    first = champion(trial.workspace)
    assert first
    trial.promote("tight")
    second = champion(trial.workspace)
    assert second
    assert second.name != first.name
    events = trial.events(5)
    trial.insert(events)
    await_scores(trial.workspace, timeout=120)
    keys = ", ".join(str(event.key) for event in events)
    served = trial.world.rows(f"SELECT DISTINCT MODEL_VERSION FROM {{db}}.SERVING.SCORED WHERE ID IN ({keys})")
    assert [row["MODEL_VERSION"] for row in served] == [second.name]
    rollback(trial.workspace)
    again = champion(trial.workspace)
    assert again
    assert again.name == first.name
    assert [entry.action for entry in ledger.entries(trial.workspace)][-2:] == ["promote", "rollback"]


def test_each_row_is_scored_or_quarantined_once_though_several_score_at_once(trial: Trial):
    """The scores are those of a fresh prediction from the same features.sql: training and serving do not differ."""
    procedure = trial.world.results["deployment"].procedure
    sessions = [trial.open() for _ in range(3)]
    trial.insert(trial.mixed(30))
    with ThreadPoolExecutor(len(sessions)) as pool:
        list(pool.map(lambda session: session.sql(f"CALL {procedure}()").collect(), sessions))
    for session in sessions:
        session.close()
    await_scores(trial.workspace, timeout=120)
    prove(trial)


def test_a_line_that_cannot_be_loaded_is_kept_with_file_line_and_reason(trial: Trial):
    good = trial.events(12)
    number = trial.new_file(good)
    file = trial.data / f"events_{int(number):04}.csv"
    with file.open("a", newline="") as out:
        csv.writer(out).writerow(["no number", 1, 1, "A", "2026-01-11 01:00:00", 1, ""])
    trial.world.load(part="arrivals", only=number)
    (row,) = trial.world.rows("SELECT FILE, LINE, REASON, RECORD FROM {db}.RAW.REJECTED_LINES")
    assert row["LINE"] == 14
    assert "no number" in row["RECORD"]
    assert row["REASON"]
    await_scores(trial.workspace, timeout=120)
    prove(trial)
