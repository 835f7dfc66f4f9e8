"""User-defined table and aggregate functions through the unmodified clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from snowflake.snowpark import Session
from snowflake.snowpark.exceptions import SnowparkSQLException
from snowflake.snowpark.functions import col, lit, udaf, udtf
from snowflake.snowpark.functions import pandas_udtf as vectorized_udtf
from snowflake.snowpark.types import (
    FloatType,
    IntegerType,
    PandasDataFrameType,
    StructField,
    StructType,
)
from tests.server.functions import function, functions_session, one, rows


@pytest.fixture(scope="module")
def session(snowflake_connection: dict[str, Any]) -> Iterator[Session]:
    with functions_session(snowflake_connection, "T_TABLE_FUNCTIONS") as made:
        yield made


SPLITTER = """
class f:
    def process(self, text, count):
        for i in range(count):
            yield (text + str(i), i)
"""
TOTALS = """
class f:
    def __init__(self):
        self.total = 0
    def process(self, a):
        self.total += a
        yield (self.total, False)
    def end_partition(self):
        yield (self.total, True)
"""


def test_table_functions(session: Session) -> None:
    session.sql(function("PIECES(S VARCHAR, N INT)", "TABLE (W VARCHAR, I INT)", SPLITTER)).collect()
    assert rows(session, "SELECT W, I FROM TABLE(PIECES('a', 2))") == [("a0", 0), ("a1", 1)]
    assert rows(session, "SELECT T.A, P.W FROM T, TABLE(PIECES(T.B, 1)) AS P WHERE T.A < 2 ORDER BY 1") == [
        (0, "x00"),
        (1, "x10"),
    ]
    joined = session.table("T").join_table_function("PIECES", col("B"), lit(1)).select("A", "W").sort("A").limit(1)
    assert [tuple(r) for r in joined.collect()] == [(0, "x00")]


def test_partitions_of_table_functions(session: Session) -> None:
    session.sql(function("RUNNING(A INT)", "TABLE (S INT, LAST BOOLEAN)", TOTALS)).collect()
    found = rows(session, "SELECT K, A, S, LAST FROM T, TABLE(RUNNING(A) OVER (PARTITION BY K ORDER BY A)) WHERE K = 1")
    assert sorted(found, key=repr) == [(1, 1, 1, False), (1, 4, 5, False), (1, 7, 12, False), (1, None, 12, True)]


def test_table_functions_registered_by_snowpark(session: Session) -> None:
    class Count:
        def __init__(self) -> None:
            self.n = 0

        def process(self, a: int) -> Iterator[tuple[int, int]]:
            self.n += 1
            yield (a, self.n)

    schema = StructType([StructField("V", IntegerType()), StructField("N", IntegerType())])
    count = udtf(Count, output_schema=schema, input_types=[IntegerType()], session=session)
    found = (
        session.table("T")
        .join_table_function(count(col("A")).over(partition_by="K", order_by="A"))
        .select("K", "V", "N")
    )
    assert (2, 8, 3) in {tuple(r) for r in found.collect()}

    class Mean:
        def end_partition(self, df):
            df.columns = ["K", "A"]
            yield df.groupby("K", as_index=False).mean()

    mean = vectorized_udtf(
        Mean,
        output_schema=PandasDataFrameType([IntegerType(), FloatType()], ["K_", "MEAN"]),
        input_types=[PandasDataFrameType([IntegerType(), IntegerType()])],
        packages=["pandas"],
        session=session,
    )
    means = session.table("T").select(mean("K", "A").over(partition_by="K")).collect()
    assert sorted(tuple(r) for r in means) == [(0, 3.0), (1, 4.0), (2, 5.0)]


def test_aggregate_functions(session: Session) -> None:
    class Product:
        def __init__(self) -> None:
            self._product = 1

        @property
        def aggregate_state(self) -> int:
            return self._product

        def accumulate(self, a: int) -> None:
            self._product *= a

        def merge(self, other: int) -> None:
            self._product *= other

        def finish(self) -> int:
            return self._product

    udaf(
        Product,
        return_type=IntegerType(),
        input_types=[IntegerType()],
        name="PRODUCT",
        replace=True,
        session=session,
    )
    assert rows(session, "SELECT K, PRODUCT(A + 1) FROM T GROUP BY K ORDER BY K") == [(0, 28), (1, 80), (2, 162)]
    assert rows(session, "SELECT PRODUCT(A) FROM T WHERE A > 100") == [(1,)]
    assert rows(session, "SELECT DISTINCT K, PRODUCT(A) OVER (PARTITION BY K) FROM T WHERE K = 1") == [(1, 28)]


FRAMES = """
import pandas as pd
class f:
    def __init__(self):
        self.rows = 0
    def process(self, frame):
        self.rows += len(frame)
        return frame
    def end_partition(self):
        yield ([-1, -2], [self.rows, self.rows])
f.process._sf_vectorized_input = pd.DataFrame
"""


def test_a_vectorized_table_function_ends_its_partitions_with_frames(session: Session) -> None:
    session.sql(
        function("TOTALS(K INT, A INT)", "TABLE (K INT, A INT)", FRAMES, options="PACKAGES = ('pandas')")
    ).collect()
    found = rows(session, "SELECT X.K, X.A FROM T, TABLE(TOTALS(T.K, T.A) OVER (PARTITION BY T.K)) X WHERE X.K < 1")
    assert sorted(found) == [(-2, 3)] * 3 + [(-1, 3)] * 3 + [(0, 0), (0, 3), (0, 6)]


def test_a_strict_table_function_is_not_called_with_null(session: Session) -> None:
    body = "class f:\n    def process(self, a):\n        yield (a + 1,)"
    session.sql(function("STRICT_ROWS(A INT)", "TABLE (B INT)", body, options="STRICT")).collect()
    sql = "SELECT B FROM (SELECT * FROM VALUES (1), (NULL), (3) AS V(A)) V, TABLE(STRICT_ROWS(V.A))"
    assert rows(session, sql + " ORDER BY B NULLS FIRST") == [(None,), (2,), (4,)]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("VARIANT", "TO_VARIANT(A)", 36),
        ("ARRAY", "ARRAY_CONSTRUCT(A)", [36]),
        ("OBJECT", "OBJECT_CONSTRUCT('a', A)", {"a": 36}),
    ],
)
def test_an_aggregate_gives_semi_structured_values(session: Session, kind: str, value: str, expected: Any) -> None:
    session.sql(function(f"LAST_OF(V {kind})", kind, LAST, kind="AGGREGATE FUNCTION")).collect()
    assert json.loads(one(session, f"SELECT LAST_OF({value}) FROM (SELECT SUM(A) AS A FROM T)")) == expected


LAST = """
class f:
    def accumulate(self, value):
        self.value = value
    def merge(self, other):
        self.value = other
    def finish(self):
        return self.value
"""


def test_a_table_function_that_is_not_there_is_named(session: Session) -> None:
    for name in ("NO_SUCH", "T_TABLE_FUNCTIONS.PUBLIC.NO_SUCH"):
        with pytest.raises(SnowparkSQLException, match="Unknown table function NO_SUCH"):
            session.sql(f"SELECT * FROM TABLE({name}(1))").collect()
