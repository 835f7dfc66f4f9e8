"""Data health: each signal is measured, judged by day or moment, and written once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from snowloop.lifecycle.monitoring.data_health import data_health, robust_deviation, type_name
from snowloop.lifecycle.monitoring.windows import Window, record_windows
from snowloop.project import Source
from snowloop.project.sources import Column, Freshness
from snowloop.workspace import Workspace

pytestmark = pytest.mark.usefixtures("today")


def rows(workspace: Workspace, query: str) -> list[Any]:
    return workspace.session.sql(query.replace("{db}", workspace.database)).collect()


def scored(workspace: Workspace, days: dict[int, tuple[int, int, float]]) -> None:
    """One run on each day: by how many days ago it was, rows read, rows quarantined and seconds."""
    values = ", ".join(
        f"('r{ago}', {read}, {bad}, DATEADD('hour', 12, DATEADD('day', -{ago}, SYSDATE()::DATE)), {seconds})"
        for ago, (read, bad, seconds) in days.items()
    )
    rows(
        workspace,
        "INSERT INTO {db}.OPS.RUNS (RUN_ID, STATE, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT) "
        "SELECT COLUMN1, 'SUCCEEDED', COLUMN2, COLUMN2 - COLUMN3, COLUMN3, COLUMN4, "
        f"DATEADD('millisecond', 1000 * COLUMN5, COLUMN4) FROM VALUES {values}",
    )


def found(workspace: Workspace, signal: str) -> dict[int, Window]:
    """The windows of a signal, by how many days ago they began."""
    windows = [each for each in data_health(workspace) if each.check.name == signal]
    return {(datetime.now(UTC).date() - each.start.date()).days: each for each in windows}


def test_volume_is_compared_with_the_same_weekday_and_days_without_a_run_count(workspace: Workspace, today: date):
    usual = {ago: (1000 if (today - timedelta(days=ago)).weekday() < 5 else 10, 0, 1.0) for ago in range(1, 72)}
    gone = next(ago for ago in range(4, 12) if usual[ago][0] == 1000)
    del usual[gone]
    usual[3] = (300, 0, 1.0)
    scored(workspace, {**usual, 80: (5, 0, 1.0)})
    volume = found(workspace, "volume")
    assert sorted(volume) == list(range(1, 15)), "today is not over"
    assert {ago for ago, each in volume.items() if each.check.failed} == {3, gone}
    assert volume[3].rows == 300
    day = today - timedelta(days=3)
    assert f"300 rows on {day.strftime('%A')} {day}, the median of 8" in volume[3].check.reason


def test_a_day_with_too_few_earlier_ones_is_shown_and_not_judged(workspace: Workspace):
    scored(workspace, dict.fromkeys(range(1, 20), (100, 0, 1.0)))
    volume = found(workspace, "volume")
    assert {each.check.outcome for each in volume.values()} == {"not_asked"}
    assert "2 of 4 earlier" in volume[1].check.reason


def test_runs_that_score_rows_again_are_no_arrivals(workspace: Workspace):
    scored(workspace, dict.fromkeys(range(1, 5), (100, 0, 1.0)))
    rows(workspace, "UPDATE {db}.OPS.RUNS SET KIND = 'backfill'")
    assert found(workspace, "volume") == {}
    assert found(workspace, "quarantine") == {}


def test_shares_are_above_their_bound_only_if_the_interval_is(workspace: Workspace):
    scored(workspace, {1: (10, 1, 1.0), 2: (1000, 60, 1.0), 3: (1000, 80, 1.0), 4: (1000, 10, 1.0)})
    quarantine = found(workspace, "quarantine")
    assert {ago: each.check.passed for ago, each in quarantine.items()} == {1: True, 2: True, 3: False, 4: True}
    assert quarantine[3].check.value == 0.08
    assert "80 of 1,000 rows of" in quarantine[3].check.reason


def loaded(workspace: Workspace, ago: int, read: int, bad: int, *, hour: int = 0) -> None:
    rows(
        workspace,
        "INSERT INTO {db}.OPS.LOADS (SOURCE, FILE, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, LOADED_AT) "
        f"SELECT 'PATIENT', 'f{ago}.{hour}', {read}, {read - bad}, {bad}, "
        f"DATEADD('hour', {hour}, DATEADD('day', -{ago}, SYSDATE()::DATE))",
    )


def test_rejected_records_are_a_share_of_the_days_files(workspace: Workspace):
    loaded(workspace, 1, 500, 100)
    loaded(workspace, 1, 500, 0, hour=1)
    loaded(workspace, 2, 1000, 3)
    rejects = found(workspace, "rejects")
    assert {ago: (each.check.passed, each.check.value) for ago, each in rejects.items()} == {
        1: (False, 0.1), 2: (True, 0.003),
    }  # fmt: skip


def test_latency_is_from_the_load_to_the_end_of_the_first_run_after_it_weighted_by_rows(workspace: Workspace):
    scored(workspace, {5: (1, 0, 1.0), 3: (1000, 0, 60.0)})
    loaded(workspace, 6, 999, 0)  # before the loop scored first
    loaded(workspace, 4, 50, 0, hour=6)  # until 12:01 of the day after: 30 hours
    loaded(workspace, 3, 950, 0, hour=11)
    loaded(workspace, 3, 50, 0, hour=6)
    loaded(workspace, 2, 10, 0)
    latency = found(workspace, "latency")
    assert sorted(latency) == [2, 3, 4]
    assert (latency[4].check.value, latency[4].check.passed) == (30 * 3600 + 60, False)
    assert (latency[3].check.value, latency[3].check.passed) == (3660, True)
    assert "50 % were scored within 3,660 s, 95 % within 3,660 s" in latency[3].check.reason
    assert latency[2].check.outcome == "not_asked"


def test_cost_is_time_per_thousand_rows_against_the_days_before(workspace: Workspace):
    scored(workspace, {**dict.fromkeys(range(3, 9), (1000, 0, 10.0)), 2: (1000, 0, 59.0), 1: (2000, 0, 240.0)})
    cost = found(workspace, "cost")
    assert cost[2].check.passed, "a minute of overhead is no matter"
    assert cost[1].check.failed
    assert cost[1].check.value == pytest.approx(12)
    assert "120 s per thousand rows" in cost[1].check.reason


def test_the_last_run_of_the_contract_counts(workspace: Workspace):
    insert = (
        "INSERT INTO {db}.OPS.CONTRACT_CHECKS (CHECK_RUN, SOURCE, CHECK_NAME, PASSED, CHECKED_AT) "
        "SELECT '%s', 'patient', COLUMN1, COLUMN2, '2026-01-0%s'::TIMESTAMP_NTZ "
        "FROM VALUES ('ROW_COUNT', TRUE), ('BMI', %s)"
    )
    rows(workspace, insert % ("b", 1, "TRUE"))
    rows(workspace, insert % ("a", 2, "FALSE"))
    (window,) = found(workspace, "contract").values()
    assert window.start == datetime(2026, 1, 2, tzinfo=UTC)
    assert (window.check.passed, window.check.value) == (False, 1)
    assert "1 of 2 checks of the contract failed at 2026-01-02 00:00 UTC: BMI of patient" in window.check.reason
    rows(workspace, insert % ("c", 3, "TRUE"))
    assert next(iter(found(workspace, "contract").values())).check.passed


def test_a_schema_that_changed_is_named_column_by_column(workspace: Workspace):
    (window,) = found(workspace, "schema:PATIENT").values()
    assert window.check.passed
    source = workspace.project.streamed
    columns = {name: each for name, each in source.columns.items() if name != "S6"}
    columns["AGE"] = columns["AGE"].model_copy(update={"type": "VARCHAR"})
    columns["WEIGHT"] = columns["BMI"]
    changed = source.model_copy(update={"columns": columns})
    project = workspace.project.model_copy(update={"sources": {"patient": changed}})
    (window,) = found(Workspace(workspace.session, project, workspace.target), "schema:PATIENT").values()
    assert (window.check.passed, window.check.value) == (False, 3)
    for change in ("AGE is FLOAT, declared is VARCHAR", "WEIGHT is missing", "S6 is not declared"):
        assert change in window.check.reason


def with_source(workspace: Workspace, **changes: Any) -> Workspace:
    source = workspace.project.streamed.model_copy(update=changes)
    return replace(workspace, project=workspace.project.model_copy(update={"sources": {"patient": source}}))


def of_schema(workspace: Workspace) -> list[Window]:
    return [each for each in data_health(workspace) if each.check.name in ("schema:PATIENT", "freshness:PATIENT")]


def test_a_source_that_is_gone_or_lacks_the_column_of_its_age_is_a_schema_that_changed(workspace: Workspace):
    """Its age cannot be asked for then, which must not hide why."""
    columns = {**workspace.project.streamed.columns, "SEEN_AT": Column(type="TIMESTAMP_NTZ")}
    fresh = Freshness(column="SEEN_AT", max_age=timedelta(days=1))
    (window,) = of_schema(with_source(workspace, columns=columns, freshness=fresh))
    assert (window.check.passed, window.check.value) == (False, 1)
    assert "SEEN_AT is missing" in window.check.reason
    rows(workspace, "ALTER TABLE {db}.RAW.PATIENT RENAME TO {db}.RAW.PATIENT_BEFORE")
    try:
        (window,) = of_schema(workspace)
    finally:
        rows(workspace, "ALTER TABLE {db}.RAW.PATIENT_BEFORE RENAME TO {db}.RAW.PATIENT")
    assert not window.check.passed
    assert "RAW.PATIENT does not exist" in window.check.reason


def test_of_a_table_that_others_fill_the_columns_are_its_own(workspace: Workspace):
    """The view of it in RAW stays as it was made, whatever becomes of the table."""
    given = with_source(workspace, table=f"{workspace.database}.OPS.OF_OTHERS", row_id=None)
    names = [f"1::{column.type} AS {name}" for name, column in given.project.streamed.columns.items()]
    rows(workspace, f"CREATE TABLE {{db}}.OPS.OF_OTHERS AS SELECT {', '.join([*names, '2 AS MORE'])}")
    (window,) = of_schema(given)
    assert window.check.passed
    rows(workspace, "ALTER TABLE {db}.OPS.OF_OTHERS DROP COLUMN AGE")
    (window,) = of_schema(given)
    assert not window.check.passed
    assert "OF_OTHERS has no column AGE" in window.check.reason
    rows(workspace, "DROP TABLE {db}.OPS.OF_OTHERS")
    (window,) = of_schema(given)
    assert "OF_OTHERS does not exist, or role" in window.check.reason


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NUMBER(38,0)", "NUMBER"), ("int", "NUMBER"), ("double precision", "FLOAT"), ("VARCHAR(16777216)", "VARCHAR"),
        ("TIMESTAMP_NTZ(9)", "TIMESTAMP_NTZ"), ("DATETIME", "TIMESTAMP_NTZ"), ("VARIANT", "VARIANT"),
    ],
)  # fmt: skip
def test_names_of_one_type_are_one(text: str, name: str):
    assert type_name(text) == name


def test_freshness_is_judged_as_the_contract_declares_it(workspace: Workspace):
    declared = {**workspace.project.streamed.model_dump(exclude_unset=True), "freshness": {"max_age": "2 days"}}
    project = workspace.project.model_copy(update={"sources": {"patient": Source.model_validate(declared)}})
    given = Workspace(workspace.session, project, workspace.target)
    (window,) = found(given, "freshness:PATIENT").values()
    assert window.check.failed
    loaded(workspace, 1, 10, 0)
    assert next(iter(found(given, "freshness:PATIENT").values())).check.passed
    rows(workspace, "UPDATE {db}.OPS.LOADS SET LOADED_AT = DATEADD('day', -3, SYSDATE())")
    assert next(iter(found(given, "freshness:PATIENT").values())).check.failed


def test_what_was_written_is_not_written_again_and_a_changed_judgement_is(workspace: Workspace):
    scored(workspace, {1: (1000, 80, 1.0), 2: (1000, 10, 1.0)})
    windows = [each for each in data_health(workspace) if each.check.name == "quarantine"]
    for _ in range(2):
        record_windows(workspace, windows)
    count = "SELECT COUNT(*) AS N FROM {db}.OPS.MONITORING_CHECKS"
    assert rows(workspace, count)[0]["N"] == 2
    scored(workspace, {1: (1000, 0, 1.0)})
    record_windows(workspace, [each for each in data_health(workspace) if each.check.name == "quarantine"])
    kept = rows(workspace, "SELECT N, PASSED FROM {db}.OPS.MONITORING_CHECKS WHERE VALUE > 0.02 ORDER BY N")
    assert [tuple(each) for each in kept] == [(1000, False), (2000, True)]


@pytest.mark.parametrize("draw", ["poisson", "lognormal"])
def test_usual_days_are_seldom_above_the_bound_of_volume(draw: str):
    random = np.random.default_rng(1)
    shape = (1500, 9)
    counts = random.poisson(1000, shape) if draw == "poisson" else np.round(1000 * np.exp(random.normal(0, 0.2, shape)))
    far = [robust_deviation(float(row[0]), [float(each) for each in row[1:]]) > 5 for row in counts]
    assert np.mean(far) < 0.03
    assert robust_deviation(0, [1000.0] * 8) > 5, "a feed that stopped"
    assert robust_deviation(5, [4.0, 4, 4, 4]) < 1
