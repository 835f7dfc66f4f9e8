"""Tables that others fill, as sources: what is declared, what is checked, and what is asked for."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from snowflake.snowpark import Session, types

from snowloop.errors import ContractViolation, SourceError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.tables import find_table, holds, load_time
from snowloop.lifecycle.data.validate import check_contract
from snowloop.lifecycle.scoring.health import oldest_seconds
from snowloop.lifecycle.scoring.wait import reporting_start
from snowloop.project import Project, Source
from snowloop.sql import clock
from snowloop.workspace import Workspace
from tests.support.bank import bank, calls, create_table, insert
from tests.support.world import World

COLUMNS = {"ID": {"type": "NUMBER(38,0)"}, "SEEN": {"type": "TIMESTAMP_NTZ"}}


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ("crm.public.calls", ("CRM", "PUBLIC", "CALLS")),
        ("CRM_{target}.PUBLIC.CALLS", ("CRM_PROD", "PUBLIC", "CALLS")),
        ('"crm x".PUBLIC."a.b ""c"""', ("crm x", "PUBLIC", 'a.b "c"')),
    ],
)
def test_a_table_is_named_in_full(table, parts):
    assert Source.model_validate({"table": table, "columns": COLUMNS}).origin("prod") == parts


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({}, "declare one of `file`"),
        ({"file": "a.csv", "table": "A.B.C"}, "declare one of `file`"),
        ({"table": "CALLS"}, "not the full name"),
        ({"table": "A.B.{name}"}, "not the full name"),
        ({"table": "A.B.C; DROP TABLE X"}, "not the full name"),
        ({"table": "A.B.C", "delimiter": ";"}, "delimiter does not apply to a source that is the table A.B.C"),
        ({"table": "A.B.C", "row_id": {}}, "row_id does not apply"),
        ({"table": "A.B.C", "loaded_at": "ID"}, "loaded_at ID is not one of"),
        ({"table": "A.B.C", "freshness": {"max_age": "1 day"}}, "declare freshness.column, or loaded_at"),
        ({"file": "a.csv", "loaded_at": "SEEN"}, "loaded_at does not apply to a source that is the file"),
    ],
)
def test_what_means_nothing_for_a_table_is_refused(declared, reason):
    with pytest.raises(ValidationError, match=reason):
        Source.model_validate({**declared, "columns": COLUMNS})


def test_a_table_is_not_replayed():
    project = bank(table="A.B.C")
    with pytest.raises(ValidationError, match=r"replay cuts files, and source 'bank' is the table A\.B\.C"):
        Project.model_validate({**project.model_dump(exclude_unset=True), "replay": {"initial": 0.5}})


@pytest.mark.parametrize(
    ("declared", "actual", "held"),
    [
        ("NUMBER(38,0)", types.LongType(), True),
        ("NUMBER(38,0)", types.DecimalType(10, 2), False),
        ("NUMBER(12,2)", types.DecimalType(10, 2), True),
        ("NUMBER(10,4)", types.DecimalType(10, 2), False),
        ("INT", types.DoubleType(), False),
        ("FLOAT", types.DecimalType(10, 2), True),
        ("FLOAT", types.StringType(), False),
        ("VARCHAR", types.StringType(20), True),
        ("VARCHAR(10)", types.StringType(20), False),
        ("VARCHAR(10)", types.StringType(), False),
        ("DATE", types.DateType(), True),
        ("TIMESTAMP_NTZ", types.DateType(), False),
        ("TIMESTAMP_NTZ(9)", types.TimestampType(types.TimestampTimeZone.NTZ), True),
        ("TIMESTAMP", types.TimestampType(types.TimestampTimeZone.LTZ), False),
        ("DATETIME", types.TimestampType(types.TimestampTimeZone.NTZ), True),
        ("BOOLEAN", types.BooleanType(), True),
        ("VARIANT", types.VariantType(), True),
        ("OBJECT", types.MapType(), True),
    ],
)
def test_a_declared_type_must_hold_what_the_column_has(declared, actual, held):
    assert holds(declared, actual) is held


@pytest.fixture(scope="module")
def crm(session: Session) -> str:
    session.sql("CREATE OR REPLACE DATABASE CRM_TABLES").collect()
    create_table(session, "CRM_TABLES.PUBLIC.CALLS", tracked=False)
    create_table(session, "CRM_TABLES.PUBLIC.TRACKED")
    insert(session, "CRM_TABLES.PUBLIC.CALLS", calls(1, 3))
    return "CRM_TABLES.PUBLIC.CALLS"


def given(session: Session, **source: Any) -> Workspace:
    return Workspace(session, bank(**source), "tables")


