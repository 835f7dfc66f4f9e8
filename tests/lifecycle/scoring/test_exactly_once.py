"""Whatever is killed, deployed or promoted meanwhile: each row is scored once or quarantined once."""

import json
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.scoring import reconcile
from snowloop.sql import render_project
from tests.support.changes import draw, perform
from tests.support.tiny import Event, insertion
from tests.support.trial import INITIAL, Trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # the connector cancels a late statement in a thread, which finds no server
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]
ACTS = {"insert": 5, "file": 3, "promote": 2, "deploy": 1, "redeploy": 2}
FAULTS = ("server", "procedure", "procedure", "task", "none", "none")
FIRST = int(os.environ.get("SNOWLOOP_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("SNOWLOOP_TRIAL_ROUNDS", "2")))
"""More rounds, and others than those of each day, are run with the two variables."""
ROUNDS = [pytest.param(seed % 2 == 0, seed, id=f"{seed}{'-corrections' * (seed % 2 == 0)}") for seed in SEEDS]
BESIDE = "duplicate key: the source has another row with it"
TWIN = "duplicate key: another row of the same batch has it"


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Trial]:
    """A champion that serves on a server of its own, and a second version; corrections are declared if it is asked."""
    folder = tmp_path_factory.mktemp("trial")
    server = LocalSnowflake(folder / "data").start()
    made = Trial(folder, FIRST, server, "trial", corrections=request.param)
    made.prepare()
    yield made
    made.world.session.close()
    made.server.stop()


@pytest.fixture(scope="module")
def cut_off() -> Iterator[Counter[str]]:
    """Scoring calls that were cut off, over all seeds: where none was, nothing was tried."""
    counted: Counter[str] = Counter()
    yield counted
    assert counted.total() > 0, "no kill cut a scoring call off"


def step(trial: Trial, act: str, fault: str) -> None:
    """One thing that happens to the loop, while something else may break."""
    chance = trial.random
    if act == "change":
        if chance.random() < 0.6:
            trial.settle()  # so that what is corrected has been scored
        changes = draw(trial)
        trial.under(fault, lambda: perform(trial, changes))
    elif act == "insert":
        events = trial.mixed(chance.randint(1, 25))
        trial.under(fault, lambda: trial.insert(events))
    elif act == "file":
        batch = trial.new_file(trial.mixed(chance.randint(5, 40)))
        trial.under(fault, lambda: trial.world.load(part="arrivals", only=batch))
    elif act == "promote":
        name = chance.choice(["loose", "tight"])
        trial.under(fault, lambda: trial.promote(name))
    elif act == "deploy":
        trial.under(fault, trial.deploy)
    else:
        changed = {"timeout_seconds": chance.choice([600, 1200, 3600]), "minimum_interval_seconds": 10}
        trial.under(fault, lambda: trial.deploy(**changed))


def prove(trial: Trial) -> None:
    """Each row is scored or quarantined once: for its reason, in a run that counts it, with its version's score."""
    source = trial.world.rows("SELECT TAG FROM {db}.RAW.EVENTS")
    assert Counter(row["TAG"] for row in source) == Counter([*trial.live]), "rows of the source"
    counts = reconcile(trial.workspace)
    assert (counts.source_rows, counts.pending) == (len(trial.live), 0)
    tags = {(event.key, event.x): tag for tag, event in trial.sent.items() if tag > INITIAL and not event.broken}
    scored: dict[int, Any] = {}
    for row in trial.world.rows("SELECT * FROM {db}.SERVING.SCORED"):
        tag = tags[row["ID"], round(json.loads(row["FEATURES"])["X"], 7)]
        assert tag not in scored, f"{trial.sent[tag]} is scored twice"
        assert str(row["EVENT_TIME"]) == trial.sent[tag].happened_at
        scored[tag] = row
    kept = trial.world.rows("SELECT TAG, REASON, RUN_ID FROM {db}.SERVING.QUARANTINE")
    quarantined = {row["TAG"]: row for row in kept}
    assert len(quarantined) == len(kept), "a row is quarantined twice"
    assert not set(scored) & set(quarantined)
    if trial.project.serving.corrections:
        _prove_corrections(trial, scored, quarantined)
    else:
        arrived = {tag: event for tag, event in trial.sent.items() if tag > INITIAL}
        assert set(scored) | set(quarantined) == set(arrived)
        _prove_reasons(trial, arrived, scored, quarantined)
    _prove_runs(trial, Counter(row["RUN_ID"] for row in scored.values()), Counter(row["RUN_ID"] for row in kept))
    _prove_scores(trial, scored)


def _prove_corrections(trial: Trial, scored: dict[int, Any], quarantined: dict[int, Any]) -> None:
    """What the source has was scored or quarantined; what it no longer has was, or was gone before a run saw it."""
    seen = {*scored, *quarantined}
    assert {tag for tag in trial.live if tag > INITIAL} <= seen
    removed = trial.world.rows("SELECT ID, SUM(REMOVED) AS N FROM {db}.SERVING.CORRECTIONS GROUP BY ID")
    gone = Counter(trial.sent[tag].key for tag in trial.gone if tag in seen or tag <= INITIAL)
    assert Counter({row["ID"]: row["N"] for row in removed}) == gone, "old values of corrected or deleted rows"
    rows: dict[int, set[int]] = defaultdict(set)  # of each key those that ever had it with good values
    for tag, event in trial.sent.items():
        if event.key and not event.broken:
            rows[event.key].add(trial.row(tag))
    for tag, row in quarantined.items():
        event = trial.sent[tag]
        assert row["REASON"] == event.broken if event.broken else row["REASON"] in (BESIDE, TWIN), event
        assert event.broken or len(rows[event.key or 0]) > 1, event
    _prove_latest(trial, scored, rows)


def _prove_latest(trial: Trial, scored: dict[int, Any], rows: dict[int, set[int]]) -> None:
    """The score of a key is that of its present values; none if they were deleted, are bad, or from before scoring."""
    good = {event.key: tag for tag, event in trial.live.items() if event.key and not event.broken}
    latest = {row["ID"]: tuple(row) for row in trial.world.rows("SELECT * FROM {db}.SERVING.LATEST_SCORES")}
    names = ("ID", "SCORE", "MODEL_VERSION", "RUN_ID", "SCORED_AT", "EVENT_TIME", "FEATURES")
    assert set(latest) <= set(good), "scores of keys that were deleted or break the contract"
    for key in [key for key, shared in rows.items() if len(shared) == 1]:  # which of several rows counts is undefined
        tag = good.get(key, 0)
        expected = tuple(scored[tag][name] for name in names) if tag > INITIAL else None
        assert latest.get(key) == expected, trial.sent.get(tag, key)
    assert len(set(latest) & {key for key, shared in rows.items() if len(shared) == 1}) > 0


def _prove_reasons(
    trial: Trial, arrived: dict[int, Event], scored: dict[int, Any], quarantined: dict[int, Any]
) -> None:
    winners = {arrived[tag].key: row["RUN_ID"] for tag, row in scored.items()}
    assert len(winners) == len(scored)
    for tag, row in quarantined.items():
        event = arrived[tag]
        expected = event.broken
        if not expected and event.key in trial.baseline:
            expected = "duplicate key: the source had it before scoring began"
        elif not expected:
            same = winners[event.key] == row["RUN_ID"]
            twin = "another row of the same batch has it" if same else "a row with it was scored before"
            expected = f"duplicate key: {twin}"
        assert row["REASON"] == expected, event
    assert not any(arrived[tag].broken or arrived[tag].key in trial.baseline for tag in scored)


def _prove_runs(trial: Trial, scored: Counter[str], quarantined: Counter[str]) -> None:
    runs = trial.world.rows("SELECT * FROM {db}.OPS.RUNS WHERE STATE = 'SUCCEEDED'")
    assert len({row["RUN_ID"] for row in runs}) == len(runs)
    assert Counter({row["RUN_ID"]: row["ROWS_SCORED"] for row in runs}) == scored
    assert Counter({row["RUN_ID"]: row["ROWS_QUARANTINED"] for row in runs}) == quarantined
    assert all(row["ROWS_READ"] == row["ROWS_SCORED"] + row["ROWS_QUARANTINED"] for row in runs)
    written = trial.world.rows("SELECT DISTINCT RUN_ID, MODEL_VERSION FROM {db}.SERVING.SCORED")
    versions = {row["RUN_ID"]: row["MODEL_VERSION"] for row in runs}
    assert len({row["RUN_ID"] for row in written}) == len(written), "a run with two versions"
    assert all(versions[row["RUN_ID"]] == row["MODEL_VERSION"] for row in written)
    summed = trial.world.rows("SELECT RUN_ID FROM {db}.OPS.METRICS")
    assert len({row["RUN_ID"] for row in summed}) == len(summed), "a run that is summed up twice"
    logged = trial.world.rows("SELECT TASK_NAME, GRAPH_RUN_GROUP_ID, FINISHED_AT FROM {db}.OPS.TASK_RUNS")
    assert len({tuple(row) for row in logged}) == len(logged), "a run of the graph that is logged twice"


def _prove_scores(trial: Trial, scored: dict[int, Any]) -> None:
    """Fresh predictions are made of all that was sent, as the source may no longer have it."""
    trial.world.rows("CREATE OR REPLACE TABLE {db}.OPS.SENT AS SELECT * FROM {db}.RAW.EVENTS WHERE FALSE")
    trial.world.rows(insertion([*trial.sent.values()], "OPS.SENT"))
    features = render_project(trial.project, "features.sql", source=f"{trial.world.database}.OPS.SENT")
    model = f"{trial.world.database}.MODELS.TINY"
    for version in {row["MODEL_VERSION"] for row in scored.values()}:
        fresh = trial.world.rows(
            f"WITH F AS ({features}) SELECT ID, X, MODEL({model}, {version})!PREDICT_PROBA("
            'X::FLOAT, Y::FLOAT, X_OF_A::FLOAT):"output_feature_1"::FLOAT AS SCORE FROM F WHERE Y IS NOT NULL'
        )
        expected = {(row["ID"], round(row["X"], 7)): row["SCORE"] for row in fresh}
        for tag, row in scored.items():
            if row["MODEL_VERSION"] == version:
                event = trial.sent[tag]
                assert row["SCORE"] == pytest.approx(expected[event.key, event.x], abs=1e-9), event


@pytest.mark.parametrize(("trial", "seed"), ROUNDS, indirect=["trial"])
def test_every_row_is_scored_or_quarantined_exactly_once(trial: Trial, seed: int, cut_off: Counter[str]):
    """The seed decides what happens, in which order; where a kill finds the call is also a matter of the machine."""
    chance = trial.random = random.Random(seed)
    story = []
    trial.insert(trial.mixed(20))
    acts = ACTS | ({"change": 12} if trial.project.serving.corrections else {})
    for fault in chance.sample(FAULTS, len(FAULTS)):
        act = chance.choices([*acts], [*acts.values()])[0]
        story.append(f"{act}/{fault}")
        step(trial, act, fault)
    trial.settle()
    prove(trial)
    assert sum(count for name, count in trial.counts.items() if name.endswith(" met")) > 0, "no kill met a call"
    cut = trial.cut_off()
    cut_off.update(cut)
    states = trial.world.rows("SELECT STATE, COUNT(*) AS N FROM {db}.OPS.RUNS GROUP BY STATE")
    runs = [tuple(row) for row in states]
    print(f"seed {seed}: {' '.join(story)}: {len(trial.sent)} rows, {runs}, {trial.counts}, cut off: {cut}")
