"""Timestamps within objects and arrays of Parquet files."""

from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.in_process import Runner

from local_snowflake.account import Account
from local_snowflake.copy.readers.nested_times import times_as_texts

_MOMENT = datetime.fromisoformat("2017-01-02T03:04:05.678901")
_TEXT = "2017-01-02 03:04:05.678"
_STRUCT = pa.struct([("n", pa.int64()), ("t", pa.timestamp("us"))])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (_STRUCT, {"t": _MOMENT, "n": 1}, {"t": _TEXT, "n": 1}),
        (_STRUCT, {"t": None, "n": 1}, {"t": None, "n": 1}),
        (pa.list_(_STRUCT), [{"t": _MOMENT, "n": None}], [{"t": _TEXT, "n": None}]),
        (pa.map_(pa.string(), pa.timestamp("ns")), [("a", _MOMENT)], [("a", _TEXT)]),
        (pa.timestamp("us"), _MOMENT, _MOMENT),
        (pa.list_(pa.int64()), [1, None], [1, None]),
    ],
)
def test_only_timestamps_within_objects_become_texts(kind: pa.DataType, value: object, expected: object) -> None:
    column = pa.chunked_array([pa.array([value, None], kind)])
    assert times_as_texts(column).to_pylist() == [expected, None]


def test_a_variant_of_parquet_has_milliseconds(account: Account) -> None:
    run = Runner(account, account.sessions.open("TEST", "D", "PUBLIC"))
    run("CREATE OR REPLACE TEMPORARY STAGE NESTED_TIMES FILE_FORMAT = (TYPE = PARQUET)")
    run("CREATE OR REPLACE TEMPORARY TABLE NESTED (V VARIANT)")
    run("COPY INTO @NESTED_TIMES/nested.parquet FROM (SELECT 1 AS X) SINGLE = TRUE HEADER = TRUE")
    (file,) = account.context(run.token).services.data_dir.rglob("nested.parquet")
    pq.write_table(pa.table({"t": [_MOMENT], "o": pa.array([{"t": _MOMENT, "n": 1}], _STRUCT)}), file)
    run("COPY INTO NESTED FROM @NESTED_TIMES")
    assert run("SELECT TO_JSON(V) AS J FROM NESTED") == [(f'{{"o":{{"n":1,"t":"{_TEXT}"}},"t":"{_TEXT}"}}',)]
