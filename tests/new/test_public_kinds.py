"""Files as they are published: what is declared of look-alikes, and the answer where one cannot be read as it is."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from snowflake.snowpark import Session

from snowloop.lifecycle.data.environment import create_environment
from snowloop.lifecycle.data.files import plan_files
from snowloop.lifecycle.data.validate import check_contract
from snowloop.project import Project
from tests.support.first_files import column, made, refusal
from tests.support.world import World

ROWS = 80


def text_of(header: str, row: Callable[[int], str], rows: int = ROWS) -> str:
    return "".join(f"{line}\n" for line in ([header] if header else []) + [row(number) for number in range(rows)])


def new(tmp_path: Path, content: str | bytes, name: str = "data.csv", **options: object) -> Project:
    return made(tmp_path, placed(tmp_path, content, name), **options)[1]


def placed(tmp_path: Path, content: str | bytes, name: str = "data.csv") -> Path:
    file = tmp_path / "files" / name
    file.parent.mkdir()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def loaded(project: Project, tmp_path: Path) -> tuple[int, list[str]]:
    """How many records are loaded, and why the others are not."""
    (tmp_path / "work").mkdir()
    planned = plan_files(project, tmp_path / "files", tmp_path / "work")
    reasons = [str(record.error).partition(": ")[2] for file in planned for record in file.malformed]
    return sum(file.rows for file in planned) - len(reasons), reasons


CREDIT = ["A11 6 A43 1169 1", "A12 48 A46 5951 2", "A14 12 A43 2096 1"]
TABLES: dict[str, tuple[str, dict[str, object], str, str, tuple[str, ...]]] = {
    # content, what the person says, key, label, delimiter and features
    "credit, separated by blanks": (
        text_of("", lambda n: CREDIT[n % 3]), {"header": False}, "ROW_ID", "COLUMN_5_2", (" ", "COLUMN_4"),
    ),
    "separated by ^": (text_of("id^x^target", lambda n: f"k{n}^{n % 7}^{n % 2}"), {}, "ID", "TARGET", ("^", "X")),
    "messages with commas, separated by tabs": (
        text_of("kind\tlength\ttext", lambda n: f"{('spam', 'ham')[n % 3 > 0]}\t{n % 9}\tHello, you {n}, and, so on"),
        {"label": "kind"}, "ROW_ID", "KIND_SPAM", ("\t", "LENGTH"),
    ),
    "air, with two columns more that have neither name nor value": (
        text_of("Date;CO(GT);T;;", lambda n: f"{n % 28 + 1:02}/03/2004;{n % 9},5;{n % 20},25;;"),
        {"label": "co(gt)"}, "ROW_ID", "CO_GT", (";", " AS T"),
    ),
    "a header that comes again": (
        text_of("id,x,target", lambda n: "id,x,target" if n == 40 else f"k{n},{n % 7},{n % 2}"), {},
        "ID", "TARGET", (",", "X"),
    ),
    "ids that became fractions": (
        text_of("customer_id,x,target", lambda n: f"{n + 7}.0,{n % 7},{n % 2}"), {},
        "CUSTOMER_ID", "TARGET", (",", "X"),
    ),
    "a key whose name is taken": (
        text_of("score,x,target", lambda n: f"{n + 1},{n % 7},{n % 2}"), {}, "SCORE_", "TARGET", (",", "X"),
    ),
    "yes and no of other languages": (
        text_of("id,x,target", lambda n: f"k{n},{n % 7},{('ja', 'nein')[n % 3 == 0]}"), {},
        "ID", "TARGET_JA", (",", "X"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_a_published_table_is_declared_as_an_expert_would_and_loads(tmp_path: Path, kind: str):
    content, options, key, label, (delimiter, last) = TABLES[kind]
    project = new(tmp_path, content, **options)  # type: ignore[arg-type]
    assert (project.key, project.label.column, project.streamed.delimiter) == ((key,), label, delimiter)
    assert project.text("features.sql").split("\nFROM")[0].endswith(last)
    again = ["the header once more, as where files were put together: remove the line"] * (kind.startswith("a header"))
    assert loaded(project, tmp_path) == (ROWS - len(again), again)


def test_what_was_declared_of_them_is_what_copy_reads(tmp_path: Path, session: Session):
    """One table of what differs most from a plain file: blanks between fields, ids as fractions, other signs."""
    content = text_of(
        "customer_id day amount target", lambda n: f"{n + 7}.0 202401{n % 28 + 1:02} \u2212{n % 9},5 {n % 2}"
    )
    world = World(session, new(tmp_path, content), "published", tmp_path / "files")
    create_environment(world.workspace)
    world.load(part="initial")
    check_contract(world.workspace)
    amount = world.project.streamed.columns["AMOUNT"].value
    (low, high, days, ids) = world.rows(
        f"SELECT MIN({amount}), MAX({amount}), COUNT(TRY_TO_DATE(DAY, 'YYYYMMDD')), COUNT(DISTINCT CUSTOMER_ID) "
        "FROM {db}.RAW.DATA"
    )[0]
    assert (low, high, days) == (-8.5, -0.5, ids)
    assert ids == world.value("SELECT COUNT(*) FROM {db}.RAW.DATA") > 0
    world.rows("DROP DATABASE {db}")


PLAIN = text_of("id,x,target", lambda n: f"k{n},{n % 7},{n % 2}")
ADVICE: dict[str, tuple[str | bytes, str]] = {
    "a title": (
        "Report of 2024\n\n" + PLAIN,
        "what stands before the header is no record, such as a title: remove it, as by tail -n +3",
    ),
    "a title with delimiters": ("Report,,\n" + PLAIN, "as by tail -n +2"),
    "a line for a spreadsheet": ("sep=;\n" + PLAIN.replace(",", ";"), "for a spreadsheet alone: remove it"),
    "two lines of names": (",X1,Y\n" + PLAIN.replace("k", ""), "the first row has names too (id, x, target ...)"),
    "a page": ("<!DOCTYPE html>\n<html></html>\n", "it is HTML or XML"),
    "a JSON array": (json.dumps([{"x": 1, "y": 2}]), "one JSON array: write one object a line"),
    "ARFF": ("@RELATION x\n@attribute a numeric\n", "it is an ARFF file"),
    "ORC": (b"ORC" + bytes(9), "it is an ORC file"),
    "Avro": (b"Obj\x01" + bytes(9), "it is an Avro file"),
    "Feather": (b"ARROW1" + bytes(9), "it is a Feather or Arrow file"),
    "a pickle": (b"\x80\x05\x95" + bytes(9), "it is a pickle of Python"),
    "UTF-16 of the other order": (PLAIN.encode("utf-16-be"), "--encoding UTF-16BE"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ADVICE)
def test_what_cannot_be_read_as_it_is_says_what_it_is_and_what_to_do(tmp_path: Path, kind: str):
    content, says = ADVICE[kind]
    assert says in refusal(tmp_path, placed(tmp_path, content))


def test_seconds_since_1970_are_no_feature_and_get_no_range(tmp_path: Path):
    draw = Random(3).randrange
    content = text_of(
        "id,seen_at,loaded_ts,amount,target",
        lambda n: (
            f"k{n},{draw(1_600_000_000, 1_700_000_000)},{1_700_000_000_000 + n // 2},{1_700_000_000 + n % 7},{n % 2}"
        ),
    )
    project = new(tmp_path, content)
    assert column(project, "SEEN_AT") == {"type": "NUMBER(38,0)", "nullable": False}
    text = project.text("features.sql")
    assert "such as MONTH(TO_TIMESTAMP_NTZ(SEEN_AT)) AS SEEN_AT_MONTH" in text
    assert "MONTH(TO_TIMESTAMP_NTZ(LOADED_TS, 3))" in text
    assert "    AMOUNT\nFROM" in text
