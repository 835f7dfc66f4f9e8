"""Observed state of the scoring loop, as SHOW, DESCRIBE, LIST and SELECT return it; nothing is changed."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from snowloop.errors import DeploymentError, ProjectError, ScoringError, TrainingError
from snowloop.lifecycle.champion.standing import Standing, standing
from snowloop.lifecycle.data.tables import FoundTable, find_table
from snowloop.lifecycle.deployment.plan import Plan
from snowloop.lifecycle.deployment.schema_version import SchemaVersion, current_version, newer, observed_version
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula, recorded_formula
from snowloop.lifecycle.features.point_in_time import declared_formula
from snowloop.lifecycle.features.training_set import describe_features
from snowloop.lifecycle.model_monitor.observed import ObservedMonitor, observe_monitor
from snowloop.lifecycle.scoring.names import GRAPH
from snowloop.lifecycle.scoring.task_runs import statements_under_way
from snowloop.lifecycle.versions import CHALLENGER, CHAMPION, Version, aliased, serving, show, versions
from snowloop.sql import identifier, literal, run
from snowloop.workspace import Workspace

if TYPE_CHECKING:
    from snowflake.snowpark import Session

INSPECTED = (("SERVING", "SCORED"), ("SERVING", "QUARANTINE"), ("OPS", "METRICS"), ("OPS", "VERDICTS"))
"""Tables, besides the source, whose columns matter."""
FOLDERS = ("score_", "snowloop_procedures_")
"""What the folders of scoring procedures and of the package that they import begin with, in @MODELS.CODE."""
PACKAGE = re.compile(r"snowloop_procedures_[0-9a-f]{12}")
"""The folder of a package, as a procedure's comment names it."""


@dataclass(frozen=True)
class UnfinishedRecovery:
    """A recovery that has not finished.

    Args:
        run_id: The run, as OPS.RUNS has it.
        since: When it began, in UTC.
    """

    run_id: str
    since: str

    def __str__(self) -> str:
        """A sentence for people."""
        return f"the recovery {self.run_id}, begun {self.since} UTC, is not done: it is under way, or was interrupted"


@dataclass(frozen=True)
class ObservedState:
    """What exists.

    Args:
        database: Whether the database exists.
        tables: Names of its tables and views, as SCHEMA.NAME.
        columns: Columns of the source, SCORED, QUARANTINE, METRICS and VERDICTS, by SCHEMA.NAME.
        formula: The formula that the champion was trained with; without a champion, or if it does not record one, that
            of the project.
        formula_problem: Why the champion's formula is not known.
        declared: The formula of the project's features.sql, or why it has none.
        features: What the formula gives over the source, or None if it cannot be read.
        features_problem: Why it cannot.
        champion: The version that serves.
        standing: What alias, default version, ledger and verdict say about it.
        challenger: The version with the alias CHALLENGER.
        streams: Rows of SHOW STREAMS for the schema RAW, by name.
        pending: Streams that hold unconsumed changes.
        tasks: Rows of SHOW TASKS for the tasks of the graph, by name.
        other_tasks: Rows of SHOW TASKS for all other tasks of the account.
        procedures: Names of the scoring procedures, the oldest first.
        busy: Those that a run under way calls; only looked up where there are several.
        packages: The folder of the package that a procedure imports, by the procedure's name; of all procedures.
        files: Paths of staged files of scoring procedures and of packages, without the stage's name.
        recovery: A recovery that has not finished.
        version: The version of the environment's objects; None if there are none.
        source: The table that others fill, if the streamed source is one.
        monitor: The model monitor.
    """

    database: bool = True
    tables: frozenset[str] = frozenset()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    formula: Formula | None = None
    formula_problem: str = ""
    declared: Formula | str = ""
    features: tuple[Feature, ...] | None = None
    features_problem: str = ""
    champion: Version | None = None
    standing: Standing = field(default_factory=Standing)
    challenger: Version | None = None
    streams: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    other_tasks: tuple[Mapping[str, Any], ...] = ()
    procedures: tuple[str, ...] = ()
    busy: frozenset[str] = frozenset()
    packages: Mapping[str, str] = field(default_factory=dict)
    files: frozenset[str] = frozenset()
    recovery: UnfinishedRecovery | None = None
    version: SchemaVersion | None = None
    source: FoundTable | None = None
    monitor: ObservedMonitor = field(default_factory=ObservedMonitor)


