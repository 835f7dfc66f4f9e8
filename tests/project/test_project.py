"""Declarations: what is accepted, and what the errors say."""

import os
import shutil
from pathlib import Path

import pytest

from snowloop.project import Project, ProjectError, declared_projects, include_dir, load_project, usable_projects
from tests.support.tiny import tiny

LABEL = "task: classification}"
SHIPPED = ["bank_marketing", "credit_approval", "diabetes_progression"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(include_dir() / "projects" / "credit_approval", tmp_path / "credit_approval")
    return tmp_path


def edit(folder: Path, old: str, new: str) -> int:
    """Replace a text in project.yaml; the number of the line on which it stands."""
    file = folder / "credit_approval" / "project.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


def refusal(folder: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        load_project("credit_approval", folder)
    return str(caught.value)


def test_shipped_projects_are_valid():
    assert [project.name for project in declared_projects()] == SHIPPED


def test_a_changed_file_is_read_again(folder: Path):
    before = load_project("credit_approval", folder)
    assert load_project("credit_approval", folder).model_dump() == before.model_dump()
    edit(folder, "seed: 7", "seed: 77")
    assert load_project("credit_approval", folder).seed == 77
    (folder / "credit_approval" / "model.py").write_text("def build(): pass\n")
    assert "model.py:1: there is no function build_model" in refusal(folder)


def test_names_of_database_and_tables():
    project = load_project("credit_approval")
    assert project.database("dev") == "CREDIT_APPROVAL_DEV"
    assert project.table == "APPLICATION_RECORD"
    assert project.key == ("ID",)
    with pytest.raises(ProjectError, match="plain name"):
        project.database("dev; drop")


def test_row_number_is_the_first_column_of_a_file_without_key():
    columns = load_project("bank_marketing").streamed.table_columns
    assert next(iter(columns)) == "ROW_ID"
    assert "DURATION" in columns


@pytest.mark.parametrize(
    ("written", "read"),
    [("latin-1", "ISO-8859-1"), ("cp1252", "WINDOWS-1252"), ("utf8", "UTF-8"), ("utf_16", "UTF-16")],
)
def test_an_encoding_is_declared_by_any_of_its_names(folder: Path, written: str, read: str):
    edit(folder, '_record*.csv"\n', f'_record*.csv"\n    encoding: {written}\n')
    assert load_project("credit_approval", folder).streamed.encoding == read


def test_duration_is_no_feature_of_bank_marketing():
    statements = load_project("bank_marketing").text("features.sql").split("SELECT", 1)[1]
    assert "DURATION" not in statements


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("owners:", "owner:", "unknown key 'owner': remove it, or correct its spelling"),
        ("seed: 7", "seed: many", "'seed'"),
        ("tolerance: 0.02", "tolerance: -1", "'metric.tolerance'"),
        ("metric: {name: roc_auc, at_least: 0.65", "metric: {name: roc_auc, at_most: 0.65", "`at_least: <number>`"),
        ("metric: {name: roc_auc", "metric: {name: r2", "metric r2 does not fit classification"),
        ("  - {name: boosting", "  - {name: Logistic", "two candidates have the same name"),
        ("source: application_record #", "source: applications #", "source 'applications' is not one of sources"),
        ("key: [ID]", "key: [NUMBER]", "column NUMBER (of key or split) is not a column of source"),
        ("split: {by: hash", "split: {by: order", "order_by is for `by: order`"),
        ('allowed: ["N", "Y"]}', "allowed: [no, yes]}", "put it in quotes"),
        ("min: 0, max: 30", "min: 40, max: 30", "min 40 is above max 30"),
        (
            "{type: FLOAT, nullable: false, min: 0, max: 1000000000}",
            "{type: a b, nullable: false}",
            "is not a column type",
        ),
        ("name: credit_approval", "name: other", "make them equal"),
        ("owners:", "ownres:", "unknown key 'ownres': remove it, or correct its spelling (owners?)"),
        ("seed: 7", "seed: 7\nseed: 8", "key 'seed' appears twice"),
        ("CODE_GENDER: {type", "id: {type", "column ID appears twice (case is ignored)"),
        ("  credit_record:\n", "  Application_Record:\n", "source APPLICATION_RECORD appears twice"),
        ("key: [ID]", "key: [ID, id]", "key column ID appears twice"),
        (
            "CODE_GENDER: {type: VARCHAR",
            "CODE_GENDER: {type: VARCHER",
            "is not a column type such as NUMBER(38,0), FLOAT,",
        ),
        ("CODE_GENDER: {type: VARCHAR", "CODE_GENDER: {type: VARCHER", "VARCHAR?"),
        ("NAME_INCOME_TYPE: {type: VARCHAR", "NAME_INCOME_TYPE: {type: VARCHAR, min: 3", "min and max are for numbers"),
        (
            "NAME_INCOME_TYPE: {type: VARCHAR",
            "NAME_INCOME_TYPE: {type: VARCHAR, value: 'NAME_INCOME_TYPE::FLOAT'",
            "may fail on one row and stop all others: use a function that gives NULL",
        ),
        (
            "NAME_INCOME_TYPE: {type: VARCHAR",
            "NAME_INCOME_TYPE: {type: VARCHAR, value: TRY_TO_DOUBLE(INCOME)",
            "the value of column NAME_INCOME_TYPE does not use NAME_INCOME_TYPE",
        ),
        ("CODE_GENDER:", "REASON:", "column REASON has a name that Snowloop uses for a column of its own"),
        ("label: {column: BAD", "label: {column: id", "label ID is a key column too"),
        (
            '_record*.csv"\n',
            '_record*.csv"\n    encoding: latin-7\n',
            "'sources.application_record.encoding': 'latin-7' is",
        ),
        ('_record*.csv"\n', '_record*.csv"\n    encoding: 8859\n', "8859 is not text to YAML: put it in quotes"),
        ('_record*.csv"\n', '_record*.csv"\n    row_id: {column: ID}\n', "row_id ID is also a column of the file"),
        (
            "- {column: AGE_YEARS, edges: [35, 50]",
            "- {column: CODE_GENDER, edges: [35, 50]",
            "column CODE_GENDER has two slices: keep one",
        ),
        (
            "- {column: CODE_GENDER, bound: 0.55",
            "- {column: CODE_GENDER, edges: [1, 2], bound: 0.55",
            "slice column CODE_GENDER has edges, which are for numbers; it is a VARCHAR: remove `edges`",
        ),
        ("seed: 7", "gate: {fairness: {max_widening: 0.1}}", "max_widening is for gaps that have a bound"),
        ("seed: 7", "gate: {fairness: {selection_rate: 2}}", "'gate.fairness.selection_rate'"),
        ("seed: 7", "approval: {timeout: 24h}", "no environment is named: add `targets: [prod]`"),
        ("seed: 7", "approval: {targets: [p rod]}", "'p rod' is not a plain name"),
        ("seed: 7", "approval: {targets: [prod], timeout: soon}", "write it like 30 minutes, 24h or 7 days"),
        ("seed: 7", "approval: {targets: [prod], timeout: 0h}", "a whole number above 0 and a unit"),
        ("seed: 7", "approval: {targets: prod}", "'approval.targets'"),
        ("task: classification", "task: multiclass", "needs two classes or more"),
        ("task: classification", "task: classification, classes: [a, b]", "classes are for `task: multiclass`"),
        (LABEL, "task: regression}\nmonitoring: {performance: {estimate: true}}", "those of a regression are none"),
        (LABEL, "task: multiclass, classes: a}", "expected a list of classes"),
        (LABEL, "task: multiclass, classes: [yes, no]}", "put texts such as 'yes' or '1.5' in quotes"),
        (LABEL, "task: multiclass, classes: [1, b]}", "all texts or all whole numbers"),
        (LABEL, "task: multiclass, classes: [a, b, a]}", "a class is declared twice"),
        (
            LABEL,
            "task: multiclass, classes: [a, b, c]}",
            "metric roc_auc does not fit multiclass: use one of accuracy,",
        ),
    ],
)
def test_a_wrong_declaration_is_one_error_with_its_place(folder: Path, old: str, new: str, says: str):
    edit(folder, old, new)
    message = refusal(folder)
    assert says in message
    assert str(folder / "credit_approval" / "project.yaml") in message


