"""A declared project over the rows of ``benchmarks.data``, written into a folder as a user would write it."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path

import yaml

from benchmarks.data import CATEGORIES, FEATURES, NUMERIC
from snowloop.project import Project, load_project

FILE = "rows_in"
WINDOW_SECONDS = 1
"""Each batch is a window of drift of its own."""
_PACKAGES = ("scikit-learn", "pandas", "snowflake-ml-python", "snowflake-snowpark-python")


def declare(folder: Path, name: str, kind: str, *, keep_features: bool = True) -> Project:
    """Write a project whose one candidate is a pipeline of ``benchmarks.pipelines``, and read it.

    Args:
        folder: Where projects are written.
        name: Its name.
        kind: Which of ``benchmarks.pipelines.MODELS``.
        keep_features: Whether scores carry the features as served, as those of projects do by default.

    Returns:
        The project; its files are ``rows_in*.csv``.
    """
    directory = folder / name
    directory.mkdir(parents=True)
    declaration = _declaration(name, kind, keep_features=keep_features)
    (directory / "project.yaml").write_text(yaml.safe_dump(declaration, sort_keys=False))
    (directory / "features.sql").write_text(f"SELECT ID, {', '.join(FEATURES)} FROM {{{{ source }}}}\n")
    (directory / "label.sql").write_text("SELECT ID, GOOD FROM {{ raw }}.ROWS_IN WHERE GOOD IS NOT NULL\n")
    shutil.copy(Path(__file__).with_name("pipelines.py"), directory / "model.py")
    return load_project(name, folder)


def _declaration(name: str, kind: str, *, keep_features: bool) -> dict[str, object]:
    columns: dict[str, dict[str, object]] = {"ID": {"type": "NUMBER(38,0)", "nullable": False, "unique": True}}
    columns["HAPPENED_AT"] = {"type": "TIMESTAMP_NTZ", "nullable": False}
    columns |= {each: {"type": "FLOAT", "nullable": False, "min": -100, "max": 100} for each in NUMERIC}
    columns |= {each: {"type": "VARCHAR", "allowed": values} for each, values in CATEGORIES.items()}
    columns["GOOD"] = {"type": "NUMBER(38,0)", "known_after_label": True}
    return {
        "name": name,
        "source": FILE,
        "key": ["ID"],
        "sources": {FILE: {"file": f"{FILE}*.csv", "event_time": "HAPPENED_AT", "columns": columns}},
        "label": {"column": "GOOD", "task": "classification"},
        "metric": {"name": "roc_auc", "at_least": 0.6, "tolerance": 0.05, "min_support": 20},
        "evaluation": {"importance_rows": 0},
        "candidates": [{"name": "only", "params": {"kind": kind}}],
        "packages": [f"{each}=={version(each)}" for each in _PACKAGES],
        "serving": {"keep_features": keep_features},
        "monitoring": {"drift": {"window": f"{WINDOW_SECONDS} second", "min_rows": 100}},
    }
