"""What of the scoring loop is there, as SHOW, DESCRIBE, LIST and SELECT tell it; nothing is changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from snowloop.errors import TrainingError
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.scoring.consumers import is_own
from snowloop.lifecycle.scoring.task_runs import calls
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, Version, aliased, show, versions
from snowloop.sql import identifier, literal, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

INSPECTED = (("SERVING", "SCORED"), ("SERVING", "QUARANTINE"), ("OPS", "METRICS"))
"""Tables, besides the source, whose columns count."""


@dataclass(frozen=True)
class Begun:
    """A recovery that has not come to its end.

    Args:
        run_id: The run, as OPS.RUNS has it.
        since: When it was begun, in UTC.
    """

    run_id: str
    since: str

    @property
    def words(self) -> str:
        """What it is, for people."""
        return f"the recovery {self.run_id}, begun {self.since} UTC, is not done: it goes on, or was broken off"


@dataclass(frozen=True)
class Found:
    """What is there.

    Args:
        database: Whether the database is there.
        tables: Names of its tables and views, as SCHEMA.NAME.
        columns: Columns of the source, SCORED, QUARANTINE and METRICS, by SCHEMA.NAME.
        features: What features.sql gives over the source, or None if it cannot be read.
        features_problem: Why it cannot.
        champion: The version that serves.
        challenger: The version beside it.
        streams: Rows of SHOW STREAMS for the schema RAW, by name.
        pending: Streams that hold unconsumed changes.
        tasks: Rows of SHOW TASKS for the tasks of the graph, by name.
        other_tasks: Rows of SHOW TASKS for all other tasks of the account.
        procedures: Names of the scoring procedures, the oldest first.
        busy: Those that a run under way calls; asked only where there are several.
        files: Paths of staged files of scoring procedures, without the stage's name.
        recovery: A recovery that has not come to its end.
    """

    database: bool = True
    tables: frozenset[str] = frozenset()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    features: tuple[Feature, ...] | None = None
    features_problem: str = ""
    champion: Version | None = None
    challenger: Version | None = None
    streams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other_tasks: tuple[Mapping[str, Any], ...] = ()
    procedures: tuple[str, ...] = ()
    busy: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    recovery: Begun | None = None


def find_loop(workspace: Workspace) -> Found:
    """Look at everything that the scoring loop is made of.

    Args:
        workspace: Session, project and environment.

    Returns:
        What is there.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session = workspace.session
    database = workspace.database
    if not any(row["name"] == database for row in show(session, f"SHOW DATABASES LIKE {literal(database)}")):
        return Found(database=False)
    tables = _names(session, "TABLES", database) | _names(session, "VIEWS", database)
    source = f"RAW.{workspace.project.table}"
    inspected = [each for each in (("RAW", workspace.project.table), *INSPECTED) if ".".join(each) in tables]
    if source not in tables:
        return Found(tables=tables)
    features, problem = _features(workspace)
    known = versions(workspace)
    schemas = {name: identifier(database, name) for name in ("RAW", "SERVING", "MODELS")}
    streams = {str(row["name"]): row for row in show(session, f"SHOW STREAMS IN SCHEMA {schemas['RAW']}")}
    tasks = show(session, "SHOW TASKS IN ACCOUNT")
    own = {str(task["name"]): task for task in tasks if is_own(task, database)}
    shown = show(session, f"SHOW PROCEDURES LIKE 'SCORE_%' IN SCHEMA {schemas['SERVING']}")
    procedures = tuple(str(row["name"]) for row in sorted(shown, key=lambda row: row["created_on"]))
    files = show(session, f'LIST @{schemas["MODELS"]}."CODE"/score_')
    return Found(
        tables=tables,
        columns={".".join(each): _columns(session, identifier(database, *each)) for each in inspected},
        features=features,
        features_problem=problem,
        champion=aliased(known, CHAMPION),
        challenger=aliased(known, CHALLENGER),
        streams=streams,
        pending=frozenset(name for name, row in streams.items() if _has_data(session, database, name, row)),
        tasks=own,
        other_tasks=tuple(task for task in tasks if not is_own(task, database)),
        procedures=procedures,
        busy=_busy(session, database, procedures) if len(procedures) > 1 else frozenset(),
        files=frozenset(str(row["name"]).split("/", 1)[1] for row in files),
        recovery=unfinished_recovery(session, database) if "OPS.BACKFILLS" in tables else None,
    )


def unfinished_recovery(session: "Session", database: str) -> Begun | None:
    """The oldest recovery that OPS.RUNS holds as RUNNING, or None."""
    rows = run(session, "recover/unfinished.sql", database=database)
    return Begun(str(rows[0]["RUN_ID"]), f"{rows[0]['STARTED_AT']:%Y-%m-%d %H:%M}") if rows else None


def _names(session: "Session", kind: str, database: str) -> frozenset[str]:
    rows = show(session, f"SHOW {kind} IN DATABASE {identifier(database)}")
    return frozenset(f"{row['schema_name']}.{row['name']}" for row in rows)


def _columns(session: "Session", table: str) -> tuple[str, ...]:
    return tuple(str(row["name"]) for row in show(session, f"DESCRIBE TABLE {table}"))


def is_stale(stream: Mapping[str, Any]) -> bool:
    """Whether SHOW STREAMS tells that a stream can no longer be read."""
    return str(stream.get("stale")).lower() == "true" or str(stream.get("invalid_reason") or "N/A") != "N/A"


def _has_data(session: "Session", database: str, name: str, stream: Mapping[str, Any]) -> bool:
    """What a stale stream says of its data is not to be trusted."""
    return not is_stale(stream) and has_data(session, identifier(database, "RAW", name))


def has_data(session: "Session", stream: str) -> bool:
    """Whether a stream, a quoted name, holds changes that nobody consumed."""
    answer = session.sql(f"SELECT SYSTEM$STREAM_HAS_DATA({literal(stream)}) AS PENDING").collect()[0][0]
    return str(answer).lower() == "true"


def _busy(session: "Session", database: str, procedures: tuple[str, ...]) -> frozenset[str]:
    """A graph that runs keeps to the procedure with which it began; of one that does not tell, all are."""
    texts = calls(session, database)
    return frozenset(name for name in procedures if any(text is None or name in text for text in texts))


def _features(workspace: Workspace) -> tuple[tuple[Feature, ...] | None, str]:
    try:
        return describe_features(workspace), ""
    except TrainingError as error:
        return None, str(error)
