"""Rows as the lines of CSV files."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from local_snowflake.copy.csv_writer import csv_lines, header_line
from local_snowflake.stages.formats import FileFormat, checked_options


def csv_format(**options: Any) -> FileFormat:
    return FileFormat("CSV", checked_options({"TYPE": "CSV", **options}))


VALUES: list[tuple[dict[str, Any], str, Any, str]] = [
    ({}, "BIGINT", 7, "7"),
    ({}, "DECIMAL(10,2)", Decimal("1.50"), "1.50"),
    ({}, "BOOLEAN", True, "true"),
    ({}, "VARCHAR", None, "\\N"),
    ({"NULL_IF": [""]}, "VARCHAR", None, ""),
    ({}, "VARCHAR", "a,b\\c", "a\\,b\\\\c"),
    ({"ESCAPE_UNENCLOSED_FIELD": "NONE"}, "VARCHAR", "a,b", "a,b"),
    ({"FIELD_OPTIONALLY_ENCLOSED_BY": '"'}, "VARCHAR", 'a, "b"', '"a, ""b"""'),
    ({"FIELD_OPTIONALLY_ENCLOSED_BY": "'"}, "BIGINT", 1, "1"),
    ({}, "DATE", dt.date(2020, 1, 2), "2020-01-02"),
    ({"DATE_FORMAT": 'DD"th" MON YYYY'}, "DATE", dt.date(2020, 1, 2), "02th Jan 2020"),
    ({}, "TIMESTAMP", dt.datetime(2020, 1, 2, 3, 4, 5, 6000), "2020-01-02 03:04:05.006"),  # noqa: DTZ001
    ({"TIMESTAMP_FORMAT": "YYYY/MM/DD HH12:MI AM"}, "TIMESTAMP", dt.datetime(2020, 1, 2, 15, 4), "2020/01/02 03:04 PM"),  # noqa: DTZ001
    ({}, "BLOB", b"\x00\xff", "00FF"),
    ({"BINARY_FORMAT": "BASE64"}, "BLOB", b"\x00\xff", "AP8="),
]


@pytest.mark.parametrize(("options", "kind", "value", "expected"), VALUES)
def test_a_value_is_written(options: dict[str, Any], kind: str, value: Any, expected: str) -> None:
    table = pa.table({"v": [value]}) if value is not None else pa.table({"v": pa.array([None], pa.string())})
    assert list(csv_lines(table, [kind], csv_format(**options))) == [[expected]]


def test_columns_are_delimited_and_the_header_is_enclosed() -> None:
    form = csv_format(FIELD_DELIMITER="|", FIELD_OPTIONALLY_ENCLOSED_BY='"')
    assert list(csv_lines(pa.table({"a": [1, 2], "b": ["x", "y|z"]}), ["BIGINT", "VARCHAR"], form)) == [
        ['1|"x"', '2|"y|z"']
    ]
    assert header_line(["A", 'B"C'], form) == '"A"|"B""C"\n'
