"""Connections that break off, are slow or signed out, and stages that run twice at once: each row once all the same."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.champion import ledger
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.lifecycle.versions import champion
from snowloop.workspace import Workspace
from tests.support.proof import prove
from tests.support.proxy import proxy
from tests.support.strikes import survive
from tests.support.trial import Trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # the connector cancels a late statement in a thread, whose connection breaks off too
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    folder = tmp_path_factory.mktemp("broken")
    server = LocalSnowflake(folder / "data").start()
    made = Trial(folder, 7, server, "broken")
    made.prepare()
    yield made
    made.world.session.close()
    made.server.stop()


def stages(trial: Trial, workspace: Workspace, batch: str) -> list[Callable[[], Any]]:
    """What a run does with a new file: load it, deploy the loop, score."""

    def score() -> None:
        workspace.session.sql(f"CALL {trial.world.results['deployment'].procedure}()").collect()

    return [
        lambda: load_files(workspace, trial.data, part="arrivals", only=batch),
        lambda: deploy_scoring(workspace),
        score,
    ]


def opened(trial: Trial, **options: Any) -> Workspace:
    return Workspace(trial.open(**options), trial.project, trial.world.target)


@contextlib.contextmanager
def closing(session: Session) -> Iterator[None]:
    try:
        yield
    finally:
        survive(session.close)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_connection_that_breaks_off(trial: Trial, seed: int):
    """What was cut off is done again, as Airflow does with a task that failed."""
    chance = random.Random(seed)
    batch = trial.new_file(trial.mixed(25))
    with proxy(trial.connection["port"], chance) as between:
        workspace = opened(trial, port=between.port, network_timeout=20)
        between.breaks = 6
        with closing(workspace.session):
            for stage in stages(trial, workspace, batch):
                survive(stage)
        assert between.broken > 0
    for stage in stages(trial, trial.workspace, batch):
        stage()
    trial.settle()
    prove(trial)


def test_a_slow_connection(trial: Trial):
    batch = trial.new_file(trial.mixed(25))
    with proxy(trial.connection["port"], random.Random(1), delay=0.05) as between:
        workspace = opened(trial, port=between.port)
        with closing(workspace.session):
            for stage in stages(trial, workspace, batch):
                stage()
    trial.settle()
    prove(trial)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_session_that_is_signed_out_in_the_middle(trial: Trial, place: int):
    batch = trial.new_file(trial.mixed(10))
    workspace = opened(trial)
    with closing(workspace.session):
        for number, stage in enumerate(stages(trial, workspace, batch)):
            if number == place:
                rest = workspace.session.connection.rest
                assert rest is not None
                rest.delete_session()
            failed = survive(stage)
            assert (failed is not None) == (number >= place)
    for stage in stages(trial, trial.workspace, batch):
        stage()
    trial.settle()
    prove(trial)


def at_once(*acts: Callable[[], Any]) -> list[BaseException]:
    """What the acts raised that were started together."""
    errors: list[BaseException] = []
    together = threading.Barrier(len(acts))

    def act(one: Callable[[], Any]) -> None:
        together.wait()
        if error := survive(one):
            errors.append(error)

    threads = [threading.Thread(target=act, args=(one,)) for one in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_two_runs_of_one_dag_at_once_load_and_score_a_file_once(trial: Trial):
    for _ in range(3):
        batch = trial.new_file(trial.mixed(25))
        one, other = opened(trial), opened(trial)
        with closing(one.session), closing(other.session):
            for number in range(3):
                at_once(*(stages(trial, workspace, batch)[number] for workspace in (one, other)))
    trial.settle()
    prove(trial)


def test_a_file_that_is_delivered_twice_is_loaded_once(trial: Trial):
    batch = trial.new_file(trial.mixed(25))
    first, again = (trial.world.load(part="arrivals", only=batch) for _ in range(2))
    assert (first.read, again.read) == (25, 0)
    assert all(file.kept for file in again.files)
    trial.settle()
    prove(trial)


def test_two_promotions_at_once_leave_one_champion(trial: Trial):
    now = champion(trial.workspace)
    with contextlib.ExitStack() as sessions:
        workspaces = {name: opened(trial) for name in trial.verdicts}
        for workspace in workspaces.values():
            sessions.enter_context(closing(workspace.session))

        def promoting(name: str) -> Callable[[], Any]:
            judged = replace(trial.verdicts[name], champion=now.name if now else None)
            return lambda: promote(workspaces[name], judged)

        assert len(at_once(*map(promoting, workspaces))) < len(workspaces)
    serving = champion(trial.workspace)
    assert serving is not None
    assert serving.name == ledger.entries(trial.workspace)[-1].to_version
    trial.settle()
    prove(trial)
