"""Finds and reads project.yaml files; errors name the line."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from snowloop.errors import ProjectError
from snowloop.project.declaration import Project
from snowloop.project.files.file_checks import FileLine, FilePlace, Problem, file_problems
from snowloop.project.files.target_bounds import bound_problems
from snowloop.project.files.yaml_file import line_of, read_declaration
from snowloop.project.targets import FILE as TARGETS_FILE
from snowloop.project.targets import NO_TARGETS, Targets

FILES = ("project.yaml", "features.sql", "label.sql", "model.py")
MOST_KEPT = 1024
"""Projects that a process keeps in memory."""
_PACKAGE = Path(__file__).resolve().parents[2]


def include_dir() -> Path:
    """The folder of SQL and templates: SNOWLOOP_INCLUDE, or the wheel's own, or ``include`` next to ``plugins``."""
    configured = os.environ.get("SNOWLOOP_INCLUDE")
    if configured:
        return Path(configured)
    return _PACKAGE / "include" if is_installed() else _PACKAGE.parents[1] / "include"


def is_installed() -> bool:
    """Whether Snowloop is installed as a package, which contains SQL and templates, but no projects."""
    return (_PACKAGE / "include").is_dir()


def project_folders() -> list[Path]:
    """Where projects are looked for: ``include/projects``, then each folder that SNOWLOOP_PROJECTS lists as PATH does.

    An installed Snowloop has no ``include/projects`` unless SNOWLOOP_INCLUDE names an include folder.

    Raises:
        ProjectError: if SNOWLOOP_PROJECTS lists a folder that does not exist.
    """
    folders, missing = _folders()
    if missing:
        raise missing[0]
    return folders


def _folders() -> tuple[list[Path], list[ProjectError]]:
    """The folders of projects that exist, and an error for each that is listed and does not."""
    own = [] if is_installed() and not os.environ.get("SNOWLOOP_INCLUDE") else [include_dir() / "projects"]
    listed = [Path(place) for place in os.environ.get("SNOWLOOP_PROJECTS", "").split(os.pathsep) if place]
    missing = [
        ProjectError(f"{folder}: no such folder, but SNOWLOOP_PROJECTS lists it: create it, or remove it from the list")
        for folder in listed
        if not folder.is_dir()
    ]
    return list(dict.fromkeys([*own, *(folder for folder in listed if folder.is_dir())])), missing


