"""Writes the four files of a new project, and reports what was inferred and what to check."""

import json
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from snowloop.errors import NewProjectError, ProjectError
from snowloop.lifecycle.results import Result
from snowloop.new.columns import ColumnProfile, profile_columns
from snowloop.new.contract import LOOK
from snowloop.new.inferred_defaults import Key, choose_key, choose_label, choose_split
from snowloop.new.table import Table, read_table
from snowloop.new.templates import Draft, render_files
from snowloop.project import include_dir, load_project, project_folders
from snowloop.project.base import NAME
from snowloop.project.files.loading import FILES, is_installed
from snowloop.project.sources import RESERVED_KEYS

LARGE_FILE, LARGE_TABLE = 20_000_000, 1_000_000
"""Bytes and cells from which one has to wait for seconds."""


@dataclass(frozen=True)
class NewProject(Result):
    """The files of a new project.

    Args:
        directory: The folder of the four files.
        notes: What was read and inferred, in words.
        look: Lines that a person should check: file, number and text.
        command: The command to run next.
    """

    directory: Path
    notes: tuple[str, ...]
    look: tuple[tuple[Path, int, str], ...]
    command: str

    def text(self) -> str:
        """The report for a terminal."""
        lines = [f"wrote {self.directory}: {', '.join(FILES)}", "", *self.notes, "", "look at:"]
        lines += [f"  {file}:{number}\n      {text}" for file, number, text in self.look]
        return "\n".join([*lines, "", "then run:", f"  {self.command}"])


def new_project(
    name: str,
    file: Path,
    *,
    key: Sequence[str] = (),
    label: str | None = None,
    folder: Path | None = None,
    encoding: str = "UTF-8",
    header: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> NewProject:
    """Write the first declaration of a project from a file: CSV, Parquet or JSON lines. Nothing is overwritten.

    Args:
        name: Name of the project.
        file: The file.
        key: Columns that together identify a row; none: one that looks like a key, or else the rows are numbered.
        label: The column to predict; None: one that looks like a label.
        folder: The folder of projects; default: the first of ``project_folders()``, which is ``include/projects``.
        encoding: The encoding of the file, by any of its names.
        header: Whether its first record has the names of the columns; if not, they are COLUMN_1 and so on.
        progress: Gets a line for each step of a large file.

    Raises:
        NewProjectError: if the file, the name, the key or the label cannot be used; the message says what to do.
    """
    folder = (folder or _default_folder()).resolve()
    name = _free_name(name, folder)
    try:
        return _look_and_write(name, _read(file, encoding, progress, header=header), folder, key, label)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}: name a file that can be read, and a folder that can be written"
        raise NewProjectError(message) from error


def _read(file: Path, encoding: str, progress: Callable[[str], None], *, header: bool) -> Table:
    """The table of a file; of one for which one has to wait, the steps are reported."""
    if file.is_file() and file.stat().st_size > LARGE_FILE:
        progress(f"reading {file}: {file.stat().st_size / 1e6:,.0f} MB")
    table = read_table(file, encoding, header=header)
    if len(table.columns) * table.rows > LARGE_TABLE:
        progress(f"looking at {len(table.columns):,} columns of {table.rows:,} rows")
    return table


def _default_folder() -> Path:
    folders = project_folders()
    if not folders:
        message = "there is no folder of projects: name one with --dir, and list it in SNOWLOOP_PROJECTS from then on"
        raise NewProjectError(message)
    return folders[0]


def _look_and_write(name: str, table: Table, folder: Path, key: Sequence[str], label: str | None) -> NewProject:
    columns = profile_columns(table)
    chosen_label = choose_label(columns, label, key)
    columns, chosen_key = _rename_key(columns, choose_key(columns, key, chosen_label.column))
    cut = choose_split(columns, chosen_label)
    draft = Draft(name, table, columns, chosen_key, chosen_label, cut)
    directory = folder / name
    _write(render_files(draft, directory), directory)
    return NewProject(directory, tuple(_notes(draft)), _look(directory), _command(draft, folder))


