"""A role without privileges: every statement of the server is refused, or shows it nothing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.privileged import Privileges

from local_snowflake.errors import SnowflakeError
from local_snowflake.execution import registry

REFUSED, UNSEEN = 3001, 2003


# what a session may see of others, and what roles there are
_SHOWN_TO_ALL = {"GRANTS", "FUTURE GRANTS", "LOCKS", "PARAMETERS", "ROLES", "TRANSACTIONS"}
# statements that concern the session alone, or that only show what may be seen
_FREE = {
    *("ALTER SESSION", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SET", "UNSET", "DECLARE", "WITH"),
    *("EXECUTE IMMEDIATE", "CALL SYSTEM$WAIT"),
}


def _shown(given: Privileges, statement: str) -> list[tuple[Any, ...]]:
    try:
        return given.role(statement)
    except SnowflakeError:
        return []


def test_every_statement_is_refused_or_shows_nothing_to_a_role_without_privileges(given: Privileges) -> None:
    """Whoever adds a statement adds what it does here; a new one fails until then."""
    given.admin("CREATE TASK D.S.JOB SCHEDULE = '60 MINUTE' AS SELECT 1")
    given.admin("CREATE STREAM D.S.CHANGED ON TABLE D.S.T")
    given.admin("CREATE TAG D.S.TAGS")
    before = given.admin("SHOW OBJECTS IN ACCOUNT")
    unknown = []
    for verb, kind in registry.STATEMENTS:
        head = f"{verb} {kind}".strip()
        if head in _FREE or verb in {"USE", "CALL"} or kind.startswith("SYSTEM$"):
            continue
        if verb == "SHOW":
            if kind not in _SHOWN_TO_ALL:
                assert _shown(given, f"{head} IN ACCOUNT" if "MODEL" not in kind else f"{head} D.S.M") == [], head
        elif head not in _TRIED:
            unknown.append(head)
    assert unknown == []
    for head, statements in _TRIED.items():
        for statement in statements:
            with pytest.raises(SnowflakeError) as caught:
                given.role(statement)
            assert caught.value.code in {REFUSED, UNSEEN, 2, 2043, 3041}, (head, statement, caught.value.message)
    assert given.admin("SHOW OBJECTS IN ACCOUNT") == before


_TRIED: dict[str, tuple[str, ...]] = {
    "ALTER DATABASE": ("ALTER DATABASE D SET COMMENT = 'x'",),
    "ALTER FILE FORMAT": ("ALTER FILE FORMAT D.S.FF SET COMMENT = 'x'",),
    "ALTER FUNCTION": ("ALTER FUNCTION D.S.TOTAL() SET COMMENT = 'x'",),
    "ALTER MODEL": ("ALTER MODEL D.S.M SET COMMENT = 'x'",),
    "ALTER PROCEDURE": ("ALTER PROCEDURE D.S.ADD_ONE() SET COMMENT = 'x'",),
    "ALTER SCHEMA": ("ALTER SCHEMA D.S SET COMMENT = 'x'",),
    "ALTER SEQUENCE": ("ALTER SEQUENCE D.S.SEQ SET COMMENT = 'x'",),
    "ALTER STAGE": ("ALTER STAGE D.S.ST SET COMMENT = 'x'",),
    "ALTER STREAM": ("ALTER STREAM D.S.CHANGED SET COMMENT = 'x'",),
    "ALTER TABLE": ("ALTER TABLE D.S.T ADD COLUMN C INT",),
    "ALTER TASK": ("ALTER TASK D.S.JOB RESUME", "ALTER TASK D.S.JOB MODIFY AS SELECT 2"),
    "ALTER USER": ("ALTER USER TEST SET COMMENT = 'x'",),
    "ALTER VIEW": ("ALTER VIEW D.S.V SET CHANGE_TRACKING = TRUE",),
    "ALTER WAREHOUSE": ("ALTER WAREHOUSE WH SUSPEND",),
    "COMMENT": ("COMMENT ON TABLE D.S.T IS 'x'",),
    "COMMENT ON FUNCTION": ("COMMENT ON FUNCTION D.S.TOTAL() IS 'x'",),
    "COMMENT ON PROCEDURE": ("COMMENT ON PROCEDURE D.S.ADD_ONE() IS 'x'",),
    "COPY FILES INTO": ("COPY FILES INTO @D.S.ST FROM @D.S.ST",),
    "COPY INTO": ("COPY INTO D.S.T FROM @D.S.ST", "COPY INTO @D.S.ST FROM D.S.T"),
    "CREATE AGGREGATE FUNCTION": ("CREATE AGGREGATE FUNCTION D.S.N(A INT) RETURNS INT LANGUAGE SQL AS 'SUM(A)'",),
    "CREATE DATA METRIC FUNCTION": ("CREATE DATA METRIC FUNCTION D.S.N() RETURNS INT AS '1'",),
    "CREATE DATABASE": ("CREATE DATABASE N", "CREATE OR REPLACE DATABASE D"),
    "CREATE EXTERNAL FUNCTION": ("CREATE EXTERNAL FUNCTION D.S.N() RETURNS INT AS '1'",),
    "CREATE FILE FORMAT": ("CREATE FILE FORMAT D.S.N TYPE = CSV",),
    "CREATE FUNCTION": ("CREATE FUNCTION D.S.N() RETURNS NUMBER AS '1'",),
    "CREATE MODEL": ("CREATE MODEL D.S.N FROM @D.S.ST",),
    "CREATE PROCEDURE": ("CREATE PROCEDURE D.S.N() RETURNS NUMBER LANGUAGE SQL AS 'BEGIN RETURN 1; END'",),
    "CREATE ROLE": ("CREATE ROLE N", "CREATE OR REPLACE ROLE SYSADMIN"),
    "CREATE SCHEMA": ("CREATE SCHEMA D.N", "CREATE OR REPLACE SCHEMA D.S"),
    "CREATE SEQUENCE": ("CREATE SEQUENCE D.S.N",),
    "CREATE STAGE": ("CREATE STAGE D.S.N",),
    "CREATE STREAM": ("CREATE STREAM D.S.N ON TABLE D.S.T",),
    "CREATE TABLE": ("CREATE TABLE D.S.N (A INT)", "CREATE OR REPLACE TABLE D.S.T (A INT)"),
    "CREATE TAG": ("CREATE TAG D.S.N",),
    "CREATE TASK": ("CREATE TASK D.S.N AS SELECT 1",),
    "CREATE VIEW": ("CREATE VIEW D.S.N AS SELECT 1 AS A",),
    "CREATE WAREHOUSE": ("CREATE WAREHOUSE N", "CREATE OR REPLACE WAREHOUSE WH"),
    "DESCRIBE ARTIFACT REPOSITORY": (),
    "DESCRIBE FILE FORMAT": ("DESCRIBE FILE FORMAT D.S.FF",),
    "DESCRIBE FUNCTION": ("DESCRIBE FUNCTION D.S.TOTAL()",),
    "DESCRIBE PROCEDURE": ("DESCRIBE PROCEDURE D.S.ADD_ONE()",),
    "DESCRIBE SEQUENCE": ("DESCRIBE SEQUENCE D.S.SEQ",),
    "DESCRIBE STAGE": ("DESCRIBE STAGE D.S.ST",),
    "DESCRIBE STREAM": ("DESCRIBE STREAM D.S.CHANGED",),
    "DESCRIBE TABLE": ("DESCRIBE TABLE D.S.T",),
    "DESCRIBE TASK": ("DESCRIBE TASK D.S.JOB",),
    "DESCRIBE USER": (),
    "DESCRIBE VIEW": ("DESCRIBE VIEW D.S.V",),
    "DROP DATABASE": ("DROP DATABASE D",),
    "DROP FILE FORMAT": ("DROP FILE FORMAT D.S.FF",),
    "DROP FUNCTION": ("DROP FUNCTION D.S.TOTAL()",),
    "DROP MODEL": ("DROP MODEL D.S.M",),
    "DROP PROCEDURE": ("DROP PROCEDURE D.S.ADD_ONE()",),
    "DROP ROLE": ("DROP ROLE R", "DROP ROLE SYSADMIN"),
    "DROP SCHEMA": ("DROP SCHEMA D.S",),
    "DROP SEQUENCE": ("DROP SEQUENCE D.S.SEQ",),
    "DROP STAGE": ("DROP STAGE D.S.ST",),
    "DROP STREAM": ("DROP STREAM D.S.CHANGED",),
    "DROP TABLE": ("DROP TABLE D.S.T",),
    "DROP TAG": ("DROP TAG D.S.TAGS",),
    "DROP TASK": ("DROP TASK D.S.JOB",),
    "DROP VIEW": ("DROP VIEW D.S.V",),
    "DROP WAREHOUSE": ("DROP WAREHOUSE WH",),
    "EXECUTE TASK": ("EXECUTE TASK D.S.JOB",),
    "EXPLAIN": ("EXPLAIN SELECT * FROM D.S.T",),
    "GET": ("GET @D.S.ST file:///nowhere",),
    "GRANT": (
        "GRANT SELECT ON TABLE D.S.T TO ROLE R",
        "GRANT ROLE ACCOUNTADMIN TO ROLE R",
        "GRANT ROLE R TO USER TEST",
    ),
    "INSERT ALL": ("INSERT ALL INTO D.S.T SELECT 1, ''",),
    "INSERT FIRST": ("INSERT FIRST WHEN A = 1 THEN INTO D.S.T ELSE INTO D.S.T SELECT 1 AS A, '' AS B",),
    "INSERT OVERWRITE ALL": ("INSERT OVERWRITE ALL INTO D.S.T SELECT 1, ''",),
    "INSERT OVERWRITE FIRST": (
        "INSERT OVERWRITE FIRST WHEN A = 1 THEN INTO D.S.T ELSE INTO D.S.T SELECT 1 AS A, '' AS B",
    ),
    "LS": ("LS @D.S.ST",),
    "PUT": ("PUT file:///nowhere @D.S.ST",),
    "REVOKE": ("REVOKE ROLE R FROM USER TEST", "REVOKE CREATE DATABASE ON ACCOUNT FROM ROLE SYSADMIN"),
    "RM": ("RM @D.S.ST",),
}
