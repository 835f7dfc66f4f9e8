"""targets.yaml: where it is found, what it changes about a project, and what it refuses."""

from pathlib import Path

import pytest

from snowloop.errors import ProjectError
from snowloop.project import Project, load_project
from tests.support.tiny import tiny

STAGES = """
targets:
  dev: {}
  staging: {gate: {max_skew: 1.0e-8, metric: {tiny: 0.6}}}
  prod:
    database: "ml_{project}_live"
    warehouses: {default: big_wh, training: fit_wh, scoring: score_wh}
    approval: true
    accepts_from: [staging]
    gate: {max_skew: 1.0e-9, max_model_bytes: 900000000, min_support: 50, metric: {tiny: 0.7}}
"""


def declared(folder: Path, text: str) -> Project:
    tiny(folder / "include" / "projects")
    (folder / "include" / "targets.yaml").write_text(text)
    return load_project("tiny", folder / "include" / "projects")


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ProjectError) as caught:
        declared(folder, text)
    return str(caught.value)


def test_without_the_file_nothing_changes(tmp_path: Path):
    project = tiny(tmp_path / "projects")
    assert project.targets.targets == {}
    assert project.database("prod") == "TINY_PROD"
    assert project.in_target("prod") is project


def test_a_target_names_database_and_warehouses(tmp_path: Path):
    project = declared(tmp_path, STAGES)
    assert [project.database(name) for name in ("dev", "staging", "PROD")] == [
        "TINY_DEV",
        "TINY_STAGING",
        "ML_TINY_LIVE",
    ]
    prod = project.in_target("prod")
    assert prod.database("prod") == "ML_TINY_LIVE"
    assert (prod.environment.warehouse, prod.environment.training_warehouse) == ("BIG_WH", "FIT_WH")
    assert prod.serving.warehouse == "SCORE_WH"
    assert project.in_target("dev").environment == project.environment


def test_of_two_bounds_the_stricter_one_holds(tmp_path: Path):
    project = declared(tmp_path, STAGES)
    prod = project.in_target("prod")
    assert prod.metric.at_least == 0.7
    assert prod.metric.min_support == 50
    assert prod.gate.max_skew == 1e-9
    assert prod.gate.max_model_bytes == project.gate.max_model_bytes == 100_000_000
    assert prod.gate.max_calibration_error is None
    assert project.in_target("dev").metric == project.metric


PEOPLE = """
gate: {fairness: {selection_rate: 0.2, max_widening: 0.1}}
"""
SLICES = "evaluation: {importance_rows: 0, slices: [{column: KIND, inclusion: true}]}"
FAIR = """
targets:
  dev: {}
  staging: {gate: {fairness: {TINY: {selection_rate: 0.3, true_positive_rate: 0.1}}}}
  prod:
    accepts_from: [staging]
    gate: {fairness: {tiny: {selection_rate: 0.15, true_positive_rate: 0.1, max_widening: 0.0}}}
"""


def with_people(folder: Path, text: str, project: str = PEOPLE) -> Project:
    made = folder / "include" / "projects" / "tiny" / "project.yaml"
    tiny(folder / "include" / "projects")
    made.write_text(made.read_text().replace("evaluation: {importance_rows: 0}", SLICES) + project)
    (folder / "include" / "targets.yaml").write_text(text)
    return load_project("tiny", folder / "include" / "projects")


def test_gaps_between_groups_of_people_become_stricter_and_never_looser(tmp_path: Path):
    project = with_people(tmp_path, FAIR)
    gaps = {name: project.in_target(name).gate.fairness for name in ("dev", "staging", "prod")}
    assert gaps["dev"] == project.gate.fairness
    assert (gaps["staging"].selection_rate, gaps["staging"].true_positive_rate) == (0.2, 0.1)
    assert (gaps["prod"].selection_rate, gaps["prod"].max_widening) == (0.15, 0.0)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("true_positive_rate: 0.1, max", "max", "gate.fairness.tiny.true_positive_rate of target prod is missing"),
        ("rate: 0.15", "rate: 0.31", "gate.fairness.tiny.selection_rate of target prod is 0.31, that of staging"),
        ("{tiny: {sel", "{tyni: {sel", "gate.fairness.tiny.selection_rate of target prod is missing"),
        ("{}\n", "{gate: {fairness: {tyni: {selection_rate: 0.1}}}}\n", "gate.fairness of target dev names 'tyni'"),
    ],
)
def test_gaps_that_cannot_be_bounded_so_are_refused(tmp_path: Path, before: str, after: str, says: str):
    with pytest.raises(ProjectError) as caught:
        with_people(tmp_path, FAIR.replace(before, after, 1))
    assert says in str(caught.value)


