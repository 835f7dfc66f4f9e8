"""What the readable records of a file become in RAW, and the others in RAW.REJECTED_LINES."""

import gzip
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from snowflake.snowpark import Session

from snowloop.errors import LoadError
from snowloop.lifecycle.data.contract import checked_rows
from snowloop.lifecycle.data.environment import create_environment
from snowloop.project import Project
from tests.support.tiny import COLUMNS, tiny
from tests.support.world import World


@pytest.fixture
def world(session: Session, tmp_path: Path) -> World:
    (tmp_path / "data").mkdir()
    made = World(session, tiny(tmp_path / "projects"), f"load_{uuid.uuid4().hex}", tmp_path / "data")
    create_environment(made.workspace)
    return made


def write(world: World, kinds: list[str], encoding: str = "utf-8") -> None:
    rows = [f"{number},1,2,{kind},2026-01-01,{number}," for number, kind in enumerate(kinds, start=1)]
    text = "\n".join([",".join(COLUMNS), *rows]) + "\n"
    (world.folder / "events.csv").write_bytes(text.encode(encoding, "surrogateescape"))


def declaring(world: World, **declared: Any) -> Project:
    """The project, whose source declares some things more."""
    source = world.project.streamed.model_copy(update=declared)
    return world.project.model_copy(update={"sources": {"events": source}})


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
    rejected = world.rows("SELECT LINE, REASON, RECORD FROM {db}.RAW.REJECTED_LINES ORDER BY LINE")
    assert [(row["LINE"], row["RECORD"]) for row in rejected] == [
        (102, '101,1,2,"A,2026-01-01,101,'),
        (253, "251,1,2,A,too many,2026-01-01,251,"),
    ]
    assert "events.csv:102: a quote opens a field and is not closed" in rejected[0]["REASON"]
    assert rejected[1]["REASON"] == "events.csv:253: 8 fields, where the source has 7 columns"
    assert world.value("SELECT KIND FROM {db}.RAW.EVENTS WHERE ID = 201") == 'two\nlines, "quoted"'
    again = world.load()
    assert (again.files[0].kept, again.files[0].rejected) == (True, 2)
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.REJECTED_LINES") == 2


def test_one_byte_that_is_not_utf_8_costs_its_own_line(world: World):
    kinds = ["A"] * 300
    kinds[100], kinds[200] = "caf\udce9", "café"
    write(world, kinds)
    report = world.load()
    assert (report.read, report.loaded, report.rejected) == (300, 299, 1)
    ((line, reason, record),) = world.rows("SELECT LINE, REASON, RECORD FROM {db}.RAW.REJECTED_LINES")
    assert (line, record) == (102, "101,1,2,caf\ufffd,2026-01-01,101,")
    assert reason.startswith("events.csv:102: byte 0xe9 is not UTF-8")
    assert world.value("SELECT KIND FROM {db}.RAW.EVENTS WHERE ID = 201") == "café"


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "UTF-16"])
def test_a_file_is_read_in_its_declared_encoding(world: World, encoding: str):
    write(world, ["A", "café"], encoding)
    report = replace(world, project=declaring(world, encoding=encoding)).load()
    assert (report.read, report.loaded, report.rejected) == (2, 2, 0)
    assert world.value("SELECT KIND FROM {db}.RAW.EVENTS WHERE ID = 2") == "café"


def test_a_backslash_is_data(world: World):
    kinds = ["C:\\new\\", "\\N", '"\\"', "\\"]
    write(world, kinds)
    report = world.load()
    assert (report.read, report.loaded, report.rejected) == (4, 4, 0)
    loaded = [row["KIND"] for row in world.rows("SELECT KIND FROM {db}.RAW.EVENTS ORDER BY ID")]
    assert loaded == [kind.strip('"') for kind in kinds]


