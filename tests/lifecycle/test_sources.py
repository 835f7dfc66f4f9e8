"""The life cycle of bank_marketing over rows that are there: a table that others fill, a view, Parquet files."""

import itertools
from collections import Counter
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring import await_scores, reconcile
from snowloop.lifecycle.scoring.health import stream_health
from snowloop.lifecycle.scoring.plan import plan_scoring
from snowloop.lifecycle.scoring.reprocess.backfill import Rows, backfill
from snowloop.lifecycle.scoring.reprocess.recover import recover_loop
from tests.support.bank import TRAINED, bank, calls, create_table, insert
from tests.support.world import TIMEOUT, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CHANGES = ("INSERT INTO", "UPDATE", "DELETE FROM", "MERGE INTO", "ALTER", "CREATE TABLE", "DROP", "TRUNCATE")
FILES = itertools.count()


def scores(world: World) -> Counter[int]:
    return Counter(int(row["ROW_ID"]) for row in world.rows("SELECT ROW_ID FROM {db}.SERVING.SCORED"))


def quarantined(world: World) -> Counter[int]:
    return Counter(int(row["ROW_ID"]) for row in world.rows("SELECT ROW_ID FROM {db}.SERVING.QUARANTINE"))


@pytest.fixture(scope="module", params=["table", "view", "stage"])
def world(session: Session, request: pytest.FixtureRequest) -> World:
    """A loop over calls in another database, and what was sent while it was built."""
    database = f"CALLS_{request.param}".upper()
    session.sql(f"CREATE OR REPLACE DATABASE {database}").collect()
    table = f"{database}.PUBLIC.CALLS"
    create_table(session, table)
    source: dict[str, Any] = {"table": table}
    if request.param == "view":
        source = {"table": f"{database}.PUBLIC.ALL_CALLS"}
        session.sql(f"CREATE VIEW {source['table']} CHANGE_TRACKING = TRUE AS SELECT * FROM {table}").collect()
    if request.param == "stage":
        session.sql(f"CREATE STAGE {database}.PUBLIC.LANDING").collect()
        source = {"stage": f"@{database}.PUBLIC.LANDING/calls", "format": "parquet", "pattern": ".*[.]parquet"}
    made = World(session, bank(**source, corrections=True), request.param)
    made.results |= {"calls": table, "corrected": "{db}.RAW.BANK" if request.param == "stage" else table}
    arrive(made, calls(1, TRAINED))
    with session.query_history() as history:
        made.promote_first()
        made.deploy()
    made.results["sent"] = [each.sql_text for each in history.queries if database in each.sql_text.replace('"', "")]
    return made


def arrive(world: World, rows: list[dict[str, Any]]) -> None:
    """Rows come as whoever owns the source brings them: into the table, or as a file on the stage."""
    table, stage = world.results["calls"], world.project.streamed.stage
    insert(world.session, table, rows)
    if stage:
        format_ = "FILE_FORMAT = (TYPE = PARQUET) HEADER = TRUE"
        world.rows(f"COPY INTO {stage}/{next(FILES)}_ FROM {table} {format_}")
        world.rows(f"DELETE FROM {table}")


def scored(world: World) -> None:
    world.load()
    await_scores(world.workspace, timeout=TIMEOUT)


def test_rows_that_come_are_corrected_or_deleted_are_scored_and_nothing_is_done_where_they_are(world: World):
    assert world.results["sent"]
    assert not [text for text in world.results["sent"] if text.lstrip().upper().startswith(CHANGES)]
    assert plan_scoring(world.workspace).nothing_to_do
    assert stream_health(world.workspace).findings == ()

    arrive(world, calls(TRAINED + 1, TRAINED + 2) + calls(TRAINED + 3, TRAINED + 3, AGE=7))
    scored(world)
    assert scores(world) == Counter([TRAINED + 1, TRAINED + 2])
    assert quarantined(world) == Counter([TRAINED + 3])

    corrected = world.results["corrected"]
    world.rows(f"UPDATE {corrected} SET HOUSING = 'yes', AGE = 30 WHERE ROW_ID IN (1, {TRAINED + 3})")
    world.rows(f"DELETE FROM {corrected} WHERE ROW_ID = {TRAINED + 2}")
    scored(world)
    assert scores(world) == Counter([1, TRAINED + 1, TRAINED + 2, TRAINED + 3])
    latest = world.rows("SELECT ROW_ID FROM {db}.SERVING.LATEST_SCORES ORDER BY ROW_ID")
    assert [int(row[0]) for row in latest] == [1, TRAINED + 1, TRAINED + 3]
    counts = reconcile(world.workspace)
    assert (counts.pending, counts.removed) == (0, 3)


def test_what_a_lost_stream_missed_is_found_by_keys_and_a_backfill_scores_it_again(world: World):
    before = scores(world)
    world.rows("ALTER TASK {db}.SERVING.SCORE_NEW_ROWS SUSPEND")
    world.rows("DROP STREAM {db}.RAW.BANK_STREAM")
    arrive(world, calls(TRAINED + 10, TRAINED + 11))
    world.load()
    done = recover_loop(world.workspace)
    assert (done.stream, done.rows, done.scored) == ("replaced", 2, 2)
    assert scores(world) == before + Counter([TRAINED + 10, TRAINED + 11])
    world.deploy()
    arrive(world, calls(TRAINED + 12, TRAINED + 12))
    scored(world)
    assert scores(world)[TRAINED + 12] == 1
    reconcile(world.workspace)
    again = backfill(world.workspace, rows=Rows(first_key=TRAINED + 10))
    assert again.scored == 3
    reconcile(world.workspace)
