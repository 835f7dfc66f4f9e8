"""First declarations of the kinds of files that people try first: what an expert would declare."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from snowloop.project import Project
from tests.support.first_files import column, made, refusal, write


def frame_of(tmp_path: Path, header: list[str], row: Callable[[int], list[object]], **options: object) -> Project:
    rows = [[str(cell) for cell in row(number)] for number in range(120)]
    return made(tmp_path, write(tmp_path / "a.csv", rows, header), **options)[1]


def features_of(project: Project) -> list[str]:
    """The lines of the SELECT of features.sql, without the key."""
    lines = project.text("features.sql").split("SELECT\n")[1].split("\nFROM")[0].splitlines()
    return [line.strip().rstrip(",") for line in lines[len(project.key) :]]


def test_a_churn_table_with_text_ids_and_blanks_among_its_numbers(tmp_path: Path):
    header = ["customerID", "SeniorCitizen", "tenure", "TotalCharges", "Churn"]
    project = frame_of(
        tmp_path, header,
        lambda n: [
            f"{n * 7919 % 9973:04}-AB", int(n % 5 == 0), n % 70, " " if n % 40 == 3 else n * 1.5,
            "No" if n % 3 else "Yes",
        ],
    )  # fmt: skip
    assert project.key == ("CUSTOMERID",)
    assert project.label.column == "CHURN_YES"
    charges = column(project, "TOTALCHARGES")
    assert (charges["type"], charges["null_values"]) == ("FLOAT", (" ",))
    assert features_of(project) == ["SENIORCITIZEN", "TENURE", "TOTALCHARGES"]


def test_a_census_without_a_header(tmp_path: Path):
    rows = [
        [
            str(20 + n % 50),
            f" {('Private', 'State', '?')[n % 3]}",
            str(n * 31 % 997),
            f" {('<=50K', '>50K')[n % 4 == 0]}",
        ]
        for n in range(120)
    ]
    file = write(tmp_path / "census.data", rows[1:], rows[0])
    assert "values, not names" in refusal(tmp_path, file)
    written, project = made(tmp_path, file, header=False)
    assert not project.streamed.header
    assert list(project.streamed.columns) == ["COLUMN_1", "COLUMN_2", "COLUMN_3", "COLUMN_4"]
    assert project.streamed.columns["COLUMN_2"].allowed == (" ?", " Private", " State")
    assert "CASE WHEN TRIM(COLUMN_4) = '>50K' THEN 1 ELSE 0 END" in project.text("label.sql")
    assert "120 rows, 4 columns" in written.text()
    assert any("named by their place" in text for _, _, text in written.look)


def test_stones_with_measures_x_y_z(tmp_path: Path):
    header = ["", "carat", "cut", "price", "x", "y", "z"]
    cuts = ("Fair", "Good", "Ideal")
    project = frame_of(
        tmp_path,
        header,
        lambda n: [n + 1, n % 11 / 4, cuts[n % 3], 300 + n * 37 % 997, n % 7 / 3, n % 9 / 3, n % 5 / 3],
    )
    assert project.key == ("COLUMN_1",)
    assert (project.label.column, project.label.task) == ("PRICE", "regression")
    assert features_of(project) == ["CARAT", "CUT", "X", "Y", "Z"]


def test_passengers_with_survived_class_and_alive(tmp_path: Path):
    header = ["survived", "age", "class", "alive"]
    rooms = ("First", "Second", "Third")
    project = frame_of(
        tmp_path, header, lambda n: [n * 7 % 3 % 2, n % 60 + 0.5, rooms[n * 5 % 7 % 3], ("no", "yes")[n * 7 % 3 % 2]]
    )
    assert project.label.column == "SURVIVED"
    assert features_of(project) == ["AGE", "CLASS"]
    assert project.streamed.columns["ALIVE"].known_after_label
    assert "-- Not a feature: ALIVE, it says the same as the label." in project.text("features.sql")


def test_the_word_of_a_person_goes_before_the_key_and_before_names(tmp_path: Path):
    header = ["x", "price", "target"]
    project = frame_of(tmp_path, header, lambda n: [n % 7, 1000 + n, n % 2], label="price")
    assert (project.label.column, project.label.task, project.key) == ("PRICE", "regression", ("ROW_ID",))
    assert features_of(project) == ["X", "TARGET"]


def test_what_identifies_a_row_is_no_feature_and_has_no_range(tmp_path: Path):
    header = ["order_no", "shuffled", "user_id", "big_id", "store_id", "target"]
    project = frame_of(tmp_path, header, lambda n: [n, n * 7 % 120, n // 2, 2**64 - 1 - n // 3, n % 4, n % 2])
    assert project.key == ("ORDER_NO",)
    assert features_of(project) == ["STORE_ID"]
    for name in ("SHUFFLED", "USER_ID", "BIG_ID"):
        assert column(project, name) == {"type": "NUMBER(38,0)", "nullable": False}


def test_classes_that_differ_by_case_or_blanks_alone_are_one(tmp_path: Path):
    labels = ("yes", "Yes ", "no", "NO", " no")
    project = frame_of(tmp_path, ["id", "x", "left"], lambda n: [f"k{n}", n % 7, labels[n % 5]])
    assert "CASE WHEN LOWER(TRIM(LEFT_)) = 'yes' THEN 1 ELSE 0 END AS LEFT_YES" in project.text("label.sql")
    assert project.streamed.columns["LEFT_"].allowed is None


def test_a_name_of_a_label_alone_is_something_to_look_at(tmp_path: Path):
    rows = [[f"k{n}", str(n / 7), str(n % 2)] for n in range(20)]
    written, _ = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "target"]))
    looked = [text for _, _, text in written.look]
    assert any(text.startswith("label:") and "its name says so" in text for text in looked)
    assert any("the gate will refuse until there are more" in text for text in looked)


def test_null_texts_and_odd_values_are_of_one_column(tmp_path: Path):
    def row(n: int) -> list[object]:
        return [
            n * 3 % 119,
            "None" if n == 5 else n % 50,
            ("None", "Apnea", "Insomnia")[n % 3],
            "inf" if n == 7 else n / 8,
        ]

    project = frame_of(tmp_path, ["x", "steps", "disorder", "v"], row, label="disorder")
    assert project.label.classes == ("Apnea", "Insomnia", "None")
    nulls = {name: each.null_values for name, each in project.streamed.columns.items() if each.null_values}
    assert nulls == {"STEPS": ("None",), "V": ("inf",)}
    assert "read as missing: inf in 1 row(s); look" in (project.directory / "project.yaml").read_text()


def test_what_is_written_of_a_sample_says_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("snowloop.new.table.MAX_ROWS", 50)
    project = frame_of(tmp_path, ["id", "x", "target"], lambda n: [f"k{n}", n % 7, n % 2])
    text = (project.directory / "project.yaml").read_text()
    assert "a sample, the first 50 rows" in text
    assert "A range is that of the\n    # sample, the first 50 rows" in text
    assert project.contract.training.on_failure == "quarantine"


def test_of_a_wide_file_the_strongest_features_are_measured_and_the_steps_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The feature that gives the label away is neither ordered by it nor among the first."""
    monkeypatch.setattr("snowloop.new.files.LARGE_TABLE", 1000)
    header, draw = [*(f"f{place}" for place in range(60)), "target"], Random(1).random
    rows = [[*(f"{draw():.4f}" for _ in range(60)), str(int(n % 41 in range(10, 30)))] for n in range(205)]
    for n, cells in enumerate(rows):
        cells[50] = str(n % 41 + 0.5)
    steps: list[str] = []
    made(tmp_path, write(tmp_path / "a.csv", rows, header), progress=steps.append)
    assert "F50 alone predicts the label" in (tmp_path / "projects" / "churn" / "project.yaml").read_text()
    assert steps == ["looking at 61 columns of 205 rows"]


