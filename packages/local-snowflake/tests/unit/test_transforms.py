"""Fakesnow's rewrites give the same tree where those are left out that have nothing to change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import pytest
from fakesnow.cursor import FakeSnowflakeCursor
from fakesnow.variables import Variables
from sqlglot import Expr, exp
from tests.unit.answers.checks import read_checks

from local_snowflake.errors import SnowflakeError
from local_snowflake.sql.dialect import parse
from local_snowflake.sql.transforms import NODES, TransformedTree, name_of


class Connection:
    """What the rewrites read of a connection."""

    database = schema = db_path = table_stages = None
    variables = Variables()


CURSOR = FakeSnowflakeCursor(cast(Any, Connection()), cast(Any, None))
# every area of the checks, and each kind of statement, in a second; of sequences the values are written out before
STATEMENTS = [sql for check in read_checks()[::20] for sql in (*check.setup, check.sql) if "NEXTVAL" not in sql.upper()]
# CREATE STAGE writes the time of its creation
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:[\d.]+")


def test_every_rewrite_is_known_by_its_nodes() -> None:
    names: list[str] = []

    class Names:
        def transform(self, rewrite: Callable[..., Expr], **_: object) -> Names:
            names.append(name_of(rewrite))
            return self

    CURSOR._transform(cast(Any, Names()), None)
    assert set(names) == set(NODES), "fakesnow has other rewrites: read which nodes they change"


def duckdb(tree: Any) -> str:
    """A statement after all rewrites, or what fakesnow refuses."""
    try:
        done = CURSOR._transform(tree, None)
    except Exception as error:  # noqa: BLE001 (compared)
        return repr(error)
    return _TIME.sub("", (done.root if isinstance(done, TransformedTree) else done).sql(dialect="duckdb"))


def test_statements_are_those_of_all_rewrites() -> None:
    compared = 0
    for sql in STATEMENTS:
        try:
            tree = parse(sql)
        except SnowflakeError:
            continue
        assert duckdb(TransformedTree(tree.copy())) == duckdb(tree), sql
        compared += 1
    assert compared > 60


@pytest.mark.parametrize(("sql", "visited"), [("SELECT 1 AS A FROM T", 0), ("SELECT SPLIT(A, ',') FROM T", 1)])
def test_a_tree_without_its_nodes_is_not_walked(sql: str, visited: int) -> None:
    nodes: list[Expr] = []

    def split(node: Expr) -> Expr:
        nodes.append(node)
        return node

    TransformedTree(parse(sql)).transform(split, copy=False)
    assert sum(isinstance(node, exp.Split) for node in nodes) == visited
    assert bool(nodes) == bool(visited)
