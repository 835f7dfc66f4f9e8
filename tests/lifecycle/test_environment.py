"""What makes an environment: statements that Snowflake takes on a new account, and again on one that is there."""

from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from snowloop.project import load_project
from snowloop.sql import render, statements


@pytest.fixture(params=["bank_marketing", "credit_approval"])
def script(request: pytest.FixtureRequest) -> list[str]:
    project = load_project(request.param)
    return list(
        statements(
            render(
                "environment/create.sql",
                database=project.database("dev"),
                warehouse="WH",
                warehouse_size="XSMALL",
                sources=project.sources,
                streamed=project.streamed,
                key=project.key,
                classes=("a", "b"),
                reader="READER",
            )
        )
    )


def test_a_statement_that_may_find_its_column_there_adds_one_column(script: list[str]):
    """In a list of columns IF NOT EXISTS is of the first alone: the next one fails on an environment that has it."""
    added = [each for each in map(parsed, script) if isinstance(each, exp.Alter)]
    assert len(added) > 5
    for alter in added:
        columns = list(alter.find_all(exp.ColumnDef))
        assert len(columns) == 1, alter.sql("snowflake")
        assert columns[0].args.get("exists"), alter.sql("snowflake")


def parsed(statement: str) -> Any:
    if not statement.startswith("ALTER TABLE"):
        return None
    return sqlglot.parse_one(statement, dialect="snowflake")
