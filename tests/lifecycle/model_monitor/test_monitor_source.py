"""What a model monitor reads: the rows of the champion with flat features, and the label once it is known."""

from dataclasses import replace

from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.model_monitor.desired import desired_monitor
from snowloop.lifecycle.versions import Version
from snowloop.project import load_project
from snowloop.workspace import Workspace
from tests.support.loops import FACTS, FEATURES, monitored

SCORED = """
INSERT INTO {db}.SERVING.SCORED (ID, SCORE, MODEL_VERSION, RUN_ID, SCORED_AT, FEATURES)
SELECT COLUMN1, COLUMN2::FLOAT, COLUMN3, COLUMN4, COLUMN5::TIMESTAMP_NTZ, PARSE_JSON(COLUMN6) FROM VALUES
    (1, '0.2', 'V1', 'loop', '2026-03-01', '{"AMT": 5, "KIND": "a"}'),
    (1, '0.7', 'V1', 'loop', '2026-03-02', '{"AMT": 6, "KIND": "a"}'),
    (2, '0.4', 'V1', 'loop', '2026-03-02', '{"AMT": "inf", "KIND": null}'),
    (3, '0.9', 'V0', 'loop', '2026-03-02', '{"AMT": 7, "KIND": "b"}'),
    (4, 'NaN', 'V1', 'loop', '2026-03-02', '{"AMT": 7, "KIND": "b"}'),
    (5, '0.9', 'V1', 'again', '2026-03-02', '{"AMT": 7, "KIND": "b"}'),
    (6, '0.9', 'V1', 'loop', '2026-03-02', '{"AMT": 7, "KIND": "b"}')
"""
"""Of a key the newest counts; out are another version, no number, a backfill, and a row of the training set."""


def test_the_source_has_the_rows_of_the_champion_as_a_monitor_needs_them(session: Session):
    project = monitored(load_project("credit_approval"))
    workspace = Workspace(session, project, "monsource")
    create_environment(workspace)
    database = workspace.database
    for statement in (
        SCORED,
        "INSERT INTO {db}.OPS.RUNS (RUN_ID, STATE, KIND) SELECT 'again', 'SUCCEEDED', 'backfill'",
        "INSERT INTO {db}.RAW.CREDIT_RECORD (ID, MONTHS_BALANCE, STATUS) SELECT 1, 0, '5'",
        "CREATE OR REPLACE TABLE {db}.FEATURES.TRAINING_SET_0123456789AB AS SELECT 6 AS ID",
    ):
        session.sql(statement.replace("{db}", database)).collect()
    made = desired_monitor(project, "monsource", Version("V1", facts=FACTS), FEATURES)
    assert made is not None
    session.sql(made.statements[0]).collect()
    rows = session.sql(f"SELECT * FROM {database}.SERVING.MODEL_MONITOR_SOURCE ORDER BY ID").collect()
    assert [(row["ID"], str(row["SNOWLOOP_MOMENT"])[:10], *row[2:]) for row in rows] == [
        (1, "2026-03-02", 6.0, "a", 0.7, 1, 1),
        (2, "2026-03-02", None, None, 0.4, 0, None),
    ]


def test_a_refitted_champion_is_compared_with_the_scores_of_the_one_that_was_judged():
    project = monitored(load_project("credit_approval"))
    champion = Version("V1_ALL", facts={**FACTS, "refit": {"of": "V1"}})
    made = desired_monitor(project, "dev", champion, FEATURES)
    assert made is not None
    source, baseline, monitor = made.statements
    assert "= 'V1_ALL'" in source
    assert "VERSION = 'V1_ALL'" in monitor
    assert '"V1")!PREDICT_PROBA' in baseline
    other = desired_monitor(project, "dev", replace(champion, facts={**FACTS, "refit": {"of": "V2"}}), FEATURES)
    assert other is not None
    assert other.comment != made.comment
