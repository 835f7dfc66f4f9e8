"""Lays out a repository of a user's own: DAGs, projects, targets, tests, and the pipelines that deliver its models."""

import csv
import itertools
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import FileSystemLoader

from snowloop.errors import NewProjectError
from snowloop.lifecycle.provenance import tool_version
from snowloop.lifecycle.results import Result
from snowloop.new.contract import LOOK
from snowloop.new.files import NewProject, new_project
from snowloop.new.table import read_table
from snowloop.project import include_dir
from snowloop.project.base import NAME
from snowloop.project.files.schema import SCHEMAS
from snowloop.templates import sandbox

Ci = Literal["github", "gitlab", "azure"]
TEMPLATES = Path("templates", "repository")
PIPELINES: dict[Ci, str] = {"github": ".github/workflows", "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.yml"}
APPROVERS: dict[Ci, str] = {
    "github": "GitHub, as a reviewer of the environment prod",
    "gitlab": "GitLab, who starts the job prod",
    "azure": "Azure DevOps, by a check of the environment prod",
}
SERVICES: dict[Ci, str] = {"github": "GitHub Actions", "gitlab": "GitLab CI", "azure": "Azure Pipelines"}
PYTHON, BRANCH = "3.11", "main"
SAMPLE_BYTES, SAMPLE_ROWS = 5_000_000, 5_000
"""A file is copied whole up to this size, of a larger one this many of the first rows."""


@dataclass(frozen=True)
class Repository(Result):
    """A repository that was laid out.

    Args:
        directory: Its folder.
        files: What was written, from there.
        project: The first project, or None.
        sample: The copy of its rows, or None.
        look: Lines that a person should check: file, number and text.
        name: Name of the project in the pipelines.
    """

    directory: Path
    files: tuple[str, ...]
    project: NewProject | None
    sample: Path | None
    look: tuple[tuple[Path, int, str], ...]
    name: str

    def text(self) -> str:
        """The report for a terminal."""
        lines = [f"wrote {self.directory}: {', '.join(self.files)}"]
        lines += ["", *self.project.notes] if self.project else []
        if self.sample:
            lines += ["", f"rows     {self.sample}: check that they may be in a repository before you commit them"]
        lines += ["", "look at:"]
        lines += [f"  {file}:{number}\n      {text}" for file, number, text in self.look]
        new = [] if self.project else [f"  snowloop new {self.name} --from FILE.csv --dir include/projects"]
        return "\n".join([
            *lines, "", "then run:", f"  cd {shlex.quote(str(self.directory))} && git init --initial-branch={BRANCH}",
            '  python -m venv .venv && . .venv/bin/activate && pip install ".[test]"',
            "  export SNOWLOOP_PROJECTS=$PWD/include/projects", *new, "  python -m pytest",
        ])  # fmt: skip


def new_repository(
    directory: Path,
    *,
    file: Path | None = None,
    name: str | None = None,
    ci: Ci = "github",
    key: Sequence[str] = (),
    label: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Repository:
    """Lay out a repository. Nothing is overwritten: if a file is there already, nothing is written.

    Args:
        directory: Its folder, which may exist, as a clone that is empty.
        file: A CSV file of which the first project is written, and whose rows are copied for tests; None: no project.
        name: Name of the project; None: that of the file, or else of the folder.
        ci: Which pipelines.
        key: Columns that together identify a row of the file; none: inferred.
        label: The column to predict; None: inferred.
        progress: Gets a line for each step of a large file.

    Raises:
        NewProjectError: if something is there already, or file, name, key or label cannot be used.
    """
    directory = directory.resolve()
    name = _name(name, file, directory)
    texts = dict(_rendered(directory, name, ci))
    data = directory / "include" / "data" / name / file.name if file else None
    projects = directory / "include" / "projects"
    taken = [path for path in (*map(directory.joinpath, texts), data, projects / name) if path and path.exists()]
    if taken:
        raise NewProjectError(f"{taken[0]} already exists and is not overwritten: choose another folder, or remove it")
    try:
        for path, text in texts.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text, encoding="utf-8")
        written = (
            new_project(name, file, key=key, label=label, folder=projects, progress=progress)
            if file is not None
            else None
        )
        if file is not None and data is not None:
            _copy_rows(file, data)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}: name a folder that can be written, and a file that can be read"
        raise NewProjectError(message) from error
    except NewProjectError:
        for path in texts:
            (directory / path).unlink(missing_ok=True)
        raise
    look = (*_look(directory / "targets.yaml"), *(written.look if written else ()))
    return Repository(directory, tuple(sorted(texts)), written, data, look, name)


def _name(name: str | None, file: Path | None, directory: Path) -> str:
    inferred = re.sub(r"\W+", "_", file.stem if file else directory.name).strip("_").lower()
    name = (name or inferred).lower()
    if not NAME.fullmatch(name):
        message = f"'{name}' cannot be a project's name: give one with --name, of letters, digits and _, such as churn"
        raise NewProjectError(message)
    return name


def _rendered(directory: Path, name: str, ci: Ci) -> Iterator[tuple[str, str]]:
    """Path and content of each file; those of other pipelines are left out."""
    place = include_dir() / TEMPLATES
    others = tuple(path for each, path in PIPELINES.items() if each != ci)
    # the delimiters of pipelines, {{ }} and ${{ }}, stay as they are
    jinja = sandbox(
        variable_start_string="[[", variable_end_string="]]", block_start_string="[%", block_end_string="%]",
        keep_trailing_newline=True, loader=FileSystemLoader(place),
    )  # fmt: skip
    values = {
        "repository": re.sub(r"[^A-Za-z0-9._-]+", "-", directory.name).strip("._-") or name,
        "version": tool_version().removesuffix("-clone"),
        "projects": [name],
        "schema": SCHEMAS["targets"].path_in_repository,
        "ci": ci,
        "pipelines": PIPELINES[ci],
        "approver": APPROVERS[ci],
        "service": SERVICES[ci],
        "branch": BRANCH,
        "python": PYTHON,
    }
    for template in sorted(place.rglob("*.j2")):
        path = template.relative_to(place).as_posix()
        if not path.startswith(others):
            yield path.removesuffix(".j2"), jinja.get_template(path).render(**values)
    for schema in SCHEMAS.values():
        yield schema.path_in_repository, schema.text()


def _copy_rows(file: Path, place: Path) -> None:
    """Copy a file, or the first rows of a large one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if file.stat().st_size <= SAMPLE_BYTES:
        shutil.copyfile(file, place)
        return
    table = read_table(file)
    with (
        file.open(encoding=table.encoding, newline="") as source,
        place.open("w", encoding=table.encoding, newline="") as copy,
    ):
        rows = csv.reader(source, delimiter=table.delimiter)
        csv.writer(copy, delimiter=table.delimiter, lineterminator="\n").writerows(
            itertools.islice(rows, 1 + SAMPLE_ROWS)
        )


def _look(file: Path) -> Iterator[tuple[Path, int, str]]:
    """The lines of a file that end with the mark."""
    mark = LOOK.removeprefix(";").strip()
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if re.search(rf"[;#] *{mark}$", line):
            yield file, number, line.strip()
