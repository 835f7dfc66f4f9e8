"""The score difference of two versions, from their scores: what changed, what flipped, who moved, and in which part."""

from pathlib import Path

import pandas as pd
import pytest

from snowloop.lifecycle.ci.difference import difference
from snowloop.project import Project, Slice
from tests.support.judged import DIABETES
from tests.support.tiny import tiny


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = tiny(tmp_path / "projects")
    slices = (Slice(column="KIND"), Slice(column="X", edges=(10.0,)))
    return made.model_copy(update={"evaluation": made.evaluation.model_copy(update={"slices": slices})})


def scored(**changed: list[object]) -> pd.DataFrame:
    rows = {
        "ID": [1, 2, 3, 4],
        "SLICE_KIND": ["A", "A", "B", None],
        "SLICE_X": [5.0, 10.0, 20.0, 1.0],
        "SERVING_0": [0.2, 0.4, 0.6, 0.9],
        "NEW_0": [0.2, 0.8, 0.3, 0.8],
    }
    return pd.DataFrame({**rows, **changed})


def test_decisions_flip_at_the_threshold_and_the_greatest_change_comes_first(project: Project):
    found = difference(project, scored(), "NEW", "OLD")
    assert (found.rows, found.unscored) == (4, 0)
    assert found.whole
    assert (found.whole.changed, found.whole.flipped) == (0.75, 2)
    assert found.whole.mean_change == pytest.approx(0.2)
    assert found.whole.serving == pytest.approx(0.525)
    assert found.whole.new == pytest.approx(0.525)
    assert sorted(found.flips) == [("0", "1", 1), ("1", "0", 1)]
    assert [mover.key for mover in found.movers] == [{"ID": "2"}, {"ID": "3"}, {"ID": "4"}]
    assert (found.movers[0].serving, found.movers[0].new, found.movers[0].output) == (0.4, 0.8, None)


def test_each_declared_slice_has_its_parts(project: Project):
    found = difference(project, scored(), "NEW", "OLD")
    parts = {(part.column, part.part): part for part in found.parts}
    assert [(part.column, part.rows) for part in parts.values()] == [
        ("KIND", 1), ("KIND", 2), ("KIND", 1), ("X", 2), ("X", 2),
    ]  # fmt: skip
    assert parts["KIND", "A"].flipped == 1
    assert parts["KIND", "(null)"].flipped == 0
    assert sum(part.flipped or 0 for part in found.parts if part.column == "X") == 2


def test_a_change_within_the_allowed_skew_is_no_change(project: Project):
    frame = scored(NEW_0=[0.2 + 1e-8, 0.4, 0.6, 0.9])
    found = difference(project, frame, "NEW", "OLD")
    assert found.whole
    assert (found.whole.changed, found.movers, found.flips) == (0.0, (), ())


def test_rows_without_a_finite_score_are_counted_and_left_out(project: Project):
    frame = scored(NEW_0=[None, 0.7, float("nan"), 0.8])
    found = difference(project, frame, "NEW", "OLD")
    assert (found.rows, found.unscored) == (2, 2)
    nothing = difference(project, scored(NEW_0=[None] * 4), "NEW", "OLD")
    assert (nothing.rows, nothing.unscored, nothing.whole) == (0, 4, None)
    assert difference(project, pd.DataFrame(), "NEW", "OLD").whole is None


def test_a_regression_has_no_decisions():
    frame = pd.DataFrame({DIABETES.key[0]: [1, 2], "SERVING_0": [100.0, 150.0], "NEW_0": [110.0, 150.0]})
    found = difference(DIABETES, frame, "NEW", "OLD")
    assert found.whole
    assert (found.whole.flipped, found.flips) == (None, ())
    assert (found.whole.changed, found.whole.mean_change) == (0.5, 5.0)


def test_of_several_classes_the_likeliest_decides_and_the_class_that_moves_most_is_named(project: Project):
    label = project.label.model_copy(update={"task": "multiclass", "classes": ("low", "mid", "high")})
    several = project.model_copy(update={"label": label})
    before, after = [(0.5, 0.3, 0.2), (0.1, 0.8, 0.1)], [(0.1, 0.2, 0.7), (0.1, 0.8, 0.1)]
    columns = {
        f"{side}_{place}": [row[place] for row in rows]
        for side, rows in (("SERVING", before), ("NEW", after))
        for place in range(3)
    }
    found = difference(several, pd.DataFrame({"ID": [1, 2], **columns}), "NEW", "OLD")
    assert found.flips == (("low", "high", 1),)
    (mover,) = found.movers
    assert (mover.output, mover.serving, mover.new) == ("high", 0.2, 0.7)
    assert found.whole
    assert found.whole.serving is None
