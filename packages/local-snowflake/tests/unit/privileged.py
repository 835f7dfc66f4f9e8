"""An account that enforces privileges, its administrator, and a role without any."""

from __future__ import annotations

from tests.unit.in_process import Runner

from local_snowflake.account import Account

BODY = "BEGIN INSERT INTO D.S.T VALUES (9, CURRENT_ROLE()); RETURN CURRENT_ROLE(); END"
MERGE = """MERGE INTO D.S.T USING (SELECT 1 AS A) AS N ON T.A = N.A
WHEN MATCHED THEN UPDATE SET B = 'x' WHEN NOT MATCHED THEN INSERT VALUES (N.A, '')"""
SETUP = (
    "CREATE DATABASE D",
    "CREATE SCHEMA D.S",
    "CREATE WAREHOUSE WH",
    "CREATE TABLE D.S.T (A INT, B VARCHAR)",
    "INSERT INTO D.S.T VALUES (1, 'one'), (2, 'two')",
    "CREATE VIEW D.S.V AS SELECT A FROM D.S.T",
    "CREATE STAGE D.S.ST",
    "CREATE SEQUENCE D.S.SEQ",
    "CREATE FILE FORMAT D.S.FF TYPE = CSV",
    "CREATE FUNCTION D.S.TOTAL() RETURNS NUMBER AS 'SELECT SUM(A) FROM D.S.T'",
    f"CREATE PROCEDURE D.S.ADD_ONE() RETURNS VARCHAR LANGUAGE SQL AS '{BODY}'",
    f"CREATE PROCEDURE D.S.ADD_AS_CALLER() RETURNS VARCHAR LANGUAGE SQL EXECUTE AS CALLER AS '{BODY}'",
    "CREATE ROLE R",
    "GRANT ROLE R TO USER TEST",
)


class Privileges:
    """An account in which TEST works as its administrator, or as the role R."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.admin = Runner(account, account.sessions.open("TEST"))
        for statement in SETUP:
            self.admin(statement)
        self.role = self.session("R")

    def session(self, role: str) -> Runner:
        opened = Runner(self.account, self.account.sessions.open("TEST"))
        opened(f"USE ROLE {role}")
        return opened

    def grant(self, *grants: str) -> None:
        """Grant to R, what D and S need included."""
        for each in ("USAGE ON DATABASE D", "USAGE ON SCHEMA D.S", *grants):
            self.admin(f"GRANT {each} TO ROLE R")
