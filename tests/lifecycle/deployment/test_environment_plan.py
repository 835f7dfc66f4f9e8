"""The plan of an environment: what a changed declaration adds, what is refused and with which remedy, and quiet."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import PlanRefused
from snowloop.lifecycle.data.environment import apply_environment, create_environment
from snowloop.lifecycle.data.load import load_files
from snowloop.lifecycle.deployment.desired import desired_environment
from snowloop.lifecycle.deployment.environment import compare_environment, plan_environment
from snowloop.lifecycle.deployment.observed import ObservedEnvironment
from snowloop.lifecycle.deployment.plan import Change, FieldChange, Plan, RunSql
from snowloop.lifecycle.deployment.schema_version import SchemaVersion, current_version
from snowloop.project import Column, Label, Project, load_project
from snowloop.sql import identifier, statements
from tests.support.tiny import COLUMNS, tiny
from tests.support.world import World

COPIES = ("RAW.EVENTS", "FEATURES.SET_ASIDE", "SERVING.QUARANTINE", "OPS.RECOVERY_ROWS")
SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return tiny(tmp_path / "projects")


def columns(project: Project, **changed: str | None) -> Project:
    """The project with columns of other types, with new ones first, or without some (None)."""
    source = project.streamed
    others = {name: each for name, each in source.columns.items() if changed.get(name, "") is not None}
    new = {name: Column(type=kind) for name, kind in changed.items() if kind and name not in others}
    altered = {name: each.model_copy(update={"type": changed.get(name) or each.type}) for name, each in others.items()}
    made = source.model_copy(update={"columns": {**new, **altered}})
    return project.model_copy(update={"sources": {**project.sources, project.source: made}})


def as_created(project: Project, **more: Any) -> ObservedEnvironment:
    """What exists after an environment was created."""
    desired = desired_environment(project, "dev")
    kinds = {each.kind for each in desired.objects}
    return ObservedEnvironment(
        names={kind: frozenset(each.name for each in desired.objects if each.kind == kind) for kind in kinds},
        columns={each.name: dict(each.columns) for each in desired.objects},
        comments={each.name: each.comment for each in desired.objects if each.kind == "view"},
        version=SchemaVersion(current_version()),
        **more,
    )


def planned(project: Project, observed: ObservedEnvironment, *allow_drop: str) -> Plan:
    return compare_environment(project, "dev", desired_environment(project, "dev"), observed, allow_drop)


def sent(plan: Plan) -> list[str]:
    return [step.statement for step in plan.steps if isinstance(step, RunSql)]


def changed(plan: Plan) -> dict[str, Change]:
    return {change.name: change for change in plan.changes if change.action != "keep"}


@pytest.mark.parametrize("name", ["bank_marketing", "credit_approval", "diabetes_progression"])
def test_what_was_created_needs_no_step_and_one_line(name: str):
    project = load_project(name)
    plan = planned(project, as_created(project))
    assert plan.nothing_to_do
    assert {change.action for change in plan.changes} == {"keep"}
    assert plan.text() == f"environment of {name} in dev:\nnothing to do"


def test_an_empty_account_gets_every_object_in_the_order_of_the_script(project: Project):
    plan = planned(project, ObservedEnvironment())
    desired = desired_environment(project, "dev").objects
    *created, recorded = sent(plan)
    assert created == [each.statement for each in desired]
    assert "SCHEMA_VERSION" in recorded
    assert [(change.action, change.name) for change in plan.changes] == [
        *(("create", each.name) for each in desired),
        ("create", "OPS.SCHEMA_VERSION"),
    ]


def test_a_declared_column_is_added_to_the_source_and_to_all_tables_that_hold_its_rows(project: Project):
    plan = planned(columns(project, NEW="DECIMAL(10, 2)"), as_created(project))
    assert changed(plan) == {
        name: Change(
            "table", name, "alter", "add column NEW", fields=(FieldChange("column NEW", None, "NUMBER(10,2)"),)
        )
        for name in COPIES
    }
    assert sent(plan) == [
        f'ALTER TABLE {identifier("TINY_DEV", *name.split("."))} ADD COLUMN IF NOT EXISTS "NEW" NUMBER(10,2)'
        for name in COPIES
    ]


@pytest.mark.parametrize(
    ("have", "declared", "statement"),
    [
        ("VARCHAR(10)", "VARCHAR(20)", "VARCHAR(20)"),
        ("VARCHAR(10)", "TEXT", "VARCHAR"),
        ("DECIMAL(10,2)", "NUMBER(12,2)", "NUMBER(12,2)"),
    ],
)
def test_a_wider_type_is_altered(project: Project, have: str, declared: str, statement: str):
    plan = planned(columns(project, KIND=declared), as_created(columns(project, KIND=have)))
    assert set(changed(plan)) == set(COPIES)
    assert all(each.endswith(f'ALTER COLUMN "KIND" SET DATA TYPE {statement}') for each in sent(plan))


@pytest.mark.parametrize(
    ("have", "declared"),
    [("INT", "NUMBER(38,0)"), ("STRING", "VARCHAR"), ("DOUBLE", "FLOAT"), ("TIMESTAMP", "TIMESTAMP_NTZ(9)")],
)
def test_another_name_of_a_type_is_no_change(project: Project, have: str, declared: str):
    assert planned(columns(project, TAG=declared), as_created(columns(project, TAG=have))).nothing_to_do


@pytest.mark.parametrize(
    ("have", "declared"),
    [
        ("VARCHAR", "NUMBER(38,0)"),
        ("VARCHAR", "VARCHAR(5)"),
        ("NUMBER(10,2)", "NUMBER(10,0)"),
        ("NUMBER(10,2)", "NUMBER(12,4)"),
        ("DATE", "TIMESTAMP_NTZ"),
    ],
)
def test_another_type_is_refused_with_what_to_do(project: Project, have: str, declared: str):
    plan = planned(columns(project, TAG=declared), as_created(columns(project, TAG=have)))
    assert plan.steps == ()
    refusals = plan.refused
    assert tuple(each.name for each in refusals) == COPIES
    assert all(each.destructive for each in refusals)
    assert refusals[0].fields == (FieldChange("column TAG", have, declared),)
    with pytest.raises(PlanRefused, match=rf"TAG is .*declared is .*; to do: declare the type .*\(type: {have[:4]}"):
        plan.check()


def test_a_removed_column_is_refused_unless_it_is_named(project: Project):
    without, observed = columns(project, Y=None), as_created(project)
    plan = planned(without, observed)
    assert tuple(each.name for each in plan.refused) == COPIES
    assert "it has columns that are not declared: Y" in plan.refused[0].reason
    assert "--allow-drop RAW.EVENTS.Y" in plan.refused[1].remedy
    named = planned(without, observed, "raw.events.y")
    assert all(change.destructive and change.fields[0].new is None for change in changed(named).values())
    assert [text.partition(" DROP ")[2] for text in sent(named)] == ['COLUMN IF EXISTS "Y"'] * len(COPIES)


def test_nothing_of_a_plan_is_sent_if_one_object_is_refused(project: Project):
    plan = planned(columns(project, Y=None, NEW="DATE"), as_created(project))
    assert plan.refused
    assert plan.steps == ()


def test_what_allow_drop_names_must_be_something_that_could_be_dropped(project: Project):
    with pytest.raises(PlanRefused, match=r"RAW\.NO, .*could be dropped is: RAW\.EVENTS\.Y"):
        planned(columns(project, Y=None), as_created(project), "RAW.EVENTS.Y", "RAW.NO")


def test_another_key_is_refused_because_scores_of_before_have_none(project: Project):
    plan = planned(project.model_copy(update={"key": ("ID", "TAG")}), as_created(project))
    assert {each.name for each in plan.refused} == {
        "SERVING.SCORED", "SERVING.REQUEUED", "SERVING.CORRECTIONS", "OPS.BACKFILL_KEYS",
    }  # fmt: skip
    assert all("TAG" in each.reason and "use a new target" in each.remedy for each in plan.refused)


def test_a_key_with_fewer_columns_is_refused_because_its_rows_would_be_several_of_one(project: Project):
    now = project.model_copy(update={"key": ("ID", "TAG")})
    plan = planned(project, as_created(now))
    assert {each.name for each in plan.refused} == {
        "SERVING.SCORED", "SERVING.REQUEUED", "SERVING.CORRECTIONS", "OPS.BACKFILL_KEYS",
    }  # fmt: skip
    assert all("TAG, which the key no longer names" in each.reason for each in plan.refused)


@pytest.mark.parametrize("before", [False, True])
def test_that_a_key_comes_again_is_declared_for_a_new_target_alone(tmp_path: Path, before: bool):
    one, several = tiny(tmp_path / "one"), tiny(tmp_path / "several", every_row=True)
    was, now = (several, one) if before else (one, several)
    assert "SERVING.SCORED" in {each.name for each in planned(now, as_created(was)).refused}
    assert planned(several, as_created(several)).nothing_to_do
    views = {each.name for each in desired_environment(several, "dev").objects if each.kind == "view"}
    assert views - {each.name for each in desired_environment(one, "dev").objects} == {"SERVING.LATEST_SCORES_BY_KEY"}


def test_a_label_of_several_classes_where_there_was_none_is_refused(project: Project):
    several = Label(column="LATE", task="multiclass", classes=(0, 1, 2))
    plan = planned(project.model_copy(update={"label": several}), as_created(project))
    assert [each.name for each in plan.refused] == ["SERVING.SCORED"]


def test_a_view_of_another_text_is_replaced_and_keeps_its_grants(project: Project):
    observed = as_created(project)
    plan = planned(project, replace(observed, comments={**observed.comments, "OPS.DAILY_METRICS": "by hand"}))
    assert [(each.name, each.action) for each in changed(plan).values()] == [("OPS.DAILY_METRICS", "recreate")]
    assert "COPY GRANTS" in sent(plan)[0]


def test_the_table_of_a_source_that_is_no_longer_declared_is_kept_unless_it_is_named(project: Project):
    observed = as_created(project, loaded=frozenset({"RAW.OLD", "RAW.EVENTS"}))
    observed = replace(observed, names={**observed.names, "table": observed.names["table"] | {"RAW.OLD", "RAW.MINE"}})
    plan = planned(project, observed)
    assert plan.nothing_to_do
    assert "table       RAW.OLD  (its source is no longer declared)" in plan.text()
    assert "--allow-drop RAW.OLD" in plan.text()
    assert "RAW.MINE" not in plan.text()
    dropped = planned(project, observed, "RAW.OLD")
    assert changed(dropped)["RAW.OLD"].destructive
    assert sent(dropped) == ['DROP TABLE IF EXISTS "TINY_DEV"."RAW"."OLD"']
    read = planned(project, replace(observed, streamed=frozenset({"RAW.OLD"})), "RAW.OLD")
    assert [each.name for each in read.refused] == ["RAW.OLD"]


def test_files_with_a_column_more_are_loaded_by_name_and_the_stream_goes_on(session: Session, tmp_path: Path):
    """A column that is added stands last in the table, and first in the file: COPY takes it by its name."""
    data = tmp_path / "data"
    data.mkdir()
    world = World(session, tiny(tmp_path / "projects"), f"more_{uuid.uuid4().hex}", data)
    create_environment(world.workspace)
    world.rows("CREATE STREAM {db}.RAW.EVENTS_STREAM ON TABLE {db}.RAW.EVENTS APPEND_ONLY = TRUE")
    (data / "events.csv").write_text(",".join(COLUMNS) + "\n1,2,3,A,2026-01-01,4,0\n")
    world.load()
    world.project = columns(world.project, NEW="VARCHAR")
    plan = plan_environment(world.workspace)
    done = apply_environment(world.workspace, plan)
    assert (done.created, done.altered) == (0, len(COPIES))
    (data / "events.csv").write_text(f"NEW,{','.join(COLUMNS)}\nnew,5,6,7,B,2026-01-02,8,1\n")
    report = load_files(world.workspace, data)
    assert (report.loaded, report.rejected) == (1, 0)
    rows = [(1, 2.0, "A", None), (5, 6.0, "B", "new")]
    assert world.rows("SELECT ID, X, KIND, NEW FROM {db}.RAW.EVENTS ORDER BY ID") == rows
    assert world.rows("SELECT ID, X, KIND, NEW FROM {db}.RAW.EVENTS_STREAM ORDER BY ID") == rows
    assert plan_environment(world.workspace).nothing_to_do


def test_an_environment_of_the_release_before_is_completed_once(session: Session, tmp_path: Path):
    world = World(session, tiny(tmp_path / "projects"), f"old_{uuid.uuid4().hex}")
    old = (SUPPORT / "environment_without_version.sql").read_text().replace("OLD_DB", world.database)
    for statement in statements(old):
        session.sql(statement).collect()
    world.rows("INSERT INTO {db}.OPS.LEDGER (ENTRY, ACTION, TO_VERSION) SELECT 1, 'promote', 'V1'")
    world.rows("ALTER TABLE {db}.OPS.LEDGER DROP COLUMN CANARY_SHARE")  # as still older ones
    done = create_environment(world.workspace)
    assert done.altered >= 3  # the ledger and two views, and what has columns of later releases
    assert done.created >= 3  # its version, its deployments and its fingerprints
    assert world.rows("SELECT TO_VERSION, CANARY_SHARE FROM {db}.OPS.LEDGER") == [("V1", None)]
    assert plan_environment(world.workspace).nothing_to_do


def test_another_text_of_the_views_gives_them_another_fingerprint(project: Project):
    def comments(made: Project) -> set[str]:
        return {each.comment for each in desired_environment(made, "dev").objects if each.kind == "view"}

    assert len(comments(project)) == 1
    assert comments(project) != comments(project.model_copy(update={"key": ("ID", "TAG")}))
