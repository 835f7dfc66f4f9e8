"""Tasks, where privileges are enforced: who operates them, and with which rights they run."""

from __future__ import annotations

import time

import pytest
from tests.unit.in_process import code
from tests.unit.privileged import Privileges

from local_snowflake.errors import SnowflakeError

REFUSED, UNSEEN = 3001, 2003


def test_tasks_are_operated_by_privilege_and_run_with_their_owners(given: Privileges) -> None:
    given.grant("CREATE TASK ON SCHEMA D.S")
    create = "CREATE TASK D.S.JOB WAREHOUSE = WH AS INSERT INTO D.S.T VALUES (7, '')"
    assert code(given.role, create) == UNSEEN
    given.admin("GRANT USAGE ON WAREHOUSE WH TO ROLE R")
    given.role(create)
    with pytest.raises(SnowflakeError, match="EXECUTE TASK privilege must be granted to owner role"):
        given.role("ALTER TASK D.S.JOB RESUME")
    given.admin("GRANT EXECUTE TASK ON ACCOUNT TO ROLE R")
    given.role("EXECUTE TASK D.S.JOB")
    serverless = "CREATE TASK D.S.ALONE SCHEDULE = '60 MINUTE' AS SELECT 1"
    given.role(serverless)
    with pytest.raises(SnowflakeError, match="EXECUTE MANAGED TASK privilege"):
        given.role("ALTER TASK D.S.ALONE RESUME")
    given.admin("CREATE ROLE OPERATES")
    given.admin("GRANT ROLE OPERATES TO USER TEST")
    for each in ("USAGE ON DATABASE D", "USAGE ON SCHEMA D.S", "MONITOR ON TASK D.S.JOB"):
        given.admin(f"GRANT {each} TO ROLE OPERATES")
    operator = given.session("OPERATES")
    assert code(operator, "EXECUTE TASK D.S.JOB") == REFUSED
    given.admin("GRANT OPERATE ON TASK D.S.JOB TO ROLE OPERATES")
    operator("EXECUTE TASK D.S.JOB")
    operator("ALTER TASK D.S.JOB SUSPEND")
    assert code(operator, "ALTER TASK D.S.JOB MODIFY AS SELECT 2") == REFUSED
    assert code(operator, "DROP TASK D.S.JOB") == REFUSED


def test_all_tasks_of_a_graph_have_one_owner(given: Privileges) -> None:
    given.admin("CREATE TASK D.S.ROOT SCHEDULE = '60 MINUTE' AS SELECT 1")
    given.grant("CREATE TASK ON SCHEMA D.S", "OPERATE ON TASK D.S.ROOT")
    for clause in ("AFTER ROOT", "FINALIZE = ROOT"):
        with pytest.raises(SnowflakeError, match=r"Invalid .* ROOT was specified"):
            given.role(f"CREATE TASK D.S.CHILD {clause} AS SELECT 1")
    given.admin("CREATE TASK D.S.CHILD AFTER ROOT AS SELECT 1")


def test_a_task_has_its_owners_role_and_no_other(given: Privileges) -> None:
    given.grant("CREATE TASK ON SCHEMA D.S", "CREATE TABLE ON SCHEMA D.S", "USAGE ON WAREHOUSE WH")
    given.admin("GRANT EXECUTE TASK ON ACCOUNT TO ROLE R")
    given.role("CREATE TABLE D.S.LOG (T VARCHAR)")
    blocks = {
        "OWN": "INSERT INTO D.S.LOG VALUES (CURRENT_ROLE())",
        "OTHER": "BEGIN USE ROLE ACCOUNTADMIN; DROP TABLE D.S.T; END",
        "MORE": "BEGIN USE SECONDARY ROLES ALL; DROP TABLE D.S.T; END",
        "DIRECT": "DROP TABLE D.S.T",
    }
    given.account.start({})
    for name, body in blocks.items():
        given.role(f"CREATE TASK D.S.{name} WAREHOUSE = WH AS {body}")
        given.role(f"EXECUTE TASK D.S.{name}")
    ended: dict[str, str] = {}
    history = "SELECT NAME, STATE FROM TABLE(D.INFORMATION_SCHEMA.TASK_HISTORY()) WHERE COMPLETED_TIME IS NOT NULL"
    for _ in range(600):
        ended = {str(name): str(state) for name, state in given.role(history)}
        if len(ended) == len(blocks):
            break
        time.sleep(0.1)
    assert ended == {"OWN": "SUCCEEDED", "OTHER": "FAILED", "MORE": "FAILED", "DIRECT": "FAILED"}
    assert given.role("SELECT T FROM D.S.LOG") == [("R",)]
    assert given.admin("SELECT COUNT(*) FROM D.S.T") == [(2,)]
    # whoever may not see a task does not see its runs
    given.admin("CREATE ROLE NOSY")
    given.admin("GRANT ROLE NOSY TO USER TEST")
    given.admin("GRANT USAGE ON DATABASE D TO ROLE NOSY")
    assert given.session("NOSY")(history) == []
