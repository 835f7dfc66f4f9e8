"""The disposable database of a trial: a zero-copy clone of a target, or a new one; always dropped."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from snowloop.lifecycle.delivery.transfer import transfer
from snowloop.lifecycle.results import Result
from snowloop.lifecycle.versions import Version, reference, serving, set_champion, show, versions
from snowloop.project import Project
from snowloop.sql import clock, identifier, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

QUERIES = "ci/queries.sql"
LIFETIME = timedelta(hours=2)
"""After which time the sweep drops a database that its trial did not drop."""
_NAME = re.compile(r".+_CI_[0-9A-F]{12}")
_COMMENT = re.compile(r"snowloop:expires=(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) .*")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Sweep(Result):
    """What a sweep did.

    Args:
        dropped: The databases that it dropped.
        kept: Those of trials that have not expired.
    """

    dropped: tuple[str, ...]
    kept: tuple[str, ...]

    def text(self) -> str:
        """A line for each database."""
        lines = [f"dropped {name}" for name in self.dropped]
        lines += [f"kept {name}, which has not expired" for name in self.kept]
        return "\n".join(lines) or "nothing to drop"


def has_database(source: Workspace) -> bool:
    """Whether the database of a workspace exists, as far as its role may see."""
    return any(row["name"] == source.database for row in show(source.session, "SHOW DATABASES"))


@contextmanager
def trial_of(source: Workspace, *, clone: bool, lifetime: timedelta = LIFETIME) -> Iterator[Workspace]:
    """A workspace in a disposable database, which is dropped at the end, whatever happens.

    Its name and the comment, which one statement gives it, tell the sweep what it is: a process that is killed leaves
    nothing for ever.

    Args:
        source: The workspace of the target that is tried; its session is used.
        clone: Whether the database begins as a clone of the target's (CREATE DATABASE … CLONE); else it is empty.
        lifetime: How long the sweep leaves it alone.

    Yields:
        The workspace; it has the bounds and warehouses of the target.
    """
    name = f"CI_{uuid.uuid4().hex[:12]}".upper()
    trial = Workspace(source.session, source.project.with_trial(name, source.target), name)
    expires = (clock(source.session) + lifetime).astimezone(UTC).strftime(_TIME)
    comment = f"snowloop:expires={expires} a trial of project {source.project.name} against {source.target}"
    try:
        trial.run(f"{QUERIES}#create_database", source=source.database if clone else None, comment=comment)
        if clone:
            _drop_tasks(trial)
        yield trial
    finally:
        _drop(source.session, trial.database)


def _drop_tasks(trial: Workspace) -> None:
    """Drop the tasks of a clone: they name the stream of the target, and count as readers of it, though suspended."""
    for row in show(trial.session, f"SHOW TASKS IN DATABASE {identifier(trial.database)}"):
        name = identifier(trial.database, str(row["schema_name"]), str(row["name"]))
        trial.session.sql(f"DROP TASK IF EXISTS {name}").collect()


def bring_versions(source: Workspace, trial: Workspace) -> Version | None:
    """Have the version that serves in the target, and the gate's reference, in its clone: models are not cloned.

    Source: https://docs.snowflake.com/en/sql-reference/sql/create-clone.

    Args:
        source: The target.
        trial: The clone.

    Returns:
        The version that serves; None if there is none.
    """
    registered = versions(source)
    now = serving(source, registered)
    if now is None:
        return None
    rivals = [each for each in registered if each.name in (now.name, reference(source))]
    needed = {name for each in rivals for name in (each.name, each.judged_as)}
    for version in registered:
        if version.name in needed:
            transfer(source, trial, version)
    set_champion(trial, now.name)
    return now


def sweep(session: "Session") -> Sweep:
    """Drop the databases of trials that have expired: those of processes that were killed.

    Args:
        session: A session whose role owns them.

    Returns:
        What was dropped, and which trials have not expired.
    """
    now, dropped, kept = clock(session), [], []
    for row in show(session, "SHOW DATABASES"):
        name, comment = str(row["name"]), _COMMENT.fullmatch(str(row["comment"] or ""))
        if not _NAME.fullmatch(name) or comment is None:
            continue
        if datetime.strptime(comment[1], _TIME).replace(tzinfo=UTC) > now:
            kept.append(name)
            continue
        _drop(session, name)
        dropped.append(name)
    return Sweep(tuple(dropped), tuple(kept))


def _drop(session: "Session", database: str) -> None:
    """Drop the readers' role, an object of the account, and then the database: the sweep finds both by the database."""
    session.sql(f"DROP ROLE IF EXISTS {identifier(f'{database}_READER')}").collect()
    session.sql(f"DROP DATABASE IF EXISTS {identifier(database)}").collect()


def has_rows(trial: Workspace) -> bool:
    """Whether the source has rows."""
    table = identifier(trial.database, "RAW", trial.project.table)
    return bool(run(trial.session, f"{QUERIES}#one_row", table=table))


def keep_some_rows(trial: Workspace) -> int | None:
    """Remove rows of the source from the disposable database beyond the declared number, by hash of key or group.

    Args:
        trial: The disposable database.

    Returns:
        How many rows there were; None if a table that others fill is the source, whose rows all stay.
    """
    project: Project = trial.project
    if project.streamed.table:
        return None
    columns = (project.split.column,) if project.split.column else project.key
    values = {"table": identifier(trial.database, "RAW", project.table), "key": columns, "salt": "ci"}
    most = project.ci.training_rows
    rows, last_hash = run(trial.session, f"{QUERIES}#row_hashes", most=most, **values)[0]
    if rows > most:
        run(trial.session, f"{QUERIES}#remove_rows", last_hash=last_hash, **values)
    return int(rows)
