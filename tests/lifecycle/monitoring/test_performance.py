"""Performance on late labels: windows of event time, maturity, what is left out, and what is measured again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from snowflake.snowpark import Row, Session

from snowloop.checks import Check
from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.monitoring import performance as module
from snowloop.lifecycle.monitoring.due_windows import oldest_filling, oldest_window
from snowloop.lifecycle.monitoring.performance import performance
from snowloop.lifecycle.versions import Version
from snowloop.project import Performance, Project, Slice
from snowloop.sql import render
from snowloop.workspace import Workspace
from tests.support.tiny import tiny

pytestmark = pytest.mark.slow
NOW = datetime.now(UTC).replace(tzinfo=None)
MONDAY = datetime(NOW.year, NOW.month, NOW.day) - timedelta(days=NOW.weekday() + 28)  # noqa: DTZ001 - as in Snowflake
CHAMPION = Version("V1", ("CHAMPION",), {"roc_auc": 0.9}, {"training_set": "abc"}, default=True)
TABLES = (
    "RAW.EVENTS", "SERVING.SCORED", "OPS.PERFORMANCE", "OPS.PERFORMANCE_LOOKS", "OPS.RUNS", "FEATURES.TRAINING_SET_ABC",
)  # fmt: skip
ROWS = 120
"""Rows a week: by their number, the first hundred of each week are of KIND A."""


@pytest.fixture(scope="module")
def environment(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    project = tiny(tmp_path_factory.mktemp("late"))
    slices = (Slice(column="KIND", bound=0.8, min_rows=20),)
    made = Workspace(
        session,
        project.model_copy(update={"evaluation": project.evaluation.model_copy(update={"slices": slices})}),
        "late",
    )
    create_environment(made)
    rows(made, 'CREATE TABLE {db}.FEATURES."TRAINING_SET_ABC" (ID NUMBER(38,0), IS_HOLDOUT BOOLEAN)')
    return made


@pytest.fixture
def workspace(environment: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Three weeks of scored rows, without labels."""
    monkeypatch.setattr(module, "versions", lambda _workspace: [CHAMPION])
    for week in range(3):
        serve(environment, week)
    yield environment
    for table in (
        "RAW.EVENTS",
        "SERVING.SCORED",
        "OPS.PERFORMANCE",
        "OPS.PERFORMANCE_LOOKS",
        "OPS.RUNS",
        "FEATURES.TRAINING_SET_ABC",
    ):
        rows(environment, f"DELETE FROM {{db}}.{table}")


def rows(workspace: Workspace, query: str) -> list[Any]:
    return workspace.session.sql(query.replace("{db}", workspace.database)).collect()


def serve(workspace: Workspace, week: int) -> None:
    """Scores of a week's rows by V1, of which those of even rows are high."""
    numbers = range(week * 1000, week * 1000 + ROWS)
    events = ", ".join(f"({n}, '{'A' if n % 1000 < 100 else 'B'}', '{moment(n)}')" for n in numbers)
    rows(
        workspace,
        "INSERT INTO {db}.RAW.EVENTS (ID, KIND, HAPPENED_AT) SELECT COLUMN1, COLUMN2, COLUMN3::TIMESTAMP_NTZ "
        f"FROM VALUES {events}",
    )
    scored = ", ".join(f"({n}, {(0.7 if n % 2 == 0 else 0.3) + n % 50 / 1000}, '{moment(n)}')" for n in numbers)
    rows(
        workspace,
        "INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, EVENT_TIME) SELECT COLUMN1, "
        f"COLUMN2, 'V1', 'loop', DATEADD('hour', 1, COLUMN3::TIMESTAMP_NTZ), COLUMN3::TIMESTAMP_NTZ "
        f"FROM VALUES {scored}",
    )


