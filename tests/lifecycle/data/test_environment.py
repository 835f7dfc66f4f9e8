"""What makes an environment: statements that Snowflake takes on a new account, and again on one that is there."""

from pathlib import Path
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
                "data/environment.sql",
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


def test_the_page_on_accounts_grants_what_the_statements_need(script: list[str]):
    """Objects of the account itself; what is in the database belongs to the role that made it."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "snowflake-account.md").read_text()
    made = {statement.split()[1] for statement in script if statement.startswith("CREATE ")}
    of_account = made & {"WAREHOUSE", "DATABASE", "ROLE", "INTEGRATION", "USER"}
    assert of_account >= {"WAREHOUSE", "DATABASE", "ROLE"}
    for kind in of_account:
        assert f"GRANT CREATE {kind} ON ACCOUNT TO ROLE" in page
    for privilege in ("EXECUTE TASK", "EXECUTE MANAGED TASK"):
        assert f"GRANT {privilege} ON ACCOUNT TO ROLE" in page


def parsed(statement: str) -> Any:
    if not statement.startswith("ALTER TABLE"):
        return None
    return sqlglot.parse_one(statement, dialect="snowflake")
