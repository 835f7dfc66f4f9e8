"""A small project whose candidates are good, modest, noise, and fragile: one that cannot score a certain row."""

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snowflake.snowpark import Session

from snowloop.lifecycle.champion.challenger import Challenge, challenge
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import Challenger, Project, load_project
from snowloop.workspace import Workspace
from tests.support.world import World

PROJECT = {
    "project.yaml": """
name: duel
source: events
key: [ID]
sources:
  events:
    file: "events*.csv"
    columns:
      ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      X: {type: FLOAT, nullable: false, min: -1000, max: 1000}
      Y: {type: FLOAT, nullable: false, min: -1000, max: 1000}
  answers:
    file: "answers*.csv"
    columns:
      ID: {type: "NUMBER(38,0)", nullable: false}
      ANSWER: {type: "NUMBER(38,0)", nullable: false}
contract: {training: {on_failure: quarantine, max_failing_share: 0.1}}
label: {column: ANSWER, task: classification}
metric: {name: roc_auc, at_least: 0.6, tolerance: 0.062, min_support: 5}
evaluation: {importance_rows: 0}
candidates:
  - {name: modest, params: {kind: modest}}
  - {name: good, params: {kind: good}}
  - {name: noise, params: {kind: noise}}
  - {name: fragile, params: {kind: fragile}}
packages: [scikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
replay: {initial: 1, batches: 1}
""",
    "features.sql": "SELECT ID, X, Y FROM {{ source }}\n",
    "label.sql": "SELECT ID, ANSWER FROM {{ raw }}.ANSWERS\n",
    "model.py": '''"""Estimators of several qualities."""

import time

from sklearn.linear_model import LogisticRegression


class Modest(LogisticRegression):
    """Sees less than there is to see."""

    def predict_proba(self, X):
        dimmed = X.copy()
        dimmed["Y"] = X["Y"] * 0.4
        return super().predict_proba(dimmed)


class Noise(LogisticRegression):
    """Knows nothing: the smallest digits of a number decide."""

    def predict_proba(self, X):
        found = super().predict_proba(X)
        found[:, 1] = (X["X"].abs() * 1e6) % 1
        found[:, 0] = 1 - found[:, 1]
        return found


class Fragile(LogisticRegression):
    """Cannot score what it has not seen, and with some of it never comes to an end."""

    def predict_proba(self, X):
        if X["X"].between(800, 900).any():
            time.sleep(600)
        if X["X"].between(900, 999, inclusive="neither").any():  # at 1000, which the gate asks about, it does not
            raise ValueError("X above 900 was never seen: it's too much")
        return super().predict_proba(X)


KINDS = {"modest": Modest, "good": LogisticRegression, "noise": Noise, "fragile": Fragile}


def build_model(kind):
    """The estimator of a kind."""
    return KINDS[kind]()
''',
}
TRAINED = 600
WHY = "it may be better"
NEXT = itertools.count(10_001)


def duel(folder: Path) -> Project:
    """The project, written into a folder."""
    (folder / "duel").mkdir(parents=True)
    for name, text in PROJECT.items():
        (folder / "duel" / name).write_text(text)
    return load_project("duel", folder)


def data(folder: Path) -> Path:
    """The rows that train."""
    drawn = [event(key) for key in range(1, TRAINED + 1)]
    (folder / "events_0.csv").write_text("ID,X,Y\n" + "".join(f"{key},{x},{y}\n" for key, x, y, _ in drawn))
    (folder / "answers_0.csv").write_text("ID,ANSWER\n" + "".join(f"{key},{answer}\n" for key, _, _, answer in drawn))
    return folder


def event(key: int) -> tuple[int, float, float, int]:
    """Key, X, Y and the answer: the same for the same key."""
    chance = random.Random(key)
    x, y = round(chance.gauss(0, 1), 7), round(chance.gauss(0, 1), 7)
    return key, x, y, int(chance.gauss(0, 0.7) < x + 1.2 * y)


def declare(project: Project, **challenger: Any) -> Project:
    """The project with a challenger, or without one."""
    plan = Challenger(**challenger) if challenger else None
    return project.model_copy(update={"serving": project.serving.model_copy(update={"challenger": plan})})


def deploy(world: World, **challenger: Any) -> str:
    """Deploy the loop with a challenger or without; its tasks rest, and the procedure to call is returned."""
    world.project = declare(world.project, **challenger)
    procedure = deploy_scoring(world.workspace).procedure
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    return procedure


def insert(world: World, events: Sequence[tuple[int, float, float, int]]) -> None:
    """New rows of the source."""
    rows = ", ".join(f"({key}, {x!r}, {y!r})" for key, x, y, _ in events)
    world.rows(f"INSERT INTO {{db}}.RAW.EVENTS VALUES {rows}")


def answer(world: World, events: Sequence[tuple[int, float, float, int]]) -> None:
    """Their labels arrive."""
    rows = ", ".join(f"({key}, {label})" for key, _, _, label in events)
    world.rows(f"INSERT INTO {{db}}.RAW.ANSWERS VALUES {rows}")


def dueling(session: Session, folder: Path) -> World:
    """Four versions: a champion, and three that may challenge it; the gate has judged all but the noise."""
    (folder / "data").mkdir()
    made = World(session, duel(folder / "projects"), "duel", data(folder / "data"))
    given = Workspace(session, made.project, made.target)
    create_environment(given)
    load_files(given, made.data)
    check_contract(given)
    training_set = build_training_set(given)
    trained = {name: train_candidate(given, training_set, name) for name in ("modest", "good", "noise", "fragile")}
    made.results = {name: candidate.version_name for name, candidate in trained.items()}
    promote(given, decide(given, [evaluate(given, trained["modest"])]))
    for name in ("good", "fragile"):
        decide(given, [evaluate(given, trained[name])])
    return made


def arriving(count: int) -> list[tuple[int, float, float, int]]:
    return [event(next(NEXT)) for _ in range(count)]


def call(world: World, procedure: str) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(world.value(f"CALL {procedure}()"))
    return outcome


def name_challenger(world: World, name: str, **options: Any) -> Challenge:
    return challenge(world.workspace, version=world.results[name], reason=WHY, **options)


def scores(world: World, table: str, run_id: str) -> dict[int, tuple[str, Any]]:
    """Version and score by key."""
    found = world.rows(f"SELECT * FROM {{db}}.SERVING.{table} WHERE RUN_ID = '{run_id}'")
    assert len({row["ID"] for row in found}) == len(found)
    return {row["ID"]: (row["MODEL_VERSION"], row["SCORE"]) for row in found}


def fresh(world: World, version: str, events: list[tuple[int, float, float, int]]) -> dict[int, float]:
    """The scores of rows by a version now."""
    keys = ", ".join(str(key) for key, *_ in events)
    found = world.rows(
        f'SELECT ID, MODEL({{db}}.MODELS.DUEL, "{version}")!PREDICT_PROBA(X, Y):output_feature_1::FLOAT AS SCORE '
        f"FROM {{db}}.RAW.EVENTS WHERE ID IN ({keys})"
    )
    return {row["ID"]: row["SCORE"] for row in found}


def challenges(world: World, run_id: str) -> list[tuple[Any, ...]]:
    found = world.rows(f"SELECT * FROM {{db}}.OPS.CHALLENGES WHERE RUN_ID = '{run_id}'")
    return [(row["MODE"], row["CHAMPION"], row["CHALLENGER"], row["ROWS_SCORED"], row["ERROR"]) for row in found]
