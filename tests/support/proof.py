"""Proof, row by row, that everything that was sent to a trial was scored once or quarantined once, and rightly."""

import json
from collections import Counter, defaultdict
from typing import Any

import pytest

from snowloop.lifecycle.monitoring.verify import check_verified
from snowloop.lifecycle.scoring import reconcile
from snowloop.sql import render_project
from tests.support.tiny import Event, insertion
from tests.support.trial import INITIAL, Trial

ANOTHER = "duplicate key: the source has another row with it"
TWIN = "duplicate key: another row of the same batch has it"


def prove(trial: Trial) -> None:
    """Each row is scored or quarantined once: for its reason, in a run that counts it, with its version's score."""
    source = trial.world.rows("SELECT TAG FROM {db}.RAW.EVENTS")
    assert Counter(row["TAG"] for row in source) == Counter([*trial.live]), "rows of the source"
    check_verified(trial.workspace)
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
    _prove_counts(trial, scored)
    _prove_scores(trial, scored)


def _prove_counts(trial: Trial, scored: dict[int, Any]) -> None:
    """In each column each scored row is counted once, with its run and its version, and none that is not scored."""
    counted = trial.world.rows(
        "SELECT RUN_ID, MODEL_VERSION, COLUMN_NAME, SUM(N) AS N, SUM(TOTAL) AS TOTAL FROM {db}.OPS.DRIFT_COUNTS "
        "GROUP BY RUN_ID, MODEL_VERSION, COLUMN_NAME"
    )
    expected: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for row in scored.values():
        values = {**json.loads(row["FEATURES"]), "(score)": row["SCORE"]}
        for column in ("X", "Y", "X_OF_A", "(score)"):
            expected[row["RUN_ID"], row["MODEL_VERSION"], column].append(values[column])
    found = {(row["RUN_ID"], row["MODEL_VERSION"], row["COLUMN_NAME"]): row for row in counted}
    assert {name: row["N"] for name, row in found.items()} == {name: len(rows) for name, rows in expected.items()}
    for name, row in found.items():
        assert row["TOTAL"] == pytest.approx(sum(expected[name]), abs=1e-6), name


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
        assert row["REASON"] == event.broken if event.broken else row["REASON"] in (ANOTHER, TWIN), event
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
