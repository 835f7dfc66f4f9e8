"""Finds and reads project.yaml files; errors name the line."""

import os
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from snowloop.errors import ProjectError
from snowloop.project.declaration import Project
from snowloop.project.file_checks import FileLine, FilePlace, file_problems
from snowloop.project.sources import Declaration

# Airflow parses DAG files again and again: libyaml's loader where it is there
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(LOADER):  # type: ignore[misc, valid-type]
    """Refuses a duplicate key: YAML forbids it, but PyYAML silently takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(problem=f"key '{key.value}' appears twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


FILES = ("project.yaml", "features.sql", "label.sql", "model.py")
_PACKAGE = Path(__file__).resolve().parents[1]


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
    """Where projects are looked for: ``include/projects``, then each folder that SNOWLOOP_PROJECTS lists.

    An installed Snowloop has no ``include/projects`` unless SNOWLOOP_INCLUDE names an include folder.

    Returns:
        The folders; SNOWLOOP_PROJECTS separates them as PATH does.

    Raises:
        ProjectError: if SNOWLOOP_PROJECTS lists a folder that does not exist.
    """
    listed = [Path(place) for place in os.environ.get("SNOWLOOP_PROJECTS", "").split(os.pathsep) if place]
    for folder in listed:
        if not folder.is_dir():
            message = f"{folder}: no such folder, but SNOWLOOP_PROJECTS lists it: create it, or remove it from the list"
            raise ProjectError(message)
    if is_installed() and not os.environ.get("SNOWLOOP_INCLUDE"):
        return listed
    return list(dict.fromkeys([include_dir() / "projects", *listed]))


def _places(folder: Path | None) -> dict[str, Path]:
    """The folder of projects in which each name is declared."""
    places: dict[str, Path] = {}
    for place in [folder] if folder else project_folders():
        for file in place.glob("*/project.yaml"):
            name = file.parent.name
            if name in places:
                message = (
                    f"{file}: project {name} is also declared in {places[name] / name}: rename or remove one of them"
                )
                raise ProjectError(message)
            places[name] = place
    return dict(sorted(places.items()))


def declared_projects(folder: Path | None = None) -> list[Project]:
    """All declared projects, in order of their names.

    Args:
        folder: Where to look; default: ``project_folders()``.

    Returns:
        One project for each sub-folder that holds a project.yaml.

    Raises:
        ProjectError: if any of them is not usable (the message lists all errors), or two have the same name.
    """
    projects, errors = _loaded(folder)
    if errors:
        raise ProjectError("\n".join(str(error) for error in errors))
    return projects


def usable_projects() -> list[Project]:
    """The usable declared projects: an error in one must not stop the DAGs of the others.

    Returns:
        One project for each usable declaration, in order of their names; ``declared_projects`` reports the others.

    Raises:
        ProjectError: if two projects have the same name, or a folder of SNOWLOOP_PROJECTS does not exist.
    """
    return _loaded(None)[0]


def _loaded(folder: Path | None) -> tuple[list[Project], list[ProjectError]]:
    projects, errors = [], []
    for name, place in _places(folder).items():
        try:
            projects.append(load_project(name, place))
        except ProjectError as error:
            errors.append(error)
    return projects, errors


def load_project(name: str, folder: Path | None = None) -> Project:
    """Read and validate one project.

    Args:
        name: Name of the project, which is the name of its folder.
        folder: The folder of projects; default: that of ``project_folders()`` in which it is.

    Returns:
        The project.

    Raises:
        ProjectError: if a file is missing, or the declaration is wrong; the message says where, and what to do.
    """
    folders = _places(folder)
    if name not in folders:
        raise _unknown(name, folders, [folder] if folder else project_folders())
    directory = folders[name] / name
    for file in FILES:
        if not (directory / file).is_file():
            message = f"{directory / file}: the file is missing; a project needs {', '.join(FILES)}"
            raise ProjectError(message)
    project = _parse(directory / "project.yaml")
    if project.name != name:
        message = f"{directory / 'project.yaml'}: name is '{project.name}', the folder is '{name}': make them equal"
        raise ProjectError(message)
    object.__setattr__(project, "_directory", directory)
    problems = [f"{_at(project, place)}: {what}" for place, what in file_problems(directory, project)]
    if problems:
        raise ProjectError("\n".join(problems))
    return project


def _unknown(name: str, declared: Iterable[str], places: list[Path]) -> ProjectError:
    if not places:
        message = f"{name}: there are no projects: list their folder in SNOWLOOP_PROJECTS"
        return ProjectError(message)
    names = ", ".join(declared) or "none"
    files = ", ".join(FILES)
    return ProjectError(
        f"{places[0] / name}: no project of this name (there are: {names}); add the folder with {files}"
    )


def place_of(project: Project, *place: int | str) -> str:
    """Where a part of a declaration is, for messages.

    Args:
        place: The keys and indexes that lead to the part, such as ``"evaluation", "slices", 0, "column"``.

    Returns:
        File and line, such as ``include/projects/churn/project.yaml:12``.
    """
    path = project.directory / "project.yaml"
    return f"{path}:{_line(yaml.compose(path.read_text(encoding='utf-8'), Loader=LOADER), list(place))}"


def _at(project: Project, place: FilePlace) -> str:
    if isinstance(place, FileLine):
        return f"{project.directory / place.file}:{place.line}"
    return place_of(project, *place)


def _parse(path: Path) -> Project:
    try:
        text = path.read_text(encoding="utf-8")
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 - built on one of the two safe loaders
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        message = f"{path}:{line}: this is not UTF-8: save the file as UTF-8"
        raise ProjectError(message) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{path}:{line}: this is not YAML: {error.problem}; correct the line or the one before it"
        raise ProjectError(message) from error
    except yaml.YAMLError as error:
        message = f"{path}: this is not YAML: {' '.join(str(error).split())}; remove what is not text"
        raise ProjectError(message) from error
    if not isinstance(values, dict):
        message = f"{path}:1: expected a mapping of keys and values, such as `name: {path.parent.name}`"
        raise ProjectError(message)
    try:
        return Project.model_validate(values)
    except ValidationError as error:
        tree = yaml.compose(text, Loader=LOADER)
        lines = [f"{path}:{line}: {what}" for line, what in _explained(error, tree)]
        raise ProjectError("\n".join(lines)) from error


def _explained(error: ValidationError, tree: yaml.Node | None) -> Iterator[tuple[int, str]]:
    for problem in error.errors():
        place = [part for part in problem["loc"] if part != "[key]"]
        where = ".".join(str(part) for part in place) or "project"
        if problem["type"] == "extra_forbidden":
            near = get_close_matches(str(place[-1]), _field_names(), n=1)
            what = f"unknown key '{where}': remove it, or correct its spelling" + (f" ({near[0]}?)" if near else "")
            what = f"unknown key '{where}': it belongs to another part" if near == [place[-1]] else what
        elif problem["type"] == "missing":
            what = f"'{where}' is missing: add it"
        else:
            what = f"'{where}': {problem['msg'].removeprefix('Value error, ')} (got {_short(problem['input'])})"
        yield _line(tree, place), what


def _field_names() -> list[str]:
    return [name for part in Declaration.__subclasses__() for name in part.model_fields]


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _line(node: yaml.Node | None, place: list[int | str]) -> int:
    """The line of the innermost node on the way to ``place`` that exists in the file."""
    line = node.start_mark.line + 1 if node else 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if str(key.value).upper() == str(part).upper()]
            if not pairs:
                break
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
