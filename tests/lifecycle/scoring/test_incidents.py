"""What happens when things go wrong or change: refusals, rollback, failing tasks, rows that come twice."""

import csv
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from include.data.generators import credit_approval as generator
from snowloop.errors import ContractViolation, DeploymentError, GateRefused, LoadError, RollbackError, ScoringError
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.champion.rollback import rollback
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.scoring import reconcile
from snowloop.lifecycle.versions import champion, set_champion
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def data(folder: Path, rows: int = 1500, seed: int = 3) -> Path:
    """Applications in two files, the later one with 20 rows, and the credit record of all."""
    generator.write(folder, rows, seed, faults=False)
    file = folder / "application_record.csv"
    header, *lines = file.read_text().splitlines()
    file.rename(folder / "application_record_1.csv").write_text("\n".join([header, *lines[:-20]]) + "\n")
    (folder / "application_record_2.csv").write_text("\n".join([header, *lines[-20:]]) + "\n")
    return folder


def later(folder: Path, number: int, rows: list[list[str]]) -> None:
    """Another arriving file."""
    header = (folder / "application_record_1.csv").read_text().splitlines()[0]
    lines = [header, *(",".join(row) for row in rows)]
    (folder / f"application_record_{number}.csv").write_text("\n".join(lines) + "\n")


