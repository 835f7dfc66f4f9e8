"""A new row waits until the sources that its features join have come as far as its event, where that is declared."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.scoring.status import loop_status
from snowloop.lifecycle.scoring.wait import waiting_rows
from snowloop.project import Project, load_project
from snowloop_procedures.scoring import score_new_rows
from tests.support.copies import Copies
from tests.support.tiny import Event, insertion, tiny

VISITS = """  visits:
    file: "visits*.csv"
    known_at: LOADED_AT
    wait_for: 2 days
    columns:
      KIND: {type: VARCHAR, nullable: false}
      LOADED_AT: {type: TIMESTAMP_NTZ}
label: {column: LATE"""
FEATURES = """SELECT E.ID, E.X, E.Y, COUNT(V.KIND) AS X_OF_A
FROM {{ source }} AS E LEFT JOIN {{ as_of('visits', on='KIND') }} AS V ON V.OF_ID = E.ID
GROUP BY E.ID, E.X, E.Y
"""


def visited(folder: Path) -> Project:
    tiny(folder)
    declared = folder / "tiny" / "project.yaml"
    declared.write_text(declared.read_text().replace("label: {column: LATE", VISITS))
    (folder / "tiny" / "features.sql").write_text(FEATURES)
    return load_project("tiny", folder)


@pytest.fixture(scope="module")
def world(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    folder = tmp_path_factory.mktemp("waits")
    made = Copies(session, folder, "waits", ("A",), visited(folder))
    made.promote("A")
    yield made
    made.rows("DROP DATABASE {db}")


def at(hours: float) -> str:
    """A moment so many hours from now, in UTC."""
    return f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


def arrive(world: Copies, *events: tuple[int, str]) -> None:
    world.rows(insertion([Event(key, 1.0, 2.0, "A", moment, key) for key, moment in events]))


def visit(world: Copies, hours: float) -> None:
    world.rows(f"INSERT INTO {{db}}.RAW.VISITS SELECT 'A', '{at(hours)}'")


def run(world: Copies) -> dict[str, Any]:
    done: dict[str, Any] = json.loads(score_new_rows(world.session, world.request))
    return done


def test_rows_wait_for_the_joined_source_and_are_scored_with_what_it_brings(world: Copies):
    visit(world, -30)
    arrive(world, (1, at(-29)), (2, at(-31)))
    done = run(world)
    assert done.keys() == {"run_id", "waiting"}
    assert done["waiting"].startswith("1 new rows wait for visits, which is at 20")
    assert world.value("SELECT COUNT(*) FROM {db}.SERVING.SCORED") == 0
    (waiting,) = waiting_rows(world.workspace)
    assert waiting.startswith("1 new rows wait for visits, which is at ")
    assert waiting in loop_status(world.workspace).text()
    visit(world, -29.5)
    visit(world, -28)
    assert run(world)["scored"] == 2
    features = {row["ID"]: json.loads(row["FEATURES"]) for row in world.rows("SELECT * FROM {db}.SERVING.SCORED")}
    assert (features[1]["X_OF_A"], features[2]["X_OF_A"]) == (2, 0)
    assert waiting_rows(world.workspace) == ()


@pytest.mark.parametrize(
    "hours",
    [
        pytest.param(-49, id="longer ago than it waits"),
        pytest.param(5, id="of the future"),
    ],
)
def test_a_row_that_has_waited_long_enough_or_is_of_the_future_stops_nothing(world: Copies, hours: float):
    world.rows("DELETE FROM {db}.RAW.VISITS")
    key = 100 + int(hours)
    arrive(world, (key, at(hours)))
    assert run(world)["scored"] == 1


def test_rows_that_break_the_contract_are_not_waited_for(world: Copies):
    world.rows(insertion([Event(50, -1.0, 2.0, "A", at(-1), 50)]))
    assert run(world)["quarantined"] == 1
