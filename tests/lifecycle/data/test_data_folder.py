"""Data is read below declared folders alone, and of programs only the declared generator runs."""

import json
import os
from pathlib import Path

import pytest

from snowloop.errors import LoadError, ProjectError
from snowloop.lifecycle.data.data_folder import declared_roots
from snowloop.lifecycle.data.files import check_files, plan_files
from snowloop.project import Project, load_project
from tests.support.tiny import COLUMNS, PROJECT, tiny

SECRET = "PLANTED-SECRET"
PROGRAM = """
import argparse, json, os, pathlib, sys
parser = argparse.ArgumentParser()
parser.add_argument("--out", type=pathlib.Path)
out = parser.parse_args().out
out.mkdir(parents=True)
(out / "events_1.csv").write_text({header!r} + "\\n")
pathlib.Path({seen!r}).write_text(json.dumps([dict(os.environ), os.getcwd(), sys.stdin.read()]))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = tiny(tmp_path / "include" / "projects")
    made.data_dir.mkdir(parents=True)
    (made.data_dir / "events_1.csv").write_text(",".join(COLUMNS) + "\n")
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else, with a file that the project would read."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "events_1.csv").write_text(f"{SECRET},more\n")
    return folder


def plan(project: Project, asked: str | Path | None, tmp_path: Path) -> list[str]:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return [file.path.name for file in plan_files(project, asked, work, declared_roots(project))]


def refused(project: Project, asked: str | Path, tmp_path: Path) -> str:
    with pytest.raises(LoadError) as planned:
        plan(project, asked, tmp_path)
    with pytest.raises(LoadError) as checked:
        check_files(project, asked, declared_roots(project))
    assert str(planned.value) == str(checked.value)
    assert SECRET not in str(planned.value)
    return str(planned.value)


def test_what_is_asked_for_lies_below_a_declared_folder_links_followed(
    project: Project, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    inside = project.data_root
    (inside / "link").symlink_to(outside)
    for asked in (outside, inside / "link", f"{inside}/../../elsewhere", "/etc", "/proc/self", tmp_path / "nowhere"):
        assert "SNOWLOOP_DATA_ROOTS" in refused(project, asked, tmp_path)
    places: list[str | Path | None] = [None, "", "tiny", project.data_dir, inside / "tiny" / "." / ".." / "tiny"]
    for place in places:
        planned = plan(project.model_copy(update={"sample": "tiny"}), place, tmp_path)
        assert len(planned) == 2
    monkeypatch.setenv("SNOWLOOP_DATA_ROOTS", os.pathsep.join(["/not/there", str(outside)]))
    with pytest.raises(LoadError, match="the header differs"):
        plan(project, outside, tmp_path)
    listed = tmp_path / "roots"
    listed.write_text(f"/not/there\n{outside}\n")
    monkeypatch.setenv("SNOWLOOP_DATA_ROOTS", str(listed))
    with pytest.raises(LoadError, match="the header differs"):
        plan(project, inside / "link", tmp_path)


def test_a_file_that_leads_outside_or_is_no_file_is_refused(project: Project, outside: Path, tmp_path: Path):
    file = project.data_dir / "events_1.csv"
    file.unlink()
    file.symlink_to(outside / "events_1.csv")
    assert "events_1.csv: this is, links followed, below none" in refused(project, project.data_dir, tmp_path)
    file.unlink()
    os.mkfifo(file)
    assert "no regular file" in refused(project, project.data_dir, tmp_path)


@pytest.mark.parametrize("asked", ["a\0b", "x" * 5000, "loop"])
def test_what_is_no_path_is_an_error_in_words(project: Project, asked: str, tmp_path: Path):
    (project.data_root / "loop").symlink_to("loop")
    message = refused(project, str(project.data_root / asked), tmp_path)
    assert len(message) < 1000


def test_no_program_runs_but_the_declared_one_and_it_sees_no_secret(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen, ran = tmp_path / "seen.json", tmp_path / "ran"
    generator, other = project.data_root / "generate.py", project.data_root / "other.py"
    generator.write_text(PROGRAM.format(header=",".join(COLUMNS), seen=str(seen)))
    other.write_text(f"open({str(ran)!r}, 'w')")
    (project.data_root / "other").symlink_to(other)
    declared = project.model_copy(update={"sample": "generate.py"})
    monkeypatch.setenv("AIRFLOW_CONN_SNOWFLAKE_DEFAULT", SECRET)
    monkeypatch.setenv("SNOWFLAKE_PASSWORD", SECRET)
    for asked in (other, project.data_root / "other", generator.with_name("tiny") / ".." / "other.py"):
        assert "this is a file, and no folder" in refused(declared, asked, tmp_path)
        with pytest.raises(LoadError, match="this is a file, and no folder"):  # nor for who may read everything
            plan_files(declared, asked, tmp_path)
    assert "runs none" in refused(project, generator, tmp_path)
    assert not ran.exists()
    assert not seen.exists()
    places: list[str | Path | None] = [None, "generate.py", generator]
    for place in places:
        assert len(plan(declared, place, tmp_path)) == 2
        environment, folder, read = json.loads(seen.read_text())
        assert SECRET not in json.dumps(environment)
        assert (folder, read, environment["HOME"]) == (str(tmp_path / "work"), "", str(tmp_path / "work"))
        for made in (tmp_path / "work").rglob("*.csv"):
            made.unlink()
        (tmp_path / "work" / "generated").rmdir()


@pytest.mark.parametrize("place", ["../other.py", "/etc/passwd", "a/../../b", "", "a\nb"])
def test_what_a_declaration_names_is_below_the_folder_of_data(tmp_path: Path, place: str):
    text = PROJECT["project.yaml"]
    for declared in (
        f"{text}sample: {json.dumps(place)}\n",
        text.replace('file: "events*.csv"', f"file: {json.dumps(place)}"),
    ):
        tiny(tmp_path / "projects")
        (tmp_path / "projects" / "tiny" / "project.yaml").write_text(declared)
        with pytest.raises(ProjectError, match="is no place below the folder of the data"):
            load_project("tiny", tmp_path / "projects")