def observe(workspace: Workspace, added: Mapping[str, str] | None = None) -> ObservedState:
    """Look at everything that the scoring loop consists of.

    Args:
        added: Types of declared columns that the source's table does not have yet, by name.

    Returns:
        What exists.

    Raises:
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    session, database = workspace.session, workspace.database
    if not any(row["name"] == database for row in show(session, f"SHOW DATABASES LIKE {literal(database)}")):
        return ObservedState(database=False)
    tables = _names(session, "TABLES", database) | _names(session, "VIEWS", database)
    source = f"RAW.{workspace.project.table}"
    version = observed_version(session, database, tables)
    if newer(version):
        return ObservedState(tables=tables, version=version)
    inspected = [each for each in (("RAW", workspace.project.table), *INSPECTED) if ".".join(each) in tables]
    found = find_table(workspace, workspace.project.streamed)
    if not inspected:
        return ObservedState(tables=tables, source=found)
    columns = {".".join(each): _columns(session, identifier(database, *each)) for each in inspected}
    registered = versions(workspace)
    champion = serving(workspace, registered) if "OPS.LEDGER" in tables else aliased(registered, CHAMPION)
    declared = _declared(workspace)
    formula, unknown = _formula(workspace, champion)
    formula = formula or (declared if isinstance(declared, Formula) else None)
    features, problem = None, f"{source} does not exist"
    if source in tables:
        features, problem = _features(workspace, formula, declared, added)
    streams = {str(row["name"]): row for row in show(session, f"SHOW STREAMS IN SCHEMA {identifier(database, 'RAW')}")}
    tasks = show(session, "SHOW TASKS IN ACCOUNT")
    created = sorted(
        show(session, f"SHOW PROCEDURES IN DATABASE {identifier(database)}"), key=lambda row: row["created_on"]
    )
    procedures = tuple(str(row["name"]) for row in created if _scores(row))
    stage = f"@{identifier(database, 'MODELS', 'CODE')}"
    files = [str(row["name"]) for folder in FOLDERS for row in show(session, f"LIST {stage}/{folder}")]
    return ObservedState(
        tables=tables,
        columns=columns,
        formula=formula,
        formula_problem=unknown,
        declared=declared,
        features=features,
        features_problem=problem,
        champion=champion,
        standing=standing(workspace, registered) if "VALID_UNTIL" in columns.get("OPS.VERDICTS", ()) else Standing(),
        challenger=aliased(registered, CHALLENGER),
        streams=streams,
        pending=frozenset(name for name, row in streams.items() if _is_pending(session, database, name, row)),
        tasks={str(task["name"]): task for task in tasks if is_own(task, database)},
        other_tasks=tuple(task for task in tasks if not is_own(task, database)),
        procedures=procedures,
        busy=_busy(session, database, procedures) if len(procedures) > 1 else frozenset(),
        packages=_packages(created),
        files=frozenset(name.split("/", 1)[1] for name in files),
        recovery=unfinished_recovery(session, database) if "OPS.BACKFILLS" in tables else None,
        version=version,
        source=found,
        monitor=observe_monitor(workspace, tables),
    )


def after_plan(observed: ObservedState, plan: Plan, table: str) -> ObservedState:
    """What will exist after a plan of the environment is applied, as far as the loop depends on it.

    Args:
        plan: The plan, without refusals.
        table: The RAW table of the streamed source.

    Returns:
        The state; a features.sql that reads a column which the plan drops cannot be deployed.
    """
    source = f"RAW.{table}"
    created = {change.name for change in plan.changes if change.action == "create" and change.kind in ("table", "view")}
    columns = {
        name: tuple(dict.fromkeys([*have, *plan.objects.get(f"table {name}", ())]))
        for name, have in observed.columns.items()
    }
    state = replace(
        observed, tables=observed.tables | created, columns=columns, version=SchemaVersion(current_version())
    )
    dropped = [
        each.field.removeprefix("column ")
        for change in plan.changes
        if change.name == source and change.destructive
        for each in change.fields
    ]
    read = [name for name in dropped if observed.formula and re.search(rf"\b{name}\b", observed.formula.text, re.I)]
    if read:
        problem = f"the plan of the environment drops {', '.join(read)}, which the features.sql that is deployed reads"
        return replace(state, features=None, features_problem=problem)
    return state


def observe_environment(workspace: Workspace) -> ObservedState:
    """``observe`` an environment that must exist.

    Returns:
        What exists.

    Raises:
        DeploymentError: if the database or its tables are missing.
        snowflake.snowpark.exceptions.SnowparkSQLException: if Snowflake does not answer.
    """
    observed = observe(workspace)
    if not observed.database or not {"OPS.RUNS", "SERVING.QUARANTINE"} <= observed.tables:
        message = (
            f"{workspace.database} does not exist, or lacks tables: "
            f"run the DAG {workspace.project.name}__environment for {workspace.target}"
        )
        raise DeploymentError(message)
    return observed


def unfinished_recovery(session: "Session", database: str) -> UnfinishedRecovery | None:
    """The oldest recovery that OPS.RUNS holds as RUNNING, or None."""
    rows = run(session, "scoring/queries.sql#unfinished_recovery", database=database)
    return UnfinishedRecovery(str(rows[0]["RUN_ID"]), f"{rows[0]['STARTED_AT']:%Y-%m-%d %H:%M}") if rows else None


def is_stale(stream: Mapping[str, Any]) -> bool:
    """Whether a row of SHOW STREAMS is of a stream that can no longer be read."""
    return str(stream.get("stale")).lower() == "true" or str(stream.get("invalid_reason") or "N/A") != "N/A"


def has_data(session: "Session", stream: str) -> bool:
    """Whether a stream, a quoted name, holds changes that were not consumed."""
    answer = session.sql(f"SELECT SYSTEM$STREAM_HAS_DATA({literal(stream)}) AS PENDING").collect()[0][0]
    return str(answer).lower() == "true"


def is_own(task: Mapping[str, Any], database: str) -> bool:
    """Whether a row of SHOW TASKS is of a task of a project's graph."""
    return task["name"] in GRAPH and (task["database_name"], task["schema_name"]) == (database, "SERVING")


