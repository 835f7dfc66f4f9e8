"""The real data sets, where they are at hand: bank_marketing whole, and the refusal of the real credit extract."""

import random
from collections import Counter
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score
from snowflake.snowpark import Session

from snowloop.errors import GateRefused, LeakageError
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.monitoring.ml_test_score import score_card
from snowloop.lifecycle.monitoring.monitor import monitor
from snowloop.lifecycle.monitoring.rehearse import rehearse
from snowloop.lifecycle.scoring import reconcile
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.world import SHARED, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROWS, TRAINED = 45_211, 27_126


def shared(session: Session, project: str) -> World:
    folder = SHARED / "data" / project
    if not folder.is_dir():
        pytest.skip(f"the real data is not here: no folder {folder} (set SNOWLOOP_SHARED)")
    return World(session, load_project(project), "real", folder)


def files_of_random_sizes(world: World, folder: Path) -> list[int]:
    """Cut the one file: what is trained on, and later calls in files of one row to thousands; one has none."""
    chance, later = random.Random(2010), ROWS - TRAINED
    header, *rows = (world.folder / "bank-full.csv").read_text().splitlines()
    sizes = [1, 0]
    while (left := later - sum(sizes)) > 0:
        sizes.append(min(left, round(4000 ** chance.random())))
    chance.shuffle(sizes)
    begin = 0
    for number, size in enumerate([TRAINED, *sizes]):
        lines = [header, *rows[begin : begin + size]]
        (folder / f"bank-{number:03}.csv").write_text("\n".join(lines) + "\n")
        begin += size
    source = world.project.streamed.model_copy(update={"file": "bank-*.csv"})
    world.project = world.project.model_copy(update={"sources": {world.project.source: source}})
    world.data = folder
    return sizes


@pytest.fixture(scope="module")
def bank_marketing(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Trained on the earlier calls, promoted and deployed; the later calls arrived in files and are scored."""
    world = shared(session, "bank_marketing")
    world.results["sizes"] = files_of_random_sizes(world, tmp_path_factory.mktemp("calls"))
    world.promote_first()
    world.deploy()
    world.results["arrivals"] = world.load(part="arrivals")
    world.arrive()
    return world


@pytest.fixture(scope="module")
def diabetes_progression(session: Session) -> World:
    """Trained, promoted and deployed; three batches of patients arrived and are scored."""
    world = World(session, load_project("diabetes_progression"), "real")
    world.promote_first()
    world.deploy()
    world.results["arrived"] = world.arrive("1", "2", "3")
    return world


def test_bank_marketing_trains_on_the_earlier_calls_and_scores_the_later_each_once(
    session: Session, bank_marketing: World
):
    world, sizes = bank_marketing, bank_marketing.results["sizes"]
    assert (min(sizes), sum(sizes)) == (0, ROWS - TRAINED)
    assert max(sizes) > 1000
    assert world.results["training_set"].rows == TRAINED
    done = world.results["arrivals"]
    assert [(file.read, file.loaded, file.rejected) for file in done.files] == [(size, size, 0) for size in sizes]
    scored = Counter(row["ROW_ID"] for row in world.rows("SELECT ROW_ID FROM {db}.SERVING.SCORED"))
    quarantined = Counter(row["ROW_ID"] for row in world.rows("SELECT ROW_ID FROM {db}.SERVING.QUARANTINE"))
    assert scored + quarantined == Counter(range(TRAINED + 1, ROWS + 1))
    counts = reconcile(Workspace(session, world.project, world.target))
    assert (counts.source_rows, counts.baseline_rows, counts.pending) == (ROWS, TRAINED, 0)
    rows = world.rows(
        "SELECT S.SCORE, B.Y FROM {db}.SERVING.SCORED AS S JOIN {db}.RAW.BANK AS B ON B.ROW_ID = S.ROW_ID"
    )
    honest = roc_auc_score([row["Y"] == "yes" for row in rows], [row["SCORE"] for row in rows])
    assert 0.55 < honest < 0.75
    runs = world.rows("SELECT ROWS_READ FROM {db}.OPS.RUNS ORDER BY FINISHED_AT")
    print(f"files of {sizes} rows, runs of {[row[0] for row in runs]}")
    print(f"bank_marketing: ROC AUC {honest:.3f} on {len(rows)} later calls, without duration")


def test_the_worthless_model_of_the_real_credit_extract_is_refused(session: Session):
    world = shared(session, "credit_approval")
    with pytest.raises(LeakageError, match="the same cases are in both parts"):
        world.prepare()
    leakage = world.project.leakage.model_copy(update={"max_explained_by_repeats": 1.0})
    world.project = world.project.model_copy(update={"leakage": leakage})
    training_set = build_training_set(world.workspace)
    with pytest.raises(GateRefused, match=r"0 held-out rows of the rarer class, 20 are needed.*roc_auc is missing"):
        world.judge(training_set)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.LEDGER") == 0
    refused = world.rows("SELECT CHECK_NAME FROM {db}.OPS.VERDICTS WHERE NOT PASSED ORDER BY CHECK_NAME")
    assert [row["CHECK_NAME"] for row in refused] == [
        *("BASELINE_BEATEN", "BOUND", "DUMMY_BEATEN", "LEAKAGE", "SLICES", "SUPPORT")
    ]


def test_diabetes_progression_from_its_generator(diabetes_progression: World):
    world = diabetes_progression
    assert world.results["arrived"].scored == 133
    rows = world.rows(
        "SELECT S.SCORE, P.TARGET FROM {db}.SERVING.SCORED AS S "
        "JOIN {db}.RAW.PATIENT AS P ON P.PATIENT_ID = S.PATIENT_ID"
    )
    error = (sum((row["SCORE"] - row["TARGET"]) ** 2 for row in rows) / len(rows)) ** 0.5
    assert error < 70


@pytest.mark.parametrize("name", ["bank_marketing", "diabetes_progression"])
def test_what_a_shipped_project_does_earns_points_in_every_section(request: pytest.FixtureRequest, name: str):
    world: World = request.getfixturevalue(name)
    monitor(world.workspace)
    rehearse(world.workspace)
    card = score_card(world.workspace)
    found = {each.key: each for each in card.tests}
    assert card.sections["data"] >= 4, card.text()
    assert card.sections["infrastructure"] >= 5, card.text()
    assert card.sections["monitoring"] >= 6, card.text()
    assert {found[f"model-{number}"].state for number in (5, 6)} == {"earned"}, card.text()
    assert found["model-7"].state == ("earned" if name == "bank_marketing" else "nothing"), card.text()
    assert {found[key].state for key in ("data-5", "model-1", "model-3", "infrastructure-6")} == {"nothing"}
