"""Compares where a session is, and as whom, with the declared target, before anything is sent to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from snowloop import sql
from snowloop.errors import TargetRefused
from snowloop.project import Project
from snowloop.project.targets import Target

if TYPE_CHECKING:
    from snowflake.snowpark import Session


@dataclass(frozen=True)
class Identity:
    """Where a session is, and as whom.

    Args:
        locator: The account's locator.
        account: Organization and name of the account, as ``MYORG-PROD``.
        role: The current role; None: there is none.
        database: The current database; None: there is none.
    """

    locator: str
    account: str
    role: str | None
    database: str | None

    @classmethod
    def of(cls, session: "Session") -> "Identity":
        """Ask a session.

        Raises:
            snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
        """
        row = sql.run(session, "targets/queries.sql#identity")[0]
        role, database = (None if row[name] is None else str(row[name]) for name in ("ROLE_NAME", "DATABASE_NAME"))
        return cls(str(row["LOCATOR"]), str(row["ACCOUNT"]), role, database)


def check_identity(session: "Session", project: Project, target: str) -> None:
    """Refuse a session that is not where, or not as whom, the target declares; what is not declared is not asked.

    Args:
        session: The session.
        project: The project.
        target: The target.

    Raises:
        TargetRefused: if account, role or current database differ; the message names what is declared and what is.
    """
    declared = project.targets.find(target)
    if declared is None or (declared.account, declared.role, declared.database) == (None, None, None):
        return
    differences = _differences(Identity.of(session), declared, project.database(target))
    if differences:
        message = (
            f"this connection is not target {target} of {project.targets.file}: {'; '.join(differences)}. Nothing was "
            f"changed: use the connection of {target}, or correct the file"
        )
        raise TargetRefused(message)


def _differences(identity: Identity, declared: Target, database: str) -> list[str]:
    accounts = (identity.locator.upper(), identity.account.upper())
    found = []
    if declared.account is not None and declared.account not in accounts:
        found.append(f"account {declared.account} is declared, it is {identity.account} ({identity.locator})")
    if declared.role is not None and declared.role != identity.role:
        found.append(f"role {declared.role} is declared, it is {identity.role or 'none'}")
    if declared.database is not None and identity.database not in (None, database):
        found.append(
            f"database {database} is declared, the connection's current one is {identity.database} (a connection "
            "without a database is for all projects)"
        )
    return found
