"""What makes an environment: statements that Snowflake takes on a new account, and again on one that is there."""

from dataclasses import replace
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from snowloop.lifecycle.deployment.desired import desired_environment
from snowloop.lifecycle.deployment.environment import compare_environment
from snowloop.lifecycle.deployment.observed import ObservedEnvironment
from snowloop.lifecycle.deployment.plan import RunSql
from snowloop.project import Project, load_project


@pytest.fixture(params=["bank_marketing", "credit_approval"])
def project(request: pytest.FixtureRequest) -> Project:
    return load_project(request.param)


def test_a_statement_that_may_find_its_column_there_adds_one_column(project: Project):
    """In a list of columns IF NOT EXISTS is of the first alone: the next one fails on an environment that has it."""
    desired = desired_environment(project, "dev")
    bare = [replace(each, columns={}) for each in desired.objects]
    kinds = {each.kind for each in bare}
    observed = ObservedEnvironment({kind: frozenset(each.name for each in bare if each.kind == kind) for kind in kinds})
    steps = compare_environment(project.model_copy(update={"key": ()}), "dev", desired, observed).steps
    added = [step.statement for step in steps if isinstance(step, RunSql) and step.statement.startswith("ALTER")]
    assert len(added) > 100
    for text in added:
        alter = sqlglot.parse_one(text, dialect="snowflake")
        columns = list(alter.find_all(exp.ColumnDef))
        assert len(columns) == 1, text
        assert columns[0].args.get("exists"), text


def test_the_page_on_accounts_grants_what_the_statements_need(project: Project):
    """Objects of the account itself; what is in the database belongs to the role that made it."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "snowflake-account.md").read_text()
    script = [each.statement for each in desired_environment(project, "dev").objects]
    made = {statement.split()[1] for statement in script if statement.startswith("CREATE ")}
    of_account = made & {"WAREHOUSE", "DATABASE", "ROLE", "INTEGRATION", "USER"}
    assert of_account >= {"WAREHOUSE", "DATABASE", "ROLE"}
    for kind in of_account:
        assert f"GRANT CREATE {kind} ON ACCOUNT TO ROLE" in page
    for privilege in ("EXECUTE TASK", "EXECUTE MANAGED TASK"):
        assert f"GRANT {privilege} ON ACCOUNT TO ROLE" in page
