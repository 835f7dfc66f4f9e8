"""The one rule whether a version fits the rows that it is to score."""

import pytest

from snowloop_procedures.requests import Feature
from snowloop_procedures.versions import Misfit, misfits

FEATURES = (Feature("AGE", "FLOAT"), Feature("PLAN", "VARCHAR"))
OWN = [{"name": "AGE", "type": "FLOAT"}, {"name": "PLAN", "type": "VARCHAR"}]


def test_a_version_of_the_same_features_and_classes_fits():
    assert misfits({"features": OWN}, FEATURES, ()) == []
    assert misfits({"features": OWN, "classes": ["a", "b"]}, FEATURES, ("a", "b")) == []


@pytest.mark.parametrize("other", [OWN[:1], OWN[::-1], [{**OWN[0], "type": "VARCHAR"}, OWN[1]]])
def test_missing_reordered_and_retyped_features_do_not_fit(other: list[dict[str, str]]):
    assert misfits({"features": other}, FEATURES, ()) == [Misfit("features", other, OWN)]


def test_every_misfit_is_named():
    found = misfits({"features": [], "classes": ["b", "a"]}, FEATURES, ("a", "b"))
    assert found == [Misfit("classes", ["b", "a"], ["a", "b"]), Misfit("features", [], OWN)]


@pytest.mark.parametrize("facts", [{}, {"note": "by hand"}, {"features": None}])
def test_a_comment_from_somebody_else_is_a_misfit_of_its_own(facts: dict[str, object]):
    assert misfits(facts, FEATURES, ()) == [Misfit("comment", None, OWN)]
