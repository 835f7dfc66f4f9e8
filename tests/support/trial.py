"""A tiny project on a server of its own, what was sent to it, and faults that strike it."""

import csv
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from snowflake.snowpark import Session

from local_snowflake.testing import LocalSnowflake
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import TrainingSet
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Verdict
from snowloop.lifecycle.scoring import await_scores
from snowloop.lifecycle.training.train import train_candidate
from snowloop.lifecycle.versions import champion
from snowloop.workspace import Workspace
from tests.support.strikes import CALL, PHASES, Scorer, Strike, Striker, survive
from tests.support.tiny import Event, insertion, tiny
from tests.support.world import ANY_MODEL, World

INITIAL = 400
SHORT = {"network_timeout": 2}
"""A client that soon gives up on a server that was killed."""


class Trial:
    """The project, all rows that were sent, and the server that is struck.

    A correction writes a row again, with a tag of its own: ``sent`` has all that was written, ``gone`` the tags that
    were corrected or deleted, ``first`` of each corrected row the tag that it had when it came.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        server: LocalSnowflake,
        target: str,
        *,
        corrections: bool = False,
        role: str = "ACCOUNTADMIN",
    ) -> None:
        self.random = random.Random(seed)
        self.server, self.connection = server, server.connection() | {"role": role}
        self.data = folder / "events"
        self.project = tiny(folder / "projects", corrections=corrections)
        self.world = World(self.open(), self.project, target, self.data)
        self.sent: dict[int, Event] = {}
        self.gone: set[int] = set()
        self.first: dict[int, int] = {}
        self.counts: Counter[str] = Counter()
        self._write(0, [(*event.cells[:-1], self._label(event)) for event in self.events(INITIAL)])
        self.baseline = set(range(1, INITIAL + 1))
        self.verdicts: dict[str, Verdict] = {}

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.world.session, self.world.project, self.world.target)

    def open(self, **options: Any) -> Session:
        return Session.builder.configs(self.connection | options).create()

    def prepare(self) -> None:
        """From nothing to a champion that serves, and a second version that may be promoted."""
        self.train(self.world.prepare(), "loose", "tight")
        self.promote("loose")
        self.deploy()

    def train(self, training_set: TrainingSet, *names: str) -> None:
        """Versions that may be promoted."""
        for name in names:
            measured = evaluate(self.workspace, train_candidate(self.workspace, training_set, name))
            self.verdicts[name] = decide(self.workspace, [measured], override=ANY_MODEL)

    def promote(self, name: str) -> None:
        """As if the gate had judged it against the present champion: what it says is nothing to this trial."""
        now = champion(self.workspace)
        promote(self.workspace, replace(self.verdicts[name], champion=now.name if now else None))

    def deploy(self, **serving: Any) -> None:
        """Deploy the loop, with another declaration if one is given."""
        if serving:
            changed = self.project.serving.model_copy(update=serving)
            self.world.project = self.project.model_copy(update={"serving": changed})
        self.world.results["deployment"] = self.world.deploy()

    # -- rows ---------------------------------------------------------------------------------------------------------

    def events(self, count: int) -> list[Event]:
        """New good rows."""
        return [self.event(max(self.sent, default=0) + 1) for _ in range(count)]

    def event(self, key: int | None) -> Event:
        tag, chance = max(self.sent, default=0) + 1, self.random
        moment = f"2026-0{chance.randint(1, 9)}-1{chance.randint(0, 9)} 0{chance.randint(0, 9)}:00:00"
        x = round(round(chance.uniform(0, 10), 2) + tag * 1e-7, 7)
        made = Event(key, x, round(chance.gauss(0, 1), 3), chance.choice("AB"), moment, tag)
        self.sent[tag] = made
        return made

    def mixed(self, count: int) -> list[Event]:
        """New rows, late ones, duplicates of old and of new keys, and rows that break the contract."""
        return [self._any_event() for _ in range(count)]

    def _any_event(self) -> Event:
        chance, new = self.random, max(self.sent) + 1
        keys = [event.key for event in self.sent.values() if event.key]
        what = chance.choices(["new", "seen", "latest", "baseline", "broken"], [60, 10, 8, 4, 18])[0]
        key = {"seen": chance.choice(keys), "latest": keys[-1], "baseline": chance.randint(1, INITIAL)}.get(what, new)
        return self._broken(self.event(key)) if what == "broken" else self.event(key)

    def corrected(self, tag: int) -> Event:
        """New values of a row under its key, with a tag of their own; some break the contract."""
        old, first = self.sent[tag], self.sent[self.row(tag)]
        made = self.event(old.key or first.key or max(self.sent) + 1)
        self.gone.add(tag)
        self.first[made.tag] = self.row(tag)
        return self._broken(made) if self.random.random() < 0.25 else made

    def row(self, tag: int) -> int:
        """The tag that a row had when it came."""
        return self.first.get(tag, tag)

    @property
    def live(self) -> dict[int, Event]:
        """What the source has, by tag."""
        return {tag: event for tag, event in self.sent.items() if tag not in self.gone}

    def _broken(self, event: Event) -> Event:
        worse = [{"key": None}, {"x": -1.5}, {"y": None}, {"kind": "Z"}, {"x": -2.5, "y": None}]
        change: Any = self.random.choice(worse)
        self.sent[event.tag] = replace(event, **change)
        return self.sent[event.tag]

    def insert(self, events: list[Event]) -> None:
        """Insert rows in one statement, unless an earlier try that was cut off had come through."""
        if self.world.value(f"SELECT COUNT(*) FROM {{db}}.RAW.EVENTS WHERE TAG = {events[0].tag}"):
            return
        self.world.rows(insertion(events))

    def new_file(self, events: list[Event]) -> str:
        """Put a file into the data folder; its number is that of its batch."""
        number = len(list(self.data.iterdir()))
        self._write(number, [event.cells for event in events])
        return str(number)

    def _write(self, number: int, rows: list[tuple[Any, ...]]) -> None:
        self.data.mkdir(exist_ok=True)
        with (self.data / f"events_{number:04}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([self.project.streamed.columns, *rows])

    def _label(self, event: Event) -> int:
        assert event.y is not None
        return int(self.random.gauss(0, 2) < event.x / 2 - 2.5 + event.y)

    # -- faults -------------------------------------------------------------------------------------------------------

    def under(self, fault: str, act: Callable[[], Any]) -> None:
        """Do something while new rows are scored and a fault strikes that call; what was cut off is done again."""
        chance = self.random
        phase = chance.choice(PHASES)
        which = chance.choice([slice(None), slice(1), slice(1, 2)])
        strike = Strike(fault, phase, chance.uniform(0, 1.2 if phase == CALL else 0.15), which)
        by_task = fault == "task" or chance.random() < 0.5
        if fault == "none":
            act()
            return
        options = SHORT if fault == "server" else {}
        if fault == "server":
            self._reopen(**options)
        procedure = self.world.results["deployment"].procedure
        root = f"{self.world.database}.SERVING.SCORE_NEW_ROWS"
        scorer = Scorer(self.open(**options), f"EXECUTE TASK {root}" if by_task else f"CALL {procedure}()")
        striker = Striker(self.server, self.open(**options), strike, self.world.database)
        striker.start()
        rows = self.mixed(chance.randint(3, 12))
        cut_off = survive(lambda: self.insert(rows))  # which may start the task at once
        scorer.start()
        cut_off = survive(act) or cut_off
        striker.join()
        scorer.join()
        self.counts[f"{fault} met" if striker.met else f"{fault} missed"] += 1
        # who asks a server that dies is impatient, and gives up by itself; a task's own end is in its history
        self.counts["calls cut off"] += bool(scorer.error) and not by_task and fault != "server"
        if fault == "server":
            self.connection = self.server.start().connection()
            self._reopen()
        elif cut_off:
            raise cut_off  # only the server's death may be felt by what does not score
        if cut_off:
            self.counts["acts cut off"] += 1
            self.insert(rows)
            act()

    def cut_off(self) -> Counter[str]:
        """Scoring calls that a fault really ended, counted by their callers, their tasks and their own records."""
        runs = "SELECT COUNT(*) FROM {db}.OPS.RUNS WHERE STATE = 'FAILED'"
        tasks = (
            "SELECT COUNT(*) FROM TABLE({db}.INFORMATION_SCHEMA.TASK_HISTORY(RESULT_LIMIT => 1000)) "
            "WHERE NAME = 'SCORE_NEW_ROWS' AND (STATE LIKE 'FAILED%' OR STATE = 'CANCELLED')"
        )
        counts = {
            "calls": self.counts["calls cut off"],
            "runs": self.world.value(runs),
            "tasks": self.world.value(tasks),
        }
        return Counter({who: int(number) for who, number in counts.items()})

    def _reopen(self, **options: Any) -> None:
        survive(self.world.session.close)  # its server may have been killed
        self.world.session = self.open(**options)

    def settle(self) -> None:
        """No more faults: deploy, which resumes what was suspended, and wait for the loop."""
        self.deploy()
        await_scores(self.workspace, timeout=180)
