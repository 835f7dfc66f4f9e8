"""Values as the texts of jsonv2, and how results are encoded."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from local_snowflake.execution.encoding import encode, text_rows
from local_snowflake.execution.results import SELECT, Column, Result
from local_snowflake.python.sandbox.zoned_times import from_datetimes
from local_snowflake.sql.types import SfType


def test_a_time_with_a_zone_has_its_offset_behind_it() -> None:
    moments = [dt.datetime(2021, 3, 19, 17, 6, 59, tzinfo=dt.UTC), None]
    moments.append(
        dt.datetime(1969, 12, 31, 22, 59, 59, 500_000, tzinfo=dt.timezone(dt.timedelta(hours=-1, minutes=-30)))
    )
    result = Result(pa.table({"AT": from_datetimes(moments)}), [Column("AT", SfType("TIMESTAMP_TZ", scale=9))])
    assert text_rows(result) == [["1616173619.000000000 1440"], [None], ["1799.500000000 1350"]]


def test_a_time_of_milliseconds_is_seconds_too() -> None:
    table = pa.table({"AT": pa.array([dt.time(0, 0, 1, 500_000)], pa.time64("us"))})
    assert text_rows(Result(table, [Column("AT", SfType("TIME", scale=3))])) == [["1.500000000"]]


def test_small_decimals_have_no_exponent() -> None:
    table = pa.table({"N": pa.array(["0.00000001"]).cast(pa.decimal128(38, 8))})
    assert text_rows(Result(table, [Column("N", SfType("NUMBER", 38, 8))])) == [["0.00000001"]]


def test_no_columns_and_no_rows_give_no_rows() -> None:
    assert text_rows(Result(pa.table({"N": pa.array([], pa.int64())}), [Column("N", SfType("NUMBER", 38, 0))])) == []


def test_rows_of_queries_are_arrow_and_those_of_other_statements_texts() -> None:
    columns = [Column("ON", SfType("BOOLEAN")), Column("AT", SfType("TIMESTAMP_NTZ", scale=3))]
    table = pa.table({"ON": [True, None], "AT": pa.array([1_000_000, None], pa.timestamp("us"))})
    assert encode(Result(table, columns)) == {"queryResultFormat": "json", "rowset": [["1", "1.000"], [None, None]]}
    assert encode(Result(table, columns, SELECT))["queryResultFormat"] == "arrow"
