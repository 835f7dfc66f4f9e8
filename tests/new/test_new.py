"""First declarations: what is read of a file, what is inferred, and what is reported."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from snowloop.cli.main import app
from snowloop.new import new_project
from snowloop.project import Replay, load_project
from tests.support.first_files import HEADER, PLANS, column, customers, made, refusal, write


def test_types_are_those_that_copy_reads(tmp_path: Path):
    _, project = made(tmp_path, write(tmp_path / "a.csv", customers()))
    types = {name: declared.type for name, declared in project.streamed.columns.items()}
    assert types == {
        "ZIP": "VARCHAR",  # a leading zero makes it a code
        "AGE": "NUMBER(38,0)",
        "FEE_EUR": "FLOAT",
        "PLAN": "VARCHAR",
        "ORDER_": "VARCHAR",
        "MEMBER": "BOOLEAN",
        "JOINED": "DATE",
        "SEEN": "TIMESTAMP_NTZ",
        "LEFT_": "VARCHAR",
    }


def test_the_contract_is_what_was_seen_with_slack(tmp_path: Path):
    _, project = made(tmp_path, write(tmp_path / "a.csv", customers()))
    assert column(project, "AGE") == {"type": "NUMBER(38,0)", "nullable": False, "min": 0, "max": 94}
    assert column(project, "PLAN") == {"type": "VARCHAR", "nullable": False, "allowed": PLANS}
    assert project.streamed.columns["ORDER_"].nullable
    assert project.streamed.columns["ORDER_"].field == "order"
    assert project.streamed.columns["LEFT_"].known_after_label
    assert project.streamed.columns["LEFT_"].allowed == ("no", "yes")


def test_a_range_does_not_cross_zero_by_slack_alone_and_flags_get_none(tmp_path: Path):
    rows = [
        [str(number), str(-number // 2), str(number % 2), str(5 + number / 1000), str(number % 2)]
        for number in range(60)
    ]
    _, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "debt", "flag", "level", "target"]))
    ranges = {name: (each.min, each.max) for name, each in project.streamed.columns.items()}
    assert ranges["DEBT"] == (-45, 0)
    assert ranges["FLAG"] == (0, 1)
    assert ranges["LEVEL"] == (4.97, 5.09)


def test_label_and_features_are_written_for_sql(tmp_path: Path):
    written, project = made(tmp_path, write(tmp_path / "a.csv", customers()))
    assert project.label.column == "LEFT_YES"
    assert "CASE WHEN LEFT_ = 'yes' THEN 1 ELSE 0 END AS LEFT_YES" in project.text("label.sql")
    features = project.text("features.sql")
    assert "MEMBER::INTEGER AS MEMBER" in features
    assert "-- Not a feature: JOINED, a date" in features
    assert "LEFT_" not in features.split("SELECT", 1)[1]
    assert "label    left: the last column, which has few values; classification of no, yes" in written.text()


@pytest.mark.parametrize(
    ("header", "first", "key"),
    [
        (["x", "customer_id", "target"], lambda number: f"b{number}", ["CUSTOMER_ID"]),
        (["x", "customerID", "target"], lambda number: f"b-{number * 7 % 40}", ["CUSTOMERID"]),
        (["x", "token", "target"], lambda number: f"{number:08x}-aaaa-4bbb-8ccc-0123456789ab", ["TOKEN"]),
        (["x", "count", "target"], lambda number: str(number * 3 // 2), ["COUNT"]),
        (["x", "place", "target"], lambda number: str(9000 + number * 37 % 40), ["PLACE"]),
        (["x", "salary", "target"], lambda number: str(9000 + number * 37), ["ROW_ID"]),
        (["x", "level", "target"], lambda number: f"{number}.5", ["ROW_ID"]),
        (["x", "row_id", "target"], lambda number: str(number // 2), ["ROW_NUMBER_"]),
    ],
)
def test_a_key_is_inferred_or_the_rows_are_numbered(tmp_path: Path, header: list[str], first, key: list[str]):
    rows = [[str(number % 3), first(number), str(number % 2)] for number in range(40)]
    _, project = made(tmp_path, write(tmp_path / "a.csv", rows, header))
    assert list(project.key) == key
    assert (project.streamed.row_id is not None) == key[0].startswith("ROW")


def test_several_columns_may_be_the_key(tmp_path: Path):
    rows = [[str(number // 4), str(number % 4), str(number / 3), str(number % 2)] for number in range(40)]
    file = write(tmp_path / "a.csv", rows, ["shop", "day", "x", "y"])
    _, project = made(tmp_path, file, key=["shop", "DAY"])
    assert project.key == ("SHOP", "DAY")
    assert project.streamed.row_id is None


@pytest.mark.parametrize(
    ("values", "task", "classes", "label"),
    [
        (["0", "1"], "classification", (), "TARGET"),
        (["1.0", "0.0", ""], "classification", (), "TARGET_1_0"),
        (["1", "2"], "classification", (), "TARGET_2"),
        (["True", "False"], "classification", (), "TARGET_TRUE"),
        (["a", "b", "b"], "classification", (), "TARGET_A"),
        (["a b", "it's", "no"], "multiclass", ("a b", "it's", "no"), "TARGET"),
        (["2", "0", "1"], "multiclass", (0, 1, 2), "TARGET"),
        ([f"{number / 3:.2f}" for number in range(60)], "regression", (), "TARGET"),
        ([str(number * 7) for number in range(60)], "regression", (), "TARGET"),
    ],
)
def test_the_task_follows_from_the_label(tmp_path: Path, values: list[str], task: str, classes: tuple, label: str):
    rows = [[f"k{number}", str(number % 7), values[number % len(values)]] for number in range(60)]
    _, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "target"]))
    assert (project.label.task, project.label.classes, project.label.column) == (task, classes, label)


def test_which_of_two_texts_is_one_is_an_inference_that_is_reported(tmp_path: Path):
    rows = [[f"k{number}", str(number % 7), "MB"[number % 3 == 0]] for number in range(60)]
    written, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "target m", "target"]))
    assert project.label.column == "TARGET_B"
    assert "score    the probability of target = B" in written.text()
    assert [file.name for file, _, text in written.look if "The rarer one is 1; look" in text] == ["label.sql"]


def test_a_last_column_of_few_values_is_a_label_and_one_of_many_is_not(tmp_path: Path):
    rows = [[str(number), str(number / 7), str(number % 2)] for number in range(60)]
    assert made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "bought"]))[1].label.column == "BOUGHT"
    message = refusal(tmp_path / "other", write(tmp_path / "b.csv", [row[:2] for row in rows], ["id", "x"]))
    assert "which column is the label?" in message
    assert "--label COLUMN (one of x)" in message


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_sniffed(tmp_path: Path, delimiter: str):
    rows = [[f"k{number}", f"a{',' * (number % 3)}b", f"x;{number}", str(number % 2)] for number in range(30)]
    file = write(tmp_path / "a.csv", rows, ["id", "p", "q", "target"], delimiter)
    assert made(tmp_path, file)[1].streamed.delimiter == delimiter


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_the_encoding_is_declared_by_its_common_name(tmp_path: Path, encoding: str):
    file = write(
        tmp_path / "a.csv", [[f"k{n}", f"é{n // 20}", str(n % 2)] for n in range(40)], ["id", "grösse", "target"]
    )
    file.write_bytes(file.read_text(encoding="utf-8").encode(encoding))
    _, project = made(tmp_path, file, encoding=encoding)
    assert project.streamed.encoding == {"latin-1": "ISO-8859-1", "utf-16": "UTF-16"}[encoding]
    assert project.streamed.columns["GROSSE"].allowed == ("é0", "é1")


def test_null_tokens_are_those_without_which_a_column_is_no_text(tmp_path: Path):
    rows = [[f"k{n}", "?" if n == 3 else str(n), "NA" if n % 2 else "DE", "NULL", str(n % 2)] for n in range(40)]
    _, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "land", "gone", "target"]))
    assert project.streamed.null_values == ("",)
    assert {name: each.null_values for name, each in project.streamed.columns.items() if each.null_values} == {
        "X": ("?",), "GONE": ("NULL",),
    }  # fmt: skip
    assert project.streamed.columns["X"].type == "NUMBER(38,0)"
    assert project.streamed.columns["LAND"].allowed == ("DE", "NA")
    assert "-- Not a feature: GONE, it has no value in any row" in project.text("features.sql")


def test_names_that_sql_would_have_to_quote_are_mapped(tmp_path: Path):
    header = ["Größe (cm)", "größe cm", "2nd", "select", "reason", "", "target"]
    rows = [[str(n % 7), str(n % 5), str(n % 3), "1", "x", str(n / 4), str(n % 2)] for n in range(40)]
    _, project = made(tmp_path, write(tmp_path / "a.csv", rows, header))
    assert list(project.streamed.columns) == [
        "GROSSE_CM", "GROSSE_CM_2", "C_2ND", "SELECT_", "REASON_", "COLUMN_6", "TARGET",
    ]  # fmt: skip
    assert [column.field for column in project.streamed.columns.values()] == [*header[:-1], None]


@pytest.mark.parametrize("target", ["No", "off", "1", "target"])
def test_names_that_yaml_reads_as_something_else_are_put_in_quotes(tmp_path: Path, target: str):
    header = ["Yes", "no_", "2", "true", target]
    rows = [[f"k{n}", str(n % 5), str(n / 3), str(n % 7), str(n % 2)] for n in range(60)]
    file = write(tmp_path / "no.csv", rows, header)
    folder = tmp_path / "projects"
    new_project("off", file, key=["Yes"], label=target, folder=folder)
    project = load_project("off", folder)
    assert (project.source, project.key) == ("no", ("YES",))
    assert len(project.streamed.columns) == 5
    assert project.label.column in {"NO", "OFF", "C_1", "TARGET"}


def test_a_moment_with_a_zone_is_not_proposed_as_event_time(tmp_path: Path):
    header = ["id", "x", "seen", "target"]
    for zone, proposed in (("", True), ("+02:00", False)):
        rows = [[f"k{n}", str(n / 7), f"2024-03-01 10:{n % 60:02}:00{zone}", str(n % 2)] for n in range(60)]
        folder = tmp_path / f"projects{len(zone)}"
        written = new_project("churn", write(tmp_path / "a.csv", rows, header), folder=folder)
        assert ("# event_time: SEEN" in (written.directory / "project.yaml").read_text()) is proposed


def test_a_small_file_says_openly_that_it_asks_for_less_support(tmp_path: Path):
    rows = [[f"k{number}", str(number / 7), str(number % 3)] for number in range(150)]
    written, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "target"]))
    assert project.metric.min_support == 6
    assert "fewer than the 20 that are safe" in (written.directory / "project.yaml").read_text()
    more = [[f"k{number}", str(number / 7), str(number % 2)] for number in range(900)]
    large = new_project("large", write(tmp_path / "b.csv", more, ["id", "x", "target"]), folder=tmp_path / "projects")
    assert load_project("large", tmp_path / "projects").metric.min_support == 20
    assert "safe" not in (large.directory / "project.yaml").read_text()


def test_rows_in_the_order_of_a_time_are_not_shuffled(tmp_path: Path):
    rows = [[f"k{n}", f"2024-01-{1 + n // 4:02}", str(n % 7), str(n % 2)] for n in range(80)]
    assert made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "day", "x", "target"]))[1].replay == Replay(
        initial=0.8
    )
    other = write(tmp_path / "b.csv", rows[::-1], ["id", "day", "x", "target"])
    new_project("churn_2", other, folder=tmp_path / "projects")
    assert load_project("churn_2", tmp_path / "projects").replay == Replay(initial=0.8, shuffle=True)


def test_lines_of_another_width_are_reported(tmp_path: Path):
    rows = [[f"k{number}", str(number / 7), str(number % 2)] for number in range(30)]
    written, _ = made(tmp_path, write(tmp_path / "a.csv", [*rows, ["x"], ["a", "1", "1", "9"]], ["id", "x", "target"]))
    assert "rejects  2 rows, malformed or with more or fewer fields than the header: 32, 33" in written.text()


def test_a_quote_within_a_field_is_data_and_one_that_is_not_closed_costs_one_row(tmp_path: Path):
    rows = [f'k{number},{number % 3}" pipe,{number % 2}' for number in range(30)]
    rows[7] = 'k7,"7 inch,1'
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["id,x,target", *rows]))
    written, _ = made(tmp_path, file)
    assert "29 rows, 3 columns" in written.text()
    assert "rejects  1 rows, malformed or with more or fewer fields than the header: 9" in written.text()


def test_the_pipeline_takes_what_is_missing_and_what_is_new(tmp_path: Path):
    import numpy as np
    import pandas as pd

    written, project = made(tmp_path, write(tmp_path / "a.csv", customers()))
    inside: dict[str, object] = {}
    exec((written.directory / "model.py").read_text(), inside)
    frame = pd.DataFrame({"AGE": [1.0, np.nan] * 20, "PLAN": np.array(["a", None] * 20, dtype=object)})
    for candidate in project.candidates:
        model = inside["build_model"](**candidate.params, seed=1).fit(frame, [0, 1] * 20)  # type: ignore[operator]
        asked = pd.DataFrame({"AGE": [np.nan, 2.0], "PLAN": np.array(["never seen", np.nan], dtype=object)})
        assert np.isfinite(model.predict_proba(asked)).all()


def test_the_command_reports_what_it_wrote_what_to_look_at_and_what_to_run(tmp_path: Path):
    file = write(tmp_path / "a.csv", [row[1:] for row in customers()], HEADER[1:])
    ended = CliRunner().invoke(app, ["new", "churn", "--from", str(file), "--dir", str(tmp_path / "projects")])
    assert ended.exit_code == 0, ended.output
    folder = tmp_path / "projects" / "churn"
    assert f"wrote {folder}: project.yaml, features.sql, label.sql, model.py" in ended.output
    looked = [line for line in ended.output.splitlines() if line.startswith(f"  {folder}")]
    text = (folder / "project.yaml").read_text().splitlines()
    marked = [text[int(line.rsplit(":", 1)[1]) - 1].split(":")[0] for line in looked]
    assert marked == ["label", "metric", "# Held-out rows of the rarest class that a verdict requires"]
    assert f"SNOWLOOP_PROJECTS={tmp_path / 'projects'} make run PROJECT=churn DATA={tmp_path}" in ended.output
    again = CliRunner().invoke(app, ["new", "churn", "--from", str(file), "--dir", str(tmp_path / "projects")])
    assert again.exit_code == 1
    assert again.output.startswith("snowloop: ")


def test_what_is_written_keeps_the_forms_of_the_repository(tmp_path: Path):
    import subprocess
    import sys

    written, _ = made(tmp_path, write(tmp_path / "a.csv", customers()))
    model = str(written.directory / "model.py")
    command = [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length=120", model]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert yaml.safe_load((written.directory / "project.yaml").read_text())["owners"] == []


def test_a_feature_that_predicts_the_label_is_pointed_out_and_the_bound_is_left_to_a_person(tmp_path: Path):
    rows = [
        [f"k{n}", str(n % 2 + n / 1000), "ab"[n % 2] if n % 30 else "b", str(n * 7 % 13), str(n % 2)] for n in range(90)
    ]
    written, project = made(tmp_path, write(tmp_path / "a.csv", rows, ["id", "x", "p", "q", "target"]))
    assert "X alone predicts the label (ROC AUC 1.000), as do P" in (written.directory / "project.yaml").read_text()
    assert project.leakage.max_single_feature == 0.9
    assert any("leakage" in text for _, _, text in written.look)
