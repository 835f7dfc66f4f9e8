"""A project in an environment of its own, and the stages to walk through."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snowflake.snowpark import Session

from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override, Verdict
from snowloop.lifecycle.scoring import await_scores, deploy_scoring
from snowloop.lifecycle.training.train import Candidate, train_candidate
from snowloop.project import PROTECTED, Project
from snowloop.workspace import Workspace

TIMEOUT = 120
SHARED = Path(os.environ.get("SNOWLOOP_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))

ANY_MODEL = Override("the test", "any model will do", tuple(name for name in CHECKS if name not in PROTECTED))


@dataclass
class World:
    """A project and a target on a running Snowflake, with what the stages gave."""

    session: Session
    project: Project
    target: str
    data: Path | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.session, self.project, self.target)

    @property
    def database(self) -> str:
        return self.project.database(self.target)

    @property
    def folder(self) -> Path:
        assert self.data
        return self.data

    def rows(self, query: str) -> list[Any]:
        """The rows of a query; {db} stands for the database."""
        return self.session.sql(query.replace("{db}", self.database)).collect()

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def load(self, **chosen: Any) -> Any:
        return load_files(self.workspace, self.data, **chosen)

    def prepare(self) -> TrainingSet:
        """From nothing to a training set."""
        given = self.workspace
        self.results["environment"] = create_environment(given)
        self.results["load"] = self.load(part="initial")
        self.results["contract"] = check_contract(given)
        self.results["training_set"] = build_training_set(given)
        return self.results["training_set"]

    def judge(self, training_set: TrainingSet, *names: str) -> Verdict:
        """Train and evaluate candidates, and ask the gate."""
        given = self.workspace
        wanted = names or tuple(candidate.name for candidate in self.project.expanded_candidates)
        trained = [train_candidate(given, training_set, name) for name in wanted]
        self.results["candidates"] = trained
        self.results["evaluations"] = [evaluate(given, candidate) for candidate in trained]
        return decide(given, self.results["evaluations"])

    def promote_any(self, candidate: Candidate) -> None:
        """Make a candidate champion, whatever the gate says of it."""
        gate = self.project.gate.model_copy(update={"overridable": PROTECTED})
        lenient = Workspace(self.session, self.project.model_copy(update={"gate": gate}), self.target)
        override = Override(ANY_MODEL.by, ANY_MODEL.reason, tuple(CHECKS))
        promote(self.workspace, decide(lenient, [evaluate(lenient, candidate)], override=override))

    def promote_first(self) -> None:
        """From nothing to a champion."""
        self.results["verdict"] = self.judge(self.prepare())
        self.results["promotion"] = promote(self.workspace, self.results["verdict"])

    def arrive(self, *batches: str) -> Any:
        """Load batches and wait until the native tasks are done with them."""
        loads = [self.load(part="arrivals", only=batch) for batch in batches]
        since = loads[0].started_at if loads else None
        return await_scores(self.workspace, timeout=TIMEOUT, since=since)

    def deploy(self) -> Any:
        return deploy_scoring(self.workspace)
