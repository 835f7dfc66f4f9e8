"""Privileges, which the local Snowflake enforces where it is started with --enforce-privileges: G1 - G9."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import snowflake.connector
from tests.conformance.account import Account
from tests.conformance.marks import deviates, refused

from local_snowflake.testing import LocalSnowflake

ROLE, OTHER = "C_PRIVILEGES_ROLE", "C_PRIVILEGES_OTHER"
PLACE = "C_PRIVILEGES.PUBLIC"


@pytest.fixture(scope="module")
def connection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The account's, or that of a server that enforces privileges."""
    if os.environ.get("SNOWFLAKE_ACCOUNT"):
        yield request.getfixturevalue("snowflake_connection")
        return
    server = LocalSnowflake(tmp_path_factory.mktemp("privileges"), enforce_privileges=True).start()
    yield server.connection()
    server.stop()


@pytest.fixture
def admin(connection: dict[str, Any]) -> Iterator[Account]:
    """An administrator, a table T and a view V of it, and the role ROLE, which has USAGE of where they are alone."""
    with snowflake.connector.connect(**connection | {"role": "ACCOUNTADMIN"}) as opened:
        made = Account(opened)
        user = made.one("SELECT CURRENT_USER()")
        for statement in (
            "USE SECONDARY ROLES NONE",
            "CREATE OR REPLACE DATABASE C_PRIVILEGES",
            f"CREATE OR REPLACE TABLE {PLACE}.T AS SELECT 1 AS A",
            f"CREATE OR REPLACE VIEW {PLACE}.V AS SELECT A FROM {PLACE}.T",
            *(f"CREATE OR REPLACE ROLE {role}" for role in (ROLE, OTHER)),
            *(f"GRANT ROLE {role} TO USER {user}" for role in (ROLE, OTHER)),
            f"GRANT USAGE ON DATABASE C_PRIVILEGES TO ROLE {ROLE}",
            f"GRANT USAGE ON SCHEMA {PLACE} TO ROLE {ROLE}",
        ):
            made(statement)
        yield made
        for statement in ("DATABASE C_PRIVILEGES", f"ROLE {ROLE}", f"ROLE {OTHER}"):
            made(f"DROP {statement}")


@pytest.fixture
def role(connection: dict[str, Any], admin: Account) -> Iterator[Account]:
    """A session of the role."""
    with snowflake.connector.connect(**connection | {"role": ROLE}) as opened:
        made = Account(opened)
        made("USE SECONDARY ROLES NONE")
        yield made


def test_g1_hidden(admin: Account, role: Account) -> None:
    """What a role has no privilege on does not exist for it: in statements, in SHOW and in INFORMATION_SCHEMA."""
    hidden = role.refusal(f"SELECT * FROM {PLACE}.T")
    assert (hidden.errno, hidden.sqlstate) == (2003, "02000")
    assert role(f"SHOW TABLES IN SCHEMA {PLACE}") == []
    assert role("SELECT * FROM C_PRIVILEGES.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = 'PUBLIC'") == []
    admin(f"GRANT SELECT ON TABLE {PLACE}.T TO ROLE {ROLE}")
    assert role(f"SELECT * FROM {PLACE}.T") == [(1,)]


def test_g2_privileges_of_statements(admin: Account, role: Account) -> None:
    """SELECT, INSERT, UPDATE, DELETE, TRUNCATE and REFERENCES are needed each for its statement: else 003001."""
    admin(f"GRANT INSERT ON TABLE {PLACE}.T TO ROLE {ROLE}")
    role(f"INSERT INTO {PLACE}.T VALUES (2)")
    for statement in ("SELECT * FROM", "DELETE FROM", "TRUNCATE TABLE", "DROP TABLE"):
        refusal = role.refusal(f"{statement} {PLACE}.T")
        assert (refusal.errno, refusal.sqlstate) == (3001, "42501")
        assert "Insufficient privileges to operate on table 'T'" in str(refusal.msg)


def test_g3_owners_rights(admin: Account, role: Account) -> None:
    """A view reads, and a procedure EXECUTE AS OWNER works, with its owner's rights; AS CALLER with its caller's."""
    admin(f"GRANT SELECT ON VIEW {PLACE}.V TO ROLE {ROLE}")
    assert role(f"SELECT * FROM {PLACE}.V") == [(1,)]
    for name, rights in (("AS_OWNER", "OWNER"), ("AS_CALLER", "CALLER")):
        body = f"BEGIN DELETE FROM {PLACE}.T; RETURN 'done'; END"
        head = f"CREATE PROCEDURE {PLACE}.{name}() RETURNS VARCHAR LANGUAGE SQL"
        admin(f"{head} EXECUTE AS {rights} AS $${body}$$")
        admin(f"GRANT USAGE ON PROCEDURE {PLACE}.{name}() TO ROLE {ROLE}")
    assert "not authorized" in str(role.refusal(f"CALL {PLACE}.AS_CALLER()").msg)
    assert role(f"CALL {PLACE}.AS_OWNER()") == [("done",)]
    assert admin(f"SELECT * FROM {PLACE}.T") == []


