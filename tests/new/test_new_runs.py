"""What `snowloop new` writes reaches scored rows: classes, numbers, gaps, text, flags, zones; also gzip and Parquet."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring import reconcile
from snowloop.new import new_project
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def odd_customers() -> pd.DataFrame:
    """Gaps, text, flags, a zone, dollars, a keyword as a name, and an index that pandas wrote without a name."""
    random = np.random.default_rng(5)
    fee = random.normal(50, 20, 300)
    plan = random.choice(["basic", "it's plus", "pro"], 300)
    left = random.random(300) < 1 / (1 + np.exp(-(fee - 50) / 10 - (plan == "pro")))
    frame = pd.DataFrame(
        {
            "fee (EUR)": np.where(random.random(300) < 0.1, np.nan, fee.round(2)),
            "plan": np.where(random.random(300) < 0.1, None, plan),  # type: ignore[call-overload]
            "order": random.integers(0, 9, 300),
            "income": [f"${number:,.2f}" for number in random.normal(20_000, 4_000, 300)],
            "member": random.random(300) < 0.5,
            "seen": [f"2024-05-01T10:00:{number % 60:02}+02:00" for number in range(300)],
            "left": np.where(left, "yes", "no"),
        }
    )
    frame.loc[7, "order"] = 4
    return frame


def cancer() -> pd.DataFrame:
    from sklearn.datasets import load_breast_cancer

    frame: pd.DataFrame = load_breast_cancer(as_frame=True).frame
    return frame[[*frame.columns[:6], "target"]]


def diabetes() -> pd.DataFrame:
    from sklearn.datasets import load_diabetes

    frame: pd.DataFrame = load_diabetes(as_frame=True, scaled=False).frame
    return frame


@pytest.mark.parametrize(
    ("name", "kind", "frame", "key", "edits"),
    [
        (
            "cancer",
            "csv.gz",
            cancer,
            "ROW_ID",
            {"at_least: 0.6": "at_least: 0.9", "single_feature: 0.9": "single_feature: 0.99"},
        ),
        ("progress", "parquet", diabetes, "ROW_ID", {"at_most: 69.3": "at_most: 65"}),
        ("customers", "csv", odd_customers, "COLUMN_1", {}),
    ],
)
def test_a_file_reaches_scored_rows_after_two_edited_lines(
    session: Session, tmp_path: Path, name, kind, frame, key, edits
):
    data, rows = tmp_path / f"{name}.{kind}", frame()
    rows.to_parquet(data) if kind == "parquet" else rows.to_csv(data, index=key == "COLUMN_1")
    written = new_project(name, data, folder=tmp_path / "projects")
    file = written.directory / "project.yaml"
    for old, new in edits.items():
        assert file.read_text().count(old) == 1
        file.write_text(file.read_text().replace(old, new))
    project = load_project(name, tmp_path / "projects")
    assert project.key == (key,)
    made = World(session, project, "dev", tmp_path)
    made.promote_first()
    made.deploy()
    made.arrive("1", "2", "3")
    counted = reconcile(Workspace(session, project, "dev")).summary()
    later = len(rows) - int(len(rows) * 0.8)
    assert (counted["arrived"], counted["scored"], counted["quarantined"]) == (later, later, 0)
    assert made.value(f"SELECT COUNT(DISTINCT {key}) FROM {{db}}.SERVING.SCORED WHERE SCORE IS NOT NULL") == later
