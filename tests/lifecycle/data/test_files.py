"""Which files are loaded first, which later, and under what names."""

import csv
from pathlib import Path

import pytest

from snowloop.errors import LoadError
from snowloop.lifecycle.data.files import plan_files
from snowloop.project import Replay, load_project

BANK_HEADER = (
    "age;job;marital;education;default;balance;housing;loan;contact;day;month;duration;campaign;pdays;previous;"
    "poutcome;y"
)
BANK_ROW = '30;"admin.";married;primary;no;1;no;no;cellular;19;oct;79;1;-1;0;unknown;no'


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def bank_file(folder: Path, rows: int, end: str = "\n") -> Path:
    file = folder / "bank-full.csv"
    file.write_text(end.join([BANK_HEADER, *[BANK_ROW] * rows]) + end, newline="")
    return file


def test_a_single_file_is_cut_by_the_order_of_its_rows(tmp_path: Path, work: Path):
    bank_file(tmp_path, 11)
    files = plan_files(load_project("bank_marketing"), tmp_path, work)
    assert [(file.batch, file.rows) for file in files] == [(0, 6), (1, 2), (2, 2), (3, 1)]
    rows = [line for file in files for line in file.path.read_text().splitlines()[1:]]
    assert [row.split(";", 1) for row in rows] == [[str(number), BANK_ROW] for number in range(1, 12)]
    assert all(file.path.read_text().startswith(f"ROW_ID;{BANK_HEADER}\n") for file in files)


def test_a_file_in_no_order_of_time_is_dealt_out_by_the_seed(tmp_path: Path, work: Path):
    bank_file(tmp_path, 40)
    bank = load_project("bank_marketing")

    def dealt(seed: int) -> list[list[int]]:
        replay = Replay(initial=0.5, batches=2, shuffle=True)
        project = bank.model_copy(update={"replay": replay, "seed": seed})
        files = plan_files(project, tmp_path, work)
        return [[int(line.split(";")[0]) for line in file.path.read_text().splitlines()[1:]] for file in files]

    batches = dealt(1)
    assert [len(batch) for batch in batches] == [20, 10, 10]
    assert sorted(number for batch in batches for number in batch) == list(range(1, 41))
    assert batches[0] != list(range(1, 21))
    assert dealt(1) == batches != dealt(2)


def test_a_column_without_a_name_in_the_file_is_declared_by_an_empty_field(tmp_path: Path, work: Path):
    (tmp_path / "bank-full.csv").write_text(f"{BANK_HEADER.replace('age', '', 1)}\n{BANK_ROW}\n")
    bank = load_project("bank_marketing")
    columns = bank.streamed.columns | {"AGE": bank.streamed.columns["AGE"].model_copy(update={"field": ""})}
    source = bank.streamed.model_copy(update={"columns": columns})
    assert plan_files(bank.model_copy(update={"sources": {"bank": source}}), tmp_path, work)


def test_the_same_data_gives_the_same_files(tmp_path: Path, work: Path):
    project = load_project("bank_marketing")
    bank_file(tmp_path, 7)
    first = [(file.path.name, file.path.read_bytes()) for file in plan_files(project, tmp_path, work)]
    (again := tmp_path / "again").mkdir()
    bank_file(tmp_path, 7, end="\r\n")
    assert [(file.path.name, file.path.read_bytes()) for file in plan_files(project, tmp_path, again)] == first


def test_other_content_gets_another_name(tmp_path: Path, work: Path):
    project = load_project("bank_marketing")
    file = bank_file(tmp_path, 7)
    first = {file.path.name for file in plan_files(project, tmp_path, work)}
    file.write_text(file.read_text().replace("30;", "31;"))
    (again := tmp_path / "again").mkdir()
    assert not first & {file.path.name for file in plan_files(project, tmp_path, again)}


def test_a_quoted_line_end_does_not_cut_a_record(tmp_path: Path, work: Path):
    broken = BANK_ROW.replace("admin.", "ad\nmin")
    bank_file(tmp_path, 3).write_text(f"{BANK_HEADER}\n{broken}\n{BANK_ROW}\n{BANK_ROW}\n")
    assert sum(file.rows for file in plan_files(load_project("bank_marketing"), tmp_path, work)) == 3


def test_several_files_arrive_one_after_the_other(tmp_path: Path, work: Path):
    header = ",".join(load_project("credit_approval").streamed.columns)
    for name in ("application_record_2.csv", "application_record_1.csv"):
        (tmp_path / name).write_text(f"{header}\n{name}\n")
    (tmp_path / "credit_record.csv").write_text("ID,MONTHS_BALANCE,STATUS\n1,0,C\n")
    files = plan_files(load_project("credit_approval"), tmp_path, work)
    assert [(file.source, file.batch, file.path.name[:20]) for file in files] == [
        ("credit_record", 0, files[0].path.name[:20]),
        ("application_record", 0, "application_record_1"),
        ("application_record", 1, "application_record_2"),
    ]


