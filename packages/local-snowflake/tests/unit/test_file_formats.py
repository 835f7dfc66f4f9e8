"""Options of file formats and of stages: read, checked, and completed with Snowflake's defaults."""

from __future__ import annotations

from typing import Any

import pytest

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.statement import Reader, tokenize
from local_snowflake.stages.formats import FileFormat, checked_options
from local_snowflake.stages.options import Options, is_true, read_options
from local_snowflake.stages.statements import shown_option


def read(sql: str) -> Options:
    return read_options(Reader(sql, tokenize(sql)))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("TYPE = CSV SKIP_HEADER = 1", {"TYPE": "CSV", "SKIP_HEADER": "1"}),
        ("type = 'csv', force = true", {"TYPE": "csv", "FORCE": "true"}),
        ("NULL_IF = ('', 'NA') X = -1", {"NULL_IF": ["", "NA"], "X": "-1"}),
        ("FILE_FORMAT = (TYPE = CSV NULL_IF = ())", {"FILE_FORMAT": {"TYPE": "CSV", "NULL_IF": []}}),
        ('FORMAT_NAME = db.s."My F"', {"FORMAT_NAME": 'db.s."My F"'}),
        ("FILES = ('a', 'b')", {"FILES": ["a", "b"]}),
        ("A = 1 STOP B = 2", {"A": "1"}),
    ],
)
def test_options_are_read(sql: str, expected: Options) -> None:
    assert read(sql) == expected


def test_truth_values() -> None:
    assert [is_true(v) for v in ("TRUE", "on", "1", "false", None)] == [True, True, True, False, False]
    assert is_true(None, default=True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"TYPE": "csv"}, {"TYPE": "CSV"}),
        ({"TYPE": "CSV", "FIELD_DELIMITER": "0x1F"}, {"TYPE": "CSV", "FIELD_DELIMITER": "\x1f"}),
        ({"COMPRESSION": "gzip", "TRIM_SPACE": "TRUE"}, {"TYPE": "CSV", "COMPRESSION": "GZIP", "TRIM_SPACE": "true"}),
        ({"NULL_IF": "x"}, {"TYPE": "CSV", "NULL_IF": ["x"]}),
        ({"FORMAT_NAME": "f"}, {"FORMAT_NAME": "f"}),
    ],
)
def test_options_are_normalised(options: Options, expected: dict[str, Any]) -> None:
    assert checked_options(options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"TYPE": "XML"}, "file format TYPE = XML"),
        ({"TYPE": "CSV", "NO_OPTION": "1"}, "invalid parameter 'NO_OPTION'"),
        ({"TYPE": "PARQUET", "FIELD_DELIMITER": ","}, "invalid parameter 'FIELD_DELIMITER'"),
        ({"SKIP_HEADER": "many"}, r"invalid value \[many\] for parameter 'SKIP_HEADER'"),
        ({"FIELD_OPTIONALLY_ENCLOSED_BY": "!"}, r"invalid value \['!'\]"),
        ({"PARSE_HEADER": "TRUE", "SKIP_HEADER": "1"}, "PARSE_HEADER is only allowed when SKIP_HEADER is 0"),
    ],
)
def test_a_wrong_option_is_named(options: Options, message: str) -> None:
    with pytest.raises(SnowflakeError, match=message):
        checked_options(options)


def test_what_is_not_set_has_snowflakes_default() -> None:
    form = FileFormat("CSV", checked_options({"SKIP_HEADER": "2", "NULL_IF": ["", "x"]}))
    assert (form.text("FIELD_DELIMITER"), form.text("FIELD_OPTIONALLY_ENCLOSED_BY")) == (",", "")
    assert (form.number("SKIP_HEADER"), form.flag("EMPTY_FIELD_AS_NULL"), form.null_if()) == (2, True, ["", "x"])
    assert FileFormat("JSON").null_if() == []


def test_an_option_as_describe_prints_it() -> None:
    assert shown_option("\t") == "\\t"
    assert shown_option("none") == "NONE"
    assert shown_option('"') == '\\"'
    assert shown_option(["", "a\\N"]) == "[, a\\\\N]"
