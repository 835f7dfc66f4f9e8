"""Desired state of the scoring loop: staged request, procedure, stream, tasks.

It follows from the declaration, and from the formula of the features that the champion was trained with: features.sql
in the project may be edited already. The statements that score are in include/sql/scoring/score_new_rows.sql;
snowloop_procedures/scoring.py executes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from snowloop.lifecycle.data.contract import row_fails, row_reason, rows_fail
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.formula import Formula
from snowloop.lifecycle.features.point_in_time import since_known
from snowloop.lifecycle.procedure.code import ProcedureCode, StagedProcedure, snowpark_package, staged_procedure
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.scoring.challenger import challenger_statements, challenger_tables, refusal_statement
from snowloop.lifecycle.scoring.names import FINALIZER, GRAPH, MONITORING, ROOT, Names, names
from snowloop.lifecycle.versions import model
from snowloop.project import Project, Serving
from snowloop.sql import Parameter, identifier, literal, prepare, render
from snowloop_procedures.requests import SCORE_COLUMN
from snowloop_procedures.scoring_request import (
    SCORING_REQUEST,
    VERSION,
    BatchLimit,
    DeployedFormula,
    LockStatements,
    ScoringRequest,
    Statement,
    UnscorableStatements,
)

STATEMENTS, UNSCORABLE = "scoring/score_new_rows.sql", "scoring/unscorable.sql"
RUN_VALUES = {
    name: Parameter(name)
    for name in (
        *("run_id", "model_version", "started_at", "rows_read", "rows_scored", "rows_quarantined", "error"),
        *("training_set", "owner", "previous_owner", "challenger", "batch", "first_row", "last_row", "problem"),
    )
}
"""What only a run knows: bound when it executes its statements."""


@dataclass(frozen=True)
class DesiredTask:
    """A task as it should be.

    Args:
        name: Its name.
        quoted: Its quoted, qualified name.
        statement: The statement that creates it.
        comment: The fingerprint that the statement leaves on it.
        shown: What SHOW TASKS should return for it, by column.
    """

    name: str
    quoted: str
    statement: str
    comment: str
    shown: Mapping[str, str]


@dataclass(frozen=True)
class DesiredState:
    """The scoring loop as declared.

    Args:
        names: Names of its objects.
        procedure: The scoring procedure.
        request: What is staged with it.
        stream: Creates the stream.
        change_stream: Replaces a stream of the other mode at the same offset.
        baseline: Keeps the keys that the source has when the stream begins.
        tables: Create the tables of a declared challenger, by SCHEMA.NAME.
        tasks: The tasks; the root is the first.
        formula: The formula of the features.
        features: The features that it gives.
    """

    names: Names
    procedure: StagedProcedure
    request: ScoringRequest
    stream: str
    change_stream: str
    baseline: str
    tables: dict[str, str]
    tasks: tuple[DesiredTask, ...]
    formula: Formula
    features: tuple[Feature, ...]


def desired_state(
    project: Project, target: str, formula: Formula, features: Sequence[Feature], source_kind: str = "TABLE"
) -> DesiredState:
    """Compute the scoring loop without a connection.

    Args:
        formula: The formula that the champion was trained with.
        features: The features that it gives.
        source_kind: What the stream is on, as CREATE STREAM has it: ``TABLE``, ``VIEW`` or ``DYNAMIC TABLE``.

    Returns:
        The loop.
    """
    named = names(project, target)
    request = scoring_request(project, target, formula, features)
    code = ProcedureCode(
        schema="SERVING",
        prefix="SCORE",
        files={SCORING_REQUEST: request.to_json().encode()},
        handler="snowloop_procedures.scoring.run",
        packages=snowpark_package(project),
    )
    procedure = staged_procedure(project, target, code)
    mode = {"comment": stream_comment(project), "corrections": project.serving.corrections}
    mode |= {"stream": named.stream, "kind": source_kind, "source": named.source}
    baseline = {"database": named.database, "key": project.row_key, "at_offset": named.at_offset}
    return DesiredState(
        names=named,
        procedure=procedure,
        request=request,
        stream=render("scoring/stream.sql#create", **mode),
        change_stream=render("scoring/stream.sql#change_mode", **mode),
        baseline=render("scoring/stream.sql#create_baseline", **baseline),
        tables=challenger_tables(project, target),
        tasks=_tasks(project, named, procedure.quoted),
        formula=formula,
        features=tuple(features),
    )


def stream_comment(project: Project) -> str:
    """The comment of the stream."""
    return f"Snowloop, project {project.name}: its offset is what was scored; never replace it"


def scoring_request(project: Project, target: str, formula: Formula, features: Sequence[Feature]) -> ScoringRequest:
    """What is staged with the scoring procedure.

    Args:
        formula: The formula that the champion was trained with.
        features: The features that it gives.

    Returns:
        Its statements, and what it checks the version against.
    """
    values = scoring_values(project, target, formula, features)
    quoted_model, bound = model(project, target), project.contract.arriving
    reasons = statement("quarantine_reasons", values)
    of_training_set = statement("formula", values, "features/queries.sql")
    return ScoringRequest(
        model=quoted_model,
        versions=Statement(f"SHOW VERSIONS IN MODEL {quoted_model}"),
        recorded_champion=statement("recorded_champion", values, "champion/queries.sql"),
        refusal=refusal_statement(project, values, "champion"),
        refuse_moved_by_hand=project.champion.moved_by_hand == "refuse",
        formula=DeployedFormula(formula.digest, formula.text, of_training_set),
        features=tuple(features),
        classes=project.label.classes,
        lock=lock_statements(project.database(target)),
        record_corrections=statement("record_corrections", values) if project.serving.corrections else None,
        count_rows=statement("count_rows", values),
        waiting_rows=statement("waiting_rows", values) if values["waits"] else None,
        quarantine_rows=statement("quarantine_rows", values),
        limit=None if bound.share == 1 else BatchLimit(bound.share, bound.least, reasons),
        score_rows=statement("score_rows", values),
        unscorable=unscorable_statements(values),
        keys_not_once=statement("keys_not_once", values),
        count_bins=statement("count_bins", values),
        challenger=challenger_statements(project, target, values),
        record_run=statement("record_run", values),
        record_failure=statement("record_failure", values),
    )


def scoring_values(
    project: Project,
    target: str,
    formula: Formula,
    features: Sequence[Feature],
    *,
    stream: str | None = None,
    **rows: Any,
) -> dict[str, Any]:
    """What the statements of score_new_rows.sql are rendered with.

    Args:
        formula: The formula that the scoring version was trained with.
        features: The features that it gives.
        stream: A query in brackets whose rows are scored in place of the stream's; None: the stream.
        rows: More values that differ from the loop's own: ``row_id``, ``checked_rows``, ``scored_at``, ``batched``,
            ``kind``.

    Returns:
        The values.
    """
    named = names(project, target)
    return {
        **RUN_VALUES,
        "database": named.database,
        "stream": stream or named.changes,
        "table": named.table,
        "at_offset": named.at_offset,
        "corrections": project.serving.corrections,
        "delta": project.serving.corrections and stream is None,  # whether the rows are changes of a standard stream
        "columns": list(project.streamed.table_columns),
        "key": project.row_key,
        "entity": project.key,
        "fails": row_fails(project),
        "reason": row_reason(project),
        "source": f"RAW.{project.table}",
        "features_sql": formula.over("CLEAN", named.database),
        "features": features,
        "event_time": project.streamed.event_time,
        "waits": joined_to_wait_for(project, named.database),
        "keep_features": project.serving.keep_features,
        "task": project.label.task,
        "classes": project.label.classes,
        "model": model(project, target),
        "model_name": project.model_name,
        "version": VERSION,
        "procedure": ROOT,
        "scores": "SCORED",
        "side": None,
        "row_id": "S.METADATA$ROW_ID",
        "checked_rows": "scoring/checked_rows.sql",
        "scored_at": "SYSDATE()",
        "batched": False,
        "kind": None,
        "score_column": SCORE_COLUMN,
        **rows,
    }


def joined_to_wait_for(project: Project, database: str) -> list[dict[str, Any]]:
    """The joined sources for which new rows have to wait, as the statement ``waiting_rows`` is rendered with them.

    Args:
        database: The database with their tables.

    Returns:
        Of each its name, for how many seconds, and how far it has come.
    """
    return [
        {
            "source": name,
            "seconds": int(source.wait_for.total_seconds()),
            "known": since_known(source, "S"),
            "table": identifier(database, "RAW", name.upper()),
            "fails": rows_fail(source),
        }
        for name, source in project.sources.items()
        if source.wait_for and name != project.source
    ]


def statement(name: str, values: Mapping[str, Any], file: str = STATEMENTS) -> Statement:
    """One of the statements of a file, for a run to execute; score_new_rows.sql if no file is named."""
    return Statement(*prepare(f"{file}#{name}", **values))


def unscorable_statements(values: Mapping[str, Any]) -> UnscorableStatements:
    """What finds the rows that the model cannot score; see snowloop_procedures/unscorable.py.

    Args:
        values: What the statement that scores is rendered with.
    """
    listed = {"stream": None, "checked_rows": f"{UNSCORABLE}#range"}
    return UnscorableStatements(
        list_rows=statement("list_rows", values, UNSCORABLE),
        score_range=statement("score_rows", {**values, **listed}),
        quarantine_row=statement("quarantine_row", values, UNSCORABLE),
        forget_rows=statement("forget_rows", values, UNSCORABLE),
        known_row=statement("known_row", values, UNSCORABLE),
    )


def lock_statements(database: str) -> LockStatements:
    """The statements of the scoring lock; see snowloop_procedures/lock.py."""
    values = {**RUN_VALUES, "database": database}
    return LockStatements(statement("lock_owner", values), statement("acquire_lock", values))


def _tasks(project: Project, named: Names, procedure: str) -> tuple[DesiredTask, ...]:
    """The tasks; a child's fingerprint includes the root's, because replacing the root detaches the child."""
    serving, database = project.serving, named.database
    shared = {"serving": serving, "warehouse": serving.warehouse or project.environment.warehouse}
    condition = f"SYSTEM$STREAM_HAS_DATA({literal(named.stream)})"
    root = _task("root", ROOT, named.root, "", definition=f"CALL {procedure}()", condition=condition, **shared)
    metrics = render("scoring/refresh_metrics.sql", database=database, classes=project.label.classes)
    log = render("scoring/log_runs.sql", database=database, task_names=GRAPH)
    after = {"root": named.root, **shared}
    monitoring = _task("monitoring", MONITORING, named.monitoring, root.comment, definition=metrics, **after)
    return root, monitoring, _task("finalizer", FINALIZER, named.finalizer, root.comment, definition=log, **after)


def _task(kind: str, name: str, quoted: str, after: str, **values: Any) -> DesiredTask:
    template = f"scoring/create_tasks.sql#{kind}"
    comment = f"snowloop {content_hash(render(template, task=quoted, comment='', **values), after)}"
    return DesiredTask(
        name, quoted, render(template, task=quoted, comment=comment, **values), comment, _shown(kind, **values)
    )


def _shown(
    kind: str, *, serving: Serving, warehouse: str, definition: str, condition: str = "", root: str = ""
) -> dict[str, str]:
    """What SHOW TASKS should return for a task."""
    shown = {
        "definition": definition,
        "condition": condition,
        "warehouse": "" if serving.serverless else warehouse,
        "schedule": "",
        "predecessors": root if kind == "monitoring" else "",
        "config": "",
    }
    if kind == "root":
        completion = serving.target_completion if serving.serverless and not serving.schedule else ""
        overlap = "true" if serving.overlap else "false"
        shown |= {"schedule": serving.schedule or "", "target_completion_interval": completion}
        shown["allow_overlapping_execution"] = overlap
    if kind == "finalizer":
        shown["task_relations"] = f'{{"FinalizedRootTask": "{root}"}}'
    return shown