def test_a_file_of_which_copy_read_other_rows_than_were_counted_is_refused_and_not_remembered(
    world: World, tmp_path: Path
):
    """As when an upload of the same name was cut off: PUT leaves a staged file alone."""
    write(world, ["A"] * 3)
    before, *_ = world.load(part="initial").files
    world.rows("DELETE FROM {db}.OPS.LOADS")
    world.rows("TRUNCATE TABLE {db}.RAW.EVENTS")
    header_only = tmp_path / before.file
    header_only.write_bytes(gzip.compress(",".join(COLUMNS).encode() + b"\n1,1,2,A,2026-01-01,1,\n"))
    stage = f"@{world.database}.RAW.LANDING/events"
    world.session.file.put(str(header_only), stage, auto_compress=False, overwrite=True)
    with pytest.raises(LoadError, match=r"3 records were counted.*COPY INTO .* read 1 .*LOADED.*REMOVE") as refused:
        world.load(part="initial")
    assert before.file in str(refused.value)
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.LOADS") == 0
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS") == 0
    world.rows(f"REMOVE {stage}")
    report = world.load()
    assert (report.read, report.loaded, report.rejected) == (3, 3, 0)


@pytest.mark.parametrize("name", ["data [1]", "bob's data", "50% *of* {all}; ünder?"])
def test_a_file_of_any_name_is_loaded_once(world: World, name: str):
    named = replace(world, project=declaring(world, file=f"{name}.csv"))
    write(world, ["A", "B"])
    (world.folder / "events.csv").rename(world.folder / f"{name}.csv")
    (world.folder / "data 1.csv").write_text("what the name stands for as a pattern")
    report = named.load()
    assert (report.read, report.loaded, report.rejected) == (2, 2, 0)
    assert named.load().files[0].kept
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS") == 2


def test_a_text_is_null_only_in_the_column_that_declares_it(world: World):
    """As where one column of numbers says None for no value, and None is a class of another column."""
    columns = dict(world.project.streamed.columns)
    columns["X"] = columns["X"].model_copy(update={"null_values": ("None", " "), "nullable": True})
    columns["KIND"] = columns["KIND"].model_copy(update={"allowed": None})
    named = replace(world, project=declaring(world, columns=columns))
    rows = [
        "1,None,2,None,2026-01-01,1,",
        '2,"None",2,"a, ""b""",2026-01-01,2,',
        "3, ,2,None,2026-01-01,3,",
        "4,5,2,B,,,",
    ]
    (world.folder / "events.csv").write_text("\n".join([",".join(COLUMNS), *rows]))
    assert named.load().loaded == 4
    loaded = world.rows("SELECT X, KIND FROM {db}.RAW.EVENTS ORDER BY ID")
    assert loaded == [(None, "None"), (None, 'a, "b"'), (None, "None"), (5.0, "B")]


def test_a_file_of_which_more_records_than_declared_cannot_be_loaded_is_refused(world: World):
    kinds = ["A"] * 20
    kinds[3] = kinds[4] = '"A'
    write(world, kinds)
    assert world.load().rejected == 2
    kinds[5] = "A,too many"
    write(world, kinds)
    with pytest.raises(LoadError, match=r"3 of 20 records \(15%\).*at most 10%.*events.csv:5: a quote") as refused:
        world.load()
    assert "raise max_rejected_share of source events" in str(refused.value)
    assert world.value("SELECT COUNT(*) FROM {db}.RAW.EVENTS") == 18
    assert world.value("SELECT COUNT(*) FROM {db}.OPS.LOADS WHERE ROWS_READ > 0") == 1
    assert replace(world, project=declaring(world, max_rejected_share=0.15)).load().rejected == 3


def test_a_text_that_cannot_be_read_breaks_the_contract_and_the_reason_names_column_and_text(world: World):
    columns = dict(world.project.streamed.columns)
    value = "IFF(RLIKE(KIND, '[0-9]{1,3}(,[0-9]{3})*'), TRY_TO_DOUBLE(REPLACE(kind, ',', '')), NULL)"
    declared = {"value": value, "allowed": None, "max": 30000.0, "null_values": ("KIND",)}
    columns["KIND"] = columns["KIND"].model_copy(update=declared)
    named = replace(world, project=declaring(world, columns=columns))
    write(world, ['"21,500"', '"1,5"', "", "abc", '"31,000"', "KIND"])
    assert named.load().loaded == 6
    checked = named.rows(checked_rows(named.project, named.target) + " ORDER BY ID")
    readable = f"KIND must be readable by {value}, it is "
    assert [row["SNOWLOOP_REASON"] for row in checked] == [
        None, f"{readable}1,5", None, f"{readable}abc", "KIND must be at most 30000, it is 31,000", None,
    ]  # fmt: skip
