"""What the scoring loop should be, computed from the declaration alone: files, procedure, stream, tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from snowloop.lifecycle.data.contract import row_fails, row_reason
from snowloop.lifecycle.features.feature import Feature
from snowloop.lifecycle.features.point_in_time import render_features
from snowloop.lifecycle.procedure.code import (
    ARCHIVE,
    ProcedureCode,
    StagedProcedure,
    package_archive,
    snowpark_package,
    staged_procedure,
)
from snowloop.lifecycle.provenance import content_hash
from snowloop.lifecycle.scoring.challenger import challenger_tables, challenger_texts
from snowloop.lifecycle.scoring.names import FINALIZER, GRAPH, MONITORING, ROOT, Names, names
from snowloop.lifecycle.versions import model
from snowloop.project import Project
from snowloop.project.declaration import Serving
from snowloop.sql import identifier, literal, render


@dataclass(frozen=True)
class WantedTask:
    """A task as it should be.

    Args:
        name: Its name.
        quoted: Its quoted, qualified name.
        statement: What makes it.
        comment: The fingerprint that the statement leaves on it.
        shown: What SHOW TASKS should tell of it, by column.
    """

    name: str
    quoted: str
    statement: str
    comment: str
    shown: Mapping[str, str]


@dataclass(frozen=True)
class Wanted:
    """The scoring loop as the declaration wants it.

    Args:
        names: Names of its objects.
        procedure: The scoring procedure.
        files: Names and contents of the procedure's modules.
        stream: What makes the stream.
        other_stream: What makes it of another one, of the other kind, at the same offset.
        baseline: What keeps the keys that the source had when the stream began.
        tables: What makes the tables of a declared challenger, by SCHEMA.NAME.
        tasks: The tasks; the root is the first.
        features: The features that features.sql gives.
    """

    names: Names
    procedure: StagedProcedure
    files: dict[str, bytes]
    stream: str
    other_stream: str
    baseline: str
    tables: dict[str, str]
    tasks: tuple[WantedTask, ...]
    features: tuple[Feature, ...]


def wanted_loop(project: Project, target: str, features: Sequence[Feature]) -> Wanted:
    """Compute the scoring loop; nothing is asked and nothing is sent.

    Args:
        project: The project.
        target: The environment.
        features: The features that the project's features.sql gives.

    Returns:
        The loop.

    Raises:
        ProjectError: if the target is not a plain name.
        jinja2.TemplateError: if features.sql uses a value that is not given.
    """
    named = names(project, target)
    texts = scoring_texts(project, target, features)
    code = ProcedureCode(
        schema="SERVING",
        prefix="SCORE",
        files={
            ARCHIVE: package_archive(),
            "snowloop_statements.py": f"TEXTS = {texts!r}\n".encode(),
        },
        handler="snowloop_procedures.scoring.run",
        packages=snowpark_package(project),
    )
    procedure = staged_procedure(project, target, code)
    stream = {"stream": named.stream, "table": named.table}
    kind = {"comment": stream_comment(project), "corrections": project.serving.corrections, **stream}
    return Wanted(
        names=named,
        procedure=procedure,
        files=dict(code.files),
        stream=render("inference/create_stream.sql", **kind),
        other_stream=render("inference/change_stream.sql", **kind),
        baseline=render("inference/create_baseline.sql", database=named.database, key=project.key, **stream),
        tables=challenger_tables(project, target),
        tasks=_tasks(project, named, procedure.quoted),
        features=tuple(features),
    )


def stream_comment(project: Project) -> str:
    """What the stream says of itself."""
    return f"Snowloop, project {project.name}: its offset is what was scored; never replace it"


def scoring_texts(project: Project, target: str, features: Sequence[Feature], **other: Any) -> dict[str, Any]:
    """The statements of the scoring procedure; what only a run knows is left as <<name>>.

    Args:
        project: The project.
        target: The environment.
        features: The features that features.sql gives.
        other: Values in place of the loop's own: ``stream``, ``row_id`` and ``arrivals`` name other rows to score.

    Returns:
        The texts by name.

    Raises:
        ProjectError: if the target is not a plain name.
    """
    named = names(project, target)
    delta = project.serving.corrections and "stream" not in other
    values = {
        "database": named.database,
        "stream": named.stream,
        "table": named.table,
        "corrections": project.serving.corrections,
        "delta": delta,  # whether the rows to score are the changes that a standard stream tells
        "columns": list(project.streamed.table_columns),
        "key": project.key,
        "fails": row_fails(project),
        "reason": row_reason(project),
        "source": f"RAW.{project.table}",
        "features_sql": render_features(project, target, "CLEAN"),
        "features": features,
        "event_time": project.streamed.event_time,
        "keep_features": project.serving.keep_features,
        "task": project.label.task,
        "classes": project.label.classes,
        "model": model(project, target),
        "version": identifier("<<version>>"),
        "side": None,
        **other,
    }
    note = {"database": named.database, "procedure": ROOT, "model_name": project.model_name}
    return {
        "model": model(project, target),
        "versions": f"SHOW VERSIONS IN MODEL {model(project, target)}",
        "features": [asdict(feature) for feature in features],
        "classes": list(project.label.classes),
        "turn": turn_texts(named.database),
        **({"corrected": render("inference/note_corrections.sql", **values)} if delta else {}),
        "read": render("inference/count_new_rows.sql", **values),
        "quarantined": render("inference/quarantine_new_rows.sql", **values),
        "stop": _stop(project, named.database),
        "scored": render("inference/score_new_rows.sql", **values),
        **({"passing": render("backfill/passing_rows.sql", **values)} if "stream" in other else {}),
        "challenger": challenger_texts(project, target, values),
        "note": render("inference/note_run.sql", failed=False, **note),
        "note_failure": render("inference/note_run.sql", failed=True, **note),
    }


def turn_texts(database: str) -> dict[str, str]:
    """The statements with which a turn is taken; see snowloop_procedures/lock.py."""
    return {
        "holder": render("backfill/holder.sql", database=database),
        "take": render("backfill/take_turn.sql", database=database),
    }


def _stop(project: Project, database: str) -> dict[str, Any] | None:
    """When a run stops because too many of its rows break the contract; None if it never does."""
    bound = project.contract.arriving
    if bound.share == 1:
        return None
    reasons = render("inference/reasons_of_run.sql", database=database)
    return {"share": bound.share, "rows": bound.least, "reasons": reasons}


def _tasks(project: Project, named: Names, procedure: str) -> tuple[WantedTask, ...]:
    """The tasks; a child's fingerprint holds the root's, because replacing the root cuts the child off."""
    serving, database = project.serving, named.database
    shared = {"serving": serving, "warehouse": serving.warehouse or project.environment.warehouse}
    condition = f"SYSTEM$STREAM_HAS_DATA({literal(named.stream)})"
    root = _task("root", ROOT, named.root, "", definition=f"CALL {procedure}()", condition=condition, **shared)
    metrics = render("inference/refresh_metrics.sql", database=database, classes=project.label.classes)
    log = render("inference/log_runs.sql", database=database, task_names=GRAPH)
    after = {"root": named.root, **shared}
    monitoring = _task("monitoring", MONITORING, named.monitoring, root.comment, definition=metrics, **after)
    return root, monitoring, _task("finalizer", FINALIZER, named.finalizer, root.comment, definition=log, **after)


def _task(kind: str, name: str, quoted: str, after: str, **values: Any) -> WantedTask:
    template = f"inference/create_{kind}_task.sql"
    comment = f"snowloop {content_hash(render(template, task=quoted, comment='', **values), after)}"
    statement = render(template, task=quoted, comment=comment, **values)
    return WantedTask(name, quoted, statement, comment, _shown(kind, **values))


def _shown(
    kind: str, *, serving: Serving, warehouse: str, definition: str, condition: str = "", root: str = ""
) -> dict[str, str]:
    """What SHOW TASKS should tell of a task."""
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
