"""CSV files: every option of a format, quotes inside of fields, and one result of the fast and the careful reader."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_snowflake.copy.readers.csv_reader import read_csv, read_fast
from local_snowflake.copy.readers.csv_scanner import Dialect, scan
from local_snowflake.copy.rejects import Content
from local_snowflake.stages.formats import FileFormat, checked_options

Rows = list[tuple[str | None, ...]]


def csv_format(**options: Any) -> FileFormat:
    return FileFormat("CSV", checked_options({"TYPE": "CSV", **options}))


QUOTED = csv_format(FIELD_OPTIONALLY_ENCLOSED_BY='"')


def rows_of(file: Content) -> Rows:
    columns = [file.table.column(name).to_pylist() for name in file.table.column_names if name != "$ROW"]
    return list(zip(*columns, strict=True))


def read(text: str | bytes, form: FileFormat, width: int | None = None, *, strict: bool = False) -> Content:
    return read_csv(text if isinstance(text, bytes) else text.encode(), form, width, strict=strict)


OPTIONS: list[tuple[dict[str, Any], str | bytes, Rows]] = [
    ({"FIELD_DELIMITER": "|"}, "1|a|b\n", [("1", "a", "b")]),
    ({"FIELD_DELIMITER": "\t"}, "1\ta\tb\r\n2\tc\td", [("1", "a", "b"), ("2", "c", "d")]),
    ({"FIELD_DELIMITER": "0x7c"}, "1|a|b\n", [("1", "a", "b")]),
    ({"FIELD_DELIMITER": "||"}, "1||a||b|\n", [("1", "a", "b|")]),
    ({"RECORD_DELIMITER": ";"}, "1,a,b;2,c,d;", [("1", "a", "b"), ("2", "c", "d")]),
    ({"NULL_IF": ["NA", "-"]}, "NA,-,\n", [(None, None, None)]),
    ({"EMPTY_FIELD_AS_NULL": "FALSE"}, "1,,b\n", [("1", "", "b")]),
    ({}, "\\N,a\\,b,c\\\\\n", [(None, "a,b", "c\\")]),
    ({"ESCAPE_UNENCLOSED_FIELD": "NONE"}, "\\N,a\\b,c\n", [(None, "a\\b", "c")]),
    ({"TRIM_SPACE": "TRUE"}, " 1 , a, b \n", [("1", "a", "b")]),
    ({"FIELD_OPTIONALLY_ENCLOSED_BY": '"'}, '"1","a,""b""","c\nd"\n', [("1", 'a,"b"', "c\nd")]),
    ({"FIELD_OPTIONALLY_ENCLOSED_BY": '"'}, '"","",x"y\n', [("", "", 'x"y')]),
    (
        {"FIELD_OPTIONALLY_ENCLOSED_BY": "'", "TRIM_SPACE": "TRUE"},
        "'1', 'a' , ' b '\n",
        [("1", "a", " b ")],
    ),
    (
        {"FIELD_OPTIONALLY_ENCLOSED_BY": '"', "ESCAPE": "\\"},
        '"a\\"b",c\\,d,e\n',
        [('a"b', "c,d", "e")],
    ),
    ({}, 'a,"b,c"\n', [("a", '"b', 'c"')]),
    ({"SKIP_BLANK_LINES": "TRUE"}, "\n1,a,b\n\n2,c,d\n\n", [("1", "a", "b"), ("2", "c", "d")]),
    ({"ENCODING": "ISO-8859-1"}, "1,é,b\n".encode("latin-1"), [("1", "é", "b")]),
    ({"REPLACE_INVALID_CHARACTERS": "TRUE"}, b"1,\xff,b\n", [("1", "�", "b")]),
    ({"SKIP_HEADER": "2"}, "x\ny\n1,a,b\n", [("1", "a", "b")]),
    ({}, b"\xef\xbb\xbf1,a,b\n", [("1", "a", "b")]),
    ({}, "", []),
]


@pytest.mark.parametrize(("options", "content", "expected"), OPTIONS)
def test_an_option_changes_what_is_read(options: dict[str, Any], content: str | bytes, expected: Rows) -> None:
    assert rows_of(read(content, csv_format(**options), 3)) == expected


def test_records_are_filled_and_cut_unless_their_width_is_checked() -> None:
    file = read("1\n2,a,b,c\n3,d,e\n", csv_format(), 3)
    assert rows_of(file) == [("1", None, None), ("2", "a", "b"), ("3", "d", "e")]
    strict = read("1\n2,a,b,c\n3,d,e\n", csv_format(), 3, strict=True)
    assert rows_of(strict) == [("3", "d", "e")]
    assert {row: fault.code for row, (fault, _) in strict.faults.items()} == {1: 100080, 2: 100080}