def rows_of(folder: Path, number: int) -> list[list[str]]:
    return list(csv.reader((folder / f"application_record_{number}.csv").open()))[1:]


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A champion that serves; its bounds are loose, because the data is small."""
    project = load_project("credit_approval")
    metric = project.metric.model_copy(update={"at_least": 0.5, "tolerance": 0.5, "min_support": 5})
    folder = data(tmp_path_factory.mktemp("credit"))
    made = World(session, project.model_copy(update={"metric": metric}), "incidents", folder)
    training_set = made.prepare()
    with pytest.raises(DeploymentError, match="no champion to score with"):
        made.deploy()
    promote(Workspace(session, made.project, made.target), made.judge(training_set, "logistic"))
    made.results["first"] = made.results["candidates"][0].version_name
    made.deploy()
    made.arrive("1")
    return made


def test_rollback_without_an_earlier_champion_is_refused(world: World):
    with pytest.raises(RollbackError, match="is the first"):
        rollback(world.workspace)


def test_rollback_returns_and_the_next_rows_carry_the_old_version(world: World):
    workspace = world.workspace
    promote(workspace, world.judge(world.results["training_set"], "boosting"))
    first, second = world.results["first"], world.results["candidates"][0].version_name
    later(world.folder, 3, [[str(9_000_001), *rows_of(world.folder, 2)[0][1:]]])
    assert world.arrive("2").model_versions == (second,)
    done = rollback(workspace)
    assert (done.from_version, done.to_version) == (second, first)
    now = champion(workspace)
    assert now is not None
    assert now.name == first
    later(world.folder, 4, [[str(9_000_002), *rows_of(world.folder, 2)[0][1:]]])
    assert world.arrive("3").model_versions == (first,)
    ledger = world.rows("SELECT ACTION, FROM_VERSION, TO_VERSION FROM {db}.OPS.LEDGER ORDER BY ENTRY")
    assert [tuple(row) for row in ledger] == [
        ("promote", None, first),
        ("promote", first, second),
        ("rollback", second, first),
    ]
    versions = world.rows("SELECT ID, MODEL_VERSION FROM {db}.SERVING.SCORED WHERE ID > 9000000 ORDER BY ID")
    assert [row["MODEL_VERSION"] for row in versions] == [second, first]


def test_rows_that_come_again_are_quarantined(world: World):
    new = [str(9_100_001), *rows_of(world.folder, 2)[0][1:]]
    later(world.folder, 5, [rows_of(world.folder, 1)[0], rows_of(world.folder, 2)[0], new, new])
    scores = world.arrive("4")
    assert (scores.scored, scores.quarantined) == (1, 3)
    rows = world.rows("SELECT REASON FROM {db}.SERVING.QUARANTINE WHERE REASON LIKE 'duplicate key%' ORDER BY REASON")
    assert [row["REASON"] for row in rows] == [
        "duplicate key: a row with it was scored before",
        "duplicate key: another row of the same batch has it",
        "duplicate key: the source had it before scoring began",
    ]
    reconcile(world.workspace)


def test_a_file_of_the_same_name_and_other_content_is_loaded(world: World):
    later(world.folder, 6, [[str(9_200_001), *rows_of(world.folder, 2)[0][1:]]])
    assert world.arrive("5").scored == 1
    later(world.folder, 6, [[str(9_200_002), *rows_of(world.folder, 2)[0][1:]]])
    assert world.arrive("5").scored == 1
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED WHERE ID > 9200000") == 2


def test_a_failing_task_loses_nothing_and_is_reported_with_its_error(world: World):
    workspace = world.workspace
    model = f"{world.database}.MODELS.CREDIT_APPROVAL"
    world.rows(f"ALTER MODEL {model} ADD VERSION UNJUDGED FROM MODEL {model} VERSION {world.results['first']}")
    for change in ("CHAMPION UNSET ALIAS", "UNJUDGED SET ALIAS = CHAMPION"):
        world.rows(f"ALTER MODEL {model} VERSION {change}")
    later(world.folder, 7, [[str(9_300_001), *rows_of(world.folder, 2)[0][1:]]])
    with pytest.raises(ScoringError, match="version UNJUDGED of "):
        world.arrive("6")
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED WHERE ID = 9300001") == 0
    failed = world.rows("SELECT ERROR FROM {db}.OPS.RUNS WHERE STATE = 'FAILED'")
    assert "UNJUDGED" in failed[0]["ERROR"]
    set_champion(workspace, world.results["first"])
    world.deploy()
    world.arrive()
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED WHERE ID = 9300001") == 1
    reconcile(workspace)


def test_a_changed_declaration_changes_the_graph_and_loses_nothing(world: World):
    serving = world.project.serving.model_copy(update={"suspend_after_failures": 5})
    changed = World(world.session, world.project.model_copy(update={"serving": serving}), world.target, world.folder)
    actions = changed.deploy().actions
    assert actions == {
        "stream": "kept",
        "procedure": "kept",
        "SCORE_NEW_ROWS": "recreated",
        "REFRESH_MONITORING": "recreated",  # replacing the root cuts off what follows it
        "LOG_SCORE_RUN": "recreated",
    }
    later(world.folder, 8, [[str(9_400_001), *rows_of(world.folder, 2)[0][1:]]])
    assert changed.arrive("7").scored == 1


def test_reconcile_names_lost_and_doubled_keys(world: World):
    workspace = world.workspace
    scored = f"{world.database}.SERVING.SCORED"
    world.rows(f"INSERT INTO {scored} SELECT * FROM {scored} WHERE ID = 9400001")
    with pytest.raises(ScoringError, match="1 keys are scored more than once, such as 9400001"):
        reconcile(workspace)
    world.rows(f"DELETE FROM {scored} WHERE ID = 9400001")
    with pytest.raises(ScoringError, match="1 keys are neither scored nor quarantined, such as 9400001"):
        reconcile(workspace)


@pytest.fixture
def other(session: Session, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(session, load_project("credit_approval"), request.node.name[:40], tmp_path)


def test_the_gate_refuses_below_the_bound_and_says_why(other: World):
    data(other.folder)
    metric = other.project.metric.model_copy(update={"at_least": 0.99, "min_support": 5})
    other.project = other.project.model_copy(update={"metric": metric})
    training_set = other.prepare()
    with pytest.raises(GateRefused, match=r"declared is at least 0\.99"):
        other.judge(training_set, "logistic")
    recorded = other.rows("SELECT PASSED, REASON FROM {db}.OPS.VERDICTS WHERE CHECK_NAME = 'BOUND'")
    assert [row["PASSED"] for row in recorded] == [False]
    assert champion(other.workspace) is None
    assert other.value("SELECT COUNT(*) FROM {db}.OPS.LEDGER") == 0


def test_a_candidate_that_fails_is_reported_and_does_not_sink_the_others(other: World):
    data(other.folder)
    odd = other.project.candidates[0].model_copy(update={"name": "odd", "params": {"colour": "red"}})
    metric = other.project.metric.model_copy(update={"at_least": 0.5, "min_support": 5})
    candidates = (odd, other.project.candidates[0])
    other.project = other.project.model_copy(update={"metric": metric, "candidates": candidates})
    verdict = other.judge(other.prepare())
    assert "colour" in other.results["candidates"][0].error
    assert verdict.version_name.startswith("LOGISTIC_")
    assert "odd: TypeError" in verdict.checks[0].reason


def test_too_many_bad_rows_stop_the_run(other: World):
    data(other.folder)
    later(other.folder, 1, [[row[0], "XNA", *row[2:]] for row in rows_of(other.folder, 2)])
    workspace = other.workspace
    create_environment(workspace)
    other.load(part="initial")
    with pytest.raises(ContractViolation, match=r"CODE_GENDER must be one of F, M: 20 of 20 rows do not, 2.00% are"):
        check_contract(workspace)
    failed = other.rows("SELECT CHECK_NAME FROM {db}.OPS.CONTRACT_CHECKS WHERE NOT PASSED ORDER BY CHECK_NAME")
    assert [row["CHECK_NAME"] for row in failed] == ["ANY_RULE", "CODE_GENDER_ALLOWED"]


def test_an_unknown_batch_is_named(other: World):
    data(other.folder)
    create_environment(other.workspace)
    with pytest.raises(LoadError, match="no arriving batch or file '9' in its data: batches are 1"):
        other.load(only="9")
