"""The content of files -> values of a table's types, and the error of each value that cannot be converted."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from local_snowflake.copy.conversion import Column, Converted, convert, strptime_format
from local_snowflake.python.sandbox.zoned_times import value_at
from local_snowflake.sql.types import parse_type
from local_snowflake.stages.formats import FileFormat, checked_options


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


def converted(
    duck: duckdb.DuckDBPyConnection,
    values: pa.Array,
    kind: str,
    form: FileFormat,
    *,
    nullable: bool = True,
    truncate: bool = False,
) -> Converted:
    duck.register("source", pa.table({"$ROW": range(1, len(values) + 1), "v": values}))
    sql = 'SELECT "$ROW", v AS "S0" FROM source'
    return convert(duck, sql, [Column("C", parse_type(kind), nullable, 1)], form, truncate=truncate)


def csv_format(**options: Any) -> FileFormat:
    return FileFormat("CSV", checked_options({"TYPE": "CSV", **options}))


JSON, PARQUET = FileFormat("JSON"), FileFormat("PARQUET")
UTC = dt.UTC
EAST = dt.timezone(dt.timedelta(hours=2))
TEXTS: list[tuple[str, str, Any]] = [
    ("NUMBER(38,0)", "12", 12),
    ("NUMBER(10,2)", "1.505", Decimal("1.51")),
    ("FLOAT", "1e-3", 0.001),
    ("BOOLEAN", " Yes ", True),
    ("BOOLEAN", "off", False),
    ("VARCHAR", " x ", " x "),
    ("BINARY", "00ff", b"\x00\xff"),
    ("DATE", "2020-01-02", dt.date(2020, 1, 2)),
    ("DATE", "1/2/2020", dt.date(2020, 1, 2)),
    ("DATE", "2-Mar-2021", dt.date(2021, 3, 2)),
    ("TIME", "03:04", dt.time(3, 4)),
    ("TIMESTAMP_NTZ", "2020-01-02T03:04:05.5", dt.datetime(2020, 1, 2, 3, 4, 5, 500000)),  # noqa: DTZ001
    ("TIMESTAMP_NTZ", "1577934245", dt.datetime(2020, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    ("TIMESTAMP_NTZ", "1577934245000", dt.datetime(2020, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    ("TIMESTAMP_TZ", "2020-01-02 03:04:05.5 +0200", dt.datetime(2020, 1, 2, 3, 4, 5, 500000, tzinfo=EAST)),
    ("TIMESTAMP_LTZ", "2020-01-02 03:04:05+02:00", dt.datetime(2020, 1, 2, 1, 4, 5, tzinfo=UTC)),
    ("TIMESTAMP_TZ", "2020-01-02 03:04:05 +0200", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=EAST)),
    ("TIMESTAMP_TZ", "2020-01-02T03:04:05Z", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("TIMESTAMP_TZ", "2020-01-02", dt.datetime(2020, 1, 2, tzinfo=UTC)),
    ("TIMESTAMP_TZ", "1577934245", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
]


@pytest.mark.parametrize(("kind", "text", "expected"), TEXTS)
def test_text_becomes_a_value(duck: duckdb.DuckDBPyConnection, kind: str, text: str, expected: Any) -> None:
    result = converted(duck, pa.array([text, None]), kind, csv_format())
    assert result.faults == []
    found = [value_at(result.rows.column("C"), row) for row in range(2)]
    assert found == [expected, None]
    # equal moments may have other offsets
    assert str(found[0]) == str(expected)


@pytest.mark.parametrize(
    ("kind", "text", "error", "code"),
    [
        ("NUMBER(10,2)", "x1", "Numeric value 'x1' is not recognized", 100038),
        ("NUMBER(10,2)", "1_0", "Numeric value '1_0' is not recognized", 100038),
        ("NUMBER(1,0)", "-12", "Numeric value '-12' is out of range", 100039),
        ("NUMBER(10,2)", "999999999", "Numeric value '999999999' is out of range", 100039),
        ("NUMBER(38,0)", "0x1F", "Numeric value '0x1F' is not recognized", 100038),
        ("BOOLEAN", "maybe", "Boolean value 'maybe' is not recognized", 100037),
        ("DATE", "2020-13-01", "Date '2020-13-01' is not recognized", 100040),
        ("DATE", "epoch", "Date 'epoch' is not recognized", 100040),
        ("TIME", "25:00", "Time '25:00' is not recognized", 100108),
        ("TIMESTAMP_NTZ", "soon", "Timestamp 'soon' is not recognized", 100035),
        ("VARIANT", "{", "Error parsing JSON: {", 100069),
        ("BINARY", "0g", "The following string is not a legal hex-encoded value: '0g'", 100115),
        ("VARCHAR(5)", "abcdef", "User character length limit (5) exceeded by string 'abcdef'", 100074),
    ],
)
def test_text_that_is_no_value_is_an_error(
    duck: duckdb.DuckDBPyConnection, kind: str, text: str, error: str, code: int
) -> None:
    result = converted(duck, pa.array([None, text, None]), kind, csv_format())
    assert [(row, column, fault.error, fault.code) for row, column, fault in result.faults] == [(2, 0, error, code)]
    assert result.rows.column("$ROW").to_pylist() == [1, 3]


def test_a_column_that_is_not_null_refuses_null(duck: duckdb.DuckDBPyConnection) -> None:
    (fault,) = [f for _, _, f in converted(duck, pa.array(["1", None]), "INT", csv_format(), nullable=False).faults]
    assert fault.code == 100088
    assert fault.error.startswith("NULL result in a non-nullable column. Use quotes")
    (fault,) = [f for _, _, f in converted(duck, pa.array([None], pa.int64()), "INT", PARQUET, nullable=False).faults]
    assert (fault.error, fault.code) == ("NULL result in a non-nullable column", 100072)


def test_a_value_that_is_too_long_is_truncated_on_request(duck: duckdb.DuckDBPyConnection) -> None:
    result = converted(duck, pa.array(["abcdefgh"]), "VARCHAR(5)", csv_format(), truncate=True)
    assert (result.rows.column("C").to_pylist(), result.faults) == (["abcde"], [])


def test_formats_of_dates_and_times(duck: duckdb.DuckDBPyConnection) -> None:
    form = csv_format(DATE_FORMAT="DD.MM.YYYY", TIMESTAMP_FORMAT="YYYY/MM/DD HH12:MI AM", BINARY_FORMAT="BASE64")
    for kind, text, expected in (
        ("DATE", "31.12.2020", dt.date(2020, 12, 31)),
        ("TIMESTAMP_NTZ", "2020/12/31 11:59 PM", dt.datetime(2020, 12, 31, 23, 59)),  # noqa: DTZ001
        ("BINARY", "AP8=", b"\x00\xff"),
    ):
        assert converted(duck, pa.array([text]), kind, form).rows.column("C").to_pylist() == [expected]
    assert len(converted(duck, pa.array(["2020-12-31"]), "DATE", form).faults) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM", "%Y-%m-%d %H:%M:%S.%f %z"),
        ("dd-mon-yy hh12:mi pm", "%d-%b-%y %I:%M %p"),
        ('YYYY"th year, 100%"', "%Yth year, 100%%"),
        ("DY MMMM", "%a %B"),
    ],
)
def test_a_format_becomes_strptimes(text: str, expected: str) -> None:
    assert strptime_format(text) == expected


NATIVE: list[tuple[str, pa.Array, Any]] = [
    ("NUMBER(10,1)", pa.array([1.26]), Decimal("1.3")),
    ("VARCHAR", pa.array([7]), "7"),
    ("VARCHAR", pa.array([b"ab"]), "ab"),
    ("VARCHAR", pa.array([[1, 2]]), "[1,2]"),
    ("DATE", pa.array([dt.datetime(2020, 1, 2, 3)]), dt.date(2020, 1, 2)),  # noqa: DTZ001
    ("TIMESTAMP_NTZ", pa.array([1577934245]), dt.datetime(2020, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    ("BOOLEAN", pa.array(["true"]), True),
]


@pytest.mark.parametrize(("kind", "values", "expected"), NATIVE)
def test_values_of_parquet_are_cast(
    duck: duckdb.DuckDBPyConnection, kind: str, values: pa.Array, expected: Any
) -> None:
    result = converted(duck, values, kind, PARQUET)
    assert (result.rows.column("C").to_pylist(), result.faults) == ([expected], [])


def test_a_nested_value_is_a_variant(duck: duckdb.DuckDBPyConnection) -> None:
    (text,) = converted(duck, pa.array([{"a": [1]}]), "VARIANT", PARQUET).rows.column("C").to_pylist()
    assert json.loads(text) == {"a": [1]}


def test_the_parts_of_a_json_document_are_cast(duck: duckdb.DuckDBPyConnection) -> None:
    documents = pa.ExtensionArray.from_storage(pa.json_(pa.utf8()), pa.array(["1", '"x"', "null"]))
    result = converted(duck, documents, "INT", JSON)
    assert result.rows.column("C").to_pylist() == [1, None]
    (fault,) = [fault for _, _, fault in result.faults]
    assert (fault.error, fault.code) == ('Failed to cast variant value "x" to FIXED', 100071)