def test_classes_are_declared_in_any_order_and_kept_in_that_of_the_model(folder: Path):
    edit(folder, LABEL, "task: multiclass, classes: [plus, basic, pro]}")
    edit(folder, "{name: roc_auc, at_least: 0.65", "{name: log_loss, at_most: 0.65")
    label = load_project("credit_approval", folder).label
    assert (label.classes, label.type) == (("basic", "plus", "pro"), "VARCHAR")
    edit(folder, "[plus, basic, pro]", "[10, 9]")
    label = load_project("credit_approval", folder).label
    assert (label.classes, label.type) == ((9, 10), "NUMBER(38,0)")
    edit(folder, "evaluation:\n", "evaluation:\n  threshold: 0.4\n")
    assert "evaluation.threshold is for two classes" in refusal(folder)


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "log_loss", "roc_auc_ovr"])
def test_metrics_of_several_classes_have_their_direction(folder: Path, metric: str):
    edit(folder, LABEL, "task: multiclass, classes: [a, b, c]}")
    edit(folder, "metric: {name: roc_auc", f"metric: {{name: {metric}")
    if metric == "log_loss":
        assert "the bound of log_loss is declared by `at_most: <number>`" in refusal(folder)
    else:
        assert load_project("credit_approval", folder).metric.higher_is_better