def _places(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """The folders of projects in which each name is declared, or has at least one of the files of a project."""
    places: dict[str, list[Path]] = {}
    for folder in folders:
        for directory in folder.glob("*"):
            if any((directory / file).is_file() for file in (*FILES, "project.yml")):
                places.setdefault(directory.name, []).append(folder)
    return dict(sorted(places.items()))


def declared_projects(folder: Path | None = None) -> list[Project]:
    """All projects that are declared in a folder (default: ``project_folders()``), in order of their names.

    Raises:
        ProjectError: if any of them is not usable; the message lists all errors.
    """
    projects, errors = _loaded(*(([folder], []) if folder else _folders()))
    if errors:
        raise ProjectError("\n".join(str(error) for error in errors))
    return projects


def usable_projects(only: str | None = None) -> list[Project]:
    """The usable declared projects, in order of their names: an error in one must not stop the DAGs of the others.

    ``declared_projects`` reports the errors.

    Args:
        only: The name of one project, if no other one is needed: the files of the others are not read.
    """
    return _loaded(*_folders(), only)[0]


def _loaded(
    folders: Sequence[Path], errors: list[ProjectError], only: str | None = None
) -> tuple[list[Project], list[ProjectError]]:
    """The usable projects of some folders, and the errors so far with those of the others."""
    projects, places = [], _places(folders)
    for name in places:
        if only not in (None, name):
            continue
        try:
            projects.append(_load(name, places))
        except ProjectError as error:
            errors.append(error)
    return projects, errors


def load_project(name: str, folder: Path | None = None) -> Project:
    """Read and validate one project.

    Args:
        name: Name of the project, which is the name of its folder.
        folder: The folder of projects; default: that of ``project_folders()`` in which it is.

    Raises:
        ProjectError: if a file is missing, or the declaration is wrong; the message says where, and what to do.
    """
    folders, missing = ([folder], []) if folder else _folders()
    places = _places(folders)
    if name not in places:
        raise missing[0] if missing else _unknown(name, places, folders)
    return _load(name, places)


def _load(name: str, places: Mapping[str, Sequence[Path]]) -> Project:
    """One project, of which any fault is a ProjectError."""
    first, *others = (place / name for place in places[name])
    if others:
        message = (
            f"{others[0] / 'project.yaml'}: project {name} is also declared in {first}: rename or remove one of them"
        )
        raise ProjectError(message)
    try:
        return _read(name, first)
    except ProjectError:
        raise
    except Exception as error:
        message = (
            f"{first / 'project.yaml'}: the project cannot be read ({type(error).__name__}: {error}): undo the last "
            f"change of {', '.join(FILES)}"
        )
        raise ProjectError(message) from error


def _read(name: str, directory: Path) -> Project:
    for file in FILES:
        if not (directory / file).is_file():
            raise ProjectError(f"{directory / file}: the file is missing; a project needs {', '.join(FILES)}")
    declared, problems = _declaration(directory, _stamps(directory))
    if declared.name != name:
        message = f"{directory / 'project.yaml'}: name is '{declared.name}', the folder is '{name}': make them equal"
        raise ProjectError(message)
    project = _with_targets(declared)
    if problems:
        raise ProjectError("\n".join(f"{_at(project, place)}: {what}" for place, what in problems))
    return project


def _stamps(directory: Path) -> tuple[tuple[int, int], ...]:
    """When a project's folder and each of its files were changed, in nanoseconds, and their sizes in bytes."""
    stats = [path.stat() for path in (directory, *(directory / file for file in FILES))]
    return tuple((each.st_mtime_ns, each.st_size) for each in stats)


@lru_cache(maxsize=MOST_KEPT)
def _declaration(directory: Path, _stamps: tuple[tuple[int, int], ...]) -> tuple[Project, tuple[Problem, ...]]:
    """What the files of a project declare, and what is wrong with them: read once by a process until they change.

    Each of the DAG files asks for all projects.
    """
    project = read_declaration(directory / "project.yaml", Project, f"name: {directory.name}")
    object.__setattr__(project, "_directory", directory)
    return project, tuple(file_problems(directory, project))


def _with_targets(project: Project) -> Project:
    """The project with the targets of its repository, and with the approvals that they ask for."""
    targets = load_targets(project.directory.parent)
    for problem in (
        *bound_problems(targets, project),
        *_unknown_names(targets, project.directory.parent),
    ):
        raise ProjectError(f"{targets.file}: {problem}")
    approving = dict.fromkeys((*project.approval.targets, *targets.with_approval()))
    approval = project.approval.model_copy(update={"targets": tuple(approving)})
    changed = project.model_copy(update={"approval": approval} if targets.with_approval() else None)
    object.__setattr__(changed, "_targets", targets)
    return changed


def _unknown_names(targets: Targets, folder: Path) -> Iterator[str]:
    """Bounds that are declared for projects that do not exist."""
    for name, target in targets.targets.items():
        bounds: dict[str, Iterable[str]] = {"metric": target.gate.metric, "fairness": target.gate.fairness}
        for bound, project in ((bound, project) for bound, named in bounds.items() for project in named):
            if not (folder / project.lower() / FILES[0]).is_file():
                yield f"gate.{bound} of target {name} names '{project}', and {folder} has no such project: correct it"


def load_targets(folder: Path) -> Targets:
    """Read the targets.yaml of a folder of projects.

    Args:
        folder: The folder of projects.

    Returns:
        The targets of the file that SNOWLOOP_TARGETS names, or of the nearest one: in the folder, in the one above, as
        ``include`` is above ``include/projects``, or in the next one, as the repository; none if there is no file.

    Raises:
        ProjectError: if the file is missing that SNOWLOOP_TARGETS names, or its content is wrong.
    """
    named = os.environ.get("SNOWLOOP_TARGETS")
    if named and not Path(named).is_file():
        raise ProjectError(f"{named}: no such file, but SNOWLOOP_TARGETS names it: create it, or unset the variable")
    near = folder.absolute()
    places = [Path(named)] if named else [each / TARGETS_FILE for each in (near, *near.parents[:2])]
    path = next((place for place in places if place.is_file()), None)
    return NO_TARGETS if path is None else _read_targets(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read_targets(path: Path, _changed_at: int) -> Targets:
    """The targets of a file, read once for all projects until it changes."""
    targets = read_declaration(path, Targets, "targets:")
    object.__setattr__(targets, "_file", path)
    return targets


def _unknown(name: str, declared: Mapping[str, Sequence[Path]], places: Sequence[Path]) -> ProjectError:
    if not places:
        message = f"{name}: there are no projects: list their folder in SNOWLOOP_PROJECTS"
        return ProjectError(message)
    names = ", ".join(declared) or "none"
    files = ", ".join(FILES)
    return ProjectError(
        f"{places[0] / name}: no project of this name (there are: {names}); add the folder with {files}"
    )


def place_of(project: Project, *place: int | str) -> str:
    """Where a part of a declaration is, for messages: such as ``include/projects/churn/project.yaml:12``.

    Args:
        place: The keys and indexes that lead to the part, such as ``"evaluation", "slices", 0, "column"``.
    """
    return line_of(project.directory / "project.yaml", place)


def _at(project: Project, place: FilePlace) -> str:
    if isinstance(place, FileLine):
        return f"{project.directory / place.file}:{place.line}"
    return place_of(project, *place)
