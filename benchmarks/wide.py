"""Many columns: a life cycle, the declaration of a file, and one statement, next to the same with few."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import snowflake.connector
import yaml
from snowflake.snowpark import Session

from benchmarks.server import Server
from snowloop.lifecycle.champion.promote import promote
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.features.training_set import build_training_set
from snowloop.lifecycle.gate.checks import CHECKS
from snowloop.lifecycle.gate.gate import decide
from snowloop.lifecycle.gate.verdict import Override
from snowloop.lifecycle.scoring import deploy_scoring
from snowloop.lifecycle.scoring.names import names
from snowloop.lifecycle.training.train import train_candidate
from snowloop.new import new_project
from snowloop.project import PROTECTED, Project, load_project
from snowloop.sql import identifier
from snowloop.workspace import Workspace

TARGET = "bench"
TRAINING_ROWS, NEW_ROWS = 606, 135
FEW, MANY = 20, 500
"""Features of the two life cycles."""
DECLARED = 1500
"""Columns of the file that is declared."""
SELECTED = (200, 2000)
"""Columns of the two statements."""
ANY_MODEL = Override("the benchmark", "its time counts", tuple(name for name in CHECKS if name not in PROTECTED))
MODEL = '''from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_model():
    """Scaled numbers, and a straight line."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
'''


@dataclass(frozen=True)
class Widths:
    """Seconds of the same work with few and with many columns.

    Attributes:
        work: What was done.
        few: Columns, and seconds.
        many: Columns, and seconds; None for ``few`` where only the many were timed.
    """

    work: str
    few: tuple[int, float] | None
    many: tuple[int, float]


def widths(server: Server, folder: Path) -> list[Widths]:
    """Time the stages of a life cycle, ``snowloop new``, and one statement."""
    few, many = (_life_cycle(server, folder, count) for count in (FEW, MANY))
    stages = [Widths(stage, (FEW, few[stage]), (MANY, many[stage])) for stage in few]
    whole = Widths("the whole life cycle", (FEW, sum(few.values())), (MANY, sum(many.values())))
    return [*stages, whole, _declared(folder), _selected(server)]


def _life_cycle(server: Server, folder: Path, features: int) -> dict[str, float]:
    """The seconds of each stage, in their order."""
    project = _declare(folder, features)
    files = folder / "wide" / str(features)
    files.mkdir(parents=True)
    seconds: dict[str, float] = {}
    with Session.builder.configs(server.connection()).create() as session:
        workspace = Workspace(session, project, TARGET)

        def arrive(rows: int, start: int) -> None:
            file = files / f"wide_{start}.csv"
            _rows(features, rows, start).to_csv(file, index=False)
            load_files(workspace, files)
            file.unlink()

        began = time.perf_counter()

        def done(stage: str) -> None:
            nonlocal began
            seconds[stage], began = time.perf_counter() - began, time.perf_counter()

        create_environment(workspace)
        arrive(TRAINING_ROWS, 0)
        check_contract(workspace)
        done("environment, load, contract")
        training_set = build_training_set(workspace)
        done("training set")
        trained = train_candidate(workspace, training_set, "only")
        done("train")
        evaluation = evaluate(workspace, trained)
        done("evaluate")
        promote(workspace, decide(workspace, [evaluation], override=ANY_MODEL))
        deployed = deploy_scoring(workspace)
        session.sql(f"ALTER TASK {names(project, TARGET).root} SUSPEND").collect()
        done("gate, promote, deploy")
        arrive(NEW_ROWS, TRAINING_ROWS)
        session.sql(f"CALL {deployed.procedure}()").collect()
        done(f"load and score {NEW_ROWS} rows")
        scored = session.table(f"{identifier(workspace.database)}.SERVING.SCORED").count()
        if scored != NEW_ROWS:
            raise AssertionError(f"{scored} of {NEW_ROWS} rows were scored")
        session.sql(f"DROP DATABASE {identifier(workspace.database)}").collect()
    return seconds


def _rows(features: int, rows: int, start: int) -> pd.DataFrame:
    random = np.random.default_rng(start + features)
    values = random.normal(size=(rows, features)).round(4)
    label = (values[:, 0] - values[:, 1] + random.normal(size=rows) > 0).astype(int)
    columns = {f"F{place}": values[:, place] for place in range(features)}
    return pd.DataFrame({"ID": range(start, start + rows), **columns, "GOOD": label})


def _declare(folder: Path, features: int) -> Project:
    name = f"bench_wide_{features}"
    directory = folder / "projects" / name
    directory.mkdir(parents=True)
    columns: dict[str, dict[str, object]] = {"ID": {"type": "NUMBER(38,0)", "nullable": False, "unique": True}}
    columns |= {f"F{place}": {"type": "FLOAT"} for place in range(features)}
    columns["GOOD"] = {"type": "NUMBER(38,0)", "known_after_label": True}
    packages = ("scikit-learn", "pandas", "snowflake-ml-python", "snowflake-snowpark-python")
    declaration = {
        "name": name,
        "source": "wide",
        "key": ["ID"],
        "sources": {"wide": {"file": "wide*.csv", "columns": columns}},
        "label": {"column": "GOOD", "task": "classification"},
        "metric": {"name": "roc_auc", "at_least": 0.5, "tolerance": 0.1},
        "candidates": [{"name": "only"}],
        "packages": [f"{each}=={version(each)}" for each in packages],
    }
    (directory / "project.yaml").write_text(yaml.safe_dump(declaration, sort_keys=False))
    chosen = ", ".join(f"F{place}" for place in range(features))
    (directory / "features.sql").write_text(f"SELECT ID, {chosen} FROM {{{{ source }}}}\n")
    (directory / "label.sql").write_text("SELECT ID, GOOD FROM {{ raw }}.WIDE WHERE GOOD IS NOT NULL\n")
    (directory / "model.py").write_text(MODEL)
    return load_project(name, folder / "projects")


def _declared(folder: Path) -> Widths:
    file = folder / "declared.csv"
    _rows(DECLARED, 300, 0).to_csv(file, index=False)
    began = time.perf_counter()
    new_project("bench_declared", file, label="good", folder=folder / "declared")
    return Widths("snowloop new", None, (DECLARED, time.perf_counter() - began))


def _selected(server: Server) -> Widths:
    few, many = SELECTED
    with snowflake.connector.connect(**server.connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE OR REPLACE DATABASE WIDE")
        columns = ", ".join(f"C{place} FLOAT" for place in range(many))
        cursor.execute(f"CREATE TABLE T ({columns})")

        def seconds(count: int) -> float:
            began = time.perf_counter()
            cursor.execute(
                f"SELECT {', '.join(f'ROUND(C{place} * 2, 1) AS R{place}' for place in range(count))} FROM T"
            )
            return time.perf_counter() - began

        seconds(few // 2)
        found = Widths("one statement, seen for the first time", (few, seconds(few)), (many, seconds(many)))
        cursor.execute("DROP DATABASE WIDE")
    return found
