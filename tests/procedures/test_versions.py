"""The one rule whether a version fits the rows that it is to score."""

import pytest

from snowloop_procedures.requests import Feature
from snowloop_procedures.versions import Misfit, difference, misfits

FEATURES = (Feature("AGE", "FLOAT"), Feature("PLAN", "VARCHAR"))
OWN = [{"name": "AGE", "type": "FLOAT"}, {"name": "PLAN", "type": "VARCHAR"}]
FITS = {"features": OWN, "formula": "f1"}


def test_a_version_of_the_same_features_and_classes_fits():
    assert misfits(FITS, "f1", FEATURES, ()) == []
    assert misfits({**FITS, "classes": ["a", "b"]}, "f1", FEATURES, ("a", "b")) == []


@pytest.mark.parametrize("other", [OWN[:1], OWN[::-1], [{**OWN[0], "type": "VARCHAR"}, OWN[1]]])
def test_missing_reordered_and_retyped_features_do_not_fit(other: list[dict[str, str]]):
    assert misfits({**FITS, "features": other}, "f1", FEATURES, ()) == [Misfit("features", other, OWN)]


def test_every_misfit_is_named():
    found = misfits({"features": [], "classes": ["b", "a"]}, "f1", FEATURES, ("a", "b"))
    assert found == [
        Misfit("classes", ["b", "a"], ["a", "b"]),
        Misfit("features", [], OWN),
        Misfit("formula", None, "f1"),
    ]


def test_features_of_the_same_names_by_another_formula_are_others():
    assert misfits({**FITS, "formula": "f2"}, "f1", FEATURES, ()) == [Misfit("formula", "f2", "f1")]
    assert misfits({"features": OWN}, "f1", FEATURES, ()) == [Misfit("formula", None, "f1")]


def test_a_difference_is_short_and_of_lines():
    found = difference("SELECT ID,\n LN(A) AS X\nFROM S", "SELECT ID,\n LOG(10, A) AS X\nFROM S", "the project")
    assert found.splitlines() == [
        "--- features.sql it was trained with",
        "+++ features.sql of the project",
        "@@ -2 +2 @@",
        "- LN(A) AS X",
        "+ LOG(10, A) AS X",
    ]
    long = difference("\n".join("ab"), "\n".join(map(str, range(99))), "the project").splitlines()
    assert len(long) == 21
    assert long[-1] == "... and 84 more lines"


@pytest.mark.parametrize("facts", [{}, {"note": "by hand"}, {"features": None}])
def test_a_comment_from_somebody_else_is_a_misfit_of_its_own(facts: dict[str, object]):
    assert misfits(facts, "f1", FEATURES, ()) == [Misfit("comment", None, OWN)]
