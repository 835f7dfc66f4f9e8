"""Declarations with a wrong value at each place: refused with file and line, or read as what they say."""

from __future__ import annotations

import copy
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from snowloop.project import ProjectError, include_dir, load_project

NAME = "credit_approval"
WRONG: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, float("nan"), float("inf"), "", " ", "x'\"; DROP", "a\nb", "é\u202e", "../../etc/passwd",
    "@hourly", "* * * * 61", "{{ 1 }}", "%s", "x" * 5000, [], {}, [[1]], {"a": 1}, ["a", "a"], "2026-13-45", "1e400",
)  # fmt: skip
CASES = int(os.environ.get("SNOWLOOP_ATTACKS", "300"))
SEED = int(os.environ.get("SNOWLOOP_SEED", "1"))
LONGEST = 700


def _places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if place:
        yield place
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from _places(child, (*place, key))


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """A declaration that names every option of the shipped project, also those that it leaves to their defaults."""
    project = load_project(NAME)
    tree: dict[str, Any] = project.model_dump(mode="json", by_alias=True)
    tree["sources"] = project.model_dump(mode="json", by_alias=True, exclude_unset=True)["sources"]
    tree["approval"]["targets"] = ["prod"]
    return tree


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("declarations")
    shutil.copytree(include_dir() / "projects" / NAME, made / NAME)
    return made


def _write(folder: Path, tree: dict[str, Any]) -> Path:
    file = folder / NAME / "project.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10**6))
    return file


def _outcome(folder: Path, tree: dict[str, Any]) -> str | None:
    """What the refusal says; None if the declaration is read."""
    _write(folder, tree)
    try:
        load_project(NAME, folder)
    except ProjectError as error:
        return str(error)
    return None


def test_the_whole_declaration_is_read(folder: Path, whole: dict[str, Any]) -> None:
    assert _outcome(folder, whole) is None


def test_a_wrong_value_is_refused_by_line_or_means_what_it_says(folder: Path, whole: dict[str, Any]) -> None:
    """Nothing but a ProjectError: with the file's line, in few words; not the one of faults that nobody thought of."""
    cases = [(place, wrong) for place in _places(whole) for wrong in range(len(WRONG))]
    random.Random(SEED).shuffle(cases)
    refused, faults = 0, []
    for place, wrong in cases[:CASES]:
        tree = copy.deepcopy(whole)
        node: Any = tree
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = WRONG[wrong]
        answer = _outcome(folder, tree)
        refused += answer is not None
        if answer is None:
            continue
        first = answer.split("\n", 1)[0]
        if (
            f"{NAME}/project.yaml:" not in first
            or "cannot be read (" in answer
            or len(first) > LONGEST + len(str(folder))
        ):
            faults.append((place, WRONG[wrong], answer[:300]))
    assert not faults
    assert refused > 0.8 * min(CASES, len(cases))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("seed",), True, "true is not a number"),
        (("sources", "application_record", "columns", "CNT_CHILDREN", "min"), False, "false is not a number"),
        (("evaluation", "slices", 1, "edges"), [35, True], "true is not a number"),
        (("packages", 0), "../../etc/passwd", "is not a package"),
        (("packages", 0), "scikit-learn == ", "is not a package"),
        (("packages",), ["pandas==2.3.3", "Pandas>=2"], "package pandas appears twice"),
        (("serving", "schedule"), "hourly", "is no schedule of a task"),
        (("serving", "schedule"), "USING CRON 61 * * * * UTC", "is not a cron expression"),
        (("serving", "schedule"), "USING CRON 0 * * * * Mars/Base", "is not a time zone"),
        (("serving", "schedule"), "0 MINUTES", "is no schedule of a task"),
        (("serving", "target_completion"), "soon", "is no interval"),
        (("environment", "artifact_repository"), "1e400", "artifact_repository"),
        (("owners",), [" "], "is not a line of text"),
        (("tags",), ["a\nb"], "is not a line of text"),
        (("tags",), ["é\u202e"], "is not a line of text"),
        (("sources", "application_record", "file"), " ", "is no place below"),
        (("sources", "application_record", "columns", "CODE_GENDER", "allowed"), [], "names no value"),
        (("sources", "application_record", "columns", "CODE_GENDER", "allowed"), ["F", "F"], "names a value twice"),
        (("metric", "at_least"), 65, "bounds nothing"),
        (("evaluation", "slices", 0, "bound"), -1, "bounds nothing"),
        (("monitoring", "alerts", "immediate"), ["freshnes"], "is no signal: freshness?"),
        (("monitoring", "alerts", "silent_after"), {"drifts": "2 days"}, "is no signal: drift?"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_what_cannot_work_later_is_refused_when_it_is_read(
    folder: Path, whole: dict[str, Any], place: tuple[Any, ...], value: Any, words: str
) -> None:
    tree = copy.deepcopy(whole)
    node: Any = tree
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = value
    assert words in (_outcome(folder, tree) or "it was read")


@pytest.mark.parametrize("schedule", ["5 MINUTE", "30 seconds", "2 HOURS", "USING CRON 0 9-17 * * 1-5 Europe/Berlin"])
def test_schedules_of_tasks(folder: Path, whole: dict[str, Any], schedule: str) -> None:
    tree = copy.deepcopy(whole)
    tree["serving"]["schedule"] = schedule
    assert _outcome(folder, tree) is None


@pytest.mark.parametrize(
    "package", ["scikit-learn", "polars>=2,<3", "xgboost == 2.1.*", "fsspec[http]~=2026.1", "a.b_c"]
)
def test_packages(folder: Path, whole: dict[str, Any], package: str) -> None:
    tree = copy.deepcopy(whole)
    tree["packages"][0] = package
    assert _outcome(folder, tree) is None
