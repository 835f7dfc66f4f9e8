"""The page of monitoring: what it shows of a made history, self-contained and safe; and what is read from OPS."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session
from typer.testing import CliRunner

from snowloop.checks import Check
from snowloop.cli import connections, main
from snowloop.errors import MonitoringCheckError, ReportError
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring.monitor import MonitoringReport
from snowloop.lifecycle.report.monitoring import collect, collect_history, monitoring_html, publish_page, write_page
from snowloop.lifecycle.report.monitoring.history import DayOfRuns, DriftOfWindow, ScoreBin
from snowloop.lifecycle.report.monitoring.plots import (
    DRIFT,
    LATENCY,
    MEAN,
    PERFORMANCE,
    SCORES,
    VOLUME,
    nearest_to_bound,
)
from snowloop.lifecycle.versions import Version
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.lifecycle.report.monitoring_history import FEATURES, NEW, OLD, empty_history, made_history
from tests.lifecycle.report.test_report_pages import EVIL, Page
from tests.support.tiny import tiny

CHAMPION = Version("V1", ("CHAMPION",), {"roc_auc": 0.8}, {"training_set": "f1"}, default=True)
TODAY = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


def labels(page: Page) -> set[str]:
    return {value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"}


def test_the_page_has_a_plot_of_each_kind_and_the_open_alerts():
    page = Page(monitoring_html(made_history()))
    assert labels(page) == {DRIFT, PERFORMANCE, SCORES, MEAN, VOLUME, LATENCY}
    words = set(page.words)
    assert {"1 open alert", "drift:CONTACT", *FEATURES, OLD, NEW} <= words
    assert {f"{NEW}, not mature", "worst that is allowed", "over 2.5 times", "quarantined", "no rows"} <= words
    text = " ".join(page.words)
    assert "error since 2026-04-05 00:00: CONTACT of 900 rows: PSI 0.320, at most 0.100 (declared) is allowed" in text
    assert "roc auc , 0.74 to 0.8; window of Mar 30; 0.79 at training" in text.replace("auc,", "auc ,")


def test_signals_above_their_bound_come_first():
    words = Page(monitoring_html(made_history())).words
    states = [word[2:] for word in words if word[2:] in {"above", "kept", "not judged"}]
    assert states == ["above", "kept", "not judged"]


def test_the_page_needs_nothing_else_and_is_the_same_each_time():
    text = monitoring_html(made_history())
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    references = {value for _, name, value in page.attributes if name in {"href", "src", "xlink:href"}}
    assert all(each.startswith("#") for each in references)
    assert "http" not in text.replace("http-equiv", "")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)), "an id of a plot is that of another plot"
    assert monitoring_html(made_history()) == text


def test_a_champion_that_has_not_scored_has_a_page_that_says_so():
    page = Page(monitoring_html(empty_history()))
    assert labels(page) == set()
    text = " ".join(page.words)
    assert "No open alerts" in text
    for what in (
        "Drift: no window",
        "Scores: the version has no baseline",
        "Performance: no row",
        "Volume: ",
        "Latency: ",
    ):
        assert what in text


@pytest.mark.parametrize("name", [EVIL, "$x^2$ & more"])
def test_a_name_is_shown_and_never_read(name: str):
    made = made_history()
    drift = tuple(replace(each, subject=name if each.subject == "JOB" else each.subject) for each in made.drift)
    signals = (replace(made.signals[0], name=name, reason=name),)
    alerts = (replace(made.alerts[0], signal=name, reason=name),)
    page = Page(monitoring_html(replace(made, champion=name, drift=drift, signals=signals, alerts=alerts)))
    assert "script" not in page.tags
    assert page.words.count(name) >= 5


def test_of_many_features_those_nearest_to_their_bound_are_drawn():
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    drift = [
        DriftOfWindow(f"F{number:02}", "V1", moment, moment + DAY, 500, number / 100, 0.1, number <= 10)
        for number in range(30)
    ]
    shown = nearest_to_bound([*drift, replace(drift[0], subject="(total)"), replace(drift[0], subject="(score)")])
    assert shown == ["(total)", "(score)", *(f"F{number:02}" for number in range(29, 11, -1))]
    text = " ".join(Page(monitoring_html(replace(made_history(), drift=tuple(drift)))).words)
    assert "the 10 features that come least near to their bound are left out" in text


@pytest.fixture(scope="module")
def place(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(session, tiny(tmp_path_factory.mktemp("page")), "page")
    create_environment(made)
    return made


@pytest.fixture
def workspace(place: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Two days of scoring that were monitored, of which one was judged twice."""
    monkeypatch.setattr(collect, "champion", lambda _workspace: CHAMPION)
    first, second = TODAY - 3 * DAY, TODAY - 2 * DAY
    for start, x, total in ((first, 0.02, 0.01), (second, 0.4, 0.2)):
        window = f"'{start}', '{start + DAY}', 900"
        checks = "NAME, MODEL_VERSION, VALUE, BOUND, PASSED, WINDOW_START, WINDOW_END, N, REASON, CHECKED_AT"
        insert(place, "MONITORING_CHECKS", checks, f"'drift:X', 'V1', {x}, 0.1, {x <= 0.1}, {window}, 'x', SYSDATE()")
        insert(
            place, "MONITORING_CHECKS", checks,
            f"'drift:(total)', 'V1', {total}, 0.1, {total <= 0.1}, {window}, 't', SYSDATE()",
        )  # fmt: skip
        old = f"{window}, 'before more was known', DATEADD('hour', -1, SYSDATE())"
        insert(place, "MONITORING_CHECKS", checks, f"'volume', NULL, 9, 5, FALSE, {old}")
        insert(place, "MONITORING_CHECKS", checks, f"'volume', NULL, 1, 5, {start == first}, {window}, 'v', SYSDATE()")
        runs = "RUN_ID, STATE, KIND, ROWS_READ, ROWS_SCORED, ROWS_QUARANTINED, STARTED_AT, FINISHED_AT"
        at = f"'{start + timedelta(hours=2)}', '{start + timedelta(hours=2, minutes=1)}'"
        insert(place, "RUNS", runs, f"'r{start}', 'SUCCEEDED', NULL, 900, 890, 10, {at}")
        insert(place, "RUNS", runs, f"'b{start}', 'SUCCEEDED', 'backfill', 5000, 5000, 0, {at}")
        loads = "SOURCE, FILE, ROWS_READ, ROWS_LOADED, ROWS_REJECTED, LOADED_AT"
        insert(place, "LOADS", loads, f"'EVENTS', 'f', 900, 900, 0, '{start + timedelta(hours=2, seconds=-20)}'")
        metrics = "RUN_ID, DAY, MODEL_VERSION, ROWS_SCORED, MEAN_SCORE"
        insert(place, "METRICS", metrics, f"'r{start}', '{start.date()}', 'V1', 890, {total}")
        counts = "RUN_ID, KIND, MODEL_VERSION, COLUMN_NAME, BIN, N, COUNTED_AT"
        for kind, rows in (("NULL", 600 if start == first else 700), ("'backfill'", 5000)):
            moment = start + timedelta(hours=2)
            insert(place, "DRIFT_COUNTS", counts, f"'r', {kind}, 'V1', '(score)', 'B02', {rows}, '{moment}'")
    bins = "TRAINING_SET, MODEL_VERSION, COLUMN_NAME, BIN, POSITION, LOWER, UPPER, N"
    insert(place, "BASELINES", bins, "'f1', 'V1', '(score)', 'B01', 1, NULL, 0.5, 50")
    insert(place, "BASELINES", bins, "'f1', 'V1', '(score)', 'B02', 2, 0.5, NULL, 50")
    insert(place, "BASELINES", bins, "'f1', NULL, 'X', 'B01', 1, NULL, 0.5, 50")
    late = "WINDOW_START, WINDOW_END, MODEL_VERSION, SLICE, METRIC, VALUE, LOW, HIGH, SCORED, LABELLED, MATURE"
    week = f"'{TODAY - 9 * DAY}', '{TODAY - 2 * DAY}'"
    insert(place, "PERFORMANCE", late, f"{week}, 'V1', NULL, 'roc_auc', 0.7, 0.65, 0.75, 1000, 900, TRUE")
    insert(place, "PERFORMANCE", late, f"{week}, 'V1', 'KIND', 'roc_auc', 0.5, 0.4, 0.6, 500, 400, TRUE")
    alert = "ALERT_ID, SIGNAL, SEVERITY, STATE, OPENED_AT, FIRST_SEEN, LAST_SEEN, WINDOWS_BAD, REASON, EVENTS"
    moments = f"'{second}', '{second}', '{second}', 1"
    insert(place, "ALERTS", alert, f"'a1', 'drift:X', 'warning', 'open', {moments}, 'x drifts', 1")
    insert(place, "ALERTS", alert, f"'a2', 'volume', 'warning', 'closed', {moments}, 'gone', 2")
    yield place
    for table in (
        "MONITORING_CHECKS", "RUNS", "LOADS", "METRICS", "DRIFT_COUNTS", "BASELINES", "PERFORMANCE", "ALERTS",
    ):  # fmt: skip
        place.session.sql(f"DELETE FROM {place.database}.OPS.{table}").collect()