def test_g4_ownership(admin: Account, role: Account) -> None:
    """Only the owner alters and drops; OWNERSHIP goes to a role of the session, or by who has MANAGE GRANTS."""
    admin(f"GRANT ALL PRIVILEGES ON TABLE {PLACE}.T TO ROLE {ROLE}")
    assert role.refusal(f"ALTER TABLE {PLACE}.T ADD COLUMN B INT").errno == 3001
    admin(f"GRANT OWNERSHIP ON TABLE {PLACE}.T TO ROLE {ROLE} REVOKE CURRENT GRANTS")
    role(f"ALTER TABLE {PLACE}.T ADD COLUMN B INT")
    role.refusal(f"GRANT OWNERSHIP ON TABLE {PLACE}.T TO ROLE {OTHER}")


def test_g5_roles(admin: Account, role: Account) -> None:
    """A role has the privileges of the roles that are granted to it; secondary roles add all but those to create."""
    admin(f"GRANT SELECT ON TABLE {PLACE}.T TO ROLE {OTHER}")
    for privilege in ("USAGE ON DATABASE C_PRIVILEGES", f"USAGE, CREATE TABLE ON SCHEMA {PLACE}"):
        admin(f"GRANT {privilege} TO ROLE {OTHER}")
    role.refusal(f"SELECT * FROM {PLACE}.T")
    role(f"USE SECONDARY ROLES {OTHER}")
    assert role(f"SELECT * FROM {PLACE}.T") == [(1,)]
    assert role.refusal(f"CREATE TABLE {PLACE}.N (A INT)").errno == 3001
    role("USE SECONDARY ROLES NONE")
    admin(f"GRANT ROLE {OTHER} TO ROLE {ROLE}")
    role(f"CREATE TABLE {PLACE}.N (A INT)")
    assert role.refusal("USE ROLE C_PRIVILEGES_NOT_THERE").errno in {2003, 2043, 3013}


def test_g6_grants_follow(admin: Account, role: Account) -> None:
    """Grants end with their object, unless it is replaced WITH COPY GRANTS; future grants hold for new objects."""
    admin(f"GRANT SELECT ON TABLE {PLACE}.T TO ROLE {ROLE}")
    admin(f"CREATE OR REPLACE TABLE {PLACE}.T COPY GRANTS AS SELECT 2 AS A")
    assert role(f"SELECT * FROM {PLACE}.T") == [(2,)]
    admin(f"CREATE OR REPLACE TABLE {PLACE}.T AS SELECT 3 AS A")
    role.refusal(f"SELECT * FROM {PLACE}.T")
    admin(f"GRANT SELECT ON FUTURE TABLES IN SCHEMA {PLACE} TO ROLE {ROLE}")
    admin(f"CREATE TABLE {PLACE}.LATER AS SELECT 4 AS A")
    assert role(f"SELECT * FROM {PLACE}.LATER") == [(4,)]


def test_g7_tasks(admin: Account, role: Account) -> None:
    """A task is resumed and executed with OPERATE, if its owner has EXECUTE TASK and may use the warehouse."""
    admin(f"GRANT CREATE TASK ON SCHEMA {PLACE} TO ROLE {ROLE}")
    role(f"CREATE TASK {PLACE}.JOB SCHEDULE = '60 MINUTE' AS SELECT 1")
    assert "EXECUTE TASK" in str(role.refusal(f"ALTER TASK {PLACE}.JOB RESUME").msg)
    for privilege in ("EXECUTE TASK", "EXECUTE MANAGED TASK"):
        admin(f"GRANT {privilege} ON ACCOUNT TO ROLE {ROLE}")
    role(f"ALTER TASK {PLACE}.JOB RESUME")
    role(f"ALTER TASK {PLACE}.JOB SUSPEND")
    assert admin.refusal(f"EXECUTE TASK {PLACE}.JOB").errno == 2003


@deviates("the account's one user has ACCOUNTADMIN, so that sessions begin without secondary roles")
def test_g8_users(admin: Account, role: Account) -> None:
    """A session takes the roles that its user has been granted, directly or by another role."""
    user = admin.one("SELECT CURRENT_USER()")
    admin(f"REVOKE ROLE {OTHER} FROM USER {user}")
    assert role.refusal(f"USE ROLE {OTHER}").errno in {2043, 3013}
    admin(f"GRANT ROLE {OTHER} TO USER {user}")
    role(f"USE ROLE {OTHER}")


@refused("the owners of objects would go on granting, which such a schema is made against")
def test_g9_managed_access(admin: Account) -> None:
    """CREATE SCHEMA … WITH MANAGED ACCESS, where privileges are enforced."""
    assert "WITH MANAGED ACCESS" in str(admin.refusal("CREATE SCHEMA C_PRIVILEGES.M WITH MANAGED ACCESS").msg)
