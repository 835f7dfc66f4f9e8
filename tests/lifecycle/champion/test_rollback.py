"""A scoring run that fails while it scores, after the quarantine was written, commits nothing; the next does all."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from snowflake.snowpark.exceptions import SnowparkSQLException

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.scoring import reconcile
from tests.support import tiny
from tests.support.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

WRITTEN = ("SERVING.SCORED", "SERVING.QUARANTINE", "SERVING.CORRECTIONS", "RAW.EVENTS_STREAM")
FRAGILE = "SELECT ID, X, Y, IFF(KIND = 'A', X, 0) AS X_OF_A FROM {{ source }} WHERE X <= 990\n"
"""A row with a great X keeps the contract, and gets no features, so the others' scores are not all that are due."""


@pytest.fixture
def trial(
    local_snowflake: LocalSnowflake, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Trial]:
    monkeypatch.setitem(tiny.PROJECT, "features.sql", FRAGILE)
    made = Trial(tmp_path_factory.mktemp("rollback"), 1, local_snowflake, "rollback", corrections=True)
    made.prepare()
    made.world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")  # the test calls its procedure itself
    yield made
    made.world.session.close()


def counts(trial: Trial) -> tuple[int, ...]:
    return tuple(trial.world.value(f"SELECT COUNT(*) FROM {{db}}.{table}") for table in WRITTEN)


def test_a_run_that_fails_while_it_scores_commits_nothing(trial: Trial):
    call = f"CALL {trial.world.results['deployment'].procedure}()"
    good, bad, fragile = trial.event(901), replace(trial.event(902), y=None), replace(trial.event(903), x=995.0)
    trial.insert([good, bad, fragile])
    trial.world.rows("DELETE FROM {db}.RAW.EVENTS WHERE TAG = 1")
    assert counts(trial) == (0, 0, 0, 4)
    with pytest.raises(SnowparkSQLException, match=r"features\.sql must give"):
        trial.world.rows(call)
    assert counts(trial) == (0, 0, 0, 4)
    assert [tuple(row) for row in trial.world.rows("SELECT STATE, ROWS_QUARANTINED FROM {db}.OPS.RUNS")] == [
        ("FAILED", 0)
    ]
    trial.world.rows(f"UPDATE {{db}}.RAW.EVENTS SET X = 5 WHERE TAG = {fragile.tag}")
    trial.world.rows(call)
    assert counts(trial) == (2, 1, 1, 0)
    assert reconcile(trial.workspace).pending == 0