def insert(workspace: Workspace, table: str, columns: str, values: str) -> None:
    workspace.session.sql(f"INSERT INTO {workspace.database}.OPS.{table} ({columns}) SELECT {values}").collect()


def test_what_is_read_are_the_newest_judgements_and_the_rows_of_the_loop_alone(workspace: Workspace):
    found = collect_history(workspace)
    days = [(TODAY - 3 * DAY).date(), (TODAY - 2 * DAY).date()]
    assert [(each.subject, each.start.date(), each.value, each.passed) for each in found.drift] == [
        ("(total)", days[0], 0.01, True), ("X", days[0], 0.02, True),
        ("(total)", days[1], 0.2, False), ("X", days[1], 0.4, False),
    ]  # fmt: skip
    assert found.score_window
    assert found.score_window.start.date() == days[1]
    assert found.scores == (ScoreBin("B01", None, 0.5, 50, 0), ScoreBin("B02", 0.5, None, 50, 700))
    assert found.days == (DayOfRuns(days[0], 900, 10, True), DayOfRuns(days[1], 900, 10, False))
    latencies = [(each.day, each.rows, each.half, each.most) for each in found.latencies]
    assert latencies == [(days[1], 900, 80.0, 80.0)], "the first load came before the loop"
    assert [(each.value, each.low, each.mature) for each in found.performance] == [(0.7, 0.65, True)]
    assert [each.alert_id for each in found.alerts] == ["a1"]
    assert [(each.name, each.value, each.passed) for each in found.signals] == [("volume", 1, False)]
    assert [(each.day, each.mean) for each in found.mean_scores] == [(days[0], 0.01), (days[1], 0.2)]
    assert (found.champion, found.metric, found.reference) == ("V1", "roc_auc", 0.8)


