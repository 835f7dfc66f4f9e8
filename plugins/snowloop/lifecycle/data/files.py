"""Which records are loaded first and which arrive later, in files whose names carry the hash of their content."""

import csv
import hashlib
import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO
from itertools import compress, islice
from pathlib import Path

from snowloop.errors import LoadError
from snowloop.lifecycle.data.csv_reader import REPEATS_HEADER, Record, read_records
from snowloop.lifecycle.data.data_folder import DataFolder, find_folder, is_generator, place_of_data
from snowloop.lifecycle.data.named_records import check_columns, read_named
from snowloop.project import Project, Source

UNSAFE = re.compile(r"[^\w.+ -]")
"""Characters of a file's name that PUT takes for a pattern or for the end of the name."""


@dataclass(frozen=True)
class PlannedFile:
    """A file that is ready to be staged.

    Args:
        source: The source that it belongs to.
        batch: 0 for what the model is first trained on; 1, 2, ... for what arrives later.
        path: Where it is; its name carries the hash of its content.
        rows: Number of its records, malformed ones among them, the header not.
        md5: Hash of its content.
        malformed: Records that are no CSV, with the line in the original file and the reason; the file lacks them.
    """

    source: str
    batch: int
    path: Path
    rows: int
    md5: str
    malformed: tuple[Record, ...] = ()


def plan_files(
    project: Project, data_dir: str | Path | None, work_dir: Path, roots: Sequence[Path] | None = None
) -> list[PlannedFile]:
    """Write the files to load into a working folder; the same data gives the same files under the same names.

    A single file of the streamed source is cut by the declared ``replay``: its first rows are batch 0, the rest
    arrives in batches 1 to n; or its rows are assigned to the batches at random, by the project's seed. Of several
    files, the first in order of names is batch 0, and each other a batch of its own. The files of all other sources
    are batch 0, and come before those of the streamed one, whose rows read them. Sources that are tables have no files.

    Args:
        data_dir: Folder of the data, or the project's generator; None: what the project ships.
        work_dir: An empty folder for the files.
        roots: The folders below which the data must be, as ``data_folder.declared_roots`` has them; None: any.

    Returns:
        The files, in the order in which they should be loaded.

    Raises:
        LoadError: if a file is missing, cannot be read or is outside the roots, or its header is not what the
            declaration says.
    """
    planned: list[PlannedFile] = []
    of_files = _of_files(project)
    if not of_files:
        return planned
    folder = find_folder(project, data_dir, work_dir, roots)
    try:
        for name, source in of_files.items():
            files = _files(project, name, folder)
            streamed = name == project.source
            planned += (
                _plan_source(project, name, files, work_dir) if streamed else _whole(name, source, files, work_dir)
            )
    except OSError as error:
        message = f"{error.filename}: {error.strerror}: name a file that can be read, and have room for a copy of it"
        raise LoadError(message) from error
    return sorted(planned, key=lambda file: (file.batch, file.source == project.source))


def check_files(project: Project, data_dir: str | Path | None, roots: Sequence[Path] | None = None) -> None:
    """Check, without reading rows, that the files to load are there with the declared headers; no generator is run.

    Args:
        data_dir: As for ``plan_files``, as ``roots``.

    Raises:
        LoadError: as for ``plan_files``.
    """
    of_files = _of_files(project)
    if not of_files or is_generator(project, place_of_data(project, data_dir, roots)):
        return
    folder = find_folder(project, data_dir, project.data_root, roots)
    for name, source in of_files.items():
        for file in _files(project, name, folder):
            _header(file, source)


def _of_files(project: Project) -> dict[str, Source]:
    """The sources that are files; tables and stages have none here."""
    return {name: source for name, source in project.sources.items() if source.file}


def _files(project: Project, name: str, folder: DataFolder) -> list[Path]:
    pattern = str(project.sources[name].file)
    files = folder.files(pattern)
    if not files:
        message = (
            f"{folder.path}: no file matches '{pattern}' (source {name} of project {project.name}): "
            "put the file there, or name another folder"
        )
        raise LoadError(message)
    return files


def _plan_source(project: Project, name: str, files: list[Path], work_dir: Path) -> list[PlannedFile]:
    source = project.streamed
    if len(files) > 1 or project.replay is None:
        whole = _whole(name, source, files, work_dir)
        batches = range(len(whole)) if project.replay else [0] * len(whole)
        return [replace(file, batch=batch) for batch, file in zip(batches, whole, strict=True)]
    (file,) = files
    total = sum(1 for _ in _rows(file, source))
    sizes = _sizes(total, project.replay.initial, project.replay.batches)
    return [
        _write(name, source, file, records, work_dir, batch, ".initial" if batch == 0 else f".arrival-{batch}")
        for batch, records in enumerate(_batches(project, file, sizes))
    ]


