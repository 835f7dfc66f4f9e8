"""Which labelled rows train and which are held out: whole groups, the last in time, and none that is not known yet."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from snowflake.snowpark import Session

from snowloop.errors import LeakageError, TrainingError
from snowloop.lifecycle.features.feature import Feature, Subject
from snowloop.lifecycle.features.leakage import check_leakage, remarks
from snowloop.lifecycle.features.training_set import TrainingSet, build_training_set
from snowloop.project import Project, ProjectError
from snowloop.sql import render
from snowloop.workspace import Workspace
from tests.support.visits import visits, write_visits
from tests.support.world import World

HASH = "split: {by: hash, holdout: 0.25}"
GROUP = (HASH, "split: {by: group, column: PATIENT, holdout: 0.25}")
TIME = (HASH, "split: {by: time, holdout: 0.25}")
LABEL = "label: {column: RESPONSE, task: regression"


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("visits")
    made = World(session, visits(folder / "projects"), "splits", write_visits(folder / "data"))
    made.prepare()
    return made


def built(world: World, project: Project) -> TrainingSet:
    return build_training_set(Workspace(world.session, project, world.target))


def parts(world: World, made: TrainingSet, column: str) -> tuple[set[Any], set[Any]]:
    """The values of a column of the source among the training rows, and among those held out."""
    rows = world.rows(
        f"SELECT V.{column}, T.IS_HOLDOUT FROM {made.table} AS T JOIN {{db}}.RAW.VISIT AS V ON V.VISIT_ID = T.VISIT_ID"
    )
    return {row[0] for row in rows if not row[1]}, {row[0] for row in rows if row[1]}


def test_a_group_is_whole_and_a_check_says_so(world: World, tmp_path: Path):
    by_key = parts(world, built(world, world.project), "PATIENT")
    assert by_key[0] & by_key[1]
    made = built(world, visits(tmp_path, GROUP))
    training, held_out = parts(world, made, "PATIENT")
    assert len(training) > len(held_out) > 0
    assert not training & held_out
    (check,) = (each for each in made.leakage if each.name == "SHARED_GROUPS")
    assert check.reason == "0 groups (PATIENT) have rows in the training part and held out, none may"


def test_a_group_in_both_parts_is_leakage(world: World, tmp_path: Path):
    project = visits(tmp_path, GROUP)
    made = built(world, project)
    torn = made.table.replace("TRAINING_SET", "TORN")
    world.rows(
        f"CREATE OR REPLACE TABLE {torn} AS SELECT * EXCLUDE IS_HOLDOUT, "
        f"CASE WHEN VISIT_ID = 0 THEN NOT IS_HOLDOUT ELSE IS_HOLDOUT END AS IS_HOLDOUT FROM {made.table}"
    )
    with pytest.raises(LeakageError, match=r"1 groups \(PATIENT\) have rows in the training part and held out"):
        check_leakage(Workspace(world.session, project, world.target), Subject(torn, "torn", made.features))


def test_the_last_in_time_are_held_out_and_one_moment_is_not_torn(world: World, tmp_path: Path):
    training, held_out = parts(world, built(world, visits(tmp_path, TIME)), "SEEN_AT")
    assert (len(training), len(held_out)) == (90, 30)
    assert max(training) < min(held_out)
    by_day = visits(tmp_path, TIME, ("event_time: SEEN_AT", "event_time: ANSWERED_AT"))
    world.rows("UPDATE {db}.RAW.VISIT SET ANSWERED_AT = DATE_TRUNC('month', ANSWERED_AT)")
    training, held_out = parts(world, built(world, by_day), "ANSWERED_AT")
    assert not training & held_out
    world.rows("UPDATE {db}.RAW.VISIT SET ANSWERED_AT = DATEADD('day', 10, SEEN_AT)")


def test_groups_whose_names_differ_in_case_are_leakage(world: World, tmp_path: Path):
    world.rows("UPDATE {db}.RAW.VISIT SET PATIENT = LOWER(PATIENT) || ' ' WHERE VISIT_ID < 60")
    try:
        with pytest.raises(LeakageError, match=r"groups \(PATIENT\) have .*; their names differ in case or blanks"):
            built(world, visits(tmp_path, GROUP))
    finally:
        world.rows("UPDATE {db}.RAW.VISIT SET PATIENT = UPPER(TRIM(PATIENT))")


def test_a_column_that_looks_like_a_customer_is_a_warning_where_rows_are_held_out_one_by_one(
    world: World, tmp_path: Path
):
    (warning,) = (each for each in built(world, world.project).leakage if each.name == "ENTITY")
    assert (warning.outcome, warning.subject, warning.value) == ("not_asked", "PATIENT", 4.0)
    assert warning.reason.startswith("warning: column PATIENT has 30 values in 120 rows; ")
    assert warning.reason.endswith("declare split: {by: group, column: PATIENT}")
    assert warning.reason in remarks(built(world, world.project).leakage)
    assert not [each for each in built(world, visits(tmp_path, GROUP)).leakage if each.name == "ENTITY"]


@pytest.mark.parametrize("rule", [', known_after: "10 days"', ", known_at: ANSWERED_AT"])
def test_labels_of_training_rows_are_known_before_the_first_held_out_event(world: World, tmp_path: Path, rule: str):
    project = visits(tmp_path, TIME, (LABEL, LABEL + rule))
    made = built(world, project)
    training, held_out = parts(world, made, "SEEN_AT")
    assert max(training) + timedelta(days=10) <= min(held_out)
    assert max(training) + timedelta(days=11) > min(held_out)
    assert made.purged == 9
    assert made.rows == 110 - 9
    assert made.summary()["label known after the first held-out event"] == 9
    (check,) = (each for each in made.leakage if each.name == "GAP")
    assert (check.outcome, check.value) == ("passed", 9)
    (warning,) = (each for each in built(world, visits(tmp_path, TIME)).leakage if each.name == "GAP")
    assert warning.outcome == "not_asked"
    assert warning.reason.endswith("declare label.known_after or label.known_at")
    every = visits(tmp_path, (HASH, TIME[1].replace("0.25", "0.95")), (LABEL, LABEL + rule))
    with pytest.raises(LeakageError, match=r"no training row is left: hold out less \(split\.holdout\)"):
        built(world, every)


def test_a_sample_by_class_has_all_rows_of_a_rare_class(world: World):
    table = f"{world.database}.FEATURES.RARE"
    world.rows(
        f"CREATE OR REPLACE TABLE {table} AS SELECT SEQ4() AS ID, IFF(SEQ4() % 100 = 1, 1, 0) AS LABEL, 0.5 AS X, "
        "SEQ4() % 3 = 0 AS IS_HOLDOUT FROM TABLE(GENERATOR(ROWCOUNT => 900))"
    )
    names = {"table": table, "features": [Feature("X", "FLOAT")], "label": "LABEL", "key": ("ID",)}
    query = render("evaluation/some_rows.sql", **names, training_alone=False, by_class=True, most=20)
    rows = pd.DataFrame(world.rows(query), columns=["X", "LABEL", "IS_HOLDOUT"])
    assert rows.groupby(["LABEL", "IS_HOLDOUT"]).size().to_dict() == {
        (0, False): 20, (0, True): 20, (1, False): 6, (1, True): 3,
    }  # fmt: skip


@pytest.mark.parametrize("rule", [', known_after: "10 days"', ", known_at: ANSWERED_AT"])
def test_rows_whose_label_is_not_known_yet_are_left_out_and_reported(world: World, tmp_path: Path, rule: str):
    made = built(world, visits(tmp_path, (LABEL, LABEL + rule)))
    assert (made.rows, made.not_yet_known) == (110, 10)
    assert made.summary()["label not yet known"] == 10
    last = world.value(
        f"SELECT MAX(V.ANSWERED_AT) <= SYSDATE() FROM {made.table} AS T "
        "JOIN {db}.RAW.VISIT AS V ON V.VISIT_ID = T.VISIT_ID"
    )
    assert last is True


def test_a_label_without_its_moment_and_one_never_known_are_reported_in_words(world: World, tmp_path: Path):
    project = visits(tmp_path, (LABEL, LABEL + ", known_at: SETTLED_AT"))
    with pytest.raises(TrainingError, match=r"label\.sql: column SETTLED_AT, declared as label\.known_at, is missing"):
        built(world, project)
    with pytest.raises(TrainingError, match=r"has a label in label\.sql that is known by now"):
        built(world, visits(tmp_path, (LABEL, LABEL + ", known_after: 900 days")))


@pytest.mark.parametrize("zone", ["TIMESTAMP_TZ", "TIMESTAMP_LTZ"])
def test_a_moment_with_a_zone_does_not_say_when_a_label_was_known(world: World, tmp_path: Path, zone: str):
    project = visits(tmp_path, (LABEL, LABEL + ", known_at: AT"))
    (project.directory / "label.sql").write_text(
        f"SELECT VISIT_ID, ANSWER AS RESPONSE, ANSWERED_AT::{zone} AS AT FROM {{{{ raw }}}}.VISIT\n"
    )
    with pytest.raises(TrainingError, match=r"label\.sql: column AT, .* has a zone.*::TIMESTAMP_NTZ AS AT"):
        built(world, project)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([(HASH, "split: {by: group}")], "column is for `by: group`"),
        ([(HASH, "split: {by: hash, column: PATIENT}")], "column is for `by: group`"),
        ([(HASH, "split: {by: group, column: DOCTOR}")], "column DOCTOR (of key or split) is not a column of source"),
        ([(HASH, "split: {by: group, column: SEEN_AT}")], "SEEN_AT may be null, and such rows have no group"),
        ([TIME, ("    event_time: SEEN_AT\n", "")], "split `by: time` needs the source's event time"),
        ([(LABEL, LABEL + ", known_after: 3")], "write it like 30 minutes, 24h or 7 days"),
        ([(LABEL, LABEL + ", known_after: 3d, known_at: X")], "keep one of them"),
        (
            [(LABEL, LABEL + ", known_after: 3d"), ("    event_time: SEEN_AT\n", "")],
            "label.known_after counts from the source's event time",
        ),
    ],
)
def test_what_cannot_be_meant_is_one_error_with_its_place(tmp_path: Path, changes: list[tuple[str, str]], says: str):
    with pytest.raises(ProjectError) as caught:
        visits(tmp_path, *changes)
    assert says in str(caught.value)
    assert str(tmp_path / "visits" / "project.yaml") in str(caught.value)
