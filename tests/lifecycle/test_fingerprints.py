"""The kind of change: what is no change, what needs training, a verdict or a deployment, and what is recorded."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.fingerprints import (
    FIELDS,
    PARTS,
    STAGES,
    change_kind,
    fingerprints,
    record_fingerprints,
    recorded_fingerprints,
)
from snowloop.project import Project, load_project
from tests.support.tiny import PROJECT, tiny
from tests.support.world import World


@pytest.fixture
def declare(tmp_path: Path) -> Callable[..., Project]:
    """The tiny project, with texts replaced in its files."""

    def declare(file: str = "project.yaml", old: str = "", new: str = "", folder: str = "a") -> Project:
        text = PROJECT[file]
        assert old in text
        tiny(tmp_path / folder)
        (tmp_path / folder / "tiny" / file).write_text(text.replace(old, new) if old else text + new)
        return load_project("tiny", tmp_path / folder)

    return declare


def kinds(before: Project, after: Project) -> dict[str, str]:
    """The parts that changed, with their kinds."""
    recorded = dict.fromkeys(STAGES.values(), fingerprints(before))
    return {each.part: each.kind for each in change_kind(after, recorded).changes}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("project.yaml", "", "# a comment\n"),
        ("project.yaml", "source: events\nkey: [ID]", "key: [id]\nsource: events"),
        ("project.yaml", "{name: roc_auc, at_least: 0.5,", "{at_least: 0.50, name: roc_auc, "),
        ("project.yaml", "\n", "\n\n"),
        ("project.yaml", "", "gate: {champion: interval}\n"),  # the default
        ("features.sql", "SELECT ID, X", "-- the features\nselect id,\n    /* X */ X"),
        ("label.sql", "WHERE LATE", "where  late"),
        ("model.py", '"""A logistic', '"""Another logistic'),
        ("model.py", "    return make", "    # a comment\n\n    return make"),
        ("model.py", "LogisticRegression(C=c)", "LogisticRegression(\n        C=c,\n    )"),
        ("model.py", "\n", "\r\n"),
    ],
)
def test_layout_comments_and_order_are_no_change(declare: Callable[..., Project], file: str, old: str, new: str):
    before = declare()
    assert kinds(before, declare(file, old, new, folder="b")) == {}


def test_where_a_project_is_and_its_target_are_no_change(tmp_path: Path):
    before, after = tiny(tmp_path / "one"), tiny(tmp_path / "other" / "place")
    assert before.directory != after.directory
    assert kinds(before, after) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "part", "kind"),
    [
        ("features.sql", "X_OF_A", "X_OF_B", "features.sql", "retrain"),
        ("features.sql", "'A'", "'a'", "features.sql", "retrain"),
        ("label.sql", "IS NOT NULL", "> 0", "label.sql", "retrain"),
        ("model.py", "C=c", "C=2 * c", "model.py", "retrain"),
        ("project.yaml", "scikit-learn==1.9.1", "scikit-learn==1.9.0", "packages", "retrain"),
        ("project.yaml", "{c: 0.001}", "{c: 0.002}", "training", "retrain"),
        ("project.yaml", "", "seed: 1\n", "training", "retrain"),
        ("project.yaml", "{importance_rows: 0}", "{importance_rows: 0, threshold: 0.4}", "training", "retrain"),
        ("project.yaml", "TAG: {type:", "MORE: {type: DATE}\n      TAG: {type:", "training", "retrain"),
        ("project.yaml", "max: 1000}", "max: 999}", "contract", "judge"),
        ("project.yaml", "allowed: [A, B]", "allowed: [A, B, C]", "contract", "judge"),
        ("project.yaml", "    event_time:", "    max_rejected_share: 0.3\n    event_time:", "contract", "judge"),
        ("project.yaml", "", "contract: {arriving: {on_failure: stop}}\n", "contract", "judge"),
        ("project.yaml", "at_least: 0.5", "at_least: 0.6", "gate", "judge"),
        ("project.yaml", "", "gate: {max_skew: 0.1}\n", "gate", "judge"),
        ("project.yaml", "", "leakage: {max_single_feature: 0.8}\n", "gate", "judge"),
        ("project.yaml", "", "serving: {schedule: 5 MINUTE}\n", "serving", "serve"),
        ("project.yaml", "", "schedule: {train: '@weekly'}\n", "serving", "serve"),
        ("project.yaml", "", "environment: {warehouse: OTHER_WH}\n", "serving", "serve"),
        ("project.yaml", "", "description: Other words.\n", "description", "metadata"),
        ("project.yaml", "", "owners: [ada]\n", "description", "metadata"),
        ("project.yaml", "", "monitoring: {max_slowdown: 9}\n", "description", "metadata"),
        ("project.yaml", "", "monitoring: {model_monitor: {}}\n", "serving", "serve"),
    ],
)
def test_what_is_changed_says_what_to_do(
    declare: Callable[..., Project], file: str, old: str, new: str, part: str, kind: str
):
    before = declare()
    assert kinds(before, declare(file, old, new, folder="b")) == {part: kind}


def test_approval_makes_the_gate_judge_the_worse_end_of_the_interval(declare: Callable[..., Project]):
    after = declare("project.yaml", "", "approval: {targets: [prod]}\n", folder="b")
    assert kinds(declare(), after) == {"gate": "judge", "description": "metadata"}


def test_the_kind_of_several_changes_is_that_with_most_to_do(declare: Callable[..., Project]):
    before = declare()
    after = declare("project.yaml", "at_least: 0.5", "at_least: 0.6", folder="b")
    after = after.model_copy(update={"seed": 5, "owners": ("ada",)})
    changed = change_kind(after, dict.fromkeys(STAGES.values(), fingerprints(before)))
    assert changed.kind == "retrain"
    assert [each.kind for each in changed.changes] == ["retrain", "judge", "metadata"]
    assert changed.text().startswith("kind of change: retrain (train: ")
    assert change_kind(before, {}).text().count("nothing is recorded") == len(PARTS)
    assert change_kind(before, dict.fromkeys(STAGES.values(), fingerprints(before))).text() == "kind of change: none"


def test_every_field_of_a_declaration_belongs_to_a_part():
    assert set(FIELDS) == set(Project.model_fields)
    assert set(FIELDS.values()) <= set(PARTS)


def test_an_environment_records_each_stage_once(session: Session, declare: Callable[..., Project]):
    world = World(session, declare(), f"fingerprints_{uuid.uuid4().hex}")
    create_environment(world.workspace)
    assert recorded_fingerprints(world.workspace) == {}
    record_fingerprints(world.workspace, "trained", "judged")
    record_fingerprints(world.workspace, "judged")
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.FINGERPRINTS") == 7
    assert change_kind(world.project, recorded_fingerprints(world.workspace)).kind == "serve"
    record_fingerprints(world.workspace, "deployed")
    assert change_kind(world.project, recorded_fingerprints(world.workspace)).kind == "none"
    changes: dict[str, Any] = {"gate": world.project.gate.model_copy(update={"max_skew": 0.5})}
    world.project = world.project.model_copy(update=changes)
    assert change_kind(world.project, recorded_fingerprints(world.workspace)).kind == "judge"
    record_fingerprints(world.workspace, "judged")
    assert change_kind(world.project, recorded_fingerprints(world.workspace)).kind == "none"
