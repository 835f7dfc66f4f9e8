"""Which files are loaded first and which arrive later, under names that carry the hash of their content."""

import csv
import hashlib
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import compress, islice
from pathlib import Path

from snowloop.errors import LoadError
from snowloop.project import Project, Source


@dataclass(frozen=True)
class PlannedFile:
    """A file that is ready to be staged.

    Args:
        source: The source that it belongs to.
        batch: 0 for what the model is first trained on; 1, 2, ... for what arrives later.
        path: Where it is; its name carries the hash of its content.
        rows: Number of its records, the header aside.
        md5: Hash of its content.
    """

    source: str
    batch: int
    path: Path
    rows: int
    md5: str


def plan_files(project: Project, data_dir: str | Path | None, work_dir: Path) -> list[PlannedFile]:
    """Write the files to load into a working folder; the same data gives the same files under the same names.

    A single file of the streamed source is cut by the declared ``replay``: its first rows are batch 0, the rest
    arrives in batches 1 to n; or its rows are dealt out to them by the project's seed. Of several files, the first in
    order of names is batch 0, and each other a batch of its own. The files of all other sources are batch 0.

    Args:
        project: The project.
        data_dir: Folder of the data, or a generator (.py) that makes it; None: what the project ships.
        work_dir: An empty folder for the files.

    Returns:
        The files, in the order in which they should be loaded.

    Raises:
        LoadError: if a file is missing, or its header is not what the declaration says.
    """
    folder = _data_folder(project, data_dir, work_dir)
    planned: list[PlannedFile] = []
    for name, source in project.sources.items():
        files = sorted(folder.glob(source.file))
        if not files:
            message = (
                f"{folder}: no file matches '{source.file}' (source {name} of project {project.name}): "
                "put the file there, or name another folder"
            )
            raise LoadError(message)
        streamed = name == project.source
        planned += _plan_source(project, name, files, work_dir) if streamed else _whole(name, source, files, work_dir)
    return sorted(planned, key=lambda file: file.batch)


def _data_folder(project: Project, data_dir: str | Path | None, work_dir: Path) -> Path:
    place = Path(data_dir) if data_dir else project.data_dir
    if place.suffix == ".py" and place.is_file():
        made = work_dir / "made"
        done = subprocess.run(
            [sys.executable, str(place), "--out", str(made)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            message = f"{place}: the generator of project {project.name} failed: {done.stderr.strip()[-500:]}"
            raise LoadError(message)
        return made
    if not place.is_dir():
        wanted = ", ".join(source.file for source in project.sources.values())
        message = f"{place}: there is no such folder; project {project.name} needs one that holds {wanted}"
        raise LoadError(message)
    return place


def _plan_source(project: Project, name: str, files: list[Path], work_dir: Path) -> list[PlannedFile]:
    source = project.streamed
    if len(files) > 1 or project.replay is None:
        whole = _whole(name, source, files, work_dir)
        batches = range(len(whole)) if project.replay else [0] * len(whole)
        return [
            PlannedFile(name, batch, file.path, file.rows, file.md5) for batch, file in zip(batches, whole, strict=True)
        ]
    (file,) = files
    total = sum(1 for _ in _records(file, source))
    sizes = _sizes(total, project.replay.initial, project.replay.batches)
    planned, header = [], _header(file, source)
    for batch, records in enumerate(_dealt(project, file, sizes)):
        stem = f"{file.stem}.{'initial' if batch == 0 else f'arrival-{batch}'}"
        planned.append(_write(name, source, batch, stem, records, work_dir, header))
    return planned


def _dealt(project: Project, file: Path, sizes: list[int]) -> Iterator[Iterator[tuple[int, str]]]:
    """The records of each batch with their numbers: stretches of the file, or dealt out by the seed."""
    if project.replay is None or not project.replay.shuffle:
        records = enumerate(_records(file, project.streamed), start=1)
        yield from (islice(records, size) for size in sizes)
        return
    dealt = [batch for batch, size in enumerate(sizes) for _ in range(size)]
    random.Random(project.seed).shuffle(dealt)  # noqa: S311 - nobody gains by guessing it
    for batch in range(len(sizes)):
        chosen = [each == batch for each in dealt]
        yield compress(enumerate(_records(file, project.streamed), start=1), chosen)


def _sizes(total: int, initial: float, batches: int) -> list[int]:
    first = int(total * initial)
    share, more = divmod(total - first, batches)
    return [first, *(share + (1 if batch < more else 0) for batch in range(batches))]


def _whole(name: str, source: Source, files: list[Path], work_dir: Path) -> list[PlannedFile]:
    planned, first = [], 1
    for file in files:
        header = _header(file, source)
        records = enumerate(_records(file, source), start=first)
        planned.append(_write(name, source, 0, file.stem, records, work_dir, header))
        first += planned[-1].rows
    return planned


def _write(
    name: str, source: Source, batch: int, stem: str, records: Iterable[tuple[int, str]], work_dir: Path, header: str
) -> PlannedFile:
    """Write numbered records, with the number as a column if it is declared, and name the file after its content."""
    md5, rows = hashlib.md5(usedforsecurity=False), 0
    path = work_dir / f"{name}.part"
    with path.open("wb") as out:

        def put(line: str) -> None:
            data = (line + "\n").encode("utf-8", "surrogateescape")
            md5.update(data)
            out.write(data)

        if source.header:
            put(header if source.row_id is None else f"{source.row_id.column}{source.delimiter}{header}")
        for number, record in records:
            rows += 1
            put(record if source.row_id is None else f"{number}{source.delimiter}{record}")
    named = path.with_name(f"{stem}.{md5.hexdigest()[:12]}.csv")
    path.rename(named)
    return PlannedFile(name, batch, named, rows, md5.hexdigest())


def _lines(file: Path) -> Iterator[str]:
    """Records of a file: a line, or several where a quoted field holds line ends."""
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as text:
        pending = ""
        for line in text:
            pending += line
            if pending.count('"') % 2 == 0:
                yield pending.rstrip("\r\n")
                pending = ""
        if pending:
            yield pending.rstrip("\r\n")


def _records(file: Path, source: Source) -> Iterator[str]:
    lines = (line for line in _lines(file) if line)
    return islice(lines, 1, None) if source.header else lines


def _header(file: Path, source: Source) -> str:
    """The header line, checked against the declared columns."""
    if not source.header:
        return ""
    header = next(_lines(file), "").removeprefix("\ufeff")
    found = [cell.strip() for cell in next(csv.reader([header], delimiter=source.delimiter), [])]
    wanted = [name if column.field is None else column.field for name, column in source.columns.items()]
    if [name.upper() for name in found] != [name.upper() for name in wanted]:
        message = (
            f"{file}: the header is not what the project declares. Declared: {', '.join(wanted)}. "
            f"Found: {', '.join(found) or 'nothing'}. Mend the columns of the source in project.yaml, or the file"
        )
        raise LoadError(message)
    return header
