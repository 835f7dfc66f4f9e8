"""JSON files: one document a line, documents over lines, outer arrays, and what cannot be parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_snowflake.copy.readers.json_reader import read_json
from local_snowflake.copy.rejects import Content
from local_snowflake.stages.formats import FileFormat, checked_options


def read(text: str, **options: Any) -> Content:
    return read_json(text.encode(), FileFormat("JSON", checked_options({"TYPE": "JSON", **options})))


def documents(file: Content) -> list[Any]:
    return [json.loads(text) for text in file.table.column("J").to_pylist()]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ('{"a": 1}\n\n{"a": 2}\n', {}, [{"a": 1}, {"a": 2}]),
        ('{"a":\n 1}{"a": 2},\n{"a": 3}', {}, [{"a": 1}, {"a": 2}, {"a": 3}]),
        ('[{"a": 1}, {"a": 2}]', {}, [[{"a": 1}, {"a": 2}]]),
        ('[{"a": 1},\n {"a": 2}]', {"STRIP_OUTER_ARRAY": "TRUE"}, [{"a": 1}, {"a": 2}]),
        ('{"a": null, "b": [{"c": null}]}', {"STRIP_NULL_VALUES": "TRUE"}, [{"b": [{}]}]),
        ("", {}, []),
    ],
)
def test_documents_are_read(text: str, options: dict[str, Any], expected: list[Any]) -> None:
    file = read(text, **options)
    assert (documents(file), file.faults) == (expected, {})
    assert file.table.column("$ROW").to_pylist() == list(range(1, len(expected) + 1))


def test_a_line_that_does_not_parse_is_an_error_of_its_own() -> None:
    file = read('{"a": 1}\n{"a": \n{"a": 3}\n')
    assert documents(file) == [{"a": 1}, {"a": 3}]
    assert (file.records, list(file.faults)) == (3, [2])
    assert file.faults[2][0].error.startswith("Error parsing JSON")
    place = file.place(2, None, None)
    assert (place["line"], place["rejected_record"]) == (2, '{"a":')


def test_what_follows_an_unreadable_document_over_lines_is_part_of_the_error() -> None:
    file = read('{"a":\n 1}\n{"b"\n: 2')
    assert documents(file) == [{"a": 1}]
    assert list(file.faults) == [2]