def test_numbers_and_dates_in_other_forms_are_expressions_with_a_rule_each(tmp_path: Path):
    header = ["paid on", "amount", "share", "target"]
    project = frame_of(
        tmp_path,
        header,
        lambda n: [f"{n % 12 + 1:02}/{n % 28 + 1:02}/2024", f"${1000 + n * 13 % 97 * 100:,}", f"{n % 40}%", n % 2],
    )
    paid, amount, share = (project.streamed.columns[name] for name in ("PAID_ON", "AMOUNT", "SHARE"))
    assert (paid.type, paid.value) == ("VARCHAR", "TRY_TO_DATE(PAID_ON, 'MM/DD/YYYY')")
    assert (amount.type, amount.min, amount.max) == ("VARCHAR", 0, 16000)
    assert (share.min, share.max) == (0, 59)
    assert features_of(project) == [f"{amount.value} AS AMOUNT", f"{share.value} AS SHARE"]
    text = project.text("features.sql")
    assert "such as MONTH(TRY_TO_DATE(PAID_ON, 'MM/DD/YYYY')) AS PAID_ON_MONTH" in text
    assert "event_time" not in (project.directory / "project.yaml").read_text()


@pytest.mark.parametrize(
    ("customers", "split"), [(300, ("group", "CUSTOMER_ID")), (60, ("time", None))], ids=["many", "few"]
)
def test_a_customer_in_each_month_is_a_key_that_comes_again(
    tmp_path: Path, customers: int, split: tuple[str, str | None]
):
    header = ["customer_id", "month", "spent", "target"]
    rows = [
        [f"c{n % customers}", f"2024-0{n // customers + 1}-01", str(n % 7), str(n % 2)] for n in range(3 * customers)
    ]
    written, project = made(tmp_path, write(tmp_path / "a.csv", rows, header))
    assert (project.key, project.streamed.event_time, project.serving.rescore) == (
        ("CUSTOMER_ID",),
        "MONTH",
        "every_row",
    )
    assert (project.split.by, project.split.column) == split
    assert column(project, "CUSTOMER_ID") == {"type": "VARCHAR", "nullable": False}
    assert "SELECT\n    CUSTOMER_ID,\n    MONTH,\n    SPENT\n" in project.text("features.sql")
    assert "SELECT\n    CUSTOMER_ID,\n    MONTH,\n    TARGET\n" in project.text("label.sql")
    assert any("each time with another MONTH" in text for _, _, text in written.look)


def test_a_thing_that_is_there_twice_at_a_time_is_no_key(tmp_path: Path):
    header = ["customer_id", "month", "spent", "target"]
    project = frame_of(tmp_path, header, lambda n: [f"c{n % 30}", f"2024-0{n % 2 + 1}-01", n % 7, n % 2])
    assert (project.key, project.serving.rescore) == (("ROW_ID",), None)
