"""Drift: the measures of SQL compared with numpy and scipy, windows, bounds, and what is found and what is not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from snowflake.snowpark import Session

from snowloop.errors import MonitoringError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.features.baseline import write_baseline, write_score_baseline
from snowloop.lifecycle.features.feature import Feature, Subject
from snowloop.lifecycle.monitoring import retraining
from snowloop.lifecycle.monitoring.alert_store import update_alerts
from snowloop.lifecycle.monitoring.drift import Period, drift, merge_windows
from snowloop.lifecycle.monitoring.drift_bounds import bound, noise, unseen_beyond
from snowloop.lifecycle.versions import Version
from snowloop.project.monitoring import Drift, Monitoring
from snowloop.sql import identifier
from snowloop.workspace import Workspace
from snowloop_procedures.statistics.deciles import score_bins
from tests.lifecycle.monitoring.drift_simulation import psi
from tests.support.tiny import tiny

FEATURES = (Feature("X", "FLOAT"), Feature("KIND", "VARCHAR"), Feature("FLAT", "FLOAT"))
VERSION = Version("V1", facts={"training_set": "f1"})
DAY = timedelta(days=1)
ROWS = 400
FIRST = datetime.fromisoformat("2026-03-01")
RECENT = datetime.combine(datetime.now(UTC).date() - 30 * DAY, time())
Values = dict[str, np.ndarray]


def drawn(rows: int, seed: int, shift: float = 0.0, kinds: str = "ABCDEFG") -> Values:
    """A sample: X is normal and may be missing, KIND is a text, FLAT is always the same, the score is in 0..1."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(rows) < 0.05, np.nan, rng.normal(shift, 1, rows))
    kind = rng.choice(list(kinds), size=rows).astype(object)
    return {"X": x, "KIND": kind, "FLAT": np.ones(rows), "(score)": rng.beta(2, 5, rows)}


TRAINED = drawn(ROWS, 1)