def test_what_a_stream_needs_is_asked_for_and_not_done(session: Session, crm: str):
    found = find_table(given(session, table=crm), bank(table=crm).streamed)
    assert found is not None
    assert found.unreadable is None
    assert found.untracked is not None
    assert 'ALTER TABLE "CRM_TABLES"."PUBLIC"."CALLS" SET CHANGE_TRACKING = TRUE' in found.untracked.remedy
    tracked = find_table(
        given(session, table="CRM_TABLES.PUBLIC.TRACKED"), bank(table="CRM_TABLES.PUBLIC.TRACKED").streamed
    )
    assert tracked is not None
    assert (tracked.kind, tracked.unreadable, tracked.untracked) == ("TABLE", None, None)


@pytest.mark.parametrize(
    "table", ["CRM_TABLES.PUBLIC.NOT_THERE", "CRM_TABLES.NOWHERE.CALLS", "NO_DATABASE.PUBLIC.CALLS"]
)
def test_the_grants_that_lack_are_named(session: Session, crm: str, table: str):
    with pytest.raises(
        SourceError, match=r"does not exist, or role ACCOUNTADMIN may not read it.*GRANT SELECT ON TABLE"
    ):
        create_environment(given(session, table=table))
    assert not session.sql("SHOW DATABASES LIKE 'BANK_MARKETING_TABLES'").collect()


def test_columns_that_are_missing_or_of_another_type_are_named(session: Session, crm: str):
    source = bank(table=crm).streamed.model_dump(exclude_unset=True)
    source["columns"]["NEVER"] = {"type": "FLOAT"}
    with pytest.raises(SourceError, match=r"CRM_TABLES\.PUBLIC\.CALLS has no column NEVER"):
        create_environment(given(session, **source))
    del source["columns"]["NEVER"]
    source["columns"]["JOB"] = {"type": "FLOAT"}
    with pytest.raises(SourceError, match=r"JOB is VARCHAR.*, declared is FLOAT; to do: declare the type"):
        create_environment(given(session, **source))


def test_the_environment_reads_the_table_where_it_is(session: Session, crm: str):
    world = World(session, bank(table=crm), "reads")
    create_environment(world.workspace)
    create_environment(world.workspace)
    rows = world.rows("SELECT ROW_ID, IN_DEFAULT FROM {db}.RAW.BANK ORDER BY ROW_ID")
    assert [tuple(row) for row in rows] == [(row["ROW_ID"], row["default"]) for row in calls(1, 3)]
    assert check_contract(world.workspace).rows == 3
    assert world.load().summary() == {"files": 0, "kept": 0, "read": 0, "loaded": 0, "rejected": 0}
    assert reporting_start(world.workspace, None).year == 1970


def test_a_source_that_was_of_files_is_not_replaced_by_a_table(session: Session, crm: str):
    session.sql("CREATE OR REPLACE DATABASE BANK_MARKETING_WASFILES").collect()
    session.sql("CREATE SCHEMA BANK_MARKETING_WASFILES.RAW").collect()
    session.sql("CREATE TABLE BANK_MARKETING_WASFILES.RAW.BANK (A INT)").collect()
    with pytest.raises(SourceError, match="holds rows that were loaded from files"):
        create_environment(Workspace(session, bank(table=crm), "wasfiles"))


def test_the_age_of_rows_is_that_of_their_declared_time(session: Session, crm: str):
    project = bank(table=crm)
    source = project.streamed.model_dump(exclude_unset=True)
    session.sql(
        "CREATE OR REPLACE VIEW CRM_TABLES.PUBLIC.TIMED AS SELECT *, "
        "DATEADD('hour', -2, SYSDATE())::TIMESTAMP_NTZ AS LOADED "
        "FROM CRM_TABLES.PUBLIC.CALLS"
    ).collect()
    source["columns"]["LOADED"] = {"type": "TIMESTAMP_NTZ"}
    timed = {"table": "CRM_TABLES.PUBLIC.TIMED", "loaded_at": "LOADED", "freshness": {"max_age": "1 hour"}}
    world = World(session, bank(**{**source, **timed}), "timed")
    create_environment(world.workspace)
    with pytest.raises(ContractViolation, match=r"the newest load is 7,2\d\d seconds old, at most 1 hour are allowed"):
        check_contract(world.workspace)
    loaded = reporting_start(world.workspace, None)
    assert timedelta(hours=1.9) < clock(session) - loaded < timedelta(hours=2.1)
    assert 7100 < (oldest_seconds(world.workspace) or 0) < 7300
    world.project = project
    assert oldest_seconds(world.workspace) is None


def test_a_row_timestamp_is_read_where_the_rows_are():
    source = bank(table="CRM.PUBLIC.CALLS", loaded_at="metadata$row_last_commit_time").streamed
    moment, relation = load_time(source, "DB", "bank", "dev") or ("", "")
    assert (moment, relation) == (
        "CONVERT_TIMEZONE('UTC', METADATA$ROW_LAST_COMMIT_TIME)::TIMESTAMP_NTZ",
        '"CRM"."PUBLIC"."CALLS"',
    )
