"""Files that are often read wrongly, where they are at hand: what comes of each is what a person reads."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from snowloop.lifecycle.data.files import plan_files
from snowloop.new.columns import profile_columns
from snowloop.new.table import read_table
from tests.support.first_files import made, refusal
from tests.support.world import SHARED

FOLDER = SHARED / "data" / "odd_files"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no folder {FOLDER} (set SNOWLOOP_SHARED)")


@dataclass(frozen=True)
class Read:
    """What a person reads in a file.

    Args:
        values: Some texts of a column and their values.
        nulls: Texts that mean missing in a column.
        label: The label's column.
        classes: The classes in the file; none: numbers.
        features: Names of the features in features.sql.
        options: The words of the person.
        rows: Number of rows.
    """

    values: dict[str, dict[str, str]] = field(default_factory=dict)
    nulls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = "TARGET"
    classes: tuple[str, ...] = ("0", "1")
    features: tuple[str, ...] = ("X", "Z")
    options: dict[str, Any] = field(default_factory=dict)
    rows: int = 30


PATHS, V = ("X", "PATH"), ("V", "X")
RIGHT = {
    "stray_quote.csv": Read({"PART": {'5" pipe': '5" pipe', "nut": "nut"}}, features=("X", "PART")),
    "backslash.csv": Read({"PATH": {"C:\\new": "C:\\new", "D:\\old": "D:\\old"}}, features=PATHS),
    "backslash_at_end.csv": Read({"PATH": {"C:\\": "C:\\", "D:\\": "D:\\"}}, features=PATHS),
    "thousands.csv": Read({"INCOME": {"20,000": "20000", "21,500": "21500"}}, features=("INCOME", "Z")),
    "sparse_column.csv": Read(
        {"CLOSED_DAYS": {"0": "0", "8": "8"}}, {"CLOSED_DAYS": ("",)}, features=("X", "CLOSED_DAYS"), rows=400
    ),
    "none_is_a_class.csv": Read(
        {"STEPS": {"28": "28"}}, {"STEPS": ("None",)}, "DISORDER", ("Insomnia", "None"), ("X", "STEPS")
    ),
    "class_is_a_feature.csv": Read(label="SURVIVED", features=("FARE", "CLASS")),
    "label_taken_as_key.csv": Read(label="PRICE", classes=(), options={"label": "price"}),
    "no_header.csv": Read(
        {"COLUMN_1": {"4.1": "4.1"}},
        label="COLUMN_3",
        classes=("ham", "spam"),
        features=("COLUMN_1", "COLUMN_2"),
        options={"header": False},
    ),
    "overflow.csv": Read({"V": {"2.5": "2.5"}}, {"V": ("1e999",)}, features=V),
    "infinite.csv": Read({"V": {"2.5": "2.5"}}, {"V": ("-inf", "inf")}, features=V),
    "currency_percent.csv": Read(
        {"PAY": {"$20,517.00": "20517.00"}, "RATE": {"31.7%": "31.7"}}, features=("PAY", "RATE", "X")
    ),
    "blank_line_first.csv": Read(),
    "newline_in_header.csv": Read(features=("X", "INCOME_YEARLY")),
    "data [1].csv": Read(),
    "bob's data.csv": Read(),
    "us_dates.csv": Read({"D": {"01/13/2023": "2023-01-13", "05/26/2023": "2023-05-26"}}, features=("X",)),
    "utf16.csv": Read(options={"encoding": "UTF-16"}),
}
REFUSED = {
    "no_header.csv": "the first record has values, not names (4.1, 2.5, ham ...)",
    "utf16.csv": "it is UTF-16: say so with --encoding UTF-16",
    "comment_lines.csv": ":1: this is a comment, not a header: remove the lines before the header, as by tail -n +2",
    "row_names.txt": "every row has one field more than the header, as where R writes row names",
    "trailing_delimiter.csv": "every row ends with a delimiter, the header does not",
}


def test_no_file_is_left_out():
    assert {file.name for file in FOLDER.iterdir() if file.name != "README.md"} == {*RIGHT, *REFUSED}


@pytest.mark.parametrize("name", RIGHT)
def test_its_values_are_those_that_a_person_reads(name: str):
    right = RIGHT[name]
    reading = {key: value for key, value in right.options.items() if key != "label"}
    profiles = {column.name: column for column in profile_columns(read_table(FOLDER / name, **reading))}
    for column, values in right.values.items():
        assert {text: profiles[column].value(text) for text in values} == values
        assert set(values) <= set(profiles[column].counts)
    nulls = {column: tuple(sorted(profile.null_counts)) for column, profile in profiles.items() if profile.null_counts}
    assert nulls == right.nulls


@pytest.mark.parametrize("name", RIGHT)
def test_it_is_declared_as_a_person_would_and_every_row_is_loaded(tmp_path: Path, name: str):
    right = RIGHT[name]
    written, project = made(tmp_path, FOLDER / name, **right.options)
    source, text = project.streamed, project.text("features.sql")
    selected = text.split("SELECT\n")[1].split("\nFROM")[0].splitlines()[len(project.key) :]
    assert tuple(line.strip().rstrip(",").split(" ")[-1] for line in selected) == right.features
    assert f"label    {right.label}: ".lower() in written.text().lower()
    allowed = source.columns[right.label].allowed
    assert right.classes in ((), ("0", "1")) or allowed == right.classes
    null_values = {column: each.null_values for column, each in source.columns.items() if each.null_values}
    assert null_values == {column: nulls for column, nulls in right.nulls.items() if nulls != ("",)}
    work = tmp_path / "work"
    work.mkdir()
    planned = plan_files(project, FOLDER, work)
    assert sum(file.rows for file in planned) == right.rows
    assert not [record for file in planned for record in file.malformed]


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_as_it_is_says_what_it_is_and_what_to_do(tmp_path: Path, name: str):
    assert REFUSED[name] in refusal(tmp_path, FOLDER / name)
