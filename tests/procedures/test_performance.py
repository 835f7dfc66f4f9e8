"""Performance of served scores: windows, slices and intervals of all tasks."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from snowloop_procedures.checks.performance import measure
from snowloop_procedures.requests import PerformanceRequest, Plan, Slice
from snowloop_procedures.statistics import intervals

ROWS = 400


def request(task: Any, metric: str, **more: Any) -> PerformanceRequest:
    return PerformanceRequest(query="the query", task=task, metric=metric, plan=Plan(), **more)


def measured(frame: pd.DataFrame, asked: PerformanceRequest) -> list[dict[str, Any]]:
    session = SimpleNamespace(sql=lambda _query: SimpleNamespace(to_pandas=lambda: frame))
    return measure(cast(Any, session), asked)["windows"]


@pytest.fixture
def frame() -> pd.DataFrame:
    random = np.random.default_rng(3)
    score = random.uniform(size=ROWS)
    return pd.DataFrame(
        {
            "WINDOW_START": np.where(np.arange(ROWS) < 300, "2026-01-05 00:00:00", "2026-01-12 00:00:00"),
            "MODEL_VERSION": np.where(np.arange(ROWS) % 10 == 0, "V0", "V1"),
            "SCORE": score,
            "LABEL": (random.uniform(size=ROWS) < score).astype(int),
            "SLICE_0": ["north", None] * (ROWS // 2),
        }
    )


def test_each_window_and_version_has_the_gates_interval(frame: pd.DataFrame):
    found = measured(frame, request("classification", "roc_auc"))
    assert [(each["start"][:10], each["version"], each["rows"]) for each in found] == [
        ("2026-01-05", "V0", 30), ("2026-01-05", "V1", 270), ("2026-01-12", "V0", 10), ("2026-01-12", "V1", 90),
    ]  # fmt: skip
    own = frame[(frame["WINDOW_START"] < "2026-01-12") & (frame["MODEL_VERSION"] == "V1")]
    expected = intervals.interval("roc_auc", own["LABEL"].to_numpy(float), own["SCORE"].to_numpy(), 0.5, 0.95)
    assert found[1]["interval"] == expected
    assert found[1]["support"] == int(own["LABEL"].value_counts().min())
    assert found[1]["calibration"]["error"] < 0.2


def test_slices_are_measured_by_themselves_and_a_part_of_one_class_has_no_figures(frame: pd.DataFrame):
    frame = frame.assign(LABEL=frame["LABEL"].where(frame["SLICE_0"].notna(), 1))
    found = measured(frame, request("classification", "roc_auc", slices=(Slice("REGION"),)))
    parts = {each["part"]: each for each in found[1]["slices"]}
    assert set(parts) == {"north", "(null)"}
    assert parts["north"]["column"] == "REGION"
    assert parts["north"]["rows"] + parts["(null)"]["rows"] == 270
    assert parts["(null)"]["interval"] is None
    assert parts["(null)"]["value"] is None
    assert parts["north"]["interval"]["low"] < parts["north"]["value"] < parts["north"]["interval"]["high"]


def test_regressions_and_several_classes_are_measured_too(frame: pd.DataFrame):
    numbers = frame.assign(LABEL=frame["SCORE"] * 10 + frame["LABEL"], SCORE=frame["SCORE"] * 10)
    (*_, last) = measured(numbers, request("regression", "rmse"))
    assert last["interval"]["low"] < last["value"] < last["interval"]["high"]
    assert last["support"] == last["rows"] == 90
    several = frame.assign(LABEL=np.where(frame["LABEL"] == 1, "plus", "basic"))
    several = several.assign(SCORE_0=1 - several["SCORE"], SCORE_1=several["SCORE"])
    (*_, last) = measured(several, request("multiclass", "accuracy", classes=("basic", "plus")))
    own = several.tail(100)[several.tail(100)["MODEL_VERSION"] == "V1"]
    assert last["value"] == np.mean((own["SCORE_1"] > 0.5) == (own["LABEL"] == "plus"))


def test_rows_that_depend_on_each_other_make_the_interval_wider(frame: pd.DataFrame):
    twice = pd.concat([frame] * 4, ignore_index=True)
    alone = measured(twice, request("classification", "roc_auc"))[1]["interval"]
    grouped = twice.assign(SNOWLOOP_GROUP=list(range(ROWS)) * 4)
    together = measured(grouped, request("classification", "roc_auc"))[1]["interval"]
    assert together["high"] - together["low"] > 1.5 * (alone["high"] - alone["low"])


def test_no_labels_are_no_windows(frame: pd.DataFrame):
    assert measured(frame.head(0), request("classification", "roc_auc")) == []
