"""A session is compared with the declared target before anything is sent to it."""

from pathlib import Path

import pytest
from snowflake.snowpark import Session

from snowloop.errors import TargetRefused
from snowloop.identity import Identity
from snowloop.project import Project, load_project
from snowloop.workspace import Workspace
from tests.support.tiny import tiny


def declared(folder: Path, **target: str) -> Project:
    tiny(folder)
    lines = "".join(f"    {name}: '{value}'\n" for name, value in target.items())
    (folder / "targets.yaml").write_text(f"targets:\n  prod:\n    schedules: true\n{lines}")
    return load_project("tiny", folder)


def test_the_declared_account_role_and_database_open_the_workspace(session: Session, tmp_path: Path):
    now = Identity.of(session)
    for account in (now.account, now.account.lower(), now.locator):
        project = declared(tmp_path, account=account, role=str(now.role))
        assert Workspace.open(session, project, "prod").database == "TINY_PROD"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ({"account": "MYORG-PROD"}, r"account MYORG-PROD is declared, it is LOCAL"),
        ({"role": "PROD_DEPLOYER"}, r"role PROD_DEPLOYER is declared, it is \w+"),
    ],
)
def test_another_account_or_role_is_refused_with_both(
    session: Session, tmp_path: Path, target: dict[str, str], says: str
):
    project = declared(tmp_path, **target)
    with session.query_history() as history, pytest.raises(TargetRefused, match=says):
        Workspace.open(session, project, "prod")
    assert len(history.queries) == 1
    assert "CURRENT_ACCOUNT()" in history.queries[0].sql_text


def test_a_current_database_of_another_environment_is_refused(snowflake_connection: dict[str, object], tmp_path: Path):
    project = declared(tmp_path, database="{project}_prod")
    own = Session.builder.configs(snowflake_connection).create()
    try:
        own.sql("CREATE DATABASE IF NOT EXISTS TINY_STAGING_OF_IDENTITY").collect()
        with pytest.raises(TargetRefused, match="database TINY_PROD is declared, the connection's current one is TINY"):
            Workspace.open(own, project, "prod")
    finally:
        own.close()


def test_a_target_uses_its_warehouse_if_that_exists(snowflake_connection: dict[str, object], tmp_path: Path):
    tiny(tmp_path)
    (tmp_path / "targets.yaml").write_text("targets: {prod: {warehouses: {default: TARGETS_WH}}}\n")
    project = load_project("tiny", tmp_path)
    own = Session.builder.configs(snowflake_connection).create()
    try:
        before = own.sql("SELECT CURRENT_WAREHOUSE()").collect()[0][0]
        Workspace.open(own, project, "prod")
        assert own.sql("SELECT CURRENT_WAREHOUSE()").collect()[0][0] == before
        own.sql("CREATE WAREHOUSE TARGETS_WH").collect()
        own.sql("CREATE WAREHOUSE OTHER_WH_OF_TARGETS").collect()
        own.sql("USE WAREHOUSE OTHER_WH_OF_TARGETS").collect()
        Workspace.open(own, project, "prod")
        assert own.sql("SELECT CURRENT_WAREHOUSE()").collect()[0][0] == "TARGETS_WH"
    finally:
        own.close()
