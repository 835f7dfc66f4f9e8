"""The disposable database: a clone that is dropped whatever happens, and what a killed process left is swept."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.ci.trial import has_database, keep_some_rows, sweep, trial_of
from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import load_project
from snowloop.project.evaluation import Ci
from tests.support.tiny import Event, insertion, tiny
from tests.support.world import World

ROWS = [Event(key, float(key), -float(key), "AB"[key % 2], "2026-01-01 00:00:00", key) for key in range(1, 41)]


@pytest.fixture(scope="module")
def target(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("trial")
    tiny(folder)
    (folder / "targets.yaml").write_text("targets: {tried: {gate: {min_support: 99}, branch: main, approval: true}}")
    made = World(session, load_project("tiny", folder), "tried")
    create_environment(made.workspace)
    made.rows(insertion(ROWS))
    yield made
    made.rows("DROP DATABASE {db}")


def names(session: Session) -> dict[str, str]:
    return {row["name"]: row["comment"] for row in session.sql("SHOW DATABASES").collect()}


def test_a_clone_has_the_rows_and_the_bounds_of_the_target_and_is_dropped_after_an_error(target: World):
    source, trials = target.workspace, []

    def fails() -> None:
        with trial_of(source, clone=True) as trial:
            trials.append(trial)
            comment = names(target.session)[trial.database]
            assert comment.startswith("snowloop:expires=")
            assert "against tried" in comment
            rows = f'SELECT COUNT(*) FROM "{trial.database}"."RAW"."EVENTS"'
            assert target.session.sql(rows).collect()[0][0] == len(ROWS)
            create_environment(trial)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    (trial,) = trials
    project = trial.project.in_target(trial.target)
    declared = project.targets.find(trial.target)
    assert declared
    assert (project.metric.min_support, declared.branch, declared.approval) == (99, None, False)
    assert trial.database not in names(target.session)
    roles = [row["name"] for row in target.session.sql("SHOW ROLES").collect()]
    assert f"{trial.database}_READER" not in roles
    assert has_database(source)
    assert target.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS") == len(ROWS)


def test_a_sweep_drops_what_has_expired_and_nothing_else(target: World):
    session = target.session
    left = {
        "LEFT_CI_0123456789AB": "snowloop:expires=2026-01-01T00:00:00Z a trial of project left against staging",
        "YOUNG_CI_0123456789AB": "snowloop:expires=2999-01-01T00:00:00Z a trial of project young against staging",
        "MINE_CI_0123456789AB": "a database of somebody else",
        "NO_TRIAL": "snowloop:expires=2026-01-01T00:00:00Z a comment that somebody copied",
        "ODD_CI_0123456789AB": "snowloop:expires=soon a comment that somebody edited",
    }
    for name, comment in left.items():
        session.sql(f"CREATE DATABASE {name} COMMENT = '{comment}'").collect()
    try:
        done = sweep(session)
        assert done.dropped == ("LEFT_CI_0123456789AB",)
        assert "YOUNG_CI_0123456789AB" in done.kept
        assert {*left} - {*names(session)} == {"LEFT_CI_0123456789AB"}
        with trial_of(target.workspace, clone=False, lifetime=timedelta(hours=1)) as trial:
            assert trial.database in sweep(session).kept
    finally:
        for name in left:
            session.sql(f"DROP DATABASE IF EXISTS {name}").collect()


def test_rows_beyond_the_declared_number_are_left_out_the_same_ones_each_time(target: World):
    few = target.project.model_copy(update={"ci": Ci(training_rows=15)})
    source = World(target.session, few, "tried").workspace
    kept = []
    for _ in range(2):
        with trial_of(source, clone=True) as trial:
            assert keep_some_rows(trial) == len(ROWS)
            query = f'SELECT ID FROM "{trial.database}"."RAW"."EVENTS" ORDER BY ID'
            kept.append([row[0] for row in trial.session.sql(query).collect()])
    assert kept[0] == kept[1]
    assert len(kept[0]) == 15
    assert kept[0] != list(range(1, 16)), "by hash, not the first ones"