@pytest.fixture(scope="module")
def place(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An environment with the baseline of a version, split in time order, and the importance of its features."""
    project = tiny(tmp_path_factory.mktemp("drift"))
    split = project.split.model_copy(update={"by": "order", "order_by": "ID"})
    monitoring = Monitoring(drift=Drift(min_rows=100))
    project = project.model_copy(update={"split": split, "monitoring": monitoring})
    made = Workspace(session, project, "drifting")
    create_environment(made)
    table = identifier(made.database, "OPS", "TRAINED_ROWS")
    rows = zip(range(ROWS), TRAINED["X"], TRAINED["KIND"], strict=True)
    values = ", ".join(f"({number}, {'NULL' if np.isnan(x) else x}, '{kind}')" for number, x, kind in rows)
    session.sql(
        f"CREATE OR REPLACE TABLE {table} AS SELECT COLUMN1 AS ID, COLUMN1 AS SNOWLOOP_ORDER, COLUMN2::FLOAT AS X, "
        f"COLUMN3 AS KIND, 1::FLOAT AS FLAT, FALSE AS IS_HOLDOUT FROM VALUES {values}"
    ).collect()
    write_baseline(made, Subject(table, "f1", FEATURES))
    write_score_baseline(made, "f1", "V1", score_bins(TRAINED["(score)"]))
    session.sql(
        f"INSERT INTO {identifier(made.database, 'OPS', 'EVALUATION_DETAILS')} (MODEL_NAME, MODEL_VERSION, DETAILS) "
        'SELECT \'TINY\', \'V1\', PARSE_JSON(\'{"results": {"importance": {"X": 0.3, "KIND": 0.1, "FLAT": -0.2}}}\')'
    ).collect()
    return made


@pytest.fixture
def workspace(place: Workspace) -> Iterator[Workspace]:
    """The same, in which nothing was scored yet."""
    yield place
    for table in ("DRIFT", "DRIFT_COUNTS", "MONITORING_CHECKS", "ALERTS", "ALERT_EVENTS", "RETRAININGS"):
        place.session.sql(f"DELETE FROM {identifier(place.database, 'OPS', table)}").collect()


def placed(column: str, values: np.ndarray) -> list[str]:
    """The bin of each value, by the rule of the documentation."""
    trained = TRAINED[column]
    if column == "KIND":
        known, counts = np.unique(trained.astype(str), return_counts=True)
        order = [known[at] for at in np.lexsort((known, -counts))]
        return [
            "NULL" if each is None else f"C{order.index(each) + 1:02}" if each in order else "UNSEEN" for each in values
        ]
    finite = trained[~np.isnan(trained)]
    edges = np.unique(np.quantile(finite, np.arange(10) / 10, method="inverted_cdf"))
    names = []
    for value in values:
        if np.isnan(value):
            names.append("NULL")
        elif value < finite.min():
            names.append("BELOW")
        else:
            names.append("ABOVE" if value > finite.max() else f"B{np.searchsorted(edges, value, side='right'):02}")
    return names


def score(workspace: Workspace, at: datetime, values: Values, kind: str | None = None) -> None:
    """A run of the loop, as it counts its rows."""
    rows = []
    for column, sample in values.items():
        names = placed(column, sample)
        for name in sorted(set(names)):
            own = [value for value, each in zip(sample, names, strict=True) if each == name]
            total = "NULL" if column == "KIND" or name == "NULL" else repr(float(sum(own)))
            start = f"('run {at}', {repr(kind) if kind else 'NULL'}, 'V1', '{column}', '{name}'"
            rows.append(f"{start}, {len(own)}, {total}::FLOAT, '{at}')")
    counts = identifier(workspace.database, "OPS", "DRIFT_COUNTS")
    workspace.session.sql(f"INSERT INTO {counts} SELECT COLUMN1, COLUMN2, COLUMN3, COLUMN4, COLUMN5, COLUMN6, COLUMN7, "
                          f"COLUMN8::TIMESTAMP_NTZ FROM VALUES {', '.join(rows)}").collect()  # fmt: skip


def measured(workspace: Workspace, reference: str = "baseline") -> dict[tuple[datetime, str], dict[str, Any]]:
    table = identifier(workspace.database, "OPS", "DRIFT")
    rows = workspace.session.sql(f"SELECT * FROM {table} WHERE REFERENCE = '{reference}'").collect()
    return {(row["WINDOW_START"], row["COLUMN_NAME"]): row.as_dict() for row in rows}


def merged(names: list[str]) -> list[str]:
    return [{"BELOW": "B01", "ABOVE": "B10", "UNSEEN": "OTHER"}.get(name, name) for name in names]


def counts_of(first: list[str], second: list[str]) -> tuple[np.ndarray, np.ndarray]:
    bins = sorted({*first, *second})
    return np.array([first.count(each) for each in bins], float), np.array([second.count(each) for each in bins], float)


def test_the_measures_of_sql_are_those_of_numpy_and_scipy(workspace: Workspace):
    windows = [drawn(700, 2), drawn(600, 3, shift=0.7, kinds="ABCXY")]
    windows[1]["KIND"][:30] = None
    windows[1]["X"][:5] = 99.0
    for number, values in enumerate(windows):
        for part in (slice(0, 250), slice(250, None)):  # a window is the sum of its runs
            score(workspace, FIRST + number * DAY, {name: column[part] for name, column in values.items()})
    found = drift(workspace, VERSION)
    assert found.windows == 2
    for number, values in enumerate(windows):
        for column, sample in values.items():
            row = measured(workspace)[FIRST + number * DAY, column]
            now, before = placed(column, sample), placed(column, TRAINED[column])
            n, m = counts_of(merged(now), merged(before))
            value, bins = psi(n, m)
            assert row["PSI"] == pytest.approx(value, abs=1e-12)
            assert (row["N"], row["REFERENCE_N"], row["BINS"]) == (len(sample), ROWS, bins)
            assert row["JS_DISTANCE"] == pytest.approx(jensenshannon(n, m, base=2), abs=1e-9)
            assert row["NULL_RATE"] == pytest.approx(now.count("NULL") / len(sample))
            if column == "KIND":
                assert row["KS"] is None
                assert row["L_INFINITY"] == pytest.approx(np.max(np.abs(n / n.sum() - m / m.sum())))
                assert row["UNSEEN_RATE"] == pytest.approx(now.count("UNSEEN") / len(sample))
                continue
            edges = np.unique([each for each in merged(before) if each != "NULL"])
            shares = [
                np.cumsum([names.count(each) for each in edges]) / sum(each != "NULL" for each in names)
                for names in (merged(now), merged(before))
            ]
            assert row["KS"] == pytest.approx(np.max(np.abs(shares[0] - shares[1])), abs=1e-12)
            assert row["OUT_OF_RANGE_RATE"] == pytest.approx((now.count("BELOW") + now.count("ABOVE")) / len(sample))
            deviation = np.nanstd(TRAINED[column], ddof=1)
            shift = (np.nanmean(sample) - np.nanmean(TRAINED[column])) / deviation if deviation else None
            assert row["MEAN_SHIFT"] == (None if shift is None else pytest.approx(shift))
    # against the window before: only the second has one
    previous = measured(workspace, "previous")
    assert set(previous) == {(FIRST + DAY, column) for column in windows[0]}
    n, m = counts_of(*(merged(placed("X", values["X"])) for values in reversed(windows)))
    assert previous[FIRST + DAY, "X"]["PSI"] == pytest.approx(psi(n, m)[0], abs=1e-12)


@pytest.mark.slow
def test_a_shift_is_found_with_its_reason_and_the_total_is_weighted_by_importance(workspace: Workspace):
    score(workspace, FIRST, drawn(700, 4))
    quiet = {check.name: check for check in drift(workspace, VERSION).checks}
    assert set(quiet) == {"drift:X", "drift:KIND", "drift:FLAT", "drift:(score)", "drift:(total)"}
    assert all(check.passed for check in quiet.values())
    score(workspace, FIRST + DAY, drawn(700, 5, shift=1.0))
    found = drift(workspace, VERSION)
    checks = {check.name: check for check in found.checks}
    assert [name for name, check in checks.items() if check.failed] == ["drift:(total)", "drift:X"]
    x = checks["drift:X"]
    assert (x.value or 0) > 0.5
    assert "X of 700 rows, 2026-03-02 00:00:00 to 2026-03-03 00:00:00 UTC: PSI " in x.reason
    assert 0.1 < (x.bound or 0) < 0.11, "by 400 baseline rows; chunks of 40 rows say nothing of windows of 100"
    assert "(few rows) is allowed" in x.reason
    assert "mean shifted by +" in x.reason
    assert "PSI against the window before" in x.reason
    total = ((x.value or 0) * 0.3 + (checks["drift:KIND"].value or 0) * 0.1) / 0.4
    assert checks["drift:(total)"].value == pytest.approx(total)
    recorded = workspace.session.sql(
        f"SELECT * FROM {identifier(workspace.database, 'OPS', 'MONITORING_CHECKS')} "
        "WHERE NAME = 'drift:X' ORDER BY WINDOW_END"
    ).collect()
    assert [(row["WINDOW_START"], row["WINDOW_END"], row["N"], row["PASSED"]) for row in recorded] == [
        (FIRST, FIRST + DAY, 700, True),
        (FIRST + DAY, FIRST + 2 * DAY, 700, False),
    ]
    # nothing new: the newest window is still reported, and nothing is measured twice
    again = drift(workspace, VERSION)
    assert (again.windows, again.checks) == (0, found.checks)


@pytest.mark.slow
def test_another_unit_is_found_also_where_all_rows_fall_into_the_outer_bins(workspace: Workspace):
    score(workspace, FIRST, drawn(700, 4) | {"FLAT": np.full(700, 100.0)})
    found = drift(workspace, VERSION)
    (check,) = (each for each in found.checks if each.failed)
    assert (check.name, check.value) == ("drift:FLAT", 1.0)
    assert "PSI 0.000" in check.reason
    assert "100.0% of the rows are outside of all that it was trained on, has the unit changed?" in check.reason


@pytest.mark.slow
def test_other_texts_in_place_of_rare_ones_are_found_and_new_names_of_rows_are_none(workspace: Workspace):
    """Of 400 rows in 100 cities no city has a bin of its own, so that other cities have a PSI of 0."""
    table, counts = (identifier(workspace.database, "OPS", name) for name in ("ROWS_OF_CITIES", "DRIFT_COUNTS"))
    workspace.session.sql(
        f"CREATE OR REPLACE TABLE {table} AS SELECT SEQ4() AS ID, SEQ4() AS SNOWLOOP_ORDER, FALSE AS IS_HOLDOUT, "
        "'city ' || MOD(SEQ4(), 100) AS CITY, 'name ' || SEQ4() AS OWNER FROM TABLE(GENERATOR(ROWCOUNT => 400))"
    ).collect()
    workspace.session.sql(
        f"INSERT INTO {counts} SELECT 'run', NULL, 'V2', COLUMN1, 'UNSEEN', 700, NULL::FLOAT, '{FIRST}'::TIMESTAMP_NTZ "
        "FROM VALUES ('CITY'), ('OWNER')"
    ).collect()
    write_baseline(workspace, Subject(table, "f2", (Feature("CITY", "VARCHAR"), Feature("OWNER", "VARCHAR"))))
    found = {check.name: check for check in drift(workspace, Version("V2", facts={"training_set": "f2"})).checks}
    assert {name: (check.passed, check.value) for name, check in found.items()} == {
        "drift:CITY": (False, 1.0),
        "drift:OWNER": (True, 0.0),
    }
    assert "PSI 0.000" in found["drift:CITY"].reason
    assert "100.0% of the rows have a text that it was not trained on, 0.0% were to be expected" in (
        found["drift:CITY"].reason
    )


@pytest.mark.slow
def test_rows_that_were_scored_again_are_no_drift(workspace: Workspace):
    score(workspace, FIRST, drawn(700, 6))
    for kind in ("backfill", "requeue", "recovery"):
        score(workspace, FIRST + timedelta(hours=1), drawn(700, 7, shift=3.0), kind=kind)
    found = drift(workspace, VERSION)
    assert not any(check.failed for check in found.checks)
    assert measured(workspace)[FIRST, "X"]["N"] == 700
    score(workspace, FIRST + DAY, drawn(700, 7, shift=3.0), kind="backfill")
    assert drift(workspace, VERSION).windows == 0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "asked"), [("backfill", ()), (None, ("drift:(total)", "drift:X"))])
def test_what_drifts_for_days_asks_for_a_training_and_a_backfill_for_none(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str | None, asked: tuple[str, ...]
):
    rules = workspace.project.monitoring.model_copy(update={"retrain_on": ("drift",)})
    project = workspace.project.model_copy(update={"monitoring": rules})
    given = Workspace(workspace.session, project, workspace.target)
    monkeypatch.setattr(retraining, "champion", lambda _: VERSION)
    for day in range(3):
        score(given, RECENT + day * DAY, drawn(700, 6))
        score(given, RECENT + day * DAY, drawn(1400, 7, shift=3.0), kind=kind)
    drift(given, VERSION)
    update_alerts(given, VERSION.name)
    retraining_asked = retraining.request_retraining(given, "run_1")
    assert retraining_asked.signals == asked
    assert (retraining_asked.request_id is not None) is bool(asked)


@pytest.mark.slow
def test_a_window_of_few_rows_waits_for_the_next_and_is_not_judged(workspace: Workspace):
    score(workspace, FIRST, drawn(60, 8, shift=3.0))
    found = drift(workspace, VERSION)
    assert (found.windows, found.checks) == (0, ())
    assert found.waiting == (
        "drift: 60 rows since 2026-03-01 00:00:00 UTC are not judged yet: a window takes 1 day and 100 rows"
    )
    score(workspace, FIRST + 5 * DAY, drawn(60, 9, shift=3.0))
    found = drift(workspace, VERSION)
    assert (found.windows, found.waiting) == (1, "")
    row = measured(workspace)[FIRST, "X"]
    assert (row["WINDOW_END"], row["N"]) == (FIRST + 6 * DAY, 120)


@pytest.mark.slow
def test_a_window_that_is_not_over_waits(workspace: Workspace):
    now = workspace.session.sql("SELECT SYSDATE()").collect()[0][0]
    score(workspace, now, drawn(700, 10, shift=3.0))
    found = drift(workspace, VERSION)
    assert (found.windows, found.checks) == (0, ())
    assert found.waiting.startswith("drift: 700 rows since ")


@pytest.mark.slow
def test_a_feature_to_ignore_is_measured_and_not_judged(workspace: Workspace):
    def ignoring(name: str) -> Workspace:
        declared = Monitoring(drift=Drift(min_rows=100, ignore=(name,)))
        return replace(workspace, project=workspace.project.model_copy(update={"monitoring": declared}))

    score(workspace, FIRST, drawn(700, 11, shift=3.0))
    checks = {check.name: check for check in drift(ignoring("X"), VERSION).checks}
    assert checks["drift:X"].outcome == "not_asked"
    assert checks["drift:(total)"].passed
    with pytest.raises(
        MonitoringError, match=r"ignore names NOPE, which version V1 does not take: its features are FLAT"
    ):
        drift(ignoring("NOPE"), VERSION)


def test_a_version_without_a_baseline_is_not_measured(workspace: Workspace):
    found = drift(workspace, Version("V0", facts={"training_set": "f0"}))
    assert found.checks == ()
    assert "version V0 has no baseline in OPS.BASELINES" in found.waiting


def test_an_environment_of_an_earlier_version_is_named(session: Session, workspace: Workspace):
    database = workspace.project.database("earlier")
    for statement in (f"CREATE DATABASE {database}", f"CREATE SCHEMA {database}.OPS"):
        session.sql(statement).collect()
    with pytest.raises(MonitoringError, match=r"earlier version, OPS\.DRIFT does not exist: run the DAG tiny__environ"):
        drift(replace(workspace, target="earlier"), VERSION)


def test_windows_are_merged_until_they_have_rows_enough():
    slices = [(FIRST + number * DAY, rows, number < 5) for number, rows in enumerate((600, 200, 100, 300, 90, 900))]
    windows, rest = merge_windows(slices, DAY, 500)
    assert windows == [Period(FIRST, FIRST + DAY, 600), Period(FIRST + DAY, FIRST + 4 * DAY, 600)]
    assert rest == Period(FIRST + 4 * DAY, FIRST + 6 * DAY, 990)
    assert merge_windows([], DAY, 500) == ([], None)


def test_the_bound_is_the_greatest_of_three():
    # by the table of the chi-square distribution: 27.877 is the 0.999 quantile of 9 degrees of freedom
    assert noise(10, 200, 10**9, 10, 0.01) == pytest.approx(27.877 / 200, abs=1e-4)
    assert noise(1, 200, 1000, 10, 0.01) == 0
    assert (bound(0.1, 0.05, None).value, bound(0.1, 0.05, None).source) == (0.1, "declared")
    assert bound(0.1, 0.14, 0.12).source == "few rows"
    assert (bound(0.1, 0.14, 0.3).value, bound(0.1, 0.14, 0.3).source) == (0.3, "changes within the training set")


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_new_texts_of_a_text_with_many_are_no_drift(exponent: float):
    """Rows of 1,000 categories like those that were trained on: as many are unseen as is expected."""
    rng, shares = np.random.default_rng(1), np.arange(1.0, 1001) ** -exponent
    above = 0
    for _ in range(200):
        trained, window = (rng.choice(1000, size=1000, p=shares / shares.sum()) for _ in range(2))
        known, counts = np.unique(trained, return_counts=True)
        rate = float(np.mean(~np.isin(window, known)))
        above += unseen_beyond(rate, 1000, int(np.sum(counts == 1)), 1000, 0.01) > 0
    assert above <= 5, "1 % of 200, and two standard errors"
    assert unseen_beyond(0.3, 1000, 0, 1000, 0.01) == 0.3
    assert unseen_beyond(1.0, 1000, 1000, 1000, 0.01) == 0
