"""Where a stage works: a session, a project and an environment, and the few things that every stage asks of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snowloop import sql
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
