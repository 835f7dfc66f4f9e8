"""Records of Parquet files and of JSON lines: a text for each declared column, which is found by its name."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snowloop.errors import LoadError
from snowloop.lifecycle.data.csv_reader import UNDECODABLE, Record, not_in_encoding, read_lines
from snowloop.project import Source

if TYPE_CHECKING:
    import pyarrow as pa

PARQUET = b"PAR1"
"""First bytes of a Parquet file (https://parquet.apache.org/docs/file-format/)."""


def folded(name: str) -> str:
    """A name as names are compared: without case, its white space made single blanks."""
    return " ".join(name.split()).upper()


def read_named(file: Path, source: Source) -> Iterator[Record]:
    """Read the records of a Parquet file, or of a file of JSON lines, as those of a CSV file with commas.

    A column that a JSON record does not have is null in it. Texts that mean a missing value in a column are null.

    Args:
        file: The file; JSON lines may be compressed as a CSV file may be.
        source: The source, whose format says which of the two it is.

    Yields:
        The records in order. The text of each has its fields in the order of the columns: null is nothing, a text is in
        quotes. A JSON line that is no object is malformed.

    Raises:
        LoadError: if the file is no Parquet file, or lacks a column.
        OSError: if the file cannot be read.
    """
    wanted = [folded(name if column.field is None else column.field) for name, column in source.columns.items()]
    nulls = [frozenset(column.null_values) for column in source.columns.values()]
    rows = _parquet(file, wanted) if source.format == "parquet" else _json(file, wanted, source.encoding)
    for line, values in rows:
        if isinstance(values, Record):
            yield values
            continue
        texts = [None if value in null else value for value, null in zip(values, nulls, strict=True)]
        yield Record(line, ",".join(map(_field, texts)), tuple(text or "" for text in texts))


def _field(text: str | None) -> str:
    """A field of CSV in which an empty text is not null."""
    return "" if text is None else '"' + text.replace('"', '""') + '"'


def check_columns(file: Path, source: Source) -> None:
    """Insist that a Parquet file has the declared columns, each once; JSON lines have names in each record.

    Raises:
        LoadError: if it lacks some, or it is no Parquet file.
        OSError: if the file cannot be read.
    """
    if source.format == "parquet":
        _places(file, parquet_names(file), [column.field or name for name, column in source.columns.items()])


def _places(file: Path, names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The file's names of some columns."""
    by_name: dict[str, list[str]] = {}
    for name in names:
        by_name.setdefault(folded(name), []).append(name)
    found = [by_name.get(folded(name), []) for name in wanted]
    problems = [f"lacks {name}" for name, alike in zip(wanted, found, strict=True) if not alike]
    problems += [f"has {' and '.join(alike)}" for alike in found if len(alike) > 1]
    if problems:
        message = (
            f"{file}: it {', '.join(problems)}; it has the columns {', '.join(names)}. Correct the columns of the "
            "source in project.yaml (`field` is the name in the file), or the file"
        )
        raise LoadError(message)
    return [alike[0] for alike in found]


def parquet_names(file: Path) -> list[str]:
    """The names of the columns of a Parquet file; no row is read.

    Raises:
        LoadError: if it is no Parquet file.
    """
    return [*_schema(file).names]


def _schema(file: Path) -> "pa.Schema":
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_schema(file)
    except pa.ArrowException as error:
        message = f"{file}: this is no Parquet file that can be read: {' '.join(str(error).split())}; write it again"
        raise LoadError(message) from error


def parquet_rows(file: Path, names: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    """The rows of some columns of a Parquet file, as texts that COPY reads; None is null.

    Raises:
        LoadError: if it is no Parquet file.
        OSError: if the file cannot be read.
    """
    from pyarrow import parquet

    _schema(file)
    with parquet.ParquetFile(file) as opened:
        for batch in opened.iter_batches(columns=[*names]):
            yield from zip(*(_texts(batch.column(name)) for name in names), strict=True)


def _parquet(file: Path, wanted: Sequence[str]) -> Iterator[tuple[int, tuple[str | None, ...]]]:
    yield from enumerate(parquet_rows(file, _places(file, parquet_names(file), wanted)), start=1)


def _texts(values: "pa.Array") -> list[str | None]:
    """The values of a column as texts: as Arrow writes them, bytes in hexadecimal digits, what is nested as JSON."""
    import pyarrow as pa

    kind = values.type
    if pa.types.is_dictionary(kind):
        return _texts(values.dictionary_decode())
    if pa.types.is_nested(kind):
        return [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if value is None else value.hex() for value in values.to_pylist()]
    texts: list[str | None] = values.cast(pa.string()).to_pylist()
    return texts


def _json(file: Path, wanted: Sequence[str], encoding: str) -> Iterator[tuple[int, Record | tuple[str | None, ...]]]:
    for line, record in json_records(file, encoding):
        if isinstance(record, Record):
            yield line, record
        else:
            by_name = {folded(name): text for name, text in record.items()}
            yield line, tuple(by_name.get(name) for name in wanted)


def json_records(file: Path, encoding: str = "UTF-8") -> Iterator[tuple[int, Record | dict[str, str | None]]]:
    """The objects of a file of JSON lines, their values as texts that COPY reads; blank lines are skipped.

    Yields:
        The physical line, and the object by its names; or a malformed record, for a line that is no object.

    Raises:
        OSError: if the file cannot be read.

    Source: https://jsonlines.org.
    """
    for line, text in enumerate(read_lines(file, encoding), start=1):
        stripped = text.strip()
        if not stripped:
            continue
        if byte := UNDECODABLE.search(stripped):
            yield line, Record(line, UNDECODABLE.sub("\ufffd", stripped), error=not_in_encoding(byte, encoding))
            continue
        try:
            values = json.loads(stripped)
        except (ValueError, RecursionError) as error:
            yield line, Record(line, stripped, error=f"the line is no JSON: {error}")
            continue
        if not isinstance(values, dict):
            yield line, Record(line, stripped, error='the line is JSON, but no object such as {"ID": 1}')
            continue
        yield line, {name: _text(value) for name, value in values.items()}


def _text(value: Any) -> str | None:
    """A value of JSON as text; what is nested is JSON still."""
    if value is None or isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