def other_consumers(tasks: Iterable[Mapping[str, Any]], database: str, stream: str) -> tuple[str, ...]:
    """Tasks, besides the graph's own, that name a project's stream: each change is given to whoever reads it first.

    In the project's own database the stream may be named without the database; elsewhere the name must be complete.

    Args:
        tasks: Rows of SHOW TASKS.
        database: The project's database.
        stream: Name of the stream, in its schema RAW.

    Returns:
        Their names, as DATABASE.SCHEMA.NAME.
    """
    qualified = rf"{re.escape(database)}\.RAW\."
    consumers = []
    for task in tasks:
        if is_own(task, database):
            continue
        text = f"{task.get('condition') or ''} {task.get('definition') or ''}".replace('"', "").upper()
        place = rf"(?:{qualified}|RAW\.|)" if task["database_name"] == database else qualified
        if re.search(rf"(?<![\w.$]){place}{re.escape(stream)}(?![\w$])", text):
            consumers.append(f"{task['database_name']}.{task['schema_name']}.{task['name']}")
    return tuple(consumers)


def _names(session: "Session", kind: str, database: str) -> frozenset[str]:
    rows = show(session, f"SHOW {kind} IN DATABASE {identifier(database)}")
    return frozenset(f"{row['schema_name']}.{row['name']}" for row in rows)


def _columns(session: "Session", table: str) -> tuple[str, ...]:
    return tuple(str(row["name"]) for row in show(session, f"DESCRIBE TABLE {table}"))


def _is_pending(session: "Session", database: str, name: str, stream: Mapping[str, Any]) -> bool:
    """SYSTEM$STREAM_HAS_DATA is not reliable for a stale stream."""
    return not is_stale(stream) and has_data(session, identifier(database, "RAW", name))


def _scores(procedure: Mapping[str, Any]) -> bool:
    return procedure["schema_name"] == "SERVING" and str(procedure["name"]).startswith("SCORE_")


def _packages(procedures: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    imports = {str(row["name"]): PACKAGE.search(str(row.get("description"))) for row in procedures}
    return {name: match[0] for name, match in imports.items() if match}


def _busy(session: "Session", database: str, procedures: tuple[str, ...]) -> frozenset[str]:
    """A run of the graph keeps the procedure with which it began; if its statement is unknown, all are busy."""
    texts = statements_under_way(session, database)
    return frozenset(name for name in procedures if any(text is None or name in text for text in texts))


def _declared(workspace: Workspace) -> Formula | str:
    """The formula of the project's features.sql; or why it cannot be rendered: it may be edited while the loop runs."""
    try:
        return declared_formula(workspace.project)
    except ProjectError as error:
        return str(error)


def _formula(workspace: Workspace, champion: Version | None) -> tuple[Formula | None, str]:
    if champion is None:
        return None, ""
    try:
        return recorded_formula(workspace, champion), ""
    except ScoringError as error:
        return None, str(error)


def _features(
    workspace: Workspace, formula: Formula | None, declared: Formula | str, added: Mapping[str, str] | None
) -> tuple[tuple[Feature, ...] | None, str]:
    if formula is None:
        return None, str(declared)
    place = None if formula is declared else "the features.sql that the champion was trained with"
    try:
        return describe_features(workspace, formula, place, added), ""
    except TrainingError as error:
        return None, str(error)
