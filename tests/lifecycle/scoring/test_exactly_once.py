"""Whatever is killed, deployed or promoted meanwhile: each row is scored once or quarantined once."""

import os
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from local_snowflake.testing import LocalSnowflake
from tests.support.changes import draw, perform
from tests.support.proof import prove
from tests.support.trial import Trial

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
