"""A tiny project, and rows of its source that keep or break its contract."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snowloop.project import Project, load_project

PROJECT = {
    "project.yaml": """
name: tiny
source: events
key: [ID]
sources:
  events:
    file: "events*.csv"
    event_time: HAPPENED_AT
    columns:
      ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      X: {type: FLOAT, nullable: false, min: 0, max: 1000}
      Y: {type: FLOAT, nullable: false, min: -1000000, max: 1000000}
      KIND: {type: VARCHAR, allowed: [A, B]}
      HAPPENED_AT: {type: TIMESTAMP_NTZ}
      TAG: {type: "NUMBER(38,0)"}
      LATE: {type: "NUMBER(38,0)", known_after_label: true}
label: {column: LATE, task: classification}
metric: {name: roc_auc, at_least: 0.5, tolerance: 0.5, min_support: 5}
evaluation: {importance_rows: 0}
candidates:
  - {name: loose, params: {c: 1.0}}
  - {name: tight, params: {c: 0.001}}
packages: [scikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
replay: {initial: 1, batches: 1}
""",
    "features.sql": "SELECT ID, X, Y, IFF(KIND = 'A', X, 0) AS X_OF_A FROM {{ source }}\n",
    "label.sql": "SELECT ID, LATE FROM {{ raw }}.EVENTS WHERE LATE IS NOT NULL\n",
    "model.py": '''"""A logistic regression."""

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_model(c=1.0):
    """The pipeline; c is the inverse strength of the penalty."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=c))
''',
}
COLUMNS = ("ID", "X", "Y", "KIND", "HAPPENED_AT", "TAG", "LATE")


@dataclass(frozen=True)
class Event:
    """One physical row; its tag and its X are its own."""

    key: int | None
    x: float
    y: float | None
    kind: str
    happened_at: str
    tag: int

    @property
    def broken(self) -> str:
        """Why the contract refuses it, as the quarantine must say; empty if it does not."""
        reasons = [
            "ID must not be null" if self.key is None else "",
            f"X must be at least 0, it is {self.x}" if self.x < 0 else "",
            "Y must not be null" if self.y is None else "",
            f"KIND must be one of A, B, it is {self.kind}" if self.kind not in "AB" else "",
        ]
        return "; ".join(filter(None, reasons))

    @property
    def cells(self) -> tuple[Any, ...]:
        return (self.key, self.x, self.y, self.kind, self.happened_at, self.tag, None)


EVERY_ROW = {
    "project.yaml": [(", unique: true", ""), ("metric:", "split: {by: group, column: ID}\nmetric:")],
    "features.sql": [("SELECT ID,", "SELECT ID, HAPPENED_AT,")],
    "label.sql": [("SELECT ID,", "SELECT ID, HAPPENED_AT,")],
}
"""What is declared otherwise where a key comes again."""


def tiny(folder: Path, *, corrections: bool = False, every_row: bool = False) -> Project:
    """The project, written into a folder; if that is asked, with corrections or a key that comes again."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tiny").mkdir(parents=True)
    serving = ["corrections: true"] * corrections + ["rescore: every_row"] * every_row
    texts = dict(PROJECT)
    for name, changes in EVERY_ROW.items() if every_row else ():
        for old, new in changes:
            texts[name] = texts[name].replace(old, new)
    texts["project.yaml"] += f"serving: {{{', '.join(serving)}}}\n" if serving else ""
    for name, text in texts.items():
        (folder / "tiny" / name).write_text(text)
    return load_project("tiny", folder)


def literal(value: Any) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)


def insertion(events: list[Event], table: str = "RAW.EVENTS") -> str:
    """One statement that inserts the rows; {db} stands for the database."""
    rows = ", ".join(f"({', '.join(literal(cell) for cell in event.cells)})" for event in events)
    return f"INSERT INTO {{db}}.{table} VALUES {rows}"