def test_the_page_is_written_and_published_once_a_day(workspace: Workspace, today: date, tmp_path: Path):
    file = tmp_path / "pages" / "page.html"
    assert write_page(workspace, file) == str(file)
    assert labels(Page(file.read_text())) == {DRIFT, PERFORMANCE, SCORES, MEAN, VOLUME, LATENCY}
    places = {publish_page(workspace) for _ in range(2)}
    (published,) = places
    assert published == f"@{workspace.database}.OPS.REPORTS/monitoring/{today}.html"
    workspace.session.file.get(published, str(tmp_path))
    assert Page((tmp_path / f"{today}.html").read_text()).tags


def test_without_a_champion_there_is_no_page(place: Workspace):
    with pytest.raises(ReportError, match=r"TINY\W+has no champion; train and promote one"):
        collect_history(place)


REPORTS = {
    outcome: MonitoringReport("V1", (Check("CHAMPION_AGE", outcome, "40 days old"),))
    for outcome in ("passed", "failed")
}


@pytest.mark.parametrize("outcome", REPORTS)
def test_the_command_shows_all_checks_and_writes_the_page_also_if_one_fails(
    session: Session,
    snowflake_connection: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    outcome: str,
):
    workspace = Workspace(session, load_project("diabetes_progression"), "page")
    create_environment(workspace)

    def monitored(_workspace: Workspace) -> MonitoringReport:
        if outcome == "failed":
            raise MonitoringCheckError("the champion is old", REPORTS[outcome])
        return REPORTS[outcome]

    monkeypatch.setattr(collect, "champion", lambda _workspace: CHAMPION)
    monkeypatch.setattr("snowloop.lifecycle.monitoring.monitor.monitor", monitored)
    for name, value in snowflake_connection.items():
        if name.upper() in connections.SETTINGS:
            monkeypatch.setenv(f"SNOWFLAKE_{name.upper()}", str(value))
    file = tmp_path / "page.html"
    asked = ["monitor", "--project", workspace.project.name, "--target", "page", "--html", str(file)]
    ran = CliRunner().invoke(main.app, asked)
    assert ran.exit_code == (1 if outcome == "failed" else 0), ran.output
    assert "CHAMPION_AGE: 40 days old" in ran.stdout
    assert ("the champion is old" in ran.stderr.replace("\n", " ")) == (outcome == "failed")
    assert "No open alerts" in file.read_text()
    as_json = CliRunner().invoke(main.app, [*asked, "--json"])
    assert as_json.exit_code == ran.exit_code
    assert json.loads(as_json.stdout)["checks"][0]["outcome"] == outcome
