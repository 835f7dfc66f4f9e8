"""A small project whose rows have NULL in numbers and texts, of which one model can make nothing."""

import random
from pathlib import Path
from typing import Any

from snowloop.project import Project, load_project

ROWS = 400
PROJECT = {
    "project.yaml": """
name: nulls
source: clients
key: [ID]
sources:
  clients:
    file: "clients*.csv"
    columns:
      ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      AMOUNT: {type: FLOAT, min: 0, max: 100000}
      JOB: {type: VARCHAR}
      LATE: {type: FLOAT, min: 0, max: 90}
      AGE: {type: "NUMBER(38,0)", min: 18, max: 90}
  answers:
    file: "answers*.csv"
    columns:
      ID: {type: "NUMBER(38,0)", nullable: false}
      ANSWER: {type: "NUMBER(38,0)", nullable: false}
label: {column: ANSWER, task: classification}
metric: {name: roc_auc, at_least: 0.6, tolerance: 0.5, min_support: 5}
evaluation: {importance_rows: 0, skew_rows: 5}
candidates:
  - {name: sound}
  - {name: plain, params: {kind: plain}}
packages: [scikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
replay: {initial: 1, batches: 1}
""",
    "features.sql": "SELECT ID, AMOUNT, JOB, LATE, AGE FROM {{ source }}\n",
    "label.sql": "SELECT ID, ANSWER FROM {{ raw }}.ANSWERS\n",
    "model.py": '''"""Models that can do something with NULL, and one that cannot."""

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler


def build_model(kind="sound"):
    """The estimator of a kind."""
    if kind == "plain":
        age = make_pipeline(FunctionTransformer(np.log), StandardScaler())
        return make_pipeline(make_column_transformer((age, ["AGE"])), LogisticRegression())
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    texts = make_pipeline(
        SimpleImputer(missing_values=pd.NA, strategy="constant", fill_value="(missing)"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    prepared = make_column_transformer((numbers, ["AMOUNT", "LATE", "AGE"]), (texts, ["JOB"]))
    return make_pipeline(prepared, LogisticRegression(max_iter=500))
''',
}


def nulls(folder: Path, **files: str) -> Project:
    """The project, written into a folder, with other texts for some of its files (``features``, ``model``)."""
    (folder / "nulls").mkdir(parents=True, exist_ok=True)
    named = {name: files.get(name.partition(".")[0], text) for name, text in PROJECT.items()}
    for name, text in named.items():
        (folder / "nulls" / name).write_text(text)
    return load_project("nulls", folder)


def write_files(folder: Path) -> Path:
    """The rows that train: LATE is NULL in the first half, AMOUNT in some rows, JOB in few, and AGE in none."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [client(key) for key in range(1, ROWS + 1)]
    lines = [",".join("" if each is None else str(each) for each in row[:-1]) for row in drawn]
    (folder / "clients_0.csv").write_text("\n".join(["ID,AMOUNT,JOB,LATE,AGE", *lines]) + "\n")
    answers = [f"{row[0]},{row[-1]}" for row in drawn]
    (folder / "answers_0.csv").write_text("\n".join(["ID,ANSWER", *answers]) + "\n")
    return folder


def client(key: int) -> tuple[Any, ...]:
    """ID, AMOUNT, JOB, LATE, AGE and the answer: the same for the same key."""
    chance = random.Random(key)
    amount, job = round(chance.uniform(0, 3000), 2), chance.choice(["clerk", "pilot"])
    late = round(chance.uniform(0, 30), 1) if key > ROWS // 2 else None
    age = chance.randint(20, 80)
    answer = int(chance.gauss(0, 500) < 0.5 * (amount - 1500) + (400 if job == "clerk" else -400) + 20 * (age - 50))
    return key, None if key % 9 == 0 else amount, None if key % 40 == 0 else job, late, age, answer
