"""Where a project's files may be read from, and which generator may make them: what is asked for is no code."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snowloop.errors import LoadError
from snowloop.project import Project
from snowloop.timeouts import Timeouts

ROOTS_VARIABLE = "SNOWLOOP_DATA_ROOTS"
"""Lists folders, as PATH does, and files that list folders, one on each line."""
PASSED_ON = (
    "PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ", "TMPDIR", "SYSTEMROOT",
)  # fmt: skip
"""What a generator sees of the environment: neither connections nor passwords, keys and tokens of the worker."""
LONGEST_SHOWN = 200
"""Characters of a place that a message shows."""


@dataclass(frozen=True)
class DataFolder:
    """A folder with files of a project, and the folders below which each of them must be, links followed.

    Args:
        path: The folder.
        roots: The folders, without links in their paths.
    """

    path: Path
    roots: tuple[Path, ...]

    def files(self, pattern: str) -> list[Path]:
        """The files that match a pattern, in order of their names.

        Args:
            pattern: A pattern below the folder, or the very name of a file in it, such as ``data [1].csv``.

        Raises:
            LoadError: if one leads to a place outside the roots, or is no regular file.
        """
        named = self.path / pattern
        files = [named] if named.is_file() else sorted(self.path.glob(pattern))
        for file in files:
            if not _is_within(file.resolve(), self.roots):
                raise LoadError(_outside(file, self.roots))
            if not file.is_file():
                raise LoadError(f"{file}: this is no regular file: name files alone by '{pattern}'")
        return files


def declared_roots(project: Project) -> tuple[Path, ...]:
    """The folders below which data may be that is asked for: the project's ``data``, and those of SNOWLOOP_DATA_ROOTS.

    Args:
        project: The project; its folder of data is ``include/data`` for projects in ``include/projects``.

    Returns:
        The folders, without links in their paths; they need not exist.
    """
    roots = [project.data_root]
    for listed in filter(None, os.environ.get(ROOTS_VARIABLE, "").split(os.pathsep)):
        place = Path(listed)
        roots += [Path(line) for line in place.read_text().splitlines() if line] if place.is_file() else [place]
    return tuple(dict.fromkeys(root.resolve() for root in roots))


def find_folder(project: Project, asked: str | Path | None, work_dir: Path, roots: Sequence[Path] | None) -> DataFolder:
    """Find the folder of a project's files; the generator that the project declares is run, and no other program.

    Args:
        project: The project.
        asked: A folder, or the declared ``sample`` by its name or path; None or nothing: what the project declares.
        work_dir: A folder for what a generator makes.
        roots: The folders below which it must be; None: the caller may read whatever it has named.

    Raises:
        LoadError: if it is outside the roots, which is found before anything there is looked at; if there is no such
            folder; if it is a program that the project does not declare, or the declared one fails.
    """
    place = place_of_data(project, asked, roots)
    if is_generator(project, place):
        return _generated(project, place, work_dir)
    if not place.is_dir():
        files = ", ".join(source.file for source in project.sources.values() if source.file)
        message = f"{_shown(place)}: no such folder: name the folder that holds {files} of project {project.name}"
        raise LoadError(message)
    return DataFolder(place, (*(roots or ()), *(() if roots else (place.resolve(), *declared_roots(project)))))


def place_of_data(project: Project, asked: str | Path | None, roots: Sequence[Path] | None) -> Path:
    """The folder or the declared generator that is asked for, whether it exists or not.

    Args:
        asked: As for ``find_folder``, as ``roots``.

    Raises:
        LoadError: if it is outside the roots, or a program that the project does not declare.
    """
    declared = not asked or str(asked) in (project.sample, str(project.data_dir))
    place = project.data_dir if declared else Path(str(asked))
    try:
        resolved = place.resolve()
        if roots is not None and not _is_within(resolved, roots):
            raise LoadError(_outside(place, roots))
        program = place.suffix == ".py" or resolved.suffix == ".py" or place.is_file()
    except (OSError, ValueError, RuntimeError) as error:  # a link to itself, a null byte, a name that is too long
        why = (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
        raise LoadError(f"{_shown(place)}: this is no usable path ({why}): name a folder") from error
    if program and not is_generator(project, place):
        only = f"the one that project.yaml declares as `sample` ({project.sample})" if project.sample else "none"
        message = (
            f"{_shown(place)}: this is a file, and no folder. Of the programs that make data, project {project.name} "
            f"runs {only}: name a folder with the files"
        )
        raise LoadError(message)
    return place


def is_generator(project: Project, place: Path) -> bool:
    """Whether a place is the generator that the project declares."""
    return place == project.data_dir and place.suffix == ".py" and place.is_file()


def _generated(project: Project, generator: Path, work_dir: Path) -> DataFolder:
    """Run the declared generator, in a process that sees neither the worker's secrets nor its input."""
    folder = work_dir / "generated"
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {"HOME": str(work_dir)}
    try:
        run = subprocess.run(
            [sys.executable, str(generator.resolve()), "--out", str(folder)],
            env=environment, cwd=work_dir, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            timeout=Timeouts.declared().task, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        message = f"{generator}: the generator of project {project.name} did not end within {error.timeout:.0f} s"
        raise LoadError(f"{message}: have it make less, or raise SNOWLOOP_TASK_TIMEOUT") from error
    if run.returncode:
        message = f"{generator}: the generator of project {project.name} failed: {run.stderr.strip()[-500:]}"
        raise LoadError(message)
    if not folder.is_dir():
        raise LoadError(f"{generator}: the generator of project {project.name} made no folder {folder}: correct it")
    return DataFolder(folder, (folder.resolve(),))


def _is_within(resolved: Path, roots: Sequence[Path]) -> bool:
    return any(resolved.is_relative_to(root) for root in roots)


def _outside(place: Path, roots: Sequence[Path]) -> str:
    """Why a place is refused; what is there, and whether anything is, stays unsaid."""
    listed = ", ".join(str(root) for root in roots)
    return (
        f"{_shown(place)}: this is, links followed, below none of the folders from which data is read ({listed}): put "
        f"the files there, or list their folder in {ROOTS_VARIABLE} of the machine that runs the task"
    )


def _shown(place: Path) -> str:
    text = str(place)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