def moment(number: int) -> datetime:
    return MONDAY + timedelta(weeks=number // 1000, hours=number % 1000)


def label(workspace: Workspace, week: int, *, upto: int = ROWS, wrong: int = 10) -> None:
    """Labels of a week's first rows, of which one in so many contradicts the score."""
    rows(
        workspace,
        f"UPDATE {{db}}.RAW.EVENTS SET LATE = CASE WHEN (ID % 2 = 0) = (FLOOR(ID / 2) % {wrong} > 0) THEN 1 ELSE 0 END "
        f"WHERE ID >= {week * 1000} AND ID < {week * 1000 + upto}",
    )


def a_day_later(workspace: Workspace) -> None:
    """As if the last look at all windows was yesterday."""
    rows(workspace, "UPDATE {db}.OPS.PERFORMANCE_LOOKS SET WHOLE_AT = DATEADD('day', -1, WHOLE_AT)")


def measured(workspace: Workspace, signal: str = "performance", **declared: Any) -> dict[int, Check]:
    """The judgements of a signal by week."""
    given = Workspace(workspace.session, declaring(workspace.project, **declared), workspace.target)
    windows = [each for each in performance(given, CHAMPION, []) if each.check.name == signal]
    return {(each.start.replace(tzinfo=None) - MONDAY).days // 7: each.check for each in windows}


def declaring(project: Project, **declared: Any) -> Project:
    monitoring = project.monitoring.model_copy(update={"performance": Performance(**declared)})
    return project.model_copy(update={"monitoring": monitoring})


def test_a_mature_window_is_judged_the_others_are_shown(workspace: Workspace):
    label(workspace, 0)
    label(workspace, 1, upto=60)
    checks = measured(workspace)
    assert {week: check.outcome for week, check in checks.items()} == {0: "passed", 1: "not_asked", 2: "not_asked"}
    assert "labels of 120 of 120 scored rows are known, roc_auc is 0.9" in checks[0].reason
    assert "labels of 60 of 120 scored rows are known, roc_auc is" in checks[1].reason
    assert "not judged: the window is not mature" in checks[1].reason
    kept = rows(
        workspace, "SELECT SCORED, LABELLED, MATURE, VALUE FROM {db}.OPS.PERFORMANCE WHERE SLICE IS NULL ORDER BY 1, 2"
    )
    assert [tuple(each)[:3] for each in kept] == [(120, 0, False), (120, 60, False), (120, 120, True)]
    assert kept[0]["VALUE"] is None


def test_an_estimate_without_labels_is_shown_where_it_is_declared_and_never_judged(workspace: Workspace):
    label(workspace, 0)
    assert "estimated" not in measured(workspace)[2].reason
    kept = "SELECT ESTIMATE FROM {db}.OPS.PERFORMANCE WHERE SLICE IS NULL"
    assert {row["ESTIMATE"] for row in rows(workspace, kept)} == {None}
    rows(workspace, "DELETE FROM {db}.OPS.PERFORMANCE")
    checks = measured(workspace, estimate=True)
    assert [checks[week].outcome for week in range(3)] == ["passed", "not_asked", "not_asked"]
    assert [row["ESTIMATE"] for row in rows(workspace, kept)] == [pytest.approx(0.72, abs=0.03)] * 3
    assert "labels of 0 of 120 scored rows are known, estimated without labels 0.7" in checks[2].reason
    assert [checks[week].value is None for week in range(3)] == [False, True, True]


def test_a_declared_delay_matures_a_window_whatever_its_coverage(workspace: Workspace):
    label(workspace, 0, upto=60)
    assert measured(workspace)[0].outcome == "not_asked"
    assert measured(workspace, label_delay="7 days")[0].outcome == "passed", "nothing but the time has changed"


def test_a_version_that_became_worse_than_allowed_fails_with_the_figures(workspace: Workspace):
    label(workspace, 0, wrong=2)
    check = measured(workspace, max_drop=0.25)[0]
    assert check.failed
    assert check.value == pytest.approx(0.4, abs=0.05)
    assert "on held-out rows of its training V1 had 0.9000: worse by" in check.reason
    check = measured(workspace)[0]
    assert (check.outcome, check.bound) == ("passed", 0.5), "the tolerance, because the bound is nearer"


def test_a_slice_is_judged_by_its_own_bound(workspace: Workspace):
    label(workspace, 0)
    label(workspace, 1, wrong=2)
    a, b = (measured(workspace, f"performance:KIND={part}") for part in "AB")
    assert {week: check.outcome for week, check in a.items()} == {0: "passed", 1: "failed"}
    assert {
        int(row["WEEK"]): row["LABELLED"]
        for row in rows(
            workspace,
            f"SELECT DATEDIFF('day', '{MONDAY}'::TIMESTAMP_NTZ, WINDOW_START) / 7 AS WEEK, LABELLED "
            "FROM {db}.OPS.PERFORMANCE WHERE SLICE = 'KIND' AND PART = 'B'",
        )
    } == {0: 20, 1: 20}
    assert "the bound of the slice is 0.8: short of it by" in a[1].reason
    assert set(b) == {0, 1}


def test_only_windows_with_new_labels_are_measured_again(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    label(workspace, 0)
    label(workspace, 1, upto=60)
    before = measured(workspace)
    called: list[str] = []
    call = module.call

    def counting(given: Workspace, handler: Any, request: Any) -> Any:
        called.append(request.query)
        return call(given, handler, request)

    monkeypatch.setattr(module, "call", counting)
    assert measured(workspace) == before
    assert not called, "nothing is new"
    label(workspace, 1)
    after = measured(workspace)
    assert [query.count("J.SNOWLOOP_WINDOW = ") for query in called] == [1]
    assert (after[0], after[1].outcome) == (before[0], "passed")
    label(workspace, 0, wrong=3)
    assert measured(workspace)[0] == before[0], "this hour nothing of a mature window is read"
    a_day_later(workspace)
    assert measured(workspace)[0].value != before[0].value, "a label that was corrected is a new one"
    assert [query.count("J.SNOWLOOP_WINDOW = ") for query in called] == [1, 1]


def test_each_hour_only_windows_that_still_fill_are_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    """Rows that a look reads: the history is three weeks, then thirty, and the new rows are the same."""
    counted: list[int] = []
    due = module.due_windows

    def counting(given: Workspace, look: Any, known: Any, values: dict[str, Any]) -> Any:
        query = render("monitoring/performance.sql#windows", database=given.database, since=look.since_text, **values)
        counted.append(sum(int(row["SCORED"]) for row in given.session.sql(query).collect()))
        return due(given, look, known, values)

    monkeypatch.setattr(module, "due_windows", counting)
    for week in range(3):
        label(workspace, week)
    measured(workspace)
    measured(workspace)
    assert counted == [3 * ROWS, ROWS], "all at first, then the newest"
    rows(
        workspace,
        "INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, EVENT_TIME) "
        "SELECT ID + 100000 * W.COLUMN1, SCORE, MODEL_VERSION, RUN_ID, DATEADD('week', -3 * W.COLUMN1, SCORED_AT), "
        "DATEADD('week', -3 * W.COLUMN1, EVENT_TIME) FROM {db}.SERVING.SCORED, "
        "(SELECT COLUMN1 FROM VALUES (1), (2), (3), (4), (5), (6)) AS W",
    )
    a_day_later(workspace)
    measured(workspace, label_delay="7 days")
    measured(workspace, label_delay="7 days")
    assert counted[2:] == [21 * ROWS, ROWS]


@pytest.mark.parametrize(
    ("window", "filling"),
    [
        ({"MATURE": True, "MEASURED_AT": 0}, False),
        ({"MATURE": False, "MEASURED_AT": 0}, True),  # got labels now
        ({"MATURE": False, "MEASURED_AT": 8}, False),  # none for more than its length
        ({"MATURE": False, "MEASURED_AT": 8, "delay": 30}, True),  # mature by the time alone
        ({"MATURE": False, "MEASURED_AT": 8, "delay": 90}, False),
    ],
)
def test_a_window_fills_until_nothing_came_for_its_own_length(window: dict[str, Any], filling: bool):
    now = datetime(2026, 3, 2, tzinfo=UTC)
    old, newest = (
        Row(
            WINDOW_START=datetime(2026, month, 5),  # noqa: DTZ001 - as in Snowflake
            WINDOW_END=datetime(2026, month, 12),  # noqa: DTZ001
            MATURE=window["MATURE"],
            MEASURED_AT=(now - timedelta(days=window["MEASURED_AT"])).replace(tzinfo=None),
        )
        for month in (1, 2)
    )
    delay = timedelta(days=window["delay"]) if "delay" in window else None
    since = oldest_filling([old, newest], now, delay)
    assert since == (old if filling else newest)["WINDOW_START"].replace(tzinfo=UTC)


def test_the_history_begins_with_a_whole_window():
    declared = Performance(window=timedelta(days=7), history=timedelta(days=30))
    for hour in range(0, 14 * 24, 5):
        now = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        oldest = oldest_window(declared, now)
        assert oldest.weekday() == oldest.hour == 0
        assert timedelta(0) <= oldest - (now - declared.history) < declared.window
    assert oldest_window(Performance(window=timedelta(days=7), history=timedelta(days=1)), now) <= now


def test_rows_of_the_training_set_and_of_a_backfill_are_left_out(workspace: Workspace):
    label(workspace, 0)
    rows(workspace, "INSERT INTO {db}.FEATURES.TRAINING_SET_ABC SELECT ID, FALSE FROM {db}.RAW.EVENTS WHERE ID < 20")
    rows(workspace, "INSERT INTO {db}.OPS.RUNS (RUN_ID, KIND) SELECT 'backfill', 'backfill'")
    served = "INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, EVENT_TIME) "
    again = "SELECT ID, 1 - SCORE, 'V1', '%s', DATEADD('day', 1, SCORED_AT), EVENT_TIME FROM {db}.SERVING.SCORED"
    rows(workspace, served + again % "backfill")
    check = measured(workspace)[0]
    assert "labels of 100 of 100 scored rows" in check.reason
    assert check.passed
    rows(workspace, served + again % "later" + " WHERE RUN_ID = 'loop' AND ID < 1000")
    a_day_later(workspace)
    assert measured(workspace)[0].value != check.value, "of the loop's own scores the newest counts"


@pytest.mark.parametrize("how", ["known_after", "known_at"])
def test_a_label_that_is_not_known_yet_is_none(workspace: Workspace, how: str):
    label(workspace, 0)
    label(workspace, 1)
    changed = {"known_after": timedelta(days=20)} if how == "known_after" else {"known_at": "KNOWN"}
    project = workspace.project
    known = project.model_copy(update={"label": project.label.model_copy(update=changed)})
    if how == "known_at":
        (project.directory / "label.sql").write_text(
            "SELECT ID, LATE, DATEADD('day', 20, HAPPENED_AT) AS KNOWN FROM {{ raw }}.EVENTS WHERE LATE IS NOT NULL\n"
        )
    windows = performance(Workspace(workspace.session, known, workspace.target), CHAMPION, [])
    (project.directory / "label.sql").write_text("SELECT ID, LATE FROM {{ raw }}.EVENTS WHERE LATE IS NOT NULL\n")
    first, last = NOW, datetime.now(UTC).replace(tzinfo=None)  # some become known while the tests run
    due = [sum(moment(1000 + n) + timedelta(days=20) <= at for n in range(ROWS)) for at in (first, last)]
    reasons = [each.check.reason for each in windows if each.check.name == "performance"]
    assert "labels of 120 of 120" in reasons[0]
    assert any(f"labels of {known} of 120" in reasons[1] for known in range(due[0], due[1] + 1))


def test_calibration_is_judged_where_a_bound_is_declared(workspace: Workspace):
    label(workspace, 0, wrong=1000)
    assert measured(workspace, "calibration")[0].outcome == "not_asked"
    check = measured(workspace, "calibration", max_calibration_error=0.1)[0]
    assert check.failed, "scores of 0.3 and 0.7 for what is certain"
    assert "0.1 beyond it is allowed" in check.reason
    assert measured(workspace, "calibration", max_calibration_error=0.5)[0].passed


def test_a_version_whose_training_rows_are_not_known_is_not_measured(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    unknown = Version("V1", (), {}, {"training_set": "gone"}, default=True)
    monkeypatch.setattr(module, "versions", lambda _workspace: [unknown])
    label(workspace, 0)
    assert performance(workspace, unknown, []) == []


def test_several_classes_are_measured_by_all_their_probabilities(workspace: Workspace):
    rows(workspace, "ALTER TABLE {db}.SERVING.SCORED ADD COLUMN IF NOT EXISTS PROBABILITIES VARIANT")
    rows(workspace, "UPDATE {db}.SERVING.SCORED SET PROBABILITIES = OBJECT_CONSTRUCT('0', 1 - SCORE, '1', SCORE)")
    label(workspace, 0)
    project = workspace.project
    several = project.model_copy(
        update={
            "label": project.label.model_copy(update={"task": "multiclass", "classes": (0, 1)}),
            "metric": project.metric.model_copy(update={"name": "accuracy"}),
        }
    )
    windows = performance(Workspace(workspace.session, several, workspace.target), CHAMPION, [])
    (check,) = (each.check for each in windows if each.check.name == "performance" and each.check.value is not None)
    assert "accuracy is 0.9000" in check.reason


def test_a_regression_is_measured_by_its_errors_and_a_row_without_event_time_at_its_scoring(workspace: Workspace):
    label(workspace, 0)
    rows(workspace, "UPDATE {db}.SERVING.SCORED SET EVENT_TIME = NULL WHERE ID < 1000 AND ID % 2 = 0")
    project = workspace.project
    regression = project.model_copy(
        update={
            "label": project.label.model_copy(update={"task": "regression"}),
            "metric": project.metric.model_copy(update={"name": "mae", "at_least": None, "at_most": 0.5}),
        }
    )
    given = Workspace(workspace.session, regression, workspace.target)
    windows = [each for each in performance(given, CHAMPION, []) if each.check.name == "performance"]
    (check,) = (each.check for each in windows if each.check.value is not None)
    assert "labels of 120 of 120 scored rows are known, mae is 0.3" in check.reason
    assert sum(each.rows for each in windows) == 120