def test_joined_sources_are_loaded_before_the_scored_one_in_whatever_order_they_are_declared(
    tmp_path: Path, work: Path
):
    """Features of rows that arrive read the others: those must be there first."""
    project = load_project("credit_approval")
    header = ",".join(project.streamed.columns)
    for name in ("application_record_2.csv", "application_record_1.csv"):
        (tmp_path / name).write_text(f"{header}\n{name}\n")
    (tmp_path / "credit_record.csv").write_text("ID,MONTHS_BALANCE,STATUS\n1,0,C\n")
    for number, order in enumerate((project.sources.items(), reversed(project.sources.items()))):
        (folder := work / str(number)).mkdir()
        files = plan_files(project.model_copy(update={"sources": dict(order)}), tmp_path, folder)
        assert [file.source for file in files] == ["credit_record", "application_record", "application_record"]


def test_a_generator_makes_the_data(work: Path):
    files = plan_files(load_project("diabetes_progression"), None, work)
    assert sum(file.rows for file in files) == 442


def test_a_header_that_is_not_declared_is_refused(tmp_path: Path, work: Path):
    (tmp_path / "bank-full.csv").write_text(f"{BANK_HEADER.replace('balance', 'money')}\n{BANK_ROW}\n")
    with pytest.raises(LoadError, match=r"bank-full.csv:1: .*Declared: AGE, .*BALANCE.*In the file: age, .*money"):
        plan_files(load_project("bank_marketing"), tmp_path, work)


@pytest.mark.parametrize(("folder", "says"), [("", "no file matches 'bank-full.csv'"), ("none", "no such folder")])
def test_missing_data_is_named(tmp_path: Path, work: Path, folder: str, says: str):
    with pytest.raises(LoadError, match=says):
        plan_files(load_project("bank_marketing"), tmp_path / folder, work)


def test_a_quote_within_a_field_is_data(tmp_path: Path, work: Path):
    rows = [BANK_ROW.replace("unknown", f'{inch}" pipe') for inch in range(300)]
    bank_file(tmp_path, 0).write_text("\n".join([BANK_HEADER, *rows]) + "\n")
    files = plan_files(load_project("bank_marketing"), tmp_path, work)
    written = [line.split(";", 1)[1] for file in files for line in file.path.read_text().splitlines()[1:]]
    assert written == rows
    assert not any(file.malformed for file in files)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_record_that_is_no_csv_is_kept_apart_with_its_line(tmp_path: Path, work: Path, end: str):
    rows = [BANK_ROW] * 20
    rows[4] = rows[4].replace("unknown", '"unknown')
    rows[9] = rows[9].replace("unknown", '"un\nknown"')
    rows[15] = rows[15].replace("unknown", '"un"known')
    bank_file(tmp_path, 0).write_text(end.join([BANK_HEADER, *rows, ""]), newline="")
    files = plan_files(load_project("bank_marketing"), tmp_path, work)
    assert sum(file.rows for file in files) == 20
    numbers = [int(row[0]) for file in files for row in list(csv.reader(file.path.open(newline=""), delimiter=";"))[1:]]
    assert numbers == [number for number in range(1, 21) if number not in (5, 16)]
    malformed = [record for file in files for record in file.malformed]
    assert [(record.line, record.text) for record in malformed] == [(6, rows[4]), (18, rows[15])]
    assert [str(record.error).split(":")[:2] for record in malformed] == [
        ["bank-full.csv", "6"],
        ["bank-full.csv", "18"],
    ]


def test_a_file_may_begin_with_a_mark_and_a_blank_line_and_end_without_one(tmp_path: Path, work: Path):
    header = BANK_HEADER.replace("contact", '"con\ntact"')
    bank = load_project("bank_marketing")
    column = bank.streamed.columns["CONTACT"].model_copy(update={"field": "con tact"})
    source = bank.streamed.model_copy(update={"columns": bank.streamed.columns | {"CONTACT": column}})
    (tmp_path / "bank-full.csv").write_text(f"\ufeff\n{header}\n{BANK_ROW}\n{BANK_ROW}", encoding="utf-8")
    (file, *_) = plan_files(bank.model_copy(update={"sources": {"bank": source}}), tmp_path, work)
    first, *rows = file.path.read_text().splitlines()
    assert first == "ROW_ID;" + header.replace("\n", " ")
    assert rows == [f"1;{BANK_ROW}"]
