"""Scores by the serving path against those by Python: what is tolerated, and which kind of row a difference is of."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from snowloop_procedures.checks import skew
from snowloop_procedures.requests import Feature, Tolerance
from tests.lifecycle.evaluation.test_evaluation import REQUEST

REQUESTED = replace(REQUEST, features=(Feature("AGE", "FLOAT"), Feature("JOB", "VARCHAR")))


def rows(count: int = 1000) -> pd.DataFrame:
    """Of a thousand rows five without JOB, two of a rare one, one of an unseen one, ten without AGE."""
    some = pd.DataFrame({"AGE": np.arange(count, dtype=float), "JOB": "clerk", "SNOWLOOP_SHARE_1": 0.9})
    some.loc[:4, ["JOB", "SNOWLOOP_SHARE_1"]] = [None, 0.0]
    some.loc[10:11, ["JOB", "SNOWLOOP_SHARE_1"]] = ["diver", 0.001]
    some.loc[12, ["JOB", "SNOWLOOP_SHARE_1"]] = ["alien", 0.0]
    some.loc[20:29, "AGE"] = None
    return some


def compared(served: np.ndarray, expected: np.ndarray, **changes: Any) -> dict[str, Any]:
    return skew.compare(rows(), served, expected, replace(REQUESTED, **changes))


@pytest.mark.parametrize(
    ("places", "feature", "kind"),
    [
        (slice(0, 5), "JOB", "NULL"),
        (slice(10, 12), "JOB", "rare"),
        (slice(12, 13), "JOB", "unseen in training"),
        (slice(20, 30), "AGE", "NULL"),
    ],
)
@pytest.mark.parametrize("several", [False, True])
def test_a_difference_names_the_feature_and_the_kind_of_row(places: slice, feature: str, kind: str, several: bool):
    expected = np.full((1000, 3) if several else 1000, 0.3)
    served = expected.copy()
    served[(places, 1) if several else places] += 0.48
    found = compared(served, expected)
    assert found["max_difference"] == pytest.approx(0.48)
    count = places.stop - places.start
    (named,) = found["kinds"]
    assert named.pop("max_difference") == pytest.approx(0.48)
    assert named == {"feature": feature, "kind": kind, "rows": count, "differ": count}
    assert found["others"] == 0.0


def test_two_kinds_are_named_and_a_difference_everywhere_is_of_none():
    expected = np.full(1000, 0.3)
    served = expected.copy()
    served[:5] += 0.2
    served[20:30] -= 0.1
    named = [(each["feature"], each["kind"]) for each in compared(served, expected)["kinds"]]
    assert sorted(named) == [("AGE", "NULL"), ("JOB", "NULL")]
    found = compared(expected + 0.1, expected)
    assert (found["kinds"], found["others"]) == ([], pytest.approx(0.1))


def test_rows_without_a_score_are_counted_and_their_kind_is_named():
    expected = np.full(1000, 0.3)
    served = expected.copy()
    served[:5] = np.nan
    found = compared(served, expected)
    assert (found["unserved"], found["max_difference"]) == (5, None)
    assert [(each["kind"], each["max_difference"]) for each in found["kinds"]] == [("NULL", None)]
    assert compared(expected, np.where(np.arange(1000) < 2, np.nan, expected))["unserved"] == 2


def test_no_rows_have_no_difference():
    found = skew.compare(rows().head(0), np.array([]), np.array([]), REQUESTED)
    assert (found["rows"], found["max_difference"], found["kinds"], found["others"]) == (0, None, [], None)


@pytest.mark.parametrize("scale", [0.5, 4e5, 1e8])
def test_floats_of_32_bits_and_large_targets_are_tolerated(scale: float):
    """A sum of many trees in another order is some steps of a float32 away."""
    expected = scale * np.linspace(0.5, 1.5, 1000)
    served = np.nextafter(expected.astype(np.float32), np.float32(np.inf)).astype(float)
    found = compared(served, expected)
    allowed = REQUESTED.tolerance.allowed(found["score"])
    assert 0 < found["max_difference"] <= allowed
    assert found["kinds"] == []
    honest = compared(expected * 1.0001, expected)
    assert honest["max_difference"] > REQUESTED.tolerance.allowed(honest["score"])


def test_the_row_that_exceeds_its_own_tolerance_most_decides():
    expected = np.where(np.arange(1000) < 500, 1e6, 0.5)
    served = expected + np.where(np.arange(1000) < 500, 5.0, 0.01)
    found = compared(served, expected)
    assert found["max_difference"] == pytest.approx(0.01)
    assert found["score"] == 0.5


def test_without_any_tolerance_only_equal_scores_pass():
    equal = np.full(1000, 0.3)
    found = compared(equal, equal, tolerance=Tolerance(0.0, 0.0))
    assert found["max_difference"] == 0
    assert found["kinds"] == []
