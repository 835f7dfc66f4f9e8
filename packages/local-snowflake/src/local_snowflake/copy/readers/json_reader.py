"""Reads staged JSON files: documents one a line, one after another, or in an outer array."""

import json

import duckdb
import pyarrow as pa

from local_snowflake.copy.decoding import as_text
from local_snowflake.copy.rejects import ROW, Content, Fault, Place
from local_snowflake.errors import SnowflakeError
from local_snowflake.functions.python_calls import parse_json
from local_snowflake.stages.formats import FileFormat

JSON = pa.json_(pa.utf8())
Document = tuple[int, str, Fault | None]


def read_json(data: bytes, form: FileFormat) -> Content:
    """Read a file's documents: https://docs.snowflake.com/en/sql-reference/sql/create-file-format#type-json."""
    text = as_text(data, form).decode("utf-8", "replace")
    documents = _lines(text)
    if documents is None:
        documents = _documents(text)
    read = [_in_order(document, form) for document in documents]
    faults = {n: (each, documents[n - 1][0]) for n, each in enumerate(read, 1) if isinstance(each, Fault)}
    rows = [n for n in range(1, len(documents) + 1) if n not in faults]
    storage = pa.array([read[n - 1] for n in rows], pa.string())
    if form.flag("STRIP_OUTER_ARRAY") or form.flag("STRIP_NULL_VALUES"):
        storage, rows = _stripped(storage, rows, form)
    total = len(documents) if len(rows) <= len(documents) else len(rows) + len(faults)
    table = pa.table({"J": pa.ExtensionArray.from_storage(JSON, storage), ROW: pa.array(rows, pa.int64())})

    def place(row: int, column: int | None, at: int | None) -> Place:
        start, document, _ = documents[min(row, len(documents)) - 1]
        line = text.count("\n", 0, start) + 1
        return {"line": line, "character": 1, "row_start_line": line, "rejected_record": document}

    return Content(table, total, faults=dict(faults), place=place)


def _lines(text: str) -> list[Document] | None:
    """The documents of a file that has one a line; None if the first line holds none that is whole."""
    documents: list[Document] = []
    start = 0
    for line in text.split("\n"):
        if stripped := line.strip():
            fault = _fault_of(stripped)
            if fault and not documents:
                return None
            documents.append((start, stripped, fault))
        start += len(line) + 1
    return documents


def _fault_of(text: str) -> Fault | None:
    try:
        json.loads(text)
    except ValueError as error:
        return _fault(error)
    return None


def _in_order(document: Document, form: FileFormat) -> str | Fault:
    """A document with the members of its objects in order; a fault if it has one, or repeats a key."""
    _, text, fault = document
    if fault or "{" not in text:
        return fault or text
    try:
        return parse_json(text, "d" if form.flag("ALLOW_DUPLICATE") else "s")
    except SnowflakeError as error:
        return Fault(error.message, error.code, error.sqlstate)


def _fault(error: ValueError) -> Fault:
    message = f"Error parsing JSON: {getattr(error, 'msg', error)}, pos {getattr(error, 'pos', 0)}"
    return Fault(message, 100069, "22P02")


def _documents(text: str) -> list[Document]:
    """The documents of a file in which they span lines; what cannot be read is one faulty document up to the end."""
    decoder = json.JSONDecoder()
    documents: list[Document] = []
    position = 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if position >= len(text):
            return documents
        try:
            _, end = decoder.raw_decode(text, position)
        except ValueError as error:
            documents.append((position, text[position:], _fault(error)))
            return documents
        documents.append((position, text[position:end], None))
        position = end


def _stripped(storage: pa.Array, rows: list[int], form: FileFormat) -> tuple[pa.Array, list[int]]:
    """Each element of an outer array as a document; NULL members left out."""
    elements = storage
    if form.flag("STRIP_OUTER_ARRAY"):
        with duckdb.connect() as duck:
            duck.register("documents", pa.table({"j": storage}))
            element = (
                """unnest(CASE WHEN json_type(j) = 'ARRAY' THEN from_json(j, '["JSON"]') ELSE [j::JSON] END)::VARCHAR"""
            )
            table: pa.Table = duck.sql(f"SELECT {element} AS j FROM documents").to_arrow_table()
            elements = table.column("j").combine_chunks()
    if form.flag("STRIP_NULL_VALUES"):
        elements = pa.array([json.dumps(_without_nulls(json.loads(t))) for t in elements.to_pylist()], pa.string())
    return elements, rows if len(elements) == len(rows) else list(range(1, len(elements) + 1))


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_nulls(v) for v in value]
    return value
