"""Privileges, where they are enforced: what a role may and what is refused, in the process of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.in_process import code
from tests.unit.privileged import MERGE, Privileges

from local_snowflake.account import Account
from local_snowflake.errors import SnowflakeError

REFUSED, UNSEEN, NOT_THE_USERS = 3001, 2003, 3013


def test_without_enforcement_a_role_without_grants_may_do_everything(tmp_path: Path) -> None:
    account = Account(tmp_path)
    given = Privileges(account)
    assert given.role("SELECT COUNT(*) FROM D.S.T") == [(2,)]
    given.role("DROP TABLE D.S.T")
    account.close()


def test_what_a_role_has_nothing_on_does_not_exist_for_it(given: Privileges) -> None:
    for statement in ("SELECT * FROM D.S.T", "INSERT INTO D.S.T VALUES (3, '')", "DROP TABLE D.S.T", "USE DATABASE D"):
        assert code(given.role, statement) == UNSEEN, statement
    given.grant()
    given.role("USE SCHEMA D.S")
    assert code(given.role, "SELECT * FROM T") == UNSEEN
    given.admin("GRANT SELECT ON TABLE D.S.T TO ROLE R")
    assert len(given.role("SELECT * FROM T")) == 2
    given.admin("REVOKE USAGE ON DATABASE D FROM ROLE R")
    assert code(given.role, "SELECT * FROM T") == UNSEEN


@pytest.mark.parametrize(
    ("privilege", "statement"),
    [
        ("SELECT", "SELECT * FROM D.S.T"),
        ("SELECT", "CREATE TEMPORARY TABLE D.S.COPIED AS SELECT * FROM D.S.T"),
        ("SELECT", "CREATE TEMPORARY TABLE D.S.CLONED CLONE D.S.T"),
        ("INSERT", "INSERT INTO D.S.T VALUES (3, 'three')"),
        ("INSERT", "INSERT ALL INTO D.S.T SELECT 3, 'three'"),
        ("UPDATE", "UPDATE D.S.T SET B = 'x'"),
        ("DELETE", "DELETE FROM D.S.T"),
        ("TRUNCATE", "TRUNCATE TABLE D.S.T"),
        ("INSERT, DELETE", "INSERT OVERWRITE INTO D.S.T VALUES (3, 'three')"),
        ("INSERT, UPDATE", MERGE),
        ("INSERT", "COPY INTO D.S.T FROM @D.S.ST"),
        ("REFERENCES", "CREATE TEMPORARY TABLE D.S.OTHER (A INT REFERENCES D.S.T (A))"),
    ],
)
def test_a_statement_needs_its_privilege_on_the_table(given: Privileges, privilege: str, statement: str) -> None:
    names = privilege.split(", ")
    others = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES"} - set(names)
    given.grant(*(f"{other} ON TABLE D.S.T" for other in others), "READ ON STAGE D.S.ST")
    for name in names:
        with pytest.raises(SnowflakeError, match="Insufficient privileges to operate on table 'T'") as caught:
            given.role(statement)
        assert (caught.value.code, caught.value.sqlstate) == (REFUSED, "42501")
        given.admin(f"GRANT {name} ON TABLE D.S.T TO ROLE R")
    given.role(statement)


def test_only_the_owner_changes_or_drops_a_table(given: Privileges) -> None:
    given.grant("ALL PRIVILEGES ON TABLE D.S.T", "ALL ON SCHEMA D.S")
    for statement in (
        "ALTER TABLE D.S.T ADD COLUMN C INT",
        "ALTER TABLE D.S.T RENAME TO D.S.T2",
        "DROP TABLE D.S.T",
        "CREATE OR REPLACE TABLE D.S.T (A INT)",
        "CREATE OR REPLACE VIEW D.S.V AS SELECT 1 AS A",
        "COMMENT ON TABLE D.S.T IS 'x'",
        "DROP SCHEMA D.S",
        "DROP DATABASE D",
        "CREATE OR REPLACE SCHEMA D.S",
        "GRANT SELECT ON TABLE D.S.T TO ROLE PUBLIC",
    ):
        assert code(given.role, statement) in {REFUSED, 3041}, statement
    assert given.admin("SELECT COUNT(*) FROM D.S.T") == [(2,)]
    assert given.admin("SELECT COUNT(*) FROM D.S.V") == [(2,)]
    given.admin("GRANT OWNERSHIP ON TABLE D.S.T TO ROLE R COPY CURRENT GRANTS")
    given.role("ALTER TABLE D.S.T ADD COLUMN C INT")
    given.role("DROP TABLE D.S.T")


def test_a_name_that_is_taken_by_something_unseen_cannot_be_used(given: Privileges) -> None:
    given.grant("CREATE TABLE ON SCHEMA D.S", "CREATE VIEW ON SCHEMA D.S")
    for statement in ("CREATE OR REPLACE TABLE D.S.T (A INT)", "CREATE OR REPLACE VIEW D.S.V AS SELECT 1 AS A"):
        with pytest.raises(SnowflakeError, match="already exists, but current role has no privileges on it") as caught:
            given.role(statement)
        assert caught.value.code == 3041


def test_creating_needs_a_privilege_on_the_schema_or_account(given: Privileges) -> None:
    given.grant()
    creations = {
        "TABLE": "CREATE TABLE D.S.N (A INT)",
        "VIEW": "CREATE VIEW D.S.N_V AS SELECT 1 AS A",
        "STAGE": "CREATE STAGE D.S.N",
        "SEQUENCE": "CREATE SEQUENCE D.S.N",
        "FILE FORMAT": "CREATE FILE FORMAT D.S.N TYPE = CSV",
        "FUNCTION": "CREATE FUNCTION D.S.N() RETURNS NUMBER AS '1'",
        "PROCEDURE": "CREATE PROCEDURE D.S.N() RETURNS NUMBER LANGUAGE SQL AS 'BEGIN RETURN 1; END'",
        "TAG": "CREATE TAG D.S.N",
    }
    for kind, statement in creations.items():
        assert code(given.role, statement) == REFUSED, kind
        given.admin(f"GRANT CREATE {kind} ON SCHEMA D.S TO ROLE R")
        given.role(statement)
    of_account = {"DATABASE": "CREATE DATABASE N", "WAREHOUSE": "CREATE WAREHOUSE N", "ROLE": "CREATE ROLE N"}
    for kind, statement in of_account.items():
        assert code(given.role, statement) == REFUSED, kind
        given.admin(f"GRANT CREATE {kind} ON ACCOUNT TO ROLE R")
        given.role(statement)
    assert code(given.role, "CREATE SCHEMA D.N") == REFUSED
    # what it made is its own, with all that is in it
    for statement in ("CREATE SCHEMA N.X", "CREATE TABLE N.X.T (A INT)", "GRANT USAGE ON DATABASE N TO ROLE PUBLIC"):
        given.role(statement)
    given.role("DROP DATABASE N")


def test_a_view_reads_with_its_owners_rights(given: Privileges) -> None:
    given.grant("SELECT ON VIEW D.S.V")
    assert given.role("SELECT A FROM D.S.V ORDER BY A") == [(1,), (2,)]
    assert code(given.role, "SELECT * FROM D.S.T") == UNSEEN
    assert code(given.role, "SELECT V.A FROM D.S.V JOIN D.S.T USING (A)") == UNSEEN


def test_a_function_reads_with_its_owners_rights(given: Privileges) -> None:
    given.grant()
    assert code(given.role, "SELECT D.S.TOTAL()") is not None
    given.grant("USAGE ON FUNCTION D.S.TOTAL()")
    assert given.role("SELECT D.S.TOTAL()") == [(3,)]
    assert code(given.role, "SELECT * FROM D.S.T") == UNSEEN


def test_a_procedure_has_its_owners_or_its_callers_rights(given: Privileges) -> None:
    given.grant()
    assert code(given.role, "CALL D.S.ADD_ONE()") in {2140, 2141}
    given.grant("USAGE ON PROCEDURE D.S.ADD_ONE()", "USAGE ON PROCEDURE D.S.ADD_AS_CALLER()")
    assert given.role("CALL D.S.ADD_ONE()") == [("ACCOUNTADMIN",)]
    assert given.role("SELECT CURRENT_ROLE()") == [("R",)]
    with pytest.raises(SnowflakeError, match="does not exist or not authorized"):
        given.role("CALL D.S.ADD_AS_CALLER()")
    given.grant("INSERT ON TABLE D.S.T")
    assert given.role("CALL D.S.ADD_AS_CALLER()") == [("R",)]


def test_a_procedure_with_owners_rights_takes_no_role_of_its_callers(given: Privileges) -> None:
    given.admin("CREATE ROLE OWNS")
    given.admin("GRANT ROLE OWNS TO USER TEST")
    for each in ("USAGE ON DATABASE D", "USAGE ON SCHEMA D.S", "CREATE PROCEDURE ON SCHEMA D.S"):
        given.admin(f"GRANT {each} TO ROLE OWNS")
    body = "BEGIN EXECUTE IMMEDIATE ''USE ROLE ACCOUNTADMIN''; EXECUTE IMMEDIATE ''DROP TABLE D.S.T''; RETURN 1; END"
    given.session("OWNS")(f"CREATE PROCEDURE D.S.TRICK() RETURNS NUMBER LANGUAGE SQL AS '{body}'")
    given.admin("GRANT USAGE ON PROCEDURE D.S.TRICK() TO ROLE ACCOUNTADMIN")
    with pytest.raises(SnowflakeError, match="USE ROLE"):
        given.admin("CALL D.S.TRICK()")
    assert given.admin("SELECT CURRENT_ROLE(), (SELECT COUNT(*) FROM D.S.T)") == [("ACCOUNTADMIN", 2)]


def test_a_procedure_with_owners_rights_has_no_secondary_roles_of_its_callers(given: Privileges) -> None:
    given.grant("CREATE PROCEDURE ON SCHEMA D.S")
    body = "BEGIN EXECUTE IMMEDIATE ''USE SECONDARY ROLES ALL''; EXECUTE IMMEDIATE ''DROP TABLE D.S.T''; RETURN 1; END"
    given.role(f"CREATE PROCEDURE D.S.TRICK() RETURNS NUMBER LANGUAGE SQL AS '{body}'")
    given.admin("GRANT USAGE ON PROCEDURE D.S.TRICK() TO ROLE ACCOUNTADMIN")
    with pytest.raises(SnowflakeError, match="USE ROLE"):
        given.admin("CALL D.S.TRICK()")
    assert given.admin("SELECT COUNT(*) FROM D.S.T") == [(2,)]


def test_a_clone_of_a_schema_has_what_may_be_read_there(given: Privileges) -> None:
    given.admin("CREATE TABLE D.S.READABLE (A INT)")
    given.grant("SELECT ON TABLE D.S.READABLE", "INSERT ON TABLE D.S.T", "CREATE SCHEMA ON DATABASE D")
    given.role("CREATE SCHEMA D.CLONED CLONE D.S")
    assert [row[1] for row in given.role("SHOW TABLES IN SCHEMA D.CLONED")] == ["READABLE"]


def test_stages_are_read_and_written_by_privilege(given: Privileges) -> None:
    given.grant("READ ON STAGE D.S.ST")
    given.role("LS @D.S.ST")
    for statement in ("RM @D.S.ST", "COPY INTO @D.S.ST FROM (SELECT 1 AS A)", "PUT file:///nowhere @D.S.ST"):
        assert code(given.role, statement) == REFUSED, statement
    given.admin("GRANT WRITE ON STAGE D.S.ST TO ROLE R")
    given.admin("REVOKE READ ON STAGE D.S.ST FROM ROLE R")
    given.role("COPY INTO @D.S.ST FROM (SELECT 1 AS A) FILE_FORMAT = (TYPE = CSV)")
    for statement in ("LS @D.S.ST", "SELECT $1 FROM @D.S.ST", "GET @D.S.ST file:///nowhere"):
        assert code(given.role, statement) == REFUSED, statement
    given.admin("GRANT SELECT ON TABLE D.S.T TO ROLE R")
    assert code(given.role, "LS @D.S.%T") == REFUSED


def test_a_stream_is_read_with_select_on_it_and_on_its_source(given: Privileges) -> None:
    given.admin("CREATE STREAM D.S.CHANGED ON TABLE D.S.T")
    given.admin("CREATE STREAM D.S.V_CHANGED ON VIEW D.S.V")
    given.admin("INSERT INTO D.S.T VALUES (3, 'three')")
    given.grant("SELECT ON STREAM D.S.CHANGED", "SELECT ON STREAM D.S.V_CHANGED")
    assert code(given.role, "SELECT A FROM D.S.CHANGED") == UNSEEN
    assert code(given.role, "SELECT A FROM D.S.V_CHANGED") == UNSEEN
    given.admin("GRANT SELECT ON VIEW D.S.V TO ROLE R")
    assert given.role("SELECT A FROM D.S.V_CHANGED") == [(3,)]
    given.admin("GRANT SELECT ON TABLE D.S.T TO ROLE R")
    assert given.role("SELECT A FROM D.S.CHANGED") == [(3,)]


def test_the_first_stream_on_a_table_is_its_owners(given: Privileges) -> None:
    given.grant("SELECT ON TABLE D.S.T", "CREATE STREAM ON SCHEMA D.S")
    assert code(given.role, "CREATE STREAM D.S.MINE ON TABLE D.S.T") == REFUSED
    given.admin("ALTER TABLE D.S.T SET CHANGE_TRACKING = TRUE")
    given.role("CREATE STREAM D.S.MINE ON TABLE D.S.T")
    given.role("DROP STREAM D.S.MINE")


def test_lists_show_what_the_role_may_see(given: Privileges) -> None:
    assert given.role("SHOW TABLES IN ACCOUNT") == given.role("SHOW DATABASES") == given.role("SHOW WAREHOUSES") == []
    given.grant("SELECT ON VIEW D.S.V")
    assert [row[1] for row in given.role("SHOW OBJECTS IN ACCOUNT")] == ["V"]
    assert [row[1] for row in given.role("SHOW SCHEMAS IN DATABASE D")] == ["S"]
    assert given.role("SELECT TABLE_NAME FROM D.INFORMATION_SCHEMA.TABLES") == [("V",)]
    assert given.role("SELECT DISTINCT TABLE_NAME FROM D.INFORMATION_SCHEMA.COLUMNS") == [("V",)]
    for kind in ("STAGES", "SEQUENCES", "FILE FORMATS", "PROCEDURES", "STREAMS", "TASKS", "TAGS", "MODELS"):
        assert given.role(f"SHOW {kind} IN SCHEMA D.S") == [], kind
    assert code(given.role, "DESCRIBE TABLE D.S.T") == UNSEEN
    assert code(given.role, "SELECT GET_DDL('TABLE', 'D.S.T')") == UNSEEN


def test_roles_inherit_and_secondary_roles_add(given: Privileges) -> None:
    given.grant("SELECT ON TABLE D.S.T", "CREATE TABLE ON SCHEMA D.S")
    given.admin("CREATE ROLE PARENT")
    given.admin("GRANT ROLE PARENT TO USER TEST")
    parent = given.session("PARENT")
    assert code(parent, "SELECT * FROM D.S.T") == UNSEEN
    parent("USE SECONDARY ROLES ALL")
    assert len(parent("SELECT * FROM D.S.T")) == 2
    # to create, the primary role alone counts
    assert code(parent, "CREATE TABLE D.S.NEW (A INT)") == REFUSED
    parent("USE SECONDARY ROLES NONE")
    assert code(parent, "SELECT * FROM D.S.T") == UNSEEN
    parent("USE SECONDARY ROLES R")
    assert len(parent("SELECT * FROM D.S.T")) == 2
    parent("USE SECONDARY ROLES NONE")
    given.admin("GRANT ROLE R TO ROLE PARENT")
    assert len(parent("SELECT * FROM D.S.T")) == 2
    parent("CREATE TABLE D.S.NEW (A INT)")
    given.admin("REVOKE ROLE R FROM ROLE PARENT")
    assert code(parent, "SELECT * FROM D.S.T") == UNSEEN


def test_a_role_is_taken_by_users_that_have_it(given: Privileges) -> None:
    given.admin("CREATE ROLE STRANGE")
    with pytest.raises(
        SnowflakeError, match="Requested role 'STRANGE' is not assigned to the executing user"
    ) as caught:
        given.admin("USE ROLE STRANGE")
    assert caught.value.code == NOT_THE_USERS
    assert code(given.role, "GRANT ROLE STRANGE TO USER TEST") == REFUSED
    given.admin("GRANT ROLE STRANGE TO USER TEST")
    given.admin("USE ROLE STRANGE")


def test_system_roles_have_their_documented_privileges(given: Privileges) -> None:
    assert code(given.session("PUBLIC"), "CREATE DATABASE X") == REFUSED
    given.session("SYSADMIN")("CREATE DATABASE X")
    given.session("SYSADMIN")("CREATE WAREHOUSE X")
    assert code(given.session("SYSADMIN"), "CREATE ROLE X") == REFUSED
    given.session("USERADMIN")("CREATE ROLE X")
    assert code(given.session("USERADMIN"), "CREATE DATABASE Y") == REFUSED
    assert code(given.session("USERADMIN"), "GRANT USAGE ON DATABASE X TO ROLE X") is not None
    given.session("SECURITYADMIN")("GRANT USAGE ON DATABASE X TO ROLE X")
    # objects of a custom role are not the administrator's, unless the role is granted to one of his
    given.admin("GRANT CREATE DATABASE ON ACCOUNT TO ROLE R")
    given.role("CREATE DATABASE RS")
    assert code(given.admin, "CREATE SCHEMA RS.X") == UNSEEN
    given.admin("GRANT ROLE R TO ROLE SYSADMIN")
    given.session("SYSADMIN")("CREATE SCHEMA RS.X")


def test_who_has_the_grant_option_may_grant(given: Privileges) -> None:
    given.admin("CREATE ROLE OTHER")
    given.grant("SELECT ON TABLE D.S.T")
    assert code(given.role, "GRANT SELECT ON TABLE D.S.T TO ROLE OTHER") == REFUSED
    given.admin("GRANT SELECT ON TABLE D.S.T TO ROLE R WITH GRANT OPTION")
    given.role("GRANT SELECT ON TABLE D.S.T TO ROLE OTHER")
    assert code(given.role, "GRANT INSERT ON TABLE D.S.T TO ROLE OTHER") == REFUSED
    given.admin("REVOKE GRANT OPTION FOR SELECT ON TABLE D.S.T FROM ROLE R")
    assert code(given.role, "REVOKE SELECT ON TABLE D.S.T FROM ROLE OTHER") == REFUSED
    assert len(given.role("SELECT * FROM D.S.T")) == 2


def test_ownership_goes_to_a_role_of_the_session_or_by_who_manages_grants(given: Privileges) -> None:
    given.admin("CREATE ROLE KEEPS")
    given.admin("GRANT OWNERSHIP ON TABLE D.S.T TO ROLE R")
    given.grant("SELECT ON VIEW D.S.V")
    with pytest.raises(SnowflakeError, match="can only be transferred to a role that is activated"):
        given.role("GRANT OWNERSHIP ON TABLE D.S.T TO ROLE KEEPS")
    given.role("GRANT SELECT ON TABLE D.S.T TO ROLE PUBLIC")
    with pytest.raises(SnowflakeError, match="Dependent grant of privilege 'SELECT'"):
        given.admin("GRANT OWNERSHIP ON TABLE D.S.T TO ROLE KEEPS")
    given.admin("GRANT OWNERSHIP ON TABLE D.S.T TO ROLE KEEPS REVOKE CURRENT GRANTS")
    assert code(given.role, "SELECT * FROM D.S.T") == UNSEEN


def test_grants_follow_their_objects(given: Privileges) -> None:
    given.grant("SELECT ON TABLE D.S.T", "SELECT ON VIEW D.S.V")
    given.admin("ALTER TABLE D.S.T RENAME TO D.S.RENAMED")
    assert len(given.role("SELECT * FROM D.S.RENAMED")) == 2
    given.admin("CREATE OR REPLACE VIEW D.S.V COPY GRANTS AS SELECT 1 AS A")
    assert given.role("SELECT * FROM D.S.V") == [(1,)]
    given.admin("CREATE OR REPLACE VIEW D.S.V AS SELECT 2 AS A")
    assert code(given.role, "SELECT * FROM D.S.V") == UNSEEN
    given.admin("DROP TABLE D.S.RENAMED")
    given.admin("CREATE TABLE D.S.RENAMED (A INT)")
    assert code(given.role, "SELECT * FROM D.S.RENAMED") == UNSEEN
    given.admin("DROP ROLE R")
    given.admin("CREATE ROLE R")
    assert given.admin("SHOW GRANTS TO ROLE R") == []


def test_future_grants_hold_for_what_is_created_later(given: Privileges) -> None:
    given.grant("SELECT ON FUTURE TABLES IN SCHEMA D.S", "INSERT ON FUTURE TABLES IN DATABASE D")
    assert code(given.role, "SELECT * FROM D.S.T") == UNSEEN
    given.admin("CREATE TABLE D.S.LATER (A INT)")
    assert given.role("SELECT * FROM D.S.LATER") == []
    # those of the schema take the place of the database's
    assert code(given.role, "INSERT INTO D.S.LATER VALUES (1)") == REFUSED
    given.admin("GRANT SELECT ON ALL TABLES IN SCHEMA D.S TO ROLE R")
    assert len(given.role("SELECT * FROM D.S.T")) == 2
    given.admin("REVOKE SELECT ON FUTURE TABLES IN SCHEMA D.S FROM ROLE R")
    given.admin("CREATE TABLE D.S.LATEST (A INT)")
    given.role("INSERT INTO D.S.LATEST VALUES (1)")
    assert code(given.role, "SELECT * FROM D.S.LATEST") == REFUSED


def test_show_grants_tells_privileges_ownership_and_roles(given: Privileges) -> None:
    given.grant("SELECT ON TABLE D.S.T")
    listed = [tuple(row[1:7]) for row in given.admin("SHOW GRANTS ON TABLE D.S.T")]
    assert listed == [
        ("OWNERSHIP", "TABLE", "D.S.T", "ROLE", "ACCOUNTADMIN", "true"),
        ("SELECT", "TABLE", "D.S.T", "ROLE", "R", "false"),
    ]
    assert [row[1:4] for row in given.admin("SHOW GRANTS TO USER TEST")] == [("USAGE", "ROLE", "R")]
    assert [row[1:4] for row in given.admin("SHOW GRANTS OF ROLE R")] == [("R", "USER", "TEST")]


def test_tables_are_swapped_by_the_owner_of_both(given: Privileges) -> None:
    given.grant("CREATE TABLE ON SCHEMA D.S", "ALL ON TABLE D.S.T")
    given.role("CREATE TABLE D.S.MINE (A INT, B VARCHAR)")
    for statement in ("ALTER TABLE D.S.MINE SWAP WITH D.S.T", "ALTER TABLE D.S.T SWAP WITH D.S.MINE"):
        assert code(given.role, statement) == REFUSED
    assert given.admin("SELECT COUNT(*) FROM D.S.T") == [(2,)]


def test_what_was_compiled_for_one_role_is_not_run_for_another(given: Privileges) -> None:
    for _ in range(3):
        assert len(given.admin("SELECT * FROM D.S.T")) == 2
    assert code(given.role, "SELECT * FROM D.S.T") == UNSEEN