def test_an_error_names_the_line(folder: Path):
    line = edit(folder, "AMT_INCOME_TOTAL: {type: FLOAT", "AMT_INCOME_TOTAL: {kind: FLOAT, type: FLOAT")
    message = refusal(folder)
    assert f"project.yaml:{line}: " in message
    assert "sources.application_record.columns.AMT_INCOME_TOTAL.kind" in message


def test_broken_yaml_names_the_line(folder: Path):
    line = edit(folder, "tags: [credit, classification]", "tags: [credit")
    assert f"project.yaml:{line + 2}: this is not YAML" in refusal(folder)


@pytest.mark.parametrize("file", ["features.sql", "label.sql", "model.py"])
def test_a_missing_file_is_named(folder: Path, file: str):
    (folder / "credit_approval" / file).unlink()
    assert f"{folder / 'credit_approval' / file}: the file is missing" in refusal(folder)


def test_an_unknown_project_lists_those_there_are(folder: Path):
    with pytest.raises(ProjectError, match="there are: credit_approval"):
        load_project("churn", folder)


def test_a_declaration_that_is_not_utf_8_is_reported(folder: Path):
    file = folder / "credit_approval" / "project.yaml"
    file.write_bytes(file.read_bytes().replace(b"Who will", "Wer fällt".encode("latin-1")))
    assert f"{file}:2: this is not UTF-8" in refusal(folder)
    file.write_text("name: a\x00b")
    assert f"{file}: this is not YAML" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "says"),
    [
        (
            "features.sql",
            "{{ source }}",
            "{{ sorce }}",
            22,
            "'{{ sorce }}' is undefined: this file has only",
        ),
        ("features.sql", "{{ source }}", "{{ source }", 22, "this is not a valid Jinja template"),
        ("features.sql", "{{ source }}", "RAW.APPLICATION_RECORD", 1, "it never reads '{{ source }}'"),
        ("label.sql", "{{ raw }}", "{{ source }}", 5, "'{{ source }}' is undefined: this file has only '{{ raw }}'"),
        ("model.py", "def build_model(", "def build(", 1, "there is no function build_model"),
        ("model.py", "def build_model(", "def build_model((", 16, "this is not Python"),
        ("model.py", 'kind: str = "logistic", seed: int', "kind: str, seed: int", None, None),
        ("model.py", 'kind: str = "logistic", ', "", ("project.yaml", 53), "takes no parameter 'kind' (it takes seed)"),
        ("model.py", 'kind: str = "', 'depth: int, kind: str = "', ("project.yaml", 53), "needs 'depth': add it to"),
    ],
)
def test_a_wrong_file_next_to_the_declaration_is_reported_with_its_line(
    folder: Path, file: str, old: str, new: str, line: int | tuple[str, int] | None, says: str | None
):
    path = folder / "credit_approval" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    if says is None or line is None:
        load_project("credit_approval", folder)
        return
    place = (file, line) if isinstance(line, int) else line
    message = refusal(folder)
    assert says in message
    assert f"{folder / 'credit_approval' / place[0]}:{place[1]}: " in message


