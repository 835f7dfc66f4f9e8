"""What the readable records of a file become in RAW, and the others in RAW.REJECTED_LINES."""

import uuid
from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from tests.support.tiny import COLUMNS, tiny
from tests.support.world import World


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    made = World(session, tiny(tmp_path / "projects"), f"load_{uuid.uuid4().hex}", tmp_path / "data")
    create_environment(made.workspace)
    return made


def write(world: World, kinds: list[str]) -> None:
    rows = [f"{number},1,2,{kind},2026-01-01,{number}," for number, kind in enumerate(kinds, start=1)]
    (world.folder / "events.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", newline="")


def test_a_quote_within_a_field_is_loaded_as_data(world: World):
    write(world, ['5" pipe'] * 300)
    report = world.load()
    assert (report.read, report.loaded, report.rejected) == (300, 300, 0)
    assert world.rows("SELECT DISTINCT KIND FROM {db}.RAW.EVENTS") == [('5" pipe',)]


def test_a_record_with_an_unclosed_quote_is_rejected_with_its_line_and_the_others_are_loaded(world: World):
    kinds = ["A"] * 300
    kinds[100], kinds[200], kinds[250] = '"A', '"two\nlines, ""quoted"""', "A,too many"
    write(world, kinds)
    report = world.load()
    assert (report.read, report.loaded, report.rejected) == (300, 298, 2)
    rejected = world.rows("SELECT LINE, REASON, RECORD FROM {db}.RAW.REJECTED_LINES WHERE REASON LIKE 'events.csv:%'")
    assert [(row["LINE"], row["RECORD"]) for row in rejected] == [(102, '101,1,2,"A,2026-01-01,101,')]
    assert "events.csv:102: a quote opens a field and is not closed" in rejected[0]["REASON"]
    assert world.value("SELECT KIND FROM {db}.RAW.EVENTS WHERE ID = 201") == 'two\nlines, "quoted"'
    again = world.load()
    assert (again.files[0].kept, again.files[0].rejected) == (True, 2)
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.REJECTED_LINES") == 2
