"""Where a stage works: a session, a project and an environment, and the few things that every stage asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop import sql
from snowloop.errors import AnswerError
from snowloop.identity import check_identity
from snowloop.project import Project

if TYPE_CHECKING:
    from snowflake.snowpark import Row, Session


@dataclass(frozen=True)
class Workspace:
    """A Snowpark session, a project, and the environment to work on.

    Args:
        session: The session; whoever opened it closes it.
        target: The environment, such as ``dev`` or ``prod``.
    """

    session: "Session"
    project: Project
    target: str

    @classmethod
    def open(cls, session: "Session", project: Project, target: str) -> "Workspace":
        """The workspace of a target, whose account, role and database were compared with what targets.yaml declares.

        Args:
            session: The session.
            project: The project as it is declared; in the workspace it has the target's bounds and warehouses.
            target: The environment.

        Returns:
            The workspace; its session uses the target's default warehouse, if that exists.

        Raises:
            TargetRefused: if the session is not that of the target.
            ProjectError: if there is a targets.yaml that does not declare the target.
        """
        workspace = cls(session, project.in_target(target), target)
        check_identity(session, project, target)
        declared = project.targets.find(target)
        warehouse = declared.warehouses.default if declared else None
        if warehouse and workspace.has_warehouse(warehouse):
            workspace.run("targets/queries.sql#use_warehouse", warehouse=warehouse)
        return workspace

    def has_warehouse(self, name: str) -> bool:
        """Whether the account has a warehouse of exactly this name, which the role may see."""
        rows = self.session.sql(f"SHOW WAREHOUSES LIKE {sql.literal(name)}").collect()
        return any(row["name"] == name for row in rows)

    @property
    def database(self) -> str:
        """The environment's database, unquoted."""
        return self.project.database(self.target)

    def run(self, template: str, **values: Any) -> "list[Row]":
        """Render a template of one statement, with ``database`` among its values, and execute it.

        Args:
            template: Path below include/sql.
            values: What else the template uses.

        Returns:
            The rows that Snowflake answers.
        """
        return sql.run(self.session, template, **{"database": self.database, **values})

    def write(self, template: str, *, rows: int, **values: Any) -> None:
        """Execute a template of one INSERT, UPDATE or DELETE that must write a number of rows.

        Args:
            template: Path below include/sql.
            rows: The number of rows.
            values: What else the template uses.

        Raises:
            AnswerError: if it wrote another number of rows.
        """
        written = int(self.run(template, **values)[0][0])
        if written != rows:
            message = (
                f"{template} wrote {written} rows in {self.database}, it must write {rows}: a record of the run "
                "under way was changed or deleted meanwhile; nothing of this step is kept, run the same command again"
            )
            raise AnswerError(message)

    def exists(self, kind: str, *name: str) -> bool:
        """Whether an object of exactly this name is there.

        Args:
            kind: Its kind as SHOW has it in the plural, such as ``TABLES``.
            name: Schema and name, as they are spelled in Snowflake.

        Returns:
            Whether it is there; LIKE compares without regard to case and with wildcards, so the answer is compared.

        Raises:
            snowflake.snowpark.exceptions.SnowparkSQLException: if the schema is not there.
        """
        *schema, last = name
        where = sql.identifier(self.database, *schema)
        rows = self.session.sql(f"SHOW {kind} LIKE {sql.literal(last)} IN SCHEMA {where}").collect()
        return any(row["name"] == last for row in rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of a block, or none of them.

        Raises:
            snowflake.snowpark.exceptions.SnowparkSQLException: if it cannot be committed.
        """
        self.session.sql("BEGIN").collect()
        try:
            yield
            self.session.sql("COMMIT").collect()
        except BaseException:
            self.session.sql("ROLLBACK").collect()
            raise
