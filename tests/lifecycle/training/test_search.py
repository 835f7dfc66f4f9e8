"""Candidates that a search declares: the same each time, under names that others do not change; and their bounds."""

import time
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.evaluation.evaluate import evaluate
from snowloop.lifecycle.gate.checks import trained
from snowloop.lifecycle.training.train import train_candidate
from snowloop.project import Candidate, Limits, Project, ProjectError, Search
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import World

LINE = "  - {name: line}"
GRID = "{kind: grid, space: {alpha: [0.1, 1, 10]}}"
RANDOM = "{kind: random, samples: 4, seed: 3, space: {alpha: {low: 0.001, high: 10, log: true}}}"


def searching(folder: Path, rule: str, name: str = "ridge") -> Project:
    return visits(folder, (LINE, f"{LINE}\n  - {{name: {name}, search: {rule}}}"))


def names(project: Project) -> list[str]:
    return [candidate.name for candidate in project.expanded_candidates]


def test_a_grid_stands_beside_the_list_and_keeps_its_names(tmp_path: Path):
    project = searching(tmp_path, GRID)
    assert [each.params for each in project.expanded_candidates] == [{}, {"alpha": 0.1}, {"alpha": 1}, {"alpha": 10}]
    wider = names(searching(tmp_path, "{space: {alpha: [10, 5, 0.1, 1, 1]}}"))
    assert set(names(project)) < set(wider)
    assert len(wider) == 5
    assert project.candidate(names(project)[3].upper()).params == {"alpha": 10}
    with pytest.raises(ProjectError, match=r"it declares line, ridge_\w{6}, ridge_\w{6}, ridge_\w{6}$"):
        project.candidate("ridge")


def test_a_grid_of_several_parameters_has_every_combination():
    search = Search.model_validate({"space": {"b": [1, 2], "a": ["x", None]}})
    found = Candidate(name="c", params={"kind": "k"}, search=search).expanded()
    assert [each.params for each in found] == [
        {"kind": "k", "a": a, "b": b} for a, b in (("x", 1), ("x", 2), (None, 1), (None, 2))
    ]


def test_a_random_search_is_the_same_for_a_seed_and_within_its_bounds(tmp_path: Path):
    project = searching(tmp_path, RANDOM)
    drawn = [each.params["alpha"] for each in project.expanded_candidates[1:]]
    assert len(set(drawn)) == 4
    assert all(0.001 <= value <= 10 for value in drawn)
    assert names(searching(tmp_path, RANDOM)) == names(project)
    assert names(searching(tmp_path, RANDOM.replace("seed: 3", "seed: 4"))) != names(project)
    more = names(searching(tmp_path, RANDOM.replace("samples: 4", "samples: 6")))
    assert more[:5] == names(project)


def test_whole_numbers_are_drawn_whole_and_as_many_as_there_are():
    search = {"kind": "random", "samples": 30, "space": {"depth": {"low": 2, "high": 5, "whole": True}}}
    found = Search.model_validate(search).combinations()
    assert sorted(each["depth"] for each in found) == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("{space: {}}", "'candidates.1.search.space'"),
        ("{space: {alpha: []}}", "the space of alpha is empty: give a list"),
        ("{space: {alpha: 3}}", "expected a list of values, such as [2, 4], or a range"),
        ("{space: {alpha: {low: 1, high: 2}}}", "the space of alpha is a range, which has no grid"),
        ("{kind: random, space: {alpha: [1, 2]}}", "samples is for `kind: random`"),
        ("{space: {alpha: [1, 2]}, samples: 2}", "samples is for `kind: random`"),
        ("{kind: random, samples: 3, space: {alpha: [1, 2]}}", "has 2 combinations, 3 samples are too many"),
        ("{kind: random, samples: 51, space: {alpha: {low: 1, high: 2}}}", "less than or equal to 50"),
        ("{kind: random, samples: 2, space: {alpha: {low: 2, high: 1}}}", "low 2 must be below high 1"),
        ("{kind: random, samples: 2, space: {alpha: {low: 0, high: 1, log: true}}}", "above 0 with log"),
        (f"{{space: {{alpha: {list(range(51))}}}}}", "the grid has 51 combinations, more than 50"),
        ("{space: {beta: [1]}}", "build_model of model.py takes no parameter 'beta' (it takes alpha)"),
        ("{space: {alpha: [1]}}, params: {alpha: 1}", "alpha is in params and in search.space"),
    ],
)
def test_what_cannot_be_meant_is_one_error_with_its_place(tmp_path: Path, rule: str, says: str):
    with pytest.raises(ProjectError) as caught:
        searching(tmp_path, rule)
    message = str(caught.value)
    assert says in message
    assert len(message.splitlines()) == 1
    text = (tmp_path / "visits" / "project.yaml").read_text().splitlines()
    line = next(number for number, each in enumerate(text, 1) if "name: ridge" in each)
    assert f"{tmp_path / 'visits' / 'project.yaml'}:{line}: " in message


@pytest.mark.parametrize(("rule", "says"), [("{minutes: 0}", "greater than 0"), ("{minutes: long}", "valid number")])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, rule: str, says: str):
    with pytest.raises(ProjectError, match=says):
        visits(tmp_path, ("packages:", f"limits: {rule}\npackages:"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_candidate_over_its_time_fails_by_itself(session: Session, tmp_path: Path):
    """The others are trained by the same code, and the session has its own bound again."""
    project = searching(tmp_path / "projects", "{space: {alpha: [0.5, 666]}}")
    file = project.directory / "model.py"
    slow = "    if alpha == 666:\n        import time\n        time.sleep(300)\n    return Ridge"
    file.write_text(file.read_text().replace("    return Ridge", slow))
    world = World(session, project, "limits", write_visits(tmp_path / "data"))
    made = world.prepare()
    given = Workspace(session, project, world.target)
    quick, hanging = (each.name for each in project.expanded_candidates[1:])
    began = time.monotonic()
    bounded = project.model_copy(update={"limits": Limits(minutes=0.1)})
    late = train_candidate(Workspace(session, bounded, world.target), made, hanging)
    assert time.monotonic() - began < 200
    assert late.error == "it took longer than the 6 seconds of limits.minutes: allow more, or train something smaller"
    good = train_candidate(given, made, quick)
    assert good.error is None
    reason = trained([evaluate(given, each) for each in (late, good)]).reason
    assert reason == f"1 of 2 candidates could be trained ({hanging}: {late.error})"
    shown = world.rows("SHOW PARAMETERS LIKE 'STATEMENT_TIMEOUT_IN_SECONDS' IN SESSION")[0]
    assert shown["value"] == shown["default"]