def _batches(project: Project, file: Path, sizes: list[int]) -> Iterator[Iterator[tuple[int, Record]]]:
    """The numbered records of each batch: stretches of the file, or drawn at random by the project's seed."""
    if project.replay is None or not project.replay.shuffle:
        records = enumerate(_rows(file, project.streamed), start=1)
        yield from (islice(records, size) for size in sizes)
        return
    batch_of_row = [batch for batch, size in enumerate(sizes) for _ in range(size)]
    random.Random(project.seed).shuffle(batch_of_row)  # noqa: S311 - nobody gains by guessing it
    for batch in range(len(sizes)):
        selected = [each == batch for each in batch_of_row]
        yield compress(enumerate(_rows(file, project.streamed), start=1), selected)


def _sizes(total: int, initial: float, batches: int) -> list[int]:
    first = int(total * initial)
    share, more = divmod(total - first, batches)
    return [first, *(share + (1 if batch < more else 0) for batch in range(batches))]


def _whole(name: str, source: Source, files: list[Path], work_dir: Path) -> list[PlannedFile]:
    planned, first = [], 1
    for file in files:
        planned.append(_write(name, source, file, enumerate(_rows(file, source), start=first), work_dir))
        first += planned[-1].rows
    return planned


def _write(
    name: str, source: Source, file: Path, records: Iterable[tuple[int, Record]], work_dir: Path, batch: int = 0,
    part: str = "",
) -> PlannedFile:  # fmt: skip
    """Write numbered records in UTF-8, with the number as a column if declared, and name the file after its content."""
    md5, rows, header = hashlib.md5(usedforsecurity=False), 0, _header(file, source)
    malformed: list[Record] = []
    with_nulls = _null_writer(source)
    path = work_dir / f"{name}.part"
    with path.open("wb") as out:

        def put(line: str) -> None:
            data = (line + "\n").encode()
            md5.update(data)
            out.write(data)

        if header:
            put(header if source.row_id is None else f"{source.row_id.column}{source.delimiter}{header}")
        for number, record in records:
            rows += 1
            if record.error:  # COPY would take the lines after it for a part of it, or refuse the whole file
                malformed.append(replace(record, error=f"{file.name}:{record.line}: {record.error}"))
            else:
                text = with_nulls(record)
                put(text if source.row_id is None else f"{number}{source.delimiter}{text}")
    named = path.with_name(f"{UNSAFE.sub('_', file.stem)}{part}.{md5.hexdigest()[:12]}.csv")
    path.rename(named)
    return PlannedFile(name, batch, named, rows, md5.hexdigest(), tuple(malformed))


def _null_writer(source: Source) -> Callable[[Record], str]:
    """What gives the text of a record whose null texts by column are left out: COPY knows null texts by file only."""
    nulls = {
        place: frozenset(each.null_values)
        for place, each in enumerate(source.columns.values())
        if each.null_values and source.format == "csv"
    }

    def write(record: Record) -> str:
        if not any(place < len(record.fields) and record.fields[place] in nulls[place] for place in nulls):
            return record.text
        fields = ["" if value in nulls.get(place, ()) else value for place, value in enumerate(record.fields)]
        out = StringIO()
        csv.writer(out, delimiter=source.delimiter, lineterminator="").writerow(fields)
        return out.getvalue()

    return write


def _rows(file: Path, source: Source) -> Iterator[Record]:
    """The records of a file without its header; one with another number of fields than there are columns is malformed.

    COPY by a list of columns may fill what a record lacks with NULL instead of rejecting it. The header once more, as
    where files were put together, is no row either.
    """
    if source.format != "csv":
        yield from read_named(file, source)
        return
    records = read_records(file, source.delimiter, source.encoding)
    header = next(records, Record(1, "")).fields if source.header else None
    for record in records:
        if not record.error and record.fields == header:
            yield replace(record, fields=(), error=REPEATS_HEADER)
        elif record.error or len(record.fields) == len(source.columns):
            yield record
        else:
            error = f"{len(record.fields)} fields, where the source has {len(source.columns)} columns"
            yield replace(record, fields=(), error=error)


def _header(file: Path, source: Source) -> str:
    """The header on one line, because COPY skips one line; its names are checked against the declared columns."""
    if source.format != "csv":
        check_columns(file, source)
        return ""
    if not source.header:
        return ""
    header = next(read_records(file, source.delimiter, source.encoding), Record(1, ""))
    observed = [_name(cell) for cell in header.fields]
    declared = [_name(name if column.field is None else column.field) for name, column in source.columns.items()]
    if [name.upper() for name in observed] != [name.upper() for name in declared]:
        message = (
            f"{file}:{header.line}: the header differs from the declared columns. Declared: {', '.join(declared)}. "
            f"In the file: {header.error or ', '.join(observed) or 'nothing'}. Correct the columns of the source in "
            "project.yaml, or the file"
        )
        raise LoadError(message)
    return " ".join(header.text.splitlines())


def _name(text: str) -> str:
    """A column's name with its white space, line ends among it, made single blanks."""
    return " ".join(text.split())