def test_an_empty_query_and_one_that_is_not_utf_8_are_reported(folder: Path):
    (folder / "credit_approval" / "features.sql").write_text("-- nothing yet\n")
    (folder / "credit_approval" / "label.sql").write_bytes("SELECT\n'ü'".encode("latin-1"))
    message = refusal(folder)
    assert "features.sql:1: the file has no query: write one SELECT over {{ source }}" in message
    assert "label.sql:2: this is not UTF-8" in message


@pytest.mark.parametrize(
    "text",
    ["from parts import build_model\n", "from parts import *\n", "build_model = make\n", "def build_model(**kw): ..."],
)
def test_a_model_may_be_built_in_other_ways(folder: Path, text: str):
    (folder / "credit_approval" / "model.py").write_text(text)
    assert load_project("credit_approval", folder)


def test_a_folder_that_model_py_imports_is_reported_because_only_modules_travel(folder: Path):
    place = folder / "credit_approval"
    (place / "parts").mkdir()
    file = place / "model.py"
    file.write_text(f"from parts.lines import line\n{file.read_text()}")
    assert f"{file}:1: 'parts' is a folder, but only modules next to model.py are uploaded" in refusal(folder)
    (place / "parts.py").write_text("line = None\n")
    assert load_project("credit_approval", folder)


def test_of_the_source_that_is_scored_the_key_alone_is_unique(folder: Path):
    """Of rows that arrive nobody could tell a value that came before, but in the key."""
    edit(folder, "CNT_FAM_MEMBERS: {type: FLOAT,", "CNT_FAM_MEMBERS: {type: FLOAT, unique: true,")
    message = refusal(folder)
    assert "column CNT_FAM_MEMBERS is unique in source 'application_record', whose rows are scored" in message
    assert "remove `unique`, or make the column the key" in message


@pytest.mark.parametrize("kind", ["TIMESTAMP_TZ", "TIMESTAMP_LTZ", "TIMESTAMP_TZ(9)", "VARCHAR"])
def test_a_moment_with_a_zone_is_no_event_time(folder: Path, kind: str):
    edit(folder, "OCCUPATION_TYPE: {type: VARCHAR}", f'OCCUPATION_TYPE: {{type: "{kind}"}}')
    edit(folder, "    columns:", "    event_time: OCCUPATION_TYPE\n    columns:")
    assert "event_time OCCUPATION_TYPE of source 'application_record' is not one of its columns" in refusal(folder)
    assert "a column that holds UTC and is declared TIMESTAMP_NTZ or DATE" in refusal(folder)


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "TIMESTAMP", "TIMESTAMP_NTZ(3)"])
def test_a_moment_without_a_zone_is_an_event_time(folder: Path, kind: str):
    edit(folder, "OCCUPATION_TYPE: {type: VARCHAR}", f'OCCUPATION_TYPE: {{type: "{kind}"}}')
    edit(folder, "    columns:", "    event_time: OCCUPATION_TYPE\n    columns:")
    assert load_project("credit_approval", folder).streamed.event_time == "OCCUPATION_TYPE"