def test_a_gap_is_bounded_only_where_the_project_names_people(tmp_path: Path):
    bounds = "targets: {prod: {gate: {fairness: {tiny: {max_widening: 0.0}}}}}\n"
    assert "max_widening is for gaps that have a bound" in refused(tmp_path, bounds)
    assert "of target prod: gate.fairness bounds gaps between groups of people: set `inclusion: true`" in refused(
        tmp_path / "other", bounds.replace("max_widening: 0.0", "calibration: 0.1")
    )


def test_an_approval_is_one_of_the_project(tmp_path: Path):
    project = declared(tmp_path, STAGES)
    assert project.approval.targets == ("prod",)
    assert project.judges_the_end


def test_it_is_found_beside_the_projects_above_them_or_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    projects = tmp_path / "include" / "projects"
    tiny(projects)
    for place, name in ((tmp_path, "root"), (tmp_path / "include", "above"), (projects, "beside")):
        (place / "targets.yaml").write_text(f"targets: {{{name}: {{}}}}\n")
        assert [*load_project("tiny", projects).targets.targets] == [name]
    (tmp_path / "other.yaml").write_text("targets: {named: {}}\n")
    monkeypatch.setenv("SNOWLOOP_TARGETS", str(tmp_path / "other.yaml"))
    assert [*load_project("tiny", projects).targets.targets] == ["named"]
    monkeypatch.setenv("SNOWLOOP_TARGETS", str(tmp_path / "none.yaml"))
    with pytest.raises(ProjectError, match=r"none\.yaml: no such file"):
        load_project("tiny", projects)


def test_a_target_that_is_not_declared_is_refused(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"there is no target 'porduction' \(there are: dev, staging, prod\)"):
        declared(tmp_path, STAGES).in_target("porduction")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("targets: {}\n", "targets.yaml:1: 'targets': Dictionary should have at least 1 item"),
        ("target: {dev: {}}\n", "unknown key 'target': remove it, or correct its spelling (targets?)"),
        ("targets:\n  dev:\n    rol: x\n", "targets.yaml:3: unknown key 'targets.dev.rol'"),
        ("targets: {dev: {database: ml_prod}}\n", "is no pattern of a database"),
        ("targets: {dev: {database: '{project}_{project}'}}\n", "is no pattern of a database"),
        ("targets: {dev: {database: 'x-{project}'}}\n", "is no pattern of a database"),
        ("targets: {dev: {account: 'https://x.snowflakecomputing.com'}}\n", "is no account"),
        ("targets: {dev: {mode: production}}\n", "mode production needs the branch that may deploy"),
        ("targets: {dev: {}, DEV: {}}\n", "target dev appears twice"),
        ("targets: {dev: {}, prod: {database: '{project}_dev'}}\n", "targets dev and prod have the same databases"),
        ("targets: {prod: {accepts_from: [staging]}}\n", "accepts_from 'staging', which is no target (prod)"),
        ("targets: {prod: {accepts_from: [prod]}}\n", "target prod accepts_from itself"),
        (STAGES.replace("1.0e-9", "1.0e-7"), "gate.max_skew of target prod is 1e-07, that of staging"),
        (STAGES.replace("max_skew: 1.0e-9, ", ""), "gate.max_skew of target prod is missing, that of staging"),
        (STAGES.replace("{tiny: 0.7}", "{tiny: 0.5}"), "gate.metric.tiny of target prod is 0.5, that of staging"),
        (STAGES.replace("{tiny: 0.7}", "{tiny: 0.7, tyni: 0.7}"), "gate.metric of target prod names 'tyni'"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_read(tmp_path: Path, text: str, says: str):
    assert says in refused(tmp_path, text)