# A quote encloses only where a field begins; inside of an unenclosed field it is an ordinary character:
# https://docs.snowflake.com/en/sql-reference/sql/create-file-format#type-csv


def test_a_quote_inside_of_an_unenclosed_field_is_an_ordinary_character() -> None:
    lines = [f'{i},5" pipe,{i / 2}' for i in range(300)]
    file = read("\n".join(lines) + "\n", QUOTED, 3, strict=True)
    assert (file.records, file.faults) == (300, {})
    assert rows_of(file) == [tuple(line.split(",")) for line in lines]


def test_enclosed_fields_and_quotes_inside_of_others_mix() -> None:
    text = '1,5" pipe,"a ""b"", c"\n2,"5\n6",7" tube\n3,x""y,"z"\n'
    assert rows_of(read(text, QUOTED, 3, strict=True)) == [
        ("1", '5" pipe', 'a "b", c'),
        ("2", "5\n6", '7" tube'),
        ("3", 'x""y', "z"),
    ]


def test_a_quote_that_is_never_closed_is_an_error_of_its_record_with_the_rest_of_the_file() -> None:
    file = read('1,a\n2,"b\n3,c\n', QUOTED, 2, strict=True)
    assert rows_of(file) == [("1", "a")]
    assert file.records == 2
    fault, _ = file.faults[2]
    assert (fault.error, fault.code) == ("""End of file reached while expecting the closing character '"'""", 100067)


def test_text_after_a_closing_quote_is_an_error_of_its_record_only() -> None:
    file = read('1,"a"b\n2,c\n', QUOTED, 2, strict=True)
    assert rows_of(file) == [("2", "c")]
    assert file.faults[1][0].error == "Found character 'b' instead of field delimiter ','"


def test_an_empty_field_at_the_end_of_a_file_without_a_last_newline_is_null() -> None:
    assert rows_of(read('1,2\n"",', QUOTED, 2, strict=True)) == [("1", "2"), ("", None)]


def test_a_header_names_the_columns() -> None:
    form = csv_format(PARSE_HEADER="TRUE", FIELD_OPTIONALLY_ENCLOSED_BY='"')
    file = read('id,"full name"\n1,x\n', form)
    assert (file.fields, rows_of(file)) == ({"id": '"C1"', "full name": '"C2"'}, [("1", "x")])


def test_a_record_has_its_position_in_characters() -> None:
    text = 'é,"a\nb"\nü,c\n'
    file = read(text, QUOTED, 2)
    first, second = (file.place(2, column, None) for column in (0, 1))
    assert (first["rejected_record"], first["line"], first["character"], first["byte_offset"]) == ("ü,c", 3, 1, 9)
    assert (second["row_start_line"], second["character"]) == (3, 3)


FIELDS = st.text(alphabet='ab"5, \n', max_size=6)


@settings(deadline=None, database=None)
@given(rows=st.lists(st.tuples(FIELDS, FIELDS), min_size=1, max_size=6))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    sink = io.StringIO()
    csv.writer(sink, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    assert rows_of(read(sink.getvalue(), QUOTED, 2, strict=True)) == rows


FORMATS = [
    QUOTED,
    csv_format(FIELD_OPTIONALLY_ENCLOSED_BY='"', NULL_IF=["a", ""], SKIP_BLANK_LINES="TRUE"),
    csv_format(TRIM_SPACE="TRUE", NULL_IF=["5"]),
    csv_format(EMPTY_FIELD_AS_NULL="FALSE", FIELD_DELIMITER=" "),
]


@settings(deadline=None, database=None)
@given(text=st.text(alphabet='a5é", \n', max_size=40), strict=st.booleans(), form=st.sampled_from(FORMATS))
def test_the_fast_reader_reads_as_the_careful_one(text: str, strict: bool, form: FileFormat) -> None:
    dialect = Dialect.of(form)
    if (file := read_fast(text.encode(), 0, dialect, 2, strict=strict)) is None:
        return
    records = list(scan(text, dialect))
    assert file.records == len(records)
    sound = {n: tuple(r.fields) for n, r in enumerate(records, 1) if not r.fault and (len(r.fields) == 2 or not strict)}
    # COPY fills a narrower table with NULL
    actual = dict(zip(file.table.column("$ROW").to_pylist(), rows_of(file), strict=True))
    assert {n: _two(row) for n, row in actual.items()} == {n: _two(row) for n, row in sound.items()}


def _two(row: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return (*row, None, None)[:2]