def test_more_folders_of_projects_are_searched(folder: Path, monkeypatch: pytest.MonkeyPatch):
    file = (folder / "credit_approval").rename(folder / "churn") / "project.yaml"
    file.write_text(file.read_text().replace("name: credit_approval", "name: churn"))
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(folder))
    assert [project.name for project in declared_projects()] == sorted([*SHIPPED, "churn"])
    assert load_project("churn").directory == folder / "churn"
    assert load_project("credit_approval").directory == include_dir() / "projects" / "credit_approval"


def test_a_project_that_is_declared_twice_names_both_places(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(folder))
    with pytest.raises(ProjectError, match="rename or remove one") as caught:
        declared_projects()
    assert str(folder / "credit_approval") in str(caught.value)
    assert str(include_dir() / "projects" / "credit_approval") in str(caught.value)


def test_a_wrong_declaration_does_not_stop_other_projects(folder: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("churn", "fraud"):
        file = folder / name / "project.yaml"
        shutil.copytree(folder / "credit_approval", folder / name)
        file.write_text(file.read_text().replace("name: credit_approval", f"name: {name}\nwrong_{name}: 1"))
    shutil.rmtree(folder / "credit_approval")
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(folder))
    assert [project.name for project in usable_projects()] == SHIPPED
    with pytest.raises(ProjectError, match=r"(?s)'wrong_churn'.*'wrong_fraud'"):
        declared_projects()


def test_a_folder_of_projects_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNOWLOOP_PROJECTS", f"{tmp_path}{os.pathsep}{tmp_path / 'nowhere'}")
    with pytest.raises(ProjectError, match="nowhere: no such folder, but SNOWLOOP_PROJECTS lists it"):
        declared_projects()


def test_an_unknown_candidate_lists_those_there_are():
    with pytest.raises(ProjectError, match="it declares logistic, boosting"):
        load_project("credit_approval").candidate("forest")


def test_a_declaration_cannot_be_changed():
    project = load_project("credit_approval")
    assert isinstance(project, Project)
    with pytest.raises(ValueError, match="frozen"):
        project.seed = 8  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([(", inclusion: true}", "}"), (", inclusion: true}", "}")], "set `inclusion: true` at the slices of them"),
        (
            [("task: classification", "task: regression"), ("{name: roc_auc, at_least", "{name: mae, at_most")],
            "gate.fairness.selection_rate is for a classification",
        ),
        (
            [(LABEL, "task: multiclass, classes: [1, 2]}"), ("{name: roc_auc, at_least", "{name: log_loss, at_most")],
            "gate.fairness is for labels of two classes and for regressions",
        ),
    ],
)
def test_bounds_of_gaps_between_groups_fit_the_label_and_the_slices(
    folder: Path, changes: list[tuple[str, str]], says: str
):
    for old, new in [("seed: 7", "gate: {fairness: {selection_rate: 0.2}}"), *changes]:
        edit(folder, old, new)
    assert says in refusal(folder)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    event_time: HAPPENED_AT\n", "", "declare the `event_time` of the scored source"),
        ("key: [ID]", "key: [ID, HAPPENED_AT]", "the key names the event time HAPPENED_AT already"),
        ("{by: group, column: ID}", "{by: hash}", r"declare split: {by: group, column: ID}, or {by: time}"),
        ('{type: "NUMBER(38,0)", nullable: false}', '{type: "NUMBER(38,0)", unique: true}', "column ID is unique"),
        ("HAPPENED_AT", "EVENT_TIME", "column EVENT_TIME has a name that Snowloop uses"),
    ],
)
def test_what_does_not_tell_the_rows_of_a_key_apart_is_refused(tmp_path: Path, old: str, new: str, says: str):
    tiny(tmp_path, every_row=True)
    file = tmp_path / "tiny" / "project.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ProjectError, match=says):
        load_project("tiny", tmp_path)
