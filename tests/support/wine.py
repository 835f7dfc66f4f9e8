"""A project of three classes: the wines inside scikit-learn, by text or by number, in several files."""

from pathlib import Path

import pandas as pd

from snowloop.project import Project, load_project

NAMES = ("barolo", "grignolino", "barbera")
MODEL = '''"""Three ways to classify wines."""

from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

KINDS = {
    "linear": lambda seed: LogisticRegression(max_iter=1000, C=0.1),
    "forest": lambda seed: RandomForestClassifier(n_estimators=30, random_state=seed),
    "blind": lambda seed: DummyClassifier(strategy="prior"),
}


def build_model(kind="linear", seed=0):
    """The unfitted pipeline of a kind."""
    return make_pipeline(StandardScaler(), KINDS[kind](seed))
'''
YAML = """name: wine
source: wine
key: [WINE_ID]
sources:
  wine:
    file: "wine_*.csv"
    event_time: BOTTLED_ON
    columns:
      WINE_ID: {type: "NUMBER(38,0)", nullable: false, unique: true}
      BOTTLED_ON: {type: DATE, nullable: false}
%(columns)s
      CULTIVAR: {type: %(type)s, known_after_label: true}
contract: {training: {on_failure: quarantine, max_failing_share: 0.02}}
label: %(label)s
metric: %(metric)s
leakage: {max_single_feature: 1.0}
evaluation: {importance_rows: 50, slices: [{column: ALCOHOL, edges: [13.0]}]}
candidates:
  - {name: linear, params: {kind: linear}}
  - {name: forest, params: {kind: forest}}
packages:
  [%(packages)sscikit-learn==1.9.1, pandas==2.3.3, snowflake-ml-python==2.6.0, snowflake-snowpark-python==1.56.0]
seed: 7
replay: {initial: 0.6, batches: 1}
"""


LABELS = {
    "classification": ("{column: DRY, task: classification}", "IFF(CULTIVAR = 'barolo', 1, 0) AS DRY"),
    "regression": ("{column: DEPTH, task: regression}", "HUE * 2 AS DEPTH"),
}
METRICS = {
    "classification": "{name: roc_auc, at_least: 0.6, tolerance: 0.2, min_support: 5}",
    "multiclass": "{name: roc_auc_ovr, at_least: 0.9, tolerance: 0.05, min_support: 5}",
    "regression": "{name: rmse, at_most: 1, tolerance: 0.5, min_support: 5}",
}


def wines(*, texts: bool) -> pd.DataFrame:
    """The 178 wines in an order of no meaning; CULTIVAR is a name, or 1, 2, 3."""
    from sklearn.datasets import load_wine

    frame = load_wine(as_frame=True).frame
    frame.columns = [name.upper().replace("/", "_") for name in frame.columns]
    frame["CULTIVAR"] = [NAMES[target] if texts else target + 1 for target in frame.pop("TARGET")]
    frame = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    frame.insert(0, "WINE_ID", range(1, len(frame) + 1))
    frame.insert(1, "BOTTLED_ON", "2024-05-01")
    return frame


def write_wines(folder: Path, frame: pd.DataFrame, first: int = 120) -> Path:
    """Two files, of which the second arrives later."""
    folder.mkdir(parents=True, exist_ok=True)
    frame[:first].to_csv(folder / "wine_1.csv", index=False)
    frame[first:].to_csv(folder / "wine_2.csv", index=False)
    return folder


def wine_project(
    folder: Path, *, texts: bool, model: str = MODEL, task: str = "multiclass", packages: str = ""
) -> Project:
    """The declared project in ``folder/wine``; of another task its label is whether a wine is barolo, or its hue."""
    names = [name for name in list(wines(texts=texts).columns)[2:-1] if name != "HUE" or task != "regression"]
    classes = "[barolo, grignolino, barbera]" if texts else "[1, 2, 3]"
    several = (f"{{column: CULTIVAR, task: multiclass, classes: {classes}}}", "CULTIVAR")
    label, expression = LABELS.get(task, several)
    values = {
        "columns": "\n".join(
            f"      {name}: {{type: FLOAT, nullable: false, min: 0, max: 100000}}"
            for name in wines(texts=texts).columns[2:-1]
        ),
        "type": "VARCHAR" if texts else '"NUMBER(38,0)"',
        "label": label,
        "metric": METRICS[task],
        "packages": packages,
    }
    made = folder / "wine"
    made.mkdir(parents=True, exist_ok=True)
    (made / "project.yaml").write_text(YAML % values)
    (made / "features.sql").write_text(f"SELECT WINE_ID, {', '.join(names)} FROM {{{{ source }}}}\n")
    (made / "label.sql").write_text(
        f"SELECT WINE_ID, {expression} FROM {{{{ raw }}}}.WINE WHERE CULTIVAR IS NOT NULL\n"
    )
    (made / "model.py").write_text(model)
    return load_project("wine", folder)