def _rename_key(columns: Sequence[ColumnProfile], key: Key) -> tuple[tuple[ColumnProfile, ...], Key]:
    """A key column gets another name in SQL where SERVING.SCORED has a column of its own with that name."""
    taken = {column.name for column in columns} | RESERVED_KEYS
    renamed = {
        column.name: replace(
            column, name=next(name for name in (f"{column.name}_", f"{column.name}_KEY") if name not in taken)
        )
        for column in key.columns
        if column.name in RESERVED_KEYS
    }
    given = tuple(renamed.get(column.name, column) for column in columns)
    return given, replace(key, columns=tuple(renamed.get(column.name, column) for column in key.columns))


def _write(written: Mapping[str, str], directory: Path) -> None:
    """All of the files, or none: they are moved into place when the declaration is valid."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=directory.parent) as place:
        made = Path(place) / directory.name
        made.mkdir()
        for file, text in written.items():
            (made / file).write_text(text, encoding="utf-8")
        try:
            load_project(directory.name, made.parent)
        except ProjectError as error:
            raise NewProjectError(f"nothing was written: {str(error).replace(str(made), str(directory))}") from error
        made.rename(directory)


def _free_name(name: str, folder: Path) -> str:
    if not NAME.fullmatch(name):
        raise NewProjectError(
            f"'{name}' cannot be a project's name: use letters, digits and _, starting with a letter, such as churn"
        )
    name = name.lower()
    if (folder / name).exists():
        raise NewProjectError(f"{folder / name} already exists and is not overwritten: choose another name")
    declared = [place / name for place in project_folders() if (place / name).exists()]
    if declared:
        raise NewProjectError(f"project {name} is already declared in {declared[0]}: choose another name")
    return name


def _notes(draft: Draft) -> Iterator[str]:
    """What was read and inferred, in words."""
    table, key, label = draft.table, draft.key, draft.label
    form = f"delimiter {table.delimiter!r}" if table.format == "csv" else table.format
    rows = f"{table.rows:,} rows" if table.whole else f"the first {table.rows:,} rows"
    yield f"read     {table.file}: {rows}, {len(draft.columns)} columns, {form}"
    if table.rejected:
        lines = ", ".join(map(str, table.rejected[:5])) + (" and more" if len(table.rejected) > 5 else "")
        count = len(table.rejected)
        yield f"rejects  {count} rows, malformed or with more or fewer fields than the header: {lines}"
    if key.columns:
        yield f"key      {', '.join(column.name for column in key.columns)}: {key.why}"
    else:
        yield "key      none: the rows are numbered, which is right for a single file; otherwise use --key COLUMN"
    kind = label.task if not label.values else f"{label.task} of {', '.join(label.values)}"
    yield f"label    {label.column.header}: {label.why}; {kind}; to change it, remove the folder and use --label COLUMN"
    if label.task == "classification":
        yield f"score    the probability of {label.column.header} = {label.values[1]}"


def _look(directory: Path) -> tuple[tuple[Path, int, str], ...]:
    """The lines that end with the mark."""
    return tuple(
        (directory / file, number, line.strip())
        for file in FILES
        for number, line in enumerate((directory / file).read_text(encoding="utf-8").splitlines(), start=1)
        if line.endswith(LOOK)
    )


def _command(draft: Draft, folder: Path) -> str:
    """The command that runs the life cycle of the project once."""
    data = str(draft.table.file.resolve().parent)
    searched = "" if folder == include_dir() / "projects" else f"SNOWLOOP_PROJECTS={shlex.quote(str(folder))} "
    if is_installed():
        conf = json.dumps({"data_dir": data})
        searched = f"{searched}SNOWLOOP_DATA_ROOTS={shlex.quote(data)} "
        return f"{searched}airflow dags trigger {draft.name}__life_cycle --conf {shlex.quote(conf)}"
    return f"{searched}make run PROJECT={draft.name} DATA={shlex.quote(data)}"
