"""EXPLAIN tells the operations of a query, and runs nothing."""

from __future__ import annotations

import json

import pytest
from tests.unit.in_process import Directory, Runner

from local_snowflake.errors import SnowflakeError

QUERY = "SELECT S.A, SUM(M) AS TOTAL FROM S JOIN U ON S.A = U.A GROUP BY S.A ORDER BY TOTAL LIMIT 3"


@pytest.fixture
def run(directory: Directory) -> Runner:
    run = directory.open()
    run("CREATE TABLE S (A VARCHAR, N INT)")
    run("CREATE TABLE U (A VARCHAR, M INT)")
    run("INSERT INTO S VALUES ('a', 1), ('b', 2)")
    return run


def test_its_rows_are_the_operations_with_what_takes_their_rows(run: Runner) -> None:
    result = run.result(f"EXPLAIN {QUERY}")
    stats, top, *rest = result.named_table.to_pylist()
    assert [c.name for c in result.columns][:5] == ["step", "id", "parentOperators", "operation", "objects"]
    assert (stats["operation"], stats["id"]) == ("GlobalStats", None)
    assert (top["id"], top["parentOperators"], top["operation"], top["expressions"]) == (0, None, "Result", "A, TOTAL")
    operations = [row["operation"] for row in rest]
    assert [o for o in operations if o != "Projection"] == [
        *("SortWithLimit", "Aggregate", "InnerJoin", "TableScan", "TableScan")
    ]
    assert {row["objects"] for row in rest} == {None, "D.PUBLIC.S", "D.PUBLIC.U"}
    assert all(int(row["parentOperators"].strip("[]")) < row["id"] for row in rest)
    assert run.result(f"EXPLAIN USING TABULAR {QUERY}").named_table == result.named_table


def test_as_json_and_as_text_it_has_the_same_operations(run: Runner) -> None:
    ((document,),) = run(f"EXPLAIN USING JSON {QUERY}")
    ((text,),) = run(f"EXPLAIN USING TEXT {QUERY}")
    (operations,) = json.loads(document)["Operations"]
    assert operations[0] == {"id": 0, "operation": "Result", "expressions": ["A", "TOTAL"]}
    lines = text.splitlines()
    assert lines[:3] == ["GlobalStats:", "Operations:", "1:0     ->Result  A, TOTAL"]
    assert [line.split("->")[1].split()[0] for line in lines[2:]] == [each["operation"] for each in operations]
    scans = [each["objects"] for each in operations if each["operation"] == "TableScan"]
    assert sorted(scans) == [["D.PUBLIC.S"], ["D.PUBLIC.U"]]


def test_it_does_not_run_the_query(run: Runner) -> None:
    run("CREATE SEQUENCE Q")
    run("EXPLAIN SELECT Q.NEXTVAL FROM S")
    assert run("SELECT Q.NEXTVAL") == [(1,)]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("EXPLAIN INSERT INTO S SELECT * FROM S", 2),
        ("EXPLAIN USING XML SELECT 1", 1003),
        ("EXPLAIN SELECT * FROM MISSING", 2003),
        ("EXPLAIN", 900),
    ],
)
def test_what_it_refuses(run: Runner, sql: str, code: int) -> None:
    with pytest.raises(SnowflakeError) as raised:
        run(sql)
    assert raised.value.code == code
    assert run("SELECT COUNT(*) FROM S") == [(2,)]
