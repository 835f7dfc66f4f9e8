"""What is lost, twice, or does not agree is named; an environment in order passes whatever was done in it."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from snowflake.snowpark import Session
from typer.testing import CliRunner

from local_snowflake.testing import LocalSnowflake
from snowloop.cli.main import app
from snowloop.errors import DeploymentError, VerificationError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring.verify import check_verified, verify
from snowloop.lifecycle.scoring import await_scores
from snowloop.workspace import Workspace
from tests.support.tiny import tiny
from tests.support.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, local_snowflake: LocalSnowflake) -> Iterator[Trial]:
    """A loop that has scored and quarantined rows of a load and of inserts."""
    made = Trial(tmp_path_factory.mktemp("verify"), 5, local_snowflake, "verify")
    made.prepare()
    batch = made.new_file(made.mixed(30))
    made.world.load(part="arrivals", only=batch)
    made.insert(made.mixed(10))
    await_scores(made.workspace, timeout=120)
    yield made
    made.world.session.close()


def test_an_environment_in_order_passes(trial: Trial):
    done = check_verified(trial.workspace)
    assert [check.name for check in done.checks if not check.passed] == []
    assert len(done.checks) == 8


FAULTS = {
    "a lost score": ("DELETE FROM {db}.SERVING.SCORED WHERE ID = (SELECT MAX(ID) FROM {db}.SERVING.SCORED)", "ROWS"),
    "a second score": (
        "INSERT INTO {db}.SERVING.SCORED SELECT * FROM {db}.SERVING.SCORED QUALIFY ROW_NUMBER() OVER (ORDER BY ID) = 1",
        "ROWS",
    ),
    "a lost quarantined row": (
        "DELETE FROM {db}.SERVING.QUARANTINE WHERE TAG = (SELECT MAX(TAG) FROM {db}.SERVING.QUARANTINE)",
        "RUNS",
    ),
    "a run without a record": ("DELETE FROM {db}.OPS.RUNS WHERE STATE = 'SUCCEEDED'", "RUNS"),
    "a run with other counts": ("UPDATE {db}.OPS.RUNS SET ROWS_READ = ROWS_READ + 1, ROWS_SCORED = 1", "RUNS"),
    "a file that was loaded twice": ("INSERT INTO {db}.OPS.LOADS SELECT * FROM {db}.OPS.LOADS", "LOADS"),
    "loaded rows that are gone": ("DELETE FROM {db}.RAW.EVENTS WHERE TAG <= 5", "ROWS"),
    "a load with other counts": ("UPDATE {db}.OPS.LOADS SET ROWS_REJECTED = 1", "LOADS"),
    "rejected lines that nobody recorded": (
        "INSERT INTO {db}.RAW.REJECTED_LINES (SOURCE, FILE) SELECT SOURCE, FILE FROM {db}.OPS.LOADS",
        "LOADS",
    ),
    "an entry that was deleted": (
        "INSERT INTO {db}.OPS.LEDGER SELECT * REPLACE (ENTRY + 2 AS ENTRY) FROM {db}.OPS.LEDGER",
        "LEDGER",
    ),
    "an entry that is there twice": ("INSERT INTO {db}.OPS.LEDGER SELECT * FROM {db}.OPS.LEDGER", "LEDGER"),
    "an entry that was changed": ("UPDATE {db}.OPS.LEDGER SET FROM_VERSION = 'ANOTHER'", "LEDGER"),
    "a reason that was written later": ("UPDATE {db}.OPS.LEDGER SET OVERRIDE_REASON = 'the gate passed it'", "LEDGER"),
    "the last entry deleted": (
        "DELETE FROM {db}.OPS.LEDGER WHERE ENTRY = (SELECT MAX(ENTRY) FROM {db}.OPS.LEDGER)",
        "LEDGER",
    ),
    "a verdict that is gone": ("DELETE FROM {db}.OPS.VERDICTS", "VERDICTS"),
    "a training set that is not recorded": ("DELETE FROM {db}.OPS.TRAINING_SETS", "TRAINING_SETS"),
    "files that are not those registered": (f"UPDATE {{db}}.OPS.MODEL_FILES SET FILES = '{'0' * 64}'", "MODEL_FILES"),
    "a training set of other rows": ("UPDATE {db}.OPS.TRAINING_SETS SET ROWS_TOTAL = 7", "TRAINING_SETS"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(trial: Trial, fault: str):
    statement, name = FAULTS[fault]
    trial.world.rows("BEGIN")
    try:
        trial.world.rows(statement)
        with pytest.raises(VerificationError, match=f"in {trial.world.database}: .*{name}: "):
            check_verified(trial.workspace)
    finally:
        trial.world.rows("ROLLBACK")


def test_an_alias_that_was_moved_by_hand_is_named(trial: Trial):
    model = f"{trial.world.database}.MODELS.TINY"
    now, other = trial.verdicts["loose"].version_name, trial.verdicts["tight"].version_name
    trial.world.rows(f"ALTER MODEL {model} VERSION {now} UNSET ALIAS")
    trial.world.rows(f"ALTER MODEL {model} VERSION {other} SET ALIAS = CHAMPION")
    try:
        (fault,) = [check for check in verify(trial.workspace).faults if check.name == "CHAMPION"]
    finally:
        trial.world.rows(f"ALTER MODEL {model} VERSION {other} UNSET ALIAS")
        trial.world.rows(f"ALTER MODEL {model} VERSION {now} SET ALIAS = CHAMPION")
    assert "moved by hand" in fault.reason


def test_the_command_prints_each_check_and_ends_with_two_if_one_fails(trial: Trial, monkeypatch: pytest.MonkeyPatch):
    world = trial.world
    arguments = ["verify", "--project", "tiny", "--target", world.target]
    monkeypatch.setattr("snowloop.cli.options.open_workspace", lambda *_, **_options: nullcontext(trial.workspace))
    good = CliRunner().invoke(app, arguments)
    assert good.exit_code == 0, good.output
    assert good.output.count("ok ") == 8
    world.rows("CREATE TABLE {db}.OPS.KEPT CLONE {db}.OPS.RUNS")
    world.rows("UPDATE {db}.OPS.RUNS SET ROWS_SCORED = ROWS_SCORED + 1")
    bad = CliRunner().invoke(app, arguments)
    world.rows("INSERT OVERWRITE INTO {db}.OPS.RUNS SELECT * FROM {db}.OPS.KEPT")
    assert bad.exit_code == 2
    assert "FAULT     RUNS: run " in bad.output


def test_an_environment_without_a_model_or_a_loop_is_asked_only_what_applies(session: Session, tmp_path: Path):
    project = tiny(tmp_path / "projects")
    workspace = Workspace(session, project, "verify_empty")
    with pytest.raises(DeploymentError, match="does not exist"):
        verify(workspace)
    create_environment(workspace)
    done = verify(workspace)
    assert not done.faults
    assert {check.name for check in done.checks if check.outcome == "not_asked"} == {"ROWS", "CHAMPION", "MODEL_FILES"}
    on_call = (Path(__file__).parents[3] / "docs" / "on-call.md").read_text(encoding="utf-8")
    table = on_call.partition("| check | what must hold |")[2].partition("\n\n")[0]
    assert [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")] == [
        check.name for check in done.checks
    ]
